"""Training pictures a second, ours beside a plain version of the old pipeline, in one run.

    python packages/core/benchmarks/pipeline.py [--data DATA] [--images FOLDER] [--sizes 300 640] [--json FILE]

A picture is read, cropped, resized, flipped, coloured, normalised, its targets encoded, and put into a batch of 8;
two threads do it, as in training. DATA is any detection data set that `ms-core data check` reads; without it, 40 noisy
800x600 JPEGs with two boxes each are made. Ours and the plain version take turns, so that a busy machine slows both.
"By CPU time" is what two cores would make if nobody else used them: 2 / (CPU seconds of a picture).
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from ms_core.data.network_input import IMAGENET_MEAN, IMAGENET_STD, single_thread_opencv
from ms_core.data.open import open_dataset
from ms_core.data.sample import DetectionDataset, Sample
from ms_core.detection.anchors import Anchors, grid_anchors, scale_aspect_anchors
from ms_core.draw import save_image
from ms_core.read_ahead import read_ahead
from ms_core.single_shot.config import InputConfig
from ms_core.single_shot.pipeline import Target, TrainingBatches, training_samples
from ms_core.train.order import BatchOrder

BATCH = 8
MEAN = (np.array(IMAGENET_MEAN) * 255).astype(np.float32)
STD = (np.array(IMAGENET_STD) * 255).astype(np.float32)
Batches = Callable[[int], object]


@dataclass
class Rate:
    """What one pipeline did."""

    images: int = 0
    wall: float = 0.0
    """Seconds by the clock."""
    cpu: float = 0.0
    """CPU seconds of the process."""

    @property
    def by_clock(self) -> float:
        return self.images / self.wall

    @property
    def by_cpu(self) -> float:
        """Images a second on two undisturbed cores."""
        return 2 * self.images / self.cpu


class PlainBatches:
    """The old pipeline: one try of the crop after another, float arithmetic, every anchor for every box."""

    def __init__(self, samples: list[Sample], anchors: Anchors, size: int) -> None:
        self.samples = samples
        self.anchors = anchors
        self.areas = (anchors.tlbr[:, 2] - anchors.tlbr[:, 0]) * (anchors.tlbr[:, 3] - anchors.tlbr[:, 1])
        self.size = size

    def __call__(self, step: int) -> tuple[np.ndarray, ...]:
        rng = np.random.default_rng([1, step])
        rows = [self.row(self.samples[index], rng) for index in rng.integers(len(self.samples), size=BATCH)]
        return tuple(np.stack(column) for column in zip(*rows, strict=True))

    def row(self, sample: Sample, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray, int]:
        image = cv2.imdecode(np.fromfile(sample.path, np.uint8), cv2.IMREAD_COLOR)
        image = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)
        image, boxes, labels = plain_crop(image, sample.boxes, sample.labels, rng)
        height, width = image.shape[:2]
        image = cv2.resize(image, (self.size, self.size))
        boxes = boxes[:, [1, 0, 3, 2]] / np.array([height, width] * 2, np.float32)
        if rng.random() < 0.5:
            image = cv2.flip(image, 1)
            boxes[:, [1, 3]] = 1 - boxes[:, [3, 1]]
        image = plain_colour(image, rng)
        pixels = np.ascontiguousarray(((image - MEAN) / STD).transpose(2, 0, 1), np.float32)
        return pixels, *self.encode(boxes, labels + 1)

    def encode(self, boxes: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
        """One box after another, each against every anchor; all targets rewritten for each."""
        tlbr, centred, count = self.anchors.tlbr, self.anchors.xywh, len(self.anchors)
        best, label = np.zeros(count, np.float32), np.zeros(count, np.int64)
        target = np.zeros((count, 4), np.float32)
        for box, number in zip(boxes, labels, strict=True):
            low, high = np.maximum(tlbr[:, :2], box[:2]), np.minimum(tlbr[:, 2:], box[2:])
            side = np.maximum(high - low, 0)
            inter = side[:, 0] * side[:, 1]
            iou = inter / (self.areas + (box[2] - box[0]) * (box[3] - box[1]) - inter)
            iou[iou.argmax()] = 2.0
            mask = (iou > 0.5) & (iou > best)
            best = np.maximum(best, iou * mask)
            label = mask * number + (1 - mask) * label
            for edge in range(4):
                target[:, edge] = mask * box[edge] + (1 - mask) * target[:, edge]
        found = np.flatnonzero(label)
        corners, anchors = target[found], centred[found]
        centre, extent = (corners[:, :2] + corners[:, 2:]) / 2, corners[:, 2:] - corners[:, :2]
        loc = np.zeros((count, 4), np.float32)
        loc[found, :2] = (centre - anchors[:, :2]) / anchors[:, 2:] / 0.1
        loc[found, 2:] = np.log(np.maximum(extent / anchors[:, 2:], 1e-6)) / 0.2
        return loc, label.astype(np.int32), len(found)


def plain_crop(
    image: np.ndarray, boxes: np.ndarray, labels: np.ndarray, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Up to 50 parts, judged one by one."""
    height, width = image.shape[:2]
    least = (None, 0.1, 0.3, 0.5, 0.7, 0.9)[rng.integers(6)]
    for _ in range(0 if least is None else 50):
        w, h = rng.uniform(0.3, 1) * width, rng.uniform(0.3, 1) * height
        if not 0.5 <= h / w <= 2:
            continue
        left, top = rng.uniform() * (width - w), rng.uniform() * (height - h)
        part = np.array([int(left), int(top), int(left + w), int(top + h)], np.float32)
        side = np.maximum(np.minimum(boxes[:, 2:], part[2:]) - np.maximum(boxes[:, :2], part[:2]), 0)
        inter = side[:, 0] * side[:, 1]
        areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        iou = inter / (areas + (part[2] - part[0]) * (part[3] - part[1]) - inter)
        touched = iou > 0
        if not touched.any() or (iou[touched].min() < least and iou.max() > least + 0.2):
            continue
        centre = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = touched & (centre > part[:2]).all(axis=1) & (centre < part[2:]).all(axis=1)
        if inside.any():
            x0, y0, x1, y1 = part.astype(int)
            kept = np.concatenate(
                (np.maximum(boxes[inside, :2], part[:2]), np.minimum(boxes[inside, 2:], part[2:])), axis=1
            )
            return image[y0:y1, x0:x1], kept - part[[0, 1, 0, 1]], labels[inside]
    return image, boxes.copy(), labels


def plain_colour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Brightness, contrast and saturation in random order, each a blend of two pictures as OpenCV does it."""
    for change in rng.permutation(3):
        factor = float(rng.uniform(0.6, 1.4))
        if change == 0:
            other = np.zeros_like(image)
        else:
            grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
            if change == 1:
                grey = np.full_like(grey, round(float(grey.mean())))
            other = cv2.cvtColor(grey, cv2.COLOR_GRAY2RGB)
        image = cv2.addWeighted(image, factor, other, 1 - factor, 0)
    return image


def made_pictures(folder: Path, count: int = 40) -> DetectionDataset:
    """Blurred noise, which a JPEG decoder finds about as hard as a photo; as a TXT data set."""
    rng, lines = np.random.default_rng(0), []
    for index in range(count):
        noise = cv2.GaussianBlur(rng.integers(0, 256, (600, 800, 3), np.uint8), (0, 0), 3)
        save_image(folder / f"{index}.jpg", cv2.convertScaleAbs(noise, alpha=4, beta=-380))
        lines.append(f"{index}.jpg 100,100,400,300,1 350,250,700,550,2")
    (folder / "train.txt").write_text("\n".join(lines) + "\n")
    return open_dataset(folder / "train.txt", images=folder, classes=("a", "b"))


def anchors_for(size: int) -> Anchors:
    """Default boxes of the networks of that input size."""
    if size == 300:
        ratios = [[], *[[2, 3]] * 5]
        return scale_aspect_anchors(size, [19, 10, 5, 3, 2, 1], [16, 32, 64, 100, 150, 300], ratios)
    return grid_anchors(size, [8, 16, 32, 64, 128])


def measure(pipelines: dict[str, Batches], rounds: int, batches: int, threads: int) -> dict[str, Rate]:
    """In turns: `rounds` times `batches` batches of each; the first round only warms up."""
    rates = {name: Rate() for name in pipelines}
    for number in range(rounds + 1):
        for name, make in pipelines.items():
            first = number * batches
            wall, cpu = time.perf_counter(), time.process_time()
            for _ in read_ahead(range(first, first + batches), make, workers=threads, ahead=threads + 2):
                pass
            if number:
                rates[name].wall += time.perf_counter() - wall
                rates[name].cpu += time.process_time() - cpu
                rates[name].images += batches * BATCH
    return rates


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--sizes", type=int, nargs="+", default=[300, 640])
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--batches", type=int, default=12, help="of each pipeline in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    single_thread_opencv()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.data:
            dataset = open_dataset(arguments.data, images=arguments.images, invalid_boxes="drop")
        else:
            dataset = made_pictures(Path(folder))
        results = [compare(dataset, size, arguments) for size in arguments.sizes]
    if arguments.json:
        source = str(arguments.data or "made pictures")
        report = {"data": source, "threads": arguments.threads, "batch": BATCH, "results": results}
        arguments.json.write_text(json.dumps(report, indent=1))


def compare(dataset: DetectionDataset, size: int, arguments: argparse.Namespace) -> dict[str, object]:
    """Measure and print one input size."""
    config, anchors = InputConfig(), anchors_for(size)
    samples = training_samples(dataset, config)
    target = Target(anchors, (size, size), (0.1, 0.2))
    order = BatchOrder(len(samples), batch_size=BATCH, epochs=10**4, seed=1)
    ours = TrainingBatches(samples, target, config, order)
    pipelines: dict[str, Batches] = {"ours": ours.__getitem__, "plain": PlainBatches(samples, anchors, size)}
    rates = measure(pipelines, arguments.rounds, arguments.batches, arguments.threads)
    print(
        f"{size} px, {len(anchors)} anchors, {len(samples)} pictures of {dataset.source.name}, "
        f"{arguments.threads} threads"
    )
    print(f"  {'':<6}{'images/s by the clock':>22}{'by CPU time':>13}{'CPU ms an image':>17}")
    for name, rate in rates.items():
        each = rate.cpu / rate.images * 1e3
        print(f"  {name:<6}{rate.by_clock:>22.0f}{rate.by_cpu:>13.0f}{each:>17.2f}")
    ratio = rates["plain"].cpu / rates["ours"].cpu
    clock = rates["plain"].wall / rates["ours"].wall
    print(f"  ratio: {clock:.2f} by the clock, {ratio:.2f} by CPU time", flush=True)
    return {
        "size": size,
        "anchors": len(anchors),
        "pipelines": {name: {**asdict(rate), "by_clock": rate.by_clock} for name, rate in rates.items()},
        "ratio_by_clock": clock,
        "ratio_by_cpu": ratio,
    }


if __name__ == "__main__":
    main()
