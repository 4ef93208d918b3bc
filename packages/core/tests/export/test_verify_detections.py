"""Detections are compared wherever they stand; what is lost or moved is noticed."""

from pathlib import Path

import numpy as np
import pytest
from ms_core.export.verify_detections import PIXELS, detections_agree, regions_agree

PATH = Path("model.onnx")
Outputs = tuple[np.ndarray, np.ndarray, np.ndarray]


def detections(count: int = 3, slots: int = 5) -> Outputs:
    rng = np.random.default_rng(0)
    full = np.arange(slots) < count
    boxes = np.where(full[:, None], rng.uniform(0, 300, (slots, 4)), 0).astype(np.float32)
    scores = np.where(full, np.linspace(0.9, 0.5, slots), 0).astype(np.float32)
    return boxes[None], scores[None], np.where(full, np.arange(slots), -1).astype(np.int32)[None]


def reordered(outputs: Outputs, *order: int) -> Outputs:
    boxes, scores, labels = (array[:, list(order)] for array in outputs)
    return boxes, scores, labels


def moved(outputs: Outputs, box: float = 0.0, score: float = 0.0, label: int = 0) -> Outputs:
    """The first row changed."""
    boxes, scores, labels = (array.copy() for array in outputs)
    boxes[0, 0, 2] += box
    scores[0, 0] += score
    labels[0, 0] += label
    return boxes, scores, labels


def test_rows_may_stand_elsewhere() -> None:
    assert detections_agree()(PATH, detections(), reordered(detections(), 1, 2, 0, 4, 3)) == 0


@pytest.mark.parametrize("change", [{"box": 2e-3}, {"score": 2e-4}, {"label": 1}])
def test_a_row_that_is_another_is_noticed(change: dict[str, float]) -> None:
    other = moved(detections(), **change)  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"1 of 3 boxes .* have no counterpart"):
        detections_agree(PIXELS)(PATH, detections(), other)


def test_pixels_are_allowed_more_than_parts_of_a_picture() -> None:
    other = moved(detections(), box=5e-4)
    assert 4e-4 < detections_agree(PIXELS)(PATH, detections(), other) < 6e-4
    with pytest.raises(RuntimeError, match="1 of 3"):
        detections_agree()(PATH, detections(), other)


def test_detections_too_many_or_too_few_are_noticed() -> None:
    fewer, more = detections(), detections(4)
    for one, other in ((fewer, more), (more, fewer)):
        with pytest.raises(RuntimeError, match="1 of 4"):
            detections_agree()(PATH, one, other)


def test_nan_is_never_equal() -> None:
    with pytest.raises(RuntimeError, match="no counterpart"):
        detections_agree()(PATH, detections(), moved(detections(), box=np.nan))


def test_other_shapes_are_refused() -> None:
    with pytest.raises(RuntimeError, match="the network gives"):
        detections_agree()(PATH, detections(), detections(slots=6))


def test_a_comparison_of_nothing_is_called_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert detections_agree()(PATH, detections(0), detections(0)) == 0
    assert "--picture" in capsys.readouterr().out


def test_one_region_of_many_may_be_another() -> None:
    rng = np.random.default_rng(0)
    boxes = rng.uniform(0, 300, (1, 120, 2, 4)).astype(np.float32)
    scores, valid = rng.uniform(0, 1, (1, 120, 3)).astype(np.float32), np.ones((1, 120), np.float32)
    valid[0, 110:] = 0
    other = boxes.copy()
    other[0, 115:] = np.nan  # not valid
    assert regions_agree()(PATH, (boxes, scores, valid), (other, scores, valid)) == 0
    other[0, 0, 1, 3] += 1
    assert regions_agree()(PATH, (boxes, scores, valid), (other, scores, valid)) == 0
    other[0, 1, 0, 0] += 1
    with pytest.raises(RuntimeError, match="2 of 110"):
        regions_agree()(PATH, (boxes, scores, valid), (other, scores, valid))
