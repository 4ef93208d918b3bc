"""manifest.json beside an exported model."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest
from ms_core.errors import UserError
from ms_core.export.manifest import (
    NAME,
    AnyManifest,
    DetectionManifest,
    ImageInput,
    ModelFile,
    Postprocess,
    SegmentationManifest,
    TensorSpec,
    TwoStageManifest,
    file_sha256,
    read_manifest,
    write_manifest,
)

PICTURES = ImageInput(
    name="images",
    shape=(None, 3, 300, 400),
    dtype="float32",
    mean=(123.675, 116.28, 103.53),
    std=(58.395, 57.12, 57.375),
)
POSTPROCESS = Postprocess(min_score=0.1, nms_threshold=0.6, max_per_class=100)


@pytest.fixture
def files(tmp_path: Path) -> tuple[ModelFile, ...]:
    for name in ("ssd300.mindir", "ssd300.onnx"):
        (tmp_path / name).write_bytes(b"graph")
    checksum = file_sha256(tmp_path / "ssd300.mindir")
    return (
        ModelFile(format="mindir", name="ssd300.mindir", sha256=checksum, encrypted=True),
        ModelFile(format="onnx", name="ssd300.onnx", sha256=checksum, opset=17),
    )


@pytest.fixture
def manifest(files: tuple[ModelFile, ...]) -> DetectionManifest:
    return DetectionManifest(
        package="ms-ssd",
        model="ssd300",
        files=files,
        input=PICTURES,
        output_form="decoded",
        outputs=(TensorSpec(name="boxes", shape=(None, 1917, 4), dtype="float32"),),
        classes=("Zelle", "血小板"),
        category_ids=(3, 7),
        boxes="y0 x0 y1 x1",
        scores="sigmoid",
        postprocess=POSTPROCESS,
    )


def others(files: tuple[ModelFile, ...]) -> list[AnyManifest]:
    sizes = TensorSpec(name="sizes", shape=(1, 2), dtype="float32")
    labels = TensorSpec(name="labels", shape=(1, 100), dtype="int32")
    common: dict[str, Any] = {
        "package": "p",
        "model": "m",
        "files": files,
        "outputs": (labels,),
        "classes": ("a",),
    }
    return [
        TwoStageManifest(
            **common,
            input=dataclasses.replace(PICTURES, channels="BGR", resize="fit"),
            more_inputs=(sizes,),
            output_form="nms",
            category_ids=(1,),
            boxes="x0 y0 x1 y1",
            scores="softmax",
            postprocess=POSTPROCESS,
        ),
        SegmentationManifest(**common, input=PICTURES, output_form="logits", palette=((1, 2, 3),)),
    ]


def test_round_trip(manifest: DetectionManifest, files: tuple[ModelFile, ...], tmp_path: Path) -> None:
    for written in (manifest, *others(files)):
        assert write_manifest(written, tmp_path) == tmp_path / NAME
        assert read_manifest(tmp_path) == written


def test_content_is_plain_json(manifest: DetectionManifest, tmp_path: Path) -> None:
    content = json.loads(write_manifest(manifest, tmp_path).read_text(encoding="utf-8"))
    checksum = "eef93e1d14482804277fca0172464032d1a4fdbcc338524059fa1e861454ad4d"
    assert content["files"] == [
        {"format": "mindir", "name": "ssd300.mindir", "sha256": checksum, "encrypted": True},
        {"format": "onnx", "name": "ssd300.onnx", "sha256": checksum, "encrypted": False, "opset": 17},
    ]
    assert content["input"] == {
        "name": "images",
        "shape": [None, 3, 300, 400],
        "dtype": "float32",
        "layout": "NCHW",
        "channels": "RGB",
        "mean": [123.675, 116.28, 103.53],
        "std": [58.395, 57.12, 57.375],
        "normalised_inside": False,
        "resize": "stretch",
    }
    assert (content["format_version"], content["task"], content["classes"]) == (
        2,
        "detection",
        ["Zelle", "血小板"],
    )
    assert content["postprocess"]["max_detections"] is None


def test_the_digest_of_default_boxes_is_written_where_there_is_one(
    manifest: DetectionManifest, tmp_path: Path
) -> None:
    content = json.loads(write_manifest(manifest, tmp_path).read_text())
    assert "anchors_sha256" not in content  # manifests of before have no such entry, and are read
    read = read_manifest(tmp_path)
    assert isinstance(read, DetectionManifest)
    assert read.anchors_sha256 is None
    raw = dataclasses.replace(manifest, output_form="raw", anchors_sha256="ab" * 32)
    write_manifest(raw, tmp_path)
    assert read_manifest(tmp_path) == raw


def test_what_an_input_says_of_itself() -> None:
    assert (PICTURES.batch_size, PICTURES.size) == (None, (300, 400))
    pixels = dataclasses.replace(PICTURES, shape=(2, 64, 96, 3), layout="NHWC", dtype="uint8")
    assert (pixels.batch_size, pixels.size) == (2, (64, 96))


def test_another_model_file_is_refused(manifest: DetectionManifest, tmp_path: Path) -> None:
    write_manifest(manifest, tmp_path)
    (tmp_path / "ssd300.onnx").write_bytes(b"another graph")
    with pytest.raises(UserError, match=r"ssd300\.onnx: does not have the checksum"):
        read_manifest(tmp_path)
    assert read_manifest(tmp_path, formats=["mindir"]) == manifest


def test_missing_files(manifest: DetectionManifest, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"manifest\.json: no such file"):
        read_manifest(tmp_path)
    write_manifest(manifest, tmp_path)
    (tmp_path / "ssd300.mindir").unlink()
    with pytest.raises(UserError, match=r"ssd300\.mindir: no such file"):
        read_manifest(tmp_path)
    assert read_manifest(tmp_path, formats=["onnx"]) == manifest
    with pytest.raises(UserError, match=r"no air file, only mindir, onnx"):
        read_manifest(tmp_path, formats=["air"])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format_version": 1}, "format_version: 1, this program reads 2"),
        ({"task": "counting"}, "task: 'counting' is not one of detection"),
        ({"colour": 1}, "colour: no such entry"),
        ({"model": None}, "model: None is no text"),
        ({"category_ids": [3, True]}, r"category_ids\[1\]: True is no whole number"),
        ({"category_ids": [3]}, "category_ids: 1 ids for 2 classes"),
        ({"output_form": "logits"}, "output_form: 'logits' is not one of raw, decoded, nms"),
        ({"files": []}, "files: "),
        (
            {"files": [{"format": "onnx", "name": "../a.onnx", "sha256": ""}]},
            r"files\[0\]: name: '../a.onnx'",
        ),
        (
            {"files": [{"format": "om", "name": "a.om", "sha256": ""}]},
            r"files\[0\]\.format: 'om' is not one of",
        ),
        ({"postprocess": {"min_score": 0.1}}, r"postprocess\.nms_threshold: is missing"),
        ({"postprocess": []}, "postprocess: no JSON object"),
        ({"boxes": None}, "boxes: None is no text"),
    ],
)
def test_damaged_entries_are_named(
    manifest: DetectionManifest, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = write_manifest(manifest, tmp_path)
    path.write_text(json.dumps(json.loads(path.read_text(encoding="utf-8")) | change))
    with pytest.raises(UserError, match=rf"manifest\.json: {said}.*Export the model again") as caught:
        read_manifest(tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"mean": [1, 2]}, r"input\.mean: 2 values, 3 are needed"),
        ({"shape": [1, 300, 300, 3]}, r"input: shape: \[1, 300, 300, 3\] is not that of NCHW pictures"),
        ({"shape": [1, 3, None, 300]}, "input: shape"),
        ({"dtype": "float16"}, r"input\.dtype: 'float16' is not one of float32, uint8, int32"),
    ],
)
def test_damaged_inputs_are_named(
    manifest: DetectionManifest, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    path = write_manifest(manifest, tmp_path)
    content = json.loads(path.read_text(encoding="utf-8"))
    path.write_text(json.dumps(content | {"input": content["input"] | change}))
    with pytest.raises(UserError, match=rf"manifest\.json: {said}"):
        read_manifest(tmp_path)


@pytest.mark.parametrize(("content", "said"), [("{", "not JSON"), ("[]", "no JSON object")])
def test_no_manifest_at_all(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(content)
    with pytest.raises(UserError, match=rf"manifest\.json: {said}"):
        read_manifest(tmp_path)
