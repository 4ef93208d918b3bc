"""One rank of two, started by msrun: evaluates its share of the pictures in FOLDER, writes FOLDER/rank-N.json."""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
from ms_core import device
from ms_core.device import Runtime
from ms_core.segmentation.sample import SegmentationDataset, SegmentationSample
from ms_segformer.config import EvalConfig, InferenceConfig
from ms_segformer.evaluate import evaluate
from ms_segformer.picture_segmenter import PictureSegmenter

CLASSES = ("road", "grass", "sky")


def forward(images: np.ndarray) -> np.ndarray:
    """In place of a network: class k where channel k is the brightest, at a quarter of the size."""
    return images[:, :, ::4, ::4]


def dataset_of(folder: Path) -> SegmentationDataset:
    """The pictures N.png with their masks N_mask.png."""
    samples = tuple(
        SegmentationSample(mask.with_name(f"{number}.png"), mask, number)
        for mask in sorted(folder.glob("*_mask.png"))
        for number in [mask.stem.removesuffix("_mask")]
    )
    return SegmentationDataset(samples, CLASSES, np.zeros((3, 3), np.uint8), folder)


def evaluation(dataset: SegmentationDataset, runtime: Runtime | None = None) -> dict[str, Any]:
    """The metrics, and which pictures this process looked at; JSON values only."""
    seen: list[int] = []
    metrics = evaluate(
        PictureSegmenter(forward, InferenceConfig()),
        dataset,
        EvalConfig(),
        keep=lambda image: seen.append(image.index),
        runtime=runtime,
    )
    return {"seen": seen, "confusion": metrics.confusion.tolist(), **metrics.to_json()}


def main() -> None:
    folder = Path(sys.argv[1])
    runtime = device.start("cpu")
    dataset = dataset_of(folder)
    one = SegmentationDataset(dataset.samples[:1], CLASSES, dataset.palette, folder)
    found = {"five": evaluation(dataset, runtime), "one": evaluation(one, runtime)}
    (folder / f"rank-{runtime.rank}.json").write_text(json.dumps(found), encoding="utf-8")
    device.barrier(runtime)  # msrun ends all when one has ended


if __name__ == "__main__":
    main()
