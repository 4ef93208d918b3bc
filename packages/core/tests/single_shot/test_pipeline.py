"""Batches are a pure function of seed and step, and what the network sees fits the boxes it is told."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ms_core.data.open import open_dataset
from ms_core.data.synthetic import make_shapes
from ms_core.detection.anchors import scale_aspect_anchors
from ms_core.detection.coding import decode_boxes
from ms_core.errors import UserError
from ms_core.single_shot.config import InputConfig
from ms_core.single_shot.pipeline import Target, TrainingBatches, augmented, training_samples
from ms_core.train.order import BatchOrder

ANCHORS = scale_aspect_anchors(
    300, (19, 10, 5, 3, 2, 1), (16, 32, 64, 100, 150, 300), ((), (2, 3), (2, 3), (2, 3), (2, 3), (2, 3))
)
TARGET = Target(ANCHORS, (300, 300), (0.1, 0.2))
PLAIN = InputConfig(iou_crop=False, flip=0.0, colour_jitter=0.0)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory):
    return open_dataset(make_shapes(tmp_path_factory.mktemp("shapes"), train=10, val=2, seed=3).train)


def batches(dataset, **options):
    settings = {"batch_size": 2, "epochs": 2, "seed": 1, **options}
    samples = training_samples(dataset, PLAIN)
    return TrainingBatches(samples, TARGET, InputConfig(), BatchOrder(len(samples), **settings))


def test_a_step_gives_the_same_batch_whenever_it_is_asked_for(dataset):
    first, second = batches(dataset), batches(dataset)
    first[0], first[3]  # another history
    for a, b in zip(first[7], second[7], strict=True):
        np.testing.assert_array_equal(a, b)


def test_an_epoch_shows_every_image_once_and_the_next_in_another_order(dataset):
    source = batches(dataset)
    epochs = [
        [name for step in range(epoch * 5, epoch * 5 + 5) for name in source.names(step)] for epoch in (0, 1)
    ]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(str(s.path) for s in dataset.samples)
    assert epochs[0] != epochs[1]


def test_ranks_share_an_epoch_without_overlap(dataset):
    ranks = [batches(dataset, rank=rank, world_size=2) for rank in (0, 1)]
    names = [
        name for source in ranks for step in range(source.steps_per_epoch) for name in source.names(step)
    ]
    assert (
        len(names) == len(set(names)) == 8
    )  # 10 images, 2 devices x 2 images, the rest waits for another epoch


def test_another_seed_gives_other_batches(dataset):
    assert batches(dataset, seed=1).names(0) + batches(dataset).names(1) != (
        batches(dataset, seed=2).names(0) + batches(dataset, seed=2).names(1)
    )


def test_targets_decode_to_the_boxes_of_the_picture(dataset):
    source = TrainingBatches(
        dataset.samples[:1], TARGET, PLAIN, BatchOrder(1, batch_size=1, epochs=1, seed=1)
    )
    _, deltas, labels, matched = source[0]
    positive = np.flatnonzero(labels[0])
    decoded = decode_boxes(deltas[0][positive], ANCHORS.xywh[positive], TARGET.prior_scaling)
    sample = dataset.samples[0]
    expected = sample.boxes[:, [1, 0, 3, 2]] / np.array([sample.height, sample.width] * 2)
    assert matched[0] == len(positive) > 0
    for box, label in zip(decoded, labels[0][positive], strict=True):
        distances = np.abs(expected - box).max(axis=1)
        assert distances.min() < 1e-5
        assert sample.labels[distances.argmin()] == label - 1  # background is class 0 of the network


def test_boxes_follow_the_flip(dataset):
    sample = dataset.samples[0]
    rng = np.random.default_rng(0)
    _, boxes, _ = augmented(sample, (300, 300), PLAIN, rng)
    _, flipped, _ = augmented(sample, (300, 300), replace(PLAIN, flip=1.0), rng)
    np.testing.assert_allclose(flipped[:, [0, 2]], 300 - boxes[:, [2, 0]], atol=1e-4)


def test_crowd_boxes_and_empty_images_are_left_out_unless_asked_for(dataset):
    crowd = replace(dataset.samples[0], crowd=np.ones(len(dataset.samples[0].labels), bool))
    changed = replace(dataset, samples=(crowd, *dataset.samples[1:]))
    assert len(training_samples(changed, PLAIN)) == 9
    assert len(training_samples(changed, replace(PLAIN, empty_images=True))) == 10
    assert len(training_samples(changed, replace(PLAIN, crowd_boxes=True))[0].boxes) == len(crowd.boxes)


def test_nothing_to_train_on_is_said(dataset):
    nothing = replace(dataset, samples=(), source=Path("train.json"))
    with pytest.raises(UserError, match=r"train\.json: no image has a box"):
        training_samples(nothing, PLAIN)


def test_fewer_images_than_a_batch_for_every_device_are_refused(dataset):
    with pytest.raises(UserError, match="10 training images are fewer than devices x batch = 2 x 8"):
        batches(dataset, batch_size=8, world_size=2)
