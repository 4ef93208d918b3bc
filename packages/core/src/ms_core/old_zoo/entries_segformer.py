"""The Python entry points of the old SegFormer code, as command lines of ours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from ms_core.errors import UserError
from ms_core.old_zoo.arguments import read_flags
from ms_core.old_zoo.entries import Call, Entry, Program
from ms_core.old_zoo.networks import OldPackage
from ms_core.old_zoo.rules_segformer import DEFAULTS

CHECKPOINTS, PICTURES = "checkpoint", "infer_result"
"""The old default folders of a training and of predictions."""
_FORMATS = ("mindir", "air", "onnx")
_WITHOUT = {
    "infer_copy_original_img": "--no-copy",
    "infer_save_gray_img": "--no-gray",
    "infer_save_color_img": "--no-color",
    "infer_save_overlap_img": "--no-overlay",
}
_SPLITS = ("test", "val")
"""Splits of a Cityscapes folder whose pictures infer.py is taken to mean, the first that is there."""


def _train(call: Call) -> list[str]:
    return [*call.words("train"), "--out", _folder(call, "checkpoint_path", CHECKPOINTS)]


def _eval(call: Call) -> list[str]:
    return call.words("eval", _checkpoint(call, "eval_ckpt_path", "evaluate"))


def _infer(call: Call) -> list[str]:
    checkpoint = _checkpoint(call, "infer_ckpt_path", "predict with")
    pictures = _pictures(call)
    call.overrides.pop("data.root", None)
    words = call.words("predict", checkpoint, pictures)
    left_out = [option for key, option in _WITHOUT.items() if call.options.get(key) is False]
    return [*words, "--out", _folder(call, "infer_output_path", PICTURES), *left_out]


def _export(call: Call) -> list[str]:
    checkpoint = _checkpoint(call, "export_ckpt_path", "export")
    form = str(call.options.get("export_format") or _FORMATS[0]).lower()
    if form not in _FORMATS:
        raise UserError(f"--export_format: {form!r} is not one of {', '.join(_FORMATS)}.")
    return [*call.words("export", checkpoint), "--format", form, "--out", _stem(call.config)]


def _stem(config: str) -> str:
    """The old models were named after the YAML file: segformer.b1.1024x1024.city.air."""
    path = Path(config)
    return path.stem if path.suffix in (".yaml", ".yml") else path.name


def _checkpoint(call: Call, key: str, purpose: str) -> str:
    """
    Raises:
        UserError: not named.
    """
    path = call.options.get(key)
    if path is None:
        raise UserError(f"--{key} is missing: the checkpoint to {purpose}.")
    return str(path)


def _folder(call: Call, key: str, default: str) -> str:
    return Path(call.options.get(key) or default).as_posix()


def _pictures(call: Call) -> str:
    """The folder of the pictures: of a Cityscapes folder those of one split, else the folder as it is."""
    root = Path(str(call.values.get("data_path") or DEFAULTS["data_path"]))
    splits = [root / "leftImg8bit" / split for split in _SPLITS]
    found = next((folder for folder in splits if folder.is_dir()), None)
    if found is None:
        return root.as_posix()
    call.notes.append(
        f"of {root} the pictures of {found.relative_to(root)} are taken; name another folder instead"
    )
    return found.as_posix()


def _convert_dataset(package: OldPackage, argv: Sequence[str]) -> list[str]:
    values = read_flags("convert_dataset.py", argv, ("nproc",), "CITYSCAPES_FOLDER")
    if "CITYSCAPES_FOLDER" not in values:
        raise UserError(
            "convert_dataset.py: the Cityscapes folder is missing. Write convert_dataset.py FOLDER."
        )
    words = [package, "data", "convert", "cityscapes", "--data.root", values["CITYSCAPES_FOLDER"]]
    return [*words, *(["--nproc", values["nproc"]] if "nproc" in values else [])]


def _convert_model(package: OldPackage, argv: Sequence[str]) -> list[str]:
    values = read_flags("convert_model.py", argv, ("pt_model_path", "ms_model_path"))
    for name in ("pt_model_path", "ms_model_path"):
        if name not in values:
            raise UserError(f"convert_model.py: --{name} is missing.")
    return [package, "convert", values["pt_model_path"], values["ms_model_path"]]


ENTRIES: Mapping[str, Entry | Program] = {
    "train.py": Entry("train", _train, about="training"),
    "eval.py": Entry("eval", _eval, about="IoU of every class and mIoU of a checkpoint"),
    "infer.py": Entry("predict", _infer, about="pictures of what a checkpoint sees: grey, colour, overlay"),
    "export.py": Entry("export", _export, about="MINDIR or AIR from a checkpoint"),
    "convert_dataset.py": Program(
        "data convert", _convert_dataset, "label pictures from Cityscapes' polygon files"
    ),
    "convert_model.py": Program("convert", _convert_model, "a checkpoint from the authors' .pth file"),
}
"""File, without its folder -> what it is now."""
