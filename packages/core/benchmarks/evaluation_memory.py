"""Resident memory while post-processing and evaluating thousands of images: it must not grow with the images.

    python packages/core/benchmarks/evaluation_memory.py --images 5000 [--anchors 1917 51150] [--classes 81]

Every image brings new raw outputs (boxes and scores of all anchors, like a trained network's), goes through
`multiclass_nms` into a `CocoEvaluator` and is gone; the evaluator is computed at the end. The exit code is 1
if, after the first tenth of the images, the process grew by more than its detections and --allowed MiB.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, field

import numpy as np
import psutil
from ms_core.detection.anchors import Anchors, grid_anchors, scale_aspect_anchors
from ms_core.detection.nms import multiclass_nms
from ms_core.evaluation.coco import CocoEvaluator

SIDE = 640
OBJECTS = 7
"""Objects an image, COCO's average."""


def network_anchors(count: int) -> Anchors:
    """Default boxes of the network with `count` of them."""
    if count == 1917:
        return scale_aspect_anchors(
            300, [19, 10, 5, 3, 2, 1], [16, 32, 64, 100, 150, 300], [[]] + [[2, 3]] * 5
        )
    if count == 12804:
        return grid_anchors(320, [8, 16, 32, 64, 108])
    if count == 51150:
        return grid_anchors(640, [8, 16, 32, 64, 128])
    raise SystemExit(f"--anchors {count}: choose 1917, 12804 or 51150")


class SyntheticNetwork:
    """Outputs like those of a trained detector: anchors around an object score high, all others low."""

    def __init__(self, anchors: Anchors, classes: int, seed: int = 0) -> None:
        self.rng = np.random.default_rng(seed)
        self.boxes = np.clip(anchors.tlbr[:, [1, 0, 3, 2]] * SIDE, 0, SIDE).astype(np.float32)  # [N, 4]
        self.quiet = (self.rng.random((len(anchors), classes)) ** 4 * 0.11).astype(
            np.float32
        )  # few reach 0.1

    def __call__(self, objects: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(boxes [N, 4] xyxy pixels, scores [N, K]), new arrays; objects [g, 4], labels [g] from 1."""
        boxes, scores = self.boxes.copy(), self.quiet.copy()
        centres = (boxes[:, :2] + boxes[:, 2:]) / 2
        for box, label in zip(objects, labels, strict=True):
            near = np.argsort(np.abs(centres - (box[:2] + box[2:]) / 2).sum(axis=1))[:30]
            boxes[near] = box + self.rng.normal(size=(30, 4)) * 6
            scores[near, label] = self.rng.random(30) * 0.9
        return boxes, scores


def objects_of(rng: np.random.Generator, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Random boxes [g, 4] in pixels and labels [g] from 1."""
    low = rng.random((OBJECTS, 2)) * SIDE * 0.7
    boxes = np.concatenate((low, low + 20 + rng.random((OBJECTS, 2)) * SIDE * 0.25), axis=1)
    return boxes.astype(np.float32), rng.integers(1, classes, OBJECTS)


def ground_truth(images: int, classes: int) -> dict:
    """COCO dict whose objects `objects_of(default_rng((1, image)))` gives again."""
    annotations = []
    for image in range(images):
        for box, label in zip(*objects_of(np.random.default_rng((1, image)), classes), strict=True):
            x0, y0, x1, y1 = box.tolist()
            bbox = [x0, y0, x1 - x0, y1 - y0]
            annotations.append({"image_id": image, "category_id": int(label), "bbox": bbox})
    return {
        "images": [{"id": image} for image in range(images)],
        "categories": [{"id": k, "name": f"class {k}"} for k in range(1, classes)],
        "annotations": annotations,
    }


def resident_mib() -> float:
    """Memory of this process."""
    return psutil.Process().memory_info().rss / 2**20


@dataclass
class Samples:
    """Memory as images go by; printed as it is taken."""

    resident: list[float] = field(default_factory=list)
    kept: list[float] = field(default_factory=list)
    """MiB of the detections so far, 24 bytes each."""

    def take(self, images: int, detections: int, seconds: float) -> None:
        self.resident.append(resident_mib())
        self.kept.append(detections * 24 / 2**20)
        print(
            f"{images:>8} {self.resident[-1]:>10.1f} {detections:>12} {self.kept[-1]:>15.2f} "
            f"{seconds / images * 1e3:>12.1f}"
        )

    def growth(self) -> float:
        """MiB from the first sample to the last, without what the detections explain."""
        return self.resident[-1] - self.resident[0] - (self.kept[-1] - self.kept[0])


def run(images: int, anchor_count: int, classes: int) -> float:
    """Evaluate; returns the MiB the process grew, after the first tenth, beyond its detections."""
    network = SyntheticNetwork(network_anchors(anchor_count), classes)
    evaluator = CocoEvaluator(ground_truth(images, classes))
    samples, detections, seconds = Samples(), 0, 0.0
    raw = anchor_count * (classes + 4) * 4 / 2**20
    print(f"\n{anchor_count} anchors x {classes} classes: {raw:.1f} MiB of raw outputs an image")
    print(f"{'images':>8} {'RSS MiB':>10} {'detections':>12} {'detections MiB':>15} {'ms an image':>12}")
    for image in range(images):
        boxes, scores = network(*objects_of(np.random.default_rng((1, image)), classes))
        begin = time.perf_counter()
        found = multiclass_nms(boxes, scores[:, 1:], max_detections=100)
        evaluator.update(image, found, range(1, classes))
        seconds += time.perf_counter() - begin
        detections += len(found)
        if (image + 1) % max(images // 10, 1) == 0:
            samples.take(image + 1, detections, seconds)
    begin = time.perf_counter()
    metrics = evaluator.compute()
    spent = time.perf_counter() - begin
    print(f"computed in {spent:.1f} s: AP {metrics.ap:.3f}; RSS then {resident_mib():.0f} MiB.")
    print(
        f"Beyond the detections: {samples.growth():+.1f} MiB. All raw outputs: {raw * images / 1024:.1f} GiB."
    )
    return samples.growth()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--anchors", type=int, nargs="+", default=[1917, 51150])
    parser.add_argument("--classes", type=int, default=81, help="with background")
    parser.add_argument("--allowed", type=float, default=32.0, help="MiB")
    arguments = parser.parse_args()
    growths = [run(arguments.images, anchors, arguments.classes) for anchors in arguments.anchors]
    flat = max(growths) <= arguments.allowed
    print(
        f"\nmemory is {'flat' if flat else 'NOT flat'}: at most {max(growths):+.1f} MiB beyond the detections"
    )
    return 0 if flat else 1


if __name__ == "__main__":
    sys.exit(main())
