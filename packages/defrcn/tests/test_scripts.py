"""The old shell scripts: every command line of the guide, what runs, and where its files lie."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ms_core.cli import read_words
from ms_core.device_choice import missing_part
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.calls import read_call
from ms_core.old_zoo.ranks import processes_of
from ms_core.old_zoo.scripts import INTERFACES, VARIABLES
from ms_defrcn.cli import tool

PACKAGE = "ms-defrcn"
SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
CONFIGS = Path(__file__).resolve().parents[2] / "core" / "tests" / "old_zoo" / "defrcn_configs"
BASE_FILE, TEN_FILE = (
    "../configs/coco/defrcn_det_r101_base.yaml",
    "../configs/coco/defrcn_fsod_r101_novel_10shot.yaml",
)
RUNS = "checkpoints/coco/exp"
BASE = f"{RUNS}/defrcn_det_r101_base"
TEN = f"{RUNS}/defrcn_fsod_r101_novel/fsrw-like/10shot_seed0/repeat0"
DATA = (
    "--data.train ../datasets/cocosplit/datasplit/trainvalno5k.json --data.images ../datasets/coco/trainval2014 "
    "--data.val ../datasets/cocosplit/datasplit/5k.json --data.val-images ../datasets/coco/val2014 "
    "--fewshot.shots-from ../datasets/cocosplit"
)
PCB = "--pcb.weights ../ImageNetPretrained/pth_convert/res101_ms.ckpt"
START = f"{DATA} --backbone-weights ../ImageNetPretrained/pkl_convert/backbone.ckpt --out {BASE}"
TUNE = (
    f"finetune {BASE} --config defrcn_r101_coco_fsod --mode fsod --shots 10 --shots-seed 0 --seed 0 --out {TEN} "
    f"{DATA} {PCB}"
)
EVAL = "checkpoints/coco/defrcn_det_r101"
EVAL_TEN = f"{EVAL}/defrcn_fsod_r101_novel/fsrw-like/10shot_seed0/repeat0"
GUIDE = [
    ("run_standalone_train_{x}.sh exp", f"train --config defrcn_r101_coco_base --device {{d}}:0 {START}"),
    ("run_distribute_train_{x}.sh exp",
     f"train --config defrcn_r101_coco_base --device {{d}} --train.accumulate 1 {START}"),
    ("run_standalone_finetune_{x}.sh exp", f"{TUNE} --device {{d}}:0"),
    ("run_distribute_finetune_{x}.sh exp", f"{TUNE} --device {{d}} --train.accumulate 1"),
    ("run_eval_pretrain_{x}.sh",
     f"eval {EVAL}/defrcn_det_r101_base --config defrcn_r101_coco_base --device {{d}}:0 {DATA}"),
    ("run_eval_finetune_{x}.sh",
     f"eval {EVAL_TEN} --config defrcn_r101_coco_fsod --device {{d}}:0 --fewshot.classes novel --finetune.mode fsod "
     f"--fewshot.shots 10 --fewshot.shots-seed 0 {DATA} {PCB}"),
]  # fmt: skip
"""Without any old file in place."""


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder `scripts` of an old tree without configurations; a space in its path."""
    folder = tmp_path / "my work" / "scripts"
    folder.mkdir(parents=True)
    monkeypatch.chdir(folder)
    for name in (*VARIABLES, "RANK_SIZE", "DEVICE_NUM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return folder


@pytest.fixture
def files(work: Path) -> Path:
    """The old configurations where the guide has them, and the folder of the data."""
    shutil.copytree(CONFIGS, work.parent / "configs" / "coco")
    for name in ("cocosplit/datasplit", "coco/trainval2014", "coco/val2014"):
        (work.parent / "datasets" / name).mkdir(parents=True)
    for name in ("trainvalno5k.json", "5k.json"):
        (work.parent / "datasets" / "cocosplit" / "datasplit" / name).touch()
    return work.parent


def our_run(folder: Path) -> None:
    """A run folder of ours."""
    (folder / "checkpoints").mkdir(parents=True)
    (folder / "config.yaml").write_text("seed: 1\nfewshot: {split: coco}\n", encoding="utf-8")
    (folder / "checkpoints" / "best.ckpt").touch()


def rank_table(count: int) -> str:
    """Of one machine, this one."""
    devices = [
        {"device_id": str(i), "device_ip": f"192.1.0.{i + 1}", "rank_id": str(i)} for i in range(count)
    ]
    server = {"server_id": "127.0.0.1", "device": devices}
    return json.dumps({"version": "1.0", "server_count": "1", "status": "completed", "server_list": [server]})


def parsed(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Positional words and options; every option has one value."""
    start = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    pairs = words[start:]
    assert len(pairs) % 2 == 0, f"an option without its value: {words}"
    assert len(set(pairs[::2])) == len(pairs[::2]), f"an option twice: {words}"
    return words[:start], dict(zip(pairs[::2], pairs[1::2], strict=True))


def dry_run(line: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Our command for a script's command line."""
    assert main(["run", PACKAGE, *shlex.split(line)]) == 0
    return shlex.split(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(("name", "device"), [("ascend", "ascend"), ("gpu", "gpu")])
@pytest.mark.parametrize(("line", "ours"), GUIDE)
def test_command_lines_of_the_guide(
    line: str, ours: str, name: str, device: str, capsys: pytest.CaptureFixture[str]
) -> None:
    words = dry_run(line.format(x=name), capsys)
    assert words[0] == PACKAGE
    assert parsed(words[1:]) == parsed(ours.format(d=device).split())
    assert read_words(tool(), words[1:]).config.model.name == "defrcn_r101"


def test_every_script_of_the_guide_is_here() -> None:
    """With those for exported models, of which test_scripts_310 has the lines."""
    lines = {line.format(x=name).split()[0] for line, _ in GUIDE for name in ("ascend", "gpu")}
    exported = {"run_infer_310.sh", "run_infer_cpp.sh", "convert_om.sh"}
    assert lines | exported == set(INTERFACES[PACKAGE].scripts)


def test_old_files_that_lie_there_count(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = dry_run("run_standalone_train_gpu.sh exp", capsys)
    assert words[1:4] == ["train", "--config", BASE_FILE]
    assert parsed(words[1:])[1] == {
        "--config": BASE_FILE, "--train.accumulate": "8", "--device": "gpu:0", "--out": BASE,
    }  # fmt: skip
    assert read_words(tool(), words[1:]).config.data.images == "../datasets/coco/trainval2014"
    words = dry_run("run_standalone_finetune_gpu.sh exp", capsys)
    assert words[1:5] == ["finetune", BASE, "--config", TEN_FILE]
    assert words[words.index("--out") + 1] == TEN
    words = dry_run("run_distribute_finetune_ascend.sh exp gfsod 1 4", capsys)
    assert words[3:5] == ["--config", "../configs/coco/defrcn_gfsod_r101_novel_1shot.yaml"]
    assert parsed(words[1:])[1]["--shots-seed"] == "4"
    assert words[words.index("--out") + 1] == f"{RUNS}/defrcn_gfsod_r101_novel/tfa-like/1shot_seed4"
    assert read_words(tool(), words[1:]).config.train.iterations == 3200


def test_the_file_may_be_named(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    named = "../configs/coco/defrcn_gfsod_r101_novel_1shot.yaml"
    words = dry_run(f"run_standalone_finetune_gpu.sh exp {named} 3 --seed 5", capsys)
    options = parsed(words[1:])[1]
    assert (options["--mode"], options["--shots"], options["--shots-seed"]) == ("gfsod", "1", "5")
    assert (options["--config"], options["--device"]) == (named, "gpu:3")


def test_an_old_checkpoint_is_evaluated(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("a.ckpt").touch()
    words = dry_run("run_eval_finetune_gpu.sh a.ckpt 7", capsys)
    assert parsed(words[1:]) == (
        ["eval", "a.ckpt"], {"--config": TEN_FILE, "--device": "gpu:7", "--pcb": "on"},
    )  # fmt: skip
    words = dry_run(f"run_eval_pretrain_gpu.sh {BASE_FILE} a.ckpt --pcb_enable True", capsys)
    assert parsed(words[1:])[1] == {"--config": BASE_FILE, "--device": "gpu:0", "--pcb": "on"}


def test_runs_of_ours_know_their_data(capsys: pytest.CaptureFixture[str]) -> None:
    our_run(Path(BASE))
    words = dry_run("run_standalone_finetune_gpu.sh exp fsod 5 2", capsys)
    assert words[1:3] == ["finetune", BASE]
    assert not [word for word in words if word.startswith(("--config", "--data.", "--fewshot."))]
    assert read_words(tool(), words[1:]).config.fewshot.split == "coco"
    assert dry_run(f"run_eval_pretrain_gpu.sh {BASE}", capsys)[1:] == ["eval", BASE, "--device", "gpu:0"]
    assert dry_run(f"run_eval_finetune_gpu.sh {BASE}", capsys)[1:] == ["eval", BASE, "--device", "gpu:0"]


def test_a_recipe_and_settings_of_ours_are_understood(capsys: pytest.CaptureFixture[str]) -> None:
    words = dry_run(
        "run_standalone_train_gpu.sh own/dogs defrcn_base --data.train a.json --base_lr 0.002", capsys
    )
    config = read_words(tool(), words[1:]).config
    assert words[1:4] == ["train", "--config", "defrcn_base"]
    assert (config.data.train, config.schedule.lr, config.fewshot.split) == ("a.json", 0.002, "none")
    assert words[words.index("--out") + 1] == "checkpoints/coco/own/dogs/defrcn_det_r101_base"


def test_all_shots_and_seeds_are_one_command(capsys: pytest.CaptureFixture[str]) -> None:
    main(["run", PACKAGE, "run_standalone_finetune_gpu.sh", "exp", "gfsod", "1"])
    assert f"ms-defrcn study {BASE} --mode gfsod --shots 1 2 3 5 10 30 --seeds 0-9" in capsys.readouterr().out


def test_several_devices_are_several_processes_with_logs_of_their_own(work: Path) -> None:
    (work / "t.json").write_text(rank_table(8), encoding="utf-8")
    call = read_call(PACKAGE, "run_distribute_train_ascend.sh", ["exp"], {"RANK_TABLE_FILE": "t.json"})
    processes = processes_of(call, ["train"], {"PATH": "/bin"})
    assert [process.environment["RANK_ID"] for process in processes] == list("01234567")
    assert {Path(process.environment["RANK_TABLE_FILE"]) for process in processes} == {
        Path("t.json").absolute()
    }
    assert [str(process.log) for process in processes[:2]] == ["train_parallel0/log", "train_parallel1/log"]


def test_without_a_rank_table_the_processes_find_each_other() -> None:
    call = read_call(PACKAGE, "run_distribute_finetune_gpu.sh", ["exp", "2"], {})
    processes = processes_of(call, ["finetune"], {"PATH": "/bin"})
    assert [process.environment["MS_ROLE"] for process in processes] == ["MS_WORKER", "MS_WORKER", "MS_SCHED"]
    assert [str(process.log) for process in processes[:2]] == [
        "finetune_parallel/train.log",
        "finetune_parallel/train_1.log",
    ]
    call = read_call(PACKAGE, "run_distribute_finetune_gpu.sh", ["exp"], {"DEVICE_NUM": "4"})
    assert call.values["DEVICE_NUM"] == "4"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run_standalone_train_gpu.sh", "0 arguments, expected 1 or 2 or 3. Accepted: EXP_NAME [CONFIG [DEVICE_ID]]"),
        ("run_standalone_train_gpu.sh ../out", "'../out', is no EXP_NAME (name of the experiment"),
        ("run_standalone_train_gpu.sh exp missing.yaml", "CONFIG=missing.yaml: no such file or recipe. Recipes: de"),
        ("run_standalone_finetune_gpu.sh exp tfa 10", "'tfa', is no "),
        ("run_standalone_finetune_gpu.sh exp fsod 0", "'0', is no SHOTS (labelled objects of every class, from 1)"),
        ("run_standalone_finetune_gpu.sh exp defrcn_r101_coco_fsod", "of how many shots? Write EXP_NAME MODE SHOTS"),
        ("run_eval_finetune_gpu.sh missing.ckpt", "CHECKPOINT_PATH=missing.ckpt: no such file."),
        ("run_standalone_train_gpu.sh exp --base_lrr 1", "--base_lrr: no option of the old zoo. Did you mean base_lr"),
        ("run_train.sh exp", "run_train.sh: ms-defrcn has no such script."),
    ],
)  # fmt: skip
def test_refusals_are_one_line_and_code_2(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", PACKAGE, *line.split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_a_faulty_number_of_devices_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEVICE_NUM", "many")
    assert main(["run", PACKAGE, "run_distribute_train_gpu.sh", "exp"]) == 2
    assert (
        "DEVICE_NUM=many (environment variable DEVICE_NUM): is no number of devices"
        in capsys.readouterr().err
    )


def start(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Start in earnest."""
    monkeypatch.delenv("MS_OLD_ZOO_DRY_RUN")
    return main(["run", PACKAGE, *shlex.split(line)])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run_standalone_train_gpu.sh exp", "backbone_weights: ../../ImageNetPretrained/pkl_convert/backbone.ckpt: th"),
        ("run_standalone_finetune_gpu.sh exp", f"{BASE}: there is no base training. Start it with"),
        ("run_eval_pretrain_gpu.sh a.ckpt --datasets_root no", "data.val: no/cocosplit/datasplit/5k.json: there is no"),
        ("run_standalone_train_gpu.sh exp defrcn_base", "no data: data.train is not set. Give a CONFIG that names it"),
    ],
)  # fmt: skip
def test_what_would_fail_a_moment_later_is_refused_before_the_start(
    line: str, message: str, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("a.ckpt").touch()
    before = sorted(Path().iterdir())
    assert start(line, monkeypatch) == 2
    assert message in capsys.readouterr().err
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("left", ["metrics.jsonl", "defrcn-18_6154.ckpt"])
def test_a_former_training_is_not_removed(
    left: str, files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path(BASE).mkdir(parents=True)
    Path(BASE, left).touch()
    assert start("run_standalone_train_gpu.sh exp", monkeypatch) == 2
    error = capsys.readouterr().err
    assert f"{BASE}: holds the results of a former training. Move {BASE} away" in error
    assert Path(BASE, left).exists()


@pytest.mark.skipif(not missing_part("Ascend"), reason="this machine has an Ascend toolkit")
def test_a_device_that_is_not_there_is_refused_before_the_start(
    files: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("b.ckpt").touch()
    assert start("run_standalone_train_ascend.sh exp --backbone_pretrained_path b.ckpt", monkeypatch) == 2
    assert "not available: " in capsys.readouterr().err
    assert not Path("train").exists()


@pytest.mark.parametrize("stage", ["train", "finetune"])
def test_overwrite_is_said_by_a_variable(
    stage: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERWRITE", "1")
    assert dry_run(f"run_standalone_{stage}_gpu.sh exp", capsys)[-1] == "--overwrite"


def test_every_script_is_a_thin_caller() -> None:
    assert {path.name for path in SCRIPTS.glob("*.sh")} == set(INTERFACES[PACKAGE].scripts)
    for name in INTERFACES[PACKAGE].scripts:
        first, comment, call = (SCRIPTS / name).read_text(encoding="utf-8").splitlines()
        assert (first, comment[:2]) == ("#!/bin/sh", "# ")
        assert call == f'exec "${{PYTHON:-python}}" -m ms_core.old_zoo run {PACKAGE} {name} "$@"'
        assert os.access(SCRIPTS / name, os.X_OK)


def test_a_script_runs_from_any_folder(files: Path) -> None:
    """`bash run_eval_pretrain_gpu.sh`, with paths that have spaces."""
    Path("a.ckpt").touch()
    words = [
        "bash",
        str(SCRIPTS / "run_eval_pretrain_gpu.sh"),
        str(files / BASE_FILE[3:]),
        str(Path("a.ckpt").absolute()),
    ]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].startswith("ms-defrcn eval ")
