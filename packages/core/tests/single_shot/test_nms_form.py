"""Detections selected in the graph against those selected on the host, box for box and in their order."""

from dataclasses import replace
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn
from ms_core.detection.anchors import scale_aspect_anchors
from ms_core.detection.boxes import relative_to_pixels
from ms_core.detection.detections import Detections
from ms_core.detection.nms import multiclass_nms
from ms_core.export.mindir import export_mindir
from ms_core.export.verify import verify_mindir
from ms_core.networks.heads import PerLevelHead
from ms_core.networks.inference import InferenceModel
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.single_shot.config import PostprocessConfig
from ms_core.single_shot.nms_form import DetectionSelection, NmsForm

SIDE = 64
"""Of input and picture: a power of two, so that pixels and parts of the picture round alike."""
Slots = tuple[np.ndarray, np.ndarray, np.ndarray]


def on_host(boxes: np.ndarray, scores: np.ndarray, config: PostprocessConfig) -> Detections:
    return multiclass_nms(
        relative_to_pixels(boxes, SIDE, SIDE),
        scores,
        min_score=config.min_score,
        iou_threshold=config.nms_threshold,
        max_per_class=config.max_per_class,
        max_detections=config.max_detections,
        plus_one=config.nms == "zoo",
        class_agnostic=config.class_agnostic,
    )


def in_graph(
    boxes: np.ndarray, scores: np.ndarray, config: PostprocessConfig, candidates: int = 1000
) -> Slots:
    select = DetectionSelection(*scores.shape, (SIDE, SIDE), config, candidates)
    found = select(Tensor(boxes), Tensor(scores))
    return found[0].asnumpy(), found[1].asnumpy(), found[2].asnumpy()


def check(slots: Slots, expected: Detections) -> None:
    boxes, scores, labels = slots
    full = labels >= 0
    np.testing.assert_array_equal(full, np.arange(len(labels)) < len(expected))
    np.testing.assert_array_equal(labels[full], expected.labels)
    np.testing.assert_array_equal(scores[full], expected.scores)
    np.testing.assert_array_equal(relative_to_pixels(boxes[full], SIDE, SIDE), expected.boxes)
    assert (labels[~full] == -1).all()
    assert not boxes[~full].any()
    assert not scores[~full].any()


def some_outputs(count: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Boxes on a grid of 1/16 and scores of eighths: many are equal, many overlaps lie at thresholds."""
    rng = np.random.default_rng(seed)
    corner, side = rng.integers(0, 12, (count, 2)), rng.integers(0, 5, (count, 2))
    boxes = np.concatenate((corner, corner + side), axis=1) / 16
    return boxes.astype(np.float32), (rng.integers(0, 9, (count, classes)) / 8).astype(np.float32)


CONFIGS = st.builds(
    PostprocessConfig,
    min_score=st.sampled_from([0.0, 0.125, 0.5, 1.0]),
    nms_threshold=st.sampled_from([0.0, 0.25, 0.5, 0.6]),
    nms=st.sampled_from(["standard", "zoo"]),
    class_agnostic=st.booleans(),
    max_per_class=st.integers(1, 30),
    max_detections=st.none() | st.integers(1, 60),
)


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 40), st.integers(1, 5), CONFIGS, st.integers(0, 1000))
def test_detections_are_those_of_the_host(
    count: int, classes: int, config: PostprocessConfig, seed: int
) -> None:
    boxes, scores = some_outputs(count, classes, seed)
    slots = in_graph(boxes, scores, config)
    check(slots, on_host(boxes, scores, config))
    pairs = count if config.class_agnostic else count * classes
    assert len(slots[2]) == min(config.max_detections or pairs, pairs)


def test_nothing_above_the_threshold_leaves_all_slots_empty() -> None:
    boxes, scores = some_outputs(30, 3, seed=0)
    check(in_graph(boxes, scores * 0.1, PostprocessConfig(min_score=0.5)), Detections.empty())
    check(in_graph(boxes, np.full_like(scores, np.nan), PostprocessConfig()), Detections.empty())


def test_more_candidates_than_are_looked_at_change_nothing_where_the_slots_are_filled() -> None:
    rng = np.random.default_rng(0)
    boxes, _ = some_outputs(200, 4, seed=1)
    scores = rng.uniform(0.2, 1, (200, 4)).astype(np.float32)
    config = PostprocessConfig(max_detections=20)
    check(in_graph(boxes, scores, config, candidates=300), on_host(boxes, scores, config))


def test_of_more_candidates_the_best_are_looked_at() -> None:
    rng = np.random.default_rng(0)
    boxes, _ = some_outputs(200, 4, seed=1)
    scores = rng.permutation(np.linspace(0.2, 1, 800)).reshape(200, 4).astype(np.float32)
    config = PostprocessConfig(max_per_class=10)
    seen = np.where(scores >= np.sort(scores, axis=None)[-100], scores, 0)
    check(in_graph(boxes, scores, config, candidates=100), on_host(boxes, seen, config))


class Tiny(SingleShotNetwork):
    """Two levels of a 64x64 picture, four classes, weights that find something everywhere."""

    def __init__(self) -> None:
        anchors = scale_aspect_anchors(SIDE, (8, 4), (8, 16), ((), (2, 3)))
        super().__init__(
            name="tiny",
            num_classes=5,
            input_size=(SIDE, SIDE),
            anchors=anchors,
            loss_alpha=0.75,
            loss_loc_reduce="sum",
            padding="same",
            variant="zoo",
            backbone_prefixes=(),
        )
        self.fine, self.coarse = nn.Conv2d(3, 8, 8, stride=8), nn.Conv2d(8, 8, 2, stride=2)
        self.multi_box = PerLevelHead((8, 8), (3, 6), num_classes=5)
        rng = np.random.default_rng(0)
        for parameter in self.get_parameters():
            scale = 0.6 / np.sqrt(np.prod(parameter.shape[1:]))
            parameter.set_data(Tensor(rng.standard_normal(parameter.shape) * scale, ms.float32))

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        fine = self.fine(images)
        return self.multi_box((fine, self.coarse(fine)))


@pytest.mark.parametrize("rule", ["standard", "zoo"])
def test_a_batch_is_selected_picture_by_picture_and_the_file_agrees(tmp_path: Path, rule: str) -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    network = Tiny().set_train(False)
    images = np.random.default_rng(1).standard_normal((2, 3, SIDE, SIDE)).astype(np.float32)
    config = replace(PostprocessConfig(), nms=rule, min_score=0.6, max_per_class=9, max_detections=30)
    form = NmsForm(network, config).set_train(False)
    slots = [output.asnumpy() for output in form(Tensor(images))]
    decoded = [output.asnumpy() for output in InferenceModel(network)(Tensor(images))]
    assert slots[0].shape == (2, 30, 4)
    for picture in range(2):
        expected = on_host(decoded[0][picture], decoded[1][picture, :, 1:], config)
        assert len(expected) == 30
        check((slots[0][picture], slots[1][picture], slots[2][picture]), expected)
    path = export_mindir(form, images.shape, tmp_path / "tiny.mindir")
    assert verify_mindir(path, form, images, new_process=True) == 0
