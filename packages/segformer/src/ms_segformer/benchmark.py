"""`benchmark`: how fast a network trains and segments on this machine, part by part."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from mindspore import Tensor
from ms_core import device
from ms_core.benchmark import (
    Timing,
    measure_parts,
    pipeline_rate,
    seconds_of,
    step_numbers,
    surroundings,
    time_calls,
    time_training,
)
from ms_core.benchmark_table import print_table, write_benchmark
from ms_core.data.network_input import single_thread_opencv
from ms_core.device import Runtime
from ms_core.evaluation.semantic import SemanticEvaluator
from ms_core.networks.mode import inference_mode
from ms_core.segmentation.open import open_split
from ms_core.segmentation.streets import make_streets
from ms_core.train.config import check as check_train

from ms_segformer.cli import BENCHMARK_PARTS
from ms_segformer.config import SegFormerConfig
from ms_segformer.pipeline import TrainingBatches
from ms_segformer.segformer import SegFormer
from ms_segformer.train import build_network, training_batches, training_step

SYNTHETIC_IMAGES, SYNTHETIC_SIZE = 16, (512, 1024)


def run_benchmark(
    config: SegFormerConfig, *, steps: int = 10, skip: Collection[str] = (), out: Path | None = None
) -> dict[str, Any]:
    """Measure what is not skipped, print it as a table and write it as JSON.

    Args:
        config: as for training; `train.batch_size` is that of step and pipeline, `input.crop` the size. Without data
            synthetic street scenes are drawn.
        steps: calls and steps that count, >= 1.
        skip: some of `BENCHMARK_PARTS`.
        out: JSON file.

    Raises:
        UserError: bad data or settings.
    """
    check_train(config.train)
    single_thread_opencv()
    started = time.monotonic()
    synthetic = config.data.root is None and config.data.train is None
    with tempfile.TemporaryDirectory() if synthetic else nullcontext() as folder:
        if folder is not None:
            config = _with_streets(config, Path(folder))
        dataset = open_split(config.data, "train")
        runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
        network = build_network(config, len(dataset.classes))
        batches = training_batches(dataset, config, runtime)
        measure = partial(
            _measure_part, network=network, batches=batches, config=config, runtime=runtime, steps=steps
        )
        parts = measure_parts(BENCHMARK_PARTS, skip, measure)
    result = {
        **_about(network, config, runtime, "synthetic streets" if synthetic else str(dataset.source)),
        "seconds": round(time.monotonic() - started, 1),
        "parts": parts,
    }
    _print(result)
    if out is not None:
        write_benchmark(result, out)
    return result


def _with_streets(config: SegFormerConfig, folder: Path) -> SegFormerConfig:
    count = max(SYNTHETIC_IMAGES, config.train.batch_size)
    make_streets(folder, train=count, val=1, seed=config.seed, size=SYNTHETIC_SIZE)
    return replace(config, data=replace(config.data, root=folder, classes=None))


def _measure_part(
    part: str,
    network: SegFormer,
    batches: TrainingBatches,
    config: SegFormerConfig,
    runtime: Runtime,
    steps: int,
) -> dict[str, Any]:
    if part == "pipeline":
        return {"images_per_second": round(pipeline_rate(batches, steps, workers=config.train.workers), 1)}
    if part == "train":
        network.set_train(True)
        step = training_step(network, config, batches, runtime, messages=[])
        return step_numbers(time_training(step, batches, steps), config.train.batch_size)
    if part == "forward":
        return seconds_of(_time_forward(network, batches[0][0][:1], steps))
    return seconds_of(_time_metrics(batches[0][1][0], batches.dataset.classes, steps))


def _time_forward(network: SegFormer, images: np.ndarray, calls: int) -> Timing:
    """From a prepared picture to logits as an array."""
    batch = Tensor(images)
    with inference_mode(network):
        return time_calls(lambda: network(batch).asnumpy(), calls)


def _time_metrics(label: np.ndarray, classes: tuple[str, ...], calls: int) -> Timing:
    """A class map against a label of the crop's size."""
    label = label.astype(np.uint8)
    prediction = np.random.default_rng(0).integers(0, len(classes), label.shape, dtype=np.uint8)
    evaluator = SemanticEvaluator(classes)
    return time_calls(lambda: evaluator.update(prediction, label), calls)


def _about(network: SegFormer, config: SegFormerConfig, runtime: Runtime, data: str) -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "model": network.model_name,
        "decoder_width": network.decoder_width,
        "input_size": list(config.input.crop),
        "classes": network.num_classes,
        "batch_size": config.train.batch_size,
        "precision": config.precision.mode,
        "mode": config.mode,
        "data": data,
        **surroundings(config.train, runtime),
    }


def _print(result: dict[str, Any]) -> None:
    height, width = result["input_size"]
    print(
        f"{result['model']}, {width}x{height}, {result['classes']} classes, batch {result['batch_size']}, "
        f"{result['data']}; {result['device']}, {result['threads']['cores']} cores"
    )
    print_table(result)
