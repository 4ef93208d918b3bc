"""Segmentation numbers: reference arrays of another implementation, small cases by hand, sums on random ones."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ms_core.errors import UserError
from ms_core.evaluation.semantic import SemanticEvaluator, confusion_matrix

GOLDEN = Path(__file__).parent / "golden_semantic.npz"
NAMES = tuple(f"class {k}" for k in range(19))


@pytest.fixture(scope="module")
def golden() -> dict[str, np.ndarray]:
    """Predictions and labels with the numbers that other code found for them."""
    with np.load(GOLDEN) as file:
        return dict(file)


def evaluated(predictions: np.ndarray, labels: np.ndarray) -> SemanticEvaluator:
    evaluator = SemanticEvaluator(NAMES)
    for prediction, label in zip(predictions, labels, strict=True):
        evaluator.update(prediction, label)
    return evaluator


def counted_one_by_one(prediction: np.ndarray, label: np.ndarray, classes: int) -> np.ndarray:
    counts = np.zeros((classes, classes), np.int64)
    for truth, found in zip(label.ravel().tolist(), prediction.ravel().tolist(), strict=True):
        if truth != 255:
            counts[truth, found] += 1
    return counts


def test_reference_numbers_exactly(golden: dict[str, np.ndarray]) -> None:
    metrics = evaluated(golden["pred"], golden["label"]).compute()
    np.testing.assert_array_equal(metrics.confusion, golden["confusion"])
    np.testing.assert_array_equal(metrics.iou, golden["iou"])
    np.testing.assert_array_equal(metrics.accuracy, golden["acc"])
    assert metrics.miou == float(golden["miou"]) == 0.4445378404895569
    assert metrics.pixel_accuracy == float(golden["overall_acc_called_mAcc"]) == 0.6323311391804542
    assert metrics.mean_accuracy == float(golden["mean_class_acc"]) == 0.6342452619085085
    assert metrics.images == 3


def test_a_class_absent_from_both_is_left_out_of_the_mean(golden: dict[str, np.ndarray]) -> None:
    metrics = evaluated(golden["pred_b"], golden["label"]).compute()
    np.testing.assert_array_equal(metrics.iou, golden["iou_b"])
    assert metrics.miou == 0.46397824462010134
    assert metrics.to_json()["per_class"][16]["IoU"] is None
    assert metrics.lines()[16].split()[:4] == ["class", "16", "IoU", "-"]


def test_merged_ranks_give_what_one_gives(golden: dict[str, np.ndarray]) -> None:
    whole = evaluated(golden["pred"], golden["label"])
    first = evaluated(golden["pred"][::2], golden["label"][::2])
    first.merge(evaluated(golden["pred"][1::2], golden["label"][1::2]))
    np.testing.assert_array_equal(first.confusion, whole.confusion)
    assert first.compute().scalars() == whole.compute().scalars()
    assert first.images == whole.images == 3


@settings(deadline=None, max_examples=50)
@given(st.integers(1, 255), st.integers(0, 2**32 - 1), st.sampled_from([np.uint8, np.int32, np.int64]))
def test_counts_are_those_of_a_plain_loop(classes: int, seed: int, dtype: type) -> None:
    rng = np.random.default_rng(seed)
    shape = tuple(rng.integers(1, 9, 2))
    prediction, label = rng.integers(0, classes, (2, *shape)).astype(dtype)
    label[rng.random(shape) < 0.3] = 255
    np.testing.assert_array_equal(
        confusion_matrix(prediction, label, classes), counted_one_by_one(prediction, label, classes)
    )


def test_more_pixels_than_a_float_counts_exactly() -> None:
    shape = (4100, 4100)  # 16,810,000 pixels; from 16,777,216 on float32 skips odd numbers
    label = np.zeros(shape, np.uint8)
    label[0, 0] = 1
    counts = confusion_matrix(np.zeros(shape, np.uint8), label, 2)
    assert counts.tolist() == [[4100 * 4100 - 1, 0], [1, 0]]


def test_views_of_larger_arrays_are_read_as_they_lie(golden: dict[str, np.ndarray]) -> None:
    prediction, label = golden["pred"][0], golden["label"][0]
    views = confusion_matrix(prediction[::2, ::-3], label[::2, ::-3], 19)
    np.testing.assert_array_equal(views, counted_one_by_one(prediction[::2, ::-3], label[::2, ::-3], 19))


@pytest.mark.parametrize(
    ("prediction", "label", "words"),
    [
        ([[0, 1]], [[0, 33]], "label holds 33 in 1 pixels, but the classes are 0 to 18"),
        ([[0, 19]], [[0, 255]], "prediction holds 19 in 1 pixels"),
        ([[0, 255]], [[0, 0]], "prediction holds 255"),
        ([[0, -1]], [[0, 0]], "prediction holds -1"),
        ([[0, 0]], [[0, 256]], "label holds 256"),
        ([[0, 0]], [[0, 0, 0]], "not of one size"),
        ([[0.0, 0.0]], [[0, 0]], "float64, not integers"),
    ],
)
def test_what_is_no_class_is_refused_and_nothing_counted(prediction: list, label: list, words: str) -> None:
    evaluator = SemanticEvaluator(NAMES)
    with pytest.raises(ValueError, match=words):
        evaluator.update(np.array(prediction), np.array(label))
    assert evaluator.images == evaluator.confusion.sum() == 0


def test_an_image_that_is_ignored_altogether_counts_nothing() -> None:
    evaluator = SemanticEvaluator(NAMES)
    evaluator.update(np.zeros((4, 4), np.uint8), np.full((4, 4), 255, np.uint8))
    metrics = evaluator.compute()
    assert np.isnan(list(metrics.scalars().values())).all()
    assert json.loads(json.dumps(metrics.to_json(), allow_nan=False))["mIoU"] is None


def test_the_last_line_is_the_miou(golden: dict[str, np.ndarray]) -> None:
    lines = evaluated(golden["pred"], golden["label"]).compute().lines()
    assert lines[-1] == "mIoU: 0.445"
    assert lines[-2] == "mean accuracy: 0.634; pixel accuracy: 0.632"
    assert len(lines) == 19 + 2


def test_nothing_to_evaluate_and_other_classes_are_refused() -> None:
    with pytest.raises(UserError, match="no image"):
        SemanticEvaluator(NAMES).compute()
    with pytest.raises(UserError, match="different classes"):
        SemanticEvaluator(NAMES).merge(SemanticEvaluator(NAMES[:-1]))
    with pytest.raises(UserError, match="0 classes"):
        SemanticEvaluator(())
