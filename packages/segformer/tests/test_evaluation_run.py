"""`eval` and `predict` on a checkpoint with names of its own: files, printed numbers, what is refused before anything
is computed.
"""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import mindspore as ms
import numpy as np
import pytest
from ms_core.checkpoint.write import write_checkpoint
from ms_core.config import to_yaml
from ms_core.errors import UserError
from ms_core.segmentation.config import SegmentationDataConfig
from ms_segformer.cli import main
from ms_segformer.config import EvalConfig, InferenceConfig, SegFormerConfig
from ms_segformer.evaluation_run import evaluate_target, inference_in_words
from ms_segformer.models import build_model
from ms_segformer.predict import predict_target
from ms_segformer.weights import model_metadata

CLASSES = ("road", "grass", "sky")
PALETTE = [(10, 20, 30), (200, 0, 0), (0, 0, 250)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained b0 that knows its classes."""
    network = build_model("segformer_b0", 3)
    arrays = {parameter.name: parameter.asnumpy() for parameter in network.get_parameters()}
    path = tmp_path_factory.mktemp("checkpoint") / "b0.ckpt"
    write_checkpoint(path, arrays, model_metadata(network, CLASSES, PALETTE))
    return path


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> SegFormerConfig:
    """Three pictures with masks; operation by operation, so that nothing is compiled."""
    folder = tmp_path_factory.mktemp("data")
    rng = np.random.default_rng(0)
    for part in ("pictures", "masks"):
        (folder / part).mkdir()
    for number, size in enumerate(((40, 48), (48, 40), (40, 48))):
        cv2.imwrite(
            str(folder / "pictures" / f"{number}.png"), rng.integers(0, 256, (*size, 3)).astype(np.uint8)
        )
        mask = rng.choice([0, 1, 255], size).astype(np.uint8)
        cv2.imwrite(str(folder / "masks" / f"{number}.png"), mask)
    data = SegmentationDataConfig(val=folder / "pictures", val_masks=folder / "masks", classes=CLASSES)
    return SegFormerConfig(data=data, device="cpu", mode="pynative")


@pytest.fixture
def run(checkpoint: Path, config: SegFormerConfig, tmp_path: Path) -> Path:
    """A run folder that stores where its three validation pictures were."""
    run = tmp_path / "run"
    (run / "checkpoints").mkdir(parents=True)
    (run / "config.yaml").write_text(to_yaml(config), encoding="utf-8")
    for name in ("best", "epoch-5"):
        shutil.copy(checkpoint, run / "checkpoints" / f"{name}.ckpt")
    return run


def read_metrics(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "metrics.json").read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def former_mode() -> object:
    """The commands set the mode of the process."""
    mode = ms.get_context("mode")
    yield
    ms.set_context(mode=mode)


def test_eval_writes_its_folder_and_prints_the_miou_last(
    checkpoint: Path, config: SegFormerConfig, tmp_path: Path, capsys: pytest.CaptureFixture
):
    metrics = evaluate_target(checkpoint, config, "val", tmp_path / "out")
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[-1] == f"mIoU: {metrics.miou:.3f}"
    assert [line.split()[0] for line in lines[-5:-2]] == list(CLASSES)
    written = json.loads((tmp_path / "out" / "metrics.json").read_text())
    assert written["mIoU"] == metrics.miou
    assert written["images"] == metrics.images == 3
    assert written["per_class"][2]["pixels"] == 0
    assert written["checkpoint"] == str(checkpoint)
    assert written["inference"] == "whole pictures"
    assert {entry["file"] for entry in written["best_images"] + written["worst_images"]} == {"0", "1", "2"}
    confusion = json.loads((tmp_path / "out" / "confusion.json").read_text())
    np.testing.assert_array_equal(confusion["counts"], metrics.confusion)


def test_eval_draws_what_was_compared_at_another_size(
    checkpoint: Path, config: SegFormerConfig, tmp_path: Path
):
    small = replace(config, inference=InferenceConfig(size=(32, 40)), eval=EvalConfig(labels="resized"))
    metrics = evaluate_target(checkpoint, small, "val", tmp_path / "out")
    pixels = 3 * 33 * 40 * 2 / 3
    assert metrics.confusion.sum() == pytest.approx(pixels, rel=0.1)
    assert len(list((tmp_path / "out" / "images").glob("*.jpg"))) == 3


def test_a_root_of_the_command_line_is_what_is_measured(run: Path, config: SegFormerConfig, tmp_path: Path):
    """Not the pictures that the run was trained with; and the other way round a folder comes before the root."""
    other = tmp_path / "other"
    for kind, source in (("images", config.data.val), ("masks", config.data.val_masks)):
        (other / kind / "val").mkdir(parents=True)
        shutil.copy(Path(str(source)) / "1.png", other / kind / "val")
    assert main(["eval", str(run)]) == 0
    assert read_metrics(run / "eval-val")["images"] == 3
    assert main(["eval", str(run), "--data.root", str(other)]) == 0
    written = read_metrics(run / "eval-val")
    assert (written["images"], written["data"]) == (1, str(other / "images" / "val"))
    folders = [f"--data.val={config.data.val}", f"--data.val-masks={config.data.val_masks}"]
    assert main(["eval", str(run), *folders, "--data.root", str(other)]) == 0
    assert read_metrics(run / "eval-val")["images"] == 3


def test_another_checkpoint_of_a_run_does_not_replace_the_evaluation_of_the_best(run: Path):
    assert main(["eval", str(run)]) == 0
    assert main(["eval", str(run / "checkpoints" / "epoch-5.ckpt")]) == 0
    for folder, name in (("eval-val", "best"), ("eval-val-epoch-5", "epoch-5")):
        assert read_metrics(run / folder)["checkpoint"] == str(run / "checkpoints" / f"{name}.ckpt")
    page = (run / "report.html").read_text(encoding="utf-8")
    assert "Evaluation: val<" in page
    assert "Evaluation: val-epoch-5<" in page


def test_predict_writes_maps_and_says_what_it_found(
    checkpoint: Path, config: SegFormerConfig, tmp_path: Path, capsys: pytest.CaptureFixture
):
    pictures = str(config.data.val)
    predict_target(checkpoint, config, [pictures], tmp_path / "out")
    assert "3 pictures: " in capsys.readouterr().out
    assert len(list((tmp_path / "out").iterdir())) == 3 * 4 + 1
    with pytest.raises(UserError, match=r"predictions.json: is already there"):
        predict_target(checkpoint, config, [pictures], tmp_path / "out")
    predict_target(checkpoint, config, [pictures], tmp_path / "out", overwrite=True)


def test_no_threads_at_all(checkpoint: Path, config: SegFormerConfig, tmp_path: Path):
    idle = replace(config, train=replace(config.train, workers=0))
    with pytest.raises(UserError, match=r"^train\.workers: 0 is below 1\.$"):
        evaluate_target(checkpoint, idle, "val", tmp_path / "out")
    with pytest.raises(UserError, match=r"^train\.workers: 0 is below 1\.$"):
        predict_target(checkpoint, idle, [str(config.data.val)], tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_copies_never_replace_the_pictures(checkpoint: Path, config: SegFormerConfig, tmp_path: Path):
    pictures = Path(str(config.data.val))
    with pytest.raises(UserError, match="one of the pictures to predict on"):
        predict_target(checkpoint, config, [str(pictures / "0.png")], pictures, overwrite=True)


def test_label_ids_are_for_cityscapes_alone(checkpoint: Path, config: SegFormerConfig, tmp_path: Path):
    with pytest.raises(UserError, match=r"classes are not the 19 of Cityscapes"):
        predict_target(checkpoint, config, [str(config.data.val)], tmp_path / "out", label_ids=True)
    assert not (tmp_path / "out").exists()


def test_how_pictures_are_looked_at_is_told():
    slide = InferenceConfig("slide", (512, 1024), (384, 768), scales=(0.75, 1.0), flip=True)
    assert inference_in_words(slide, EvalConfig()) == (
        "windows of 512x1024 every 384x768, scales 0.75, 1, mirrored as well"
    )
    old = inference_in_words(InferenceConfig(size=(512, 1024)), EvalConfig(labels="resized"))
    assert old == "whole pictures, fitted into 512x1024, labels resized"
