"""What a training run starts from: which file fills which part of the network, and what stays at its initial values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from ms_core.checkpoint.coverage import LoadReport
from ms_core.checkpoint.read import WeightFile, read_weights
from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.optim import OptimizerConfig
from ms_core.train.run_config import RunConfig

if TYPE_CHECKING:
    import numpy as np
    from mindspore import nn

Load = Callable[["nn.Cell", WeightFile], LoadReport]
"""`load_weights` of a model package."""

BACKBONE = "backbone"
"""Word of `optimizer.freeze` that stands for the network's `backbone_prefixes`."""
_OLD_PREFIX = "network."


@dataclass(frozen=True, eq=False)
class StartFiles:
    """The files of a new run, read."""

    backbone: WeightFile | None = None
    """Of `backbone_weights`, loaded first."""
    network: WeightFile | None = None
    """Of `weights`."""

    @property
    def leading(self) -> WeightFile | None:
        """The one whose padding the network takes."""
        return self.network or self.backbone


def check_transfer(config: RunConfig, out: Path, overwrite: bool) -> None:
    """
    Args:
        config: of the run.
        out: its folder.
        overwrite: replace the results of a former run in `out`.

    Raises:
        UserError: parts of weights are left out, but there are no weights; or `overwrite` would remove a file.
    """
    for name, file in (("weights", config.weights), ("backbone-weights", config.backbone_weights)):
        if overwrite and file is not None and file.absolute().is_relative_to(out.absolute()):
            raise UserError(f"--{name} {file}: lies in the run that --overwrite removes. Give another --out.")
    for option, given in (("weights_filter", config.weights_filter), ("reset_head", config.reset_head)):
        if given and config.weights is None:
            raise UserError(f"{option}: there are no weights to leave anything out of. Pass --weights FILE.")


def read_start_files(config: RunConfig) -> StartFiles:
    """
    Raises:
        UserError: a file that is not there or cannot be read.
    """
    paths = (config.backbone_weights, config.weights)
    return StartFiles(*(None if path is None else read_weights(path) for path in paths))


def load_start(
    load: Load,
    network: nn.Cell,
    config: RunConfig,
    files: StartFiles,
    *,
    load_backbone: Load | None = None,
) -> list[LoadReport]:
    """Fill `network` from the files: the backbone's first, then the whole one.

    Prediction layers for another class count never fit; they keep their initial values, as the report says.

    Args:
        load: fills a network of the package from a file.
        network: with initial values.
        config: says what is left out.
        files: from `read_start_files`.
        load_backbone: fills the backbone alone; None: `load` does, and what else it filled is put back.

    Raises:
        UserError: a file of which nothing fits or remains, or a filter that no parameter's name has.
    """
    reports = []
    if files.backbone is not None:
        reports.append(_load_backbone(load_backbone or load, network, files.backbone))
    if files.network is not None:
        left_out = filtered(network.parameters_dict(), config.weights_filter)
        if config.reset_head:
            left_out |= {name for name in network.parameters_dict() if name.startswith(network.head_prefixes)}
        reports.append(_load_all_but(load, network, files.network, left_out))
    return reports


def filtered(names: Iterable[str], parts: Sequence[str]) -> set[str]:
    """The names in which one of `parts` occurs, with or without the `network.` that the old zoo put before them.

    Raises:
        UserError: a part that occurs in none, with names like it.
    """
    names = list(names)
    found: set[str] = set()
    for part in parts:
        hits = {name for name in names if part in _OLD_PREFIX + name}
        if not hits:
            words = dict.fromkeys(word for name in names for word in (name, *name.split(".")))
            hint = did_you_mean(part.removeprefix(_OLD_PREFIX), words)
            raise UserError(f"weights_filter: no parameter's name has {part!r} in it.{hint}")
        found |= hits
    return found


def with_backbone_prefixes(optimizer: OptimizerConfig, network: nn.Cell) -> OptimizerConfig:
    """The same, with the word `backbone` in `freeze` replaced by the beginnings it stands for."""
    if BACKBONE not in optimizer.freeze:
        return optimizer
    others = tuple(prefix for prefix in optimizer.freeze if prefix != BACKBONE)
    return replace(optimizer, freeze=(*network.backbone_prefixes, *others))


def _load_backbone(load: Load, network: nn.Cell, file: WeightFile) -> LoadReport:
    """A classification file fills all that its source covers; of a whole detector only the backbone is taken."""
    prefixes = tuple(network.backbone_prefixes)
    before = _values(network, [name for name in network.parameters_dict() if not name.startswith(prefixes)])
    report = load(network, file)
    if not report.covers:
        report = _put_back(network, report, before)
    if not any(name.startswith(prefixes) for name in report.matched):
        raise UserError(
            f"{file.path}: nothing in it fits the backbone of {network.model_name} ({', '.join(prefixes)}). "
            "Give --backbone-weights a file of this backbone."
        )
    return report


def _load_all_but(load: Load, network: nn.Cell, file: WeightFile, left_out: set[str]) -> LoadReport:
    before = _values(network, left_out)
    report = _put_back(network, load(network, file), before)
    if not report.matched:
        raise UserError(
            f"{file.path}: weights_filter leaves nothing of it. Name fewer parts, or drop --weights."
        )
    return report


def _values(network: nn.Cell, names: Iterable[str]) -> dict[str, np.ndarray]:
    parameters = network.parameters_dict()
    return {name: parameters[name].asnumpy().copy() for name in names}


def _put_back(network: nn.Cell, report: LoadReport, before: dict[str, np.ndarray]) -> LoadReport:
    """Undo the loading of these parameters: the loading itself knows no parts."""
    from mindspore import Tensor

    parameters = network.parameters_dict()
    kept = [name for name in report.matched if name in before]
    for name in kept:
        parameters[name].set_data(Tensor(before[name], parameters[name].dtype))
    matched = [name for name in report.matched if name not in before]
    return replace(report, matched=matched, kept=kept)
