"""The processes that an old script starts: one, or one a device with the variables that tell each its place."""

from __future__ import annotations

import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from ms_core import rank_table
from ms_core.errors import UserError
from ms_core.old_zoo.calls import Call
from ms_core.old_zoo.processes import Process
from ms_core.rank_table import Entry, RankTable

_PLACE = ("RANK_TABLE_FILE", "RANK_ID", "RANK_SIZE", "DEVICE_ID", "DEVICE_NUM", "MS_ROLE", "MS_NODE_ID")
"""Variables that tell a process its place among several; the script decides them anew."""
_HOST = "127.0.0.1"


def processes_of(call: Call, words: Sequence[str], environment: Mapping[str, str]) -> list[Process]:
    """What to start.

    Args:
        call: the script.
        words: our command, without the program.
        environment: `os.environ`.

    Returns:
        Processes in the order of their ranks; the scheduler of a start without a rank table comes last.

    Raises:
        UserError: a faulty rank table, or one that does not fit DEVICE_NUM or this machine.
    """
    command = (sys.executable, "-m", call.package.replace("-", "_"), *words)
    base = {name: value for name, value in environment.items() if name not in _PLACE}
    if not call.is_parallel:
        place = {"DEVICE_ID": call.values.get("DEVICE_ID", "0"), "DEVICE_NUM": "1", "RANK_SIZE": "1"}
        return [Process(command, {**base, **place}, call.log(0))]
    size = int(call.values["DEVICE_NUM"])
    if "RANK_TABLE_FILE" in call.values:
        places = with_rank_table(Path(call.values["RANK_TABLE_FILE"]), size)
    elif size == 1:
        places = {0: {"DEVICE_NUM": "1", "RANK_SIZE": "1"}}
    else:
        return _cluster(call, command, base, size)
    return [Process(command, {**base, **place}, call.log(rank)) for rank, place in places.items()]


def with_rank_table(path: Path, size: int) -> dict[int, dict[str, str]]:
    """Rank -> environment variables, for this machine's devices.

    Args:
        path: the rank table.
        size: DEVICE_NUM: devices altogether, or of this machine.

    Raises:
        UserError: a faulty table, another number of devices, or none of this machine's.
    """
    table = rank_table.validate(path)
    here = _of_this_machine(table)
    if size not in (table.rank_size, len(here)):
        raise UserError(
            f"{path}: {table.rank_size} devices ({len(here)} of them in this machine), but DEVICE_NUM is {size}."
        )
    return {
        entry.rank: {
            "RANK_TABLE_FILE": str(path.absolute()),
            "RANK_SIZE": str(table.rank_size),
            "DEVICE_NUM": str(table.rank_size),
            "RANK_ID": str(entry.rank),
            "DEVICE_ID": str(entry.device_id),
        }
        for entry in here
    }


def _of_this_machine(table: RankTable) -> list[Entry]:
    names = rank_table.machine_addresses() | {socket.gethostname(), socket.getfqdn()}
    here = [entry for entry in table.entries if entry.server in names]
    if not here:
        rank_table.validate(table.path, rank=0)  # says which addresses this machine has
        if len({entry.server for entry in table.entries}) > 1:
            raise UserError(f"{table.path}: no server_id is a name or address of this machine.")
    return here or list(table.entries)


def _cluster(call: Call, command: tuple[str, ...], base: Mapping[str, str], size: int) -> list[Process]:
    """Processes that find each other through a scheduler; the variables are those that msrun sets."""
    shared = {
        **base,
        "MS_WORKER_NUM": str(size),
        "MS_SCHED_HOST": _HOST,
        "MS_SCHED_PORT": base.get("MASTER_PORT") or str(_free_port()),
        "RANK_SIZE": str(size),
        "DEVICE_NUM": str(size),
    }
    workers = [
        Process(command, {**shared, "MS_ROLE": "MS_WORKER", **_numbers(rank)}, call.log(rank))
        for rank in range(size)
    ]
    scheduler = {**shared, "MS_ROLE": "MS_SCHED", "RANK_ID": "0"}
    return [*workers, Process(command, scheduler, call.folder / "scheduler.txt")]


def _numbers(rank: int) -> dict[str, str]:
    return {"MS_NODE_ID": str(rank), "RANK_ID": str(rank), "DEVICE_ID": str(rank)}


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind((_HOST, 0))
        return int(listener.getsockname()[1])
