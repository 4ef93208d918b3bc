"""Batches are a pure function of seed and step, and hold what the training network takes."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core.data.images import read_image
from ms_core.data.sample import DetectionDataset, Sample, read_file
from ms_core.errors import UserError
from ms_core.train.order import BatchOrder
from ms_defrcn import pipeline
from ms_defrcn.config import DeFRCNConfig, InputConfig, ProposalConfig
from ms_defrcn.pictures import normalise
from ms_defrcn.pipeline import TrainingBatches
from ms_defrcn.shapes import inference_shapes, training_shapes

INPUT = InputConfig(short_sides=(48, 64), test_short_side=64, max_side=96)
CONFIG = DeFRCNConfig(input=INPUT, proposals=ProposalConfig(train_after_nms=50))
STILL = replace(CONFIG, input=InputConfig(short_sides=(64,), test_short_side=64, max_side=96, flip=0.0))
EXACT = replace(CONFIG, input=replace(INPUT, shapes="exact"))
CELL, STRIDE = 3, 16
Written = Callable[..., DetectionDataset]


@pytest.fixture
def written(tmp_path: Path) -> Written:
    """A data set of pictures with the given (height, width), each with one box more than the one before."""

    def write(*sizes: tuple[int, int]) -> DetectionDataset:
        samples = tuple(sample(tmp_path, number, size) for number, size in enumerate(sizes))
        return DetectionDataset(("cat", "dog", "bird"), (1, 2, 3), samples, tmp_path, "coco")

    return write


def sample(folder: Path, number: int, size: tuple[int, int]) -> Sample:
    """A picture in whose boxes, and nowhere else, the red channel is 255."""
    rng = np.random.default_rng(number)
    height, width = size
    image = rng.integers(0, 100, (height, width, 3), np.uint8)
    corners = rng.integers(0, (height - 8, width - 8), (number + 1, 2))
    boxes = np.concatenate((corners[:, ::-1], corners[:, ::-1] + 8), axis=1)
    for x0, y0, x1, y1 in boxes:
        image[y0:y1, x0:x1, 0] = 255
    path = folder / f"{number}.png"
    cv2.imwrite(str(path), image[..., ::-1])
    none = np.zeros(len(boxes), bool)
    labels = (np.arange(len(boxes)) % 3).astype(np.int32)
    areas = np.full(len(boxes), 64, np.float32)
    return Sample(number + 1, path, width, height, boxes.astype(np.float32), labels, none, none, areas)


@pytest.fixture
def mixed(written: Written) -> DetectionDataset:
    """Five lying pictures and four standing ones."""
    return written(*[(60, 80), (80, 60)] * 4, (50, 100))


def batches(dataset: DetectionDataset, config: DeFRCNConfig = CONFIG, **options: int) -> TrainingBatches:
    settings = {"batch_size": 2, "epochs": 3, "seed": 1, **options}
    return TrainingBatches(dataset, config, BatchOrder(len(dataset), **settings), CELL, STRIDE)


def test_a_batch_is_what_the_training_network_takes(mixed: DetectionDataset) -> None:
    source = batches(mixed)
    images, sizes, boxes, classes, anchor_keys, region_keys = source[0]
    assert (source.slots, source.candidates) == (16, 66)  # at most 9 boxes
    assert images.shape[2:] in training_shapes(INPUT)
    anchors = images.shape[2] // 16 * images.shape[3] // 16 * CELL
    expected = [
        ((2, 3, *images.shape[2:]), np.float32),
        ((2, 2), np.float32),
        ((2, 16, 4), np.float32),
        ((2, 16), np.int32),
        ((2, anchors), np.float32),
        ((2, 66), np.float32),
    ]
    assert [(array.shape, array.dtype) for array in source[0]] == expected
    assert (sizes <= images.shape[2:]).all()
    for row in range(2):
        np.testing.assert_array_equal(np.sort(anchor_keys[row]), np.arange(anchors))
        np.testing.assert_array_equal(np.sort(region_keys[row]), np.arange(66))
    assert (anchor_keys[0] != anchor_keys[1]).any()
    filled = classes >= 0
    assert filled.sum(axis=1).tolist() == [int(Path(name).stem) + 1 for name in source.names(0)]
    assert set(classes[~filled].tolist()) == {-1}
    assert not boxes[~filled].any()


def test_a_step_gives_the_same_batch_whenever_and_by_whom_it_is_asked_for(mixed: DetectionDataset) -> None:
    first, second = batches(mixed), batches(mixed)
    one_by_one = [first[step] for step in range(len(first))]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(second.__getitem__, reversed(range(len(second)))))[::-1]
    for batch, again in zip(one_by_one, together, strict=True):
        for array, array_again in zip(batch, again, strict=True):
            np.testing.assert_array_equal(array, array_again)


def test_another_seed_epoch_or_position_draws_anew(written: Written) -> None:
    dataset = written((60, 80))
    dataset = replace(dataset, samples=dataset.samples * 2)
    source, other = (batches(dataset, STILL, batch_size=1, seed=seed) for seed in (1, 2))
    keys = [source[step][4] for step in range(4)] + [other[step][4] for step in range(2)]
    for number, key in enumerate(keys):
        assert all((key != later).any() for later in keys[number + 1 :])


def test_short_sides_and_flips_are_drawn_and_nothing_else(written: Written) -> None:
    source = batches(written((60, 80)), EXACT, batch_size=1, epochs=40)
    image = read_image(source.samples[0].path)
    possible = {}
    for height, width in ((48, 64), (64, 85)):
        still = replace(CONFIG, input=InputConfig((height,), height, 96, flip=0.0, shapes="exact"))
        plain = pipeline.test_input(image, still)[0]
        possible |= {(width, False): plain, (width, True): plain[..., ::-1]}
    seen = set()
    for images, *_ in (source[step] for step in range(40)):
        same = [name for name, view in possible.items() if np.array_equal(view, images)]
        assert len(same) == 1
        seen.update(same)
    assert seen == set(possible)


def test_boxes_stay_on_their_objects(written: Written) -> None:
    """However a picture is resized and mirrored, red is brighter inside its boxes than anywhere else."""
    source = batches(written((60, 80), (80, 60), (50, 100)), batch_size=1, epochs=6)
    for step in range(len(source)):
        images, sizes, boxes, classes, *_ = source[step]
        height, width = sizes[0].astype(int)
        red = images[0, 2, :height, :width] + 123.675
        inside = np.zeros((height, width), bool)
        for x0, y0, x1, y1 in boxes[0][classes[0] >= 0]:
            assert 0 <= x0 < x1 <= width
            assert 0 <= y0 < y1 <= height
            inside[round(y0) : round(y1), round(x0) : round(x1)] = True
        assert np.median(red[inside]) > 240
        assert np.median(red[~inside]) < 100


def test_pictures_lie_top_left_and_the_rest_is_zero(mixed: DetectionDataset) -> None:
    source = batches(mixed, STILL)
    for step in range(source.steps_per_epoch):
        images, sizes, *_ = source[step]
        for image, (height, width), name in zip(images, sizes.astype(int), source.names(step), strict=True):
            assert not image[:, height:].any()
            assert not image[:, :, width:].any()
            expected = pipeline.test_input(read_image(Path(name)), STILL)[0][0, :, :height, :width]
            np.testing.assert_array_equal(image[:, :height, :width], expected)


def test_exact_pictures_take_the_largest_sides_of_the_batch(mixed: DetectionDataset) -> None:
    source = batches(mixed, EXACT)
    for step in range(len(source)):
        images, sizes, *_, anchor_keys, _ = source[step]
        assert images.shape[2:] == tuple(sizes.max(axis=0))
        rows, columns = (-(-int(side) // STRIDE) for side in images.shape[2:])
        assert anchor_keys.shape == (2, rows * columns * CELL)


def test_lying_pictures_share_batches_with_lying_ones(mixed: DetectionDataset) -> None:
    source = batches(mixed, epochs=4)
    for epoch in range(4):
        steps = range(epoch * source.steps_per_epoch, (epoch + 1) * source.steps_per_epoch)
        lying = [(source[step][1][:, 1] > source[step][1][:, 0]).mean() for step in steps]
        assert sum(share not in (0, 1) for share in lying) <= 1
        names = [name for step in steps for name in source.names(step)]
        assert len(set(names)) == 8


def test_boxes_of_crowds_are_no_objects(written: Written) -> None:
    dataset = written((60, 80), (60, 80))
    crowded = replace(dataset.samples[1], crowd=np.array([False, True]))
    source = batches(replace(dataset, samples=(dataset.samples[0], crowded)), batch_size=1)
    counts = {source.names(step)[0]: int((source[step][3] >= 0).sum()) for step in range(2)}
    assert set(counts.values()) == {1}


def test_a_broken_picture_is_named(written: Written) -> None:
    dataset = written((60, 80))
    dataset.samples[0].path.write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"0\.png: not an image"):
        batches(dataset, batch_size=1)[0]


def test_pictures_come_from_where_the_data_set_says(mixed: DetectionDataset) -> None:
    """A cache in place of files: no file is opened."""
    plain = batches(mixed)
    expected = [plain[step] for step in range(3)]
    kept = {s.id: read_file(s) for s in mixed.samples}
    for path in {s.path for s in mixed.samples}:
        path.unlink()
    cached = batches(replace(mixed, encoded=lambda sample: kept[sample.id]))
    for step in range(3):
        for array, array_expected in zip(cached[step], expected[step], strict=True):
            np.testing.assert_array_equal(array, array_expected)


@pytest.mark.parametrize(
    ("size", "fitted", "shape"),
    [((60, 80), (64, 85), (64, 96)), ((80, 60), (85, 64), (96, 64)), ((300, 10), (96, 3), (96, 64))],
)
def test_the_input_of_evaluation(size, fitted, shape) -> None:
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    images, sizes, scale = pipeline.test_input(image, CONFIG)
    assert images.shape == (1, 3, *shape)
    assert shape in inference_shapes(INPUT)
    np.testing.assert_array_equal(sizes, np.float32([fitted]))
    height, width = fitted
    assert scale == pytest.approx((width / size[1], height / size[0]))
    exact = pipeline.test_input(image, EXACT)[0]
    np.testing.assert_array_equal(images[:, :, :height, :width], exact)
    assert not images[:, :, height:].any()
    assert not images[..., width:].any()


def test_a_picture_of_the_right_size_is_only_normalised() -> None:
    image = np.random.default_rng(0).integers(0, 256, (64, 80, 3), np.uint8)
    images, _, scale = pipeline.test_input(image, EXACT)
    np.testing.assert_array_equal(images[0], normalise(image))
    assert scale == (1, 1)
