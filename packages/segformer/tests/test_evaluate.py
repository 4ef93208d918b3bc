"""Streaming evaluation against a plain loop; ranks; labels at another size; what is refused."""

import json
from collections.abc import Iterable
from pathlib import Path

import cv2
import ms_segformer.evaluate
import numpy as np
import pytest
from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.segmentation.sample import SegmentationDataset, SegmentationSample
from ms_segformer.config import EvalConfig, InferenceConfig
from ms_segformer.evaluate import EvaluatedImage, evaluate, evaluated_pair
from ms_segformer.picture_segmenter import PictureSegmenter

from .two_ranks import run_two_ranks
from .two_ranks_evaluation_run import CLASSES, dataset_of, evaluation, forward

FULL, RESIZED = EvalConfig(), EvalConfig(labels="resized")


def write_sample(folder: Path, number: int, size: tuple[int, int]) -> SegmentationSample:
    """A picture whose brightest channel is mostly its class, and a mask with a tenth of ignored pixels."""
    rng = np.random.default_rng(number)
    small = rng.integers(0, 3, (-(-size[0] // 16), -(-size[1] // 16))).astype(np.uint8)
    label = small.repeat(16, 0).repeat(16, 1)[: size[0], : size[1]]
    image = (rng.integers(0, 120, (*size, 3)) + 100 * np.eye(3)[label]).astype(np.uint8)
    label = np.where(rng.random(size) < 0.1, 255, label).astype(np.uint8)
    paths = folder / f"{number}.png", folder / f"{number}_mask.png"
    cv2.imwrite(str(paths[0]), image[..., ::-1])
    cv2.imwrite(str(paths[1]), label)
    return SegmentationSample(*paths, name=str(number))


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> SegmentationDataset:
    """Five pictures of several sizes."""
    folder = tmp_path_factory.mktemp("data")
    sizes = [(64, 96), (65, 97), (64, 96), (96, 64), (33, 120)]
    for number, size in enumerate(sizes):
        write_sample(folder, number, size)
    return dataset_of(folder)


def confusion_of(predictions: Iterable[np.ndarray], labels: Iterable[np.ndarray]) -> np.ndarray:
    confusion = np.zeros((3, 3), np.int64)
    for prediction, label in zip(predictions, labels, strict=True):
        valid = label != 255
        np.add.at(confusion, (label[valid], prediction[valid]), 1)
    return confusion


def test_streaming_gives_what_a_plain_loop_gives_in_order(dataset: SegmentationDataset):
    segmenter = PictureSegmenter(forward, InferenceConfig())
    predictions = [segmenter.segment(dataset.read_image(i)) for i in range(5)]
    labels = [dataset.read_label(i) for i in range(5)]
    kept: list[EvaluatedImage] = []
    totals: list[int] = []

    def track(images: Iterable[EvaluatedImage], total: int) -> Iterable[EvaluatedImage]:
        totals.append(total)
        return images

    metrics = evaluate(segmenter, dataset, FULL, workers=3, track=track, keep=kept.append)
    np.testing.assert_array_equal(metrics.confusion, confusion_of(predictions, labels))
    assert (metrics.images, totals, metrics.classes) == (5, [5], CLASSES)
    assert 0.4 < metrics.miou < 0.99
    assert [image.index for image in kept] == [0, 1, 2, 3, 4]
    for image, prediction, label in zip(kept, predictions, labels, strict=True):
        np.testing.assert_array_equal(image.prediction, prediction)
        np.testing.assert_array_equal(image.confusion, confusion_of([prediction], [label]))
    np.testing.assert_array_equal(evaluated_pair(dataset, 1, (65, 97))[1], labels[1])


def test_several_looks_stream_as_well(dataset: SegmentationDataset):
    segmenter = PictureSegmenter(forward, InferenceConfig(scales=(1.0, 1.5), flip=True))
    predictions = [segmenter.segment(dataset.read_image(i)) for i in range(5)]
    metrics = evaluate(segmenter, dataset, FULL)
    np.testing.assert_array_equal(
        metrics.confusion, confusion_of(predictions, [dataset.read_label(i) for i in range(5)])
    )


def test_old_numbers_compare_at_the_size_of_the_network(dataset: SegmentationDataset):
    """As the old zoo: both maps at `inference.size`; every other row and column of the label at half the size."""
    segmenter = PictureSegmenter(forward, InferenceConfig(size=(32, 48)))
    kept: list[EvaluatedImage] = []
    even = SegmentationDataset(dataset.samples[0:1], CLASSES, dataset.palette, dataset.source)
    metrics = evaluate(segmenter, even, RESIZED, keep=kept.append)
    label = even.read_label(0)[::2, ::2]
    small = segmenter.look(segmenter.prepare(even.read_image(0))).classes((32, 48))
    np.testing.assert_array_equal(kept[0].prediction, small)
    np.testing.assert_array_equal(metrics.confusion, confusion_of([small], [label]))
    np.testing.assert_array_equal(evaluated_pair(even, 0, (32, 48))[1], label)


def test_old_numbers_need_a_size(dataset: SegmentationDataset):
    with pytest.raises(UserError, match=r"eval.labels: resized .* inference.size"):
        evaluate(PictureSegmenter(forward, InferenceConfig()), dataset, RESIZED)


def test_ranks_share_the_pictures_and_get_the_metrics_of_all(
    dataset: SegmentationDataset, monkeypatch: pytest.MonkeyPatch
):
    segmenter = PictureSegmenter(forward, InferenceConfig())
    whole = evaluate(segmenter, dataset, FULL)
    told: list[str] = []

    def gather(value: object, runtime: Runtime) -> list:
        """The other rank's value is the one it gave before; through JSON, for plain values alone are exchanged."""
        told.append(json.dumps(value))
        return [json.loads(text) for text in told]

    monkeypatch.setattr(ms_segformer.evaluate, "gather", gather)
    seen: list[int] = []
    for rank in (0, 1):
        metrics = evaluate(
            segmenter,
            dataset,
            FULL,
            runtime=Runtime("CPU", 0, rank, 2),
            keep=lambda image: seen.append(image.index),
        )
    assert seen == [0, 2, 4, 1, 3]
    assert metrics.images == 5
    np.testing.assert_array_equal(metrics.confusion, whole.confusion)


def test_two_processes_get_the_metrics_of_one(dataset: SegmentationDataset):
    """The second one has fewer pictures than the first, and of a single picture none."""
    run_two_ranks("two_ranks_evaluation_run.py", dataset.source)
    ranks = [json.loads((dataset.source / f"rank-{rank}.json").read_text()) for rank in (0, 1)]
    single = SegmentationDataset(dataset.samples[:1], CLASSES, dataset.palette, dataset.source)
    for name, data, shares in (("five", dataset, ([0, 2, 4], [1, 3])), ("one", single, ([0], []))):
        alone = evaluation(data)
        assert alone.pop("seen") == sorted(shares[0] + shares[1])
        assert tuple(rank[name].pop("seen") for rank in ranks) == shares
        assert ranks[0][name] == ranks[1][name] == alone


def faulty(folder: Path, size: tuple[int, int], value: int) -> SegmentationDataset:
    sample = write_sample(folder, 0, size)
    mask = cv2.imread(str(sample.mask), cv2.IMREAD_GRAYSCALE)
    mask[0, :2] = value
    cv2.imwrite(str(sample.mask), mask)
    return SegmentationDataset((sample,), CLASSES, np.zeros((3, 3), np.uint8), folder)


def test_a_label_that_is_no_class_is_named_with_its_file(tmp_path: Path):
    data = faulty(tmp_path, (64, 64), 33)
    with pytest.raises(UserError, match=r"0_mask.png: .*33"):
        evaluate(PictureSegmenter(forward, InferenceConfig()), data, FULL)


def test_a_picture_too_small_is_named_with_its_file(tmp_path: Path):
    data = faulty(tmp_path, (16, 16), 1)
    with pytest.raises(UserError, match=r"0.png: is 16x16 pixels"):
        evaluate(PictureSegmenter(forward, InferenceConfig()), data, FULL)


def test_a_network_with_more_classes_than_the_data_is_refused(tmp_path: Path):
    data = faulty(tmp_path, (64, 64), 1)

    def fourth_class(images: np.ndarray) -> np.ndarray:
        return np.concatenate((forward(images), np.full_like(images[:, :1, ::4, ::4], 9)), axis=1)

    with pytest.raises(UserError, match=r"0_mask.png: the prediction holds 3"):
        evaluate(PictureSegmenter(fourth_class, InferenceConfig()), data, FULL)


def test_no_pictures_are_no_result(tmp_path: Path):
    empty = SegmentationDataset((), CLASSES, np.zeros((3, 3), np.uint8), tmp_path)
    with pytest.raises(UserError, match="no image was evaluated"):
        evaluate(PictureSegmenter(forward, InferenceConfig()), empty, FULL)
