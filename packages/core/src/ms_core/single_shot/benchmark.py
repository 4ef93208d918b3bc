"""`benchmark`: how fast a network trains and predicts on this machine, part by part."""

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
from mindspore import nn

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
from ms_core.benchmark_table import print_table
from ms_core.data.images import decode_image
from ms_core.data.network_input import single_thread_opencv
from ms_core.data.record_cache import open_cached_split
from ms_core.data.synthetic import make_shapes
from ms_core.device import Runtime
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.detector import Detector
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.pipeline import TrainingBatches
from ms_core.single_shot.train import build_network, build_step, training_batches, with_padding
from ms_core.single_shot.verbs import BENCHMARK_PARTS
from ms_core.train.config import check as check_train
from ms_core.train.transfer import load_start, read_start_files

COCO_CLASSES = 81
"""Columns of a network that is measured without data of its own, background included."""
SYNTHETIC_IMAGES, SYNTHETIC_SIZE = 32, 640


def time_forward(detector: Detector, picture: np.ndarray, calls: int) -> Timing:
    """The network with decoding, from one prepared picture to boxes and scores as arrays."""
    pixels = detector.prepare(picture).pixels[None]
    return time_calls(lambda: detector.forward(pixels), calls)


def time_postprocess(detector: Detector, picture: np.ndarray, calls: int) -> tuple[Timing, int]:
    """From boxes and scores of one picture to detections; also how many candidates there were."""
    boxes, scores = (output[0] for output in detector.forward(detector.prepare(picture).pixels[None]))
    height, width = picture.shape[:2]
    candidates = int(np.count_nonzero(scores[:, 1:] > np.float32(detector.postprocess.min_score)))
    return time_calls(lambda: detector.select(boxes, scores, width, height), calls), candidates


def run_benchmark(
    package: DetectorPackage, config: SingleShotConfig, *, steps: int = 10, skip: Collection[str] = ()
) -> dict[str, Any]:
    """Measure what is not skipped; without `data.train` on synthetic pictures and with COCO's 80 classes.

    Args:
        package: whose network.
        config: as for training; `train.batch_size` is that of step and pipeline.
        steps: calls and steps that count, >= 1.
        skip: some of `BENCHMARK_PARTS`.

    Returns:
        What the JSON file holds: network, machine, versions, threads, and seconds by part.

    Raises:
        UserError: bad data or settings.
    """
    check_train(config.train)
    single_thread_opencv()
    started = time.monotonic()
    synthetic = config.data.train is None and config.data.cache is None
    with tempfile.TemporaryDirectory() if synthetic else nullcontext() as folder:
        if folder is not None:
            config = _with_shapes(config, Path(folder))
        dataset = open_cached_split(config.data, "train")
        runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
        classes = COCO_CLASSES if synthetic else len(dataset.classes) + 1
        network = _network(package, config, classes)
        batches = training_batches(dataset, network, config, runtime)
        measure = partial(
            _measure_part, network=network, batches=batches, config=config, runtime=runtime, steps=steps
        )
        results = measure_parts(BENCHMARK_PARTS, skip, measure)
    about = _about(network, config, runtime, "synthetic shapes" if synthetic else str(dataset.source))
    return {**about, "seconds": round(time.monotonic() - started, 1), "parts": results}


def _with_shapes(config: SingleShotConfig, folder: Path) -> SingleShotConfig:
    count = max(SYNTHETIC_IMAGES, config.train.batch_size)
    shapes = make_shapes(folder, train=count, val=1, size=SYNTHETIC_SIZE, seed=config.seed)
    return replace(config, data=replace(config.data, train=str(shapes.train), format="auto", classes=None))


def _network(package: DetectorPackage, config: SingleShotConfig, classes: int) -> nn.Cell:
    files = read_start_files(config)
    config = with_padding(package, config, files.leading)
    network = build_network(package, config, classes)
    load_start(package.load_weights, network, config, files)
    return network


def _measure_part(
    part: str,
    network: nn.Cell,
    batches: TrainingBatches,
    config: SingleShotConfig,
    runtime: Runtime,
    steps: int,
) -> dict[str, Any]:
    if part == "pipeline":
        return {"images_per_second": round(pipeline_rate(batches, steps, workers=config.train.workers), 1)}
    if part == "train":
        network.set_train(True)
        timing = time_training(build_step(network, config, batches, runtime, []), batches, steps)
        return step_numbers(timing, config.train.batch_size)
    network.set_train(False)
    sample = batches.samples[0]
    picture = decode_image(batches.encoded(sample), sample.path, (sample.width, sample.height))
    detector = Detector(network, config.postprocess)
    if part == "forward":
        return seconds_of(time_forward(detector, picture, steps))
    timing, candidates = time_postprocess(detector, picture, steps)
    return {**seconds_of(timing), "candidates": candidates}


def _about(network: nn.Cell, config: SingleShotConfig, runtime: Runtime, data: str) -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "model": network.model_name,
        "variant": network.variant,
        "input_size": list(network.input_size),
        "anchors": len(network.anchors),
        "classes": network.num_classes - 1,
        "batch_size": config.train.batch_size,
        "precision": config.precision.mode,
        "mode": config.mode,
        "data": data,
        "weights": None if config.weights is None else str(config.weights),
        **surroundings(config.train, runtime),
    }


def print_benchmark(result: dict[str, Any]) -> None:
    """The table, under a line that says what was measured on what."""
    height, width = result["input_size"]
    print(
        f"{result['model']} ({result['variant']}), {width}x{height}, {result['anchors']} anchors, "
        f"{result['classes']} classes, batch {result['batch_size']}, {result['data']}; {result['device']}, "
        f"{result['threads']['cores']} cores"
    )
    print_table(result)
    if "postprocess" in result["parts"]:
        candidates = result["parts"]["postprocess"]["candidates"]
        worst = "; initial weights give far more than trained ones: pass --weights FILE"
        print(f"post-processing: {candidates} candidates{worst if result['weights'] is None else ''}")
