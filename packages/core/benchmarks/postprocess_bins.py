"""Time and memory of measuring the result folder of a C++ program: thousands of pairs of files to COCO metrics.

    python packages/core/benchmarks/postprocess_bins.py [--pairs 5000] [--anchors 12804] [--classes 80]
        [--distinct 40] [--untrained 2] [--workers 2] [--folder DIR] [--out FILE.json]

Every pair is boxes [N, 4] and scores [N, K + 1], float32, with a line in index.jsonl, as the program writes them; `eval
RESULT_FOLDER` itself reads and measures them, in a process of its own whose time (reading of the annotations included,
start of Python not) and peak memory are printed. To spare the disk only --distinct pairs are different, of which
--untrained are like those of an untrained network (nearly all scores above the limit) and the others like a trained
one's; the rest are hard links to them. The exit code is 1 above 60 s or 1 GB for 5,000 pairs, in proportion for fewer.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from ms_core.atomic import atomic_write
from ms_core.data.config import DetectionDataConfig
from ms_core.single_shot.config import SingleShotConfig
from ms_core.single_shot.raw_outputs import score_raw_outputs
from ms_core.train.config import TrainConfig
from postprocess import HEIGHT, WIDTH, network_anchors, raw_outputs

SECONDS, MEBIBYTES, PAIRS = 60.0, 1024.0, 5000
"""What it may take for so many pairs; memory does not grow with them but for the detections."""
OBJECTS = 7
"""Objects an image, COCO's average."""


def write_truth(path: Path, pairs: int, classes: int) -> None:
    """COCO annotations, and pictures that are there but empty: measuring reads none."""
    rng = np.random.default_rng(1)
    annotations = []
    for image in range(1, pairs + 1):
        for x, y, width, height in rng.uniform(5, 200, (OBJECTS, 4)).round(2).tolist():
            entry = {
                "id": len(annotations) + 1,
                "image_id": image,
                "category_id": int(rng.integers(classes)) + 1,
            }
            annotations.append(
                {**entry, "bbox": [x, y, width, height], "area": round(width * height, 2), "iscrowd": 0}
            )
    images = [
        {"id": n, "file_name": f"{n:012d}.jpg", "width": WIDTH, "height": HEIGHT} for n in range(1, pairs + 1)
    ]
    categories = [{"id": k, "name": f"class {k}"} for k in range(1, classes + 1)]
    content = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(content), encoding="utf-8")
    (path.parent / "images").mkdir()
    for entry in images:
        (path.parent / "images" / str(entry["file_name"])).touch()


def write_results(
    folder: Path, pairs: int, anchors: int, classes: int, distinct: int, untrained: int
) -> None:
    """Files and index of every pair."""
    folder.mkdir(parents=True)
    boxes = network_anchors(anchors)
    lines = []
    for number in range(1, pairs + 1):
        name, outputs = f"{number:012d}", []
        kind = "untrained" if number <= untrained else "trained"
        made = raw_outputs(kind, boxes, classes, number) if number <= distinct else None
        for place, columns in enumerate((4, classes + 1)):
            file = folder / f"{name}_{place}.bin"
            if made is None:
                os.link(folder / f"{(number - 1) % distinct + 1:012d}_{place}.bin", file)
            else:
                made[place].astype("<f4").tofile(file)
            outputs.append({"file": file.name, "shape": [anchors, columns], "dtype": "float32"})
        size = {"width": WIDTH, "height": HEIGHT}
        lines.append(json.dumps({"picture": f"{name}.jpg", "name": name, **size, "outputs": outputs}))
    (folder / "index.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def measure(folder: Path, truth: Path, workers: int) -> dict[str, float]:
    """Run `eval` on the folder in this process."""
    data = DetectionDataConfig(val=str(truth), images=str(truth.parent / "images"))
    config = SingleShotConfig(data=data, train=TrainConfig(workers=workers))
    begin = time.perf_counter()
    metrics = score_raw_outputs(folder, config, "val", truth.parent / "eval")
    return {
        "seconds": round(time.perf_counter() - begin, 2),
        "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1),
        "images": metrics.images,
    }


def in_own_process(place: Path, workers: int) -> dict[str, float]:
    """`measure` of what lies in `place`, by a new Python."""
    command = [sys.executable, __file__, "--measure", str(place), "--workers", str(workers)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(arguments: argparse.Namespace, place: Path) -> int:
    """Make the files, measure, report."""
    pairs, anchors, classes = arguments.pairs, arguments.anchors, arguments.classes
    write_truth(place / "truth.json", pairs, classes)
    distinct = min(arguments.distinct, pairs)
    write_results(place / "result_Files", pairs, anchors, classes, distinct, arguments.untrained)
    found = in_own_process(place, arguments.workers)
    about = {
        **{
            name: getattr(arguments, name) for name in ("pairs", "anchors", "classes", "untrained", "workers")
        },
        "distinct": distinct,
        "gib_read": round(pairs * anchors * (classes + 5) * 4 / 2**30, 2),
        "ms_a_pair": round(1e3 * found["seconds"] / pairs, 2),
        **found,
        "machine": platform.machine(),
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    for name, value in about.items():
        print(f"{name:>10}  {value}")
    if arguments.out:
        with atomic_write(arguments.out) as file:
            json.dump(about, file, indent=2)
    allowed = SECONDS * pairs / PAIRS + 5  # what does not depend on their number
    return int(found["seconds"] > allowed or found["peak_mib"] > MEBIBYTES)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--anchors", type=int, default=12804)
    parser.add_argument("--classes", type=int, default=80)
    parser.add_argument("--distinct", type=int, default=40)
    parser.add_argument("--untrained", type=int, default=2)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where the files are made, e.g. on another disk")
    parser.add_argument("--out", type=Path, help="JSON file for the numbers")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        place = arguments.measure
        print(json.dumps(measure(place / "result_Files", place / "truth.json", arguments.workers)))
        return 0
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        return run(arguments, Path(folder))


if __name__ == "__main__":
    sys.exit(main())
