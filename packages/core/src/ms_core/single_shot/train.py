"""A training run from its configuration: data, network, weights, loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mindspore import nn

from ms_core.checkpoint.weight_file import WeightFile
from ms_core.data.network_input import IMAGENET_MEAN, IMAGENET_STD
from ms_core.data.record_cache import has_split, open_cached_split
from ms_core.data.sample import DetectionDataset
from ms_core.data.summary import split_lines, write_data_summary
from ms_core.detection.losses import SingleShotLoss
from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.evaluation.coco_metrics import STAT_NAMES
from ms_core.run_folder import RunFolder
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.detector import Detector
from ms_core.single_shot.evaluate import evaluate
from ms_core.single_shot.network import TrainingNetwork
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.pipeline import Target, TrainingBatches, training_samples
from ms_core.train import build
from ms_core.train.loop import FitResult
from ms_core.train.order import batch_order
from ms_core.train.run import check_run, start_run, train_into
from ms_core.train.step import TrainStep
from ms_core.train.transfer import (
    StartFiles,
    load_start,
    read_start_files,
)

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
    check_run(config, (*STAT_NAMES, "VOC_AP50") if config.eval.voc_ap50 else STAT_NAMES, out, overwrite)
    splits = open_splits(config)
    runtime = start_run(config)
    files = StartFiles() if resume else read_start_files(config)
    config = with_padding(package, config, files.leading)
    network = build_network(package, config, len(splits.train.classes) + 1)
    batches = training_batches(splits.train, network, config, runtime)
    messages = _description(out, splits, network, batches, runtime)
    messages += [report.summary() for report in load_start(package.load_weights, network, config, files)]
    step = build_step(network, config, batches, runtime, messages)
    return train_into(
        out,
        step,
        batches,
        config,
        tool=package.tool,
        metadata=checkpoint_metadata(network, splits.train),
        describe=partial(_describe, splits=splits, input_size=network.input_size, messages=messages),
        evaluate=_evaluation(config, splits.val),
        overwrite=overwrite,
        resume=resume,
    )


def _describe(run: RunFolder, splits: Splits, input_size: tuple[int, int], messages: Sequence[str]) -> None:
    """Write down what the run works with."""
    if run.is_main:
        write_data_summary(run.data_path, vars(splits), input_size)
    for message in messages:
        run.log(message)


def open_splits(config: SingleShotConfig) -> Splits:
    """Training and validation data; the validation classes follow the training's, by name.

    Raises:
        UserError: no training data, or a data set that cannot be read.
    """
    train_set = open_cached_split(config.data, "train")
    val_set = None
    if has_split(config.data, "val"):
        val_set = open_cached_split(config.data, "val", train_set.classes)
    return Splits(train_set, val_set)


def build_network(package: DetectorPackage, config: SingleShotConfig, num_classes: int) -> nn.Cell:
    """The network of a configuration whose padding is decided, with initial weights; the background is a class."""
    return package.build_model(
        config.model.name,
        num_classes=num_classes,
        variant=config.model.variant,
        padding=config.model.padding,
        seed=config.seed,
        **package.options(config.model),
    )


def training_batches(
    dataset: DetectionDataset, network: nn.Cell, config: SingleShotConfig, runtime: Runtime
) -> TrainingBatches:
    """Every batch of the run, for this rank."""
    samples = training_samples(dataset, config.input)
    return TrainingBatches(
        samples,
        Target(network.anchors, network.input_size, network.prior_scaling),
        config.input,
        batch_order(len(samples), config.train, config.seed, runtime),
        dataset.encoded,
    )


def build_step(
    network: nn.Cell,
    config: SingleShotConfig,
    batches: TrainingBatches,
    runtime: Runtime,
    messages: list[str],
) -> TrainStep:
    """The training step of a run, to be compiled at its first batch; what was decided is added to `messages`."""
    _require_variance(network, config, runtime)
    alpha = network.loss_alpha if config.loss.alpha is None else config.loss.alpha
    loss = SingleShotLoss(alpha, config.loss.gamma, network.loss_loc_reduce, runtime.world_size)
    return build.build_step(
        network,
        TrainingNetwork(network, loss),
        config,
        steps_per_epoch=batches.steps_per_epoch,
        parts=LOSS_PARTS,
        runtime=runtime,
        messages=messages,
    )


def _require_variance(network: nn.Cell, config: SingleShotConfig, runtime: Runtime) -> None:
    """
    Raises:
        UserError: a batch so small that a normalisation would take the variance of one number, which overflows.
    """
    together = runtime.world_size if config.train.sync_batch_norm else 1
    alone = config.train.batch_size * together == 1 and not config.train.freeze_norm
    if network.normalises_one_cell and alone:
        raise UserError(
            f"train.batch_size: the coarsest map of {network.model_name} is one cell, so one image has no variance to "
            "normalise by. Use --train.batch-size 2 or more, or --train.freeze-norm true."
        )


def checkpoint_metadata(network: nn.Cell, dataset: DetectionDataset) -> dict[str, Any]:
    """What a checkpoint says of itself, so that nobody has to remember it."""
    return {
        "model": network.model_name,
        "variant": network.variant,
        "padding": network.padding,
        **network.options,
        "num_classes": network.num_classes,
        "classes": list(dataset.classes),
        "category_ids": list(dataset.category_ids),
        "input_size": list(network.input_size),
        "mean": list(IMAGENET_MEAN),
        "std": list(IMAGENET_STD),
    }


def with_padding(
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
    lines = split_lines(vars(splits))
    lines.append(f"classes: {', '.join(splits.train.classes)}")
    lines.append(
        f"{network.model_name} ({network.variant}, padding {network.padding}) on {runtime}; "
        f"{batches.order}; {out}"
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
