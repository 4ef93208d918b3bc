"""ssd300 in its output forms, as MINDIR and ONNX."""

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from ms_core.data.network_input import PIXEL_MEAN, PIXEL_STD
from ms_core.detection.augment import normalise
from ms_core.export import files
from ms_core.export.encryption import Encryption
from ms_core.export.manifest import DetectionManifest, read_manifest
from ms_core.export.options import ExportOptions
from ms_core.export.reload import run_mindir
from ms_core.export.verify_onnx import run_onnx
from ms_core.networks.inference import InferenceModel
from ms_core.single_shot.config import PostprocessConfig
from ms_core.single_shot.export import export_detector
from ms_core.single_shot.trained import TrainedModel
from ms_ssd import build_model

POSTPROCESS = PostprocessConfig(nms="zoo", max_detections=50)


@pytest.fixture(scope="module")
def model(golden_weight: Callable[[str, tuple[int, ...]], np.ndarray]) -> TrainedModel:
    network = build_model("ssd300", 4)
    for name, parameter in network.parameters_dict().items():  # as built, all outputs are all but zero
        last = (
            0.2 if name.startswith("multi_box") and ".3." in name else 1
        )  # outputs of a trained network's size
        parameter.set_data(Tensor(last * golden_weight(name, parameter.shape)))
    return TrainedModel(network.set_train(False), "ssd300", ("a", "b", "c"), (3, 5, 7), Path("none.ckpt"))


@pytest.fixture(scope="module")
def here() -> Iterator[None]:
    """Reloads files in this process: the end-to-end test does it in a new one."""

    def run_here(path: Path, calls: list, encryption: Encryption | None) -> list:
        return [run_mindir(path, *arrays, encryption=encryption) for arrays in calls]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "run_in_new_process", run_here)
        yield


@pytest.fixture(scope="module")
def decoded(model: TrainedModel, here: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("decoded")
    for exported in export_detector(
        model, "ms-ssd", POSTPROCESS, ExportOptions(out, formats=("mindir", "onnx"), batch_size=2)
    ):
        assert exported.difference is not None
        assert exported.difference <= 2e-5
    return out


@pytest.fixture(scope="module")
def raw(model: TrainedModel, here: object, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The heads' outputs for any number of pictures, which it normalises itself."""
    out = tmp_path_factory.mktemp("raw")
    options = ExportOptions(
        out, formats=("mindir", "onnx"), outputs="raw", normalise_inside=True, batch_size=None
    )
    export_detector(model, "ms-ssd", POSTPROCESS, options)
    return out


def test_the_manifest_of_decoded_boxes(decoded: Path) -> None:
    manifest = read_manifest(decoded)
    assert isinstance(manifest, DetectionManifest)
    assert (manifest.package, manifest.model, manifest.output_form) == ("ms-ssd", "ssd300", "decoded")
    assert manifest.input.shape == (2, 3, 300, 300)
    assert (manifest.input.mean, manifest.input.std) == (PIXEL_MEAN, PIXEL_STD)
    assert [(spec.name, spec.shape) for spec in manifest.outputs] == [
        ("boxes", (2, 1917, 4)),
        ("scores", (2, 1917, 4)),
    ]
    assert manifest.category_ids == (3, 5, 7)
    assert manifest.postprocess.plus_one
    assert (manifest.postprocess.max_per_class, manifest.postprocess.max_detections) == (100, 50)


def test_decoded_boxes(model: TrainedModel, decoded: Path) -> None:
    images = np.random.default_rng(0).standard_normal((2, 3, 300, 300)).astype(np.float32)
    expected = InferenceModel(model.network)(Tensor(images))
    for found in (run_mindir(decoded / "ssd300.mindir", images), run_onnx(decoded / "ssd300.onnx", images)):
        for ours, theirs in zip(expected, found, strict=True):
            np.testing.assert_allclose(theirs, ours.asnumpy(), atol=1e-4)
    boxes, scores = found
    assert 0 <= boxes.min() <= boxes.max() <= 1
    assert scores.std() > 0.05


@pytest.mark.parametrize("count", [1, 3])
def test_raw_outputs_of_any_number_of_pictures(model: TrainedModel, raw: Path, count: int) -> None:
    pixels = np.random.default_rng(count).integers(0, 256, (count, 300, 300, 3), dtype=np.uint8)
    expected = model.network(Tensor(np.stack([normalise(picture) for picture in pixels])))
    for found in (run_mindir(raw / "ssd300.mindir", pixels), run_onnx(raw / "ssd300.onnx", pixels)):
        for ours, theirs in zip(expected, found, strict=True):
            assert ours.asnumpy().std() > 0.05
            np.testing.assert_allclose(theirs, ours.asnumpy(), atol=1e-4)


def test_the_manifest_of_raw_outputs(raw: Path) -> None:
    manifest = read_manifest(raw)
    assert (manifest.output_form, manifest.input.shape) == ("raw", (None, 300, 300, 3))
    assert [(spec.name, spec.shape) for spec in manifest.outputs] == [
        ("box_deltas", (None, 1917, 4)),
        ("class_logits", (None, 1917, 4)),
    ]
