"""The training step of a run from its configuration: precision, normalisations, schedule, optimiser, loss scale."""

from __future__ import annotations

from collections.abc import Sequence

from mindspore import Parameter, nn

from ms_core.checkpoint.weight_file import TRAINING_PREFIX
from ms_core.device import Runtime
from ms_core.networks.sync_batch_norm import synchronise_norms
from ms_core.optim import freeze_norms, groups_table
from ms_core.precision import apply_precision
from ms_core.schedules import learning_rates
from ms_core.train.config import TrainConfig
from ms_core.train.run_config import RunConfig
from ms_core.train.step import TrainStep
from ms_core.train.transfer import with_backbone_prefixes

_NO_WEIGHTS = ("moving_", TRAINING_PREFIX)
"""Parts of the names of parameters that are no weights: statistics, and the step counter that dropout draws by."""


def build_step(
    network: nn.Cell,
    training_network: nn.Cell,
    config: RunConfig,
    *,
    steps_per_epoch: int,
    parts: Sequence[str] = (),
    runtime: Runtime,
    messages: list[str],
) -> TrainStep:
    """The training step of a run, to be compiled at its first batch; what was decided is added to `messages`.

    Args:
        network: what is trained; it carries `backbone_prefixes`.
        training_network: `network` with its loss.
        config: of the run.
        steps_per_epoch: steps of one pass over the data.
        parts: names of the parts of the loss.
        runtime: of the process.
        messages: for the log.

    Raises:
        UserError: a setting out of range, or one that the device or the network does not have.
    """
    precision = apply_precision(network, config.precision.mode, runtime)
    if precision.notice:
        messages.append(precision.notice)
    messages += _set_norms(network, config.train, runtime)
    step = TrainStep(
        training_network,
        lr=learning_rates(
            config.schedule,
            epochs=config.train.epochs,
            steps_per_epoch=steps_per_epoch,
            iterations=config.train.iterations,
            accumulate=config.train.accumulate,
        ),
        optimizer=with_backbone_prefixes(config.optimizer, network),
        loss_scale=config.loss_scale.resolve(precision.mode),
        clip_norm=config.train.clip_norm,
        accumulate=config.train.accumulate,
        ema_decay=config.train.ema_decay,
        parts=parts,
        runtime=runtime,
        seed=config.seed,
    )
    messages.append(groups_table(step.rules, _frozen(network)))
    return step


def _set_norms(network: nn.Cell, config: TrainConfig, runtime: Runtime) -> list[str]:
    """Freeze or synchronise batch normalisations as asked; returns what to say about it."""
    if config.freeze_norm:
        return [f"{freeze_norms(network)} batch normalisations keep their moving statistics"]
    if config.sync_batch_norm and runtime.world_size > 1:
        return [f"{synchronise_norms(network, runtime.world_size)} batch normalisations are synchronised"]
    return []


def _frozen(network: nn.Cell) -> list[Parameter]:
    frozen = [p for p in network.get_parameters() if not p.requires_grad]
    return [p for p in frozen if not any(part in p.name for part in _NO_WEIGHTS)]
