"""The old shell scripts: every command line of the guide, what runs, and where its files lie."""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import ms_segformer
import numpy as np
import pytest
from ms_core.cli import Tool, read_words
from ms_core.device_choice import missing_part
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.calls import read_call
from ms_core.old_zoo.commands import translate_command
from ms_core.old_zoo.ranks import processes_of
from ms_core.old_zoo.scripts import INTERFACES, VARIABLES
from ms_segformer.cli import tool

PACKAGE = "ms-segformer"
SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
CONFIGS = Path(__file__).resolve().parents[2] / "core" / "tests" / "old_zoo" / "segformer_configs"
YAML = "segformer.b0.512x1024.city.yaml"

TRAIN = f"train --config {YAML} --out checkpoint"
START = f"{TRAIN} --data.root city --backbone-weights p.ckpt"
ONE = [
    ("run_standalone_train.sh 3 {yaml}", f"{TRAIN} --device ascend:3"),
    ("run_standalone_train.sh 0 {yaml} city", f"{TRAIN} --device ascend:0 --data.root city"),
    ("run_standalone_train.sh 0 {yaml} city p.ckpt", f"{START} --device ascend:0"),
    (
        "run_standalone_train.sh 0 {yaml} city p.ckpt False",
        f"{START} --device ascend:0 --train.evaluate false",
    ),
    ("run_standalone_train.sh 0 {yaml} city p.ckpt True", f"{START} --device ascend:0"),
]
MANY = [
    ("{script} 8 t.json {yaml}", f"{TRAIN} --device ascend"),
    ("{script} 8 t.json {yaml} city", f"{TRAIN} --device ascend --data.root city"),
    ("{script} 8 t.json {yaml} city p.ckpt", f"{START} --device ascend"),
    ("{script} 8 t.json {yaml} city p.ckpt False", f"{START} --device ascend --train.evaluate false"),
]
LOOK = [
    (
        "run_eval.sh 0 {yaml} segformer_mit_b1_10.ckpt city",
        f"eval segformer_mit_b1_10.ckpt --config {YAML} --device ascend:0 --data.root city",
    ),
    (
        "run_infer.sh 1 {yaml} segformer_mit_b1_10.ckpt city",
        f"predict segformer_mit_b1_10.ckpt city --config {YAML} --device ascend:1 --out infer_result",
    ),
    (
        "run_infer.sh 0 {yaml} segformer_mit_b1_10.ckpt city seen",
        f"predict segformer_mit_b1_10.ckpt city --config {YAML} --device ascend:0 --out seen",
    ),
]
GUIDE = [
    *ONE,
    *[(line.replace("{script}", "run_distribute_train.sh"), ours) for line, ours in MANY],
    # the guide prints two of these with the name of the other script
    *[(line.replace("{script}", "run_standalone_train.sh"), ours) for line, ours in MANY],
    *LOOK,
]
PYTHON = [
    ("train.py", "--config_path={yaml} --pretrained_ckpt_path=p.ckpt --data_path=city --run_eval=True"),
    ("eval.py", "--config_path={yaml} --eval_ckpt_path=segformer_mit_b1_10.ckpt --data_path=city"),
    ("export.py", "--config_path {yaml} --export_ckpt_path segformer_mit_b1_10.ckpt --export_format MINDIR"),
    ("infer.py", "--config_path={yaml} --infer_ckpt_path=a.ckpt --data_path=city --infer_output_path=seen"),
    (
        "tools/convert_model.py",
        "--pt_model_path=./pretrained/mit_b0.pth --ms_model_path=./pretrained/ms_pretrained_b0.ckpt",
    ),
]


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the command lines name; a space in its name."""
    folder = tmp_path / "my work"
    (folder / "city").mkdir(parents=True)
    for name in ("a.ckpt", "p.ckpt", "segformer_mit_b1_10.ckpt"):
        (folder / name).touch()
    (folder / "t.json").write_text(json.dumps(rank_table(8)), encoding="utf-8")
    for name in ("segformer.base.yaml", YAML):
        shutil.copy(CONFIGS / name, folder)
    monkeypatch.chdir(folder)
    for name in (*VARIABLES, "RANK_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return folder


def rank_table(count: int) -> dict[str, object]:
    """Of one machine, this one."""
    devices = [
        {"device_id": str(i), "device_ip": f"192.1.0.{i + 1}", "rank_id": str(i)} for i in range(count)
    ]
    server = {"server_id": "127.0.0.1", "device": devices}
    return {"version": "1.0", "server_count": "1", "status": "completed", "server_list": [server]}


def parsed(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Positional words and options; every option has one value."""
    start = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    pairs = words[start:]
    assert len(pairs) % 2 == 0, f"an option without its value: {words}"
    return words[:start], dict(zip(pairs[::2], pairs[1::2], strict=True))


def dry_run(line: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """Our command for a script's command line."""
    assert main(["run", PACKAGE, *shlex.split(line)]) == 0
    return shlex.split(capsys.readouterr().out.splitlines()[-1])


@pytest.mark.parametrize(("line", "ours"), GUIDE)
def test_command_lines_of_the_guide(line: str, ours: str, capsys: pytest.CaptureFixture[str]) -> None:
    words = dry_run(line.format(yaml=YAML), capsys)
    assert words[0] == PACKAGE
    assert parsed(words[1:]) == parsed(ours.split())
    assert read_words(tool(), words[1:]).config.model.name == "segformer_b0"


@pytest.mark.parametrize(("entry", "flags"), PYTHON)
def test_python_command_lines_of_the_guide_are_understood_by_our_command(entry: str, flags: str) -> None:
    words = translate_command(entry, flags.format(yaml=YAML).split(), PACKAGE)
    assert read_words(tool(), words[1:])


def test_the_converter_of_the_guide_is_understood_by_our_command() -> None:
    words = translate_command("tools/convert_dataset.py", ["data/cityscapes", "--nproc", "8"], PACKAGE)
    data = tool().verbs["data"].load()
    convert = Tool(PACKAGE, data.verbs["convert"].verbs, "1.0")
    arguments = read_words(convert, words[3:])
    assert (arguments.config.data.root, arguments.nproc) == (Path("data/cityscapes"), 8)


def test_the_form_of_the_other_script_is_told_by_its_words(capsys: pytest.CaptureFixture[str]) -> None:
    """Told apart by the rank table in the second place."""
    main(["run", PACKAGE, "run_standalone_train.sh", "8", "t.json", YAML])
    assert capsys.readouterr().out.splitlines()[0] == (
        f"run_standalone_train.sh: DEVICE_NUM=8 RANK_TABLE_FILE=t.json CONFIG={YAML}"
    )


@pytest.mark.parametrize("script", ["run_distribute_train.sh", "run_standalone_train.sh"])
def test_several_devices_are_several_processes_with_logs_of_their_own(script: str) -> None:
    call = read_call(PACKAGE, script, ["8", "t.json", YAML], {})
    processes = processes_of(call, ["train"], {"PATH": "/bin"})
    assert [process.environment["RANK_ID"] for process in processes] == list("01234567")
    assert [process.environment["DEVICE_ID"] for process in processes] == list("01234567")
    assert {Path(process.environment["RANK_TABLE_FILE"]) for process in processes} == {
        Path("t.json").absolute()
    }
    assert [str(process.log) for process in processes[:3]] == ["train.log", "train_1.log", "train_2.log"]


def test_without_a_rank_table_the_processes_find_each_other() -> None:
    call = read_call(PACKAGE, "run_distribute_train.sh", ["2", YAML, "city"], {})
    processes = processes_of(call, ["train"], {"PATH": "/bin"})
    assert [process.environment["MS_ROLE"] for process in processes] == ["MS_WORKER", "MS_WORKER", "MS_SCHED"]
    table = {"RANK_TABLE_FILE": "t.json"}
    assert (
        read_call(PACKAGE, "run_distribute_train.sh", ["8", YAML], table).values["RANK_TABLE_FILE"]
        == "t.json"
    )


def test_one_device_is_one_process_whatever_the_environment_says() -> None:
    call = read_call(PACKAGE, "run_standalone_train.sh", ["3", YAML], {"RANK_TABLE_FILE": "t.json"})
    (process,) = processes_of(call, ["train"], {"RANK_TABLE_FILE": "t.json", "RANK_SIZE": "8"})
    assert process.environment == {"DEVICE_ID": "3", "DEVICE_NUM": "1", "RANK_SIZE": "1"}


@pytest.mark.parametrize(
    ("script", "log"),
    [
        ("run_standalone_train.sh", "train.log"),
        ("run_distribute_train.sh", "train.log"),
        ("run_eval.sh", "eval.log"),
        ("run_infer.sh", "infer.log"),
    ],
)
def test_logs_lie_where_they_lay(script: str, log: str) -> None:
    assert INTERFACES[PACKAGE].scripts[script].log == log


def test_a_recipe_stands_for_a_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    words = dry_run("run_standalone_train.sh 0 segformer_b1_1024x1024 city --epoch_size 3", capsys)
    config = read_words(tool(), words[1:]).config
    assert words[1:4] == ["train", "--config", "segformer_b1_1024x1024"]
    assert "--model.name" not in words
    assert (config.train.epochs, config.train.iterations) == (3, 0)
    assert (config.data.root, config.device) == (Path("city"), "ascend:0")


def test_flags_follow_the_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    line = f"run_infer.sh 0 {YAML} a.ckpt city --infer_save_gray_img False --device_target=CPU --inference.flip true"
    words = dry_run(line, capsys)
    assert "--no-gray" in words
    arguments = read_words(tool(), words[1:])
    assert (arguments.gray, arguments.color, arguments.config.device) == (False, True, "cpu")
    assert arguments.config.inference.flip


def test_the_folder_of_the_configuration_counts(work: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (work / "mine.yaml").write_text("backbone: mit_b1\ncheckpoint_path: ./runs/b1/\n", encoding="utf-8")
    (work / "segformer.base.yaml").unlink()
    words = dry_run("run_standalone_train.sh 0 mine.yaml city", capsys)
    assert words[words.index("--out") + 1] == "runs/b1"


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run_eval.sh 0 {yaml} missing.ckpt city", "CKPT_PATH=missing.ckpt: no such file."),
        ("run_standalone_train.sh 0 missing.yaml", "CONFIG=missing.yaml: no such file or recipe. Recipes: segf"),
        ("run_standalone_train.sh 0 {yaml} city missing.ckpt", "PRETRAINED_CKPT_PATH=missing.ckpt: no such file."),
        ("run_distribute_train.sh 8 missing.json {yaml}", "RANK_TABLE_FILE=missing.json: no such file."),
        ("run_standalone_train.sh 0 {yaml} city p.ckpt maybe", "'maybe', is no RUN_EVAL"),
        ("run_standalone_train.sh {yaml}", "Accepted: DEVICE_ID CONFIG [DATASET_PATH"),
        ("run_eval.sh 0 {yaml} a.ckpt --crop_sise 3", "--crop_sise: no option of the old zoo. Did you mean crop_"),
        ("run_evaluate.sh 0", "has no such script. Did you mean"),
    ],
)  # fmt: skip
def test_refusals_are_one_line_and_code_2(
    line: str, message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["run", PACKAGE, *line.format(yaml=YAML).split()]) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def start(line: str, monkeypatch: pytest.MonkeyPatch) -> int:
    """Start in earnest."""
    monkeypatch.delenv("MS_OLD_ZOO_DRY_RUN")
    return main(["run", PACKAGE, *shlex.split(line.format(yaml=YAML))])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("run_standalone_train.sh 0 {yaml}", "data.root: data/cityscapes: there is no such file or folder."),
        (
            "run_standalone_train.sh 0 {yaml} city",
            "backbone_weights: pretrained/ms_pretrained_b0.ckpt: there is no such file.",
        ),
        ("run_eval.sh 0 {yaml} a.ckpt nowhere", "data.root: nowhere: there is no such file or folder."),
        ("run_infer.sh 0 {yaml} a.ckpt nowhere", "run_infer.sh: nowhere: there is no such file or folder."),
        ("run_eval.sh 0 {yaml} a.ckpt city --train.worker 3", "--train.worker: unknown option"),
        (
            "run_eval.sh 0 segformer_b0_512x1024 a.ckpt",
            "no data: data.root is not set. Give a CONFIG that names it, or the old flags --data_path after",
        ),
    ],
)
def test_what_would_fail_a_moment_later_is_refused_before_the_start(
    line: str, message: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    before = sorted(work.iterdir())
    assert start(line, monkeypatch) == 2
    assert message in capsys.readouterr().err
    assert sorted(work.iterdir()) == before


@pytest.mark.parametrize("left", ["metrics.jsonl", "segformer_mit_b0_200.ckpt"])
def test_a_former_training_is_not_removed(
    left: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "checkpoint").mkdir()
    (work / "checkpoint" / left).touch()
    assert start("run_standalone_train.sh 0 {yaml} city", monkeypatch) == 2
    error = capsys.readouterr().err
    assert "checkpoint: holds the results of a former training. Move checkpoint away" in error
    assert "ms-segformer train --resume checkpoint" in error
    assert (work / "checkpoint" / left).exists()


def test_earlier_predictions_are_not_replaced(
    work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (work / "infer_result").mkdir()
    (work / "infer_result" / "predictions.json").touch()
    assert start("run_infer.sh 0 {yaml} a.ckpt city", monkeypatch) == 2
    assert "infer_result: holds earlier predictions. Name another folder, or" in capsys.readouterr().err


@pytest.mark.skipif(not missing_part("Ascend"), reason="this machine has an Ascend toolkit")
@pytest.mark.parametrize(
    "line", ["run_standalone_train.sh 0 {yaml} city p.ckpt", "run_infer.sh 0 {yaml} a.ckpt city"]
)
def test_a_device_that_is_not_there_is_refused_before_the_start(
    line: str, work: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert start(line, monkeypatch) == 2
    assert "--device ascend:0: not available: " in capsys.readouterr().err
    assert not list(work.glob("*.log"))


@pytest.mark.parametrize(
    ("script", "last"), [("train", "--overwrite"), ("eval", "city"), ("infer", "--overwrite")]
)
def test_overwrite_is_said_by_a_variable(
    script: str, last: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OVERWRITE", "1")
    name = "run_standalone_train.sh" if script == "train" else f"run_{script}.sh"
    checkpoint = "" if script == "train" else "a.ckpt"
    assert dry_run(f"{name} 0 {YAML} {checkpoint} city", capsys)[-1] == last


def test_every_script_is_a_thin_caller() -> None:
    assert {path.name for path in SCRIPTS.glob("*.sh")} == set(INTERFACES[PACKAGE].scripts)
    for name in INTERFACES[PACKAGE].scripts:
        first, comment, call = (SCRIPTS / name).read_text(encoding="utf-8").splitlines()
        assert (first, comment[:2]) == ("#!/bin/sh", "# ")
        assert call == f'exec "${{PYTHON:-python}}" -m ms_core.old_zoo run {PACKAGE} {name} "$@"'
        assert os.access(SCRIPTS / name, os.X_OK)


def test_a_script_runs_from_any_folder(work: Path) -> None:
    """`cd scripts; bash run_eval.sh`, with paths that have spaces."""
    words = ["bash", "run_eval.sh", "0", str(work / YAML), str(work / "a.ckpt"), str(work / "city")]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(words, cwd=SCRIPTS, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert shlex.split(done.stdout.splitlines()[-1])[:3] == [PACKAGE, "eval", str(work / "a.ckpt")]


def test_a_script_runs_to_the_end_in_the_foreground(work: Path) -> None:
    """On the CPU, an old configuration and a checkpoint; pictures where they lay, log and exit code as before."""
    import cv2
    import mindspore as ms

    ms.save_checkpoint(ms_segformer.build_model("segformer_b0", 19), str(work / "a.ckpt"))
    picture = np.random.default_rng(1).integers(0, 256, (48, 96, 3), np.uint8)
    assert cv2.imwrite(str(work / "city" / "street.png"), picture)
    words = ["bash", str(SCRIPTS / "run_infer.sh"), "0", YAML, "a.ckpt", "city", "--base_size", "[64,128]"]
    environment = {**os.environ, "PYTHON": sys.executable, "DEVICE_TARGET": "CPU", "FOREGROUND": "1"}
    environment.pop("MS_OLD_ZOO_DRY_RUN")
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (work / "infer.log").read_text(encoding="utf-8") in done.stdout
    written = {path.name for path in (work / "infer_result").glob("*.png")}
    assert written == {f"street{ending}.png" for ending in ("", "_gray", "_color", "_overlap")}
    assert cv2.imread(str(work / "infer_result" / "street_gray.png"), cv2.IMREAD_UNCHANGED).shape == (48, 96)
