"""The whole job on a handful of synthetic pictures, through the command line, as a user types it."""

import json
import os
import shutil
import signal
from pathlib import Path

import cv2
import ms_core.train.run
import numpy as np
import pytest
from ms_core.checkpoint.read import read_metadata, read_weights
from ms_core.config import load_config
from ms_core.errors import Interrupted
from ms_core.train.step import TrainStep
from ms_segformer.cli import main
from ms_segformer.config import SegFormerConfig


def test_checkpoints_know_what_they_hold(run: Path):
    stored = read_metadata(run / "checkpoints" / "best.ckpt")
    assert (stored["model"], stored["decoder_width"], stored["num_classes"]) == ("segformer_b0", 256, 19)
    assert stored["classes"][:2] == ["road", "sidewalk"]
    assert stored["palette"][0] == [128, 64, 128]


def test_the_run_folder_tells_its_story(run: Path):
    for name in ("config.yaml", "environment.json", "log.txt", "metrics.jsonl", "data.json", "report.html"):
        assert (run / name).is_file(), name
    records = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert {"mIoU", "mAcc", "aAcc"} <= records[-1].keys()


def test_eval_prints_every_class_and_writes_it(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["eval", str(run), "--out", str(tmp_path / "eval")]) == 0
    printed = capsys.readouterr().out
    assert " road " in printed
    assert "mIoU: 0." in printed
    metrics = json.loads((tmp_path / "eval" / "metrics.json").read_text())
    assert metrics["images"] == 3
    assert len(metrics["per_class"]) == 19


def test_sliding_windows_and_mirroring_give_about_the_same(run: Path, tmp_path: Path, capsys):
    """The pictures are 64x128; windows of 64x64 see less, so only the order of size is the same."""
    options = ["--inference.mode", "slide", "--inference.crop", "[64,64]", "--inference.stride", "[64,48]"]
    assert main(["eval", str(run), *options, "--inference.flip", "true", "--out", str(tmp_path / "a")]) == 0
    assert main(["eval", str(run), "--inference.scales", "[0.75,1.0]", "--out", str(tmp_path / "b")]) == 0
    capsys.readouterr()
    accuracy = [json.loads((tmp_path / x / "metrics.json").read_text())["aAcc"] for x in "ab"]
    assert abs(accuracy[0] - accuracy[1]) < 0.35


def test_predict_writes_what_the_old_one_wrote(demo_run: Path, run: Path, tmp_path: Path):
    picture = sorted((demo_run / "streets" / "leftImg8bit" / "val").rglob("*.png"))[0]
    out = tmp_path / "drawn"
    assert main(["predict", str(run), str(picture), "--out", str(out), "--label-ids"]) == 0
    grey = cv2.imread(str(out / f"{picture.stem}_gray.png"), cv2.IMREAD_UNCHANGED)
    assert grey.shape == (64, 128)
    assert grey.dtype == np.uint8
    assert grey.max() < 19
    ids = cv2.imread(str(out / f"{picture.stem}_labelIds.png"), cv2.IMREAD_UNCHANGED)
    assert set(np.unique(ids)) <= {7, 8, 11, 12, 13, 17, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 31, 32, 33}
    for ending in (".png", "_color.png", "_overlap.png"):
        assert cv2.imread(str(out / f"{picture.stem}{ending}")).shape == (64, 128, 3)


def test_export_agrees_with_the_network(run: Path, tmp_path: Path, capsys: pytest.CaptureFixture):
    assert main(["export", str(run), "--size", "64", "96", "--out", str(tmp_path / "exported")]) == 0
    assert "largest difference from the network" in capsys.readouterr().out
    manifest = json.loads((tmp_path / "exported" / "manifest.json").read_text())
    assert manifest["input"]["shape"] == [1, 3, 64, 96]
    assert (manifest["task"], len(manifest["classes"]), len(manifest["palette"])) == ("segmentation", 19, 19)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--size", "16", "64"], "needs at least 32"),
        (["--format", "air"], "MindSpore writes AIR on Ascend"),
        (["--batch-size", "0"], "expected a whole number of at least 1"),
    ],
)
def test_what_cannot_be_exported_is_refused(
    run: Path, tmp_path: Path, capsys, words: list[str], message: str
):
    assert main(["export", str(run), *words, "--out", str(tmp_path / "no")]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "no").exists()


def test_an_interrupted_run_goes_on_bit_for_bit(
    demo_run: Path, run: Path, small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Stopped within the second of two epochs, with drop path, dropout and averaged weights."""
    again = tmp_path / "run"
    read = TrainStep.run
    steps = []

    def stopping(step: TrainStep, batch: object) -> object:
        steps.append(step)
        if len(steps) == 3:
            os.kill(os.getpid(), signal.SIGTERM)
        return read(step, batch)

    monkeypatch.setattr(TrainStep, "run", stopping)
    assert main(["train", *small, "--data.root", str(demo_run / "streets"), "--out", str(again)]) == 130
    assert len(steps) == 3
    assert main(["train", "--resume", str(again)]) == 0
    whole = read_weights(run / "checkpoints" / "last.ckpt").arrays
    resumed = read_weights(again / "checkpoints" / "last.ckpt").arrays
    assert whole.keys() == resumed.keys()
    for name, array in whole.items():
        np.testing.assert_array_equal(array, resumed[name], err_msg=name)


def test_a_run_started_from_weights_of_other_classes_lists_the_new_classifier(
    demo_run: Path, run: Path, small: list[str], tmp_path: Path, capsys: pytest.CaptureFixture
):
    streets = demo_run / "streets"
    masks = tmp_path / "masks"
    masks.mkdir()
    pictures = sorted((streets / "leftImg8bit" / "train").rglob("*.png"))
    for index, picture in enumerate(pictures):
        cv2.imwrite(str(masks / picture.name), np.full((64, 128), index % 2, np.uint8))
    folder = tmp_path / "pictures"
    folder.mkdir()
    for picture in pictures:
        shutil.copy(picture, folder / picture.name)
    data = ["--data.train", str(folder), "--data.train-masks", str(masks), "--data.classes", "[ground, sky]"]
    weights = ["--weights", str(run / "checkpoints" / "best.ckpt"), "--train.epochs", "1"]
    assert main(["train", *small, *data, *weights, "--out", str(tmp_path / "run")]) == 0
    assert "decode_head.linear_pred.weight: (19, 256, 1, 1) in the file, (2, 256, 1, 1) here" in (
        capsys.readouterr().out
    )


def test_masks_of_0_and_255_are_warned_of(
    small: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
):
    """Many tools write the object as 255, which counts nowhere: a network could learn the background alone."""
    for kind in ("images", "masks"):
        (tmp_path / kind / "train").mkdir(parents=True)
    mask = np.zeros((64, 96), np.uint8)
    mask[16:48, 32:64] = 255
    for number in range(2):
        noise = np.random.default_rng(number).integers(0, 256, (64, 96, 3)).astype(np.uint8)
        cv2.imwrite(str(tmp_path / "images" / "train" / f"{number}.png"), noise)
        cv2.imwrite(str(tmp_path / "masks" / "train" / f"{number}.png"), mask)

    def stopped(*arguments: object, **options: object) -> None:
        raise Interrupted("stopped before the first step.")

    monkeypatch.setattr(ms_core.train.run, "fit", stopped)
    data = ["--data.root", str(tmp_path), "--data.classes", "[background, object]"]
    assert main(["train", *small, *data, "--out", str(tmp_path / "run")]) == 130
    line = "warning: train: no pixel of 1 of 2 classes (object) in 2 masks, and 16.7 % of their pixels count nowhere."
    assert line in capsys.readouterr().out
    assert line in (tmp_path / "run" / "log.txt").read_text(encoding="utf-8")
    assert main(["data", "check", *data]) == 0
    assert "no pixel of 1 of 2 classes in train: object" in " ".join(capsys.readouterr().out.split())


def test_the_stored_configuration_is_a_recipe(run: Path):
    config = load_config(SegFormerConfig, recipe=run / "config.yaml")
    assert config.input.crop == (64, 64)
