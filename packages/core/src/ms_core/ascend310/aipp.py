"""AIPP files: how an Ascend turns the bytes of a picture into the input of a network.

One static `aipp_op` a file, for `atc --insert_op_conf` and for converter_lite. Keys, ranges and the order of the
operations (swap of channels, crop, colours, normalisation) are those of Huawei's ATC guide, "AIPP configuration file
template"; values come from the manifest. Never run on Ascend by us.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ms_core.export.manifest import AnyManifest, ImageInput

BGR, RGB, YUV, YUV_STRIDE = "aipp_bgr.cfg", "aipp_rgb.cfg", "aipp_yuv.cfg", "aipp_yuv_stride.cfg"
DVPP_WIDTH, DVPP_HEIGHT = 16, 2
"""The hardware that decodes and resizes fills rows up to a multiple of 16 and columns to a multiple of 2."""
_LARGEST = 4096
"""Pixels of a side that AIPP takes."""
_LARGEST_FLOAT16 = 65504
_YUV_TO_RGB = ((256, 0, 359), (256, -88, -183), (256, 454, 0))
"""256 x the equations of JFIF (BT.601, full range), rows R, G, B, columns Y, U - 128, V - 128:
R = Y + 1.402 V, G = Y - 0.344136 U - 0.714136 V, B = Y + 1.772 U. The ATC guide has the same values for JPEG files."""
_YUV_BIAS = (0, 128, 128)
"""Subtracted from Y, U and V before that."""

_ABOUT = {
    BGR: "pictures as OpenCV reads them: bytes B, G, R, of the size of the input",
    RGB: "bytes R, G, B, of the size of the input",
    YUV: "YUV420SP (NV12) of the size of the input, as DVPP gives it where the size fits its rules",
    YUV_STRIDE: "YUV420SP (NV12) as the resize of DVPP and of the MindX SDK leaves it: rows filled up to a multiple of "
    "16, cut off again here",
}

Value = str | int | float | bool


@dataclass(frozen=True)
class Selection:
    """What can be written for a model, and what cannot."""

    texts: Mapping[str, str]
    """File name -> content."""
    omitted: Mapping[str, str]
    """File name -> why there is none."""


def aipp_files(manifest: AnyManifest) -> Selection:
    """The AIPP files of an exported model: from BGR, RGB and two kinds of YUV420SP pictures.

    Values are exact: AIPP subtracts a whole number (`mean_chn`) and a further one (`min_chn`), so that 123.675 is
    123 and 0.675; it multiplies by `var_reci_chn`, one over the standard deviation.
    """
    names = (BGR, RGB, YUV, YUV_STRIDE)
    if reason := _unfit(manifest.input):
        return Selection({}, dict.fromkeys(names, reason))
    height, width = manifest.input.size
    omitted = {}
    if width % DVPP_WIDTH or height % DVPP_HEIGHT:
        omitted[YUV] = (
            f"DVPP wants a width that is a multiple of {DVPP_WIDTH} and an even height, and the input is "
            f"{width}x{height}: pictures are read on the CPU"
        )
    if width % 2 or height % 2:
        omitted[YUV_STRIDE] = f"YUV420SP pictures have even sides, and the input is {width}x{height}"
    texts = {name: _text(manifest, name) for name in names if name not in omitted}
    return Selection(texts, omitted)


def _unfit(image: ImageInput) -> str:
    """Why no AIPP fits an input; empty where one does."""
    height, width = image.size
    if image.normalised_inside:
        return (
            "the graph itself takes bytes and normalises them; export without normalisation inside for AIPP"
        )
    if image.resize == "fit":
        return (
            "pictures keep their proportions and are filled up with zeros after normalisation, each otherwise"
        )
    if max(height, width) > _LARGEST:
        return f"AIPP takes sides up to {_LARGEST} pixels, and the input is {width}x{height}"
    if any(not 0 <= mean <= 255 for mean in image.mean):
        return f"AIPP subtracts 0 to 255, and the mean is {list(image.mean)}"
    if any(not 1 / _LARGEST_FLOAT16 <= std < math.inf for std in image.std):
        return (
            f"AIPP multiplies by at most {_LARGEST_FLOAT16}, and the standard deviation is {list(image.std)}"
        )
    return ""


def _text(manifest: AnyManifest, name: str) -> str:
    entries: dict[str, Value] = {"aipp_mode": "static", "related_input_rank": 0}
    orders = {BGR: "BGR", RGB: "RGB"}
    image = manifest.input
    entries |= _from_bytes(orders[name], image) if name in orders else _from_yuv(image)
    entries |= _size(image, name) | _normalisation(image)
    height, width = image.size
    lines = [
        f"# {manifest.model}, input {width}x{height} {image.channels}. Takes {_ABOUT[name]}.",
        "# Made from manifest.json by ms-core. Never run on Ascend by us.",
        "aipp_op {",
        *(f"    {key} : {_word(value)}" for key, value in entries.items()),
        "}",
    ]
    return "\n".join(lines) + "\n"


def _from_bytes(order: str, image: ImageInput) -> dict[str, Value]:
    """Three bytes a pixel in a given order; exchanged where the network wants the other one."""
    exchanged = order != image.channels
    return {"input_format": "RGB888_U8", "csc_switch": False, "rbuv_swap_switch": exchanged}


def _from_yuv(image: ImageInput) -> dict[str, Value]:
    rows = _YUV_TO_RGB if image.channels == "RGB" else tuple(reversed(_YUV_TO_RGB))
    entries: dict[str, Value] = {
        "input_format": "YUV420SP_U8",
        "csc_switch": True,
        "rbuv_swap_switch": False,
    }
    entries |= {f"matrix_r{r}c{c}": value for r, row in enumerate(rows) for c, value in enumerate(row)}
    return entries | _channels("input_bias", _YUV_BIAS)


def _size(image: ImageInput, name: str) -> dict[str, Value]:
    height, width = image.size
    if name != YUV_STRIDE or width % DVPP_WIDTH == 0:
        return {"src_image_size_w": width, "src_image_size_h": height, "crop": False}
    return {
        "src_image_size_w": math.ceil(width / DVPP_WIDTH) * DVPP_WIDTH,
        "src_image_size_h": height,
        "crop": True,
        "load_start_pos_w": 0,
        "load_start_pos_h": 0,
        "crop_size_w": width,
        "crop_size_h": height,
    }


def _normalisation(image: ImageInput) -> dict[str, Value]:
    """In the order of the network's channels: AIPP normalises after the exchange."""
    whole = [math.floor(mean) for mean in image.mean]
    rest = [round(mean - part, 6) for mean, part in zip(image.mean, whole, strict=True)]
    return (
        _channels("mean_chn", whole)
        | _channels("min_chn", rest)
        | _channels("var_reci_chn", [1 / std for std in image.std])
    )


def _channels(key: str, values: Sequence[Value]) -> dict[str, Value]:
    return {f"{key}_{channel}": value for channel, value in enumerate(values)}


def _word(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return f"{value:.10g}" if isinstance(value, float) else str(value)
