"""COCO box evaluation that keeps an image's detections and nothing else of it."""

from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ms_core.detection.boxes import xyxy_to_xywh
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.evaluation.coco_metrics import ClassScore, CocoMetrics, known_mean, summarise
from ms_core.evaluation.engines import Counts, EngineName, choose_engine, count_matches
from ms_core.evaluation.ground_truth import is_box, is_finite, load_ground_truth, read_json
from ms_core.evaluation.voc import voc_average_precision

__all__ = ["CocoEvaluator", "CocoMetrics"]


class _Found(NamedTuple):
    """Detections of one image: 24 bytes each when they come from a network."""

    rows: np.ndarray  # float32 (float64 from JSON) [n, 5] as (x, y, width, height, score)
    categories: np.ndarray  # int32 [n], category ids


class CocoEvaluator:
    """Streaming COCO evaluation: `update` image by image, `merge` other ranks' evaluators, `compute`.

    Args:
        ground_truth: COCO dict or annotation file.
        engine: who counts matches; "auto" takes hotcoco where it is installed. Their results agree.
        voc_ap50: also compute VOC's AP at IoU 0.5 (see `evaluation.voc`).
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
        image_ids: Iterable[int] | None = None,
    ) -> None:
        self._truth = load_ground_truth(ground_truth)
        self._engine: EngineName = choose_engine(engine)
        self._voc_ap50 = voc_ap50
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
        categories = np.asarray(category_ids, np.int32)[detections.labels]
        self._require_categories(categories)
        self._keep(int(image_id), _Found(rows, categories))

    def update_json(self, results: Sequence[Mapping[str, Any]] | Path | str) -> None:
        """Take a COCO result list or file.

        It speaks for every image of the ground truth: one it does not name has no detections, and counts.

        Raises:
            UserError: not JSON, not a list, or a faulty entry, named by its index.
        """
        source = "results"
        if isinstance(results, str | Path):
            source, results = str(results), read_json(Path(results))
        if not isinstance(results, Sequence) or isinstance(results, str | bytes):
            raise UserError(
                f"{source}: not a list of detections. A COCO result file is a JSON list of entries."
            )
        grouped: dict[int, list[list[float]]] = {}
        for index, entry in enumerate(results):
            self._check_entry(entry, f"{source}: entry {index}")
            row = [*entry["bbox"], entry["score"], entry["category_id"]]
            grouped.setdefault(int(entry["image_id"]), []).append(row)
        for image_id in self._truth.image_ids:
            rows = np.array(grouped.get(image_id, []), np.float64).reshape(-1, 6)
            self._keep(image_id, _Found(rows[:, :5], rows[:, 5].astype(np.int32)))

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
        counts = count_matches(self._truth, images, found, self._engine)
        return self._metrics(images, counts, found)

    def _metrics(self, images: Sequence[int], counts: Counts, found: np.ndarray) -> CocoMetrics:
        precision = counts.precision[:, :, :, 0, -1]  # [T, R, K]
        objects = self._truth.objects(images)
        voc = voc_average_precision(self._truth, images, found) if self._voc_ap50 else {}
        classes = tuple(
            ClassScore(id_, name, known_mean(values), known_mean(values[0]), objects[id_], voc.get(id_))
            for (id_, name), values in zip(self._truth.categories, np.moveaxis(precision, 2, 0), strict=True)
        )
        return CocoMetrics(
            stats=summarise(counts),
            classes=classes,
            precision=precision,
            scores=counts.scores[:, :, :, 0, -1],
            images=len(images),
            voc_ap50=known_mean(np.array(list(voc.values()))) if self._voc_ap50 else None,
        )

    def _table(self, images: Sequence[int]) -> np.ndarray:
        """float64 [n, 7] as (image id, x, y, width, height, score, category id)."""
        parts = [np.zeros((0, 7))]
        for image_id in images:
            if image_id in self._found:
                rows, categories = self._found[image_id]
                part = np.empty((len(rows), 7))
                part[:, 0], part[:, 1:6], part[:, 6] = image_id, rows, categories
                parts.append(part)
        return np.concatenate(parts)

    def _keep(self, image_id: int, found: _Found) -> None:
        if image_id in self._found:
            raise UserError(f"detections: image id {image_id} comes twice. Give every image once.")
        if self._limit is None or image_id in self._limit:
            self._found[image_id] = found

    def _require_image(self, image_id: int, where: str) -> None:
        if image_id not in self._truth.image_ids:
            raise UserError(
                f"{where}: image id {image_id} is not in {self._truth.source}. "
                "Evaluate against the annotation file of these images."
            )

    def _require_categories(self, categories: np.ndarray) -> None:
        known = np.isin(categories, self._truth.category_ids)
        if not known.all():
            raise UserError(
                f"detections: category id {categories[~known][0]} is not in {self._truth.source}. "
                "Check the class map: its ids must be those of the annotation file."
            )

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
        if not isinstance(entry["image_id"], Integral) or entry["image_id"] not in self._truth.image_ids:
            raise UserError(f"{where}: image_id {entry['image_id']!r} is not in {self._truth.source}.")
        if entry["category_id"] not in self._truth.category_ids:
            raise UserError(f"{where}: category_id {entry['category_id']!r} is not in {self._truth.source}.")
