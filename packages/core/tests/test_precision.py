"""Which layers compute in 16 bits, and what a device is refused."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.precision import apply_precision, resolve_precision


class Layers(nn.Cell):
    """A convolution, a normalisation, a dense layer; remembers nothing, returns the type after each."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)
        self.dense = nn.Dense(4, 2)

    def construct(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        convolved = self.conv(x)
        normalised = self.norm(convolved)
        return convolved, normalised, self.dense(normalised.mean((2, 3)))


@pytest.mark.parametrize(("device", "mode"), [("CPU", "off"), ("GPU", "fp16"), ("Ascend", "fp16")])
def test_auto_depends_on_the_device(device: str, mode: str) -> None:
    assert resolve_precision("auto", device) == mode


def test_bf16_on_cpu_is_refused_before_training() -> None:
    with pytest.raises(UserError, match="no bf16 convolution on CPU"):
        apply_precision(Layers(), "bf16", Runtime("CPU", 0))
    assert resolve_precision("bf16", "Ascend") == "bf16"


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(UserError, match="fp8"):
        resolve_precision("fp8", "GPU")


@pytest.mark.parametrize("graph", [True, False], ids=["graph", "pynative"])
def test_fp16_on_cpu_keeps_norms_and_weights_in_float32(graph: bool) -> None:
    ms.set_context(mode=ms.GRAPH_MODE if graph else ms.PYNATIVE_MODE)
    network = Layers()
    applied = apply_precision(network, "fp16", Runtime("CPU", 0))
    assert applied.mode == "fp16"
    assert applied.cells == 2
    assert "slower" in (applied.notice or "")
    outputs = network(Tensor(np.ones((2, 3, 8, 8), np.float32)))
    assert [x.dtype for x in outputs] == [ms.float16, ms.float32, ms.float16]
    assert {p.dtype for p in network.get_parameters()} == {ms.float32}


def test_off_changes_nothing() -> None:
    network = Layers()
    applied = apply_precision(network, "auto", Runtime("CPU", 0))
    assert (applied.mode, applied.cells, applied.notice) == ("off", 0, None)
    assert network(Tensor(np.ones((2, 3, 8, 8), np.float32)))[0].dtype == ms.float32
