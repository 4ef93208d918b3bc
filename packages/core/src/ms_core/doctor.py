"""`doctor`: is this machine ready? Versions, devices, write access, and one compiled convolution."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ms_core.cli import Verb
from ms_core.device_choice import parse_device
from ms_core.errors import UserError
from ms_core.launch import detect_launch
from ms_core.versions import Requires, complaint, requirements

Status = Literal["PASS", "INFO", "WARN", "FAIL"]
_COLOURS = {"PASS": "green", "INFO": "cyan", "WARN": "yellow", "FAIL": "bold red"}
_PYTHON = ((3, 10), (3, 13))
_PROBE_SECONDS = 300
_LITTLE_MEMORY, _LITTLE_DISK = 4, 3
"""GiB below which training is likely to fail (ssd300 at batch 8 takes 2.2)."""

_LIBRARIES = {
    "libGL.so.1": "Debian and Ubuntu: apt-get install libgl1 (or use opencv-python-headless)",
    "libgthread-2.0.so.0": "Debian and Ubuntu: apt-get install libglib2.0-0 (or use opencv-python-headless)",
    "libgomp.so.1": "Debian and Ubuntu: apt-get install libgomp1",
}
_MODULES = (
    "numpy",
    "cv2",
    "PIL",
    "pycocotools.mask",
    "hotcoco",
    "yaml",
    "jsonargparse",
    "safetensors",
    "google.protobuf",
)


@dataclass(frozen=True)
class Check:
    """One line of the table."""

    name: str
    """What was looked at."""
    status: Status
    """FAIL: nothing works before this is mended; WARN: something will; INFO: good to know."""
    detail: str
    """What was found and, if it is not as it should be, what to do."""


def run_checks(device: str = "auto", package: str = "ms-core") -> list[Check]:
    """Look at this machine.

    Args:
        device: as for `device.start`; where the convolution runs.
        package: the distribution whose requirements are checked besides those of ms-core.

    Raises:
        UserError: `device` is no device's name.
    """
    parse_device(device)
    return [
        _python(),
        *_requirements(package),
        *_imports(),
        *_start_up(),
        *_probe(device),
        _msrun(),
        _machine(),
        _compile_cache(),
        *_working_folder(),
    ]


def doctor_verb(package: str = "ms-core") -> Verb:
    """The verb of the command of `package`."""

    def run(arguments: argparse.Namespace) -> int:
        checks = run_checks(arguments.device, package)
        print_checks(checks)
        return 2 if any(check.status == "FAIL" for check in checks) else 0

    return Verb(
        "check this machine: versions, devices, write access, one compiled convolution", run, _add_arguments
    )


def print_checks(checks: Sequence[Check]) -> None:
    """The table, and one line that sums it up."""
    from rich.table import Table
    from rich.text import Text

    from ms_core.run_folder import console

    table = Table(box=None, pad_edge=False, show_header=False)
    for check in checks:
        table.add_row(Text(check.status, style=_COLOURS[check.status]), Text(check.name), Text(check.detail))
    console().print(table)
    failed = [check.name for check in checks if check.status == "FAIL"]
    warned = [check.name for check in checks if check.status == "WARN"]
    if failed:
        print(f"Not ready: {', '.join(failed)}.")
    else:
        print(f"Ready, but see: {', '.join(warned)}." if warned else "Ready.")


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--device", default="auto", help="auto|cpu|gpu|ascend[:ID]; where the convolution runs"
    )


def _python() -> Check:
    fits = _PYTHON[0] <= sys.version_info[:2] < _PYTHON[1]
    detail = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Check(
        "python", "PASS" if fits else "FAIL", detail if fits else f"{detail}: 3.10, 3.11 or 3.12 is needed"
    )


def _requirements(package: str) -> Iterator[Check]:
    lines = {
        requirement.name: requirement for name in ("ms-core", package) for requirement in requirements(name)
    }
    for name, requirement in sorted(lines.items()):
        if not name.startswith("ms-core"):
            yield _requirement(requirement)


def _requirement(requirement: Requires) -> Check:
    if requirement.fits:
        return Check(requirement.name, "PASS", f"{requirement.found} ({requirement.wanted or 'any'})")
    if requirement.extra and requirement.found is None:
        detail = f'not installed, optional: python -m pip install "ms-core[{requirement.extra}]"'
        return Check(requirement.name, "INFO", detail)
    return Check(requirement.name, "WARN" if requirement.extra else "FAIL", complaint(requirement))


def _imports() -> Iterator[Check]:
    """Installed is not yet usable: native libraries may be missing."""
    for module in _MODULES:
        try:
            importlib.import_module(module)
        except ImportError as error:
            yield Check(f"import {module}", "FAIL", f"{error}. {library_advice(str(error))}".strip())


def library_advice(message: str) -> str:
    """Which system package brings the library that an ImportError misses; empty if unknown."""
    return next((advice for library, advice in _LIBRARIES.items() if library in message), "")


def _start_up() -> Iterator[Check]:
    """Variables left over from a distributed start."""
    try:
        launch = detect_launch(os.environ)
    except UserError as error:
        yield Check("start-up", "FAIL", str(error))
        return
    if launch.kind != "single":
        yield Check(
            "start-up", "INFO", f"started by {launch.kind}: {launch.world_size} processes, data parallel"
        )


def _probe(device: str) -> Iterator[Check]:
    """Devices and convolution, tried in a process of their own: a crash in native code is a FAIL, not our
    end.
    """
    alone = {name: value for name, value in os.environ.items() if not name.startswith(("MS_ROLE", "RANK_"))}
    command = [sys.executable, "-m", "ms_core.doctor_probe", device]
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_SECONDS,
            env=alone,
            check=False,
        )
    except subprocess.TimeoutExpired:
        yield Check(
            "mindspore", "FAIL", f"importing it and one convolution took more than {_PROBE_SECONDS} s"
        )
        return
    yield from probe_checks(done.stdout)
    if done.returncode != 0:
        message = next((line for line in reversed(done.stderr.splitlines()) if line.strip()), "no message")
        advice = library_advice(done.stderr)
        yield Check(
            "mindspore", "FAIL", f"ended with code {done.returncode}: {message.strip()} {advice}".strip()
        )


def probe_checks(output: str) -> Iterator[Check]:
    """The checks that `doctor_probe` printed; MindSpore may print between them."""
    for line in output.splitlines():
        if line.startswith("@"):
            yield Check(**json.loads(line[1:]))


def _msrun() -> Check:
    beside_python = Path(sys.executable).with_name("msrun")
    found = shutil.which("msrun") or (str(beside_python) if beside_python.exists() else None)
    if found is None:
        return Check(
            "msrun",
            "WARN",
            "not found on PATH: training on several devices needs it; it comes with mindspore",
        )
    return Check("msrun", "PASS", found)


def _machine() -> Check:
    import psutil

    memory = psutil.virtual_memory()
    free, total = memory.available / 2**30, memory.total / 2**30
    detail = f"{_usable_cores()} cores, {free:.1f} of {total:.1f} GiB memory free"
    little = free < _LITTLE_MEMORY
    return Check(
        "machine",
        "WARN" if little else "PASS",
        detail + ("; use a small --train.batch-size" if little else ""),
    )


def _usable_cores() -> int:
    affinity: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)  # not on every system
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def _compile_cache() -> Check:
    if os.environ.get("MS_COMPILER_CACHE_ENABLE") == "1":
        return Check(
            "compile cache", "INFO", f"on, in {os.environ.get('MS_COMPILER_CACHE_PATH', './graph_cache')}"
        )
    return Check(
        "compile cache", "INFO", "off; MS_COMPILER_CACHE_ENABLE=1 keeps compiled graphs for the next start"
    )


def _working_folder() -> Iterator[Check]:
    folder = Path.cwd()
    try:
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".ms-core-doctor-") as file:
            file.write(b"x")
    except OSError as error:
        yield Check("write access", "FAIL", f"{folder}: {error.strerror}. Work in a folder you may write to.")
        return
    free = shutil.disk_usage(folder).free / 2**30
    little = free < _LITTLE_DISK
    yield Check("write access", "WARN" if little else "PASS", f"{folder}: {free:.1f} GiB free")
