"""Target encoding: the old code's results bit for bit, and its rules on random boxes."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from ms_core.detection.anchors import Anchors, scale_aspect_anchors
from ms_core.detection.boxes import box_iou, centre_to_corners
from ms_core.detection.coding import decode_boxes, encode_boxes
from ms_core.detection.matching import encode_targets, match_anchors

NETS = ("ssd300", "ssd_vgg16", "ssd_mobilenet_v1_fpn", "ssdlite_mobilenetv2_fpn")
SETS = ("A", "B", "C", "dup", "degenerate", "empty")
ANCHORS = scale_aspect_anchors(300, [19, 10, 5, 3, 2, 1], [16, 32, 64, 100, 150, 300], [[]] + [[2, 3]] * 5)


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("name", SETS)
def test_equal_to_the_old_encoder(
    net: str, name: str, anchors_of: Callable[[str], Anchors], golden_boxes: dict[str, np.ndarray]
) -> None:
    truth = golden_boxes[f"{net}/enc_{name}_in"]
    loc, label, matched = encode_targets(truth[:, :4], truth[:, 4].astype(np.int32), anchors_of(net))
    positive = np.flatnonzero(label)
    np.testing.assert_array_equal(positive, golden_boxes[f"{net}/enc_{name}_pos"])
    np.testing.assert_array_equal(loc[positive], golden_boxes[f"{net}/enc_{name}_loc_pos"])
    np.testing.assert_array_equal(label[positive], golden_boxes[f"{net}/enc_{name}_label_pos"])
    assert matched == golden_boxes[f"{net}/enc_{name}_num_match"]
    assert not loc[label == 0].any()
    assert (loc.dtype, label.dtype) == (np.float32, np.int32)


@pytest.mark.parametrize("net", NETS)
def test_small_golden_file_is_the_shared_one(
    net: str, shared: Path, golden_boxes: dict[str, np.ndarray]
) -> None:
    full = np.load(shared / "golden" / "ssd" / f"{net}.npz")
    for key in (key for key in full.files if key.startswith("enc_")):
        np.testing.assert_array_equal(full[key], golden_boxes[f"{net}/{key}"])


def boxes_tlbr(most: int = 8) -> st.SearchStrategy[np.ndarray]:
    """float32 [n, 4] relative boxes of at least 1 % of each side."""
    corners = hnp.arrays(
        np.float32, st.tuples(st.integers(0, most), st.just(4)), elements=st.floats(0, 1, width=32)
    )
    return corners.map(
        lambda c: np.concatenate(
            (np.minimum(c[:, :2], c[:, 2:]), np.maximum(c[:, :2], c[:, 2:]) + 0.01), axis=1
        )
    )


@pytest.mark.parametrize("net", NETS)
@pytest.mark.parametrize("threshold", [0.0, 0.05, 0.5, 0.9])
def test_levels_left_out_change_nothing(
    net: str, threshold: float, anchors_of: Callable[[str], Anchors]
) -> None:
    """Looking only at rows and levels that can matter gives what looking at every anchor gives, ties included."""
    anchors, rng = anchors_of(net), np.random.default_rng(int(threshold * 100))
    for count in range(8):
        low = rng.random((count, 2))
        boxes = np.concatenate((low, low + rng.random((count, 2)) ** 3), axis=1).astype(np.float32)
        boxes[1:3] = anchors.tlbr[rng.integers(len(anchors))]
        boxes[3:4] = np.round(boxes[3:4] * 8) / 8  # lies on the grid: several anchors are equally good
        boxes[4:5, 2] = boxes[4:5, 0]  # no area
        boxes[5:6] += 3  # touches nothing
        owner = match_anchors(boxes, anchors, threshold)
        np.testing.assert_array_equal(owner, plain_matching(boxes, anchors, threshold))


def plain_matching(boxes: np.ndarray, anchors: Anchors, threshold: float) -> np.ndarray:
    best, owner = np.zeros(len(anchors), np.float32), np.full(len(anchors), -1)
    y0, x0, y1, x1 = anchors.tlbr.T
    for index, box in enumerate(boxes):
        height = np.maximum(np.minimum(y1, box[2]) - np.maximum(y0, box[0]), 0)
        width = np.maximum(np.minimum(x1, box[3]) - np.maximum(x0, box[1]), 0)
        inter = height * width
        iou = inter / ((y1 - y0) * (x1 - x0) + (box[2] - box[0]) * (box[3] - box[1]) - inter)
        iou[iou.argmax()] = 2
        chosen = (iou > np.float32(threshold)) & (iou > best)
        best[chosen], owner[chosen] = iou[chosen], index
    return owner


@given(boxes_tlbr())
@settings(max_examples=60, deadline=None)
def test_rules_of_matching(boxes: np.ndarray) -> None:
    owner = match_anchors(boxes, ANCHORS, 0.5)
    overlap = box_iou(boxes, ANCHORS.tlbr) if len(boxes) else np.zeros((0, len(ANCHORS)))
    for index in range(len(boxes)):
        owned = np.flatnonzero(owner == index)
        best = int(overlap[index].argmax())
        assert ((overlap[index, owned] > 0.5 - 1e-6) | (owned == best)).all()
    if len(boxes):
        assert owner[overlap[0].argmax()] == 0  # nobody can take the first box's best anchor
        assert (overlap.max(axis=0)[owner < 0] <= 0.5 + 1e-6).all()


@given(boxes_tlbr())
@settings(max_examples=60, deadline=None)
def test_positive_targets_decode_to_their_boxes(boxes: np.ndarray) -> None:
    labels = np.arange(1, len(boxes) + 1, dtype=np.int32)
    loc, label, matched = encode_targets(boxes, labels, ANCHORS)
    positive = np.flatnonzero(label)
    assert len(positive) == matched
    decoded = decode_boxes(loc[positive], ANCHORS.xywh[positive])
    np.testing.assert_allclose(decoded, boxes[label[positive] - 1], atol=2e-5)


def test_background_box_occupies_anchors_without_a_target() -> None:
    box = np.array([[0.2, 0.2, 0.6, 0.6]], np.float32)
    twice = np.concatenate((box, box))
    _, _, alone = encode_targets(box, np.array([3]), ANCHORS)
    _, label, matched = encode_targets(twice, np.array([0, 3]), ANCHORS)
    assert alone > 1
    assert matched == 0
    assert not label.any()


def test_coding_inverts_for_other_variances() -> None:
    rng = np.random.default_rng(0)
    anchors = rng.uniform(0.2, 0.5, (50, 4))
    boxes = centre_to_corners(rng.uniform(0.1, 0.9, (3, 50, 4)))
    deltas = encode_boxes(boxes, anchors, (0.3, 0.7))
    np.testing.assert_allclose(decode_boxes(deltas, anchors, (0.3, 0.7)), boxes, atol=1e-12)
