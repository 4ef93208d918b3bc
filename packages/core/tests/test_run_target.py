"""Which run a checkpoint belongs to, and where its evaluations go."""

import json
from pathlib import Path

import pytest
from ms_core.report.evaluation_folder import evaluations_of
from ms_core.run_folder import RunFolder
from ms_core.run_target import config_of_run, evaluation_folder_of, rewrite_report, run_of


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    """A finished run of three checkpoints."""
    run = RunFolder(tmp_path / "run")
    run.create("model:\n  name: ssd300\n")
    for name in ("best", "last", "epoch-5"):
        (run.checkpoints / f"{name}.ckpt").touch()
    return run


def test_a_run_owns_what_lies_in_its_checkpoints(run: RunFolder) -> None:
    for target in (run.path, run.best_path, run.checkpoints / "epoch-5.ckpt"):
        assert (run_of(target), config_of_run(target)) == (run.path, run.config_path)


def test_a_file_in_another_folder_of_a_run_is_none_of_its_checkpoints(run: RunFolder) -> None:
    copy = run.path / "exported" / "mine.ckpt"
    copy.parent.mkdir()
    copy.touch()
    assert (run_of(copy), config_of_run(copy)) == (None, None)
    assert evaluation_folder_of(copy, "val") == Path("eval-mine-val")
    run.config_path.unlink()
    assert run_of(run.best_path) is run_of(run.path) is config_of_run(run.path) is None


def test_every_checkpoint_has_its_own_evaluation(run: RunFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    for target in (run.path, run.best_path):
        assert evaluation_folder_of(target, "val") == run.path / "eval-val"
    assert evaluation_folder_of(run.last_path, "val") == run.path / "eval-val-last"
    monkeypatch.chdir(run.checkpoints)
    assert evaluation_folder_of(Path("best.ckpt"), "test") == run.path / "eval-test"
    assert evaluation_folder_of(Path("epoch-5.ckpt"), "test") == run.path / "eval-test-epoch-5"


def test_without_a_best_checkpoint_the_last_one_is_it(run: RunFolder) -> None:
    run.best_path.unlink()
    assert evaluation_folder_of(run.last_path, "val") == run.path / "eval-val"
    run.last_path.unlink()
    assert evaluation_folder_of(run.checkpoints / "epoch-5.ckpt", "val") == run.path / "eval-val-epoch-5"


def test_the_report_tells_of_the_evaluations_of_all_checkpoints(run: RunFolder) -> None:
    targets = (run.path, run.checkpoints / "epoch-5.ckpt")
    for target in targets:
        out = evaluation_folder_of(target, "val")
        out.mkdir()
        entry = {"category_id": 1, "name": "a", "objects": 3, "AP": 0.5, "AP50": 0.5}
        (out / "metrics.json").write_text(json.dumps({"AP": 0.5, "AP50": 0.5, "per_class": [entry]}))
        rewrite_report(target, out)
    assert [folder.name for folder in evaluations_of(run.path)] == ["eval-val", "eval-val-epoch-5"]
    page = run.report_path.read_text(encoding="utf-8")
    assert "Evaluation: val<" in page
    assert "Evaluation: val-epoch-5<" in page
