"""From pictures to descriptions: any size, any number of regions."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.errors import UserError
from ms_defrcn.config import PcbConfig
from ms_defrcn.pcb_network import LateStrideBottleneck, PcbNetwork
from ms_defrcn.region_describer import RegionDescriber, open_describer, weights_of
from ms_defrcn.resnet import Layout

TINY = Layout(LateStrideBottleneck, (1, 1, 1, 1), (256, 512, 1024, 2048))


@pytest.fixture(scope="module")
def network():
    network = PcbNetwork(TINY)
    rng = np.random.default_rng(0)
    for parameter in network.get_parameters():
        if parameter.name.endswith("weight"):
            spread = np.sqrt(2 / np.prod(parameter.shape[1:]))
            parameter.set_data(Tensor((rng.normal(size=parameter.shape) * spread).astype(np.float32)))
    return network


def picture(height: int, width: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def boxes_in(height: int, width: int, count: int) -> np.ndarray:
    corners = np.random.default_rng(count).uniform(0, 0.6, (count, 2)) * (width, height)
    return np.concatenate((corners, corners + np.array([0.3 * width, 0.3 * height])), 1).astype(np.float32)


def directly(network: PcbNetwork, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The same from the network itself, normalised in float64."""
    pixels = (image / 255 - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]
    return network(Tensor(pixels.transpose(2, 0, 1)[None].astype(np.float32)), Tensor(boxes)).asnumpy()


def test_one_graph_for_pictures_of_all_sizes(network, graph_mode):
    told: list[str] = []
    describer = RegionDescriber(network, say=told.append)
    expected = []
    for height, width in ((48, 80), (75, 41)):
        image, boxes = picture(height, width), boxes_in(height, width, 3)
        described = describer(image, boxes)
        ms.set_context(mode=ms.PYNATIVE_MODE)
        expected.append(np.abs(described - directly(network, image, boxes)).max() / np.abs(described).max())
        ms.set_context(mode=ms.GRAPH_MODE)
    assert max(expected) < 1e-4
    assert len(told) == 1
    assert "compiling" in told[0]


def test_more_regions_than_are_described_at_once(network):
    image, boxes = picture(40, 64), boxes_in(40, 64, 203)
    described = RegionDescriber(network)(image, boxes)
    assert described.shape == (203, 1000)
    few = directly(network, image, boxes[[0, 99, 100, 202]])
    np.testing.assert_allclose(described[[0, 99, 100, 202]], few, atol=1e-3 * np.abs(few).max())


def test_no_regions_need_no_network():
    assert RegionDescriber(PcbNetwork(TINY))(picture(40, 64), np.zeros((0, 4), np.float32)).shape == (0, 1000)


def test_large_pictures_are_made_smaller_and_their_boxes_too(network):
    smooth = np.kron(picture(4, 6), np.ones((64, 64, 1), np.uint8))  # 256 x 384
    boxes = np.array([[0, 0, 128, 128], [192, 64, 384, 256]], np.float32)
    halved = RegionDescriber(network, max_side=192)(smooth, boxes)
    expected = directly(network, np.ascontiguousarray(smooth[::2, ::2]), boxes / 2)
    np.testing.assert_allclose(halved, expected, atol=1e-3 * np.abs(expected).max())
    whole = RegionDescriber(network, max_side=384)(smooth, boxes)
    np.testing.assert_allclose(whole, directly(network, smooth, boxes), atol=1e-3 * np.abs(whole).max())


def test_without_weights_the_message_says_where_they_are():
    with pytest.raises(
        UserError, match=r"^pcb\.weights: .*resnet101-5d3b4d8f\.pth.*--pcb\.weights FILE; or"
    ) as error:
        open_describer(PcbConfig(enabled=True))
    assert "\n" not in str(error.value)


def test_weights_that_are_named_are_returned(tmp_path):
    assert weights_of(PcbConfig(weights=tmp_path)) == tmp_path
