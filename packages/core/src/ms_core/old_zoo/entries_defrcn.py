"""The Python entry points of the old DeFRCN code, as command lines of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from ms_core.errors import UserError
from ms_core.old_zoo.arguments import read_flags
from ms_core.old_zoo.entries import Call, Entry, Program
from ms_core.old_zoo.keys_defrcn import KEYS
from ms_core.old_zoo.networks import DEFRCNS, OldPackage
from ms_core.old_zoo.rules_defrcn import located
from ms_core.old_zoo.stages_defrcn import Stage, stage_of
from ms_core.old_zoo.values import Old, read_value
from ms_core.run_target import run_of

RUNS = "checkpoints/coco/{experiment}/{stage}"
"""Where the old scripts kept the results of a stage, from the folder `scripts`."""
EXPERIMENT = "defrcn_det_r101"
"""The EXP_NAME of the old files and scripts."""
_FORMATS = ("mindir", "onnx", "air")
_OF_THE_STAGE = ("fewshot.classes", "fewshot.shots", "fewshot.shots_seed", "finetune.mode")
_SAVED = re.compile(r"defrcn-(\d+)_(\d+)\.ckpt")
"""A checkpoint of the old code: epoch and step."""
_BACKBONE = ("../MSRA/R-101.pkl", "backbone.ckpt")
_CALIBRATION = ("../torchvision/resnet101-5d3b4d8f.pth", "res101_ms.ckpt")
"""What the old converters read and wrote; they were run in ImageNetPretrained/pkl_convert and pth_convert."""


def run_of_stage(stage: Stage, experiment: str = EXPERIMENT) -> str:
    """The run folder of a stage."""
    return RUNS.format(experiment=experiment, stage=stage.name)


def newest_checkpoint(path: Path) -> Path:
    """The path; of a folder that the old code wrote, and that is no run of ours, its newest checkpoint."""
    if not path.is_dir() or run_of(path) is not None:
        return path
    saved = [(found, file) for file in (*path.glob("ckpt_0/*.ckpt"), *path.glob("*.ckpt"))
             if (found := _SAVED.fullmatch(file.name))]  # fmt: skip
    newest = max(saved, key=lambda entry: (int(entry[0][1]), int(entry[0][2])), default=None)
    return path if newest is None else newest[1]


def _train(call: Call) -> list[str]:
    stage = _stage(call)
    out = str(call.options.get("save_checkpoint_path") or "")
    if stage.mode == "base":
        return [*call.words("train"), "--out", Path(out or run_of_stage(stage)).as_posix()]
    if not stage.shots:
        raise UserError(
            "--dataset_train is missing: a fine-tuning on how many shots, drawn by which seed? "
            "Write --dataset_train [coco14_trainval_novel_10shot_seed0]."
        )
    base = _target(call, "model_pretrained_path", run_of_stage(Stage("base", "base")))
    for key in _OF_THE_STAGE:
        call.overrides.pop(key, None)
    words = [*_words(call, "finetune", base), "--mode", stage.mode, "--shots", str(stage.shots)]
    return [*words, "--shots-seed", str(stage.seed), "--out", Path(out or run_of_stage(stage)).as_posix()]


def _eval(call: Call) -> list[str]:
    stage = _stage(call)
    known = stage.mode == "base" or stage.shots
    target = _target(call, "eval_checkpoint_path", run_of_stage(stage) if known else "")
    if not target:
        raise UserError("--eval_checkpoint_path is missing: the checkpoint to evaluate.")
    if not known and _needs_configuration(call, target):
        raise UserError(
            f"{target}: of how many shots is it? Name its configuration, --config_path "
            "defrcn_fsod_r101_novel_10shot.yaml, or write --dataset_train [coco14_trainval_novel_10shot_seed0]."
        )
    calibrated = _old(call).get("pcb_enable")
    call.overrides.pop("pcb.enabled", None)
    words = _words(call, "eval", target)
    return words if calibrated is None else [*words, "--pcb", "on" if calibrated else "off"]


def _export(call: Call) -> list[str]:
    target = _target(call, "export_ckpt_file")
    if not target:
        raise UserError("--export_ckpt_file is missing: the checkpoint to export.")
    form = str(call.options.get("export_file_format") or _FORMATS[0]).lower()
    if form not in _FORMATS:
        raise UserError(f"--export_file_format: {form!r} is not one of {', '.join(_FORMATS)}.")
    out = str(call.options.get("export_file_name") or "defrcn")
    size = [str(call.values[key]) for key in ("img_height", "img_width") if call.values.get(key)]
    return [
        *_words(call, "export", target),
        *("--format", form),
        *(("--size", *size) if len(size) == 2 else ()),
        *("--out", out),
    ]


def _target(call: Call, key: str, default: str = "") -> str:
    """What a verb works on; "" where neither the old command nor a default says it."""
    path = located(_old(call), key) or (Path(default) if default else None)
    return "" if path is None else newest_checkpoint(path).as_posix()


def _words(call: Call, verb: str, target: str) -> list[str]:
    """The beginning of our command; a run of ours knows its configuration, unless another one was named."""
    if _needs_configuration(call, target):
        return call.words(verb, target)
    if "dataset_train" not in call.flags:
        for key in _OF_THE_STAGE:
            call.overrides.pop(key, None)
    words = call.words(verb, target)
    place = words.index("--config")
    return [*words[:place], *words[place + 2 :]]


def _needs_configuration(call: Call, target: str) -> bool:
    return "config_path" in call.flags or run_of(Path(target)) is None


def _stage(call: Call) -> Stage:
    return stage_of(_old(call))


def _old(call: Call) -> Old:
    """The flags over the file, checked, for the rules."""
    values = {}
    for name, value in call.values.items():
        if name in KEYS and KEYS[name].becomes != "dead":
            key = KEYS[name].same_as or name
            values[key] = read_value(KEYS[key].kind, value, name)
    return Old(values, {}, DEFRCNS["defrcn_r101"], "", Path.exists)


def _surgery(package: OldPackage, argv: Sequence[str]) -> list[str]:
    flags = ("dataset", "method", "src_path", "save_dir", "tar_name", "device_target")
    values = read_flags("model_surgery.py", argv, flags)
    for name in ("src_path", "save_dir", "method"):
        if not values.get(name):
            raise UserError(f"model_surgery.py: --{name.replace('_', '-')} is missing.")
    if values.get("dataset", "coco") != "coco":
        raise UserError(
            "model_surgery.py: --dataset: coco is what it knew. For VOC: "
            "ms-defrcn surgery BASE OUT --method randinit --config defrcn_r101_voc1_gfsod"
        )
    method = values["method"]
    if method not in ("remove", "randinit"):
        raise UserError(f"model_surgery.py: --method: {method!r} is not one of remove, randinit.")
    ending, mode = ("remove", "fsod") if method == "remove" else ("surgery", "gfsod")
    base = newest_checkpoint(Path(values["src_path"]))
    out = Path(values["save_dir"]) / f"{values.get('tar_name', 'model_reset')}_{ending}.ckpt"
    words = [package, "surgery", base.as_posix(), out.as_posix(), "--method", method]
    return [*words, "--config", f"defrcn_r101_coco_{mode}"]


def _convert(package: OldPackage, argv: Sequence[str], entry: str, files: tuple[str, str]) -> list[str]:
    """The old converters had their paths in the code; two words replace them.

    Raises:
        UserError: more than two words.
    """
    if len(argv) > len(files) or any(word.startswith("-") for word in argv):
        raise UserError(f"{entry}: {' '.join(argv)} is not expected here. Write {entry} [SOURCE [TARGET]].")
    source, target = (*argv, *files[len(argv) :])
    return [package, "convert", source, target]


def _pkl2ckpt(package: OldPackage, argv: Sequence[str]) -> list[str]:
    return _convert(package, argv, "pkl2ckpt.py", _BACKBONE)


def _pth2ckpt(package: OldPackage, argv: Sequence[str]) -> list[str]:
    return _convert(package, argv, "pth2ckpt.py", _CALIBRATION)


ENTRIES: Mapping[str, Entry | Program] = {
    "train.py": Entry("train", _train, about="base training; fine-tuning where is_finetune says so"),
    "eval.py": Entry("eval", _eval, about="COCO metrics of a checkpoint, AP of every category"),
    "export.py": Entry("export", _export, about="MINDIR or AIR from a checkpoint"),
    "model_surgery.py": Program("surgery", _surgery, "the start of a fine-tuning from a base checkpoint"),
    "pkl2ckpt.py": Program("convert", _pkl2ckpt, "the backbone from MSRA's R-101.pkl"),
    "pth2ckpt.py": Program("convert", _pth2ckpt, "the calibration network from torchvision's ResNet-101"),
}
"""File, without its folder -> what it is now. finetune itself operates on what it starts from."""
