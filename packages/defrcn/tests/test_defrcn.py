"""The whole network on the smallest one, beyond the golden numbers."""

import mindspore as ms
import ms_defrcn.defrcn
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.train.randomness import connect_random_cells
from ms_defrcn.box_predictor import BoxPredictor
from ms_defrcn.config import ProposalConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.models import build_model

PROPOSALS = ProposalConfig(test_before_nms=100, test_after_nms=20)
SIZES = np.array([[96, 128], [80, 100]], np.float32)


def pictures(*shape: int) -> Tensor:
    return Tensor(np.random.default_rng(0).uniform(-100, 100, shape).astype(np.float32))


@pytest.fixture(scope="module")
def small() -> DeFRCN:
    network = build_model("defrcn_r18", 3, proposals=PROPOSALS)
    rng = np.random.default_rng(1)
    for layer in (network.roi_heads.box_predictor.cls_score, network.roi_heads.box_predictor.bbox_pred):
        layer.weight.set_data(Tensor(rng.normal(0, 0.05, layer.weight.shape).astype(np.float32)))
    return network.set_train(False)


def outputs(network: DeFRCN, images: Tensor, sizes: np.ndarray) -> list[np.ndarray]:
    return [output.asnumpy() for output in network(images, Tensor(sizes))]


def test_what_it_returns(small: DeFRCN) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    boxes, scores, valid = outputs(small, pictures(2, 3, 96, 128), SIZES)
    assert (boxes.shape, scores.shape, valid.shape) == ((2, 20, 3, 4), (2, 20, 4), (2, 20))
    assert valid.dtype == np.bool_
    assert valid.any(1).all()
    np.testing.assert_allclose(scores.sum(-1), 1, rtol=1e-5)
    for picture, (height, width) in enumerate(SIZES):
        assert boxes[picture].min() >= 0
        assert boxes[picture][..., [0, 2]].max() <= width
        assert boxes[picture][..., [1, 3]].max() <= height
    real = boxes[valid]
    assert (real[..., 2:] >= real[..., :2]).all()


def test_one_graph_for_pictures_of_all_sizes(small: DeFRCN) -> None:
    shapes = [((2, 3, 96, 128), SIZES), ((2, 3, 70, 49), np.array([[70, 49], [64, 40]], np.float32))]
    ms.set_context(mode=ms.PYNATIVE_MODE)
    expected = [outputs(small, pictures(*shape), sizes) for shape, sizes in shapes]
    network = build_model("defrcn_r18", 3, proposals=PROPOSALS).set_train(False)
    ms.load_param_into_net(network, small.parameters_dict())
    ms.set_context(mode=ms.GRAPH_MODE)
    network.set_inputs(Tensor(shape=[2, 3, None, None], dtype=ms.float32), Tensor(SIZES))
    for (shape, sizes), (boxes, scores, valid) in zip(shapes, expected, strict=True):
        ours = outputs(network, pictures(*shape), sizes)
        np.testing.assert_array_equal(ours[2], valid)
        np.testing.assert_allclose(ours[0][valid], boxes[valid], atol=1e-3)
        np.testing.assert_allclose(ours[1][valid], scores[valid], atol=1e-5)


def test_a_batch_is_its_pictures(small: DeFRCN) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    images = pictures(2, 3, 96, 128)
    boxes, scores, valid = outputs(small, images, SIZES)
    for index in range(2):
        alone = outputs(small, images[index : index + 1], SIZES[index : index + 1])
        np.testing.assert_array_equal(alone[2][0], valid[index])
        np.testing.assert_allclose(alone[0][0], boxes[index], atol=1e-3)
        np.testing.assert_allclose(alone[1][0], scores[index], atol=1e-5)


def test_regions_in_chunks_are_the_same(small: DeFRCN, monkeypatch: pytest.MonkeyPatch) -> None:
    """In inference; training takes all at once."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    features = small.features(pictures(1, 3, 64, 64))
    corners = np.random.default_rng(2).uniform(0, 64, (1, 7, 2, 2)).astype(np.float32)
    rois = Tensor(np.concatenate((corners.min(2), corners.max(2)), -1))
    together = small.roi_features(features, rois).asnumpy()
    monkeypatch.setattr(ms_defrcn.defrcn, "_CHUNK", 3)
    in_parts = small.roi_features(features, rois).asnumpy()
    np.testing.assert_allclose(in_parts, together, atol=2e-6 * together.max())
    assert together.shape == (7, 512)


def test_order_of_the_anchors(small: DeFRCN) -> None:
    """y, then x, then anchor, as `AnchorGrid` has them."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    features = Tensor(np.random.default_rng(4).uniform(0, 1, (2, 256, 4, 6)).astype(np.float32))
    objectness, deltas = small.rpn(features)
    assert (objectness.shape, deltas.shape) == ((2, 4 * 6 * 15), (2, 4 * 6 * 15, 4))
    assert small.anchors(features).shape == (4 * 6 * 15, 4)
    head = small.proposal_generator.rpn_head
    hidden = ops.relu(head.conv(small.affine_rpn(features)))
    logits, moves = head.objectness_logits(hidden).asnumpy(), head.anchor_deltas(hidden).asnumpy()
    place = (2 * 6 + 5) * 15 + 7  # row 2, column 5, anchor 7
    assert objectness.asnumpy()[1, place] == logits[1, 7, 2, 5]
    np.testing.assert_array_equal(deltas.asnumpy()[1, place], moves[1, 28:32, 2, 5])


class Loss(nn.Cell):
    """Of both branches, each of which can be left out."""

    def __init__(self, network: DeFRCN, rpn: float, roi: float) -> None:
        super().__init__(auto_prefix=False)
        self.network = network
        self.rpn, self.roi = rpn, roi

    def construct(self, images: Tensor, rois: Tensor) -> Tensor:
        features = self.network.features(images)
        objectness, _ = self.network.rpn(features)
        logits, _ = self.network.predict(self.network.roi_features(features, rois))
        return self.rpn * objectness.sum() + self.roi * (logits * logits).sum()


@pytest.mark.parametrize(("rpn", "roi", "reaches"), [(1.0, 0.0, False), (0.0, 1.0, True)])
def test_which_branch_trains_the_backbone(small: DeFRCN, rpn: float, roi: float, reaches: bool) -> None:
    """With the default scales the region proposal network does not, the RoI head does."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    weights = ms.ParameterTuple(p for p in small.trainable_params() if p.name.startswith("backbone.res4."))
    gradient = ops.GradOperation(get_by_list=True)(Loss(small, rpn, roi), weights)
    rois = Tensor(np.array([[[4, 6, 50, 60], [10, 0, 30, 64]]], np.float32))
    gradients = [g.asnumpy() for g in gradient(pictures(1, 3, 64, 64), rois)]
    assert any(g.any() for g in gradients) == reaches
    assert len(gradients) == 5


def test_dropout_is_before_the_classifier_only() -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    predictor = BoxPredictor(64, 2, dropout=0.8)
    for layer in (predictor.cls_score, predictor.bbox_pred):
        layer.weight.set_data(Tensor(np.ones(layer.weight.shape, np.float32)))
    connect_random_cells(predictor, ms.Parameter(Tensor(np.int32(0)), name="step"), seed=1)
    pooled = Tensor(np.ones((50, 64), np.float32))
    logits, deltas = (output.asnumpy() for output in predictor.set_train(True)(pooled))
    np.testing.assert_array_equal(deltas, 64)
    assert logits.std() > 5  # 64 features, a fifth of them kept and multiplied by five
    assert logits.mean() == pytest.approx(64, rel=0.15)
    logits, _ = predictor.set_train(False)(pooled)
    np.testing.assert_array_equal(logits.asnumpy(), 64)
