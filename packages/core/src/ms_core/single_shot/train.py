"""A training run from its configuration: data, network, weights, loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from mindspore import nn

from ms_core import device
from ms_core.checkpoint.read import WeightFile, read_weights
from ms_core.config import to_yaml
from ms_core.data.open import open_split
from ms_core.data.sample import DetectionDataset
from ms_core.detection.augment import IMAGENET_MEAN, IMAGENET_STD, single_thread_opencv
from ms_core.detection.losses import SingleShotLoss
from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.evaluation.coco_metrics import STAT_NAMES
from ms_core.nearest import did_you_mean
from ms_core.optim import groups_table
from ms_core.precision import apply_precision
from ms_core.run_folder import RunFolder
from ms_core.schedules import learning_rates
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.detector import Detector
from ms_core.single_shot.evaluate import evaluate
from ms_core.single_shot.network import TrainingNetwork
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.pipeline import Target, TrainingBatches, training_samples
from ms_core.train.config import check as check_train
from ms_core.train.loop import FitResult, fit, require_resumable
from ms_core.train.step import TrainStep

LOSS_PARTS = ("class", "box")


@dataclass(frozen=True, eq=False)
class Splits:
    """The data of a run."""

    train: DetectionDataset
    val: DetectionDataset | None


def train(
    package: DetectorPackage,
    config: SingleShotConfig,
    out: Path,
    *,
    overwrite: bool = False,
    resume: bool = False,
) -> FitResult:
    """Train into the run folder `out`.

    Args:
        package: whose networks.
        config: of the run; with `resume`, that of the run folder.
        out: run folder.
        overwrite: replace the results of a former run in `out`.
        resume: go on with the run in `out`.

    Raises:
        UserError: bad input, named.
        Interrupted: stopped by a signal; `resume` goes on.
    """
    single_thread_opencv()
    _check_settings(config, out, overwrite)
    splits = open_splits(config)
    runtime = device.start(config.device, mode=config.mode, seed=config.seed)
    weights = None if config.weights is None or resume else read_weights(config.weights)
    config = _with_padding(package, config, weights)
    network = package.build_model(
        config.model.name,
        num_classes=len(splits.train.classes) + 1,
        variant=config.model.variant,
        padding=config.model.padding,
        seed=config.seed,
    )
    batches = training_batches(splits.train, network, config, runtime)
    messages = _description(out, splits, network, batches, runtime)
    if weights is not None:
        messages.append(package.load_weights(network, weights).summary())
    step = build_step(network, config, batches, runtime, messages)
    run = RunFolder(out, is_main=runtime.is_main)
    if resume:
        require_resumable(step, batches, config.train, run)
    # Only now: a mistake above costs neither a former run nor the configuration of this one.
    run.create(to_yaml(config), overwrite=overwrite, resume=resume)
    for message in messages:
        run.log(message)
    result = fit(
        step,
        batches,
        config.train,
        run,
        checkpoint_metadata(network, splits.train),
        _evaluation(config, splits.val),
        resume=resume,
        resume_command=f"{package.tool} train --resume {out}",
    )
    draw_training(run)
    return result


def _check_settings(config: SingleShotConfig, out: Path, overwrite: bool) -> None:
    """What can be refused before anything is read.

    Raises:
        UserError: a training setting out of range, a metric nobody measures, weights that --overwrite would remove.
    """
    check_train(config.train)
    known = (*STAT_NAMES, "VOC_AP50") if config.eval.voc_ap50 else STAT_NAMES
    if config.train.best_metric not in known:
        hint = did_you_mean(config.train.best_metric, known) or f" Measured are: {', '.join(known)}."
        raise UserError(f"train.best_metric: {config.train.best_metric!r} is not measured.{hint}")
    if overwrite and config.weights is not None and config.weights.absolute().is_relative_to(out.absolute()):
        raise UserError(
            f"--weights {config.weights}: lies in the run that --overwrite removes. Give another --out."
        )


def draw_training(run: RunFolder) -> None:
    """figures/training.png: loss, learning rate and metrics over the steps, where matplotlib is installed."""
    if run.is_main and find_spec("matplotlib") is not None:
        from ms_core.report import training_figure

        training_figure(run.read_metrics(), run.figures / "training.png")


def open_splits(config: SingleShotConfig) -> Splits:
    """Training and validation data; the validation classes follow the training's, by name.

    Raises:
        UserError: no training data, or a data set that cannot be read.
    """
    train_set = open_split(config.data, "train")
    val_set = None
    if config.data.val is not None:
        val_set = open_split(config.data, "val", train_set.classes)
    return Splits(train_set, val_set)


def training_batches(
    dataset: DetectionDataset, network: nn.Cell, config: SingleShotConfig, runtime: Runtime
) -> TrainingBatches:
    """Every batch of the run, for this rank."""
    return TrainingBatches(
        training_samples(dataset, config.input),
        Target(network.anchors, network.input_size, network.prior_scaling),
        config.input,
        batch_size=config.train.batch_size,
        epochs=config.train.epochs,
        seed=config.seed,
        rank=runtime.rank,
        world_size=runtime.world_size,
    )


def build_step(
    network: nn.Cell,
    config: SingleShotConfig,
    batches: TrainingBatches,
    runtime: Runtime,
    messages: list[str],
) -> TrainStep:
    """The training step of a run, to be compiled at its first batch; what was decided is added to `messages`."""
    precision = apply_precision(network, config.precision.mode, runtime)
    if precision.notice:
        messages.append(precision.notice)
    alpha = network.loss_alpha if config.loss.alpha is None else config.loss.alpha
    loss = SingleShotLoss(alpha, config.loss.gamma, network.loss_loc_reduce)
    step = TrainStep(
        TrainingNetwork(network, loss),
        lr=learning_rates(
            config.schedule, epochs=config.train.epochs, steps_per_epoch=batches.steps_per_epoch
        ),
        optimizer=config.optimizer,
        loss_scale=config.loss_scale.resolve(precision.mode),
        clip_norm=config.train.clip_norm,
        accumulate=config.train.accumulate,
        ema_decay=config.train.ema_decay,
        parts=LOSS_PARTS,
        runtime=runtime,
        seed=config.seed,
    )
    frozen = [p for p in network.get_parameters() if not p.requires_grad and "moving_" not in p.name]
    messages.append(groups_table(step.rules, frozen))
    return step


def checkpoint_metadata(network: nn.Cell, dataset: DetectionDataset) -> dict[str, Any]:
    """What a checkpoint says of itself, so that nobody has to remember it."""
    return {
        "model": network.model_name,
        "variant": network.variant,
        "padding": network.padding,
        "num_classes": network.num_classes,
        "classes": list(dataset.classes),
        "category_ids": list(dataset.category_ids),
        "input_size": list(network.input_size),
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
    }


def _with_padding(
    package: DetectorPackage, config: SingleShotConfig, weights: WeightFile | None
) -> SingleShotConfig:
    """Decide `padding: auto` by the weights; the configuration of a run that is resumed has it decided already."""
    if config.model.padding != "auto":
        return config
    padding = "same" if weights is None else package.padding_of(weights)
    return replace(config, model=replace(config.model, padding=padding))  # type: ignore[arg-type]


def _description(
    out: Path, splits: Splits, network: nn.Cell, batches: TrainingBatches, runtime: Runtime
) -> list[str]:
    """The first lines of the log."""
    lines = []
    for name, dataset in (("train", splits.train), ("val", splits.val)):
        if dataset is not None:
            lines.append(f"{name}: {len(dataset)} images, {dataset.box_count} boxes, {dataset.source}")
            lines.extend(f"  note: {note}" for note in dataset.notes)
    lines.append(f"classes: {', '.join(splits.train.classes)}")
    lines.append(
        f"{network.model_name} ({network.variant}, padding {network.padding}) on {runtime}; "
        f"{batches.epochs} epochs x {batches.steps_per_epoch} steps x {batches.batch_size} images; {out}"
    )
    return lines


def _evaluation(
    config: SingleShotConfig, val_set: DetectionDataset | None
) -> Callable[[nn.Cell], Mapping[str, float]] | None:
    """What the loop calls to measure the network while it trains.

    Every rank evaluates everything: no rank waits for another, and all of them see the same numbers.
    """
    if val_set is None:
        return None
    detectors: list[Detector] = []  # made once, so that the inference graph is compiled once

    def measure(training_network: nn.Cell) -> Mapping[str, float]:
        if not detectors:
            detectors.append(Detector(training_network.network, config.postprocess, config.eval.batch_size))
        metrics = evaluate(detectors[0], val_set, config.eval, workers=config.train.workers)
        return metrics.scalars()

    return measure
