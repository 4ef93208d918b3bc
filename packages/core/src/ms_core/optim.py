"""Optimiser settings and parameter groups: who decays, who learns faster, who is frozen.

The update rules themselves are compiled with the training step (`ms_core.train.updates`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from ms_core.errors import UserError

if TYPE_CHECKING:
    from mindspore import Parameter, nn


@dataclass(frozen=True)
class OptimizerConfig:
    name: Literal["momentum", "sgd", "adamw", "adam-weight-decay"] = "momentum"
    """momentum: v = m*v + g + wd*p, p -= lr*v; sgd: the same with m = 0; adamw: decoupled decay; adam-weight-decay:
    adamw without bias correction, as MindSpore's optimiser of that name."""
    momentum: float = 0.9
    """Share of the last update that is kept, 0-1 (momentum only)."""
    beta1: float = 0.9
    """Decay of AdamW's first moment, 0-1."""
    beta2: float = 0.999
    """Decay of AdamW's second moment, 0-1."""
    eps: float = 1e-8
    """Added to AdamW's denominator, > 0."""
    weight_decay: float = 1e-4
    """Share of each weight added to its gradient (AdamW: taken off the weight), >= 0."""
    decay_norms: bool = False
    """Decay the scale and shift of normalisations too."""
    decay_biases: bool = True
    """Decay biases too (the old SSD zoo did)."""
    bias_weight_decay: float | None = None
    """Weight decay of the biases that decay, >= 0; null: weight_decay."""
    lr_multipliers: dict[str, float] = field(default_factory=dict)
    """Part of a parameter name -> factor on its learning rate, >= 0; the longest part that occurs counts."""
    freeze: tuple[str, ...] = ()
    """Beginnings of the names of parameters that keep their values; the word `backbone` stands for those that a
    classification network of the same architecture has too."""
    freeze_statistics: bool = True
    """Frozen normalisations also keep, and use, their moving statistics."""


@dataclass(frozen=True, eq=False)
class ParameterRule:
    """What the optimiser does with one parameter."""

    parameter: Parameter
    lr_multiplier: float
    weight_decay: float


def check(config: OptimizerConfig) -> None:
    """Raise UserError, naming the field, where a value is out of its range."""
    ranges = {
        "momentum": 0 <= config.momentum < 1,
        "beta1": 0 <= config.beta1 < 1,
        "beta2": 0 <= config.beta2 < 1,
        "eps": config.eps > 0,
        "weight_decay": config.weight_decay >= 0,
        "bias_weight_decay": config.bias_weight_decay is None or config.bias_weight_decay >= 0,
    }
    for name, within in ranges.items():
        if not within:
            raise UserError(f"optimizer.{name}: {getattr(config, name)} is out of range.")
    if config.bias_weight_decay is not None and not config.decay_biases:
        raise UserError(
            "optimizer.bias_weight_decay: with decay_biases false no bias decays. Drop one of them."
        )
    for part, factor in config.lr_multipliers.items():
        if not factor >= 0:
            raise UserError(f"optimizer.lr_multipliers: {part}: {factor} is not >= 0.")


def freeze(network: nn.Cell, prefixes: Sequence[str], *, statistics: bool = True) -> list[str]:
    """Exclude parameters from training; to be called before the training step is built.

    Args:
        network: whose parameters are frozen.
        prefixes: beginnings of parameter names.
        statistics: normalisations below these prefixes normalise with their moving statistics and keep them.

    Returns:
        Names of the frozen parameters.

    Raises:
        UserError: a prefix that no parameter begins with.
    """
    frozen = [p for p in network.get_parameters() if p.name.startswith(tuple(prefixes))]
    for prefix in prefixes:
        if not any(p.name.startswith(prefix) for p in frozen):
            raise _no_match("optimizer.freeze", prefix, network)
    for parameter in frozen:
        parameter.requires_grad = False
    if statistics:
        _keep_statistics(network, {p.name for p in frozen})
    return [p.name for p in frozen]


def freeze_norms(network: nn.Cell) -> int:
    """Let every batch normalisation use, and keep, its moving statistics in training; scale and shift still learn.

    For batches too small for statistics of their own; to be called before the training step is built.

    Returns:
        Number of normalisations.
    """
    norms = [cell for _, cell in network.cells_and_names() if hasattr(cell, "use_batch_statistics")]
    for norm in norms:
        norm.use_batch_statistics = False
    return len(norms)


def _keep_statistics(network: nn.Cell, frozen: set[str]) -> None:
    for _, cell in network.cells_and_names():
        if hasattr(cell, "use_batch_statistics") and cell.moving_mean.name in frozen:
            cell.use_batch_statistics = False


def parameter_rules(network: nn.Cell, config: OptimizerConfig) -> list[ParameterRule]:
    """The rule of every trainable parameter, in the network's order.

    Raises:
        UserError: nothing is trainable, or a part in `lr_multipliers` that occurs in no name.
    """
    check(config)
    trainable = network.trainable_params()
    if not trainable:
        raise UserError("optimizer.freeze: every parameter is frozen, so there is nothing to train.")
    for part in config.lr_multipliers:
        if not any(part in p.name for p in trainable):
            raise _no_match("optimizer.lr_multipliers", part, network)
    multipliers = config.lr_multipliers
    return [
        ParameterRule(p, _multiplier(p.name, multipliers), _weight_decay(p.name, config)) for p in trainable
    ]


def _multiplier(name: str, multipliers: Mapping[str, float]) -> float:
    parts = [part for part in multipliers if part in name]
    return float(multipliers[max(parts, key=len)]) if parts else 1.0


def _weight_decay(name: str, config: OptimizerConfig) -> float:
    """MindSpore calls the scale and shift of every normalisation gamma and beta."""
    leaf = name.rsplit(".", 1)[-1]
    if leaf in ("gamma", "beta"):
        return float(config.weight_decay) if config.decay_norms else 0.0
    if leaf != "bias":
        return float(config.weight_decay)
    own = config.weight_decay if config.bias_weight_decay is None else config.bias_weight_decay
    return float(own) if config.decay_biases else 0.0


def _no_match(field_name: str, text: str, network: nn.Cell) -> UserError:
    tops = sorted({name.split(".", 1)[0] for name in network.parameters_dict()})
    return UserError(
        f"{field_name}: no parameter to train matches {text!r}. Names begin with: {', '.join(tops)}."
    )


def groups_table(rules: Sequence[ParameterRule], frozen: Sequence[Parameter] = ()) -> str:
    """One line a group of parameters: factor on the learning rate, decay, tensors, values, an example."""
    groups: dict[tuple[str, str], list[Parameter]] = {}
    for rule in rules:
        groups.setdefault((f"{rule.lr_multiplier:g}", f"{rule.weight_decay:g}"), []).append(rule.parameter)
    if frozen:
        groups["frozen", "-"] = list(frozen)
    lines = [f"{'lr x':>8} {'decay':>8} {'tensors':>8} {'values':>12}  for example"]
    for (multiplier, decay), members in groups.items():
        values = sum(p.size for p in members)
        lines.append(f"{multiplier:>8} {decay:>8} {len(members):>8} {values:>12,}  {members[0].name}")
    return "\n".join(lines)
