"""Base and novel numbers are COCO's over those classes alone."""

import numpy as np
import pytest
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco import CocoEvaluator
from ms_defrcn.stage_metrics import GroupScore, group_score, stage_metrics

NAMES = ("ant", "bee", "cow", "dog")


def evaluated(labels_that_count: tuple[int, ...], *, voc_ap50: bool = False):
    """COCO's numbers over some classes of a small random data set; "dog" has no object."""
    rng = np.random.default_rng(5)
    evaluator_truth, found = [], []
    for image in range(1, 9):
        corners = rng.uniform(0, 150, (6, 2))
        boxes = np.concatenate((corners, corners + rng.uniform(20, 60, (6, 2))), 1).astype(np.float32)
        labels = rng.integers(0, 3, 6)
        evaluator_truth.append((image, boxes, labels))
        shifted = boxes + rng.normal(0, 4, boxes.shape).astype(np.float32)
        wrong = rng.integers(0, 4, 6)
        guessed = np.where(rng.uniform(size=6) < 0.7, labels, wrong)
        found.append((image, shifted, rng.uniform(0.1, 1, 6), guessed))
    truth = {
        "images": [{"id": image, "width": 300, "height": 300} for image, *_ in evaluator_truth],
        "categories": [{"id": k + 1, "name": NAMES[k]} for k in labels_that_count],
        "annotations": [
            {
                "id": 100 * image + number,
                "image_id": image,
                "category_id": int(label) + 1,
                "bbox": [float(v) for v in (box[0], box[1], box[2] - box[0], box[3] - box[1])],
                "area": float((box[2] - box[0]) * (box[3] - box[1])),
                "iscrowd": 0,
            }
            for image, boxes, labels in evaluator_truth
            for number, (box, label) in enumerate(zip(boxes, labels, strict=True))
            if label in labels_that_count
        ],
    }
    evaluator = CocoEvaluator(truth, voc_ap50=voc_ap50)
    for image, boxes, scores, labels in found:
        kept = np.isin(labels, labels_that_count)
        detections = Detections(boxes[kept], scores[kept], labels[kept])
        evaluator.update(image, detections, (1, 2, 3, 4))
    return evaluator.compute()


def test_groups_equal_an_evaluation_of_their_classes_alone():
    metrics = stage_metrics(evaluated((0, 1, 2, 3)), ("bee",), ("ant", "cow"))
    for group, alone in ((metrics.base, evaluated((1,))), (metrics.novel, evaluated((0, 2)))):
        np.testing.assert_allclose([group.ap, group.ap50, group.ap75], alone.stats[:3], rtol=1e-9)
        assert 0.05 < group.ap < 0.95


def test_scalars_hold_coco_and_both_groups():
    coco = evaluated((0, 1, 2))
    values = stage_metrics(coco, ("bee",), ("ant", "cow")).scalars()
    assert values["AP"] == coco.ap
    assert values["bAP"] == pytest.approx(coco.classes[1].ap)
    assert values["nAP50"] == pytest.approx(np.mean([coco.classes[0].ap50, coco.classes[2].ap50]))
    assert {"bAP50", "bAP75", "nAP", "nAP75", "ARl"} <= set(values)


def test_a_stage_without_base_classes_says_nothing_of_them():
    metrics = stage_metrics(evaluated((0, 1, 2)), (), ("ant", "bee", "cow"))
    assert metrics.base is None
    assert not any(name.startswith("b") for name in metrics.scalars())
    assert metrics.scalars()["nAP"] == pytest.approx(metrics.coco.ap)
    assert [line.split()[0] for line in metrics.lines()] == ["classes", "novel", "all"]


def test_classes_without_objects_do_not_count_and_a_group_of_them_is_unknown():
    coco = evaluated((0, 1, 2, 3))
    assert group_score(coco, ("bee", "dog")) == group_score(coco, ("bee",))
    assert group_score(coco, ("dog",)) == GroupScore(-1, -1, -1)
    metrics = stage_metrics(coco, ("ant", "bee", "cow"), ("dog",))
    assert metrics.group_entries()["nAP"] is None
    assert metrics.lines()[2].split() == ["novel", "-", "-", "-"]


def test_voc_numbers_where_asked_for():
    metrics = stage_metrics(evaluated((0, 1, 2), voc_ap50=True), ("bee",), ("ant", "cow"))
    values = metrics.scalars()
    assert values["bVOC_AP50"] == pytest.approx(metrics.coco.classes[1].voc_ap50)
    assert values["nVOC_AP50"] == pytest.approx(np.mean([metrics.coco.classes[k].voc_ap50 for k in (0, 2)]))
    assert len(metrics.lines()[1].split()) == 5
