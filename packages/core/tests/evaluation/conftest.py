"""A made-up COCO data set with what is awkward: gaps in ids, crowds, ties, images without objects."""

import numpy as np
import pytest
from ms_core.detection.detections import Detections

CATEGORY_IDS = (3, 7, 40)


class Example:
    """Ground truth and detections that are partly right."""

    def __init__(self, seed: int, images: int = 25) -> None:
        self.rng = np.random.default_rng(seed)
        self.truth: dict = {
            "images": [{"id": 10 * i + 5, "width": 400, "height": 300} for i in range(images)],
            "categories": [{"id": id_, "name": f"class {id_}"} for id_ in (*CATEGORY_IDS, 90)],
            "annotations": [],
        }
        self.detections = {image["id"]: self._image(image["id"]) for image in self.truth["images"]}

    def _image(self, image_id: int) -> Detections:
        rng = self.rng
        count = int(rng.integers(0, 7))
        low = rng.random((count, 2)) * (300, 200)
        boxes = np.concatenate((low, low + rng.random((count, 2)) ** 2 * 150 + 3), axis=1)
        labels = rng.integers(0, 3, count)
        for box, label in zip(boxes, labels, strict=True):
            self._annotate(image_id, box, int(label))
        found = np.concatenate(
            (boxes + rng.normal(size=boxes.shape) * 3, rng.random((2, 4)) * 50 + [0, 0, 60, 60])
        )
        found_labels = np.concatenate((np.where(rng.random(count) < 0.8, labels, 0), rng.integers(0, 3, 2)))
        kept = rng.random(count + 2) < 0.9
        scores = rng.integers(1, 20, count + 2) / 20  # with ties
        return Detections(found[kept], scores[kept], found_labels[kept])

    def _annotate(self, image_id: int, box: np.ndarray, label: int) -> None:
        x0, y0, x1, y1 = box.tolist()
        self.truth["annotations"].append(
            {
                "id": len(self.truth["annotations"]),  # from 0, which COCOeval takes for "no match"
                "image_id": image_id,
                "category_id": CATEGORY_IDS[label],
                "bbox": [x0, y0, x1 - x0, y1 - y0],
                "area": (x1 - x0) * (y1 - y0) * 0.7,
                "iscrowd": int(self.rng.random() < 0.1),
            }
        )


@pytest.fixture(params=range(3))
def example(request: pytest.FixtureRequest) -> Example:
    """Three of them."""
    return Example(request.param)
