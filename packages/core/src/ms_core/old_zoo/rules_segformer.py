"""How old SegFormer values become ours where it is more than another name: one function a concern."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ms_core.old_zoo.values import Old, Settings

CITYSCAPES_CLASSES = 19
OLD_DECODER_WIDTH = 512
"""Channels of the old decoders, which no key tells, but for b0, whose decoder was the published one."""
_EPOCHS = 200
"""The old default of `epoch_size`."""
_OPTIMIZERS = {"adamw": "adam-weight-decay", "momentum": "momentum", "sgd": "momentum"}
"""The old `adamw` was MindSpore's AdamWeightDecay, which has no bias correction."""
DEFAULTS: Mapping[str, Any] = {
    "backbone": "mit_b0",
    "data_path": "./data/cityscapes/",
    "base_size": (512, 1024),
    "crop_size": (512, 1024),
}
"""What segformer.base.yaml says below every old file, as far as our recipes do not say it too."""


def recipe_of(old: Old) -> str:
    """Our recipe of the old kind for the backbone and the crop; only b0 had one for 512 x 1024."""
    name = old.network.name
    small = name == "segformer_b0" and tuple(old.get("crop_size", (512, 1024))) == (512, 1024)
    return f"{name}_{'512x1024' if small else '1024x1024'}_zoo"


def unread(old: Old) -> dict[str, str]:
    """Old key -> why nothing is taken from it, of keys that another key switches off."""
    found: dict[str, str] = {}
    if old.get("load_ckpt") is False:
        found["pretrained_ckpt_path"] = "load_ckpt is False"
    if old.get("run_eval") is False:
        found |= dict.fromkeys(("eval_start_epoch", "eval_interval"), "run_eval is False")
    if old.get("save_checkpoint") is False:
        found["save_checkpoint_epoch_interval"] = "save_checkpoint is False"
    return found


def model_settings(old: Old) -> Settings:
    """The network and the width of its decoder."""
    name = old.network.name
    wide = {} if name == "segformer_b0" else {"model.decoder_width": OLD_DECODER_WIDTH}
    return {"model.name": name, **wide}


def data_settings(old: Old) -> Settings:
    """`data.root`."""
    root = _located(old, "data_path")
    return {} if root is None else {"data.root": root.as_posix()}


def class_settings(old: Old) -> Settings:
    """Nothing for the 19 classes of Cityscapes, which need no names; else names to be replaced.

    Raises:
        UserError: fewer than two classes.
    """
    count = old.get("class_num")
    if count == CITYSCAPES_CLASSES:
        return {}
    if count < 2:
        raise old.error("class_num", f"{count} classes leave nothing to tell apart.")
    old.notes.append(
        f"class_num {count}: the classes are called class 0 to class {count - 1}, and none weighs more than another; "
        "--data.classes FILE names them"
    )
    names = tuple(f"class {number}" for number in range(count))
    return {"data.classes": names, "loss.class_weights": "none"}


def size_settings(old: Old) -> Settings:
    """Size that pictures are fitted into, in training and evaluation, and size of the crops.

    Raises:
        UserError: not two whole numbers.
    """
    found: Settings = {}
    for key, ours in (("base_size", ("input.base_size", "inference.size")), ("crop_size", ("input.crop",))):
        size = old.get(key)
        if size is None:
            continue
        if len(size) != 2 or not all(isinstance(side, int) and side >= 1 for side in size):
            raise old.error(key, f"{list(size)} is not [height, width] in pixels.")
        found |= dict.fromkeys(ours, tuple(size))
    return found


def length_settings(old: Old) -> Settings:
    """Epochs count, whatever iterations a recipe has."""
    return {"train.epochs": old.get("epoch_size"), "train.iterations": 0}


def worker_settings(old: Old) -> Settings:
    """Threads of the verb: training and evaluation had a number each."""
    evaluates = old.verb.startswith(("eval", "predict"))
    number = old.get("dataset_eval_num_parallel_workers" if evaluates else "dataset_num_parallel_workers")
    return {} if number is None else {"train.workers": number}


def optimizer_settings(old: Old) -> Settings:
    """
    Raises:
        UserError: another optimiser than the three.
    """
    name = str(old.get("optimizer")).lower()
    if name not in _OPTIMIZERS:
        raise old.error("optimizer", f"{name!r} is not one of {', '.join(_OPTIMIZERS)}.")
    return {"optimizer.name": _OPTIMIZERS[name]}


def weight_settings(old: Old) -> Settings:
    """What the encoder starts from."""
    if old.get("load_ckpt") is False:
        return {"backbone_weights": None}
    path = _located(old, "pretrained_ckpt_path")
    return {} if path is None else {"backbone_weights": path.as_posix()}


def saving_settings(old: Old) -> Settings:
    """How often a checkpoint is kept; the old training removed none."""
    if old.get("save_checkpoint") is False:
        return {"train.save_every": 0}
    every = old.get("save_checkpoint_epoch_interval", 1)
    if every < 1:
        raise old.error("save_checkpoint_epoch_interval", f"{every} is below 1.")
    return {"train.save_every": every, "train.keep_max": max(1, old.get("epoch_size", _EPOCHS) // every)}


def evaluation_settings(old: Old) -> Settings:
    """When a training evaluates. Epochs are numbered from 1, so 0 and 1 are the same start."""
    found: Settings = {}
    if old.get("eval_start_epoch") is not None:
        found["train.eval_start"] = max(1, old.get("eval_start_epoch"))
    if old.get("eval_interval") is not None:
        found["train.eval_interval"] = old.get("eval_interval")
    return found


def _located(old: Old, key: str) -> Path | None:
    """A path from the working folder, or from the one above, where the scripts of the folder `scripts` had it."""
    text = old.get(key)
    if text is None:
        return None
    path, above = Path(text), ".." / Path(text)
    return above if not path.is_absolute() and not old.exists(path) and old.exists(above) else path
