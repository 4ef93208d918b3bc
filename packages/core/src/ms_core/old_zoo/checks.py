"""What would go wrong a moment after an old script's start, told before it."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ms_core.device_choice import missing_part, parse_device
from ms_core.errors import UserError
from ms_core.old_zoo.calls import Call, detector_package, run_folder
from ms_core.run_folder import RunFolder

if TYPE_CHECKING:
    from ms_core.cli import Tool


def check_command(call: Call, words: Sequence[str]) -> None:
    """Refuse what our command would refuse a moment later, in the background, where nobody reads it.

    Raises:
        UserError: a verb that does not exist yet, a faulty configuration, missing data, a device that this machine has
            not, or results of a former training that would be lost.
    """
    from ms_core.cli import read_words

    tool = tool_of(call.package)
    if words[0] not in tool.verbs:
        raise UserError(
            f"{call.name}: {tool.name} {tool.version} has no verb `{words[0]}` yet: running exported models is still "
            f"missing. Measure the checkpoint instead: {tool.name} eval CHECKPOINT. It would be: "
            f"{tool.name} {' '.join(words)}"
        )
    if words[0] in ("train", "eval"):
        arguments = read_words(tool, words)
        _require_data(call, arguments, "train" if words[0] == "train" else "val")
        if words[0] == "train":
            _require_no_results(call, words)
        _require_device(call, arguments)


def tool_of(package: str) -> Tool:
    """The command of an installed model package."""
    from ms_core.single_shot.verbs import detector_tool

    return detector_tool(detector_package(package), "")


def _require_device(call: Call, arguments: Namespace) -> None:
    target = parse_device(arguments.config.device).target
    problem = missing_part(target) if target is not None else ""
    if problem:
        raise UserError(
            f"{call.name}: --device {arguments.config.device}: not available: {problem}. DEVICE_TARGET=CPU before the "
            "script's name, or device_target in the configuration, names another device."
        )


def _require_data(call: Call, arguments: Namespace, split: str) -> None:
    place = getattr(arguments.config.data, split)
    if place is None:
        raise UserError(
            f"{call.name}: no data: data.{split} is not set. Give a CONFIG that names it, or the old flags "
            "--coco_root, --voc_root, --image_dir and --anno_path after the arguments."
        )
    if not Path(place).exists():
        raise UserError(f"{call.name}: data.{split}: {place}: there is no such file or folder.")


def _require_no_results(call: Call, words: Sequence[str]) -> None:
    """The old scripts removed the folder with all checkpoints in it."""
    run = run_folder(call)
    taken = RunFolder(run).has_results or any(run.glob("*.ckpt"))
    if taken and str(run) in words and "--overwrite" not in words:
        raise UserError(
            f"{run}: holds the results of a former training. Move {call.folder} away, or start with OVERWRITE=1, which "
            f"removes them. To go on with it: {call.package} train --resume {run}"
        )
