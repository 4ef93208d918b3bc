"""A training run from its configuration: base training and fine-tuning differ in nothing else."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from mindspore import Tensor, nn
from mindspore import dtype as mstype
from ms_core.checkpoint import LoadReport
from ms_core.data.record_cache import has_split
from ms_core.data.sample import DetectionDataset
from ms_core.data.summary import split_lines, write_data_summary
from ms_core.device import Runtime
from ms_core.evaluation.coco_metrics import STAT_NAMES
from ms_core.run_folder import RunFolder
from ms_core.train.build import build_step
from ms_core.train.loop import FitResult
from ms_core.train.order import batch_order
from ms_core.train.run import check_run, start_run, train_into
from ms_core.train.step import TrainStep
from ms_core.train.transfer import StartFiles, load_start, read_start_files

from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.detector import Detector
from ms_defrcn.evaluate import evaluate
from ms_defrcn.finetune import surgery_method
from ms_defrcn.kept_shots import keep_shots
from ms_defrcn.lr_scaling import REFERENCE
from ms_defrcn.models import build_model
from ms_defrcn.pipeline import MEAN, STD, TrainingBatches
from ms_defrcn.stage_data import classes_after_surgery, classes_of, open_stage, with_class_lists
from ms_defrcn.surgery import after_surgery
from ms_defrcn.training_network import PARTS, TrainingNetwork
from ms_defrcn.weights import in_our_names, load_trunk, load_weights, model_metadata

LEAST_EPOCH = 320
"""Pictures of an epoch at least: a handful of few-shot pictures is gone through several times, so that a checkpoint is
not written every second step."""


@dataclass(frozen=True, eq=False)
class Splits:
    """The data of a run."""

    train: DetectionDataset
    val: DetectionDataset | None


def train(config: DeFRCNConfig, out: Path, *, overwrite: bool = False, resume: bool = False) -> FitResult:
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
    config = with_class_lists(config)
    check_run(config, (*STAT_NAMES, "VOC_AP50") if config.eval.voc_ap50 else STAT_NAMES, out, overwrite)
    splits = open_splits(config)
    runtime = start_run(config)
    files, messages = (StartFiles(), []) if resume else start_files(config)
    network = build_network(config, len(splits.train.classes))
    batches = training_batches(splits.train, network, config, runtime)
    messages = _description(out, splits, network, batches, config, runtime) + messages
    messages += [report.summary() for report in _loaded(network, config, files)]
    step = training_step(network, config, batches, runtime, messages)
    return train_into(
        out,
        step,
        batches,
        config,
        tool="ms-defrcn",
        metadata=checkpoint_metadata(network, config, splits.train),
        describe=partial(_describe, splits=splits, config=config, messages=messages),
        evaluate=_evaluation(config, splits.val),
        overwrite=overwrite,
        resume=resume,
    )


def start_files(config: DeFRCNConfig) -> tuple[StartFiles, list[str]]:
    """The files of a new run, read, and lines that tell what was done to them: a network of base classes loses or
    widens its predictors before it is fine-tuned, unless `surgery` did it already.

    Raises:
        UserError: a file that is not there or cannot be read, or a network of other classes.
    """
    files = read_start_files(config)
    if config.fewshot.classes == "base" or files.network is None or "surgery" in files.network.metadata:
        return files, []
    method = surgery_method(config.finetune)
    classes = classes_after_surgery(config, method)
    network, lines = after_surgery(
        in_our_names(files.network),
        method=method,
        base=classes.base,
        classes=classes.names,
        seed=config.seed,
    )
    return StartFiles(files.backbone, network), lines


def open_splits(config: DeFRCNConfig) -> Splits:
    """Training and validation data with the classes of the stage.

    Raises:
        UserError: no training data, a data set that cannot be read, or classes that it does not have.
    """
    val_set = open_stage(config, "val") if config.train.evaluate and has_split(config.data, "val") else None
    return Splits(open_stage(config, "train"), val_set)


def build_network(config: DeFRCNConfig, num_classes: int) -> DeFRCN:
    """The network of a configuration, with initial weights; `num_classes` without the background."""
    model = config.model
    return build_model(
        model.name,
        num_classes,
        rpn_gradient_scale=model.rpn_gradient_scale,
        roi_gradient_scale=model.roi_gradient_scale,
        freeze_res5=model.freeze_res5,
        freeze_at=model.freeze_at,
        norm=model.norm,
        dropout=model.dropout,
        anchor_sizes=model.anchor_sizes,
        anchor_ratios=model.anchor_ratios,
        proposals=config.proposals,
        seed=config.seed,
    )


def _loaded(network: DeFRCN, config: DeFRCNConfig, files: StartFiles) -> list[LoadReport]:
    return load_start(load_weights, network, config, files, load_backbone=load_trunk)


def repeated(dataset: DetectionDataset) -> DetectionDataset:
    """A few-shot set as often as it takes to fill an epoch."""
    return replace(dataset, samples=dataset.samples * max(1, ceil(LEAST_EPOCH / len(dataset))))


def training_batches(
    dataset: DetectionDataset, network: DeFRCN, config: DeFRCNConfig, runtime: Runtime
) -> TrainingBatches:
    """Every batch of the run, for this rank.

    Raises:
        UserError: fewer pictures than one batch for every rank.
    """
    if config.fewshot.shots or config.fewshot.shots_from:
        dataset = repeated(dataset)
    order = batch_order(len(dataset), config.train, config.seed, runtime)
    return TrainingBatches(dataset, config, order, network.anchors.per_cell, network.stride)


def training_step(
    network: DeFRCN,
    config: DeFRCNConfig,
    batches: TrainingBatches,
    runtime: Runtime,
    messages: list[str],
) -> TrainStep:
    """The training step of a run, to be compiled at its first batch; what was decided is added to `messages`."""
    step = build_step(
        network,
        TrainingNetwork(network, config.proposals, config.roi),
        config,
        steps_per_epoch=batches.steps_per_epoch,
        parts=PARTS,
        runtime=runtime,
        messages=messages,
    )
    if config.input.shapes == "exact":
        step.set_inputs(*_inputs_of_any_size(batches))
    return step


def _inputs_of_any_size(batches: TrainingBatches) -> tuple[Tensor, ...]:
    """Placeholders of a batch, by which one graph is compiled for all heights and widths."""
    count, slots = batches.order.batch_size, batches.slots
    return (
        Tensor(shape=[count, 3, None, None], dtype=mstype.float32),
        Tensor(shape=[count, 2], dtype=mstype.float32),
        Tensor(shape=[count, slots, 4], dtype=mstype.float32),
        Tensor(shape=[count, slots], dtype=mstype.int32),
        Tensor(shape=[count, None], dtype=mstype.float32),
        Tensor(shape=[count, batches.candidates], dtype=mstype.float32),
    )


def checkpoint_metadata(network: DeFRCN, config: DeFRCNConfig, dataset: DetectionDataset) -> dict[str, Any]:
    """What a checkpoint says of itself, so that nobody has to remember it."""
    return {
        **model_metadata(network, dataset.classes, dataset.category_ids),
        "stage": config.fewshot.classes,
        "novel": list(classes_of(config).novel),
        "shots": config.fewshot.shots,
        "mean": list(MEAN),
        "std": list(STD),
    }


def _describe(run: RunFolder, splits: Splits, config: DeFRCNConfig, messages: Sequence[str]) -> None:
    """Write down what the run works with."""
    if run.is_main:
        if config.fewshot.shots or config.fewshot.shots_from:
            keep_shots(splits.train, run.path)
        side = config.input.test_short_side
        write_data_summary(run.data_path, vars(splits), (side, side))
    for message in messages:
        run.log(message)


def _description(
    out: Path,
    splits: Splits,
    network: DeFRCN,
    batches: TrainingBatches,
    config: DeFRCNConfig,
    runtime: Runtime,
) -> list[str]:
    """The first lines of the log."""
    lines = split_lines(vars(splits))
    lines.append(f"classes: {', '.join(splits.train.classes)}")
    lines.append(f"{network.model_name} on {runtime}; {batches.order}; {out}")
    lines += _images_an_update(config, runtime)
    return lines


def _images_an_update(config: DeFRCNConfig, runtime: Runtime) -> list[str]:
    """A remark where an update sees another number of images than the recipes' schedules are meant for."""
    images = config.train.batch_size * runtime.world_size * config.train.accumulate
    if images == REFERENCE:
        return []
    return [
        f"an update sees {images} images; the published schedules are meant for {REFERENCE} (--scale-lr rescales them)"
    ]


def _evaluation(
    config: DeFRCNConfig, val_set: DetectionDataset | None
) -> Callable[[nn.Cell], Mapping[str, float]] | None:
    """What the loop calls to measure the network while it trains, without calibration of scores.

    Every rank evaluates everything: no rank waits for another, and all of them see the same numbers.
    """
    if val_set is None:
        return None
    detectors: list[Detector] = []  # made once, so that the inference graph is compiled once

    def measure(training_network: nn.Cell) -> Mapping[str, float]:
        if not detectors:
            detectors.append(Detector(training_network.network, config))
        metrics = evaluate(detectors[0], val_set, config.eval, workers=config.train.workers)
        return metrics.scalars()

    return measure
