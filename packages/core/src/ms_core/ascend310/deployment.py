"""`EXPORTED/ascend/`: what Huawei's tools need beside an exported model, made from its manifest.

Nothing of it was ever run on Ascend by us; the files are checked for form in our tests, and each says so.
"""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from ms_core.ascend310.aipp import BGR, RGB, YUV, YUV_STRIDE, Selection, aipp_files
from ms_core.ascend310.lite_config import PLAIN, WITH_AIPP, converter_command, lite_files
from ms_core.ascend310.sdk_pipeline import (
    DVPP_PIPELINE,
    LABELS,
    LIBRARY,
    OPENCV_PIPELINE,
    POSTPROCESS,
    STREAM,
    aipp_of,
    differences,
    model_name,
    sdk_files,
)
from ms_core.atomic import atomic_write
from ms_core.errors import UserError
from ms_core.export.manifest import AnyManifest, DetectionManifest

FOLDER, README = "ascend", "README.txt"
_PURPOSES = {
    BGR: "AIPP: bytes B G R in (MindX SDK with OpenCV)",
    RGB: "AIPP: bytes R G B in",
    YUV: "AIPP: YUV420SP in, of the size of the input (our own program with an .om model and --cpu_dvpp=DVPP)",
    YUV_STRIDE: "AIPP: YUV420SP in, rows filled up to a multiple of 16 (MindX SDK with DVPP)",
    PLAIN: "converter_lite: the program normalises",
    WITH_AIPP: "converter_lite: the device normalises, by AIPP",
    LABELS: "class names, the background first",
    POSTPROCESS: "number of classes and thresholds for the post-processing of the MindX SDK",
    DVPP_PIPELINE: "MindX SDK: pictures read by the hardware",
    OPENCV_PIPELINE: "MindX SDK: pictures read by OpenCV, as in training",
}


def write_deployment_files(manifest: AnyManifest, folder: Path) -> list[Path]:
    """Write the files for Ascend into `folder`/ascend; what an earlier model left there is removed.

    Args:
        manifest: of the exported model.
        folder: that holds manifest.json and the model.

    Returns:
        The files, sorted by name; README.txt says what they are for, and which there are none of and why.

    Raises:
        UserError: the folder cannot be written, or a class name has a line break in it.
    """
    configurations = aipp_files(manifest)
    pipelines = sdk_files(manifest, configurations)
    texts = {
        **configurations.texts,
        **lite_files(manifest, configurations.texts),
        **pipelines.texts,
    }
    omitted = {**configurations.omitted, **pipelines.omitted}
    texts[README] = _readme(manifest, Selection(dict(texts), omitted))
    target = folder / FOLDER
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{target}: cannot be made: {error.strerror}. Choose another folder.") from error
    remove_other_deployment_files(folder, texts)
    for name, text in texts.items():
        with atomic_write(target / name) as file:
            file.write(text)
    return sorted(target / name for name in texts)


def remove_other_deployment_files(folder: Path, kept: Collection[str]) -> None:
    """Remove what an earlier model left in the folder for Ascend below `folder`; files that are not ours stay.

    Args:
        kept: names of the files that stay.
    """
    for name in _PURPOSES.keys() - set(kept):
        (folder / FOLDER / name).unlink(missing_ok=True)


def _readme(manifest: AnyManifest, selection: Selection) -> str:
    height, width = manifest.input.size
    sections = [
        [
            f"Files for Ascend 310, made from manifest.json of {manifest.model} ({width}x{height}, {manifest.task}, "
            f"form {manifest.output_form}).",
            "NEVER RUN ON ASCEND BY US: written by the published documentation of CANN, MindSpore Lite and MindX SDK.",
        ],
        ["Files", *(f"  {name}: {_PURPOSES[name]}" for name in _PURPOSES if name in selection.texts)],
    ]
    if selection.omitted:
        sections.append(["Not here", *(f"  {name}: {reason}" for name, reason in selection.omitted.items())])
    sections.append(["Convert, in this folder", *(f"  {line}" for line in _commands(manifest, selection))])
    if any(name in selection.texts for name in (DVPP_PIPELINE, OPENCV_PIPELINE)):
        assert isinstance(manifest, DetectionManifest)
        sections.append(_about_pipelines(manifest))
    return "\n\n".join("\n".join(lines) for lines in sections) + "\n"


def _commands(manifest: AnyManifest, selection: Selection) -> list[str]:
    """Conversions by ATC and by MindSpore Lite."""
    model = next((manifest.file(kind).name for kind in ("onnx", "air") if kind in manifest.formats), None)
    outputs = [(manifest.model, "")]
    if YUV in selection.texts:
        outputs.append((f"{manifest.model}_dvpp", f" {YUV}"))
    pipelines = [name for name in (DVPP_PIPELINE, OPENCV_PIPELINE) if name in selection.texts]
    outputs += [(model_name(manifest, name), f" {aipp_of(name)}") for name in pipelines]
    script = f"python -m ms_core.old_zoo run {manifest.package} convert_om.sh"
    lines = [f"{script} ../{model} {out}{aipp}" for out, aipp in outputs]
    if model is None:
        lines = ["(ATC reads ONNX and AIR: export with --format onnx as well)"]
    if {"mindir", "onnx"} & set(manifest.formats):
        lines += [converter_command(manifest, name) for name in (PLAIN, WITH_AIPP) if name in selection.texts]
    return lines


def _about_pipelines(manifest: DetectionManifest) -> list[str]:
    return [
        "Pipelines",
        f"  Stream: {STREAM}. Paths are relative to the pipeline's file; infer_by_sdk.py makes them absolute.",
        f"  Post-processing: {LIBRARY}",
        "  By its published source it takes what this model gives: float32 boxes y0 x0 y1 x1 from 0 to 1, and scores",
        "  with the background first; outputs in float16 are refused (convert_om.sh asks for float32). Unverified.",
        "  It selects boxes in its own way:",
        *(f"    {line}" for line in differences(manifest)),
    ]
