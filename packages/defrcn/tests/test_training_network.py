"""The network with its losses: detectron2's numbers and gradients, batches, sizes unknown in advance, a few steps."""

from collections.abc import Callable, Mapping
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn, ops
from ms_core.train.step import TrainStep
from ms_defrcn import training_network
from ms_defrcn.config import ProposalConfig, RoiConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.matching import BACKGROUND, IGNORED, OBJECT
from ms_defrcn.models import build_model
from ms_defrcn.training_network import PARTS, RegionSample, TrainingNetwork

GOLDEN = Path(__file__).parent / "golden"
GT_BOXES = np.array([[20, 30, 120, 180], [100, 60, 300, 240], [200, 10, 260, 90]], np.float32)
GT_CLASSES = {"base": (60, [3, 17, 41]), "fsod": (20, [3, 17, 11])}
GRADIENTS = {
    "affine_rcnn_w_grad": ("affine_rcnn.weight", 1),
    "affine_rpn_w_grad": ("affine_rpn.weight", 1),
    "cls_score_b_grad": ("roi_heads.box_predictor.cls_score.bias", 1),
    "bbox_pred_b_grad": ("roi_heads.box_predictor.bbox_pred.bias", 1),
    "cls_score_w_grad_sub": ("roi_heads.box_predictor.cls_score.weight", 32),
    "rpn_obj_w_grad": ("proposal_generator.rpn_head.objectness_logits.weight", 16),
}
"""Name of the stored gradient -> (parameter, every how many columns are stored)."""
FEW_PROPOSALS = ProposalConfig(train_before_nms=600, train_after_nms=100, samples=64)
FEW_REGIONS = RoiConfig(samples=32)
SLOTS = 8


class _Stored(nn.Cell):
    """In place of the trunk: images are its features already."""

    def construct(self, images: Tensor) -> Tensor:
        return images * 1.0


class _StoredRegions(nn.Cell):
    """In place of `RegionSample`: what detectron2 drew."""

    def __init__(self, golden: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        regions, classes, boxes = (golden[key] for key in ("roi_boxes", "roi_classes", "roi_gt_boxes"))
        drawn = regions, classes.astype(np.int32), boxes, np.ones(len(regions), bool)
        self.drawn = tuple(Tensor(array) for array in drawn)

    def construct(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        return self.drawn


def _fill(network: DeFRCN, weight: Callable[[str, tuple[int, ...]], np.ndarray]) -> dict[str, Parameter]:
    """Weights of the reference numbers for all but the trunk; returns the parameters by name."""
    words = {".gamma": ".weight", ".beta": ".bias", ".moving_mean": ".running_mean"}
    words[".moving_variance"] = ".running_var"
    parameters = {p.name: p for p in network.get_parameters() if not p.name.startswith("backbone.")}
    for name, parameter in parameters.items():
        theirs = next((name.replace(ours, word) for ours, word in words.items() if name.endswith(ours)), name)
        parameter.set_data(Tensor(weight(theirs, parameter.shape)))
    return parameters


def _slots(boxes: np.ndarray, classes: list[int]) -> tuple[np.ndarray, np.ndarray]:
    """One picture's ground truth."""
    gt_boxes, gt_classes = np.zeros((1, SLOTS, 4), np.float32), np.full((1, SLOTS), -1, np.int32)
    gt_boxes[0, : len(boxes)], gt_classes[0, : len(boxes)] = boxes, classes
    return gt_boxes, gt_classes


def _stored_batch(shared: Path, classes: list[int]) -> list[Tensor]:
    features = np.load(shared / "golden" / "defrcn" / "res4.npz")["res4"]
    keys = [np.arange(count, dtype=np.float32)[None] for count in (4800, 2000 + SLOTS)]
    size = np.array([[256, 320]], np.float32)
    return [Tensor(array) for array in (features[None], size, *_slots(GT_BOXES, classes), *keys)]


@pytest.mark.parametrize("stage", ["base", "fsod"])
def test_losses_and_gradients_are_those_of_detectron2(
    shared: Path, golden_weight: Callable[[str, tuple[int, ...]], np.ndarray], stage: str
) -> None:
    """From the stored features on; behind them ResNet-50 is ResNet-101.

    Gradients are compared for the stored regions: in ours the last bits differ, which moves points at which a region
    is read over the border of a place of the map.
    """
    golden = np.load(shared / "golden" / "defrcn" / f"train_{stage}.npz")
    num_classes, classes = GT_CLASSES[stage]
    scale = 0.75 if stage == "base" else 0.01
    network = build_model("defrcn_r50", num_classes, roi_gradient_scale=scale, freeze_res5=stage == "fsod")
    parameters = _fill(network, golden_weight)
    network.backbone = _Stored()
    training = TrainingNetwork(network, ProposalConfig(), RoiConfig(samples=64))
    batch = _stored_batch(shared, classes)
    losses = [float(loss) for loss in training(*batch)]
    np.testing.assert_allclose(losses, [golden["losses"].sum(), *golden["losses"]], rtol=2e-6)

    training.region_sample = _StoredRegions(golden)
    weights = ms.ParameterTuple([parameters[name] for name, _ in GRADIENTS.values()])
    _, (by_features, by_weights) = ops.value_and_grad(training, 0, weights, has_aux=True)(*batch)
    _check_gradient(by_features.asnumpy()[0, ::8], golden["res4_grad_all"])
    for (key, (_, every)), gradient in zip(GRADIENTS.items(), by_weights, strict=True):
        ours = gradient.asnumpy().reshape(len(gradient), -1)[:, ::every]
        _check_gradient(ours.reshape(golden[key].shape), golden[key])


def _check_gradient(ours: np.ndarray, golden: np.ndarray) -> None:
    assert np.abs(ours - golden).max() < 1e-5 * np.abs(golden).max()


def test_the_proposal_network_reaches_the_backbone_only_as_its_scale_says(
    shared: Path, golden_weight: Callable[[str, tuple[int, ...]], np.ndarray]
) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    golden = np.load(shared / "golden" / "defrcn" / "train_base.npz")
    features, sizes, gt_boxes, gt_classes, keys, _ = _stored_batch(shared, GT_CLASSES["base"][1])
    for scale in (0.0, 1.0):
        network = build_model("defrcn_r50", 60, rpn_gradient_scale=scale)
        _fill(network, golden_weight)
        training = TrainingNetwork(network)
        anchors = network.anchors(features)

        def total(
            features: Tensor, training: TrainingNetwork = training, anchors: Tensor = anchors
        ) -> Tensor:
            objectness, deltas = training.network.rpn(features)
            cls, loc = training.rpn_losses(
                objectness[0], deltas[0], anchors, gt_boxes[0], gt_classes[0], keys[0], sizes[0]
            )
            return (cls + loc) / 256

        gradient = ms.grad(total)(features).asnumpy()[0]
        if scale:
            _check_gradient(gradient[::64], golden["res4_grad_rpn_scale1"])
        else:
            assert (gradient == 0).all()


def test_drawn_regions_are_those_of_detectron2(mode: str) -> None:
    golden, stored = np.load(GOLDEN / "training.npz"), np.load(GOLDEN / "proposals.npz")
    count = len(stored["train_boxes"])
    boxes = np.zeros((2000, 4), np.float32)
    boxes[:count] = stored["train_boxes"]
    truth = _slots(GT_BOXES, GT_CLASSES["base"][1])
    inputs = (boxes, np.arange(2000) < count, truth[0][0], truth[1][0], np.arange(2000 + SLOTS))
    sample = RegionSample(60, RoiConfig(samples=64))
    found = sample(*(Tensor(a.astype(np.float32) if a.dtype == np.int64 else a) for a in inputs))
    regions, classes, matched, counts = (array.asnumpy() for array in found)
    np.testing.assert_array_equal(regions, golden["roi_boxes"])
    np.testing.assert_array_equal(classes, golden["roi_classes"])
    on_objects = golden["roi_classes"] < 60
    np.testing.assert_array_equal(matched[on_objects], golden["roi_gt_boxes"][on_objects])
    assert counts.all()


def _noise_batch(height: int, width: int, pictures: int, seed: int = 0) -> tuple[np.ndarray, ...]:
    """Noise with two boxes; every picture is the same."""
    rng = np.random.default_rng(seed)
    anchors = -(-height // 16) * -(-width // 16) * 15
    boxes = np.array([[10, 10, 60, 70], [50, 30, 120, 90]], np.float32)
    one = (
        rng.normal(0, 50, (1, 3, height, width)).astype(np.float32),
        np.array([[height, width]], np.float32),
        *_slots(boxes, [0, 2]),
        rng.permutation(anchors).astype(np.float32)[None],
        rng.permutation(FEW_PROPOSALS.train_after_nms + SLOTS).astype(np.float32)[None],
    )
    return tuple(np.repeat(array, pictures, axis=0) for array in one)


def _training_network() -> TrainingNetwork:
    return TrainingNetwork(build_model("defrcn_r18", 3), FEW_PROPOSALS, FEW_REGIONS)


def _losses(network: TrainingNetwork, batch: tuple[np.ndarray, ...]) -> list[float]:
    return [float(loss) for loss in network(*map(Tensor, batch))]


def test_what_fills_a_picture_up_is_no_background() -> None:
    """Anchors centred at 40, 60 and 80 across, in a picture 64 wide; the last one lies on an object."""
    anchors = Tensor(
        np.array([[30, 0, 50, 20], [10, 0, 110, 20], [70, 0, 90, 20], [75, 0, 85, 20]], np.float32)
    )
    labels = Tensor(np.array([BACKGROUND, BACKGROUND, BACKGROUND, OBJECT], np.int32))
    kept = training_network._without_filling(labels, anchors, Tensor(np.array([48, 64], np.float32)))
    assert kept.asnumpy().tolist() == [BACKGROUND, BACKGROUND, IGNORED, OBJECT]
    flat = training_network._without_filling(labels, anchors, Tensor(np.array([10, 200], np.float32)))
    assert flat.asnumpy().tolist() == [IGNORED, IGNORED, IGNORED, OBJECT]


def test_two_equal_pictures_have_the_losses_of_one() -> None:
    network = _training_network()
    one = _losses(network, _noise_batch(96, 128, 1))
    np.testing.assert_allclose(_losses(network, _noise_batch(96, 128, 2)), one, rtol=1e-5)


def test_slots_without_an_object_change_nothing() -> None:
    network = _training_network()
    images, sizes, boxes, classes, anchor_keys, roi_keys = _noise_batch(96, 128, 1)
    expected = _losses(network, (images, sizes, boxes, classes, anchor_keys, roi_keys))
    more = np.full((1, 4), 1e6, np.float32)
    filler_boxes = np.tile(np.array([[[0, 0, 60, 70]]], np.float32), (1, 4, 1))
    batch = (
        images,
        sizes,
        np.concatenate((boxes, filler_boxes), 1),
        np.concatenate((classes, np.full((1, 4), -1, np.int32)), 1),
        anchor_keys,
        np.concatenate((roi_keys, -more), 1),  # they would be drawn first
    )
    np.testing.assert_allclose(_losses(network, batch), expected, rtol=1e-6)


def test_a_picture_without_objects_teaches_background() -> None:
    images, sizes, boxes, classes, *keys = _noise_batch(96, 128, 2)
    classes[:] = -1
    losses = dict(
        zip(PARTS, _losses(_training_network(), (images, sizes, boxes, classes, *keys))[1:], strict=True)
    )
    assert losses["loss_rpn_loc"] == losses["loss_box_reg"] == 0
    assert losses["loss_rpn_cls"] > 0
    assert losses["loss_cls"] > 0


def test_a_few_steps_lower_the_loss(graph_mode: None) -> None:
    step = TrainStep(_training_network(), lr=np.full(6, 1e-3, np.float32), clip_norm=1.0, parts=PARTS)
    batch = _noise_batch(96, 128, 1)
    results = [step.run(batch) for _ in range(6)]
    assert not any(result.skipped for result in results)
    assert results[-1].loss < 0.8 * results[0].loss
    assert results[0].loss == pytest.approx(sum(results[0].parts.values()), rel=1e-5)


def test_one_graph_trains_on_pictures_of_any_size(graph_mode: None) -> None:
    step = TrainStep(_training_network(), lr=np.zeros(2, np.float32), parts=PARTS)
    unknown = {0: (2, 3), 4: (1,)}  # input -> its unknown dimensions
    described = []
    for index, array in enumerate(_noise_batch(96, 128, 2)):
        shape = [None if axis in unknown.get(index, ()) else size for axis, size in enumerate(array.shape)]
        described.append(Tensor(shape=shape, dtype=Tensor(array).dtype))
    step.set_inputs(*described)
    batches = _noise_batch(96, 128, 2), _noise_batch(80, 112, 2, seed=1)
    ours = [step.run(batch).loss for batch in batches]
    ms.set_context(mode=ms.PYNATIVE_MODE)
    network = _training_network()
    np.testing.assert_allclose(ours, [_losses(network, batch)[0] for batch in batches], rtol=1e-4)
