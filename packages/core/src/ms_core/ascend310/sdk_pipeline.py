"""Pipelines of the MindX SDK (now Vision SDK) for a detector, with what they refer to.

    appsrc -> mxpi_imagedecoder -> mxpi_imageresize -> mxpi_tensorinfer -> mxpi_objectpostprocessor ->
    mxpi_dataserialize -> appsink

The post-processing is Huawei's `libSsdMobilenetFpn_MindsporePost.so`. By its published source
(SsdMobilenetFpnMindsporePostDptr.hpp of the Vision SDK) it takes two float32 tensors: 0, boxes [B, N, 4] as y0 x0 y1 x1
relative to the picture; 1, scores [B, N, K] of which column 0 is the background. It multiplies by the size of the
original picture, so pictures have to be stretched, and keeps at most 100 boxes of a class. That is what our `decoded`
form gives. Never run on Ascend by us.
"""

from __future__ import annotations

import json
from typing import Any

from ms_core.ascend310 import aipp
from ms_core.errors import UserError
from ms_core.export.manifest import AnyManifest, DetectionManifest, TwoStageManifest

LABELS, POSTPROCESS = "labels.names", "postprocess.cfg"
DVPP_PIPELINE, OPENCV_PIPELINE = "detection_dvpp.pipeline", "detection_opencv.pipeline"
STREAM = "detection"
"""Name of the stream in both pipelines."""
LIBRARY = "${MX_SDK_HOME}/lib/modelpostprocessors/libSsdMobilenetFpn_MindsporePost.so"
LIBRARY_MAX_PER_CLASS = 100
"""Boxes of a class and picture that the library keeps, whatever its configuration says."""
BACKGROUND = "background"
_SMALLEST = 32
"""Pixels of a side that mxpi_imageresize makes at least."""

Pipeline = dict[str, dict[str, Any]]


def model_name(manifest: AnyManifest, file: str) -> str:
    """Of the .om model that a pipeline loads, without its suffix: converted with another AIPP file, another name."""
    return f"{manifest.model}_{'yuv' if file == DVPP_PIPELINE else 'bgr'}"


def aipp_of(file: str) -> str:
    """AIPP file that the model of a pipeline has to be converted with."""
    return aipp.YUV_STRIDE if file == DVPP_PIPELINE else aipp.BGR


def sdk_files(manifest: AnyManifest, configurations: aipp.Selection) -> aipp.Selection:
    """Pipelines, labels and post-processing configuration.

    Args:
        manifest: of the model.
        configurations: its AIPP files; a pipeline needs the one that its pictures come with.

    Raises:
        UserError: a class name with a line break in it.
    """
    files = (DVPP_PIPELINE, OPENCV_PIPELINE)
    reason = _unfit(manifest)
    if reason or not isinstance(manifest, DetectionManifest):
        return aipp.Selection({}, dict.fromkeys((*files, LABELS, POSTPROCESS), reason))
    texts = {LABELS: labels(manifest), POSTPROCESS: postprocess(manifest)}
    omitted = {}
    for file in files:
        if aipp_of(file) in configurations.texts:
            texts[file] = json.dumps({STREAM: _stream(manifest, file)}, indent=4) + "\n"
        else:
            omitted[file] = f"no {aipp_of(file)}: {configurations.omitted[aipp_of(file)]}"
    return aipp.Selection(texts, omitted)


def labels(manifest: DetectionManifest) -> str:
    """A class a line, after the background, as the scores have them.

    Raises:
        UserError: a class name with a line break in it.
    """
    for name in manifest.classes:
        if len(name.splitlines()) != 1:
            raise UserError(f"{LABELS}: class {name!r} is not one line. Rename the class in the annotations.")
    return "\n".join((BACKGROUND, *manifest.classes)) + "\n"


def postprocess(manifest: DetectionManifest) -> str:
    """What the library reads: classes with the background, least score, overlap from which a box is dropped."""
    rule = manifest.postprocess
    return (
        f"CLASS_NUM={len(manifest.classes) + 1}\n"
        f"SCORE_THRESH={rule.min_score:g}\n"
        f"IOU_THRESH={rule.nms_threshold:g}\n"
    )


def differences(manifest: DetectionManifest) -> list[str]:
    """In what the library's detections differ from those of `eval`, by its source; for people."""
    rule = manifest.postprocess
    found = [
        "sides count as x1 - x0 + 1 pixels in the union of two boxes, and as x1 - x0 in what they share; "
        f"here {'both count one pixel more' if rule.plus_one else 'both count as x1 - x0'}"
    ]
    if rule.max_per_class != LIBRARY_MAX_PER_CLASS:
        found.append(f"{LIBRARY_MAX_PER_CLASS} boxes of a class at most; here {rule.max_per_class}")
    if rule.max_detections is not None:
        found.append(f"no bound for a picture; here {rule.max_detections}")
    if rule.class_agnostic:
        found.append("classes are looked at one by one; here a box drops weaker ones of every class")
    return found


def _unfit(manifest: AnyManifest) -> str:
    """Why Huawei's library does not fit a model; empty where it does."""
    if not isinstance(manifest, DetectionManifest) or isinstance(manifest, TwoStageManifest):
        return f"no post-processing library of the SDK is known to fit {manifest.task}; use our own program"
    if manifest.output_form != "decoded":
        return f"the library takes boxes and scores (form decoded), and this model's form is {manifest.output_form}"
    if manifest.input.resize != "stretch":
        return "the library takes pictures that were stretched to the input"
    if manifest.input.batch_size not in (None, 1):
        return f"the model takes {manifest.input.batch_size} pictures at once, a pipeline sends one"
    if min(manifest.input.size) < _SMALLEST:
        return f"mxpi_imageresize makes sides of {_SMALLEST} pixels at least"
    return ""


def _stream(manifest: DetectionManifest, file: str) -> Pipeline:
    height, width = manifest.input.size
    reader = {"cvProcessor": "opencv"} if file == OPENCV_PIPELINE else {}
    size = {"resizeHeight": str(height), "resizeWidth": str(width), "resizeType": "Resizer_Stretch"}
    parts = {
        "appsrc0": {"blocksize": "409600"},
        "mxpi_imagedecoder0": reader,
        "mxpi_imageresize0": {"dataSource": "mxpi_imagedecoder0", **size, **reader},
        "mxpi_tensorinfer0": {
            "dataSource": "mxpi_imageresize0",
            "modelPath": f"{model_name(manifest, file)}.om",
        },
        "mxpi_objectpostprocessor0": {
            "dataSource": "mxpi_tensorinfer0",
            "postProcessConfigPath": POSTPROCESS,
            "labelPath": LABELS,
            "postProcessLibPath": LIBRARY,
        },
        "mxpi_dataserialize0": {"outputDataKeys": "mxpi_objectpostprocessor0"},
        "appsink0": {"blocksize": "4096000"},
    }
    return {"stream_config": {"deviceId": "0"}, **_chained(parts)}


def _chained(parts: dict[str, dict[str, str]]) -> Pipeline:
    """Elements in their order, each with the name of the next; the kind is the name without its number."""
    names = list(parts)
    stream: Pipeline = {}
    for name, following in zip(names, [*names[1:], ""], strict=True):
        stream[name] = {"props": parts[name], "factory": name.rstrip("0")}
        if following:
            stream[name]["next"] = following
    return stream
