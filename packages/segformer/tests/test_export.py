"""segformer_b0 in its output forms, as MINDIR and ONNX."""

from collections.abc import Iterator
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.export import files
from ms_core.export.encryption import Encryption
from ms_core.export.manifest import SegmentationManifest, read_manifest
from ms_core.export.options import ExportOptions
from ms_core.export.reload import run_mindir
from ms_core.export.verify_onnx import run_onnx
from ms_core.segmentation.planes import largest, whole_planes
from ms_segformer import build_model
from ms_segformer.export import export_segmenter
from ms_segformer.pipeline import network_input
from ms_segformer.trained import TrainedModel

SIZE = (64, 96)


@pytest.fixture(scope="module")
def model() -> TrainedModel:
    ms.set_seed(1)
    network = build_model("segformer_b0", 5).set_train(False)
    palette = np.arange(15, dtype=np.uint8).reshape(5, 3)
    return TrainedModel(network, "segformer_b0", tuple("abcde"), palette, Path("none.ckpt"))


@pytest.fixture(scope="module", autouse=True)
def here() -> Iterator[None]:
    """Reloads files in this process: the end-to-end test does it in a new one."""

    def run_here(path: Path, calls: list, encryption: Encryption | None) -> list:
        return [run_mindir(path, *arrays, encryption=encryption) for arrays in calls]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "run_in_new_process", run_here)
        yield


@pytest.fixture(scope="module")
def exported(model: TrainedModel, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Class maps of any number of pictures, which the model normalises itself."""
    out = tmp_path_factory.mktemp("exported")
    options = ExportOptions(
        out, formats=("mindir", "onnx"), outputs="classes", normalise_inside=True, batch_size=None
    )
    export_segmenter(model, options, SIZE)
    return out


def test_the_manifest(exported: Path) -> None:
    manifest = read_manifest(exported)
    assert isinstance(manifest, SegmentationManifest)
    assert (manifest.package, manifest.output_form, manifest.logits_stride) == ("ms-segformer", "classes", 4)
    assert (manifest.input.shape, manifest.input.dtype) == ((None, 64, 96, 3), "uint8")
    assert [(spec.name, spec.shape, spec.dtype) for spec in manifest.outputs] == [
        ("classes", (None, 64, 96), "int32")
    ]
    assert manifest.palette[1] == (3, 4, 5)


@pytest.mark.parametrize("count", [1, 3])
def test_class_maps_are_those_of_predict(model: TrainedModel, exported: Path, count: int) -> None:
    """Enlarged by the same rule; where two classes are all but equal, rounding may decide."""
    pixels = np.random.default_rng(count).integers(0, 256, (count, *SIZE, 3), dtype=np.uint8)
    images = np.stack([network_input(picture) for picture in pixels])
    logits = model.network(Tensor(images)).asnumpy()
    expected = np.stack([largest(whole_planes(picture, SIZE)) for picture in logits])
    assert len(np.unique(expected)) > 1
    for found in (
        run_mindir(exported / "segformer_b0.mindir", pixels),
        run_onnx(exported / "segformer_b0.onnx", pixels),
    ):
        assert (found[0] != expected).mean() < 1e-3
