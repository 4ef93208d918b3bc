"""The C++ program against the Python package: the network's inputs bit for bit, outputs, metrics."""

import json
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from ms_core.ascend310.run import run_program
from ms_core.checkpoint.write import write_checkpoint
from ms_core.data.config import DetectionDataConfig
from ms_core.data.images import read_image
from ms_core.errors import UserError
from ms_core.export.inputs import picture_input as input_of_export
from ms_core.export.manifest import (
    ModelFile,
    Postprocess,
    TensorSpec,
    TwoStageManifest,
    file_sha256,
    read_manifest,
    write_manifest,
)
from ms_core.export.options import ExportOptions
from ms_core.infer.result_folder import ResultFolder, read_results
from ms_core.infer.runtimes import open_model
from ms_defrcn.config import DeFRCNConfig, InputConfig, PostprocessConfig, ProposalConfig
from ms_defrcn.evaluation_run import evaluate_target
from ms_defrcn.exported_detector import ExportedDetector, OutputReader
from ms_defrcn.infer import score_results
from ms_defrcn.models import build_model
from ms_defrcn.pictures import MEAN, STD
from ms_defrcn.weights import model_metadata
from onnx import TensorProto, helper
from PIL import Image

PROGRAM = "ms-defrcn"
CLASSES = ("circle", "square", "triangle")
PROPOSALS = ProposalConfig(test_before_nms=60, test_after_nms=12)
SIZE = (96, 128)
"""(height, width) of the models' inputs."""
PICTURES = ((128, 96), (96, 128), (75, 100), (91, 37), (300, 20), (3, 400), (1, 1), (640, 481), (127, 95))
"""(width, height) of the pictures."""
TURNED = 8
"""EXIF orientation: a quarter."""


def photo(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """Smooth noise with grain, uint8 [h, w, 3]; `size` is (width, height)."""
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    smooth = cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC).astype(int)
    return np.clip(smooth + rng.integers(-20, 21, smooth.shape), 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PNG and a JPEG of every size, one of them lying on its side."""
    folder = tmp_path_factory.mktemp("pictures")
    rng = np.random.default_rng(0)
    for size in PICTURES:
        name = f"{size[0]}x{size[1]}"
        Image.fromarray(photo(rng, size)).save(folder / f"{name}.png")
        Image.fromarray(photo(rng, size)).save(folder / f"photo-{name}.jpg", quality=90)
    exif = Image.Exif()
    exif[0x0112] = TURNED
    Image.fromarray(photo(rng, (120, 50))).save(folder / "turned.jpg", exif=exif)
    return folder


def run(exported: Path, pictures: Path, out: Path, *flags: str) -> ResultFolder:
    """What the program makes of pictures."""
    return read_results(run_program(PROGRAM, exported, pictures, out, threads=1, options=flags))


def write_echo(folder: Path, *, inside: bool) -> TwoStageManifest:
    """An export that gives what it takes: pictures, sizes and scale."""
    folder.mkdir(parents=True, exist_ok=True)
    options = ExportOptions(folder, normalise_inside=inside)
    images = input_of_export(SIZE, options, mean=MEAN, std=STD, channels="BGR", resize="fit")
    kind = TensorProto.UINT8 if inside else TensorProto.FLOAT
    pairs = [TensorSpec(name=name, shape=(1, 2), dtype="float32") for name in ("sizes", "scale")]
    names = [("images", "pixels"), ("sizes", "lengths"), ("scale", "ratios")]
    kinds, shapes = (kind, TensorProto.FLOAT, TensorProto.FLOAT), (images.shape, (1, 2), (1, 2))
    graph = helper.make_graph(
        [helper.make_node("Identity", [taken], [given]) for taken, given in names],
        "echo",
        [helper.make_tensor_value_info(names[i][0], kinds[i], shapes[i]) for i in range(3)],
        [helper.make_tensor_value_info(names[i][1], kinds[i], shapes[i]) for i in range(3)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    model.ir_version = 8
    onnx.save(model, folder / "echo.onnx")
    file = ModelFile(format="onnx", name="echo.onnx", sha256=file_sha256(folder / "echo.onnx"), opset=17)
    given = (images, *pairs)
    manifest = TwoStageManifest(
        package=PROGRAM,
        model="echo",
        files=(file,),
        input=images,
        more_inputs=tuple(pairs),
        output_form="nms",
        outputs=tuple(
            TensorSpec(name=name, shape=spec.shape, dtype=spec.dtype)
            for (_, name), spec in zip(names, given, strict=True)
        ),
        classes=CLASSES,
        category_ids=(1, 2, 3),
        boxes="none",
        scores="none",
        postprocess=Postprocess(min_score=0.05, nms_threshold=0.5, max_per_class=20, max_detections=20),
    )
    write_manifest(manifest, folder)
    return manifest


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained r18 whose scores and boxes differ from region to region and class to class."""
    network = build_model("defrcn_r18", len(CLASSES), proposals=PROPOSALS)
    arrays = {parameter.name: parameter.asnumpy() for parameter in network.get_parameters()}
    rng = np.random.default_rng(1)
    for name, array in arrays.items():
        if name.endswith("cls_score.weight"):  # centred: what all regions have in common says nothing
            weight = 0.001 * rng.standard_normal(array.shape)
            arrays[name] = (weight - weight.mean(axis=1, keepdims=True)).astype(np.float32)
        elif name.endswith(("bbox_pred.weight", "anchor_deltas.weight")):
            arrays[name] = (0.003 * rng.standard_normal(array.shape)).astype(np.float32)
    path = tmp_path_factory.mktemp("checkpoint") / "r18.ckpt"
    write_checkpoint(path, arrays, model_metadata(network, CLASSES, (1, 2, 3)) | {"stage": "all"})
    return path


@pytest.fixture(scope="module")
def config() -> DeFRCNConfig:
    """Pictures of the model's size lie in it as the network itself is shown them."""
    return DeFRCNConfig(
        input=InputConfig(short_sides=(96,), test_short_side=96, max_side=128),
        proposals=PROPOSALS,
        postprocess=PostprocessConfig(min_score=0.05, max_detections=20),
        device="cpu",
    )


@pytest.fixture(scope="module", params=["nms", "decoded"])
def exported(
    request: pytest.FixtureRequest, checkpoint: Path, config: DeFRCNConfig, tmp_path_factory
) -> Path:
    """The export of it in each form."""
    from ms_defrcn.export import export_target

    out = tmp_path_factory.mktemp("exported") / request.param
    export_target(checkpoint, config, ExportOptions(out, formats=("onnx",), outputs=request.param), size=SIZE)
    return out


def two_stage(exported: Path) -> TwoStageManifest:
    """The manifest of an export."""
    manifest = read_manifest(exported)
    assert isinstance(manifest, TwoStageManifest)
    return manifest


def python_path(exported: Path, config: DeFRCNConfig) -> ExportedDetector:
    """The same model, run from Python with the runtime that the program uses."""
    manifest = two_stage(exported)
    session = open_model(exported, manifest, "openvino", device="cpu", threads=1)
    return ExportedDetector(session, manifest, OutputReader(manifest, config.postprocess))


@pytest.mark.parametrize("inside", [False, True], ids=["float32", "uint8"])
def test_the_network_sees_the_same_bits(pictures: Path, inside: bool, tmp_path: Path, config: DeFRCNConfig):
    manifest = write_echo(tmp_path / "echo", inside=inside)
    detector = ExportedDetector(None, manifest, OutputReader(manifest, config.postprocess))  # type: ignore[arg-type]
    results = run(tmp_path / "echo", pictures, tmp_path / "out")
    assert len(results.results) == 2 * len(PICTURES) + 1
    for result in results.results:
        image = read_image(Path(result.picture))
        assert (result.height, result.width) == image.shape[:2]
        expected = detector.inputs(detector.prepare(image))
        for found, array in zip(result.read(results.path), expected, strict=True):
            assert found.dtype == array.dtype
            np.testing.assert_array_equal(found, array[0], err_msg=result.picture)


def test_outputs_are_those_of_python(exported: Path, config: DeFRCNConfig, pictures: Path, tmp_path: Path):
    """The best detections first: of two alike in all but the last bits either may come first, so none are here."""
    detector = python_path(exported, config)
    results = run(exported, pictures, tmp_path / "out")
    found_something = 0
    for result in results.results:
        picture = detector.prepare(read_image(Path(result.picture)))
        expected = detector.session.run(*detector.inputs(picture))
        outputs = result.read(results.path)
        for spec, found, array in zip(detector.manifest.outputs, outputs, expected, strict=True):
            assert str(found.dtype) == spec.dtype
            limit = 1e-4 * max(1.0, float(np.abs(array).max()))
            np.testing.assert_allclose(found, array[0], atol=limit, err_msg=f"{result.picture}: {spec.name}")
        detections = detector.read(outputs, picture.width, picture.height)
        ours = detector.find(picture)
        np.testing.assert_array_equal(detections.labels, ours.labels)
        np.testing.assert_allclose(detections.boxes, ours.boxes, atol=1e-2)
        found_something += len(ours)
    assert found_something > 0


def boxes_of(folder: Path) -> list[dict]:
    """What an evaluation wrote of every picture."""
    return json.loads((folder / "predictions.json").read_text())


@pytest.fixture(scope="module")
def labelled(exported: Path, config: DeFRCNConfig, tmp_path_factory: pytest.TempPathFactory) -> DeFRCNConfig:
    """Pictures of the model's size; their objects are some of what the model finds, a little moved."""
    folder = tmp_path_factory.mktemp("labelled")
    rng, detector = np.random.default_rng(2), python_path(exported, config)
    (folder / "images").mkdir()
    images, objects = [], []
    for number in range(4):
        image = photo(rng, (SIZE[1], SIZE[0]))
        Image.fromarray(image).save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "width": SIZE[1], "height": SIZE[0]})
        found = detector.detect(read_image(folder / "images" / f"{number}.png"))
        for place in range(0, len(found), 2):
            x0, y0, x1, y1 = (float(side) for side in found.boxes[place])
            width, height = 0.9 * (x1 - x0), 0.95 * (y1 - y0)
            label = {"id": len(objects) + 1, "image_id": number, "category_id": int(found.labels[place]) + 1}
            objects.append(label | {"bbox": [x0, y0, width, height], "area": width * height, "iscrowd": 0})
    categories = [{"id": label, "name": name} for label, name in enumerate(CLASSES, start=1)]
    path = folder / "val.json"
    path.write_text(json.dumps({"images": images, "annotations": objects, "categories": categories}))
    data = DetectionDataConfig(train=str(path), val=str(path), images=folder / "images")
    return replace(
        config,
        data=data,
        fewshot=replace(config.fewshot, novel_classes=CLASSES[2:], classes="all"),
        mode="pynative",
    )


def test_metrics_are_those_of_the_network(
    checkpoint: Path, exported: Path, labelled: DeFRCNConfig, tmp_path: Path
):
    """By `eval` of the network and, of the boxes that the graph selected itself, by `eval` of the result folder."""
    if two_stage(exported).output_form == "decoded":
        results = run(exported, Path(str(labelled.data.images)), tmp_path / "out")
        with pytest.raises(UserError, match="--outputs nms"):
            score_results(results.path, labelled, "val", tmp_path / "scored")
        return
    network = evaluate_target(checkpoint, labelled, "val", tmp_path / "network")
    results = run(exported, Path(str(labelled.data.images)), tmp_path / "out")
    scored = score_results(results.path, labelled, "val", tmp_path / "scored")
    assert 0.1 < network.coco.ap < 1
    assert scored.coco.ap == pytest.approx(network.coco.ap, abs=5e-5)
    assert scored.coco.ap50 == pytest.approx(network.coco.ap50, abs=5e-5)
    pairs = list(zip(boxes_of(tmp_path / "scored"), boxes_of(tmp_path / "network"), strict=True))
    assert len(pairs) > 10
    for found, expected in pairs:
        assert found["category_id"] == expected["category_id"]
        assert found["score"] == pytest.approx(expected["score"], abs=1e-4)
        assert found["bbox"] == pytest.approx(expected["bbox"], abs=0.02)


@pytest.mark.parametrize(
    ("entry", "value", "said"),
    [
        ("resize", "stretch", "this program fits pictures into the input"),
        (
            "more_inputs",
            [{"name": "metas", "shape": [1, 4], "dtype": "float32"}],
            "this program gives sizes and",
        ),
        ("task", "segmentation", "this program runs models for two-stage detection"),
    ],
)
def test_a_manifest_of_something_else_is_refused(
    entry: str, value: object, said: str, pictures: Path, tmp_path: Path
):
    write_echo(tmp_path / "echo", inside=False)
    content = json.loads((tmp_path / "echo" / "manifest.json").read_text()) | {"logits_stride": 4}
    place = content["input"] if entry == "resize" else content
    place[entry] = value
    altered = tmp_path / "altered.json"
    altered.write_text(json.dumps(content))
    with pytest.raises(UserError, match=said) as error:
        run(tmp_path / "echo", pictures, tmp_path / "out", f"--manifest={altered}")
    assert str(altered) in str(error.value)
    assert not (tmp_path / "out" / "result_Files").exists()
