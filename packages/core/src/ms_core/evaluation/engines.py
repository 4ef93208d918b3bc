"""The two programs that count COCO matches, behind one function: hotcoco (fast), pycocotools (oracle)."""

import contextlib
import importlib.util
import io
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ms_core.errors import UserError
from ms_core.evaluation.ground_truth import GroundTruth

EngineName = Literal["auto", "hotcoco", "pycocotools"]


@dataclass(frozen=True, eq=False)
class Counts:
    """What COCO evaluation accumulates.

    Axes: T IoU thresholds .50:.05:.95, R recall levels 0:.01:1, K categories by id, A areas (all, small,
    medium, large), M most detections per image (1, 10, 100). -1 where a category has no object.
    """

    precision: np.ndarray
    """float64 [T, R, K, A, M]."""
    recall: np.ndarray
    """float64 [T, K, A, M]."""
    scores: np.ndarray
    """float64 [T, R, K, A, M]: the score at which each precision is reached."""


def choose_engine(engine: EngineName) -> Literal["hotcoco", "pycocotools"]:
    """What "auto" stands for here; UserError if the one asked for is not installed."""
    if engine not in ("auto", "hotcoco", "pycocotools"):
        raise UserError(
            f'evaluation engine {engine!r}: not known. Choose "auto", "hotcoco" or "pycocotools".'
        )
    for name in ("hotcoco", "pycocotools") if engine == "auto" else (engine,):
        if importlib.util.find_spec(name):
            return name
    raise UserError(f"evaluation engine {engine}: not installed. Run: pip install hotcoco pycocotools")


def count_matches(truth: GroundTruth, found: np.ndarray, engine: EngineName) -> Counts:
    """Evaluate boxes.

    Args:
        truth: the images that count, all ids below 2^53 (`GroundTruth.numbered`).
        found: float64 [n, 7] as (image id, x, y, width, height, score, category id), of these images only.
        engine: who counts; the results agree bit for bit.
    """
    dataset = {
        "info": {},
        "images": [{"id": id_} for id_ in sorted(truth.image_ids)],
        "annotations": list(truth.annotations),
        "categories": [{"id": id_, "name": name} for id_, name in truth.categories],
    }
    run = _run_hotcoco if choose_engine(engine) == "hotcoco" else _run_pycocotools
    accumulated = run(dataset, found)
    return Counts(*(np.asarray(accumulated[key]) for key in ("precision", "recall", "scores")))


def _run_hotcoco(dataset: dict[str, Any], found: np.ndarray) -> dict[str, Any]:
    import hotcoco

    truth = hotcoco.COCO(dataset)
    evaluation = hotcoco.COCOeval(truth, truth.load_res(found), "bbox")
    evaluation.evaluate()
    evaluation.accumulate()
    assert evaluation.eval is not None  # what accumulate sets
    return evaluation.eval


def _run_pycocotools(dataset: dict[str, Any], found: np.ndarray) -> dict[str, Any]:
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    entries = [
        {
            "id": index,
            "image_id": int(image),
            "category_id": int(category),
            "bbox": [x, y, w, h],
            "area": w * h,
            "score": score,
            "iscrowd": 0,
        }
        for index, (image, x, y, w, h, score, category) in enumerate(found.tolist(), start=1)
    ]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints its progress unasked
        truth, results = COCO(), COCO()
        truth.dataset, results.dataset = dataset, dataset | {"annotations": entries}
        truth.createIndex()
        results.createIndex()
        evaluation = COCOeval(truth, results, "bbox")
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval
