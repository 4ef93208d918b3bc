"""Training of DeFRCN on ModelArts: any flag of the old train.py, with paths below `data_url`.

The old programs took the addresses as configuration keys beside all others. Everything that a training reads (coco,
cocosplit, weights, a configuration) lies in one folder here, `data_url`. Never run on the service by us.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ms_core.cli import WRONG_USE
from ms_core.errors import UserError
from ms_core.old_zoo.calls import without_out
from ms_core.old_zoo.modelarts import OF_THE_SERVICE, Job, run_job
from ms_core.old_zoo.networks import OldPackage

PACKAGE: OldPackage = "ms-defrcn"
ADDRESSES = ("data_url", "train_url")
PATHS = ("config_path", "datasets_root", "backbone_pretrained_path", "model_pretrained_path", "pcb_modelpath")
"""Flags that are looked for below `data_url`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a job; returns the exit code of the training.

    Args:
        argv: parameters; None for those of this process.
    """
    try:
        values = read_parameters(sys.argv[1:] if argv is None else argv)
        return run_job(Job(PACKAGE, values, os.environ, training_words))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return WRONG_USE


def read_parameters(argv: Sequence[str]) -> dict[str, str]:
    """Parameter -> text; which flags there are is for the mapping of the old interface to say.

    Raises:
        UserError: a word that is no flag, a flag without a value, no address, or weights in a folder of their own.
    """
    values: dict[str, str] = {}
    words = list(argv)
    while words:
        name, equals, value = words.pop(0).partition("=")
        if not name.startswith("--"):
            raise UserError(f"start.py: {name!r} is not expected here. Write --key value.")
        if not equals:
            if not words:
                raise UserError(f"start.py: {name}: a value is missing. Write {name} VALUE.")
            value = words.pop(0)
        if name[2:] not in OF_THE_SERVICE:
            values[name[2:]] = value
    for name in ADDRESSES:
        if not values.get(name):
            raise UserError(f"start.py: --{name} is missing; the service sets it.")
    if values.pop("checkpoint_url", ""):
        raise UserError("start.py: --checkpoint_url: put the weights into the folder of data_url instead.")
    return values


def training_words(job: Job) -> list[str]:
    """Our command for a job, through the mapping of the old interface.

    Raises:
        UserError: what the mapping refuses.
    """
    from ms_core.old_zoo.commands import translate_command

    flags = [f"--{name}={text}" for name, text in old_flags(job).items() if text]
    words = translate_command("train.py", flags, PACKAGE)[1:]
    return [*without_out(words), "--out", str(job.results)]


def old_flags(job: Job) -> Mapping[str, str]:
    """The parameters as flags of the old train.py."""
    place = {"run_distribute": "True", "device_num": str(job.size)}
    alone = {"run_distribute": "False", "device_id": job.environment.get("DEVICE_ID") or "0"}
    flags = {
        "device_target": job.environment.get("DEVICE_TARGET") or "Ascend",
        **(place if job.size > 1 else alone),
        "datasets_root": str(job.data),
    }
    for name in job.values:
        if name not in ADDRESSES:
            flags[name] = _below(job.data, str(job.values[name])) if name in PATHS else str(job.values[name])
    return flags


def _below(data: Path, text: str) -> str:
    """A path below the data where something is there; else the text, such as a recipe's name."""
    return str(data / text) if text and (data / text).exists() else text
