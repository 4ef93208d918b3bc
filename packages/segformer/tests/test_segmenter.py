"""The network behind pictures of any size: reference numbers, graphs for one size and for all, modes left alone."""

from collections.abc import Iterator
from pathlib import Path

import mindspore as ms
import ms_segformer.segmenter
import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.segmentation.planes import largest, whole_planes
from ms_segformer.config import InferenceConfig
from ms_segformer.models import build_model
from ms_segformer.segmenter import Segmenter
from ms_segformer.weights import load_weights

SLIDE = InferenceConfig(mode="slide", crop=(48, 64), stride=(32, 40))


@pytest.fixture(autouse=True)
def graph_mode() -> Iterator[None]:
    """As commands run."""
    former = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=former)


class TinyNetwork(nn.Cell):
    """Quarter size as SegFormer; what it says depends on its mode."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 7, 4, pad_mode="pad", padding=3, weight_init="normal")
        self.norm = nn.BatchNorm2d(5)

    def construct(self, images: Tensor) -> Tensor:
        return self.norm(self.conv(images))


@pytest.fixture(scope="module")
def network() -> TinyNetwork:
    """In training mode."""
    made = TinyNetwork()
    made.set_train(True)
    return made


def picture(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(height).integers(0, 256, (height, width, 3)).astype(np.uint8)


def test_official_weights_give_the_reference_map_at_any_size(shared: Path) -> None:
    folder = shared / "golden" / "segformer"
    network = build_model("segformer_b0", 19)
    load_weights(network, folder / "segformer.b0.1024x1024.city.160k.pth")
    network.set_train(False)
    said: list[str] = []
    segmenter = Segmenter(network, InferenceConfig(), said.append)
    with np.load(folder / "b0.npz") as golden:
        logits = segmenter.forward(
            np.random.default_rng(0).standard_normal((1, 3, 256, 512)).astype(np.float32)
        )
        np.testing.assert_allclose(logits, golden["logits"], atol=1e-4)
        classes = largest(whole_planes(logits[0], (256, 512)))
        full = np.sort(np.stack([plane.copy() for plane in whole_planes(logits[0], (256, 512))]), axis=0)
        wrong = classes != golden["argmax"][0]
        assert wrong.sum() <= 39, "pixels whose two best classes are closer than 1e-4 in the reference"
        assert (full[-1] - full[-2])[wrong].max(initial=0) < 2e-4
        odd = segmenter.forward(np.random.default_rng(2).standard_normal((1, 3, 200, 328)).astype(np.float32))
        np.testing.assert_allclose(odd, golden["odd_logits"], atol=1e-4)
    assert said == 2 * ["compiling the inference graph, this can take a minute ..."]


def test_a_network_in_training_is_looked_at_as_deployed_and_stays_in_training(network: TinyNetwork) -> None:
    image = picture(70, 101)
    found = Segmenter(network, SLIDE).logits(image)
    assert network.training
    assert network.norm.training
    network.set_train(False)
    np.testing.assert_allclose(Segmenter(network, SLIDE).logits(image), found, atol=1e-6)
    network.set_train(True)


def test_parameters_keep_their_names(network: TinyNetwork) -> None:
    Segmenter(network, InferenceConfig()).segment(picture(40, 40))
    assert [parameter.name for parameter in network.get_parameters()][:2] == [
        "conv.weight",
        "norm.moving_mean",
    ]


def test_all_sizes_but_the_first_share_a_graph(network: TinyNetwork) -> None:
    said: list[str] = []
    segmenter = Segmenter(network, InferenceConfig(), said.append)
    for size, graphs in (((48, 64), 1), ((48, 64), 1), ((40, 90), 2), ((64, 48), 2), ((48, 64), 2)):
        image = picture(*size)
        alone = Segmenter(network, InferenceConfig())
        np.testing.assert_allclose(segmenter.logits(image), alone.logits(image), atol=1e-6)
        assert len(said) == graphs


def test_a_size_that_comes_often_gets_its_own_graph(
    network: TinyNetwork, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ms_segformer.segmenter, "OFTEN", 2)
    monkeypatch.setattr(ms_segformer.segmenter, "MOST_GRAPHS", 2)
    said: list[str] = []
    segmenter = Segmenter(network, InferenceConfig(), said.append)
    graphs = []
    for size in ((48, 64), (40, 90), (40, 90), (40, 90), (40, 90), (64, 48), (64, 48), (64, 48)):
        segmenter.segment(picture(*size))
        graphs.append(len(said))
    assert graphs == [1, 2, 2, 3, 3, 3, 3, 3]


def test_windows_never_need_a_second_graph(network: TinyNetwork) -> None:
    said: list[str] = []
    segmenter = Segmenter(network, SLIDE, said.append)
    for size in ((48, 64), (40, 40), (70, 101)):
        assert segmenter.segment(picture(*size)).shape == size
    assert len(said) == 1
