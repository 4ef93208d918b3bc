"""The positional arguments of the old shell scripts, as data.

The guides give several forms for one script (with and without a configuration, which stands first or last; two orders
on GPU). A form is one line such as `DATASET CHECKPOINT_PATH [DEVICE_ID [CONFIG]]`; what is in brackets may be left out.
Which form somebody used is told by what the words are: `coco` is a data set, `0.05` a learning rate, `x.ckpt` a
checkpoint.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from ms_core.errors import UserError

WEIGHT_SUFFIXES = (".ckpt", ".pth", ".pt", ".pkl", ".safetensors", ".npz")
CONFIG_SUFFIXES = (".yaml", ".yml", ".py")
MODEL_SUFFIXES = (".mindir", ".ms", ".onnx", ".om")
"""Of exported models that the C++ programs run."""
AIPP_SUFFIXES = (".cfg", ".config", ".aippconfig")
_DEVICES = ("cpu", "gpu", "ascend", "dvpp")
_NO_CHECKPOINT = ("", "none")
"""Words with which the old command lines said "no pre-trained weights"."""


@dataclass(frozen=True)
class Words:
    """What the words of a command line are judged by."""

    recipes: Collection[str]
    """Names of the package's recipes."""


@dataclass(frozen=True)
class Role:
    """What one positional argument means."""

    meaning: str
    """For people, one line without a full stop."""
    fits: Callable[[str, Words], bool]
    """Whether a word can have this meaning."""


def _is_config(word: str, words: Words) -> bool:
    return Path(word).suffix.lower() in CONFIG_SUFFIXES or word in words.recipes


def _is_whole(word: str, least: int) -> bool:
    return word.isascii() and word.isdigit() and int(word) >= least


def _is_rate(word: str, words: Words) -> bool:
    try:
        return 0 < float(word) < float("inf")
    except ValueError:
        return False


def _is_rank_table(word: str, words: Words) -> bool:
    return Path(word).suffix.lower() == ".json" or _has_server_list(Path(word))


def _has_server_list(path: Path) -> bool:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(table, dict) and ("server_list" in table or "group_list" in table)


def _is_checkpoint(word: str, words: Words) -> bool:
    """A file of weights, or a run folder of ours."""
    path = Path(word)
    if path.suffix.lower() in WEIGHT_SUFFIXES:
        return True
    if word and path.is_dir():
        return True
    return path.is_file() and path.suffix.lower() not in (*CONFIG_SUFFIXES, ".json")


def _one_of(*choices: str) -> Callable[[str, Words], bool]:
    return lambda word, words: word.lower() in choices


def _ends_with(*suffixes: str) -> Callable[[str, Words], bool]:
    return lambda word, words: Path(word).suffix.lower() in suffixes


def _is_path(word: str, words: Words) -> bool:
    return bool(word)


def _is_name(word: str, words: Words) -> bool:
    """A plain name, or several with / between them: no way out of the folder of results, and no configuration."""
    parts = word.split("/")
    return all(part not in ("", ".", "..") for part in parts) and not _is_config(word, words)


def _is_folder(word: str, words: Words) -> bool:
    """A folder of pictures, or a list of them: not one of the words that other roles claim."""
    claimed = (*WEIGHT_SUFFIXES, *CONFIG_SUFFIXES, *MODEL_SUFFIXES, ".air", ".json")
    if not word or word.isdigit() or word.lower() in _DEVICES or word in words.recipes:
        return False
    return Path(word).suffix.lower() not in claimed


ROLES: dict[str, Role] = {
    "CONFIG": Role("configuration: an old .yaml or .py file, a file of ours, or a recipe's name", _is_config),
    "DEVICE_NUM": Role("number of devices, from 1", lambda word, _: _is_whole(word, 1)),
    "DEVICE_ID": Role("number of the device, from 0", lambda word, _: _is_whole(word, 0)),
    "EPOCH_SIZE": Role("epochs, from 1", lambda word, _: _is_whole(word, 1)),
    "LR": Role("learning rate, above 0", _is_rate),
    "DATASET": Role("kind of data: coco, voc or other", _one_of("coco", "voc", "other")),
    "RANK_TABLE_FILE": Role("rank table, a JSON file", _is_rank_table),
    "PRE_TRAINED": Role(
        "checkpoint to start from",
        lambda word, words: word.lower() in _NO_CHECKPOINT or _is_checkpoint(word, words),
    ),
    "PRE_TRAINED_EPOCH_SIZE": Role(
        "epochs the checkpoint was trained for, from 0", lambda word, _: _is_whole(word, 0)
    ),
    "CHECKPOINT_PATH": Role("checkpoint", _is_checkpoint),
    "FORMAT": Role("AIR, ONNX or MINDIR", _one_of("air", "onnx", "mindir")),
    "MINDIR_PATH": Role(
        "exported model: .mindir, .ms, .onnx or .om, or the folder that `export` wrote",
        lambda word, _: (
            Path(word).suffix.lower() in MODEL_SUFFIXES or (Path(word) / "manifest.json").is_file()
        ),
    ),
    "ONNX_PATH": Role("exported model, .onnx", _ends_with(".onnx")),
    "DATA_PATH": Role("folder of pictures", _is_folder),
    "IMAGE_WIDTH": Role("width of the network's input, pixels", lambda word, _: _is_whole(word, 1)),
    "IMAGE_HEIGHT": Role("height of the network's input, pixels", lambda word, _: _is_whole(word, 1)),
    "MODEL_PATH": Role("exported model, .onnx or .air", _ends_with(".onnx", ".air")),
    "OM_PATH": Role("the .om file to write, with or without .om", _is_path),
    "AIPP_PATH": Role("AIPP file, .cfg", _ends_with(*AIPP_SUFFIXES)),
    "TOOLKIT_PATH": Role("folder of the Ascend toolkit", _is_folder),
    "PIPELINE_PATH": Role("pipeline of the MindX SDK, .pipeline", _ends_with(".pipeline")),
    "RESULTS_JSON": Role("COCO result file, .json", _ends_with(".json")),
    "REPORT_PATH": Role("file for the report", _is_path),
    "COCO_ROOT": Role("COCO folder", _is_folder),
    "INSTANCES_SET": Role("annotations, such as annotations/instances_{}.json", _ends_with(".json")),
    "ANNO_PATH": Role("COCO annotations, .json", _ends_with(".json")),
    "DVPP": Role("who reads pictures: DVPP or CPU", _one_of("dvpp", "cpu")),
    "DEVICE_TYPE": Role("CPU, GPU or Ascend", _one_of("cpu", "gpu", "ascend")),
    "CKPT_PATH": Role("checkpoint", _is_checkpoint),
    "DATASET_PATH": Role("folder of the data", _is_folder),
    "PRETRAINED_CKPT_PATH": Role(
        "checkpoint for the encoder to start from",
        lambda word, words: word.lower() in _NO_CHECKPOINT or _is_checkpoint(word, words),
    ),
    "RUN_EVAL": Role("whether training evaluates: True or False", _one_of("true", "false")),
    "OUTPUT_PATH": Role("folder for the pictures", _is_folder),
    "EXP_NAME": Role("name of the experiment, a folder below checkpoints/coco", _is_name),
    "MODE": Role("fsod or gfsod", _one_of("fsod", "gfsod")),
    "SHOTS": Role("labelled objects of every class, from 1", lambda word, _: _is_whole(word, 1)),
    "SHOTS_SEED": Role("which objects, from 0", lambda word, _: _is_whole(word, 0)),
    "IMAGE": Role("container image", _is_path),
    "DATA_DIR": Role("folder of data to show to the container", _is_path),
    "MODEL_DIR": Role("folder of code and results to show to the container", _is_path),
}
"""Every name that occurs in a form."""


def expand(form: str) -> list[tuple[str, ...]]:
    """Every sequence of roles that a form allows, the longest first.

    `A [B [C]]` allows (A, B, C), (A, B) and (A).
    """
    sequences, _ = _expand(re.findall(r"[\[\]]|\w+", form), 0)
    return sorted(sequences, key=len, reverse=True)


def _expand(tokens: Sequence[str], position: int) -> tuple[list[tuple[str, ...]], int]:
    sequences: list[tuple[str, ...]] = [()]
    while position < len(tokens) and tokens[position] != "]":
        if tokens[position] == "[":
            inner, position = _expand(tokens, position + 1)
            sequences = [before + after for before in sequences for after in (*inner, ())]
        else:
            sequences = [(*before, tokens[position]) for before in sequences]
        position += 1
    return sequences, position


def read_arguments(
    script: str, forms: Sequence[str], arguments: Sequence[str], words: Words
) -> dict[str, str]:
    """Role -> word, by the one reading that the words allow.

    Args:
        script: its name, for messages.
        forms: what it accepts.
        arguments: the positional words.
        words: what words are judged by.

    Raises:
        UserError: no form fits, or several do and mean different things.
    """
    readings: list[dict[str, str]] = []
    for roles in (roles for form in forms for roles in expand(form)):
        if len(roles) == len(arguments) and all(map(_fit(words), roles, arguments)):
            reading = dict(zip(roles, arguments, strict=True))
            if reading not in readings:
                readings.append(reading)
    if len(readings) == 1:
        return readings[0]
    if readings:
        first, second, *_ = map(as_text, readings)
        raise UserError(
            f"{script}: these arguments have two meanings: {first}, or {second}. Write paths with ./ in front, "
            f"recipes without. Accepted: {' | '.join(forms)}"
        )
    raise UserError(f"{script}: {_misfit(forms, arguments, words)} Accepted: {' | '.join(forms)}")


def as_text(reading: dict[str, str]) -> str:
    """`DEVICE_NUM=8 EPOCH_SIZE=500`."""
    return " ".join(f"{role}={word}" for role, word in reading.items())


def _fit(words: Words) -> Callable[[str, str], bool]:
    return lambda role, word: ROLES[role].fits(word, words)


def _misfit(forms: Sequence[str], arguments: Sequence[str], words: Words) -> str:
    """Why no form fits: the first unfit word of the form that fits best, or how many words were expected."""
    candidates = [roles for form in forms for roles in expand(form) if len(roles) == len(arguments)]
    if not candidates:
        counts = sorted({len(roles) for form in forms for roles in expand(form)})
        expected = " or ".join(map(str, counts))
        return f"{len(arguments)} arguments, expected {expected}."
    fits = [list(map(_fit(words), roles, arguments)) for roles in candidates]
    nearest = max(range(len(fits)), key=lambda i: (sum(fits[i]), fits[i].index(False)))
    position = fits[nearest].index(False)
    role = candidates[nearest][position]
    return f"argument {position + 1}, '{arguments[position]}', is no {role} ({ROLES[role].meaning})."
