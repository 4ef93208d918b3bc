"""Time and memory of a COCO-size evaluation, detections to metrics: 5,000 images, 36,000 objects, 500,000 detections.

    python packages/core/benchmarks/evaluation_speed.py [--engine hotcoco pycocotools] [--out FILE.json]

Every engine runs in a process of its own, so that the peak memory is its own: the annotation file is read, each
image's detections are made, handed over and forgotten, and the metrics computed. Making them is not counted. The exit
code is 1 if hotcoco takes 10 s or 1 GB, or more.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ms_core.atomic import atomic_write
from ms_core.detection.detections import Detections
from ms_core.evaluation.coco import CocoEvaluator

IMAGES, OBJECTS, DETECTIONS, CLASSES = 5000, 36_000, 500_000, 80
WIDTH, HEIGHT = 640, 480
SECONDS, GIGABYTES = 10.0, 1.0


def objects_of(image: int, images: int, total: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes [g, 4] xyxy pixels and labels [g] from 0 of one image; `total` objects over all images."""
    rng = np.random.default_rng((1, image))
    count = total * (image + 1) // images - total * image // images
    low = rng.random((count, 2)) * (WIDTH * 0.8, HEIGHT * 0.8)
    high = low + rng.uniform(0.02, 0.4, (count, 2)) * (WIDTH, HEIGHT)
    boxes = np.concatenate((low, np.minimum(high, (WIDTH, HEIGHT))), axis=1)
    return boxes, rng.integers(0, CLASSES, count)


def detections_of(image: int, boxes: np.ndarray, labels: np.ndarray, count: int) -> Detections:
    """Two near every object, the rest anywhere: `count` as a detector with a low score limit gives them."""
    rng = np.random.default_rng((2, image))
    near = np.repeat(boxes, 2, axis=0) + rng.normal(size=(2 * len(boxes), 4)) * 6
    low = rng.random((count - len(near), 2)) * (WIDTH * 0.8, HEIGHT * 0.8)
    stray = np.concatenate((low, low + rng.uniform(10, 100, low.shape)), axis=1)
    scores = np.concatenate((rng.uniform(0.2, 1, len(near)), rng.uniform(0.01, 0.5, len(stray))))
    all_labels = np.concatenate((np.repeat(labels, 2), rng.integers(0, CLASSES, len(stray))))
    return Detections(np.concatenate((near, stray)), scores, all_labels)


def write_annotations(path: Path, images: int, total: int) -> None:
    """COCO file of that many images and objects."""
    annotations = []
    for image in range(images):
        for (x0, y0, x1, y1), label in zip(
            *(a.tolist() for a in objects_of(image, images, total)), strict=True
        ):
            box = [x0, y0, x1 - x0, y1 - y0]
            entry = {"image_id": image, "category_id": label + 1, "bbox": box, "area": box[2] * box[3]}
            annotations.append({"id": len(annotations) + 1, "iscrowd": 0, **entry})
    content = {
        "images": [
            {"id": image, "file_name": f"{image}.jpg", "width": WIDTH, "height": HEIGHT}
            for image in range(images)
        ],
        "categories": [{"id": label + 1, "name": f"class {label}"} for label in range(CLASSES)],
        "annotations": annotations,
    }
    path.write_text(json.dumps(content), encoding="utf-8")


def measure(annotations: Path, engine: str, images: int, objects: int, detections: int) -> dict:
    """One evaluation in this process: seconds of its parts, and the peak memory."""
    before = peak_megabytes()
    begin = time.perf_counter()
    evaluator = CocoEvaluator(annotations, engine=engine)  # type: ignore[arg-type]
    load, update, ids = time.perf_counter() - begin, 0.0, range(1, CLASSES + 1)
    for image in range(images):
        found = detections_of(image, *objects_of(image, images, objects), detections // images)
        begin = time.perf_counter()
        evaluator.update(image, found, ids)
        update += time.perf_counter() - begin
    begin = time.perf_counter()
    metrics = evaluator.compute()
    compute = time.perf_counter() - begin
    return {
        "engine": engine,
        "images": images,
        "objects": objects,
        "detections": detections,
        "read annotations, s": round(load, 2),
        "take detections, s": round(update, 2),
        "compute, s": round(compute, 2),
        "all, s": round(load + update + compute, 2),
        "peak, MB": round(peak_megabytes()),
        "before, MB": round(before),
        "AP": round(metrics.ap, 6),
    }


def peak_megabytes() -> float:
    """Largest resident memory of this process so far, megabytes (10^6 bytes)."""
    import resource

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 1e6 if sys.platform == "darwin" else peak * 1024 / 1e6


def measure_in_process(annotations: Path, engine: str, arguments: argparse.Namespace) -> dict:
    """`measure` in a new process."""
    sizes = [str(arguments.images), str(arguments.objects), str(arguments.detections)]
    command = [sys.executable, __file__, "--measure", str(annotations), engine, *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr)
    return json.loads(done.stdout)


def main() -> int:
    if sys.argv[1:2] == ["--measure"]:
        annotations, engine, *sizes = sys.argv[2:]
        print(json.dumps(measure(Path(annotations), engine, *map(int, sizes))))
        return 0
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=IMAGES)
    parser.add_argument("--objects", type=int, default=OBJECTS)
    parser.add_argument("--detections", type=int, default=DETECTIONS)
    parser.add_argument("--engine", nargs="+", choices=("hotcoco", "pycocotools"), default=["hotcoco"])
    parser.add_argument("--out", type=Path, help="JSON file for the results")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        annotations = Path(folder) / "instances.json"
        write_annotations(annotations, arguments.images, arguments.objects)
        rows = [measure_in_process(annotations, engine, arguments) for engine in arguments.engine]
    for name in rows[0]:
        print(f"{name:>22} " + " ".join(f"{row[name]:>12}" for row in rows))
    if arguments.out:
        with atomic_write(arguments.out) as file:
            json.dump(rows, file, indent=2)
    within = all(
        row["all, s"] < SECONDS and row["peak, MB"] < GIGABYTES * 1000
        for row in rows
        if row["engine"] == "hotcoco"
    )
    return 0 if within else 1


if __name__ == "__main__":
    sys.exit(main())
