"""The shell scripts of the old DeFRCN code.

The old ones copied the code into a folder, had paths of weights written into them, and asked about every number of
shots and every seed. Ours take the configuration that they took, from `configs/coco` here or in .., if it is there.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Literal

from ms_core.errors import UserError
from ms_core.old_zoo.entries_defrcn import newest_checkpoint, run_of_stage
from ms_core.old_zoo.files import read_old_file
from ms_core.old_zoo.networks import DEFRCNS
from ms_core.old_zoo.script import Interface, Script
from ms_core.old_zoo.scripts_310 import CONVERSION, INFERENCE_DEFRCN
from ms_core.old_zoo.stages_defrcn import CLASSES, Stage, stage_of
from ms_core.old_zoo.values import Old
from ms_core.run_target import run_of

_BASE = Stage("base", "base")
_WITHOUT_FILE = {
    "datasets_root": "../datasets",
    "backbone_pretrained_path": "../ImageNetPretrained/pkl_convert/backbone.ckpt",
    "pcb_modelpath": "../ImageNetPretrained/pth_convert/res101_ms.ckpt",
}
"""Where the guide puts things, from the folder `scripts`; for users who have no old file that says it."""
_SHOTS, _SEED, _MODE = "10", "0", "fsod"
"""The fine-tuning that the old scripts evaluated."""
_MEASURED_FILE = {"MODE": _MODE, "SHOTS": _SHOTS}
_BASE_FILE = "configs/coco/defrcn_det_r101_base.yaml"
_NOVEL_FILE = "configs/coco/defrcn_{MODE}_r101_novel_{SHOTS}shot.yaml"
_STUDY = (
    "this is one fine-tuning; the old script asked about 1, 2, 3, 5, 10 and 30 shots, ten times each. All of them: "
    "ms-defrcn study {base} --mode {{MODE}} --shots 1 2 3 5 10 30 --seeds 0-9 --out study"
)

_MANY = "EXP_NAME [DEVICE_NUM [RANK_TABLE_FILE]]"
_TRAIN = "EXP_NAME [CONFIG [DEVICE_ID]]"
_TRAIN_MANY = f"{_MANY} [CONFIG]"
_FINETUNE = (_TRAIN, "EXP_NAME MODE SHOTS [SHOTS_SEED [CONFIG [DEVICE_ID]]]")
_FINETUNE_MANY = (_TRAIN_MANY, f"{_MANY} MODE SHOTS [SHOTS_SEED [CONFIG]]")
_EVAL = ("[CHECKPOINT_PATH [DEVICE_ID]]", "CONFIG [CHECKPOINT_PATH [DEVICE_ID]]")


def _train_flags(values: Mapping[str, str], *, together: bool) -> dict[str, str]:
    flags = {"save_checkpoint_path": run_of_stage(_BASE, values["EXP_NAME"])}
    flags |= {} if together else {"run_distribute": "False"}
    if "CONFIG" not in values:
        flags |= {key: _WITHOUT_FILE[key] for key in ("datasets_root", "backbone_pretrained_path")}
    return flags


def _finetune_flags(values: Mapping[str, str], *, together: bool) -> dict[str, str]:
    stage = _stage(values)
    base = run_of_stage(_BASE, values["EXP_NAME"])
    flags = {
        **_sets(stage),
        "seed": str(stage.seed),
        "num_classes": str(CLASSES[stage.classes] + 1),
        "is_pretrain": "False",
        "is_finetune": "True",
        "model_pretrained_path": base,
        "save_checkpoint_path": run_of_stage(stage, values["EXP_NAME"]),
    }
    flags |= {} if together else {"run_distribute": "False"}
    if "CONFIG" not in values:
        keys = ["pcb_modelpath", *(["datasets_root"] if run_of(Path(base)) is None else [])]
        flags |= {key: _WITHOUT_FILE[key] for key in keys}
    return flags


def _eval_flags(values: Mapping[str, str], *, stage: Stage) -> dict[str, str]:
    flags = {"run_distribute": "False"}
    target = Path(values.get("CHECKPOINT_PATH") or run_of_stage(stage))
    if stage.mode != "base":
        flags |= {"is_pretrain": "False", "is_finetune": "True"}
    if "CONFIG" in values:
        return flags
    flags["eval_checkpoint_path"] = str(target)
    if run_of(newest_checkpoint(target)) is not None:
        return flags
    flags["datasets_root"] = _WITHOUT_FILE["datasets_root"]
    if stage.mode != "base":
        flags["pcb_modelpath"] = _WITHOUT_FILE["pcb_modelpath"]
        flags |= {} if "CHECKPOINT_PATH" in values else _sets(stage)
    return flags


def _sets(stage: Stage) -> dict[str, str]:
    """The old names of the data of a stage."""
    drawn = f"_{stage.shots}shot_seed{stage.seed}" if stage.shots else ""
    return {
        "dataset_train": f"[coco14_trainval_{stage.classes}{drawn}]",
        "dataset_test": f"[coco14_test_{stage.classes}]",
    }


def _stage(values: Mapping[str, str]) -> Stage:
    """The stage that the words name, else the file, else the one that the old scripts evaluated.

    Raises:
        UserError: a file of ours, which leaves it open.
    """
    if "MODE" in values or "CONFIG" not in values:
        mode: Any = values.get("MODE", _MODE).lower()
        shots, seed = values.get("SHOTS", _SHOTS), values.get("SHOTS_SEED", _SEED)
        return Stage(mode, "novel" if mode == "fsod" else "all", int(shots), int(seed))
    path = Path(values["CONFIG"])
    old = read_old_file(path) if path.is_file() else None
    if old is None:
        raise UserError(f"{path}: of how many shots? Write EXP_NAME MODE SHOTS SHOTS_SEED CONFIG.")
    stage = stage_of(Old(old.values, old.where, DEFRCNS["defrcn_r101"], "", Path.exists))
    if not stage.shots:
        raise UserError(f"{path}: this is no configuration of fine-tuning. Name one, or MODE and SHOTS.")
    return stage


def _training(verb: Literal["train", "finetune"], device: Literal["Ascend", "GPU"], together: bool) -> Script:
    """A script of one of the two stages on one device or several."""
    folder = f"{verb}_parallel" if verb == "finetune" else "train"
    if together and device == "Ascend":
        folder = f"{verb}_parallel{{RANK}}"
    flags: Callable[..., dict[str, str]] = _train_flags if verb == "train" else _finetune_flags
    forms = {
        ("train", False): (_TRAIN,),
        ("train", True): (_TRAIN_MANY,),
        ("finetune", False): _FINETUNE,
        ("finetune", True): _FINETUNE_MANY,
    }
    what = "base training" if verb == "train" else "fine-tuning"
    return Script(
        f"{what} on {'several devices' if together else 'one device'}",
        "train.py",
        forms[verb, together],
        folder if together else verb,
        "train.log" if together and device == "GPU" else "log",
        device=device,
        devices="many" if together else "one",
        config=_BASE_FILE if verb == "train" else _NOVEL_FILE,
        defaults=_MEASURED_FILE,
        more_flags=partial(flags, together=together),
        note="" if verb == "train" else _STUDY.format(base=run_of_stage(_BASE, "{EXP_NAME}")),
    )


def _evaluation(stage: Stage, device: Literal["Ascend", "GPU"]) -> Script:
    what = "base network" if stage.mode == "base" else "fine-tuned network"
    return Script(
        f"measure a {what}: COCO numbers, AP of every category",
        "eval.py",
        _EVAL,
        "eval",
        "log",
        device=device,
        config=_BASE_FILE if stage.mode == "base" else _NOVEL_FILE,
        defaults=_MEASURED_FILE,
        more_flags=partial(_eval_flags, stage=stage),
    )


_PLATFORMS: Mapping[str, Literal["Ascend", "GPU"]] = {"ascend": "Ascend", "gpu": "GPU"}
_VERBS: tuple[Literal["train"], Literal["finetune"]] = ("train", "finetune")
_MEASURED = {"pretrain": _BASE, "finetune": Stage("fsod", "novel", int(_SHOTS), int(_SEED))}
DEFRCN = Interface(
    model="",
    run="",
    flags={
        "CONFIG": "config_path",
        "DEVICE_NUM": "device_num",
        "DEVICE_ID": "device_id",
        "DEVICE_TYPE": "device_target",
        "CHECKPOINT_PATH": "eval_checkpoint_path",
    },
    distributed_flag="run_distribute",
    scripts={
        **{
            f"run_{devices}_{verb}_{name}.sh": _training(verb, device, devices == "distribute")
            for verb in _VERBS
            for devices in ("standalone", "distribute")
            for name, device in _PLATFORMS.items()
        },
        **{
            f"run_eval_{what}_{name}.sh": _evaluation(stage, device)
            for what, stage in _MEASURED.items()
            for name, device in _PLATFORMS.items()
        },
        **INFERENCE_DEFRCN,
        **CONVERSION,
    },
    data_flags="--datasets_root",
)
