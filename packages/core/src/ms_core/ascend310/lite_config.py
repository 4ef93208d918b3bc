"""Configuration files of MindSpore Lite's converter (`converter_lite --configFile`) for Ascend.

Keys of the section `ascend_context`: MindSpore Lite guide, "Ascend conversion tool". Never run on Ascend by us.
"""

from __future__ import annotations

from collections.abc import Mapping

from ms_core.ascend310.aipp import BGR, RGB
from ms_core.export.manifest import AnyManifest

PLAIN, WITH_AIPP = "lite.ini", "lite_aipp.ini"
_PRECISION = "preferred_fp32"
"""float32 where the device has it: closest to what was verified. Lite's own default is enforce_fp16."""


def lite_files(manifest: AnyManifest, aipp: Mapping[str, str]) -> dict[str, str]:
    """File name -> content.

    Args:
        manifest: of the model.
        aipp: the AIPP files that are written beside these; the one from pixels as the network orders them is inserted
            by a second configuration, so that the device normalises.
    """
    image = manifest.input
    entries = {"input_format": image.layout, "precision_mode": _PRECISION}
    if all(output.dtype == "float32" for output in manifest.outputs):
        entries["output_type"] = "FP32"
    files = {PLAIN: _section(entries)}
    pixels = RGB if image.channels == "RGB" else BGR
    if pixels in aipp:
        files[WITH_AIPP] = _section({**entries, "insert_op_config_file_path": pixels})
    return files


def converter_command(manifest: AnyManifest, config: str) -> str:
    """How to convert the model, started in the folder of the configuration; as a shell reads it."""
    kind = "MINDIR" if "mindir" in manifest.formats else "ONNX"
    file = manifest.file(kind.lower())
    out = f"{manifest.model}_310" + ("_aipp" if config == WITH_AIPP else "")
    return (
        f"converter_lite --fmk={kind} --modelFile=../{file.name} --outputFile={out} --saveType=MINDIR "
        f'--optimize=ascend_oriented --inputShape="{input_shapes(manifest)}" --configFile={config}'
    )


def input_shapes(manifest: AnyManifest) -> str:
    """`images:1,3,300,300;sizes:1,2`: one picture at a time where the graph takes any number."""
    inputs = (manifest.input, *manifest.more_inputs)
    shapes = [",".join(str(1 if length is None else length) for length in each.shape) for each in inputs]
    return ";".join(f"{each.name}:{shape}" for each, shape in zip(inputs, shapes, strict=True))


def _section(entries: Mapping[str, str]) -> str:
    return "\n".join(["[ascend_context]", *(f"{key}={value}" for key, value in entries.items())]) + "\n"
