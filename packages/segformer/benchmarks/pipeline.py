"""Training pictures a second, ours beside a plain version made of mmcv's own transforms, in one run.

    python packages/segformer/benchmarks/pipeline.py [--data ROOT [--classes NAME ...]] [--json FILE]

A picture and its label are read, resized, cropped, flipped, coloured, normalised, padded and put into a batch of 4; two
threads do it, as in training. Pictures of every case's size are made (blurred noise as PNG, which decodes about as
slowly as a photo) and cropped to 360x480 or, from 1024 rows on, 1024x1024. ROOT is a data set that
`ms-segformer data check` reads; its pictures are measured as well. Ours and the plain version take turns, so that a
busy machine slows both. "By CPU time" is what two cores would make if nobody else used them: 2 / (CPU seconds of a
picture). Below stands where the time of ours goes.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2
import mmcv
import numpy as np
from mmcv.transforms import Normalize, Pad, RandomFlip, RandomResize
from ms_core.data.network_input import single_thread_opencv
from ms_core.read_ahead import read_ahead
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.segmentation.open import open_split
from ms_core.segmentation.sample import IGNORE, SegmentationDataset, SegmentationSample
from ms_core.train.order import BatchOrder
from ms_segformer import augment, pipeline
from ms_segformer.augment import MEAN, STD
from ms_segformer.config import InputConfig, Size
from ms_segformer.pipeline import TrainingBatches

BATCH = 4
Batches = Callable[[int], object]


@dataclass
class Rate:
    """What one pipeline did."""

    images: int = 0
    wall: float = 0.0
    """Seconds by the clock."""
    cpu: float = 0.0
    """CPU seconds of the process."""

    def summary(self) -> dict[str, float]:
        return {
            "images_per_second": self.images / self.wall,
            "images_per_second_by_cpu": 2 * self.images / self.cpu,
            "cpu_ms_per_image": self.cpu / self.images * 1e3,
        }


class PlainBatches:
    """mmcv's transforms, and where it has none, what the recipe says in straightforward NumPy."""

    def __init__(self, dataset: SegmentationDataset, config: InputConfig, size: Size) -> None:
        self.dataset = dataset
        self.config = config
        self.resize = RandomResize(scale=size[::-1], ratio_range=config.scale, keep_ratio=True)
        self.flip = RandomFlip(prob=config.flip)
        self.normalise = Normalize(MEAN, STD, to_rgb=True)
        self.pad = Pad(size=config.crop[::-1], pad_val={"img": 0, "seg": IGNORE})

    def __call__(self, step: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([1, step])
        rows = [self.row(int(index), rng) for index in rng.integers(len(self.dataset), size=BATCH)]
        images, labels = zip(*rows, strict=True)
        return np.stack(images), np.stack(labels)

    def row(self, index: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
        image = np.ascontiguousarray(self.dataset.read_image(index)[..., ::-1])
        results = {"img": image, "gt_seg_map": self.dataset.read_label(index), "img_shape": image.shape[:2]}
        results = self.resize(results)
        part = plain_crop(results["gt_seg_map"], self.config, rng)
        results["img"], results["gt_seg_map"] = results["img"][part], results["gt_seg_map"][part]
        results["img_shape"] = results["img"].shape[:2]
        results = self.flip(results)
        results["img"] = plain_colour(results["img"], rng)
        results = self.pad(self.normalise(results))
        image = np.ascontiguousarray(results["img"].transpose(2, 0, 1))
        return image, results["gt_seg_map"].astype(np.int32)


def plain_crop(label: np.ndarray, config: InputConfig, rng: np.random.Generator) -> tuple[slice, slice]:
    """One part after another, at most ten of them judged."""
    height, width = config.crop
    for _ in range(11):
        top = rng.integers(max(label.shape[0] - height, 0) + 1)
        left = rng.integers(max(label.shape[1] - width, 0) + 1)
        part = slice(top, top + height), slice(left, left + width)
        values, counts = np.unique(label[part], return_counts=True)
        counts = counts[values != IGNORE]
        if len(counts) > 1 and counts.max() / counts.sum() < config.max_class_share:
            break
    return part


def plain_colour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """One change after another over the whole BGR picture, in single precision."""

    def scaled(values: np.ndarray, factor: float = 1.0, offset: float = 0.0) -> np.ndarray:
        return np.clip(values.astype(np.float32) * factor + offset, 0, 255).astype(np.uint8)

    image = np.ascontiguousarray(image)
    contrast_last = rng.random() < 0.5
    if rng.random() < 0.5:
        image = scaled(image, offset=rng.uniform(-32, 32))
    contrast = rng.uniform(0.5, 1.5) if rng.random() < 0.5 else None
    if contrast is not None and not contrast_last:
        image = scaled(image, contrast)
    if rng.random() < 0.5:
        hsv = mmcv.bgr2hsv(image)
        hsv[..., 1] = scaled(hsv[..., 1], rng.uniform(0.5, 1.5))
        image = mmcv.hsv2bgr(hsv)
    if rng.random() < 0.5:
        hsv = mmcv.bgr2hsv(image)
        hsv[..., 0] = (hsv[..., 0].astype(int) + rng.integers(-18, 19)) % 180
        image = mmcv.hsv2bgr(hsv)
    return scaled(image, contrast) if contrast is not None and contrast_last else image


def made_pictures(folder: Path, size: Size, count: int = 8) -> SegmentationDataset:
    """Blurred noise, with blocks of classes and of ignored pixels for labels."""
    rng, samples = np.random.default_rng(0), []
    height, width = size
    for number in range(count):
        sample = SegmentationSample(folder / f"{number}.png", folder / f"{number}_mask.png", str(number))
        noise = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 3)
        cv2.imwrite(str(sample.image), cv2.convertScaleAbs(noise, alpha=4, beta=-380))
        blocks = rng.integers(0, 20, (8, 16), np.uint8)
        blocks[blocks == 19] = IGNORE
        label = cv2.resize(blocks, (width, height), interpolation=cv2.INTER_NEAREST)
        cv2.imwrite(str(sample.mask), label)
        samples.append(sample)
    classes = tuple(f"class {number}" for number in range(19))
    return SegmentationDataset(tuple(samples), classes, np.zeros((19, 3), np.uint8), folder)


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


STAGES = {
    "resize": (augment, ("resize_image", "resize_label")),
    "crop": (augment, ("random_crop",)),
    "flip": (augment, ("flip",)),
    "colour": (pipeline, ("change_with_levels",)),
    "normalise": (augment, ("normalise",)),
}


@contextmanager
def stopwatches() -> Iterator[dict[str, float]]:
    """CPU seconds of this thread in every stage of ours, whose functions are wrapped meanwhile."""
    seconds: dict[str, float] = defaultdict(float)
    originals = [(home, name, getattr(home, name)) for home, names in STAGES.values() for name in names]
    stage_of = {name: stage for stage, (_, names) in STAGES.items() for name in names}

    def timed(function: Callable[..., object], stage: str) -> Callable[..., object]:
        def call(*arguments: object, **options: object) -> object:
            begin = time.thread_time()
            result = function(*arguments, **options)
            seconds[stage] += time.thread_time() - begin
            return result

        return call

    for home, name, function in originals:
        setattr(home, name, timed(function, stage_of[name]))
    try:
        yield seconds
    finally:
        for home, name, function in originals:
            setattr(home, name, function)


def stage_times(batches: TrainingBatches, steps: int) -> dict[str, float]:
    """CPU ms a picture by stage, on this thread alone."""
    with stopwatches() as seconds:
        begin = time.thread_time()
        for step in range(steps):
            batches[step]
        whole = time.thread_time() - begin
    each = {stage: seconds[stage] / (steps * BATCH) * 1e3 for stage in STAGES}
    return {"read, rest": whole / (steps * BATCH) * 1e3 - sum(each.values()), **each}


def compare(
    name: str, dataset: SegmentationDataset, size: Size, arguments: argparse.Namespace
) -> dict[str, object]:
    """Measure and print one case."""
    config = InputConfig(crop=(1024, 1024) if size[0] >= 1024 else (360, 480))
    order = BatchOrder(len(dataset), batch_size=BATCH, epochs=1, iterations=10**6, seed=1)
    ours = TrainingBatches(dataset, config, order, seed=1)
    pipelines: dict[str, Batches] = {"ours": ours.__getitem__, "plain": PlainBatches(dataset, config, size)}
    rates = measure(pipelines, arguments.rounds, arguments.batches, arguments.threads)
    stages = stage_times(ours, arguments.rounds * arguments.batches)
    print(
        f"{name}, {len(dataset)} pictures {size[0]}x{size[1]}, crop {config.crop}, {arguments.threads} threads"
    )
    print(f"  {'':<6}{'images/s by the clock':>22}{'by CPU time':>13}{'CPU ms an image':>17}")
    for label, rate in rates.items():
        clock, by_cpu, each = rate.summary().values()
        print(f"  {label:<6}{clock:>22.1f}{by_cpu:>13.1f}{each:>17.2f}")
    ratio = rates["plain"].cpu / rates["ours"].cpu
    print(f"  ratio: {rates['plain'].wall / rates['ours'].wall:.2f} by the clock, {ratio:.2f} by CPU time")
    print("  ours, CPU ms: " + ", ".join(f"{stage} {ms:.2f}" for stage, ms in stages.items()), flush=True)
    return {
        "name": name,
        "size": size,
        "crop": config.crop,
        "pipelines": {label: rate.summary() for label, rate in rates.items()},
        "ratio_by_cpu": ratio,
        "stages": stages,
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path)
    parser.add_argument("--classes", nargs="*", help="of --data, where it does not name them itself")
    parser.add_argument("--ignore", type=int, default=IGNORE, help="mask value of --data that counts nowhere")
    parser.add_argument("--cases", nargs="*", default=["360x480", "1024x2048"])
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--batches", type=int, default=8, help="of each pipeline in a round")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    single_thread_opencv()
    results = []
    if arguments.data:
        names = tuple(arguments.classes) if arguments.classes else None
        config = SegmentationDataConfig(root=arguments.data, classes=names, ignore=arguments.ignore)
        dataset = open_split(config, "train")
        results.append(compare(arguments.data.name, dataset, dataset.read_label(0).shape, arguments))
    for case in arguments.cases:
        height, width = (int(side) for side in case.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            dataset = made_pictures(Path(folder), (height, width))
            results.append(compare("made pictures", dataset, (height, width), arguments))
    if arguments.json:
        report = {"threads": arguments.threads, "batch": BATCH, "results": results}
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
