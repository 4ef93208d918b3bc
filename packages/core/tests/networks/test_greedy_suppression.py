"""Suppression against the greedy rule box by box, and against torchvision's."""

from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from ms_core.detection.greedy import OverlapRule, greedy
from ms_core.networks import greedy_suppression as module
from ms_core.networks.greedy_suppression import GreedySuppression

GOLDEN = Path(__file__).parent / "golden_nms.npz"


def _check(found: tuple[Tensor, Tensor, Tensor], boxes: np.ndarray, scores: np.ndarray) -> None:
    ours, our_scores, valid = (array.asnumpy() for array in found)
    np.testing.assert_array_equal(valid, np.arange(len(valid)) < len(boxes))
    np.testing.assert_array_equal(our_scores[valid], scores)
    np.testing.assert_array_equal(ours[valid], boxes)
    assert (ours[~valid] == 0).all()
    assert (our_scores[~valid] == 0).all()


def _sorted_boxes(count: int, seed: int) -> np.ndarray:
    """float32 [count, 4]; most overlap others much."""
    rng = np.random.default_rng(seed)
    near = rng.uniform(0, 300, (max(count // 8, 1), 2))[rng.integers(0, max(count // 8, 1), count)]
    centre, size = near + rng.normal(0, 3, (count, 2)), rng.uniform(20, 40, (count, 2))
    return np.concatenate((centre - size / 2, centre + size / 2), axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("count", "most", "threshold"), [(90, 200, 0.7), (300, 40, 0.7), (333, 400, 0.5), (40, 40, 0.3)]
)
def test_suppression_is_the_greedy_rule(
    monkeypatch: pytest.MonkeyPatch, count: int, most: int, threshold: float
) -> None:
    monkeypatch.setattr(module, "_BLOCK", 50)
    boxes = _sorted_boxes(count, seed=count)
    valid = np.random.default_rng(1).uniform(size=count) < 0.9
    scores = np.linspace(2, 1, count, dtype=np.float32)
    kept = np.flatnonzero(valid)[greedy(np.asfortranarray(boxes[valid]), OverlapRule(threshold), len(boxes))]
    found = GreedySuppression(most, threshold)(Tensor(boxes), Tensor(scores), Tensor(valid))
    _check(found, boxes[kept[:most]], scores[kept[:most]])
    assert len(kept) < count * 0.9  # else nothing was suppressed


def test_equal_scores_keep_their_order() -> None:
    boxes = _sorted_boxes(120, seed=3)
    kept = greedy(np.asfortranarray(boxes), OverlapRule(0.5), 120)
    found = GreedySuppression(120, 0.5)(
        Tensor(boxes), Tensor(np.ones(120, np.float32)), Tensor(np.ones(120, bool))
    )
    _check(found, boxes[kept], np.ones(len(kept), np.float32))


@pytest.mark.parametrize(("threshold", "name"), [(0.7, "keep07"), (0.5, "keep05")])
def test_suppression_is_that_of_torchvision(threshold: float, name: str) -> None:
    golden = np.load(GOLDEN)
    order = np.argsort(-golden["scores"], kind="stable")
    boxes, scores = golden["boxes"][order], golden["scores"][order]
    found = GreedySuppression(300, threshold)(Tensor(boxes), Tensor(scores), Tensor(np.ones(300, bool)))
    _check(found, golden["boxes"][golden[name]], golden["scores"][golden[name]])
