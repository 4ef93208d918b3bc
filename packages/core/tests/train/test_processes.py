"""Whole processes: Ctrl-C, and two ranks under msrun."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from ms_core.checkpoint.read import read_weights
from ms_core.run_folder import RunFolder
from tiny_training import EVERYTHING, TinyBatches, arrays_of, new_run, tiny_fit, tiny_step
from two_ranks import run_two_ranks

STEPS = 60
HERE = Path(__file__).parent


def wait_for_records(run: RunFolder, process: subprocess.Popen, count: int) -> None:
    """Until training has done some steps."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        if run.metrics_path.exists() and len(run.read_metrics()) >= count:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("training did not begin")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGINT for one child")
def test_ctrl_c_leaves_a_state_that_resumes_exactly(tmp_path: Path) -> None:
    cut = RunFolder(tmp_path / "cut")
    process = subprocess.Popen(
        [sys.executable, str(HERE / "interrupted_run.py"), str(cut.path), str(STEPS)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_records(cut, process, 5)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 130
    assert f"--resume {cut.path}" in errors
    assert "Traceback" not in errors
    assert 5 <= read_weights(cut.last_path).metadata["step"] < STEPS
    resumed, whole = (tiny_step(steps=STEPS, **EVERYTHING) for _ in range(2))
    tiny_fit(resumed, cut, TinyBatches(STEPS), epochs=2, resume=True)
    tiny_fit(whole, new_run(tmp_path / "whole"), TinyBatches(STEPS), epochs=2)
    expected, found = arrays_of(whole), arrays_of(resumed)
    assert [name for name in expected if not np.array_equal(expected[name], found[name])] == []


def test_two_ranks_under_msrun_stop_together_and_end_with_the_same_weights(tmp_path: Path) -> None:
    run_two_ranks("data_parallel_run.py", tmp_path)
    first, second = (dict(np.load(tmp_path / f"rank-{rank}.npz")) for rank in (0, 1))
    assert first.keys() == second.keys()
    assert [name for name in first if not np.array_equal(first[name], second[name])] == []
    assert first["stopped_after"] == 3
    assert first["skipped_steps"] == 1
    assert first["train.step"] == 6
    assert read_weights(RunFolder(tmp_path / "run").last_path).metadata["step"] == 6
