"""The old shell scripts of the research code: every command line of its guide."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.scripts import INTERFACES, VARIABLES

SCRIPTS = Path(__file__).resolve().parents[1] / "scripts"
PACKAGE = "ms-ssdlite-fpn"
TRAIN = "train --config fpn.yaml --train.epochs 50 --schedule.lr 0.2"

GUIDE_000 = [
    ("run_distribute_train.sh fpn.yaml 8 50 0.2 coco t.json", f"{TRAIN} --device ascend --out LOG0/ckpt"),
    (
        "run_distribute_train.sh fpn.yaml 8 50 0.2 coco t.json a.ckpt 20",
        f"{TRAIN} --device ascend --out LOG0/ckpt --weights a.ckpt --train.start-epoch 20",
    ),
    ("run_eval.sh fpn.yaml coco a.ckpt 0", "eval a.ckpt --config fpn.yaml --device ascend:0 --out eval0"),
    ("run_eval_gpu.sh fpn.yaml coco a.ckpt 3", "eval a.ckpt --config fpn.yaml --device gpu:3 --out eval3"),
    ("run_distribute_train_gpu.sh fpn.yaml coco 8 50 0.2", f"{TRAIN} --device gpu --out train_parallel/ckpt"),
    ("run_distribute_train_gpu.sh fpn.yaml 8 50 0.2 coco", f"{TRAIN} --device gpu --out train_parallel/ckpt"),
    ("run_1p_train.sh fpn.yaml 2 50 0.2 coco", f"{TRAIN} --device ascend:2 --out LOG/ckpt"),
    (
        "run_1p_train.sh fpn.yaml 2 50 0.2 coco a.ckpt 20",
        f"{TRAIN} --device ascend:2 --out LOG/ckpt --weights a.ckpt --train.start-epoch 20",
    ),
    ("run_standalone_train_gpu.sh fpn.yaml 2 50 0.2 coco", f"{TRAIN} --device gpu:2 --out train/ckpt"),
]


WITHOUT_CONFIG = [
    (
        "run_eval.sh coco a.ckpt 0",
        "eval a.ckpt --config ssdlite_mobilenetv2_fpn --device ascend:0 --out eval0",
    ),
    (
        "run_1p_train.sh 2 50 0.2 coco",
        "train --config ssdlite_mobilenetv2_fpn --train.epochs 50 --schedule.lr 0.2 --device ascend:2 --out LOG/ckpt",
    ),
]
"""The old code crashed without a configuration."""


@pytest.fixture(autouse=True)
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with the files that the command lines name."""
    for name in ("a.ckpt", "t.json", "m.mindir", "ann.json"):
        (tmp_path / name).touch()
    (tmp_path / "photos").mkdir()
    (tmp_path / "fpn.yaml").write_text(
        "model: ssd_mobilenet_v2_fpn\nimg_shape: [320, 320]\nlr: 0.4\nlr_end_rate: 0.0\nepoch_size: 500\n",
        encoding="utf-8",
    )
    monkeypatch.chdir(tmp_path)
    for name in (*VARIABLES, "RANK_SIZE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("MS_OLD_ZOO_DRY_RUN", "1")
    return tmp_path


def parsed(words: list[str]) -> tuple[list[str], dict[str, str]]:
    """Positional words and options; every option has one value."""
    start = next((i for i, word in enumerate(words) if word.startswith("--")), len(words))
    pairs = words[start:]
    assert len(pairs) % 2 == 0, f"an option without its value: {words}"
    options = dict(zip(pairs[::2], pairs[1::2], strict=True))
    options.pop("--schedule.lr-end", None)  # follows from the learning rate; the mapping's own tests have it
    return words[:start], options


@pytest.mark.parametrize(("line", "ours"), [*GUIDE_000, *WITHOUT_CONFIG])
def test_command_lines_of_the_guide(line: str, ours: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Among them run_1p_train.sh, which gave the learning rate as the data set, and run_infer_310.sh, which gave an
    option without its value."""
    assert main(["run", PACKAGE, *line.split()]) == 0
    words = shlex.split(capsys.readouterr().out.splitlines()[-1])
    assert words[0] == PACKAGE
    assert parsed(words[1:]) == parsed(ours.split())


def test_a_relative_path_stays_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    """The old run_eval_gpu.sh turned it into the words "realpath -m ..."."""
    assert main(["run", PACKAGE, "run_eval_gpu.sh", "./fpn.yaml", "coco", "./a.ckpt", "0"]) == 0
    printed = capsys.readouterr().out
    assert "realpath" not in printed
    assert shlex.split(printed.splitlines()[-1])[1:5] == ["eval", "./a.ckpt", "--config", "fpn.yaml"]


def test_every_script_is_a_thin_caller() -> None:
    assert {path.name for path in SCRIPTS.glob("*.sh")} == set(INTERFACES[PACKAGE].scripts)
    for name in INTERFACES[PACKAGE].scripts:
        first, comment, call = (SCRIPTS / name).read_text(encoding="utf-8").splitlines()
        assert (first, comment[:2]) == ("#!/bin/sh", "# ")
        assert call == f'exec "${{PYTHON:-python}}" -m ms_core.old_zoo run {PACKAGE} {name} "$@"'
        assert os.access(SCRIPTS / name, os.X_OK)


def test_a_script_runs_from_any_folder(work: Path) -> None:
    words = ["bash", "run_1p_train.sh", str(work / "fpn.yaml"), "0", "5", "0.1", "voc"]
    environment = {**os.environ, "PYTHON": sys.executable}
    done = subprocess.run(words, cwd=SCRIPTS, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert f"CONFIG={work / 'fpn.yaml'} DEVICE_ID=0 EPOCH_SIZE=5 LR=0.1 DATASET=voc" in done.stdout
