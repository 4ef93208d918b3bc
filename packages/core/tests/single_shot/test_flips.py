"""The mirrored look: boxes come back to where they belong, and both looks count."""

import numpy as np
import pytest
from ms_core.config import load_config
from ms_core.errors import UserError
from ms_core.single_shot.config import InferenceConfig, PostprocessConfig, SingleShotConfig
from ms_core.single_shot.flips import mirror_boxes
from ms_core.single_shot.views import PictureDetector
from painted import RectangleFinder, painted


def test_mirroring_twice_changes_nothing_and_boxes_stay_boxes():
    boxes = np.random.default_rng(0).random((20, 2, 2)).astype(np.float32)
    boxes = np.sort(boxes, axis=1).reshape(20, 4)
    mirrored = mirror_boxes(boxes)
    assert (mirrored[:, 2:] >= mirrored[:, :2]).all()
    np.testing.assert_allclose(mirror_boxes(mirrored), boxes, atol=1e-7)


class LeftBlind(RectangleFinder):
    """Overlooks the left half of what it is shown."""

    def __call__(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        boxes, scores = super().__call__(images)
        scores[boxes[:, :, 1] < 0.5] = 0
        return boxes, scores


@pytest.mark.parametrize("batch_size", [1, 2, 3])
def test_what_only_the_mirrored_look_shows_is_found_in_its_place(batch_size: int):
    objects = [(10, 20, 30, 50, 0), (70, 5, 95, 25, 1)]
    pictures = [painted(100, 100, *objects), painted(100, 100, objects[0]), painted(100, 100)]

    def labels(**looks: bool) -> list[list[int]]:
        detector = PictureDetector(
            LeftBlind(), (100, 100), PostprocessConfig(), batch_size, InferenceConfig(**looks)
        )
        found = detector.detect([detector.prepare(picture) for picture in pictures])
        if looks:
            np.testing.assert_allclose(found[1].boxes, [objects[0][:4]], atol=0.01)
        return [sorted(detections.labels.tolist()) for detections in found]

    assert labels() == [[1], [], []]
    assert labels(flip=True) == [[0, 1], [0], []]


def test_what_both_looks_show_is_found_once():
    image = painted(100, 60, (10, 20, 30, 50, 0), (70, 5, 95, 25, 1))
    detector = PictureDetector(
        RectangleFinder(), (100, 100), PostprocessConfig(), 2, InferenceConfig(flip=True)
    )
    assert len(detector(image)) == 2


@pytest.mark.parametrize(
    ("option", "value", "words"), [("tile", "5", "neither 0"), ("tile-overlap", "1", "not within 0-0.9")]
)
def test_settings_out_of_range_are_refused(option: str, value: str, words: str):
    with pytest.raises(UserError, match=words):
        load_config(SingleShotConfig, overrides=[f"--inference.{option}", value])
