"""Name maps between frameworks, as data: regular expressions, prefixes, leaves of normalisation layers."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ms_core.checkpoint.elements import printable
from ms_core.errors import UserError

Arrays = Mapping[str, np.ndarray]

NORM_LEAVES = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}
"""torch -> MindSpore: parameters of normalisation layers. LayerNorm has the first two."""

TORCH_COUNTER = "num_batches_tracked"
"""torch's BatchNorm counts its batches; MindSpore's does not."""


@dataclass(frozen=True)
class Rule:
    """One line of a name map."""

    pattern: str
    """Regular expression that must match the whole name."""
    replacement: str | None
    """New name with `\\1`-style groups; None leaves the array out."""


def prefix(old: str, new: str) -> Rule:
    """Names that start with `old` start with `new` instead; dots are literal."""
    return Rule(re.escape(old) + "(.*)", new.replace("\\", r"\\") + r"\1")


def drop(pattern: str) -> Rule:
    """Leave arrays out."""
    return Rule(pattern, None)


def rename(arrays: Arrays, rules: Sequence[Rule]) -> dict[str, np.ndarray]:
    """Give each array the name its first matching rule makes; names without a rule stay.

    Raises:
        UserError: two arrays would get one name.
    """
    compiled = [(re.compile(rule.pattern), rule.replacement) for rule in rules]
    renamed: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        new = _new_name(name, compiled)
        if new is None:
            continue
        if new in renamed:
            raise UserError(
                f"{printable(name)}: a second array for {printable(new)}. The file mixes two naming styles."
            )
        renamed[new] = array
    return renamed


def _new_name(name: str, rules: Sequence[tuple[re.Pattern[str], str | None]]) -> str | None:
    for pattern, replacement in rules:
        if match := pattern.fullmatch(name):
            return None if replacement is None else match.expand(replacement)
    return name


def strip_common_prefix(arrays: Arrays, common: str) -> dict[str, np.ndarray]:
    """Remove a prefix that every name has (torch's DataParallel: `module.`); else leave all names alone."""
    if not all(name.startswith(common) for name in arrays):
        return dict(arrays)
    return {name.removeprefix(common): array for name, array in arrays.items()}


def batch_norm_to_mindspore(
    arrays: Arrays, *, is_norm: Callable[[str], bool] = lambda module: False
) -> dict[str, np.ndarray]:
    """Translate the leaves of normalisation layers from torch to MindSpore; leave torch's counters out.

    Args:
        arrays: torch names.
        is_norm: module name -> whether its `weight` and `bias` are scale and shift although it has no running
            statistics (LayerNorm, GroupNorm). Modules with a `running_var` are recognised without it.
    """
    with_statistics = _modules_with(arrays, "running_var")
    renamed = {}
    for name, array in arrays.items():
        module, _, leaf = name.rpartition(".")
        if leaf == TORCH_COUNTER:
            continue
        if module in with_statistics or (leaf in NORM_LEAVES and is_norm(module)):
            leaf = NORM_LEAVES.get(leaf, leaf)
        renamed[f"{module}.{leaf}" if module else leaf] = array
    return renamed


def batch_norm_to_torch(arrays: Arrays) -> dict[str, np.ndarray]:
    """The inverse of `batch_norm_to_mindspore`: gamma and beta have no other meaning in MindSpore."""
    leaves = {mindspore: torch for torch, mindspore in NORM_LEAVES.items()}
    renamed = {}
    for name, array in arrays.items():
        module, dot, leaf = name.rpartition(".")
        renamed[f"{module}{dot}{leaves.get(leaf, leaf)}"] = array
    return renamed


def _modules_with(arrays: Arrays, leaf: str) -> set[str]:
    return {name.rpartition(".")[0] for name in arrays if name.rpartition(".")[2] == leaf}
