"""The arithmetic of `benchmark`, with a clock that is told the time; the verb itself is tested with a network."""

import json
from itertools import count
from pathlib import Path

import pytest
from ms_core.benchmark import WARM_UP, Timing, peak_memory_mb, pipeline_rate, time_calls
from ms_core.benchmark_table import benchmark_rows, write_benchmark
from ms_core.data.open import open_dataset
from ms_core.data.synthetic import make_shapes
from ms_core.detection.anchors import grid_anchors
from ms_core.single_shot.benchmark import print_benchmark
from ms_core.single_shot.config import InputConfig
from ms_core.single_shot.pipeline import Target, TrainingBatches, training_samples
from ms_core.train.order import BatchOrder


class ToldClock:
    """Tells the sum of what the work said it took."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_the_first_call_and_the_warming_up_do_not_count():
    clock = ToldClock()
    durations = iter([60.0, *[9.0] * WARM_UP, 2.0, 1.0, 4.0])

    def work() -> None:
        clock.now += next(durations)

    assert time_calls(work, 3, clock=clock) == Timing(60, 2, 1, 4, 3)


def test_the_pipeline_is_measured_over_the_batches_of_training(tmp_path: Path):
    samples = open_dataset(make_shapes(tmp_path, train=4, val=1, seed=1, size=64).train)
    target = Target(grid_anchors(64, [8, 16]), (64, 64), (0.1, 0.2))
    batches = TrainingBatches(
        training_samples(samples, InputConfig()),
        target,
        InputConfig(),
        BatchOrder(4, batch_size=2, epochs=1, seed=1),
    )
    seconds = count(step=3)
    rate = pipeline_rate(batches, 6, workers=2, clock=lambda: float(next(seconds)))
    assert rate == pytest.approx(6 * 2 / 3)  # more steps than the run has: it goes round


def test_memory_is_of_this_process():
    peak = peak_memory_mb()
    assert peak is None or 20 < peak < 1_000_000


RESULT = {
    "model": "ssd300",
    "variant": "zoo",
    "input_size": [300, 320],
    "anchors": 1917,
    "classes": 80,
    "batch_size": 8,
    "data": "synthetic shapes",
    "weights": None,
    "device": "CPU:0",
    "threads": {"cores": 2},
    "parts": {
        "pipeline": {"images_per_second": 250.5, "peak_memory_mb": 512},
        "postprocess": {
            **{"first": 0.01, "median": 0.0021, "fastest": 0.002, "slowest": 1.5, "calls": 3},
            **{"candidates": 17, "peak_memory_mb": None},
        },
    },
}


def test_a_row_for_each_part_with_what_it_has():
    assert benchmark_rows(RESULT) == [
        ("input pipeline", "", "", "", "250.5", "0.50 GiB"),
        ("post-processing", "2.1 ms", "2.0 ms - 1.50 s", "10.0 ms", "", ""),
    ]


def test_what_is_printed_and_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    print_benchmark(RESULT)
    printed = capsys.readouterr().out
    assert "ssd300 (zoo), 320x300, 1917 anchors" in printed
    assert "17 candidates; initial weights" in printed
    write_benchmark(RESULT, tmp_path / "b.json")
    assert json.loads((tmp_path / "b.json").read_text()) == RESULT
