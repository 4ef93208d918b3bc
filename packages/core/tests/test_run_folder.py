"""Run folders: what create refuses, what resume keeps, logs, metrics and checkpoints."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.run_folder import RunFolder


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    folder = RunFolder(tmp_path / "runs" / "a [1]")
    folder.create("seed: 1\n")
    return folder


def test_a_new_run_has_configuration_environment_and_folders(run: RunFolder) -> None:
    assert run.config_path.read_text() == "seed: 1\n"
    environment = json.loads(run.environment_path.read_text())
    assert environment["packages"]["numpy"] == np.__version__
    assert environment["command"]
    assert run.checkpoints.is_dir()
    assert run.figures.is_dir()


def test_a_folder_without_results_may_be_used_again(run: RunFolder) -> None:
    run.create("seed: 2\n")
    assert run.config_path.read_text() == "seed: 2\n"


@pytest.mark.parametrize("result", ["metrics.jsonl", "checkpoints/last.ckpt"])
def test_results_are_not_overwritten_unless_asked(run: RunFolder, result: str) -> None:
    (run.path / result).write_text("")
    foreign = run.path / "notes.txt"
    foreign.touch()
    with pytest.raises(UserError, match="already holds the results of a run") as caught:
        run.create("seed: 2\n")
    assert str(run.path) in str(caught.value)
    run.create("seed: 2\n", overwrite=True)
    assert not (run.path / result).exists()
    assert foreign.exists()


def test_resume_keeps_results_and_records_the_second_start(run: RunFolder) -> None:
    run.log("first")
    run.append_metrics({"step": 1})
    run.last_path.touch()
    run.create("seed: 2\n", resume=True)
    run.append_metrics({"step": 2})
    assert [record["step"] for record in run.read_metrics()] == [1, 2]
    assert run.log_path.read_text() == "first\n"
    assert len(json.loads(run.environment_path.read_text())["resumed"]) == 1


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_record_of_the_start_is_named_on_resume(run: RunFolder, content: str) -> None:
    run.last_path.write_bytes(b"weights")
    run.environment_path.write_text(content)
    with pytest.raises(UserError, match=r"environment\.json: .* Delete it; training does not need it"):
        run.create("seed: 2\n", resume=True)


def test_resume_needs_a_run_with_a_last_checkpoint(run: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"last\.ckpt: not there, so there is nothing to resume"):
        run.create("", resume=True)
    with pytest.raises(UserError, match="no such folder"):
        RunFolder(tmp_path / "nowhere").create("", resume=True)


def test_a_metrics_line_that_was_cut_off_is_dropped_on_resume(run: RunFolder) -> None:
    run.append_metrics({"step": 1, "name": "ä"})
    with run.metrics_path.open("a") as file:
        file.write('{"step": 2, "lo')
    assert run.read_metrics() == [{"step": 1, "name": "ä"}]
    run.last_path.touch()
    run.create("", resume=True)
    run.append_metrics({"step": 2})
    assert [record["step"] for record in run.read_metrics()] == [1, 2]


def test_a_broken_metrics_line_is_named(run: RunFolder) -> None:
    run.metrics_path.write_text('{"step": 1}\nnonsense\n{"step": 3}\n')
    with pytest.raises(UserError, match=r"metrics\.jsonl: line 2 is not JSON"):
        run.read_metrics()


def test_metrics_after_the_resumed_step_are_dropped(run: RunFolder) -> None:
    for step in range(5):
        run.append_metrics({"step": step})
    run.drop_metrics_after(2)
    assert [record["step"] for record in run.read_metrics()] == [0, 1, 2]


def test_metrics_take_numpy_numbers_and_have_no_nan(run: RunFolder) -> None:
    run.append_metrics(
        {
            "loss": np.float32(0.5),
            "lr": float("nan"),
            "per_class": {"a": np.inf},
            "n": np.int64(3),
            "l": (1, 2.5),
        }
    )
    assert run.read_metrics() == [{"loss": 0.5, "lr": None, "per_class": {"a": None}, "n": 3, "l": [1, 2.5]}]


def test_log_prints_and_keeps_lines_as_they_are(run: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    line = "[bold]a[/bold] /x/[y].jpg :smile: " + "long " * 60
    run.log(line)
    assert capsys.readouterr().out == line + "\n"
    assert run.log_path.read_text() == line + "\n"


def test_the_best_checkpoint_is_best_then_last(run: RunFolder) -> None:
    with pytest.raises(UserError, match=r"no checkpoints/best\.ckpt or last\.ckpt"):
        run.best_checkpoint()
    run.last_path.touch()
    assert run.best_checkpoint() == run.last_path
    run.best_path.touch()
    assert run.best_checkpoint() == run.best_path
    assert run.resume_checkpoint() == run.last_path


def test_other_folders_are_no_runs(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        RunFolder(tmp_path / "nowhere").best_checkpoint()
    with pytest.raises(UserError, match=r"not a run folder \(no config\.yaml\)"):
        RunFolder(tmp_path).best_checkpoint()


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match="the run folder cannot be made"):
        RunFolder(tmp_path / "file" / "run").create("")


def test_other_ranks_write_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = RunFolder(tmp_path / "run", is_main=False)
    run.create("seed: 1\n")
    run.log("x")
    run.append_metrics({"step": 1})
    run.drop_metrics_after(0)
    assert os.listdir(tmp_path) == []  # noqa: PTH208
    assert capsys.readouterr().out == ""


def test_what_a_killed_run_left_half_written_is_removed(tmp_path):
    """SIGKILL gives nobody the time to tidy up; without this every kill would cost the disk a checkpoint."""
    run = RunFolder(tmp_path / "run")
    run.create("a: 1\n")
    run.last_path.write_bytes(b"whole")
    halves = [run.checkpoints / ".last.ckpt.k1ll3d.tmp", run.path / ".metrics.jsonl.k1ll3d.tmp"]
    for half in halves:
        half.write_bytes(b"ha")
    run.create("a: 1\n", resume=True)
    assert not any(half.exists() for half in halves)
    assert run.last_path.read_bytes() == b"whole"
