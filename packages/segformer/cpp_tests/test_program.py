"""The C++ program against the Python package: the network's input bit for bit, outputs, class maps, metrics."""

import json
from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from ms_core.ascend310.run import run_program
from ms_core.checkpoint.write import write_checkpoint
from ms_core.data.images import read_image
from ms_core.errors import UserError
from ms_core.evaluation.semantic import SemanticEvaluator
from ms_core.export.inputs import picture_input as input_of_export
from ms_core.export.manifest import (
    ModelFile,
    SegmentationManifest,
    TensorSpec,
    file_sha256,
    read_manifest,
    write_manifest,
)
from ms_core.export.options import ExportOptions
from ms_core.infer.result_folder import ResultFolder, read_results
from ms_core.infer.runtimes import open_model
from ms_core.infer.segmentation import SeenLogits
from ms_core.segmentation.config import SegmentationDataConfig
from ms_segformer.config import InferenceConfig, SegFormerConfig
from ms_segformer.evaluation_run import evaluate_target
from ms_segformer.exported_segmenter import ExportedSegmenter, picture_input
from ms_segformer.infer import score_results
from ms_segformer.models import build_model
from ms_segformer.weights import model_metadata
from onnx import TensorProto, helper
from PIL import Image

PROGRAM = "ms-segformer"
CLASSES = ("road", "grass", "sky")
SIZE = (64, 96)
"""(height, width) of the models' inputs."""
PICTURES = ((96, 64), (64, 96), (37, 91), (300, 20), (1, 1), (192, 128), (211, 333))
"""(width, height) of the pictures."""
TURNED = 6
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


def write_echo(folder: Path, *, inside: bool) -> SegmentationManifest:
    """An export whose logits are the network's input, [3, H, W]."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = input_of_export(SIZE, ExportOptions(folder, normalise_inside=inside))
    shape = (1, 3, *SIZE)
    nodes = [helper.make_node("Identity", ["images"], ["logits"])]
    if inside:
        nodes = [
            helper.make_node("Cast", ["images"], ["values"], to=TensorProto.FLOAT),
            helper.make_node("Transpose", ["values"], ["logits"], perm=[0, 3, 1, 2]),
        ]
    taken = helper.make_tensor_value_info(
        "images", TensorProto.UINT8 if inside else TensorProto.FLOAT, pictures.shape
    )
    given = helper.make_tensor_value_info("logits", TensorProto.FLOAT, shape)
    model = helper.make_model(
        helper.make_graph(nodes, "echo", [taken], [given]), opset_imports=[helper.make_opsetid("", 17)]
    )
    model.ir_version = 8
    onnx.save(model, folder / "echo.onnx")
    file = ModelFile(format="onnx", name="echo.onnx", sha256=file_sha256(folder / "echo.onnx"), opset=17)
    manifest = SegmentationManifest(
        package=PROGRAM,
        model="echo",
        files=(file,),
        input=pictures,
        output_form="logits",
        outputs=(TensorSpec(name="logits", shape=shape, dtype="float32"),),
        classes=CLASSES,
        palette=((0, 0, 0),) * 3,
        logits_stride=1,
    )
    write_manifest(manifest, folder)
    return manifest


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained b0 whose classes are about as likely as one another, so that maps show more than one."""
    network = build_model("segformer_b0", len(CLASSES))
    arrays = {parameter.name: parameter.asnumpy() for parameter in network.get_parameters()}
    name = "decode_head.linear_pred.weight"
    weight = np.random.default_rng(1).standard_normal(arrays[name].shape).astype(np.float32)
    arrays[name] = weight - weight.mean(axis=(0, 1), keepdims=True)
    path = tmp_path_factory.mktemp("checkpoint") / "b0.ckpt"
    write_checkpoint(path, arrays, model_metadata(network, CLASSES, [(9, 9, 9), (200, 0, 0), (0, 0, 250)]))
    return path


@pytest.fixture(scope="module", params=["logits", "classes"])
def exported(request: pytest.FixtureRequest, checkpoint: Path, tmp_path_factory) -> Path:
    """The export of it in each form."""
    from ms_segformer.export import export_target

    out = tmp_path_factory.mktemp("exported") / request.param
    options = ExportOptions(out, formats=("onnx",), outputs=request.param)
    export_target(checkpoint, SegFormerConfig(device="cpu"), options, size=SIZE)
    return out


def python_path(exported: Path) -> ExportedSegmenter:
    """The same model, looked at from Python with the runtime that the program uses."""
    manifest = read_manifest(exported)
    assert isinstance(manifest, SegmentationManifest)
    session = open_model(exported, manifest, "openvino", device="cpu", threads=1)
    return ExportedSegmenter(session, manifest, InferenceConfig())


def map_of(results: ResultFolder, name: str) -> np.ndarray:
    """uint8 [H, W] as the program wrote it."""
    found = cv2.imread(str(results.path / f"{name}_map.png"), cv2.IMREAD_UNCHANGED)
    assert found.dtype == np.uint8
    assert found.ndim == 2
    return found


@pytest.mark.parametrize("inside", [False, True], ids=["float32", "uint8"])
def test_the_network_sees_the_same_bits(pictures: Path, inside: bool, tmp_path: Path):
    manifest = write_echo(tmp_path / "echo", inside=inside)
    results = run(tmp_path / "echo", pictures, tmp_path / "out")
    assert len(results.results) == 2 * len(PICTURES) + 1
    for result in results.results:
        image = read_image(Path(result.picture))
        assert (result.height, result.width) == image.shape[:2]
        row = picture_input(manifest).of(image)
        expected = row.transpose(2, 0, 1).astype(np.float32) if inside else row
        np.testing.assert_array_equal(result.read(results.path)[0], expected, err_msg=result.picture)


def test_class_maps_are_enlarged_as_in_python(pictures: Path, tmp_path: Path):
    """Of logits as rugged as pictures are; where classes are equal but for the last bit, releases of OpenCV differ."""
    write_echo(tmp_path / "echo", inside=False)
    results = run(tmp_path / "echo", pictures, tmp_path / "out", "--class_map")
    differing = pixels = 0
    for result in results.results:
        expected = SeenLogits((result.height, result.width), result.read(results.path)[0]).classes()
        found = map_of(results, result.name)
        assert found.shape == expected.shape
        differing += int((found != expected).sum())
        pixels += found.size
    assert differing <= pixels / 10_000


def test_outputs_and_maps_are_those_of_python(exported: Path, pictures: Path, tmp_path: Path):
    segmenter = python_path(exported)
    results = run(exported, pictures, tmp_path / "out", "--class_map=true")
    seen = set()
    for result in results.results:
        image = read_image(Path(result.picture))
        (expected,) = segmenter.session.run(segmenter.prepare(image).scaled[0][None])
        (output,) = result.read(results.path)
        assert output.dtype == expected.dtype
        np.testing.assert_allclose(output, expected[0], atol=1e-4, err_msg=result.picture)
        found = map_of(results, result.name)
        assert found.shape == image.shape[:2]
        assert (found != segmenter.segment(image)).mean() <= 1e-3
        seen |= set(np.unique(found).tolist())
    assert len(seen) > 1, "maps of one class alone prove little"


@pytest.fixture(scope="module")
def labelled(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> SegFormerConfig:
    """Pictures of the model's size, whose masks agree with the network in part."""
    folder = tmp_path_factory.mktemp("labelled")
    rng, segmenter = np.random.default_rng(2), python_path(exported)
    for part in ("pictures", "masks"):
        (folder / part).mkdir()
    for number in range(4):
        image = photo(rng, (SIZE[1], SIZE[0]))
        mask = segmenter.segment(image).copy()
        mask[:, : 20 + 10 * number] = rng.integers(0, 3, (SIZE[0], 20 + 10 * number))
        mask[: 5 * number] = 255
        Image.fromarray(image).save(folder / "pictures" / f"{number}.png")
        Image.fromarray(mask).save(folder / "masks" / f"{number}.png")
    data = SegmentationDataConfig(val=folder / "pictures", val_masks=folder / "masks", classes=CLASSES)
    return SegFormerConfig(data=data, device="cpu", mode="pynative")


def test_metrics_are_those_of_the_network(
    checkpoint: Path, exported: Path, labelled: SegFormerConfig, tmp_path: Path
):
    """By `eval` of the network, by `eval` of the result folder, and from the maps alone."""
    assert labelled.data.val is not None
    results = run(exported, Path(labelled.data.val), tmp_path / "out", "--class_map")
    network = evaluate_target(checkpoint, labelled, "val", tmp_path / "network")
    scored = score_results(results.path, labelled, "val", tmp_path / "scored")
    evaluator = SemanticEvaluator(CLASSES)
    for result in results.results:
        mask = cv2.imread(str(Path(labelled.data.val_masks) / f"{result.name}.png"), cv2.IMREAD_UNCHANGED)
        evaluator.update(map_of(results, result.name), mask)
    maps = evaluator.compute()
    assert 0.2 < network.miou < 0.99
    for found in (scored, maps):
        assert found.scalars() == pytest.approx(network.scalars(), abs=5e-5)
        np.testing.assert_allclose(found.iou, network.iou, atol=5e-5)
    assert json.loads((tmp_path / "scored" / "metrics.json").read_text())["raw_outputs"] == str(results.path)


def test_maps_of_former_results_go_and_pictures_stay(pictures: Path, tmp_path: Path):
    write_echo(tmp_path / "echo", inside=False)
    results = run(tmp_path / "echo", pictures, tmp_path / "out", "--class_map")
    (results.path / "city_map.png").write_bytes(b"somebody's")
    with pytest.raises(UserError, match="holds results already"):
        run(tmp_path / "echo", pictures, tmp_path / "out")
    run(tmp_path / "echo", pictures, tmp_path / "out", "--overwrite")
    assert [path.name for path in results.path.glob("*.png")] == ["city_map.png"]


def test_maps_do_not_go_among_the_pictures(pictures: Path, tmp_path: Path):
    write_echo(tmp_path / "echo", inside=False)
    before = sorted(path.name for path in pictures.iterdir())
    with pytest.raises(UserError, match="pictures lie in this folder, and --class_map could overwrite one"):
        run(tmp_path / "echo", pictures, tmp_path / "out", "--class_map", f"--result_path={pictures}")
    assert sorted(path.name for path in pictures.iterdir()) == before


@pytest.mark.parametrize(
    ("entry", "value", "said"),
    [
        ("classes", ["road"], "is not what form logits of 1 classes gives"),
        ("output_form", "classes", "is not what form classes of 3 classes gives"),
        ("task", "detection", "this program runs models for segmentation"),
    ],
)
def test_a_manifest_of_something_else_is_refused(
    entry: str, value: object, said: str, pictures: Path, tmp_path: Path
):
    write_echo(tmp_path / "echo", inside=False)
    path = tmp_path / "echo" / "manifest.json"
    content = json.loads(path.read_text())
    altered = tmp_path / "altered.json"
    settings = {"min_score": 0.1, "nms_threshold": 0.6, "max_per_class": None, "max_detections": None}
    content["postprocess"] = settings | {"plus_one": False, "class_agnostic": False}
    altered.write_text(json.dumps(content | {entry: value}))
    flag = f"--manifest={altered}"
    with pytest.raises(UserError, match=said) as error:
        run(tmp_path / "echo", pictures, tmp_path / "out", flag)
    assert str(altered) in str(error.value)
    assert not (tmp_path / "out" / "result_Files").exists()
