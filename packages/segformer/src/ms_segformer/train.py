"""A training run from its configuration: data, network, weights, loop."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from mindspore import nn
from ms_core.checkpoint.weight_file import WeightFile
from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.evaluation.semantic import SCALARS
from ms_core.run_folder import RunFolder
from ms_core.segmentation.open import has_split, open_split
from ms_core.segmentation.sample import SegmentationDataset
from ms_core.segmentation.summary import absent_classes, data_summary, write_data_summary
from ms_core.train.build import build_step
from ms_core.train.loop import FitResult
from ms_core.train.order import batch_order
from ms_core.train.run import check_run, start_run, train_into
from ms_core.train.step import TrainStep
from ms_core.train.transfer import StartFiles, load_start, read_start_files

from ms_segformer.config import InferenceConfig, SegFormerConfig
from ms_segformer.evaluate import evaluate
from ms_segformer.losses import SegmentationLoss
from ms_segformer.models import build_model
from ms_segformer.pipeline import TrainingBatches
from ms_segformer.segformer import SegFormer
from ms_segformer.segmenter import Segmenter
from ms_segformer.training_network import TrainingNetwork
from ms_segformer.weights import (
    decoder_width_of,
    in_our_names,
    load_encoder,
    load_weights,
    model_metadata,
)


@dataclass(frozen=True, eq=False)
class Splits:
    """The data of a run."""

    train: SegmentationDataset
    val: SegmentationDataset | None


def train(config: SegFormerConfig, out: Path, *, overwrite: bool = False, resume: bool = False) -> FitResult:
    """Train into the run folder `out`.

    Args:
        config: of the run; with `resume`, that of the run folder.
        out: run folder.
        overwrite: replace the results of a former run in `out`.
        resume: go on with the run in `out`.

    Raises:
        UserError: bad input, named.
        Interrupted: stopped by a signal; `resume` goes on.
    """
    check_run(config, SCALARS, out, overwrite)
    splits = open_splits(config)
    runtime = start_run(config)
    files = StartFiles() if resume else _start_files(config)
    config = with_decoder_width(config, files.network)
    network = build_network(config, len(splits.train.classes))
    batches = training_batches(splits.train, config, runtime)
    messages = _description(out, splits, network, batches, runtime)
    reports = load_start(load_weights, network, config, files, load_backbone=load_encoder)
    messages += [report.summary() for report in reports]
    step = training_step(network, config, batches, runtime, messages)
    # All masks that it reads are read before a former run may be replaced.
    summary = data_summary(vars(splits), config.input.crop) if runtime.is_main else None
    return train_into(
        out,
        step,
        batches,
        config,
        tool="ms-segformer",
        metadata=model_metadata(network, splits.train.classes, splits.train.palette.tolist()),
        describe=partial(_describe, summary=summary, messages=messages),
        evaluate=_evaluation(config, splits.val, runtime),
        overwrite=overwrite,
        resume=resume,
    )


def open_splits(config: SegFormerConfig) -> Splits:
    """Training and validation data; the validation classes follow the training's, by name.

    Raises:
        UserError: no training data, only one class, or a data set that cannot be read.
    """
    train_set = open_split(config.data, "train")
    if len(train_set.classes) == 1:
        raise UserError(
            f"{train_set.source}: one class, {train_set.classes[0]}, leaves nothing to tell apart. Name the others too "
            "in data.classes, the background for example."
        )
    val_set = open_split(config.data, "val", train_set.classes) if has_split(config.data, "val") else None
    return Splits(train_set, val_set)


def _start_files(config: SegFormerConfig) -> StartFiles:
    """The files of a new run, read and translated.

    Raises:
        UserError: a file that is not there or cannot be read.
    """
    files = read_start_files(config)
    return StartFiles(*(file and in_our_names(file) for file in (files.backbone, files.network)))


def with_decoder_width(config: SegFormerConfig, weights: WeightFile | None) -> SegFormerConfig:
    """Take the decoder's width from the whole network's weights where the configuration leaves it open."""
    if config.model.decoder_width is not None or weights is None:
        return config
    return replace(config, model=replace(config.model, decoder_width=decoder_width_of(weights)))


def build_network(config: SegFormerConfig, num_classes: int) -> SegFormer:
    """The network of a configuration, with initial weights."""
    return build_model(
        config.model.name,
        num_classes,
        decoder_width=config.model.decoder_width,
        drop_path=config.model.drop_path,
        dropout=config.model.dropout,
        seed=config.seed,
    )


def training_batches(
    dataset: SegmentationDataset, config: SegFormerConfig, runtime: Runtime
) -> TrainingBatches:
    """Every batch of the run, for this rank.

    Raises:
        UserError: fewer pictures than one batch for every rank.
    """
    order = batch_order(len(dataset), config.train, config.seed, runtime)
    return TrainingBatches(dataset, config.input, order, config.seed)


def training_step(
    network: SegFormer,
    config: SegFormerConfig,
    batches: TrainingBatches,
    runtime: Runtime,
    messages: list[str],
) -> TrainStep:
    """The training step of a run, to be compiled at its first batch; what was decided is added to `messages`."""
    loss = SegmentationLoss(network.num_classes, config.loss, runtime.world_size)
    return build_step(
        network,
        TrainingNetwork(network, loss),
        config,
        steps_per_epoch=batches.steps_per_epoch,
        runtime=runtime,
        messages=messages,
    )


def _describe(run: RunFolder, summary: Mapping[str, Any] | None, messages: Sequence[str]) -> None:
    """Write down what the run works with; the main rank has a summary of the data."""
    for message in messages:
        run.log(message)
    if summary is not None:
        write_data_summary(run.data_path, summary)
        for warning in absent_classes(summary):
            run.log(warning)


def _description(
    out: Path, splits: Splits, network: SegFormer, batches: TrainingBatches, runtime: Runtime
) -> list[str]:
    """The first lines of the log."""
    lines = []
    for name, dataset in (("train", splits.train), ("val", splits.val)):
        if dataset is not None:
            lines.append(f"{name}: {len(dataset)} images, {dataset.source}")
            lines.extend(f"  note: {note}" for note in dataset.notes)
    lines.append(f"classes: {', '.join(splits.train.classes)}")
    lines.append(
        f"{network.model_name} (decoder width {network.decoder_width}) on {runtime}; {batches.order}; {out}"
    )
    return lines


def _evaluation(
    config: SegFormerConfig, val_set: SegmentationDataset | None, runtime: Runtime
) -> Callable[[nn.Cell], Mapping[str, float]] | None:
    """What the loop calls to measure the network while it trains; the ranks share the pictures."""
    if val_set is None:
        return None
    settings = config.inference
    if config.eval.while_training == "whole":
        settings = InferenceConfig(size=settings.size)
    segmenters: list[Segmenter] = []  # made once, so that the inference graph is compiled once

    def measure(training_network: nn.Cell) -> Mapping[str, float]:
        if not segmenters:
            segmenters.append(Segmenter(training_network.network, settings))
        metrics = evaluate(segmenters[0], val_set, config.eval, workers=config.train.workers, runtime=runtime)
        return metrics.scalars()

    return measure
