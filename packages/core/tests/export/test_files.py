"""One call of `export`: several formats of one graph, each compared with the network, all or nothing in place."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn, ops
from ms_core.errors import UserError
from ms_core.export import files as files_module
from ms_core.export.encryption import Encryption, read_encryption
from ms_core.export.files import ExportedFile, Graph, export_files
from ms_core.export.inputs import comparison_input, picture_input
from ms_core.export.manifest import (
    ModelFile,
    SegmentationManifest,
    TensorSpec,
    file_sha256,
    read_manifest,
    write_manifest,
)
from ms_core.export.normalised import NormalisedInside
from ms_core.export.options import ExportOptions
from ms_core.export.reload import load_mindir, run_mindir

SIZE = (16, 24)
MEAN, STD = (100.0, 110.0, 120.0), (50.0, 55.0, 60.0)
KEY = bytes(range(16))


class TinySegmenter(nn.Cell):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 2, 3, stride=2)

    def construct(self, images: Tensor) -> Tensor:
        return ops.sigmoid(self.conv(images))


def normalise(pixels: np.ndarray) -> np.ndarray:
    return ((pixels - np.array(MEAN)) / np.array(STD)).transpose(2, 0, 1).astype(np.float32)


@pytest.fixture(scope="module")
def network() -> TinySegmenter:
    ms.set_context(mode=ms.GRAPH_MODE)
    ms.set_seed(3)
    return TinySegmenter()


def export(network: nn.Cell, options: ExportOptions) -> list[ExportedFile]:
    pictures = picture_input(SIZE, options, mean=MEAN, std=STD)
    cell = NormalisedInside(network, MEAN, STD) if options.normalise_inside else network
    graph = Graph(cell, (pictures,), ("logits",), (comparison_input(pictures, options.picture, normalise),))
    return export_files(graph, "tiny", options, partial(describe, pictures))


def describe(pictures, files, outputs) -> SegmentationManifest:
    return SegmentationManifest(
        package="ms-tiny",
        model="tiny",
        files=files,
        input=pictures,
        output_form="logits",
        outputs=outputs,
        classes=("road", "sky"),
        palette=((0, 0, 0), (255, 255, 255)),
    )


@pytest.fixture
def same_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """A new process takes seconds; where it is not the point, files are reloaded in this one."""

    def run_here(
        path: Path, calls: list[tuple[np.ndarray, ...]], encryption: Encryption | None
    ) -> list[object]:
        return [run_mindir(path, *arrays, encryption=encryption) for arrays in calls]

    monkeypatch.setattr(files_module, "run_in_new_process", run_here)


def contents(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"ascend"}


@pytest.fixture(scope="module")
def pixels_in(network: TinySegmenter, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model for any number of pictures that normalises them itself, as MINDIR and ONNX."""
    out = tmp_path_factory.mktemp("pixels") / "a folder" / "exported"
    options = ExportOptions(out, formats=("mindir", "onnx"), normalise_inside=True, batch_size=None)
    first, second = export(network, options)
    assert (first.path, second.path) == (out / "tiny.mindir", out / "tiny.onnx")
    assert first.difference is not None
    assert second.difference is not None
    assert max(first.difference, second.difference) <= 1e-6
    return out


def test_the_manifest_says_what_was_written(pixels_in: Path) -> None:
    manifest = read_manifest(pixels_in)
    assert contents(pixels_in) == {"tiny.mindir", "tiny.onnx", "manifest.json"}
    assert [(file.format, file.name, file.encrypted) for file in manifest.files] == [
        ("mindir", "tiny.mindir", False),
        ("onnx", "tiny.onnx", False),
    ]
    assert manifest.file("mindir").opset is None
    assert manifest.file("onnx").opset is not None
    assert (manifest.input.shape, manifest.input.dtype) == ((None, 16, 24, 3), "uint8")
    assert [(spec.name, spec.shape) for spec in manifest.outputs] == [("logits", (None, 2, 8, 12))]


@pytest.mark.parametrize("count", [1, 3])
def test_pixels_give_what_normalised_pictures_give(
    network: TinySegmenter, pixels_in: Path, count: int
) -> None:
    from ms_core.export.verify_onnx import run_onnx

    pixels = np.random.default_rng(1).integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)
    expected = network(Tensor(np.stack([normalise(picture) for picture in pixels]))).asnumpy()
    (of_mindir,) = run_mindir(pixels_in / "tiny.mindir", pixels)
    (of_onnx,) = run_onnx(pixels_in / "tiny.onnx", pixels)
    np.testing.assert_allclose(of_mindir, expected, atol=1e-5)
    np.testing.assert_allclose(of_onnx, expected, atol=1e-5)


@pytest.mark.usefixtures("same_process")
def test_an_existing_model_stays_unless_told_otherwise(
    network: TinySegmenter, pixels_in: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ExportOptions(pixels_in)
    with pytest.raises(UserError, match=r"manifest\.json: is already there"):
        options.check("cpu")
    with pytest.raises(UserError, match=r"manifest\.json: is already there"):
        export(network, options)
    out = pixels_in.parent / "replaced"
    out.mkdir()
    for file in pixels_in.iterdir():
        if file.is_file():
            (out / file.name).write_bytes(file.read_bytes())
    (out / "notes.txt").write_text("mine")
    export(network, ExportOptions(out, overwrite=True))
    assert contents(out) == {
        "tiny.mindir",
        "manifest.json",
        "notes.txt",
    }  # the ONNX file was of the former model
    assert read_manifest(out).input.shape == (1, 3, 16, 24)
    said = capsys.readouterr().out
    assert "exporting tiny as mindir: images float32 [1, 3, 16, 24] -> logits" in said
    assert "tiny.mindir: reloaded in a new process, largest difference from the network 0.0e+00" in said


def test_onnx_alone_leaves_no_mindir(network: TinySegmenter, tmp_path: Path) -> None:
    export(network, ExportOptions(tmp_path, formats=("onnx",)))
    assert contents(tmp_path) == {"tiny.onnx", "manifest.json"}


@pytest.mark.usefixtures("same_process")
def test_what_differs_from_the_network_is_not_kept(
    network: TinySegmenter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def other_network(*arguments: object) -> tuple[np.ndarray, ...]:
        return tuple(array + np.float32(2e-4) for array in computed(*arguments))

    computed = files_module.network_outputs
    monkeypatch.setattr(files_module, "network_outputs", other_network)
    with pytest.raises(
        RuntimeError, match=r"new/exported/tiny\.mindir: the exported model differs .* by 0\.0002"
    ):
        export(network, ExportOptions(tmp_path / "new" / "exported"))
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "tiny.mindir").write_bytes(b"former")
    with pytest.raises(RuntimeError, match="differs from the network"):
        export(network, ExportOptions(tmp_path, overwrite=True))
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("tiny.mindir", b"former")]


@pytest.mark.usefixtures("same_process")
def test_what_is_changed_while_writing_differs_from_the_network(
    network: TinySegmenter, tmp_path: Path
) -> None:
    @contextmanager
    def louder() -> Iterator[None]:
        weight, before = network.conv.weight, network.conv.weight.asnumpy()
        weight.set_data(Tensor(before * 2))
        yield
        weight.set_data(Tensor(before))

    options = ExportOptions(tmp_path / "exported")
    pictures = picture_input(SIZE, options, mean=MEAN, std=STD)
    sample = comparison_input(pictures, None, normalise)
    graph = Graph(network, (pictures,), ("logits",), (sample,), while_written=louder)
    with pytest.raises(RuntimeError, match=r"tiny\.mindir: the exported model differs from the network"):
        export_files(graph, "tiny", options, partial(describe, pictures))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def former(tmp_path: Path) -> dict[str, bytes]:
    """tmp_path with an earlier model and its files for Ascend: name -> content."""
    for name in ("former.mindir", "former.onnx"):
        (tmp_path / name).write_bytes(b"former")
    images = picture_input(SIZE, ExportOptions(tmp_path), mean=MEAN, std=STD)
    files = tuple(
        ModelFile(format=path.suffix[1:], name=path.name, sha256=file_sha256(path), opset=None)
        for path in sorted(tmp_path.glob("former.*"))
    )
    logits = TensorSpec(name="logits", shape=(1, 2, 8, 12), dtype="float32")
    write_manifest(describe(images, files, (logits,)), tmp_path)
    (tmp_path / "ascend").mkdir()
    for name in ("labels.names", "aipp_bgr.cfg", "mine.txt"):
        (tmp_path / "ascend" / name).write_text("former")
    return everything(tmp_path)


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("same_process")
def test_the_files_for_ascend_are_part_of_all_or_none(
    network: TinySegmenter, tmp_path: Path, former: dict[str, bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise UserError("classes: a line break")

    monkeypatch.setattr(files_module, "write_deployment_files", fails)
    with pytest.raises(UserError, match="a line break"):
        export(network, ExportOptions(tmp_path, overwrite=True))
    assert everything(tmp_path) == former
    with pytest.raises(UserError, match="a line break"):
        export(network, ExportOptions(tmp_path / "new"))
    assert not (tmp_path / "new").exists()


@pytest.mark.usefixtures("same_process")
def test_what_the_former_model_left_goes(
    network: TinySegmenter, tmp_path: Path, former: dict[str, bytes]
) -> None:
    export(network, ExportOptions(tmp_path, overwrite=True))
    assert contents(tmp_path) == {"tiny.mindir", "manifest.json"}
    now = everything(tmp_path / "ascend")
    assert "labels.names" not in now  # there is none for segmentation
    assert now["mine.txt"] == b"former"
    assert now["aipp_bgr.cfg"] != b"former"
    assert b"manifest.json of tiny" in now["README.txt"]


@pytest.mark.usefixtures("same_process")
def test_a_folder_that_cannot_take_the_files_for_ascend_stays(network: TinySegmenter, tmp_path: Path) -> None:
    (tmp_path / "ascend").write_text("mine")
    with pytest.raises(UserError, match="cannot write"):
        export(network, ExportOptions(tmp_path))
    assert everything(tmp_path) == {"ascend": b"mine"}


def test_encrypted(network: TinySegmenter, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY)
    encryption = read_encryption(tmp_path / "key", None)
    assert encryption == Encryption(KEY, "AES-GCM")
    assert str(KEY) not in repr(encryption)
    (exported,) = export(network, ExportOptions(tmp_path / "exported", encryption=encryption))
    assert read_manifest(tmp_path / "exported").file("mindir").encrypted
    images = np.zeros((1, 3, *SIZE), np.float32)
    (found,) = run_mindir(exported.path, images, encryption=encryption)
    np.testing.assert_array_equal(found, network(Tensor(images)).asnumpy())
    with pytest.raises(UserError, match=r"tiny\.mindir: cannot be read with this key and AES-GCM") as caught:
        load_mindir(exported.path, Encryption(KEY[::-1]))
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"tiny\.mindir: not a MINDIR file that can be read"):
        load_mindir(exported.path)


def test_keys_that_cannot_be(tmp_path: Path) -> None:
    key = tmp_path / "key"
    assert read_encryption(None, None) is None
    with pytest.raises(UserError, match="--encrypt-mode AES-CBC: a key is needed"):
        read_encryption(None, "AES-CBC")
    with pytest.raises(UserError, match="key: cannot be read: No such file"):
        read_encryption(key, None)
    key.write_bytes(KEY + b"\n")
    with pytest.raises(UserError, match=r"key: 17 bytes, a key for AES-GCM has 16 or 24 or 32"):
        read_encryption(key, None)
    key.write_bytes(KEY + KEY)
    with pytest.raises(UserError, match="key: 32 bytes, a key for SM4-CBC has 16"):
        read_encryption(key, "SM4-CBC")


@pytest.mark.parametrize(
    ("options", "device", "said"),
    [
        (
            {"formats": ("air",)},
            "cpu",
            "--format air: MindSpore writes AIR on Ascend only, not with --device cpu",
        ),
        (
            {"formats": ("mindir", "air")},
            "auto",
            "--format air: MindSpore writes AIR on Ascend machines only; here, ",
        ),
        ({"formats": ("mindir", "onnx"), "encryption": Encryption(KEY)}, "cpu", "onnx cannot be encrypted"),
        ({"picture": Path("gone.jpg")}, "cpu", "gone.jpg: no such picture"),
    ],
)
def test_what_cannot_be_done_is_refused_first(tmp_path: Path, options: dict, device: str, said: str) -> None:
    with pytest.raises(UserError) as caught:
        ExportOptions(tmp_path / "exported", **options).check(device)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_folders_that_cannot_be(network: TinySegmenter, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="exported: cannot write"):
        export(network, ExportOptions(tmp_path / "file" / "exported"))
