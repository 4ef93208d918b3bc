"""What is printed while training runs."""

import io
from pathlib import Path

import pytest
from ms_core.run_folder import RunFolder
from ms_core.train import progress as progress_module
from ms_core.train.progress import TrainingProgress, memory_mb
from ms_core.train.step import StepResult
from rich.console import Console
from tiny_training import new_run


def result(*, skipped: bool = False) -> StepResult:
    return StepResult(
        loss=2.5,
        parts={"class": 1.5, "box": 1.0},
        lr=0.05,
        scale=1.0,
        gradient_norm=3.0,
        skipped=skipped,
        skipped_in_a_row=int(skipped),
        stop=False,
    )


def progress_of(run: RunFolder) -> TrainingProgress:
    return TrainingProgress(run, total=100, done=0, images=16, steps_per_epoch=10)


def test_a_line_has_speed_remaining_time_losses_rate_and_memory(tmp_path: Path) -> None:
    run = new_run(tmp_path / "run")
    progress = progress_of(run)
    progress.update(39, result(skipped=True), None)
    progress.update(40, result(), 2.0)
    line = progress.line(40, result())
    start = "epoch 4/10  step 40/100  loss 2.5 (class 1.5 box 1)  lr 0.05  8.0 images/s  0:02:00 left  "
    assert line.startswith(start)
    assert line.endswith(" GB  1 skipped")
    assert progress.images_per_second == 8.0


def test_away_from_a_terminal_a_line_comes_every_few_seconds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    run = new_run(tmp_path / "run")
    with progress_of(run) as progress:
        for done in range(1, 26):
            now[0] += 1
            progress.update(done, result(), 1.0)
        progress.say(25, result())
        progress.say(25, result())
    lines = run.log_path.read_text(encoding="utf-8").splitlines()
    assert [line.split("  ")[1] for line in lines] == ["step 10/100", "step 20/100", "step 25/100"]


def test_on_a_terminal_there_is_a_live_bar(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=io.StringIO(), force_terminal=True, width=160)
    monkeypatch.setattr(progress_module, "console", lambda: screen)
    run = new_run(tmp_path / "run")
    with progress_of(run) as progress:
        progress.update(50, result(), 1.0)
    shown = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "step 50/100" in shown
    assert "50%" in shown
    assert not run.log_path.exists()


def test_other_ranks_are_silent(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with progress_of(RunFolder(tmp_path / "run", is_main=False)) as progress, progress.compiling():
        progress.update(1, result(), None)
        progress.say(1, result())
    assert capsys.readouterr().out == ""
    assert not (tmp_path / "run").exists()


def test_memory_is_that_of_this_process() -> None:
    assert 50 < memory_mb() < 50_000
