"""Manifests for the tests of the files for Ascend, and readers of those files that know their rules."""

from __future__ import annotations

import configparser
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from ms_core.export.manifest import (
    DetectionManifest,
    ImageInput,
    ModelFile,
    Postprocess,
    SegmentationManifest,
    TensorSpec,
    TwoStageManifest,
)

MEAN, STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)
CLASSES = ("Arduino Nano", "ESP8266", "Raspberry Pi 3", "Heltec ESP32 Lora")
FILES = tuple(ModelFile(format=kind, name=f"net.{kind}", sha256="0") for kind in ("mindir", "onnx"))


def image_input(height: int = 320, width: int = 320, **options: Any) -> ImageInput:
    return ImageInput(
        name="images", shape=(1, 3, height, width), dtype="float32", mean=MEAN, std=STD, **options
    )


def detector(image: ImageInput | None = None, form: str = "decoded", **options: Any) -> DetectionManifest:
    """Of an SSD with four classes."""
    shapes = {"boxes": (1, 1917, 4), "scores": (1, 1917, 5)}
    outputs = tuple(TensorSpec(name=name, shape=shape, dtype="float32") for name, shape in shapes.items())
    if form == "nms":
        outputs = (*outputs, TensorSpec(name="labels", shape=(1, 100), dtype="int32"))
    values: dict[str, Any] = {
        "package": "ms-ssd",
        "model": "ssd300",
        "files": FILES,
        "input": image or image_input(),
        "output_form": form,
        "outputs": outputs,
        "classes": CLASSES,
        "category_ids": (3, 7, 9, 12),
        "boxes": "y0 x0 y1 x1",
        "scores": "sigmoid",
        "postprocess": Postprocess(min_score=0.1, nms_threshold=0.6, max_per_class=100, plus_one=True),
    }
    return DetectionManifest(**{**values, **options})


def two_stage() -> TwoStageManifest:
    """Of a DeFRCN: proportions kept."""
    one = detector(replace(image_input(768, 1280), resize="fit", channels="BGR"), "nms")
    values = {field.name: getattr(one, field.name) for field in fields(one)}
    more = (TensorSpec(name="sizes", shape=(1, 2), dtype="float32"),)
    return TwoStageManifest(**{**values, "package": "ms-defrcn", "model": "defrcn_r101", "more_inputs": more})


def segmenter() -> SegmentationManifest:
    return SegmentationManifest(
        package="ms-segformer",
        model="segformer_b0",
        files=FILES[1:],
        input=image_input(512, 1024),
        output_form="logits",
        outputs=(TensorSpec(name="logits", shape=(1, 2, 128, 256), dtype="float32"),),
        classes=("road", "sky"),
        palette=((1, 2, 3), (4, 5, 6)),
    )


def read_aipp(text: str) -> dict[str, str]:
    """Keys of the one `aipp_op`; refuses what is no key of Huawei's template, outside its range, or said twice."""
    lines = [line.partition("#")[0].strip() for line in text.splitlines()]
    body = [line for line in lines if line]
    assert (body[0], body[-1]) == ("aipp_op {", "}")
    entries: dict[str, str] = {}
    for line in body[1:-1]:
        key, colon, value = (part.strip() for part in line.partition(":"))
        assert colon == ":"
        assert key not in entries
        assert _is_allowed(key, value), line
        entries[key] = value
    assert {"aipp_mode", "input_format"} <= entries.keys()
    _check_size(entries)
    return entries


def _is_allowed(key: str, value: str) -> bool:
    words = {
        "aipp_mode": ("static",),
        "input_format": ("RGB888_U8", "YUV420SP_U8"),
        "crop": ("true", "false"),
        "csc_switch": ("true", "false"),
        "rbuv_swap_switch": ("true", "false"),
    }
    if key in words:
        return value in words[key]
    ranges = {
        "related_input_rank": (0, 0),
        "src_image_size": (1, 4096),
        "load_start_pos": (0, 4095),
        "crop_size": (1, 4096),
        "matrix": (-32677, 32676),
        "input_bias": (0, 255),
        "mean_chn": (0, 255),
        "min_chn": (0.0, 255.0),
        "var_reci_chn": (-65504.0, 65504.0),
    }
    stem = key if key in ranges else key.rpartition("_")[0]
    least, most = ranges[stem]
    number = float(value) if isinstance(least, float) else int(value)
    return least <= number <= most


def _check_size(entries: dict[str, str]) -> None:
    """A crop lies inside; YUV420SP has even sides and places."""
    numbers = {key: int(value) for key, value in entries.items() if value.lstrip("-").isdigit()}
    sides = {key: value for key, value in numbers.items() if key[-2:] in ("_w", "_h")}
    for side in "wh":
        if entries["crop"] == "true":
            inside = numbers[f"load_start_pos_{side}"] + numbers[f"crop_size_{side}"]
            assert inside <= numbers[f"src_image_size_{side}"]
    if entries["input_format"] == "YUV420SP_U8":
        assert all(value % 2 == 0 for value in sides.values())


def read_ini(text: str) -> dict[str, str]:
    """The section `ascend_context`; refuses keys that the converter does not know."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(text)
    assert parser.sections() == ["ascend_context"]
    entries = dict(parser["ascend_context"])
    known = {
        "input_format": ("NCHW", "NHWC", "ND"),
        "precision_mode": (
            "enforce_fp32",
            "preferred_fp32",
            "enforce_fp16",
            "enforce_origin",
            "preferred_optimal",
        ),
        "output_type": ("FP16", "FP32", "UINT8"),
    }
    assert all(entries[key] in known[key] for key in entries if key != "insert_op_config_file_path")
    return entries


def read_elements(path: Path) -> list[tuple[str, dict[str, str]]]:
    """Elements of a pipeline's only stream in the order in which they are chained, with their properties."""
    (stream,) = json.loads(path.read_text(encoding="utf-8")).values()
    assert stream.pop("stream_config") == {"deviceId": "0"}
    followers = {element.get("next") for element in stream.values()}
    (name,) = [name for name in stream if name not in followers]
    chain = []
    while name:
        element = stream.pop(name)
        assert name == f"{element['factory']}0"
        assert all(isinstance(value, str) for value in element["props"].values())
        chain.append((element["factory"], element["props"]))
        name = element.get("next", "")
    assert not stream
    return chain
