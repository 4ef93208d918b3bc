"""The two programs that count COCO matches, behind one function: hotcoco (fast), pycocotools (oracle)."""

import contextlib
import importlib.util
import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from ms_core.errors import UserError
from ms_core.evaluation.ground_truth import GroundTruth

EngineName = Literal["auto", "hotcoco", "pycocotools"]
_Run = Callable[[dict[str, Any], np.ndarray], dict[str, Any]]
_MOST = 1_000_000
"""Detections that an engine is given at once."""


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
        truth: the images that count, as `GroundTruth.numbered` gives them: category ids are 0, 1, 2, ...
        found: float64 [n, 7] as (image id, x, y, width, height, score, category id), of these images only.
        engine: who counts; the results agree bit for bit.
    """
    run = _run_hotcoco if choose_engine(engine) == "hotcoco" else _run_pycocotools
    rows = np.bincount(found[:, 6].astype(np.intp), minlength=len(truth.categories))
    parts = [_count(run, truth, found, categories) for categories in _parts(rows)]
    return Counts(
        np.concatenate([part.precision for part in parts], axis=2),
        np.concatenate([part.recall for part in parts], axis=1),
        np.concatenate([part.scores for part in parts], axis=2),
    )


def _parts(rows: np.ndarray) -> list[range]:
    """Neighbouring categories, in parts with at most `_MOST` detections each or a single category.

    No category's numbers depend on another's, and the engines take 200 bytes and more a detection.

    Args:
        rows: detections of each category.
    """
    starts, held = [0], 0
    for category, count in enumerate(rows.tolist()):
        held += count
        if held > _MOST and category > starts[-1]:
            starts.append(category)
            held = count
    return [range(start, end) for start, end in zip(starts, [*starts[1:], len(rows)], strict=True)]


def _count(run: _Run, truth: GroundTruth, found: np.ndarray, categories: range) -> Counts:
    """`count_matches` of some categories."""
    if len(categories) < len(truth.categories):
        found = found[(found[:, 6] >= categories.start) & (found[:, 6] < categories.stop)]
    dataset = {
        "info": {},
        "images": [{"id": id_} for id_ in sorted(truth.image_ids)],
        "annotations": [entry for entry in truth.annotations if entry["category_id"] in categories],
        "categories": [{"id": id_, "name": name} for id_, name in truth.categories if id_ in categories],
    }
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
