"""Exported forms against the network with its post-processing on the host."""

from __future__ import annotations

import json
from pathlib import Path

import mindspore as ms
import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from mindspore import Tensor, nn
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.export.manifest import TwoStageManifest, read_manifest
from ms_core.export.options import ExportOptions
from ms_core.export.reload import run_mindir
from ms_core.export.verify_onnx import run_onnx
from ms_core.networks.greedy_suppression import GreedySuppression
from ms_defrcn import exported_forms
from ms_defrcn.config import InputConfig, PostprocessConfig, ProposalConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.export import export_detector, export_target
from ms_defrcn.exported_forms import DecodedForm, NormalisedInside, Selection, plain_proposals
from ms_defrcn.models import build_model
from ms_defrcn.output_forms import default_size
from ms_defrcn.pictures import MEAN, STD, normalise
from ms_defrcn.postprocess import postprocess
from ms_defrcn.resize import box_scale, resize_image
from ms_defrcn.trained import TrainedModel
from trained_files import CLASSES, checkpoint_file, small_config

SIZE = (64, 96)
PICTURE = (250, 333)
"""Height and width of the original picture."""
PLACE = (64, 85)
"""Those it has inside the input."""


def random_outputs(regions: int, classes: int, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a network gives for a picture of PLACE: boxes that overlap much, some empty, some rows that do not count."""
    rng = np.random.default_rng(seed)
    centre = rng.uniform(0, PLACE[1], (6, 2))[rng.integers(0, 6, regions)][:, None]
    centre, side = centre + rng.normal(0, 2, (regions, classes, 2)), rng.uniform(0, 30, (regions, classes, 2))
    boxes = np.concatenate((centre - side / 2, centre + side / 2), axis=2).astype(np.float32)
    boxes = boxes.clip(0, np.array([PLACE[1], PLACE[0]] * 2, np.float32))
    scores = rng.dirichlet(np.full(classes + 1, 0.3), regions).astype(np.float32)
    scores[rng.uniform(size=regions) < 0.05] = np.nan
    boxes[rng.uniform(size=regions) < 0.05, 0, 2] = np.inf
    return boxes, scores, rng.uniform(size=regions) < 0.9


def check_same(outputs: tuple[np.ndarray, ...], expected: Detections) -> None:
    boxes, scores, labels = outputs
    full = labels >= 0
    np.testing.assert_array_equal(full, np.arange(len(labels)) < len(expected))
    np.testing.assert_array_equal(labels[full], expected.labels)
    np.testing.assert_allclose(scores[full], expected.scores, atol=1e-4)
    np.testing.assert_allclose(boxes[full], expected.boxes, atol=1e-3)
    assert not boxes[~full].any()
    assert not scores[~full].any()


@settings(max_examples=8, deadline=None)
@given(st.integers(1, 60), st.integers(1, 4), st.integers(1, 40), st.integers(0, 1000))
def test_selection_in_the_graph_is_that_of_the_host(regions: int, classes: int, most: int, seed: int) -> None:
    boxes, scores, valid = random_outputs(regions, classes, seed)
    config = PostprocessConfig(max_detections=most)
    scale = box_scale(PICTURE, PLACE)
    taken = boxes, scores, valid, np.array(PLACE, np.float32), np.array(scale, np.float32)
    found = Selection(regions, classes, config)(*(Tensor(array) for array in taken))
    expected = postprocess(boxes, scores, valid, scale=scale, size=PICTURE, config=config)
    check_same(tuple(array.asnumpy() for array in found), expected)


def test_pixels_are_normalised_as_in_training_and_nothing_lies_beside_a_picture() -> None:
    class Images(nn.Cell):
        def construct(self, images: Tensor, sizes: Tensor) -> Tensor:
            return images

    pixels = np.random.default_rng(0).integers(
        0, 256, (1, *SIZE, 3), dtype=np.uint8
    )  # also beside the picture
    cell = NormalisedInside(Images(), SIZE, MEAN, STD)
    found = cell(Tensor(pixels), Tensor(np.array([[60, 85]], np.float32))).asnumpy()[0]
    np.testing.assert_allclose(found[:, :60, :85], normalise(pixels[0, :60, :85, ::-1]), atol=1e-5)
    assert not found[:, 60:].any()
    assert not found[:, :, 85:].any()


@pytest.mark.parametrize(
    ("short", "longest", "size"),
    [(800, 1333, (768, 1280)), (160, 160, (160, 160)), (600, 1000, (608, 1008)), (32, 40, (64, 64))],
)
def test_the_input_is_as_large_as_evaluation_shows_pictures(
    short: int, longest: int, size: tuple[int, int]
) -> None:
    config = InputConfig(short_sides=(32,), test_short_side=short, max_side=longest)
    assert default_size(config) == size


@pytest.fixture(scope="module")
def network() -> DeFRCN:
    """`defrcn_r18` that proposes many regions and judges them differently, in numbers like a trained network's."""
    proposals = ProposalConfig(test_before_nms=200, test_after_nms=30, nms_threshold=0.6)
    network = build_model("defrcn_r18", 3, proposals=proposals).set_train(False)
    deltas = network.proposal_generator.rpn_head.anchor_deltas.weight
    deltas.set_data(deltas * 0.02)
    images, sizes, _ = inputs()
    features = network.features(Tensor(images))
    rois, _ = network.propose(features, Tensor(sizes))
    pooled = network.roi_features(features, rois).asnumpy()
    rng = np.random.default_rng(5)
    for name, spread in (("cls_score", 2.0), ("bbox_pred", 1.0)):
        layer = getattr(network.roi_heads.box_predictor, name)
        weight = rng.standard_normal(layer.weight.shape) * spread / np.linalg.norm(pooled.std(0))
        layer.weight.set_data(Tensor(weight, ms.float32))
        layer.bias.set_data(Tensor(-weight @ pooled.mean(0), ms.float32))
    return network


def a_picture() -> np.ndarray:
    """uint8 [250, 333, 3], smooth."""
    noise = np.random.default_rng(2).integers(0, 256, (9, 12, 3), dtype=np.uint8)
    return resize_image(noise, PICTURE)


def inputs() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """That picture as the network takes it: images, sizes, scale."""
    images = np.zeros((1, 3, *SIZE), np.float32)
    normalise(resize_image(a_picture(), PLACE), out=images[0, :, : PLACE[0], : PLACE[1]])
    return images, np.array([PLACE], np.float32), np.array([box_scale(PICTURE, PLACE)], np.float32)


def test_plain_proposals_are_the_same(network: DeFRCN) -> None:
    before = network.proposals.suppress
    images, sizes = (Tensor(array) for array in inputs()[:2])
    expected = [output.asnumpy() for output in DecodedForm(network)(images, sizes)]
    with plain_proposals(network):
        found = [output.asnumpy() for output in DecodedForm(network)(images, sizes)]
    assert network.proposals.suppress is before
    assert 5 < expected[2].sum() <= 30
    counts = expected[2][0] > 0
    for ours, theirs in zip(found[:2], expected[:2], strict=True):
        np.testing.assert_allclose(ours[0, counts], theirs[0, counts], rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(found[2], expected[2])


def exported(network: DeFRCN, out: Path, form: str, inside: bool = False) -> TwoStageManifest:
    ms.set_context(mode=ms.GRAPH_MODE)
    model = TrainedModel(network, "defrcn_r18", CLASSES, CLASSES, (), (1, 2, 3), Path("r18.ckpt"))
    options = ExportOptions(out, formats=("mindir", "onnx"), outputs=form, normalise_inside=inside)
    export_detector(model, options, PostprocessConfig(max_detections=20), SIZE)
    manifest = read_manifest(out)
    assert isinstance(manifest, TwoStageManifest)
    return manifest


@pytest.mark.parametrize("inside", [False, True])
def test_files_find_what_the_network_and_the_host_find(network: DeFRCN, tmp_path: Path, inside: bool) -> None:
    manifest = exported(network, tmp_path, "nms", inside)
    assert [spec.name for spec in (manifest.input, *manifest.more_inputs)] == ["images", "sizes", "scale"]
    assert [(spec.shape, spec.dtype) for spec in manifest.outputs] == [
        ((1, 20, 4), "float32"),
        ((1, 20), "float32"),
        ((1, 20), "int32"),
    ]
    assert "PCB" in manifest.scores
    images, sizes, scale = inputs()
    boxes, scores, valid = (output.asnumpy()[0] for output in network(Tensor(images), Tensor(sizes)))
    config = PostprocessConfig(max_detections=20)
    across, down = scale[0].tolist()
    expected = postprocess(boxes, scores, valid, scale=(across, down), size=PICTURE, config=config)
    assert len(expected) == 20
    if inside:
        images = np.full((1, *SIZE, 3), 77, np.uint8)
        images[0, : PLACE[0], : PLACE[1]] = resize_image(a_picture(), PLACE)[..., ::-1]
    taken = images, sizes, scale
    for outputs in (
        run_mindir(tmp_path / "defrcn_r18.mindir", *taken),
        run_onnx(tmp_path / "defrcn_r18.onnx", *taken),
    ):
        check_same(tuple(output[0] for output in outputs), expected)


def test_the_decoded_form_leaves_the_selection_to_the_program(network: DeFRCN, tmp_path: Path) -> None:
    manifest = exported(network, tmp_path, "decoded")
    assert [spec.name for spec in manifest.more_inputs] == ["sizes"]
    assert [spec.shape for spec in manifest.outputs] == [(1, 30, 3, 4), (1, 30, 4), (1, 30)]
    content = json.loads((tmp_path / "manifest.json").read_text())
    assert content["input"]["resize"] == "fit"
    assert content["input"]["channels"] == "BGR"
    assert content["postprocess"]["max_detections"] == 20
    graph = onnx.load(tmp_path / "defrcn_r18.onnx").graph
    assert "NonMaxSuppression" not in {node.op_type for node in graph.node}


def test_the_files_hold_plain_proposals_and_are_compared_with_the_network_itself(
    network: DeFRCN, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One round of suppression drops boxes that only a dropped one overlaps, so far too many."""
    monkeypatch.setattr(exported_forms, "_PROPOSAL_CHAIN", 1)
    with pytest.raises(RuntimeError, match=r"defrcn_r18\.mindir: \d+ of 30 boxes .* have no counterpart"):
        exported(network, tmp_path / "out", "decoded")
    assert list(tmp_path.iterdir()) == []
    assert isinstance(network.proposals.suppress, GreedySuppression)


def test_faulty_sizes_and_missing_checkpoints_are_refused(tmp_path: Path) -> None:
    config = small_config(tmp_path)
    with pytest.raises(UserError, match="--size 32 96: at least 64"):
        export_target(tmp_path / "a.ckpt", config, ExportOptions(tmp_path / "out"), size=(32, 96))
    assert not (tmp_path / "out").exists()


def test_the_command_says_that_calibration_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from ms_defrcn import export as module
    from ms_defrcn.config import PcbConfig

    taken = []
    monkeypatch.setattr(module, "export_detector", lambda *arguments: taken.append(arguments) or [])
    config = small_config(tmp_path, pcb=PcbConfig(enabled=True))
    export_target(checkpoint_file(tmp_path / "r18.ckpt"), config, ExportOptions(tmp_path / "out"))
    assert "calibration (PCB) is no part of the graph" in capsys.readouterr().out
    assert taken[0][3] == (64, 96)  # of input.test_short_side and max_side
