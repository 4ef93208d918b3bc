"""Training pictures a second on one thread, and where the time goes.

    python packages/core/benchmarks/augmentation.py [--data DATA] [--images FOLDER] [--size 300]

DATA is any detection data set that `ms-core data check` reads; without it, 40 noisy 800x600 JPEGs with two
boxes each are made in a temporary folder. A picture is read, cropped, resized, flipped, coloured, normalised
and its targets encoded, as in training. CPU time is what a thread needs; a busy machine adds waiting.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
from ms_core.data.images import read_image
from ms_core.data.network_input import single_thread_opencv
from ms_core.data.open import open_dataset
from ms_core.detection import augment
from ms_core.detection.anchors import Anchors, grid_anchors, scale_aspect_anchors
from ms_core.detection.boxes import pixels_to_relative
from ms_core.detection.matching import encode_targets
from ms_core.draw import save_image

Item = tuple[Path, np.ndarray, np.ndarray]
"""A picture, its boxes [n, 4] in pixels and labels [n]."""


class Stopwatch:
    """CPU seconds of this thread by stage."""

    def __init__(self) -> None:
        self.seconds: defaultdict[str, float] = defaultdict(float)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        begin = time.thread_time()
        yield
        self.seconds[name] += time.thread_time() - begin


def one_picture(item: Item, size: int, anchors: Anchors, rng: np.random.Generator, watch: Stopwatch) -> None:
    """Everything a training picture goes through."""
    path, boxes, labels = item
    with watch.stage("read"):
        image = read_image(path)
    with watch.stage("crop"):
        image, boxes, labels = augment.random_iou_crop(image, boxes, labels, rng)
    with watch.stage("resize, flip"):
        image, boxes = augment.resize(image, boxes, (size, size))
        image, boxes = augment.horizontal_flip(image, boxes, rng)
    with watch.stage("colour"):
        image = augment.colour_jitter(image, rng)
    with watch.stage("normalise"):
        augment.normalise(image)
    with watch.stage("targets"):
        encode_targets(pixels_to_relative(boxes, size, size), labels + 1, anchors)


def made_pictures(folder: Path, count: int = 40) -> list[Item]:
    """Blurred noise, which a JPEG decoder finds about as hard as a photo."""
    rng = np.random.default_rng(0)
    items = []
    for index in range(count):
        noise = cv2.GaussianBlur(rng.integers(0, 256, (600, 800, 3), np.uint8), (0, 0), 3)
        path = folder / f"{index}.jpg"
        save_image(path, cv2.convertScaleAbs(noise, alpha=4, beta=-380))
        items.append((path, np.array([[100, 100, 400, 300], [350, 250, 700, 550]], np.float32), np.arange(2)))
    return items


def anchors_for(size: int) -> Anchors:
    """Default boxes of the networks of that input size."""
    if size == 300:
        ratios = [[], *[[2, 3]] * 5]
        return scale_aspect_anchors(size, [19, 10, 5, 3, 2, 1], [16, 32, 64, 100, 150, 300], ratios)
    return grid_anchors(size, [8, 16, 32, 64, 128])


def measure(items: list[Item], size: int, seconds: float) -> None:
    """Print pictures a second and milliseconds a stage."""
    single_thread_opencv()
    rng, watch, anchors = np.random.default_rng(0), Stopwatch(), anchors_for(size)
    for item in items[:5]:
        one_picture(item, size, anchors, rng, Stopwatch())  # caches warm
    begin, done = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        one_picture(items[done % len(items)], size, anchors, rng, watch)
        done += 1
    by_clock, by_cpu = done / (time.perf_counter() - begin), done / sum(watch.seconds.values())
    print(
        f"{size} pixels, one thread: {by_clock:.0f} pictures a second by the clock, {by_cpu:.0f} by CPU time"
    )
    for name, spent in watch.seconds.items():
        print(f"  {name:<13}{spent / done * 1e3:6.2f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--images", type=Path)
    parser.add_argument("--size", type=int, default=300)
    parser.add_argument("--seconds", type=float, default=10.0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.data:
            dataset = open_dataset(arguments.data, images=arguments.images, invalid_boxes="drop")
            items = [(sample.path, sample.boxes, sample.labels) for sample in dataset.samples]
        else:
            items = made_pictures(Path(folder))
        measure(items, arguments.size, arguments.seconds)


if __name__ == "__main__":
    main()
