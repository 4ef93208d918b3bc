"""The file as a whole: what is refused, and that nothing is left behind then."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from mindspore import Tensor, nn, ops
from ms_core.errors import UserError
from ms_core.export.encryption import Encryption
from ms_core.export.mindir import export_mindir
from ms_core.export.onnx import builder, mindir_file, writer
from ms_core.export.onnx.writer import OnnxFile, write_onnx
from ms_core.export.verify import network_outputs
from ms_core.export.verify_onnx import run_onnx, verify_onnx

Check = Callable[..., OnnxFile]
SHAPE = (1, 3, 8, 8)


class Tiny(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3)
        self.last = nn.ReLU()

    def construct(self, images: Tensor) -> Tensor:
        return self.last(self.conv(images))


class Strange(nn.Cell):
    """Holds an operator that no network here has."""

    def __init__(self) -> None:
        super().__init__()
        self.odd = Lgamma()

    def construct(self, images: Tensor) -> Tensor:
        return self.odd(images)


class Lgamma(nn.Cell):
    def construct(self, images: Tensor) -> Tensor:
        return ops.lgamma(ops.abs(images) + 1)


class Merged(nn.Cell):
    def construct(self, images: Tensor) -> Tensor:
        return images.reshape((images.shape[0] * 3, 8, 8)) * 2


class Branching(nn.Cell):
    def construct(self, images: Tensor) -> Tensor:
        if images.sum() > 0:
            return images * 2
        return images


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return export_mindir(Tiny(), SHAPE, tmp_path / "tiny.mindir")


def write(mindir: Path, path: Path, *, dynamic_batch: bool = False) -> OnnxFile:
    return write_onnx(mindir, path, inputs=["images"], outputs=["maps"], dynamic_batch=dynamic_batch)


def test_the_file(tiny: Path, tmp_path: Path) -> None:
    file = write(tiny, tmp_path / "tiny.onnx")
    assert file == OnnxFile(tmp_path / "tiny.onnx", 13, {"Conv": 1, "Relu": 1})
    model = onnx.load(file.path)
    onnx.checker.check_model(model, full_check=True)
    assert [(item.domain, item.version) for item in model.opset_import] == [("", 13)]
    assert model.ir_version == writer.IR_VERSION
    (given,) = model.graph.input
    assert (given.name, [dim.dim_value for dim in given.type.tensor_type.shape.dim]) == (
        "images",
        [1, 3, 8, 8],
    )
    assert [value.name for value in model.graph.output] == ["maps"]
    assert "conv.weight" in {tensor.name for tensor in model.graph.initializer}
    before = file.path.read_bytes()
    assert write(tiny, file.path).path.read_bytes() == before, "the same graph gives the same bytes"


def test_verification(tiny: Path, tmp_path: Path, rng: np.random.Generator) -> None:
    path = write(tiny, tmp_path / "tiny.onnx").path
    network, images = Tiny(), rng.standard_normal(SHAPE, np.float32)
    with pytest.raises(RuntimeError, match=r"tiny\.onnx: the exported model differs from the network by"):
        verify_onnx(path, network_outputs(network, [images]), [images])  # other weights
    assert verify_onnx(path, run_onnx(path, images), [images]) == 0
    with pytest.raises(RuntimeError, match=r"tiny\.onnx: ONNX Runtime: "):
        run_onnx(path, images[:, :2])
    with pytest.raises(UserError, match="no such file"):
        run_onnx(tmp_path / "none.onnx", images)


def test_an_unknown_operator_is_named_with_its_place(tmp_path: Path) -> None:
    mindir = export_mindir(Strange(), SHAPE, tmp_path / "strange.mindir")
    (tmp_path / "old.onnx").write_bytes(b"old")
    with pytest.raises(
        UserError, match=r"strange\.mindir: operator Lgamma at odd-Lgamma/Lgamma-op0: "
    ) as caught:
        write(mindir, tmp_path / "old.onnx")
    assert "\n" not in str(caught.value)
    assert (tmp_path / "old.onnx").read_bytes() == b"old"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["old.onnx", "strange.mindir"]


def test_branches_are_refused(tmp_path: Path) -> None:
    mindir = export_mindir(Branching(), SHAPE, tmp_path / "branching.mindir")
    with pytest.raises(UserError, match="branch that depends on its input"):
        write(mindir, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_batch_statistics_are_refused(tmp_path: Path) -> None:
    network = nn.BatchNorm2d(3, use_batch_statistics=True)
    mindir = export_mindir(network, SHAPE, tmp_path / "norm.mindir")
    with pytest.raises(UserError, match=r"operator BatchNorm at .*statistics of the batch"):
        write(mindir, tmp_path / "x.onnx")


@pytest.mark.parametrize("mode", ["AES-GCM", "AES-CBC", "SM4-CBC"])
def test_encrypted_files_are_refused(tmp_path: Path, mode: str) -> None:
    secret = Encryption(bytes(range(16)), mode)
    mindir = export_mindir(Tiny(), SHAPE, tmp_path / "secret.mindir", encryption=secret)
    with pytest.raises(UserError, match=r"secret\.mindir: is encrypted"):
        write(mindir, tmp_path / "x.onnx")


def test_missing_damaged_and_foreign_files(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"none\.mindir: cannot be read"):
        write(tmp_path / "none.mindir", tmp_path / "x.onnx")
    for name, content in (
        ("foreign", b"this is no graph"),
        ("cut", tiny.read_bytes()[:-100]),
        ("empty", b""),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match=f"{name}: not a MINDIR file"):
            write(tmp_path / name, tmp_path / "x.onnx")
    with pytest.raises(UserError, match=r"must end in \.onnx"):
        write(tiny, tmp_path / "x.bin")
    assert not (tmp_path / "x.onnx").exists()


def test_the_batch_must_be_what_was_asked_for(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="was exported for 1 pictures at once"):
        write(tiny, tmp_path / "x.onnx", dynamic_batch=True)
    free = export_mindir(Tiny(), (None, 3, 8, 8), tmp_path / "free.mindir")
    with pytest.raises(UserError, match="was exported for any number of pictures"):
        write(free, tmp_path / "x.onnx")
    write(free, tmp_path / "x.onnx", dynamic_batch=True)
    model = onnx.load(tmp_path / "x.onnx")
    for value in (*model.graph.input, *model.graph.output):
        assert value.type.tensor_type.shape.dim[0].dim_param == "batch"
    size = export_mindir(Tiny(), (1, 3, None, 8), tmp_path / "size.mindir")
    with pytest.raises(UserError, match=r"lengths \[2\] of input images are free"):
        write(size, tmp_path / "y.onnx", dynamic_batch=True)


def test_an_output_that_mixes_pictures_is_refused(tmp_path: Path) -> None:
    mindir = export_mindir(Merged(), (None, 3, 8, 8), tmp_path / "merged.mindir")
    with pytest.raises(UserError, match="output maps: it cannot be shown"):
        write(mindir, tmp_path / "x.onnx", dynamic_batch=True)


def test_large_files_are_refused(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "LARGEST", writer._HEADROOM + 100)
    with pytest.raises(UserError, match="above 2 GB"):
        write(tiny, tmp_path / "x.onnx")
    monkeypatch.setattr(mindir_file, "LARGEST", 100)
    with pytest.raises(UserError, match="above 2 GB"):
        write(tiny, tmp_path / "x.onnx")
    assert not (tmp_path / "x.onnx").exists()


def test_outputs_that_are_inputs_constants_or_the_same(check: Check, rng: np.random.Generator) -> None:
    file = check(passed_on, rng.standard_normal((2, 3), np.float32))
    assert file.operators == {"Identity": 3, "Mul": 1}


def passed_on(x: Tensor) -> tuple[Tensor, ...]:
    double = x * 2
    return x, double, double, ops.ones((2,), x.dtype)


def test_without_the_packages(tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tiny, tmp_path / "tiny.onnx").path
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(UserError, match=r'pip install "ms-core\[onnx\]"'):
        run_onnx(path, np.zeros(SHAPE, np.float32))
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(UserError, match=r'pip install "ms-core\[onnx\]"'):
        write(tiny, tmp_path / "x.onnx")


def test_names_of_the_wrong_number(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="1 inputs and 1 outputs, names were given for 1 and 2"):
        write_onnx(tiny, tmp_path / "x.onnx", inputs=["images"], outputs=["a", "b"])


def test_large_repetitions_are_left_to_the_runtime() -> None:
    graph = builder.OnnxGraph()
    one = graph.constant(np.ones((1, 1), np.float32))
    small, large = graph.integers([10, 10]), graph.integers([1000, 1000])
    assert graph.known(graph.add("Expand", one, small)) is not None
    assert graph.known(graph.add("Expand", one, large)) is None
