"""Under which names the results of a prediction are written, and what is left of one that failed."""

import json
from pathlib import Path

import cv2
import pytest
from ms_core.data.draw_predictions import drawing_paths
from ms_core.data.prediction_files import check_prediction_files
from ms_core.errors import UserError
from ms_core.single_shot.config import PostprocessConfig
from ms_core.single_shot.predict import predict_images
from ms_core.single_shot.views import PictureDetector
from painted import RectangleFinder, painted


def test_pictures_of_one_name_do_not_overwrite_each_other(tmp_path: Path):
    images = [Path("a/1.jpg"), Path("b/1.jpg"), Path("b/1-2.jpg"), Path("c/1.PNG")]
    paths = drawing_paths(images, tmp_path)
    assert len({path.name.casefold() for path in paths}) == 4


def test_a_damaged_picture_leaves_what_was_finished_so_that_it_can_be_replaced(tmp_path: Path):
    images = [tmp_path / "a.png", tmp_path / "b.png"]
    cv2.imwrite(str(images[0]), painted(60, 60, (10, 10, 40, 40, 2)))
    images[1].write_bytes(b"no picture")
    out = tmp_path / "drawn"
    with pytest.raises(UserError, match=r"b\.png: not an image"):
        predict_images(
            PictureDetector(RectangleFinder(), (60, 60), PostprocessConfig()), images, ("x", "y", "z"), out
        )
    (entry,) = json.loads((out / "predictions.json").read_text())
    assert (entry["file"], entry["drawn"]) == (str(images[0]), "a.jpg")
    check_prediction_files(out, drawing_paths(images, out), images, overwrite=True)
