"""Latency: which calls count, and what is written."""

import json
from pathlib import Path

import numpy as np
import pytest
from ms_core.infer.latency import WARM_UP, latency_file, measure_latency, report_latency
from ms_core.infer.runtimes import InferenceSession


class Ticking(InferenceSession):
    """A model whose call n takes n milliseconds of a clock of its own."""

    runtime, device = "onnxruntime", "CPU"

    def __init__(self) -> None:
        self.calls = 0
        self.now = 0.0

    def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        self.calls += 1
        self.now += 1e-3 * self.calls
        return arrays


def test_warm_up_does_not_count(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = Ticking()
    images = np.zeros((2, 3, 4, 4), np.float32)
    latency = measure_latency(session, [images], 21, model="tiny", clock=lambda: session.now)
    assert session.calls == WARM_UP + 21
    counted = np.arange(WARM_UP + 1, WARM_UP + 22)
    assert latency.first == pytest.approx(1)
    assert latency.p50 == pytest.approx(np.median(counted))
    assert latency.p95 == pytest.approx(np.percentile(counted, 95))
    assert latency.mean == pytest.approx(counted.mean())
    report_latency(latency, latency_file("tiny", tmp_path / "new"))
    written = json.loads((tmp_path / "new" / "latency.json").read_text(encoding="utf-8"))
    assert (written["unit"], written["batch_size"], written["calls"], written["threads"]) == (
        "ms",
        2,
        21,
        None,
    )
    assert written["pictures_per_second"] == pytest.approx(2e3 / counted.mean())
    assert "16.00 ms" in capsys.readouterr().out
