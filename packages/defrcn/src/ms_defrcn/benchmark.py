"""`benchmark`: how fast a network trains and detects on this machine, part by part."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Collection
from contextlib import nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from ms_core import device
from ms_core.benchmark import (
    measure_parts,
    pipeline_rate,
    seconds_of,
    step_numbers,
    surroundings,
    time_calls,
    time_training,
)
from ms_core.benchmark_table import print_table, write_benchmark
from ms_core.data.images import decode_image
from ms_core.data.network_input import single_thread_opencv
from ms_core.data.synthetic import make_shapes
from ms_core.device import Runtime
from ms_core.train.config import check as check_train

from ms_defrcn.cli import BENCHMARK_PARTS
from ms_defrcn.config import DeFRCNConfig, FewShotConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.detector import Detector
from ms_defrcn.pipeline import TrainingBatches
from ms_defrcn.stage_data import open_stage
from ms_defrcn.train import build_network, training_batches, training_step

SYNTHETIC_IMAGES = 16


def run_benchmark(
    config: DeFRCNConfig, *, steps: int = 10, skip: Collection[str] = (), out: Path | None = None
) -> dict[str, Any]:
    """Measure what is not skipped, print it as a table and write it as JSON.

    Args:
        config: as for training. Without data synthetic pictures are drawn.
        steps: calls and steps that count, >= 1.
        skip: some of `BENCHMARK_PARTS`.
        out: JSON file.

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
        dataset = open_stage(config, "train")
        runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
        network = build_network(config, len(dataset.classes))
        batches = training_batches(dataset, network, config, runtime)
        measure = partial(
            _measure_part, network=network, batches=batches, config=config, runtime=runtime, steps=steps
        )
        parts = measure_parts(BENCHMARK_PARTS, skip, measure)
    result = {
        **_about(network, config, runtime, "synthetic shapes" if synthetic else str(dataset.source)),
        "seconds": round(time.monotonic() - started, 1),
        "parts": parts,
    }
    _print(result)
    if out is not None:
        write_benchmark(result, out)
    return result


def _with_shapes(config: DeFRCNConfig, folder: Path) -> DeFRCNConfig:
    count = max(SYNTHETIC_IMAGES, config.train.batch_size)
    shapes = make_shapes(folder, train=count, val=1, seed=config.seed)
    data = replace(config.data, train=str(shapes.train), images=None, classes=None)
    return replace(config, data=data, fewshot=FewShotConfig(classes="all"))


def _measure_part(
    part: str,
    network: DeFRCN,
    batches: TrainingBatches,
    config: DeFRCNConfig,
    runtime: Runtime,
    steps: int,
) -> dict[str, Any]:
    if part == "pipeline":
        return {"images_per_second": round(pipeline_rate(batches, steps, workers=config.train.workers), 1)}
    if part == "train":
        network.set_train(True)
        step = training_step(network, config, batches, runtime, messages=[])
        return step_numbers(time_training(step, batches, steps), config.train.batch_size)
    sample = batches.samples[0]
    detector = Detector(network, config)
    picture = detector.prepare(
        decode_image(batches.encoded(sample), sample.path, (sample.width, sample.height))
    )
    return seconds_of(time_calls(lambda: detector.find(picture), steps))


def _about(network: DeFRCN, config: DeFRCNConfig, runtime: Runtime, data: str) -> dict[str, Any]:
    """What the numbers depend on."""
    return {
        "model": network.model_name,
        "short_side": config.input.test_short_side,
        "max_side": config.input.max_side,
        "shapes": config.input.shapes,
        "classes": network.num_classes,
        "batch_size": config.train.batch_size,
        "precision": config.precision.mode,
        "mode": config.mode,
        "data": data,
        **surroundings(config.train, runtime),
    }


def _print(result: dict[str, Any]) -> None:
    print(
        f"{result['model']}, short side {result['short_side']}, {result['classes']} classes, batch "
        f"{result['batch_size']}, {result['data']}; {result['device']}, {result['threads']['cores']} cores"
    )
    print_table(result)
