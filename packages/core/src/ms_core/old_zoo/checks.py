"""What would go wrong a moment after an old script's start, told before it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from ms_core.data.join import annotation_parts
from ms_core.device_choice import missing_part, parse_device
from ms_core.errors import UserError
from ms_core.old_zoo.calls import Call, run_folder
from ms_core.old_zoo.installed import tool_of
from ms_core.run_folder import RunFolder


def check_command(call: Call, words: Sequence[str]) -> None:
    """Refuse what our command would refuse a moment later, in the background, where nobody reads it.

    Raises:
        UserError: a faulty configuration, an exported model without its manifest, missing data or weights, a device
            that this machine has not, or results of a former run that would be lost.
    """
    from ms_core.cli import read_words

    tool = tool_of(call.package)
    if words[0] == "finetune":
        _require_base(call, words)
    if words[0] in ("train", "finetune", "eval", "predict", "infer"):
        arguments = read_words(tool, words)
        if words[0] == "infer":
            _require_manifest(call, arguments)
        if words[0] == "predict":
            _require_pictures(call, arguments)
        else:
            _require_data(call, arguments, "val" if words[0] in ("eval", "infer") else "train")
        if words[0] in ("train", "finetune"):
            _require_no_results(call, words)
            _require_weights(call, arguments)
        _require_device(call, arguments)


def _require_device(call: Call, arguments: Namespace) -> None:
    target = parse_device(arguments.config.device).target
    problem = missing_part(target) if target is not None else ""
    if problem:
        raise UserError(
            f"{call.name}: --device {arguments.config.device}: not available: {problem}. DEVICE_TARGET=CPU before the "
            "script's name, or device_target in the configuration, names another device."
        )


def _require_data(call: Call, arguments: Namespace, split: str) -> None:
    data = arguments.config.data
    name = split if getattr(data, split) is not None or not hasattr(data, "root") else "root"
    place = getattr(data, name)
    if place is None:
        raise UserError(
            f"{call.name}: no data: data.{name} is not set. Give a CONFIG that names it, or the old flags "
            f"{call.interface.data_flags} after the arguments."
        )
    for part in annotation_parts(str(place)):
        if not Path(part).exists():
            raise UserError(f"{call.name}: data.{name}: {part}: there is no such file or folder.")


def _require_manifest(call: Call, arguments: Namespace) -> None:
    """What says how the exported model is to be used."""
    from ms_core.infer.options import read_any_manifest

    try:
        read_any_manifest(arguments.exported)
    except UserError as error:
        raise UserError(f"{call.name}: {error}") from error


def _require_base(call: Call, words: Sequence[str]) -> None:
    """What a fine-tuning starts from."""
    if not Path(words[1]).exists():
        raise UserError(
            f"{call.name}: {words[1]}: there is no base training. Start it with run_standalone_train_gpu.sh or one of "
            "the others and the same EXP_NAME, or name a checkpoint with --model_pretrained_path."
        )


def _require_weights(call: Call, arguments: Namespace) -> None:
    for name in ("weights", "backbone_weights"):
        path = getattr(arguments.config, name)
        if path is not None and not Path(path).exists():
            raise UserError(
                f"{call.name}: {name}: {path}: there is no such file. Name another, or null for none."
            )


def _require_pictures(call: Call, arguments: Namespace) -> None:
    """Pictures to look at, and no earlier predictions in their place."""
    from ms_core.data.prediction_files import PREDICTIONS  # with it comes OpenCV

    for place in arguments.inputs:
        if not Path(place).exists():
            raise UserError(f"{call.name}: {place}: there is no such file or folder.")
    if (arguments.out / PREDICTIONS).exists() and not arguments.overwrite:
        raise UserError(
            f"{arguments.out}: holds earlier predictions. Name another folder, or start with OVERWRITE=1, which "
            "replaces them."
        )


def _require_no_results(call: Call, words: Sequence[str]) -> None:
    """The old scripts removed the folder with all checkpoints in it."""
    run = run_folder(call, words)
    taken = RunFolder(run).has_results or any(run.glob("*.ckpt"))
    moved = call.folder if call.interface.run else run
    if taken and str(run) in words and "--overwrite" not in words:
        raise UserError(
            f"{run}: holds the results of a former training. Move {moved} away, or start with OVERWRITE=1, which "
            f"removes them. To go on with it: {call.package} train --resume {run}"
        )
