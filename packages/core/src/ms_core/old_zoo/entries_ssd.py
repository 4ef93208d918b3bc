"""The Python entry points of the old SSD and SSDLite code, as command lines of ours."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from ms_core.errors import UserError
from ms_core.old_zoo.entries import Call, Entry


def _train(call: Call) -> list[str]:
    if call.options.get("only_create_dataset"):
        return call.words("data cache")
    out = call.options.get("output_path")
    named = out is not None and Path(out) != Path()
    return [*call.words("train"), *(["--out", str(out)] if named else [])]


def _eval(call: Call) -> list[str]:
    return call.words("eval", _checkpoint(call, "the checkpoint to evaluate"))


def _export(call: Call) -> list[str]:
    form = str(call.options.get("file_format") or "MINDIR").lower()
    out = str(call.options.get("file_name") or "ssd")
    words = [
        *call.words("export", _checkpoint(call, "the checkpoint to export")),
        "--format",
        form,
        "--out",
        out,
    ]
    batch = call.options.get("batch_size")
    return words if batch is None else [*words, "--batch-size", str(batch)]


def _postprocess(call: Call) -> list[str]:
    folder = call.options.get("result_path")
    if folder is None:
        raise UserError("--result_path is missing: the folder of the raw outputs, *_0.bin and *_1.bin.")
    pictures = call.options.get("img_path")
    if pictures is not None:
        call.overrides["data.val_images"] = pictures
    annotations = call.values.get("anno_path")  # of the research code: a COCO file, whatever dataset says
    if annotations:
        call.overrides["data.val"] = annotations
    call.overrides["eval.subset"] = "zoo" if call.options.get("drop") else "all"
    return call.words("eval", str(folder))


def _onnx(call: Call) -> list[str]:
    model = call.options.get("file_name")
    if model is None:
        raise UserError("--file_name is missing: the ONNX model.")
    return [*call.words("infer", str(model)), "--runtime", "onnxruntime"]


def _checkpoint(call: Call, what: str) -> str:
    """What the command works on.

    Raises:
        UserError: not named.
    """
    given = [call.flags.get(name) for name in ("checkpoint_file_path", "checkpoint_path")]
    written = [call.options.get("checkpoint_file_path")]
    if call.package == "ms-ssdlite-fpn":  # in the official YAML checkpoint_path was read nowhere
        written.insert(0, call.options.get("checkpoint_path"))
    for path in (*given, *written):
        if path:
            return str(path)
    raise UserError(f"--checkpoint_file_path is missing: {what}.")


ENTRIES: Mapping[str, Entry] = {
    "train.py": Entry("train", _train, about="training; with only_create_dataset the MindRecord files alone"),
    "eval.py": Entry("eval", _eval, about="COCO metrics of a checkpoint"),
    "export.py": Entry("export", _export, about="MINDIR, AIR or ONNX from a checkpoint"),
    "postprocess.py": Entry("eval", _postprocess, about="metrics from the raw outputs of an exported model"),
    "eval_onnx.py": Entry("eval", _onnx, about="metrics of an ONNX model"),
    "infer_ssd_mobilenet_v1_fpn_onnx.py": Entry(
        "eval",
        _onnx,
        network="ssd_mobilenet_v1_fpn",
        about="metrics of the ONNX model of ssd_mobilenet_v1_fpn",
    ),
}
"""File -> what it is now. `mindspore_hub_conf.py` is no command: its `create_network` is still there."""
