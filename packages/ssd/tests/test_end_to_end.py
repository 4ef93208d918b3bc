"""The whole job on a handful of synthetic pictures, through the command line, as a user types it."""

import json
import signal
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import cv2
import numpy as np
import pytest
from ms_core.checkpoint.read import read_metadata
from ms_core.data.synthetic import ShapesSet, make_shapes
from ms_ssd.cli import main


@pytest.fixture(scope="module")
def shapes(demo_run: Path) -> ShapesSet:
    folder = demo_run / "shapes"
    return ShapesSet(folder / "train.json", folder / "val.json", folder / "images")


def test_a_run_folder_tells_what_happened(run: Path, shapes: ShapesSet):
    assert str(shapes.train) in (run / "config.yaml").read_text()
    assert json.loads((run / "environment.json").read_text())["packages"]["mindspore"].startswith("2.10")
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {record["kind"] for record in records} == {"train", "evaluation"}
    assert "ssd300" in (run / "log.txt").read_text()


def test_checkpoints_know_their_classes(run: Path):
    stored = read_metadata(run / "checkpoints" / "best.ckpt")
    assert stored["classes"] == ["circle", "square", "triangle"]
    assert (stored["model"], stored["padding"], stored["num_classes"]) == ("ssd300", "same", 4)


def test_a_finished_run_is_not_overwritten(run: Path, shapes: ShapesSet, small, capsys):
    before = (run / "checkpoints" / "last.ckpt").read_bytes()
    assert main(["train", *small, "--data.train", str(shapes.train), "--out", str(run)]) == 2
    assert "already holds the results of a run" in capsys.readouterr().err
    assert (run / "checkpoints" / "last.ckpt").read_bytes() == before


def test_eval_prints_the_coco_lines_and_writes_them(run: Path, capsys):
    assert main(["eval", str(run)]) == 0
    printed = capsys.readouterr().out
    assert printed.count(" @[ IoU=") == 12
    assert "mAP: 0." in printed
    written = json.loads((run / "eval-val" / "metrics.json").read_text())
    assert written["images"] == 3
    assert isinstance(json.loads((run / "eval-val" / "predictions.json").read_text()), list)
    assert (run / "eval-val" / "examples.jpg").stat().st_size > 10_000
    assert "Evaluation: val" in (run / "report.html").read_text(encoding="utf-8")


def test_eval_of_its_own_predictions_agrees(run: Path, shapes: ShapesSet, tmp_path: Path, capsys):
    main(["eval", str(run), "--out", str(tmp_path / "a"), "--postprocess.min-score", "0.01"])
    results = tmp_path / "a" / "predictions.json"
    main(["eval", str(results), "--data.val", str(shapes.val), "--out", str(tmp_path / "b")])
    a, b = (json.loads((tmp_path / folder / "metrics.json").read_text()) for folder in "ab")
    assert a["AP"] == pytest.approx(b["AP"], abs=1e-3)  # the file rounds boxes to hundredths of a pixel


def test_predict_writes_a_picture_for_every_picture(run: Path, tmp_path: Path):
    odd = tmp_path / "Größe 測試.png"
    cv2.imencode(".png", np.full((77, 131), 128, np.uint8))[1].tofile(odd)
    out = tmp_path / "drawn"
    assert main(["predict", str(run), str(odd), "--out", str(out), "--min-score", "0.01"]) == 0
    (entry,) = json.loads((out / "predictions.json").read_text(encoding="utf-8"))
    assert (entry["width"], entry["height"]) == (131, 77)
    assert (out / entry["drawn"]).is_file()
    for found in entry["detections"]:
        x0, y0, x1, y1 = found["box"]
        assert -0.01 <= x0 <= x1 <= 131.01
        assert -0.01 <= y0 <= y1 <= 77.01


def test_export_agrees_with_the_network(run: Path, tmp_path: Path, capsys):
    assert main(["export", str(run), "--out", str(tmp_path / "exported")]) == 0
    assert "largest difference from the network" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "exported" / "manifest.json").read_text())
    assert manifest["classes"] == ["circle", "square", "triangle"]
    assert manifest["input"]["shape"] == [1, 3, 300, 300]
    assert [output["name"] for output in manifest["outputs"]] == ["boxes", "scores"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--format", "mindir", "air"], "MindSpore writes AIR on Ascend"),
        (["--format", "om"], "om: expected mindir or onnx or air; what is exported is named before"),
        (["--batch-size", "0"], "expected a whole number of at least 1, or dynamic"),
        (["--batch-size", "dynamic", "--outputs", "nms"], "--batch-size dynamic: the selection of boxes"),
        (["--encrypt-key-file", "no-key"], "no-key: cannot be read"),
        (["--picture", "gone.jpg"], "gone.jpg: no such picture"),
    ],
)
def test_what_cannot_be_exported_is_refused_before_any_work(
    run: Path, tmp_path: Path, capsys, words: list[str], said: str
):
    assert main(["export", str(run), *words, "--out", str(tmp_path / "x")]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert said in line
    assert not (tmp_path / "x").exists()


def test_a_checkpoint_alone_is_enough(run: Path, shapes: ShapesSet, tmp_path: Path):
    """Its metadata says which network and classes it holds; no configuration is needed."""
    copy = tmp_path / "mine.ckpt"
    copy.write_bytes((run / "checkpoints" / "best.ckpt").read_bytes())
    picture = next(shapes.images.rglob("*.jpg"))
    assert main(["predict", str(copy), str(picture), "--out", str(tmp_path / "drawn")]) == 0


def test_other_class_count_starts_from_what_fits_and_says_what_does_not(
    run: Path, small, tmp_path: Path, capsys
):
    other = make_shapes(tmp_path / "two", train=2, val=1, classes=("star", "cross"))
    weights = ["--weights", str(run / "checkpoints" / "best.ckpt"), "--data.train", str(other.train)]
    assert main(["train", *small, *weights, "--train.epochs", "1", "--out", str(tmp_path / "run2")]) == 0
    assert "multi_cls_layers.0.3.weight" in (tmp_path / "run2" / "log.txt").read_text()


def test_ctrl_c_leaves_a_run_that_can_be_resumed(shapes: ShapesSet, small, tmp_path: Path):
    """A real process, a real signal, in the middle of training."""
    out = tmp_path / "run"
    command = [sys.executable, "-m", "ms_ssd", "train", *small, "--train.epochs", "1000", "--out", str(out)]
    process = subprocess.Popen(
        [*command, "--data.train", str(shapes.train)], stdout=PIPE, stderr=PIPE, text=True
    )
    assert process.stdout is not None
    for line in process.stdout:
        if "compiled" in line:
            break
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 130, errors
    assert f"ms-ssd train --resume {out}" in errors
    done = read_metadata(out / "checkpoints" / "last.ckpt")["step"]
    assert main(["train", "--resume", str(out), "--train.epochs", "2", "--train.batch-size", "4"]) == 2
    assert main(["train", "--resume", str(out), "--train.epochs", str(done // 2 + 1)]) == 0


def test_no_network_and_no_torch_are_needed(demo_run: Path, tmp_path: Path):
    """With sockets and torch out of reach a network is evaluated and exported."""
    program = """
import socket, sys

def refuse(*arguments):
    raise AssertionError("something went to the network")

socket.socket.connect = socket.create_connection = refuse
sys.modules["torch"] = None
from ms_ssd.cli import main
sys.exit(main(sys.argv[1:]))
"""
    command = [sys.executable, "-c", program]
    for words in (
        ["eval", str(demo_run / "run"), "--out", str(tmp_path / "eval")],
        ["export", str(demo_run / "run"), "--out", str(tmp_path / "exported")],
    ):
        done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
