"""`build_model`, and what the networks are beyond the golden numbers."""

import re
import subprocess
import sys

import mindspore as ms
import ms_segformer
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.networks.mode import inference_mode
from ms_core.networks.sync_batch_norm import synchronise_norms
from ms_core.optim import OptimizerConfig
from ms_core.precision import apply_precision
from ms_core.train.step import TrainStep
from ms_segformer import MODELS, build_model
from ms_segformer.losses import SegmentationLoss
from ms_segformer.models import DECODER_WIDTHS
from ms_segformer.segformer import SegFormer, check_image_size
from ms_segformer.training_network import TrainingNetwork

DEPTHS = {
    "b0": (2, 2, 2, 2),
    "b1": (2, 2, 2, 2),
    "b2": (3, 4, 6, 3),
    "b3": (3, 4, 18, 3),
    "b4": (3, 8, 27, 3),
}
DEPTHS |= {"b5": (3, 6, 40, 3)}
PARAMETERS = {"b2": (27_361_235, 24_196_288), "b5": (84_607_955, 81_443_008)}
"""With 19 classes, all and the encoder's (shared/facts/segformer.md); those of b0 and b1: test_golden.py."""


@pytest.fixture(scope="module")
def small() -> SegFormer:
    return build_model("segformer_b0", 5).set_train(False)


def picture(*shape: int, seed: int = 0) -> Tensor:
    return Tensor(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def built(size: str, classes: int) -> SegFormer:
    """Without initial weights, which take seconds for the large ones."""
    name = f"segformer_{size}"
    width = DECODER_WIDTHS[name]
    return MODELS[name](name=name, num_classes=classes, decoder_width=width, drop_path=0.1, dropout=0.1)


def test_what_the_network_says_of_itself(small: SegFormer) -> None:
    assert (small.model_name, small.num_classes, small.decoder_width) == ("segformer_b0", 5, 256)
    assert small.options == {}
    assert (small.backbone_prefixes, small.head_prefixes) == (("backbone.",), ("decode_head.linear_pred.",))


def test_an_other_decoder_width_is_an_option() -> None:
    network = build_model("segformer_b1", 4, decoder_width=512)
    assert network.options == {"decoder_width": 512}
    assert network.parameters_dict()["decode_head.linear_fuse.conv.weight"].shape == (512, 2048, 1, 1)
    assert build_model("segformer_b1", 4, decoder_width=256).options == {}


@pytest.mark.parametrize("size", DEPTHS)
def test_depths_and_drop_path(size: str) -> None:
    network = built(size, 3)
    blocks = [getattr(network.backbone, f"block{stage}") for stage in (1, 2, 3, 4)]
    assert tuple(map(len, blocks)) == DEPTHS[size]
    drops = [block.mlp_drop_path.p for stage in blocks for block in stage]
    assert drops == [block.attn_drop_path.p for stage in blocks for block in stage]
    np.testing.assert_allclose(drops, np.linspace(0, 0.1, sum(DEPTHS[size])))


@pytest.mark.parametrize("size", PARAMETERS)
def test_parameter_counts(size: str) -> None:
    trained = {p.name: p.size for p in built(size, 19).trainable_params()}
    encoder = sum(n for name, n in trained.items() if name.startswith("backbone."))
    assert (sum(trained.values()), encoder) == PARAMETERS[size]


def test_seed_decides_the_initial_weights(small: SegFormer) -> None:
    again, other = build_model("segformer_b0", 5), build_model("segformer_b0", 5, seed=2)
    for name in ("backbone.block2.1.attn.kv.weight", "backbone.patch_embed3.proj.weight"):
        first, same, different = (net.parameters_dict()[name].asnumpy() for net in (small, again, other))
        np.testing.assert_array_equal(first, same)
        assert not np.array_equal(first, different)


@pytest.mark.parametrize(
    ("name", "sigma"),
    [
        ("backbone.block3.0.mlp.fc1.weight", 0.0176),  # normal with 0.02, cut at two sigma
        ("decode_head.linear_c2.proj.weight", 0.0176),
        ("backbone.patch_embed1.proj.weight", np.sqrt(2 / (7 * 7 * 32))),
        ("backbone.block1.0.attn.sr.weight", np.sqrt(2 / (8 * 8 * 32))),
        ("backbone.block4.1.mlp.dwconv.dwconv.weight", np.sqrt(2 / 9)),
        ("decode_head.linear_pred.weight", 0.01),
    ],
)
def test_initial_weights(small: SegFormer, name: str, sigma: float) -> None:
    weight = small.parameters_dict()[name].asnumpy()
    assert weight.std() == pytest.approx(sigma, rel=0.05)
    assert abs(weight.mean()) < 0.1 * sigma


def test_biases_start_at_zero_and_norms_as_identity(small: SegFormer) -> None:
    for parameter in small.get_parameters():
        leaf = parameter.name.rpartition(".")[2]
        if leaf in ("bias", "beta", "moving_mean"):
            assert not parameter.asnumpy().any(), parameter.name
        elif leaf in ("gamma", "moving_variance"):
            assert (parameter.asnumpy() == 1).all(), parameter.name


def test_epsilons_of_the_norms(small: SegFormer) -> None:
    epsilons = {
        name: cell.epsilon for name, cell in small.cells_and_names() if isinstance(cell, nn.LayerNorm)
    }
    finer = {name for name, eps in epsilons.items() if eps == 1e-6}
    assert set(epsilons.values()) == {1e-5, 1e-6}
    assert finer == {name for name in epsilons if re.search(r"\.norm[1-4]$", name)}
    norm = small.decode_head.linear_fuse.bn
    assert (norm.eps, norm.momentum) == (1e-5, pytest.approx(0.1))  # MindSpore keeps 1 - momentum


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "segformer_b6"}, r"unknown model 'segformer_b6'\. Did you mean segformer_b\d"),
        ({"name": "unet"}, r"unknown model 'unet'\. Choose one of: segformer_b0"),
        ({"num_classes": 0}, r"num_classes=0: needs at least 1"),
        ({"decoder_width": 0}, r"decoder_width=0: needs at least 1"),
        ({"drop_path": 1.0}, r"drop_path=1\.0: is not within 0 and 1"),
        ({"dropout": -0.1}, r"dropout=-0\.1: is not within 0 and 1"),
    ],
)
def test_wrong_arguments(arguments: dict[str, str | int | float], message: str) -> None:
    with pytest.raises(UserError, match=message):
        build_model(**{"name": "segformer_b0", "num_classes": 3, **arguments})


@pytest.mark.parametrize("shape", [(1, 3, 31, 64), (1, 3, 64, 16)])
def test_a_picture_that_is_too_small(small: SegFormer, shape: tuple[int, ...]) -> None:
    with pytest.raises(
        UserError, match=f"image of {shape[2]}x{shape[3]} pixels: SegFormer needs at least 32"
    ):
        small(picture(*shape))
    with pytest.raises(UserError, match="needs at least 32 a side"):
        check_image_size(*shape[2:])


@pytest.mark.parametrize("size", [(32, 32), (33, 47), (64, 32)])
def test_smallest_sizes(small: SegFormer, size: tuple[int, int]) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    logits = small(picture(2, 3, *size))
    assert logits.shape == (2, 5, -(-size[0] // 4), -(-size[1] // 4))
    assert np.isfinite(logits.asnumpy()).all()


def test_a_batch_is_its_pictures(small: SegFormer) -> None:
    ms.set_context(mode=ms.PYNATIVE_MODE)
    pictures = picture(3, 3, 48, 64)
    together = small(pictures).asnumpy()
    for index in range(3):
        alone = small(pictures[index : index + 1]).asnumpy()
        np.testing.assert_allclose(together[index : index + 1], alone, atol=1e-6)


def test_one_graph_for_pictures_of_all_sizes(small: SegFormer) -> None:
    pictures = [picture(1, 3, 64, 96), picture(1, 3, 73, 50), picture(2, 3, 40, 33)]
    ms.set_context(mode=ms.PYNATIVE_MODE)
    expected = [small(x).asnumpy() for x in pictures]
    ms.set_context(mode=ms.GRAPH_MODE)
    network = build_model("segformer_b0", 5).set_train(False)
    network.set_inputs(Tensor(shape=[None, 3, None, None], dtype=ms.float32))
    for x, logits in zip(pictures, expected, strict=True):
        np.testing.assert_allclose(network(x).asnumpy(), logits, atol=1e-6)


class Gradients(nn.Cell):
    """construct(images, labels) -> (loss, gradients), the loss multiplied by 1024."""

    def __init__(self, network: SegFormer) -> None:
        super().__init__(auto_prefix=False)
        self.loss = TrainingNetwork(network, SegmentationLoss(5))
        self.gradient = ops.value_and_grad(self.scaled, None, ms.ParameterTuple(network.trainable_params()))

    def scaled(self, images: Tensor, labels: Tensor) -> Tensor:
        return self.loss(images, labels) * 1024.0

    def construct(self, images: Tensor, labels: Tensor) -> tuple[Tensor, tuple[Tensor, ...]]:
        return self.gradient(images, labels)


def test_smallest_training_picture() -> None:
    """The last maps have one place."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    labels = Tensor(np.random.default_rng(1).integers(0, 5, (2, 32, 32)).astype(np.int32))
    _, gradients = Gradients(build_model("segformer_b0", 5)).set_train(False)(picture(2, 3, 32, 32), labels)
    assert all(np.isfinite(g.asnumpy()).all() for g in gradients)


def strong(network: SegFormer) -> SegFormer:
    """With weights so large that attention looks somewhere and logits differ."""
    for parameter in network.trainable_params():
        if parameter.ndim > 1:
            parameter.set_data(parameter * (4.0 if parameter.ndim == 2 else 1.0))
    return network


def test_half_precision() -> None:
    labels = Tensor(np.random.default_rng(1).integers(0, 5, (1, 32, 48)).astype(np.int32))
    ms.set_context(mode=ms.PYNATIVE_MODE)
    results = []
    for precision in ("off", "fp16"):
        network = strong(build_model("segformer_b0", 5))
        applied = apply_precision(network, precision, Runtime("CPU", 0))
        loss, gradients = Gradients(network).set_train(False)(picture(1, 3, 32, 48), labels)
        assert all(g.dtype == ms.float32 for g in gradients)
        results.append((loss.item(), [g.asnumpy() for g in gradients]))
    assert applied.cells == 64
    (loss, gradients), (half_loss, half_gradients) = results
    assert half_loss == pytest.approx(loss, rel=1e-3)
    norms = [
        (np.linalg.norm(a), np.linalg.norm(a - b)) for a, b in zip(gradients, half_gradients, strict=True)
    ]
    assert np.median([difference / norm for norm, difference in norms]) < 0.03
    # Queries that hardly matter have next to no gradient, but noise.
    usual = np.median([norm for norm, _ in norms])
    assert all(difference < 0.05 * norm + 0.01 * usual for norm, difference in norms)


def test_softmax_sees_no_overflow_in_half_precision() -> None:
    """Scores of attention beyond the range that e^x has in 16 bits."""
    ms.set_context(mode=ms.PYNATIVE_MODE)
    network = build_model("segformer_b0", 5).set_train(False)
    for parameter in network.trainable_params():
        if ".attn.q." in parameter.name or ".attn.kv." in parameter.name:
            parameter.set_data(parameter * 40.0)
    apply_precision(network, "fp16", Runtime("CPU", 0))
    assert np.isfinite(network(picture(1, 3, 64, 64)).asnumpy()).all()


def test_training_learns() -> None:
    """With drop path and dropout; then the same weights serve for evaluation."""
    ms.set_context(mode=ms.GRAPH_MODE)
    batch = (picture(2, 3, 64, 64).asnumpy(), np.tile(np.arange(64, dtype=np.int32) // 16, (2, 64, 1)))
    network = build_model("segformer_b0", 5, drop_path=0.3)
    step = TrainStep(
        TrainingNetwork(network, SegmentationLoss(5)),
        lr=np.full(10, 1e-3, np.float32),
        optimizer=OptimizerConfig(name="adamw", weight_decay=0.01),
    )
    losses = [step.run(batch).loss for _ in range(6)]
    assert losses[-1] < losses[0] - 0.2
    with inference_mode(network):
        assert np.isfinite(network(Tensor(batch[0])).asnumpy()).all()


def test_the_batch_normalisation_can_be_synchronised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ops, "AllReduce", lambda: None)  # there is one process here
    network = build_model("segformer_b0", 5)
    names = [parameter.name for parameter in network.get_parameters()]
    assert synchronise_norms(network, world_size=2) == 1
    assert [parameter.name for parameter in network.get_parameters()] == names


def test_importing_the_package_does_not_import_mindspore() -> None:
    code = "import sys, ms_segformer; ms_segformer.__version__; dir(ms_segformer); sys.exit('mindspore' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_public_names() -> None:
    assert {"MODELS", "build_model", "load_weights", "__version__"} <= set(dir(ms_segformer))
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ms_segformer.nothing  # noqa: B018
