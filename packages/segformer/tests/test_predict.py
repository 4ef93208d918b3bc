"""Which files a prediction writes, what is in them, and what is refused."""

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core.data.prediction_files import check_prediction_files
from ms_core.errors import UserError
from ms_core.segmentation import cityscapes_labels
from ms_segformer.config import InferenceConfig
from ms_segformer.picture_segmenter import PictureSegmenter
from ms_segformer.predict import PredictionFiles, PredictionJob, plan_files, predict_images
from PIL import Image

CLASSES = ("road", "grass", "sky")
PALETTE = np.array([(10, 20, 30), (200, 0, 0), (0, 0, 250)], np.uint8)
ALL = PredictionFiles(label_ids=True)


def forward(images: np.ndarray) -> np.ndarray:
    """Class k where channel k is the brightest, at a quarter of the size."""
    return images[:, :, ::4, ::4]


def write_picture(path: Path, seed: int, size: tuple[int, int] = (50, 70)) -> Path:
    """Smooth colours."""
    path.parent.mkdir(parents=True, exist_ok=True)
    small = np.random.default_rng(seed).integers(0, 256, (4, 5, 3)).astype(np.uint8)
    cv2.imwrite(str(path), cv2.resize(small, (size[1], size[0])))
    return path


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    """Two pictures of one name, another format and size."""
    names = ("a/1.png", "b/1.png", "b/2.jpg")
    return [write_picture(tmp_path / name, seed, (50 + seed, 70)) for seed, name in enumerate(names)]


def predict(photos: list[Path], out: Path, files: PredictionFiles = ALL) -> tuple[list[PredictionJob], dict]:
    jobs = plan_files(photos, files)
    segmenter = PictureSegmenter(forward, InferenceConfig())
    return jobs, predict_images(segmenter, jobs, out, CLASSES, PALETTE)


def test_every_file_holds_what_it_says_at_the_size_of_the_picture(photos: list[Path], tmp_path: Path):
    jobs, shares = predict(photos, tmp_path / "out")
    segmenter = PictureSegmenter(forward, InferenceConfig())
    pixels = np.zeros(3, int)
    for job in jobs:
        files = {kind: tmp_path / "out" / name for kind, name in job.names.items()}
        assert files["copy"].read_bytes() == job.image.read_bytes()
        image = cv2.imread(str(job.image))[..., ::-1]
        classes = segmenter.segment(np.ascontiguousarray(image))
        with Image.open(files["grey"]) as grey:
            assert (grey.mode, grey.size) == ("L", image.shape[1::-1])
            np.testing.assert_array_equal(np.asarray(grey), classes)
        np.testing.assert_array_equal(np.asarray(Image.open(files["colour"])), PALETTE[classes])
        blended = (image.astype(int) + PALETTE[classes]) / 2
        assert np.abs(np.asarray(Image.open(files["overlay"])) - blended).max() <= 0.5
        ids = np.asarray(Image.open(files["label_ids"]))
        np.testing.assert_array_equal(cityscapes_labels.ID_TO_TRAIN_ID[ids], classes)
        pixels += np.bincount(classes.ravel(), minlength=3)
    found = {CLASSES[k]: pixels[k] / pixels.sum() for k in np.argsort(-pixels) if pixels[k]}
    assert shares == pytest.approx(found)
    assert list(shares) == list(found)
    assert len(shares) > 1


def test_predictions_json_lists_files_and_shares(photos: list[Path], tmp_path: Path):
    predict(photos, tmp_path / "out")
    entries = json.loads((tmp_path / "out" / "predictions.json").read_text())
    assert [entry["file"] for entry in entries] == [str(path) for path in photos]
    assert entries[2]["files"] == {
        "copy": "2.jpg",
        "grey": "2_gray.png",
        "colour": "2_color.png",
        "overlay": "2_overlap.png",
        "label_ids": "2_labelIds.png",
    }
    assert (entries[2]["width"], entries[2]["height"]) == (70, 52)
    assert sum(entries[0]["classes"].values()) == pytest.approx(1, abs=1e-4)
    written = {path.name for path in (tmp_path / "out").iterdir()}
    listed = {name for entry in entries for name in entry["files"].values()}
    assert written == {"predictions.json", *listed}
    assert len(listed) == 15


def test_only_what_is_asked_for_is_written(photos: list[Path], tmp_path: Path):
    predict(photos[:1], tmp_path / "out", PredictionFiles(copy=False, colour=False, overlay=False))
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"1_gray.png", "predictions.json"}


def test_two_results_of_one_name_are_refused(tmp_path: Path):
    photos = [write_picture(tmp_path / name, 0) for name in ("a.png", "A_GRAY.png")]
    with pytest.raises(
        UserError, match=r"A_GRAY.png: its result A_GRAY.png would have the name of one of .*a.png"
    ):
        plan_files(photos, PredictionFiles())
    assert len(plan_files(photos, PredictionFiles(copy=False))) == 2


def test_a_damaged_picture_stops_with_its_name_and_leaves_the_list_of_those_before(
    photos: list[Path], tmp_path: Path
):
    out, good = tmp_path / "out", photos[1].read_bytes()
    photos[1].write_bytes(b"no picture")
    with pytest.raises(UserError, match=r"b/1.png: not an image"):
        predict(photos, out)
    assert [entry["file"] for entry in json.loads((out / "predictions.json").read_text())] == [str(photos[0])]
    assert not list(out.glob(".*"))
    photos[1].write_bytes(good)
    targets = [out / name for job in plan_files(photos, ALL) for name in job.names.values()]
    check_prediction_files(out, targets, photos, overwrite=True)
