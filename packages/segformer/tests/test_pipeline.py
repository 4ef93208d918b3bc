"""Batches are a pure function of seed and step, and hold what the recipe says.

`golden/augmentation.npz` is described in test_augment.py.
"""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from ms_core.errors import UserError
from ms_core.segmentation.sample import SegmentationDataset, SegmentationSample
from ms_core.train.order import BatchOrder
from ms_segformer.augment import MEAN, STD
from ms_segformer.config import InputConfig
from ms_segformer.pipeline import TrainingBatches, network_input

IGNORE = 255
GOLDEN = Path(__file__).parent / "golden" / "augmentation.npz"
CONFIG = InputConfig(crop=(48, 64))
STILL = replace(CONFIG, scale=(1.0, 1.0), flip=0.0, photometric=False, max_class_share=1.0)
MakeSet = Callable[[list[tuple[np.ndarray, np.ndarray]]], SegmentationDataset]


@pytest.fixture
def written(tmp_path: Path) -> MakeSet:
    """A data set of the given (picture RGB, label) pairs, as PNG files."""

    def write(pairs: list[tuple[np.ndarray, np.ndarray]]) -> SegmentationDataset:
        samples = []
        for number, (image, label) in enumerate(pairs):
            sample = SegmentationSample(
                tmp_path / f"{number}.png", tmp_path / f"{number}_mask.png", str(number)
            )
            cv2.imwrite(str(sample.image), image[..., ::-1])
            cv2.imwrite(str(sample.mask), label)
            samples.append(sample)
        classes = tuple(f"class {number}" for number in range(19))
        return SegmentationDataset(tuple(samples), classes, np.zeros((19, 3), np.uint8), tmp_path)

    return write


def street(seed: int, height: int = 60, width: int = 80) -> tuple[np.ndarray, np.ndarray]:
    """Blurred noise, its classes the levels of green: uint8 [H, W, 3] and uint8 [H, W] of 0-18, a ninth ignored."""
    rng = np.random.default_rng(seed)
    image = cv2.GaussianBlur(rng.integers(0, 256, (height, width, 3), np.uint8), (0, 0), 1)
    label = image[..., 1] // 14
    label[: height // 3, : width // 3] = IGNORE
    return image, label


@pytest.fixture
def dataset(written: MakeSet) -> SegmentationDataset:
    return written([street(seed) for seed in range(7)])


def batches(dataset, config=CONFIG, seed=1, **options) -> TrainingBatches:
    settings = {"batch_size": 2, "epochs": 3, "seed": seed, **options}
    return TrainingBatches(dataset, config, BatchOrder(len(dataset), **settings), seed)


def test_a_batch_is_what_the_network_and_the_loss_take(dataset):
    source = batches(dataset)
    images, labels = source[0]
    assert (images.shape, images.dtype) == ((2, 3, 48, 64), np.float32)
    assert (labels.shape, labels.dtype) == ((2, 48, 64), np.int32)
    assert images.flags.c_contiguous
    assert labels.flags.c_contiguous
    assert (source.steps_per_epoch, len(source)) == (3, 9)
    assert len(source.names(0)) == 2
    assert set(source.names(0)) < {str(sample.image) for sample in dataset.samples}


def test_a_step_gives_the_same_batch_whenever_and_by_whom_it_is_asked_for(dataset):
    first, second = batches(dataset), batches(dataset)
    one_by_one = [first[step] for step in range(len(first))]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(second.__getitem__, reversed(range(len(second)))))[::-1]
    for (images, labels), (images_again, labels_again) in zip(one_by_one, together, strict=True):
        np.testing.assert_array_equal(images, images_again)
        np.testing.assert_array_equal(labels, labels_again)


def test_another_seed_epoch_or_sample_gives_another_view(written):
    dataset = written([street(0)] * 2)
    source = batches(dataset, batch_size=1)
    other = batches(dataset, batch_size=1, seed=2)
    views = [source[step][0] for step in range(4)] + [other[step][0] for step in range(2)]
    for number, view in enumerate(views):
        assert all((view != later).any() for later in views[number + 1 :])


def test_ranks_share_an_epoch_without_overlap(dataset):
    ranks = [batches(dataset, rank=rank, world_size=2) for rank in (0, 1)]
    names = [
        name for source in ranks for step in range(source.steps_per_epoch) for name in source.names(step)
    ]
    assert len(names) == len(set(names)) == 4


def test_fewer_images_than_a_batch_for_every_device_is_one_line_about_it(dataset):
    with pytest.raises(
        UserError, match=r"^7 training images are fewer than devices x batch = 4 x 2\. .*batch-size"
    ):
        batches(dataset, world_size=4)


def test_pictures_as_they_are_where_nothing_is_random(written):
    image, label = street(3, height=48, width=64)
    images, labels = batches(written([(image, label)]), STILL, batch_size=1)[0]
    np.testing.assert_array_equal(images[0], network_input(image))
    np.testing.assert_array_equal(labels[0], label)
    expected = (image - MEAN.astype(np.float64)) / STD
    np.testing.assert_allclose(images[0], expected.transpose(2, 0, 1), atol=1e-6)


def test_a_crop_larger_than_the_picture_is_padded_right_and_below(written):
    image, label = street(3, height=40, width=50)
    images, labels = batches(written([(image, label)]), STILL, batch_size=1)[0]
    np.testing.assert_array_equal(images[0, :, :40, :50], network_input(image))
    np.testing.assert_array_equal(labels[0, :40, :50], label)
    assert (images[0, :, 40:] == 0).all()
    assert (images[0, :, :, 50:] == 0).all()
    assert (labels[0, 40:] == IGNORE).all()
    assert (labels[0, :, 50:] == IGNORE).all()


def test_fitting_normalising_and_padding_are_the_old_ones_to_the_last_bit(written):
    golden = np.load(GOLDEN)
    config = replace(STILL, base_size=(64, 128), crop=(80, 160))
    images, labels = batches(written([(golden["img_bgr"][..., ::-1], golden["lab"])]), config, batch_size=1)[
        0
    ]
    expected = golden["pad_image"].transpose(2, 0, 1).copy()
    mistake = (expected[0] == 255) & (expected[1] == 0) & (expected[2] == 0)  # the old padding
    assert mistake.sum() == 80 * 160 - 61 * 128
    expected[0, mistake] = 0
    np.testing.assert_array_equal(images[0], expected)
    np.testing.assert_array_equal(labels[0], golden["pad_label"])


def test_picture_and_label_stay_together_through_resize_crop_and_flip(dataset):
    """The label is read off the picture, so that any step that moved one of them alone would show."""
    config = replace(CONFIG, photometric=False, flip=0.5)
    source = batches(dataset, config)
    agree = valid = 0
    for step in range(len(source)):
        images, labels = source[step]
        green = np.rint(images[:, 1] * STD[1] + MEAN[1]) // 14
        counted = labels != IGNORE
        agree += int((np.abs(green - labels) <= 1)[counted].sum())
        valid += int(counted.sum())
    assert valid > 10_000
    assert agree / valid > 0.9  # bilinear and nearest differ at edges
    mirrored = np.abs(green - labels[:, :, ::-1]) <= 1
    assert mirrored[labels[:, :, ::-1] != IGNORE].mean() < 0.8


def test_labels_hold_only_values_of_the_files(written):
    image, label = street(5)
    label = np.where(label > 9, 11, np.where(label > 6, 3, IGNORE)).astype(np.uint8)
    source = batches(written([(image, label)]), batch_size=1, epochs=12)
    found = {int(value) for step in range(12) for value in np.unique(source[step][1])}
    assert found == {3, 11, IGNORE}


def test_colours_change_only_where_asked_for(written):
    dataset = written([street(6, height=48, width=64)])
    still, changed = (
        batches(dataset, replace(STILL, photometric=on), batch_size=1, epochs=8) for on in (False, True)
    )
    assert all((still[step][0] == still[0][0]).all() for step in range(8))
    assert sum((changed[step][0] != still[0][0]).any() for step in range(8)) > 4
    assert all((changed[step][1] == still[0][1]).all() for step in range(8))


def test_flips_happen_always_or_never(written):
    image, label = street(7, height=48, width=64)
    dataset = written([(image, label)])
    always = batches(dataset, replace(STILL, flip=1.0), batch_size=1)
    for step in range(3):
        images, labels = always[step]
        np.testing.assert_array_equal(images[0], network_input(np.ascontiguousarray(image[:, ::-1])))
        np.testing.assert_array_equal(labels[0], label[:, ::-1])


def test_scale_bounds_are_kept_after_fitting_into_the_base_size(written):
    image = np.full((60, 80, 3), 200, np.uint8)
    config = replace(STILL, base_size=(30, 40), scale=(0.8, 1.2))
    source = batches(written([(image, np.zeros((60, 80), np.uint8))]), config, batch_size=1, epochs=40)
    heights = [int((source[step][1][0] == 0).any(axis=1).sum()) for step in range(40)]
    assert 24 <= min(heights) < 27
    assert 33 < max(heights) <= 36


def test_a_broken_label_is_named(dataset):
    samples = dataset.samples
    samples[0].mask.write_bytes(b"")
    source = batches(dataset)
    step = next(step for step in range(len(source)) if str(samples[0].image) in source.names(step))
    with pytest.raises(UserError, match=r"0_mask\.png"):
        source[step]


def test_settings_do_not_wait_for_mmcv():
    code = "import sys, ms_segformer, ms_segformer.config; sys.exit('mmcv' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
