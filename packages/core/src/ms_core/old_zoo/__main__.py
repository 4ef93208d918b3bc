"""What the old shell scripts call: `python -m ms_core.old_zoo run ms-ssd run_eval.sh coco a.ckpt 0`.

    run PACKAGE SCRIPT ARGUMENT...   do what the script did
    list [PACKAGE]                   the scripts and the arguments they accept
    keys PACKAGE                     the keys and flags of the old configurations, and what becomes of each

`list` also says which environment variables the scripts read.
"""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, redirect_stdout
from importlib import import_module
from io import StringIO

from ms_core.cli import DONE, INTERRUPTED, WRONG_USE
from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.old_zoo.calls import Call, our_command, read_call
from ms_core.old_zoo.checks import check_command
from ms_core.old_zoo.families import family_of
from ms_core.old_zoo.networks import old_package
from ms_core.old_zoo.processes import pid_file, require_stopped, run_in_background, run_in_foreground
from ms_core.old_zoo.ranks import processes_of
from ms_core.old_zoo.scripts import CONTAINER_SCRIPTS, INTERFACES, VARIABLES, find_script
from ms_core.old_zoo.scripts_310 import CLIENTS


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command line; returns the exit code."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(line_buffering=True, errors="backslashreplace")  # type: ignore[union-attr]
    try:
        return _main(list(sys.argv[1:] if argv is None else argv), os.environ)
    except UserError as error:
        print(f"error: {str(error).replace(chr(10), ' ')}", file=sys.stderr)
        return WRONG_USE
    except KeyboardInterrupt:
        print("error: interrupted.", file=sys.stderr)
        return INTERRUPTED
    except OSError as error:
        if error.filename is None:
            raise
        print(f"error: {error.filename}: {error.strerror}.", file=sys.stderr)
        return WRONG_USE


def run_script(package: str, name: str, words: Sequence[str], environment: Mapping[str, str]) -> int:
    """Do what an old script did.

    Args:
        package: our command, such as `ms-ssd`.
        name: of the script.
        words: its arguments.
        environment: `os.environ`.

    Returns:
        The exit code: of the processes in the foreground; of the start in the background.

    Raises:
        UserError: anything wrong that can be known before the start.
    """
    call = read_call(package, name, words, environment)
    print(call)
    if call.script.action:
        module, name = call.script.action.split(":")
        return int(getattr(import_module(module), name)(call, environment))
    command = our_command(call, environment)
    for note in command.notes:
        print(f"note: {note}.")
    print(shlex.join([package, *command.words]))
    if environment.get("MS_OLD_ZOO_DRY_RUN") == "1":
        return DONE
    with _repeated(call, environment):
        check_command(call, command.words)
    return _start(call, command.words, environment)


def describe(package: str) -> str:
    """The scripts of a package and their arguments."""
    lines = []
    for name, script in INTERFACES[package].scripts.items():
        lines.append(f"{name}: {script.purpose}")
        lines += [f"    {name} {form}" for form in script.forms]
    if package == "ms-ssd":
        lines += [f"{name} {form}" for name, form in CONTAINER_SCRIPTS.items()]
        lines += [f"{name} --help" for name in CLIENTS]
    return "\n".join(lines)


def describe_keys(package: str) -> str:
    """The keys of a package's old configurations, one a line.

    Raises:
        UserError: no such package.
    """
    owner = old_package(package)
    if owner is None:
        raise UserError(f"{package}: has no old configurations.{did_you_mean(package, INTERFACES)}")
    lines: list[str] = []
    for title, keys in family_of(owner).groups.items():
        lines += [title, *(f"    {key.name}: {key}" for key in keys)]
    return "\n".join(lines)


def _main(words: list[str], environment: Mapping[str, str]) -> int:
    verb, *rest = words or ["--help"]
    if verb == "list":
        parts = [f"{package}\n{describe(package)}" for package in rest or INTERFACES]
        parts.append("\n".join(f"{name}: {meaning}" for name, meaning in VARIABLES.items()))
        print("\n\n".join(parts))
        return DONE
    if verb == "keys" and len(rest) == 1:
        print(describe_keys(rest[0]))
        return DONE
    if verb != "run" or len(rest) < 2:
        print(__doc__)
        return DONE if verb in ("-h", "--help") else WRONG_USE
    package, name, *arguments = rest
    if arguments[:1] in (["-h"], ["--help"]):
        _, script = find_script(package, name)
        print("\n".join([f"{name}: {script.purpose}", *(f"    {name} {form}" for form in script.forms)]))
        return DONE
    return run_script(package, name, arguments, environment)


def _repeated(call: Call, environment: Mapping[str, str]) -> AbstractContextManager[object]:
    """Silence for what our command will say again a moment later, where it is shown."""
    shown = environment.get("FOREGROUND") == "1" or not call.script.folder
    return redirect_stdout(StringIO()) if shown else nullcontext()


def _start(call: Call, command: Sequence[str], environment: Mapping[str, str]) -> int:
    processes = processes_of(call, command, environment)
    if not call.script.folder:
        (process,) = processes
        return subprocess.call(process.command, env=dict(process.environment))
    pid = pid_file(processes[0].log)
    require_stopped(pid.parent, pid.name)
    in_foreground = environment.get("FOREGROUND") == "1"
    return run_in_foreground(processes) if in_foreground else run_in_background(processes)


if __name__ == "__main__":
    sys.exit(main())
