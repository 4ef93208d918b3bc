"""The old shell scripts: every command line of the guides, what runs, and where its files lie."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ms_core.device_choice import missing_part
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.scripts import CONTAINER_SCRIPTS, INTERFACES, VARIABLES

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PACKAGE = "ms-ssd"
OLD_YAML = """
model_name: ssd300
img_shape:      [300,
                 300]
coco_root: data
checkpoint_file_path: yaml.ckpt
"""
TRAIN = "train --config ssd300 --train.epochs 50 --schedule.lr 0.02"
OLD_TRAIN = "train --config ssd.yaml --schedule.lr 0.02 --train.epochs 50"

GUIDE_001 = [
    ("run_distribute_train.sh 8 50 0.02 coco t.json", f"{TRAIN} --device ascend --out LOG0/ckpt_0"),
    (
        "run_distribute_train.sh 8 50 0.02 coco t.json a.ckpt 20",
        f"{TRAIN} --device ascend --out LOG0/ckpt_0 --weights a.ckpt --train.start-epoch 20",
    ),
    ("run_eval.sh coco a.ckpt 0", "eval a.ckpt --config ssd300 --device ascend:0 --out eval0"),
    ("run_eval.sh coco a.ckpt", "eval a.ckpt --config ssd300 --device ascend:0 --out eval0"),
    ("run_eval_gpu.sh coco a.ckpt 1", "eval a.ckpt --config ssd300 --device gpu:1 --out eval1"),
    ("run_distribute_train_gpu.sh 8 50 0.02 coco", f"{TRAIN} --device gpu --out LOG/ckpt_0"),
    (
        "run_distribute_train_gpu.sh 8 50 0.02 coco a.ckpt 0",
        f"{TRAIN} --device gpu --out LOG/ckpt_0 --weights a.ckpt",
    ),
]
GUIDE_004 = [
    ("run_distribute_train.sh 8 50 0.02 coco t.json", f"{TRAIN} --device ascend --out LOG0/ckpt_0"),
    (
        "run_distribute_train.sh 8 50 0.02 other t.json a.ckpt 0",
        f"{TRAIN} --device ascend --out LOG0/ckpt_0 --weights a.ckpt",
    ),
    (
        "run_standalone_train.sh a.ckpt",
        "train --config ssd300 --weights a.ckpt --device ascend:0 --out LOG/ckpt_0",
    ),
    ("run_standalone_train.sh", "train --config ssd300 --device ascend:0 --out LOG/ckpt_0"),
    ("run_eval_ascend.sh coco a.ckpt 3", "eval a.ckpt --config ssd300 --device ascend:3 --out eval3"),
]
OFFICIAL = [
    (
        "run_distribute_train.sh 8 50 0.02 coco t.json ssd.yaml",
        f"{OLD_TRAIN} --device ascend --out LOG0/ckpt_0",
    ),
    (
        "run_distribute_train.sh 8 50 0.02 coco t.json ssd.yaml a.ckpt 20",
        f"{OLD_TRAIN} --device ascend --out LOG0/ckpt_0 --weights a.ckpt --train.start-epoch 20",
    ),
    ("run_distribute_train_gpu.sh 8 50 0.02 coco ssd.yaml", f"{OLD_TRAIN} --device gpu --out LOG/ckpt_0"),
    (
        "run_distribute_train_gpu.sh 8 50 0.02 coco ssd.yaml a.ckpt 20",
        f"{OLD_TRAIN} --device gpu --out LOG/ckpt_0 --weights a.ckpt --train.start-epoch 20",
    ),
    ("run_standalone_train.sh 3 50 0.02 coco ssd.yaml", f"{OLD_TRAIN} --device ascend:3 --out LOG/ckpt_0"),
    (
        "run_standalone_train.sh 3 50 0.02 coco ssd.yaml a.ckpt 20",
        f"{OLD_TRAIN} --device ascend:3 --out LOG/ckpt_0 --weights a.ckpt --train.start-epoch 20",
    ),
    ("run_eval.sh coco a.ckpt 0 ssd.yaml", "eval a.ckpt --config ssd.yaml --device ascend:0 --out eval0"),
    ("run_eval_gpu.sh coco a.ckpt 0 ssd.yaml", "eval a.ckpt --config ssd.yaml --device gpu:0 --out eval0"),
    ("run_export.sh ssd.yaml MINDIR", "export yaml.ckpt --config ssd.yaml --format mindir --out ssd"),
    ("run_export.sh ssd.yaml AIR a.ckpt", "export a.ckpt --config ssd.yaml --format air --out ssd"),
]
ONNX = [
    ("run_eval_onnx.sh photos data m.onnx", "ssd300", "instances_val2017.json", None),
    ("run_eval_onnx.sh photos data m.onnx ann.json GPU ssd.yaml", "ssd.yaml", "ann.json", "gpu"),
    (
        "infer_ssd_mobilenet_v1_fpn_onnx.sh photos data m.onnx",
        "ssd_mobilenet_v1_fpn",
        "instances_val2017.json",
        None,
    ),
]


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the command lines name; a space in its name."""
    folder = tmp_path / "my work"
    folder.mkdir()
    (folder / "photos").mkdir()
    for name in ("a.ckpt", "yaml.ckpt", "t.json", "m.mindir", "m.onnx", "ann.json"):
        (folder / name).touch()
    (folder / "ssd.yaml").write_text(OLD_YAML, encoding="utf-8")
    monkeypatch.chdir(folder)
    for name in (*VARIABLES, "RANK_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return folder


def parsed(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Positional words and options; every option has one value."""
    start = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    pairs = words[start:]
    assert len(pairs) % 2 == 0, f"an option without its value: {words}"
    options = dict(zip(pairs[::2], pairs[1::2], strict=True))
    options.pop("--schedule.lr-end", None)  # follows from the learning rate; the mapping's own tests have it
    return words[:start], options


def dry_run(line: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Our command for a script's command line."""
    assert main(["run", PACKAGE, *shlex.split(line)]) == 0
    return shlex.split(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(("line", "ours"), [*GUIDE_001, *GUIDE_004, *OFFICIAL])
def test_command_lines_of_the_guides(line: str, ours: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = dry_run(line, capsys)
    assert words[0] == PACKAGE
    assert parsed(words[1:]) == parsed(ours.split())


@pytest.mark.parametrize(("line", "config", "annotations", "device"), ONNX)
def test_onnx_command_lines(
    line: str, config: str, annotations: str, device: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    positional, options = parsed(dry_run(line, capsys)[1:])
    assert positional == ["infer", "m.onnx"]
    assert (options["--config"], options["--runtime"]) == (config, "onnxruntime")
    assert options["--data.val"].endswith(annotations)
    assert options.get("--device") == device


def test_what_was_read_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["run", PACKAGE, "run_eval.sh", "coco", "a.ckpt"]) == 0
    assert capsys.readouterr().out.splitlines()[0] == (
        "run_eval.sh: DATASET=coco CHECKPOINT_PATH=a.ckpt DEVICE_ID=0 (default) "
        "CONFIG=ssd300 (default, CONFIG_PATH or MODEL_NAME names another)"
    )


def test_the_environment_says_what_the_words_do_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("DEVICE_ID", "5")
    monkeypatch.setenv("MODEL_NAME", "ssd_vgg16_gpu")
    monkeypatch.setenv("DEVICE_TARGET", "GPU")
    _, options = parsed(dry_run("run_standalone_train.sh a.ckpt", capsys)[1:])
    assert (options["--device"], options["--config"]) == ("gpu:5", "ssd_vgg16_gpu")
    _, options = parsed(dry_run("run_eval.sh coco a.ckpt 2", capsys)[1:])
    assert options["--device"] == "gpu:2"
    monkeypatch.setenv("CONFIG_PATH", "ssd.yaml")
    _, options = parsed(dry_run("run_eval.sh coco a.ckpt 2", capsys)[1:])
    assert options["--config"] == "ssd.yaml"


def test_an_old_src_config_beside_the_scripts_is_used(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "src").mkdir()
    (work / "src" / "config.py").write_text("using_model = 'ssd_vgg16'\n", encoding="utf-8")
    (work / "src" / "config_ssd_vgg16.py").write_text(
        "from easydict import EasyDict as ed\nconfig = ed({'coco_root': 'mine', 'class_num': 81})\n",
        encoding="utf-8",
    )
    _, options = parsed(dry_run("run_eval.sh coco a.ckpt 0", capsys)[1:])
    assert options["--config"] == "src/config.py"


def test_flags_follow_the_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    line = "run_eval.sh coco a.ckpt 0 --min_score 0.3 --device_target=CPU --coco_root 'my photos' --eval.batch-size 4"
    _, options = parsed(dry_run(line, capsys)[1:])
    assert options["--postprocess.min-score"] == "0.3"
    assert options["--device"] == "cpu"
    assert options["--data.val"] == "my photos/annotations/instances_val2017.json"
    assert options["--eval.batch-size"] == "4"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run_eval.sh coco missing.ckpt 0", "CHECKPOINT_PATH=missing.ckpt: no such file."),
        (
            "run_eval.sh coco a.ckpt 0 missing.yaml",
            "CONFIG=missing.yaml: no such file or recipe. Recipes: ssd300,",
        ),
        (
            "run_distribute_train.sh 8 50 0.02 coco missing.json",
            "RANK_TABLE_FILE=missing.json: no such file.",
        ),
        (
            "run_eval.sh coco a.ckpt 0 --min_scor 0.3",
            "--min_scor: no option of the old zoo. Did you mean min_score",
        ),
        ("run_evaluate.sh coco a.ckpt", "has no such script. Did you mean"),
        ("run_eval.sh coco", "Accepted: DATASET CHECKPOINT_PATH"),
        ("run_download_dataset.sh imagenet", "is no DATASET"),
    ],
)
def test_refusals_are_one_line_and_code_2(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", PACKAGE, *line.split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def start(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Start in earnest."""
    monkeypatch.delenv("MS_OLD_ZOO_DRY_RUN")
    return main(["run", PACKAGE, *shlex.split(line)])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run_eval.sh coco a.ckpt 0", "run_eval.sh: no data: data.val is not set."),
        (
            "run_eval.sh coco a.ckpt 0 ssd.yaml",
            "data/annotations/instances_val2017.json: there is no such file",
        ),
        ("run_standalone_train.sh 0 5 0.1 coco ssd.yaml", "instances_train2017.json: there is no such file"),
        ("run_eval.sh coco a.ckpt 0 --eval.batch-size 0", "batch_size: 0 is below 1"),
        ("run_eval.sh coco a.ckpt 0 --evall.batch-size 4", "--evall.batch-size: unknown option"),
    ],
)
def test_what_would_fail_a_moment_later_is_refused_before_the_start(
    line: str, message: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(work.iterdir())
    assert start(line, monkeypatch) == 2
    assert message in capsys.readouterr().err
    assert sorted(work.iterdir()) == before


@pytest.mark.parametrize("left", ["ckpt_0/metrics.jsonl", "ckpt_0/ssd-500_458.ckpt"])
def test_a_former_training_is_not_removed(
    left: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The old scripts began with rm -rf LOG."""
    (work / "LOG" / "ckpt_0").mkdir(parents=True)
    (work / "LOG" / left).touch()
    assert start("run_standalone_train.sh 0 5 0.1 coco ssd300 --data.train photos", monkeypatch) == 2
    error = capsys.readouterr().err
    assert "LOG/ckpt_0: holds the results of a former training" in error
    assert "ms-ssd train --resume LOG/ckpt_0" in error
    assert (work / "LOG" / left).exists()


@pytest.mark.parametrize(
    ("line", "device"),
    [
        ("run_standalone_train.sh 0 5 0.1 coco cpu.yaml", "cpu"),
        ("run_eval.sh coco a.ckpt 0 cpu.yaml", "cpu"),
        ("run_eval.sh coco a.ckpt 1 cpu.yaml --device_target GPU", "gpu:1"),
        ("run_eval_gpu.sh coco a.ckpt 1 cpu.yaml", "gpu:1"),
    ],
)
def test_the_device_of_a_configuration_counts_where_the_script_names_none(
    line: str, device: str, work: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "cpu.yaml").write_text(f"{OLD_YAML}device_target: CPU\n", encoding="utf-8")
    _, options = parsed(dry_run(line, capsys)[1:])
    assert options.get("--device", "cpu") == device


@pytest.mark.skipif(not missing_part("Ascend"), reason="this machine has an Ascend toolkit")
def test_a_device_that_is_not_there_is_refused_before_the_start(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """In the background nobody would read that the training ended a moment later."""
    (work / "photos").mkdir(exist_ok=True)
    assert start("run_standalone_train.sh 0 5 0.1 coco ssd300 --data.train photos", monkeypatch) == 2
    error = capsys.readouterr().err
    assert "run_standalone_train.sh: --device ascend:0: not available: " in error
    assert "DEVICE_TARGET=CPU" in error
    assert not (work / "LOG").exists()


def test_overwrite_is_said_by_a_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERWRITE", "1")
    assert dry_run("run_standalone_train.sh a.ckpt", capsys)[-1] == "--overwrite"


def test_the_data_set_is_described_and_checked(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start("run_download_dataset.sh coco ssd.yaml", monkeypatch) == 2
    printed = capsys.readouterr().out
    assert "Nothing is downloaded here." in printed
    assert "MISSING: data.train: data/annotations/instances_train2017.json" in printed
    for name in ("annotations", "train2017", "val2017"):
        (work / "data" / name).mkdir(parents=True)
    for split in ("train", "val"):
        (work / "data" / "annotations" / f"instances_{split}2017.json").touch()
    assert main(["run", PACKAGE, "run_download_dataset.sh", "coco", "ssd.yaml"]) == 0
    assert "MISSING" not in capsys.readouterr().out


def test_every_script_is_a_thin_caller() -> None:
    containers = {path.name for path in SCRIPTS.glob("docker_*.sh")}
    assert {path.name for path in SCRIPTS.glob("*.sh")} - containers == set(INTERFACES[PACKAGE].scripts)
    assert containers == {*CONTAINER_SCRIPTS, "docker_ascend.sh"}
    for name in INTERFACES[PACKAGE].scripts:
        first, comment, call = (SCRIPTS / name).read_text(encoding="utf-8").splitlines()
        assert (first, comment[:2]) == ("#!/bin/sh", "# ")
        assert call == f'exec "${{PYTHON:-python}}" -m ms_core.old_zoo run {PACKAGE} {name} "$@"'
        assert os.access(SCRIPTS / name, os.X_OK)


@pytest.mark.parametrize("shell", ["sh", "bash"])
def test_scripts_run_from_any_folder(shell: str, work: Path) -> None:
    """`cd scripts; bash run_eval_gpu.sh`, with paths that have spaces."""
    words = [shell, "run_eval_gpu.sh", "coco", str(work / "a.ckpt"), "0", str(work / "ssd.yaml")]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(words, cwd=SCRIPTS, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert shlex.split(done.stdout.splitlines()[-1])[1:3] == ["eval", str(work / "a.ckpt")]


def test_a_script_without_a_log_shows_its_output_and_keeps_the_exit_code(
    work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """run_export.sh on a file that is no checkpoint: our command says so."""
    assert start("run_export.sh ssd.yaml MINDIR a.ckpt", monkeypatch) == 2
    assert "a.ckpt" in capfd.readouterr().err
    assert not (work / "log.txt").exists()


def test_in_the_foreground_the_report_about_the_old_file_is_printed_once(
    work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """By the command; the check before it is silent. The data is faulty, so nothing is measured."""
    for name in ("annotations/instances_val2017.json", "val2017/0.jpg"):
        (work / "data" / name).parent.mkdir(parents=True)
        (work / "data" / name).write_text("{}", encoding="utf-8")
    monkeypatch.setenv("DEVICE_TARGET", "CPU")
    monkeypatch.setenv("FOREGROUND", "1")
    assert start("run_eval.sh coco a.ckpt 0 ssd.yaml", monkeypatch) == 2
    assert capfd.readouterr().out.count("configuration of the old model zoo") == 1


def test_an_evaluation_in_the_foreground(demo_run: Path, work: Path) -> None:
    """The real thing, through the shell, on the CPU: log, results and exit code."""
    checkpoint, annotations = demo_run / "run" / "checkpoints" / "best.ckpt", demo_run / "shapes" / "val.json"
    words = ["bash", str(SCRIPTS / "run_eval.sh"), "ssd300_demo", "coco", str(checkpoint), "0"]
    words += ["--data.val", str(annotations)]
    environment = {**os.environ, "PYTHON": sys.executable, "DEVICE_TARGET": "CPU", "FOREGROUND": "1"}
    environment.pop("MS_OLD_ZOO_DRY_RUN")
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    log = (work / "eval0" / "log.txt").read_text(encoding="utf-8")
    assert "\nmAP: " in log
    assert log in done.stdout
    assert (work / "eval0" / "metrics.json").is_file()
