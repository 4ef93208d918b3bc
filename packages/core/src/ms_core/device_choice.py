"""Which device to run on: reading `auto|cpu|gpu|ascend[:ID]`, what this machine offers, and why something
is missing.
"""

from __future__ import annotations

import ctypes
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Literal, cast

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean

Target = Literal["Ascend", "GPU", "CPU"]
TARGETS: tuple[Target, ...] = ("Ascend", "GPU", "CPU")
"""MindSpore's names, in the order that `auto` prefers."""

_WORDS: dict[str, Target] = {target.lower(): target for target in TARGETS}
_PLUGINS = {"Ascend": "libmindspore_ascend*", "GPU": "libmindspore_gpu*"}
_DRIVERS = {
    "Ascend": ("libge_runner.so",),
    "GPU": ("nvcuda.dll",) if sys.platform == "win32" else ("libcuda.so.1",),
}
_ADVICE = {
    "Ascend": "CANN is not installed, or its set_env.sh was not sourced in this shell",
    "GPU": "there is no NVIDIA driver on this machine",
}


@dataclass(frozen=True)
class DeviceChoice:
    """What `--device` says."""

    target: Target | None
    """None: take what is available."""
    device_id: int | None = None
    """Which one of several; None: not said."""


def parse_device(text: str) -> DeviceChoice:
    """Read `auto|cpu|gpu|ascend[:ID]`, in upper or lower case.

    Raises:
        UserError: another word, or an ID that is no whole number from 0.
    """
    word, colon, number = text.strip().lower().partition(":")
    if word != "auto" and word not in _WORDS:
        near = did_you_mean({"cuda": "gpu", "npu": "ascend"}.get(word, word), ["auto", *_WORDS])
        raise UserError(
            f"--device {text}: expected auto, cpu, gpu or ascend, with :ID for one of several.{near}"
        )
    if colon and not (number.isascii() and number.isdigit()):
        raise UserError(f"--device {text}: the ID after the colon is a whole number from 0, as in {word}:0.")
    if colon and word == "auto":
        raise UserError(f"--device {text}: auto takes no ID; name the device, as in gpu:{number}.")
    return DeviceChoice(_WORDS.get(word), int(number) if colon else None)


def choose_target(choice: DeviceChoice) -> Target:
    """The device to use: the one asked for, or the first available of Ascend, GPU, CPU.

    Raises:
        UserError: the device asked for is missing; says what is missing.
    """
    if choice.target is None:
        return next(target for target in TARGETS if is_available(target))
    if not is_available(choice.target):
        raise UserError(
            f"--device {choice.target.lower()}: not available: {why_unavailable(choice.target)}. "
            "`ms-core doctor` tells more; --device auto takes what there is."
        )
    return choice.target


def check_device_id(target: Target, device_id: int) -> None:
    """
    Raises:
        UserError: this machine has no device of that number.
    """
    count = device_count(target)
    if device_id >= count:
        known = "only 0" if count == 1 else f"0 to {count - 1}"
        raise UserError(f"--device {target.lower()}:{device_id}: no such device; this machine has {known}.")


def is_available(target: Target) -> bool:
    """Whether MindSpore can use this kind of device here."""
    import mindspore as ms

    with _silence():  # it logs a page of warnings for each device that is not there
        return bool(ms.hal.is_available(target))


def device_count(target: Target) -> int:
    """How many devices of an available kind there are; 1 for CPU."""
    import mindspore as ms

    with _silence():
        return int(ms.hal.device_count(target))


def why_unavailable(target: Target) -> str:
    """The reason in words, without a full stop; for devices that `is_available` denies."""
    if target == "CPU":
        return "this MindSpore package has no CPU backend"
    plugins = ", ".join(sorted(plugin.name for plugin in _plugin_folder().glob(_PLUGINS[target])))
    return (
        missing_part(target)
        or f"MindSpore could not load {plugins}: the driver or toolkit has another version"
    )


def missing_part(target: Target) -> str:
    """What this kind of device lacks here, as far as can be told without importing MindSpore; "" for nothing."""
    if target == "CPU":
        return ""
    if not any(_plugin_folder().glob(_PLUGINS[target])):
        return f"this MindSpore package ({sys.platform}) has no {target} plugin"
    missing = [library for library in _DRIVERS[target] if not _loads(library)]
    if missing:
        return f"{_ADVICE[target]} ({', '.join(missing)} cannot be loaded)"
    return ""


def _plugin_folder() -> Path:
    spec = find_spec("mindspore")
    return Path(cast(str, spec.origin)).parent / "lib" / "plugin" if spec else Path("mindspore")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


@contextmanager
def _silence() -> Iterator[None]:
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
