"""COCO box evaluation that keeps an image's detections and nothing else of it."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ms_core.data.coco import is_id, without_mask
from ms_core.data.text import read_json
from ms_core.detection.boxes import xyxy_to_xywh
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.evaluation.coco_metrics import ClassScore, CocoMetrics, known_mean, summarise
from ms_core.evaluation.engines import Counts, EngineName, choose_engine, count_matches
from ms_core.evaluation.ground_truth import GroundTruth, is_box, is_finite, load_ground_truth
from ms_core.evaluation.voc import Rule, voc_average_precision

__all__ = ["CocoEvaluator", "CocoMetrics"]


class _Found(NamedTuple):
    """Detections of one image: 24 bytes each when they come from a network."""

    rows: np.ndarray  # float32 (float64 from JSON) [n, 5] as (x, y, width, height, score)
    categories: np.ndarray  # int32 [n], places in the ground truth's categories


class CocoEvaluator:
    """Streaming COCO evaluation: `update` image by image, `merge` other ranks' evaluators, `compute`.

    Args:
        ground_truth: COCO dict or annotation file.
        engine: who counts matches; "auto" takes hotcoco where it is installed. Their results agree.
        voc_ap50: also compute VOC's AP at IoU 0.5 (see `evaluation.voc`).
        voc_rule: by which rule.
        image_ids: evaluate only these images; detections of others are dropped. None: those that were
            updated.

    Raises:
        UserError: faulty ground truth, an unknown image id or engine.
    """

    def __init__(
        self,
        ground_truth: Mapping[str, Any] | Path | str,
        *,
        engine: EngineName = "auto",
        voc_ap50: bool = False,
        voc_rule: Rule = "area",
        image_ids: Iterable[int] | None = None,
    ) -> None:
        self._truth = load_ground_truth(ground_truth)
        self._place_of_category = {id_: place for place, id_ in enumerate(self._truth.category_ids)}
        self._engine: EngineName = choose_engine(engine)
        self._voc_ap50 = voc_ap50
        self._voc_rule: Rule = voc_rule
        self._limit = None if image_ids is None else frozenset(int(i) for i in image_ids)
        for image_id in self._limit or ():
            self._require_image(image_id, "image_ids")
        self._found: dict[int, _Found] = {}

    def update(self, image_id: int, detections: Detections, category_ids: Sequence[int]) -> None:
        """Take the detections of one image; call it for images without any, too.

        Args:
            image_id: id in the ground truth.
            detections: boxes in pixels of the annotated image.
            category_ids: ground truth's category id of every label.

        Raises:
            UserError: unknown image or category id, or the image was given before.
        """
        self._require_image(image_id, "detections")
        rows = np.concatenate((xyxy_to_xywh(detections.boxes), detections.scores[:, None]), axis=1)
        self._keep(int(image_id), _Found(rows, self._places(detections.labels, category_ids)), "detections")

    def update_json(self, results: Sequence[Mapping[str, Any]] | Path | str) -> None:
        """Take a COCO result list or file.

        It speaks for every image of the ground truth: one it does not name has no detections, and counts.

        Raises:
            UserError: not JSON, not a list, or a faulty entry, named by its index; or an image was given before.
        """
        source = "results"
        if isinstance(results, str | Path):
            source, results = str(results), read_json(Path(results), "COCO results", without_mask)
        if not isinstance(results, Sequence) or isinstance(results, str | bytes):
            raise UserError(
                f"{source}: not a list of detections. A COCO result file is a JSON list of entries."
            )
        grouped: dict[int, list[list[float]]] = {}
        for index, entry in enumerate(results):
            self._check_entry(entry, f"{source}: entry {index}")
            row = [*entry["bbox"], entry["score"], self._place_of_category[entry["category_id"]]]
            grouped.setdefault(int(entry["image_id"]), []).append(row)
        for image_id in self._truth.image_ids:
            rows = np.array(grouped.get(image_id, []), np.float64).reshape(-1, 6)
            self._keep(image_id, _Found(rows[:, :5], rows[:, 5].astype(np.int32)), source)

    def merge(self, other: "CocoEvaluator") -> None:
        """Take over another rank's detections; an image that both have, as equal shares need, counts once."""
        for image_id, found in other._found.items():
            self._found.setdefault(image_id, found)

    def compute(self) -> CocoMetrics:
        """Evaluate what was given so far; may be called again after more updates.

        Raises:
            UserError: there is no image to evaluate.
        """
        images = sorted(self._found if self._limit is None else self._limit)
        if not images:
            raise UserError("evaluation: no image was evaluated. Check that the data set is not empty.")
        found = self._table(images)
        truth = self._truth.numbered(images)
        counts = count_matches(truth, found, self._engine)
        voc = voc_average_precision(truth, found, rule=self._voc_rule) if self._voc_ap50 else {}
        return self._metrics(truth, counts, voc)

    def _metrics(self, truth: GroundTruth, counts: Counts, voc: Mapping[int, float]) -> CocoMetrics:
        """Args: the numbered truth, and what was counted against it."""
        precision = counts.precision[:, :, :, 0, -1]  # [T, R, K]
        objects = truth.objects()
        classes = tuple(
            ClassScore(id_, name, known_mean(values), known_mean(values[0]), objects[k], voc.get(k))
            for k, ((id_, name), values) in enumerate(
                zip(self._truth.categories, np.moveaxis(precision, 2, 0), strict=True)
            )
        )
        return CocoMetrics(
            stats=summarise(counts),
            classes=classes,
            precision=precision,
            scores=counts.scores[:, :, :, 0, -1],
            images=len(truth.image_ids),
            voc_ap50=known_mean(np.array(list(voc.values()))) if self._voc_ap50 else None,
        )

    def _table(self, images: Sequence[int]) -> np.ndarray:
        """float64 [n, 7] as (image, x, y, width, height, score, category), both ids as `GroundTruth.numbered`."""
        known = [(n, *self._found[id_]) for n, id_ in enumerate(images) if id_ in self._found]
        table = np.empty((sum(len(rows) for _, rows, _ in known), 7))
        start = 0
        for number, rows, categories in known:
            part = table[start : start + len(rows)]
            part[:, 0], part[:, 1:6], part[:, 6] = number, rows, categories
            start += len(rows)
        return table

    def _keep(self, image_id: int, found: _Found, where: str) -> None:
        if image_id in self._found:
            raise UserError(f"{where}: image id {image_id} comes twice. Give every image once.")
        if self._limit is None or image_id in self._limit:
            self._found[image_id] = found

    def _require_image(self, image_id: int, where: str) -> None:
        if image_id not in self._truth.image_ids:
            raise UserError(
                f"{where}: image id {image_id} is not in {self._truth.source}. "
                "Evaluate against the annotation file of these images."
            )

    def _places(self, labels: np.ndarray, category_ids: Sequence[int]) -> np.ndarray:
        """int32 [n], the place of each label's category among the ground truth's."""
        place_of_label = np.array(
            [self._place_of_category.get(int(id_), -1) for id_ in category_ids], np.int32
        )
        places = place_of_label[labels]
        if (places < 0).any():
            raise UserError(
                f"detections: category id {category_ids[labels[places < 0][0]]} is not in {self._truth.source}. "
                "Check the class map: its ids must be those of the annotation file."
            )
        return places

    def _check_entry(self, entry: Any, where: str) -> None:
        if not isinstance(entry, Mapping):
            raise UserError(f"{where}: not an object but {type(entry).__name__}. See the COCO result format.")
        for key in ("image_id", "category_id", "bbox", "score"):
            if key not in entry:
                raise UserError(f'{where}: "{key}" is missing. See the COCO result format.')
        box, score = entry["bbox"], entry["score"]
        if not is_box(box):
            raise UserError(f"{where}: bbox is {box}, not four numbers [x, y, width, height].")
        if not is_finite(score):
            raise UserError(f"{where}: score is {score!r}, not a number.")
        if not is_id(entry["image_id"]) or entry["image_id"] not in self._truth.image_ids:
            raise UserError(f"{where}: image_id {entry['image_id']!r} is not in {self._truth.source}.")
        if not is_id(entry["category_id"]) or entry["category_id"] not in self._place_of_category:
            raise UserError(f"{where}: category_id {entry['category_id']!r} is not in {self._truth.source}.")
