"""Output forms of one detector give the same detections, through the same preprocessing as a trained network's."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from ms_core.detection.anchors import scale_aspect_anchors
from ms_core.detection.coding import encode_boxes
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.export.manifest import DetectionManifest, ImageInput, ModelFile, Postprocess, TensorSpec
from ms_core.infer.detections import RawDecoder, exported_detector
from ms_core.infer.runtimes import InferenceSession
from ms_core.single_shot.config import InferenceConfig, PostprocessConfig
from ms_core.single_shot.views import PictureDetector
from tiny_models import MEAN, SIZE, STD

ANCHORS = scale_aspect_anchors(30, [3, 1], [10, 20], [[2]] * 2).xywh
BATCH, CLASSES = 2, 3
RULE = PostprocessConfig(min_score=0.4, max_detections=12)
PICTURES = [np.random.default_rng(n).integers(0, 256, (25 + n, 40, 3), dtype=np.uint8) for n in range(3)]


def outputs_for(images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Boxes and scores that follow from what a network is shown, float32 [B, 3, H, W]."""
    boxes, scores = [], []
    for image in images:
        rng = np.random.default_rng(int(np.abs(image).sum()))
        corners = np.sort(rng.random((len(ANCHORS), 2, 2)), axis=1).reshape(-1, 4)
        boxes.append(corners)
        scores.append(rng.uniform(0.01, 0.99, (len(ANCHORS), CLASSES + 1)))
    return np.stack(boxes).astype(np.float32), np.stack(scores).astype(np.float32)


class Session(InferenceSession):
    """A model of one of the forms."""

    runtime, device = "onnxruntime", "CPU"

    def __init__(self, form: str) -> None:
        self.form = form
        self.shapes: list[tuple[int, ...]] = []

    def run(self, *arrays: np.ndarray) -> tuple[np.ndarray, ...]:
        (images,) = arrays
        self.shapes.append(images.shape)
        if images.dtype == np.uint8:
            images = ((images - np.array(MEAN)) / np.array(STD)).astype(np.float32).transpose(0, 3, 1, 2)
        boxes, scores = outputs_for(images)
        if self.form == "raw":
            return encode_boxes(boxes, ANCHORS), np.log(scores / (1 - scores))
        return (boxes, scores) if self.form == "decoded" else _selected(boxes, scores)


def _selected(boxes: np.ndarray, scores: np.ndarray) -> tuple[np.ndarray, ...]:
    """What a graph of form nms gives: relative boxes, the best first, and empty slots behind them."""
    slots = (
        np.zeros((BATCH, 12, 4), np.float32),
        np.zeros((BATCH, 12), np.float32),
        np.full((BATCH, 12), -1),
    )
    select = PictureDetector(lambda images: (boxes, scores), SIZE, RULE).select
    for row in range(BATCH):
        found = select(boxes[row], scores[row], 1, 1)
        for slot, values in zip(
            slots, (found.boxes[:, [1, 0, 3, 2]], found.scores, found.labels), strict=True
        ):
            slot[row, : len(found)] = values
    return slots


def manifest_of(form: str, *, uint8: bool = False, batch: int | None = BATCH) -> DetectionManifest:
    shape = (batch, *SIZE, 3) if uint8 else (batch, 3, *SIZE)
    inside = (
        {"dtype": "uint8", "layout": "NHWC", "normalised_inside": True} if uint8 else {"dtype": "float32"}
    )
    return DetectionManifest(
        package="ms-ssd",
        model="tiny",
        files=(ModelFile(format="onnx", name="tiny.onnx", sha256=""),),
        input=ImageInput(name="images", shape=shape, mean=MEAN, std=STD, **inside),
        output_form=form,
        outputs=(TensorSpec(name="any", shape=(1,), dtype="float32"),),
        classes=("a", "b", "c"),
        category_ids=(1, 2, 3),
        boxes="",
        scores="",
        postprocess=Postprocess(min_score=0.4, nms_threshold=0.6, max_per_class=100, max_detections=12),
    )


def found_by(
    form: str,
    looks: InferenceConfig | None = None,
    rule: PostprocessConfig = RULE,
    *,
    uint8: bool = False,
    batch: int | None = BATCH,
) -> tuple[list[Detections], Session]:
    session, decode = Session(form), RawDecoder(ANCHORS) if form == "raw" else None
    manifest = manifest_of(form, uint8=uint8, batch=batch)
    detector = exported_detector(session, manifest, rule, looks or InferenceConfig(), 2, decode)
    return detector.detect([detector.prepare(picture) for picture in PICTURES]), session


def by_network(looks: InferenceConfig | None = None, rule: PostprocessConfig = RULE) -> list[Detections]:
    detector = PictureDetector(outputs_for, SIZE, rule, BATCH, looks)
    return detector.detect([detector.prepare(picture) for picture in PICTURES])


def assert_equal(found: Sequence[Detections], expected: Sequence[Detections]) -> None:
    for a, b in zip(found, expected, strict=True):
        assert len(a) == len(b) > 3
        np.testing.assert_array_equal(a.labels, b.labels)
        np.testing.assert_allclose(a.scores, b.scores, atol=1e-5)
        np.testing.assert_allclose(a.boxes, b.boxes, atol=1e-3)


@pytest.mark.parametrize("form", ["decoded", "raw", "nms"])
@pytest.mark.parametrize("batch", [BATCH, None])
def test_every_form_finds_what_the_network_does(form: str, batch: int | None) -> None:
    found, session = found_by(form, batch=batch)
    assert_equal(found, by_network())
    assert session.shapes == [(2, 3, *SIZE)] * 2  # three pictures, two a call


def test_pixels_go_into_a_graph_that_normalises() -> None:
    found, session = found_by("decoded", InferenceConfig(flip=True), uint8=True)
    assert_equal(found, by_network(InferenceConfig(flip=True)))
    assert session.shapes[0] == (2, *SIZE, 3)


def test_mirroring_works_for_decoded_boxes_only() -> None:
    looks = InferenceConfig(flip=True)
    assert_equal(found_by("decoded", looks)[0], by_network(looks))
    with pytest.raises(UserError, match="sees whole pictures only"):
        found_by("nms", looks)


def test_a_graph_that_selects_cannot_select_otherwise() -> None:
    higher = replace(RULE, min_score=0.8)
    assert_equal(found_by("nms", rule=higher)[0], by_network(rule=higher))
    for change in ({"min_score": 0.1}, {"nms_threshold": 0.5}, {"nms": "zoo"}, {"max_detections": None}):
        with pytest.raises(UserError, match=f"postprocess.{next(iter(change))}: .* selects boxes itself"):
            found_by("nms", rule=replace(RULE, **change))


def test_raw_outputs_of_another_network_are_refused() -> None:
    with pytest.raises(UserError, match="but the network has 3"):
        RawDecoder(ANCHORS[:3])(np.zeros((1, 5, 4)), np.zeros((1, 5, 4)))
