"""Evaluation of a network on a data set: streaming, with bounded memory, on one process or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from ms_core.device import Runtime, gather, shard
from ms_core.errors import UserError
from ms_core.evaluation.semantic import SemanticEvaluator, SemanticMetrics, confusion_matrix
from ms_core.segmentation.sample import SegmentationDataset, SegmentationSample

from ms_segformer.config import EvalConfig
from ms_segformer.streaming import segment_all

if TYPE_CHECKING:  # both import mmcv, which takes a second or more
    from ms_segformer.picture_segmenter import PictureSegmenter, PreparedPicture, SeenPicture


@dataclass(frozen=True, eq=False)
class EvaluatedImage:
    """One image that was compared with its label."""

    index: int
    """Place in the data set."""
    sample: SegmentationSample
    prediction: np.ndarray
    """uint8 [H, W], class indices."""
    confusion: np.ndarray
    """int64 [K, K] of this image alone, rows truth, columns prediction."""


def evaluate(
    segmenter: PictureSegmenter,
    dataset: SegmentationDataset,
    config: EvalConfig,
    *,
    workers: int = 2,
    track: Callable[[Iterable[EvaluatedImage], int], Iterable[EvaluatedImage]] = lambda images, total: images,
    keep: Callable[[EvaluatedImage], None] = lambda image: None,
    runtime: Runtime | None = None,
) -> SemanticMetrics:
    """mIoU and accuracies of `segmenter` on `dataset`.

    Pictures are read, and maps made and compared, on threads, while this one computes the network.

    Args:
        track: passes on what it is given, e.g. to show progress; its second argument is the number of images.
        keep: called with every image, in order.
        runtime: of several processes that all call this; each takes its share and all get the metrics of the whole.

    Raises:
        UserError: no images, a damaged or missing picture or label, or a setting that does not fit.
    """
    if config.labels == "resized" and segmenter.settings.size is None:
        raise UserError("eval.labels: resized shrinks labels to inference.size, which is not set. Set it.")
    indices = range(len(dataset)) if runtime is None else shard(range(len(dataset)), runtime)
    evaluator = SemanticEvaluator(dataset.classes)
    for image in track(_evaluated(segmenter, dataset, indices, config.labels, workers), len(indices)):
        evaluator.add(image.confusion)
        keep(image)
    return _of_all_ranks(evaluator, runtime).compute()


def _evaluated(
    segmenter: PictureSegmenter,
    dataset: SegmentationDataset,
    indices: Iterable[int],
    labels: str,
    workers: int,
) -> Iterator[EvaluatedImage]:
    """Every image, in order."""

    def read(index: int) -> tuple[tuple[int, np.ndarray], PreparedPicture]:
        picture = segmenter.prepare(dataset.read_image(index), str(dataset.samples[index].image))
        label = dataset.read_label(index)
        return (index, label if labels == "full" else _shrunk(label, picture.fitted)), picture

    def compare(state: tuple[int, np.ndarray], picture: SeenPicture) -> EvaluatedImage:
        index, label = state
        prediction, sample = picture.classes((label.shape[0], label.shape[1])), dataset.samples[index]
        try:
            confusion = confusion_matrix(prediction, label, len(dataset.classes))
        except ValueError as error:
            raise UserError(f"{sample.mask}: {error} Use data and a network of the same classes.") from error
        return EvaluatedImage(index, sample, prediction, confusion)

    return segment_all(segmenter, indices, read, compare, workers=workers)


def evaluated_pair(
    dataset: SegmentationDataset, index: int, size: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """A picture, uint8 [H, W, 3] RGB, and its label at the size (height, width) of its evaluated map, uint8 [h, w]."""
    image, label = dataset.read_image(index), dataset.read_label(index)
    return image, label if label.shape == size else _shrunk(label, size)


def _shrunk(label: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The label at `size`, by nearest neighbours."""
    from ms_segformer.augment import resize_label

    return resize_label(label, size)


def _of_all_ranks(evaluator: SemanticEvaluator, runtime: Runtime | None) -> SemanticEvaluator:
    """The sum over all ranks. `device.all_sum` adds in float32, which is not exact for counts of pixels."""
    if runtime is None or runtime.world_size == 1:
        return evaluator
    total = SemanticEvaluator(evaluator.classes)
    for confusion, images in gather((evaluator.confusion.tolist(), evaluator.images), runtime):
        total.add(np.array(confusion, np.int64), images)
    return total
