"""The bookkeeping of a study: every fine-tuning once, whatever is interrupted; the same study or none.

What trains and measures is replaced here; the real thing is run by the demo and the end-to-end test.
"""

import json
import re
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files
from pathlib import Path

import pytest
from ms_core.config import load_config
from ms_core.errors import Interrupted, UserError
from ms_core.run_folder import RunFolder
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.study import Split, cells_of, run_study, seconds_left, seeds_of, time_in_words
from ms_defrcn.study_folder import CellRecord, StudyFolder
from ms_defrcn.study_table import Cell, Score

RECIPES = files("ms_defrcn") / "configs"


@cache
def config(*words: str) -> DeFRCNConfig:
    return load_config(DeFRCNConfig, recipe="defrcn_fewshot", recipes=RECIPES, overrides=words)


class Recorder:
    """Writes what the real actions would leave, notes every call, and stops where it is told to."""

    def __init__(self, stop_at: str = "", error: type[BaseException] = Interrupted) -> None:
        self.stop_at = stop_at
        self.error = error
        self.calls: list[str] = []
        self.configs: dict[str, DeFRCNConfig] = {}
        self.seconds = 0.0

    def note(self, call: str) -> None:
        self.calls.append(call)
        if call == self.stop_at:
            raise self.error("stopped")

    def check(self, configs: Sequence[DeFRCNConfig], split: Split) -> None:
        cells = [f"{config.fewshot.shots}/{config.fewshot.shots_seed}" for config in configs]
        self.note(f"check {split} {' '.join(cells)}")

    def surgery(self, base: Path, config: DeFRCNConfig, target: Path) -> None:
        target.write_text(f"{base.name} {config.seed}")
        self.note(f"surgery {target.name}")

    def train(self, config: DeFRCNConfig, out: Path, *, overwrite: bool, resume: bool) -> None:
        self.configs[out.name] = config
        assert config.weights is not None
        assert config.weights.is_file()
        run = RunFolder(out)
        run.create("a: 1\n", overwrite=overwrite, resume=resume)  # refuses what the real one would refuse
        run.last_path.write_text("state")
        self.note(f"{'resume' if resume else 'train'} {out.name}")

    def evaluate(self, run: Path, config: DeFRCNConfig, split: Split) -> Mapping[str, float]:
        self.note(f"evaluate {run.name}")
        shots, seed = config.fewshot.shots, config.fewshot.shots_seed
        return {"nAP": 0.1 * shots + 0.01 * seed, "AP": 0.1 * shots, "AP50": 0.2 * shots, "AP75": -1.0}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    path = tmp_path / "base.ckpt"
    path.write_bytes(b"base")
    return path


def work(actions: Recorder) -> list[str]:
    """The calls that change something."""
    return [call for call in actions.calls if not call.startswith("check")]


def test_every_fine_tuning_is_done_once_and_told_of(base: Path, tmp_path: Path, capsys) -> None:
    out = tmp_path / "study"
    actions = Recorder()
    scores = run_study(base, config(), [1, 2], [0, 3], "fsod", out, actions=actions)
    assert [score.cell for score in scores] == [Cell(1, 0), Cell(1, 3), Cell(2, 0), Cell(2, 3)]
    assert scores[1].metrics == {"nAP": pytest.approx(0.13), "AP": 0.1, "AP50": 0.2, "AP75": None}
    names = ["1shot_seed0", "2shot_seed0", "1shot_seed3", "2shot_seed3"]
    done = [word for name in names for word in (f"train {name}", f"evaluate {name}")]
    assert work(actions) == ["surgery removed.ckpt", *done]
    study = json.loads((out / "study.json").read_text())
    assert (study["mode"], study["split"], len(study["cells"])) == ("fsod", "val", 4)
    assert study["summary"][0]["nAP"]["mean"] == pytest.approx(0.115)
    assert (out / "results.txt").read_text(encoding="utf-8").startswith("--> 1-shot\n|   | nAP   | AP    |")
    printed = capsys.readouterr().out
    assert "1 of 4: 1 shot, seed 0, 1000 iterations" in printed
    assert "left for all 3" in printed
    assert (out / "log.txt").read_text(encoding="utf-8") in printed


def test_finished_fine_tunings_are_read_and_new_ones_added(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    run_study(base, config(), [1], [0], "fsod", out, actions=Recorder())
    again = Recorder()
    scores = run_study(base, config(), [1], [0], "fsod", out, actions=again)
    assert again.calls == []
    assert [score.cell for score in scores] == [Cell(1, 0)]
    more = Recorder()
    scores = run_study(base, config("--device", "cpu"), [1, 5], [0], "fsod", out, actions=more)
    assert work(more) == ["train 5shot_seed0", "evaluate 5shot_seed0"]
    assert [score.cell for score in scores] == [Cell(1, 0), Cell(5, 0)]


@pytest.mark.parametrize(
    ("stop_at", "then"),
    [
        ("surgery removed.ckpt", ["train 1shot_seed0", "evaluate 1shot_seed0"]),
        ("train 1shot_seed0", ["resume 1shot_seed0", "evaluate 1shot_seed0"]),
        ("evaluate 1shot_seed0", ["evaluate 1shot_seed0"]),
    ],
)
@pytest.mark.parametrize("error", [Interrupted, KeyboardInterrupt])
def test_an_interrupted_study_goes_on(base: Path, tmp_path: Path, stop_at, then, error) -> None:
    out = tmp_path / "study"
    with pytest.raises(Interrupted, match=r"stopped at 1 shot, seed 0, 0 of 2 done; the same command"):
        run_study(base, config(), [1, 2], [0], "fsod", out, actions=Recorder(stop_at, error))
    actions = Recorder()
    scores = run_study(base, config(), [1, 2], [0], "fsod", out, actions=actions)
    assert work(actions) == [*then, "train 2shot_seed0", "evaluate 2shot_seed0"]
    assert len(scores) == 2


def test_a_killed_training_is_resumed_or_begun_again(base: Path, tmp_path: Path) -> None:
    """A kill leaves no cell.json; before the first checkpoint there is nothing to resume."""
    out = tmp_path / "study"
    with pytest.raises(Interrupted):
        run_study(base, config(), [1], [0], "fsod", out, actions=Recorder("train 1shot_seed0"))
    (out / "1shot_seed0/cell.json").unlink()
    with pytest.raises(Interrupted):
        run_study(base, config(), [1], [0], "fsod", out, actions=Recorder("resume 1shot_seed0"))
    RunFolder(out / "1shot_seed0").last_path.unlink()
    actions = Recorder()
    run_study(base, config(), [1], [0], "fsod", out, actions=actions)
    assert work(actions) == ["train 1shot_seed0", "evaluate 1shot_seed0"]


def test_faulty_input_is_found_before_anything_is_done(base: Path, tmp_path: Path) -> None:
    """A corrected call is then no other study, and --overwrite removes nothing."""
    out = tmp_path / "study"
    actions = Recorder("check test 1/0 30/0 1/1 30/1", UserError)
    with pytest.raises(UserError, match="stopped"):
        run_study(base, config(), [1, 30], [0, 1], "fsod", out, split="test", actions=actions)
    assert actions.calls == ["check test 1/0 30/0 1/1 30/1"]
    assert not out.exists()
    run_study(base, config("--data.train", "other.json"), [1], [0], "fsod", out, actions=Recorder())
    with pytest.raises(UserError, match="stopped"):
        run_study(
            *(base, config(), [1], [0], "fsod", out),
            overwrite=True,
            actions=Recorder("check val 1/0", UserError),
        )
    assert [score.cell for score in StudyFolder(out).scores()] == [Cell(1, 0)]


def test_what_is_not_finished_is_checked_again(base: Path, tmp_path: Path) -> None:
    """The network of 2 shots is trained, and still has to be measured."""
    out = tmp_path / "study"
    with pytest.raises(Interrupted):
        run_study(base, config(), [1, 2], [0], "fsod", out, actions=Recorder("evaluate 2shot_seed0"))
    actions = Recorder()
    run_study(base, config(), [1, 2, 3], [0], "fsod", out, actions=actions)
    assert actions.calls[:2] == ["check val 2/0 3/0", "evaluate 2shot_seed0"]


MEASURING = (
    *("--pcb.weights", "resnet.pth", "--pcb.alpha", "0.4", "--data.val", "v.json"),
    *("--data.test", "t.json", "--data.val-images", "pictures"),
)


def test_how_to_measure_may_change_until_something_was_measured(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    with pytest.raises(Interrupted):
        run_study(base, config(), [1], [0], "fsod", out, actions=Recorder("evaluate 1shot_seed0"))
    with pytest.raises(UserError, match=r"another schedule\.lr"):
        run_study(base, config(*MEASURING, "--schedule.lr", "0.5"), [1], [0], "fsod", out, actions=Recorder())
    actions = Recorder()
    run_study(base, config(*MEASURING), [1], [0], "fsod", out, actions=actions)
    assert work(actions) == ["evaluate 1shot_seed0"]
    settings = json.loads((out / "study.json").read_text())["settings"]
    assert (settings["pcb.weights"], settings["pcb.alpha"], settings["data.val"]) == (
        "resnet.pth",
        0.4,
        "v.json",
    )


@pytest.mark.parametrize("key", ["pcb.weights", "pcb.alpha", "data.val", "data.test", "data.val_images"])
def test_results_of_other_measurements_are_not_mixed(base: Path, tmp_path: Path, key: str) -> None:
    run_study(base, config(), [1], [0], "fsod", tmp_path / "study", actions=Recorder())
    words = dict(zip(MEASURING[::2], MEASURING[1::2], strict=True))
    option = f"--{key.replace('_', '-')}"
    other = config(option, words[option])
    with pytest.raises(UserError, match=rf"another {re.escape(key)} \("):
        run_study(base, other, [1, 2], [0], "fsod", tmp_path / "study", actions=Recorder())


def test_each_fine_tuning_has_its_seed_shots_and_start(base: Path, tmp_path: Path) -> None:
    actions = Recorder()
    words = config("--seed", "100")
    run_study(base, words, [1, 5], [0, 2], "gfsod", tmp_path / "study", split="test", actions=actions)
    assert [call for call in actions.calls if call.startswith("surgery")] == [
        "surgery randinit_seed0.ckpt",
        "surgery randinit_seed2.ckpt",
    ]
    assert (tmp_path / "study/start/randinit_seed2.ckpt").read_text() == "base.ckpt 102"
    cell = actions.configs["5shot_seed2"]
    assert (cell.seed, cell.fewshot.shots, cell.fewshot.shots_seed, cell.fewshot.classes) == (
        102,
        5,
        2,
        "all",
    )
    assert (cell.train.iterations, cell.schedule.milestone_steps) == (2500, (2000,))
    assert not cell.train.evaluate


def test_learning_rate_and_length_are_scaled_to_the_batch(base: Path, tmp_path: Path, capsys) -> None:
    actions = Recorder()
    small = config("--train.batch-size", "4", "--train.accumulate", "1")
    run_study(base, small, [5], [0], "fsod", tmp_path / "study", scale_lr=True, actions=actions)
    cell = actions.configs["5shot_seed0"]
    assert (cell.train.iterations, cell.schedule.milestone_steps) == (10_000, (8_000,))
    assert cell.schedule.lr == pytest.approx(0.0025)
    assert "linear scaling from 16 to 4 images an update: lr 0.01 -> 0.0025" in capsys.readouterr().out
    with pytest.raises(UserError, match=r"another schedule\.lr \(0\.0025, now 0\.01\)"):
        run_study(base, small, [5], [1], "fsod", tmp_path / "study", actions=actions)


def test_checkpoints_can_be_left_out(base: Path, tmp_path: Path) -> None:
    for name, keep in (("kept", True), ("gone", False)):
        run_study(
            *(base, config(), [1], [0], "fsod", tmp_path / name), keep_checkpoints=keep, actions=Recorder()
        )
    assert RunFolder(tmp_path / "kept/1shot_seed0").last_path.is_file()
    assert not RunFolder(tmp_path / "gone/1shot_seed0").last_path.exists()


@pytest.mark.parametrize(
    ("words", "mode", "split", "content", "message"),
    [
        (("--schedule.lr", "0.5"), "fsod", "val", b"base", r"another schedule\.lr \(0\.01, now 0\.5\)"),
        ((), "gfsod", "val", b"base", r"another --mode \(fsod, now gfsod\)"),
        ((), "fsod", "test", b"base", r"another --split \(val, now test\)"),
        ((), "fsod", "val", b"other", r"another base checkpoint \(SHA-256 \w{12}, now SHA-256 \w{12}\)"),
    ],
)
def test_another_study_is_refused_or_replaced(
    base: Path, tmp_path: Path, words, mode, split, content, message
) -> None:
    out = tmp_path / "study"
    run_study(base, config(), [1], [0], "fsod", out, actions=Recorder())
    (out / "mine.txt").write_text("mine")
    base.write_bytes(content)
    refused = Recorder()
    with pytest.raises(UserError, match=message):
        run_study(base, config(*words), [1], [0], mode, out, split=split, actions=refused)
    assert refused.calls == []
    run_study(base, config(*words), [2], [0], mode, out, split=split, overwrite=True, actions=Recorder())
    assert [score.cell for score in StudyFolder(out).scores()] == [Cell(2, 0)]
    assert not (out / "1shot_seed0").exists()
    assert (out / "mine.txt").read_text() == "mine"


def test_a_folder_with_other_files_is_refused(base: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds other files"):
        run_study(base, config(), [1], [0], "fsod", tmp_path, overwrite=True, actions=Recorder())


def test_a_damaged_record_is_named(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "study"
    run_study(base, config(), [1], [0], "fsod", out, actions=Recorder())
    for content in ("{", '{"what": 1}'):
        (out / "1shot_seed0/cell.json").write_text(content)
        with pytest.raises(UserError, match=r"cell\.json: .*Delete .*1shot_seed0; this fine-tuning"):
            run_study(base, config(), [1], [0], "fsod", out, actions=Recorder())


def test_cells_are_each_once_all_shots_before_the_next_seed() -> None:
    assert cells_of([1, 5, 1], [0, 2]) == (Cell(1, 0), Cell(5, 0), Cell(1, 2), Cell(5, 2))
    for shots, seeds, message in (
        ([], [0], "nothing to do"),
        ([1], [], "nothing to do"),
        ([0], [0], "--shots: 0 is below 1"),
        ([1], [-1], "--seeds: -1 is below 0"),
    ):
        with pytest.raises(UserError, match=message):
            cells_of(shots, seeds)


def test_seeds_as_typed() -> None:
    assert seeds_of(["0-3"]) == [0, 1, 2, 3]
    assert seeds_of(["0", "7", "4-5"]) == seeds_of(["0,7,4-5"]) == [0, 7, 4, 5]
    for word in ("a", "1-", "-1", "1-b", "", "3-1"):
        with pytest.raises(UserError, match=r"--seeds: .* (is no number|ends before)"):
            seeds_of([word])


def test_the_time_left_follows_from_iterations() -> None:
    done = CellRecord(Cell(1, 0), "finished", 100, 50.0, 10.0)
    begun = CellRecord(Cell(5, 0), "training", 200, 30.0)
    assert seconds_left([begun], [(Cell(5, 0), 200)]) is None
    todo = [(Cell(5, 0), 200), (Cell(5, 1), 200)]
    assert seconds_left([done, begun], todo) == pytest.approx((100 - 30) + 100 + 2 * 10)
    assert [time_in_words(s) for s in (5, 700, 7500, 101_000, 180_000)] == [
        *("1 min", "12 min", "2:05 h", "1 day 04:03", "2 days 02:00")
    ]


def test_the_page_shows_means_and_every_seed(base: Path, tmp_path: Path) -> None:
    out = tmp_path / "<study>"
    run_study(base, config(), [1, 2], [0, 1], "fsod", out, actions=Recorder())
    page = (out / "report.html").read_text(encoding="utf-8")
    assert "&lt;study&gt;" in page
    assert "<study>" not in page
    assert "10.50 ± 0.69" in page  # nAP of 1 shot: 10 and 11
    assert page.count("<tr>") == (1 + 2) + (1 + 4)
    assert "schedule.lr: 0.01" in page


def test_the_page_has_a_diagram_of_base_and_novel_classes(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    from ms_defrcn.study_report import write_study_report

    scores = [Score(Cell(k, s), {"nAP": 0.1 * k, "bAP": 0.5, "AP": 0.3}) for k in (1, 2) for s in (0, 1)]
    write_study_report(tmp_path / "report.html", {"mode": "gfsod"}, scores)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 1
    for label in ("novel classes", "base classes", "all classes"):
        assert label in page
