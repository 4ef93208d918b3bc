"""Training and evaluation see the same from a cache as from files, to the last bit and from any thread."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ms_core.data import record_build
from ms_core.data.config import DetectionDataConfig
from ms_core.data.open import open_split
from ms_core.data.record_cache import open_cached_split
from ms_core.data.synthetic import make_shapes
from ms_core.detection.anchors import scale_aspect_anchors
from ms_core.detection.detections import Detections
from ms_core.read_ahead import read_ahead
from ms_core.single_shot.config import EvalConfig, InferenceConfig, InputConfig, SingleShotConfig
from ms_core.single_shot.evaluate import evaluate
from ms_core.single_shot.pipeline import Target, TrainingBatches, training_samples
from ms_core.single_shot.train import open_splits
from ms_core.train.order import BatchOrder
from record_sets import write_here

ANCHORS = scale_aspect_anchors(
    300, (19, 10, 5, 3, 2, 1), (16, 32, 64, 100, 150, 300), ((), (2, 3), (2, 3), (2, 3), (2, 3), (2, 3))
)
TARGET = Target(ANCHORS, (300, 300), (0.1, 0.2))


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> DetectionDataConfig:
    root = tmp_path_factory.mktemp("cached")
    shapes = make_shapes(root / "shapes", train=12, val=3, seed=3)
    return DetectionDataConfig(train=str(shapes.train), val=str(shapes.val), cache=str(root / "cache"))


@pytest.fixture(scope="module")
def alone(config: DetectionDataConfig) -> DetectionDataConfig:
    """The same data where only the cache is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(record_build, "write_shards", write_here)
        open_cached_split(config, "val", open_cached_split(config, "train").classes)
    return replace(config, train=None, val=None)


def batches(dataset) -> TrainingBatches:
    samples = training_samples(dataset, InputConfig())
    return TrainingBatches(
        samples,
        TARGET,
        InputConfig(),
        BatchOrder(len(samples), batch_size=3, epochs=2, seed=5),
        dataset.encoded,
    )


def test_batches_are_equal_in_any_order_and_on_threads(config, alone) -> None:
    files = batches(open_split(config, "train"))
    cached = batches(open_cached_split(alone, "train"))
    steps = [5, 0, 7, 2, 2, 6, 1]
    for step, batch in zip(steps, read_ahead(steps, cached.__getitem__, workers=4), strict=True):
        for expected, got in zip(files[step], batch, strict=True):
            np.testing.assert_array_equal(expected, got, strict=True)
    assert [Path(name).name for name in files.names(3)] == [Path(name).name for name in cached.names(3)]


def test_a_run_opens_both_splits_from_the_cache_alone(alone) -> None:
    splits = open_splits(SingleShotConfig(data=alone))
    assert len(splits.train) == 12
    assert splits.val is not None
    assert len(splits.val) == 3
    assert splits.val.classes == splits.train.classes


class Looker:
    """Stands for a detector: finds one box whose place depends on every pixel."""

    batch_size = 2
    looks = InferenceConfig()

    def prepare(self, image: np.ndarray) -> np.ndarray:
        return image

    def stream(self, images: Iterable[np.ndarray]) -> Iterator[Detections]:
        return map(self._look, images)

    def _look(self, image: np.ndarray) -> Detections:
        x, y = image.mean(axis=(0, 2)).argmin(), image.mean(axis=(1, 2)).argmin()
        box = np.array([[x, y, x + 30, y + 30]], np.float32)
        return Detections(box, np.array([image.mean() / 255], np.float32), np.zeros(1, np.int32))


def test_evaluation_reads_the_cache(config, alone) -> None:
    found = []
    for dataset in (open_split(config, "val"), open_cached_split(alone, "val")):
        seen: list[tuple] = []
        evaluate(
            Looker(),  # type: ignore[arg-type]
            dataset,
            EvalConfig(),
            keep=lambda sample, d, seen=seen: seen.append((sample.id, d.boxes.tolist(), d.scores.tolist())),
        )
        found.append(seen)
    assert found[0] == found[1]
    assert len(found[0]) == 3
