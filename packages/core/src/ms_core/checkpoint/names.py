"""Name maps between frameworks, as data: regular expressions, prefixes, leaves of batch norm layers."""

import re
from collections.abc import Mapping, Sequence
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
"""torch -> MindSpore: parameters of batch norm layers."""

TORCH_COUNTER = "num_batches_tracked"
"""torch's BatchNorm counts its batches; MindSpore's does not."""


@dataclass(frozen=True)
class Rule:
    """One line of a name map."""

    pattern: str
    """Regular expression that must match the whole name."""
    replacement: str
    """New name with `\\1`-style groups."""


def prefix(old: str, new: str) -> Rule:
    """Names that start with `old` start with `new` instead; dots are literal."""
    return Rule(re.escape(old) + "(.*)", new.replace("\\", r"\\") + r"\1")


def rename(arrays: Arrays, rules: Sequence[Rule]) -> dict[str, np.ndarray]:
    """Give each array the name its first matching rule makes; names without a rule stay.

    Raises:
        UserError: two arrays would get one name.
    """
    compiled = [(re.compile(rule.pattern), rule.replacement) for rule in rules]
    renamed: dict[str, np.ndarray] = {}
    for name, array in arrays.items():
        new = _new_name(name, compiled)
        if new in renamed:
            raise UserError(
                f"{printable(name)}: a second array for {printable(new)}. The file mixes two naming styles."
            )
        renamed[new] = array
    return renamed


def _new_name(name: str, rules: Sequence[tuple[re.Pattern[str], str]]) -> str:
    for pattern, replacement in rules:
        if match := pattern.fullmatch(name):
            return match.expand(replacement)
    return name


def batch_norm_to_mindspore(arrays: Arrays) -> dict[str, np.ndarray]:
    """Translate the leaves of batch norm layers from torch to MindSpore; leave torch's counters out.

    Args:
        arrays: torch names; the modules with a `running_var` are the batch norms.
    """
    norms = {name.rpartition(".")[0] for name in arrays if name.rpartition(".")[2] == "running_var"}
    renamed = {}
    for name, array in arrays.items():
        module, dot, leaf = name.rpartition(".")
        if leaf == TORCH_COUNTER:
            continue
        leaf = NORM_LEAVES.get(leaf, leaf) if module in norms else leaf
        renamed[f"{module}{dot}{leaf}"] = array
    return renamed
