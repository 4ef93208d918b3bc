"""Rank tables: JSON files (HCCL 1.0) that tell old distributed start-up on Ascend which device is which rank.

msrun needs none of this. The format is that of MindSpore's guide "rank table startup" and of `hccl_tools.py`:
    {"version": "1.0", "server_count": "1", "status": "completed", "server_list": [
        {"server_id": "10.0.0.1", "device": [{"device_id": "0", "device_ip": "192.1.27.6", "rank_id": "0"}]}]}
"""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ms_core.errors import UserError

_VERSIONS = ("1.0", "1.2")
_SHOWN_FAULTS = 6


@dataclass(frozen=True)
class Entry:
    """One device in a table."""

    server: str
    """Address of the machine it is in."""
    device_id: int
    """Its number in that machine."""
    device_ip: str | None
    """Address of its own network port; None where one machine trains alone and the table leaves it out."""
    rank: int
    """Number of the process that uses it."""


@dataclass(frozen=True)
class RankTable:
    """A table without faults; entries in the order of their ranks."""

    path: Path
    """Where it was read."""
    entries: tuple[Entry, ...]
    """One a rank, entry i has rank i."""

    @property
    def rank_size(self) -> int:
        """Processes altogether."""
        return len(self.entries)

    def entry(self, rank: int) -> Entry:
        """The device of a rank."""
        return self.entries[rank]


def validate(
    path: Path,
    rank: int | None = None,
    *,
    device_id: int | None = None,
    rank_size: int | None = None,
    local_addresses: Collection[str] | None = None,
) -> RankTable:
    """Read a table and check it, and what the environment says about this process, before anything starts.

    Args:
        path: the JSON file.
        rank: RANK_ID of this process; None: check the table only.
        device_id: DEVICE_ID of this process, if set.
        rank_size: RANK_SIZE, if set.
        local_addresses: IP addresses of this machine; None: ask the system.

    Raises:
        UserError: every fault with its entry, in one line.
    """
    path = Path(path)
    table = RankTable(path, _entries(path, _read(path)))
    if rank_size is not None and rank_size != table.rank_size:
        raise UserError(
            f"{path}: {table.rank_size} devices, but RANK_SIZE is {rank_size}. Set "
            f"RANK_SIZE={table.rank_size}."
        )
    if rank is not None:
        _check_process(table, rank, device_id, local_addresses)
    return table


def build(
    devices: Sequence[int], server_ip: str, device_ips: Sequence[str], *, first_rank: int = 0
) -> dict[str, Any]:
    """The table of one machine, as JSON values.

    Args:
        devices: device numbers, in the order of their ranks.
        server_ip: address of this machine.
        device_ips: address of each device's own port, in the same order; may be empty for one machine alone.
        first_rank: rank of the first device, for a machine that is not the first.

    Raises:
        UserError: repeated devices, wrong addresses, or not as many addresses as devices.
    """
    if not devices:
        raise UserError("--devices: at least one device is needed.")
    if device_ips and len(device_ips) != len(devices):
        raise UserError(
            f"--device-ips: {len(device_ips)} addresses for {len(devices)} devices. Give one for each."
        )
    entries = []
    for position, device in enumerate(devices):
        entry = {"device_id": str(device), "rank_id": str(first_rank + position)}
        if device_ips:
            entry["device_ip"] = device_ips[position]
        entries.append(entry)
    table = _table([{"server_id": server_ip, "device": entries, "host_nic_ip": "reserve"}])
    _raise_faults("rank table", _table_faults(table, first_rank))
    return table


def merge(tables: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One table for several machines; ranks are given anew, in the order of the tables.

    Raises:
        UserError: two tables are of the same machine, or share device addresses.
    """
    servers, rank = [], 0
    for table in tables:
        for server in table["server_list"]:
            devices = []
            for device in server["device"]:
                devices.append({**device, "rank_id": str(rank)})
                rank += 1
            servers.append({**server, "device": devices})
    merged = _table(servers)
    _raise_faults("merged rank table", _table_faults(merged))
    return merged


def file_name(table: Mapping[str, Any]) -> str:
    """The name that the old generator gave: `hccl_8p_01234567_10.0.0.1.json`."""
    devices = [device["device_id"] for server in table["server_list"] for device in server["device"]]
    servers = "_".join(server["server_id"] for server in table["server_list"])
    return f"hccl_{len(devices)}p_{''.join(devices)}_{servers}.json".replace(":", "-")


def machine_addresses() -> set[str]:
    """Every IP address of this machine, loopback included."""
    import psutil

    families = (socket.AF_INET, socket.AF_INET6)
    ports = psutil.net_if_addrs().values()
    return {
        address.address.partition("%")[0] for port in ports for address in port if address.family in families
    }


def _table(servers: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "version": "1.0",
        "server_count": str(len(servers)),
        "server_list": servers,
        "status": "completed",
    }


def _read(path: Path) -> dict[str, Any]:
    try:
        table = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"{path}: no such rank table. Correct RANK_TABLE_FILE, or write one: ms-core rank-table."
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path}: the rank table cannot be read: {error}.") from error
    except ValueError as error:
        raise UserError(f"{path}: not JSON: {error}. Write a new one: ms-core rank-table.") from error
    if not isinstance(table, dict) or not isinstance(table.get("server_list"), list):
        old = " It is of the version before 1.0." if isinstance(table, dict) and "group_list" in table else ""
        raise UserError(
            f"{path}: no rank table: there is no server_list.{old} Write a new one: ms-core rank-table."
        )
    return table


def _entries(path: Path, table: Mapping[str, Any]) -> tuple[Entry, ...]:
    _raise_faults(str(path), _table_faults(table))
    entries = [
        Entry(server["server_id"], int(device["device_id"]), device.get("device_ip"), int(device["rank_id"]))
        for server in table["server_list"]
        for device in server["device"]
    ]
    return tuple(sorted(entries, key=lambda entry: entry.rank))


def _raise_faults(where: str, faults: Sequence[str]) -> None:
    if faults:
        more = f"; and {len(faults) - _SHOWN_FAULTS} more" if len(faults) > _SHOWN_FAULTS else ""
        raise UserError(f"{where}: {'; '.join(faults[:_SHOWN_FAULTS])}{more}.")


def _table_faults(table: Mapping[str, Any], first_rank: int = 0) -> list[str]:
    servers = table["server_list"]
    faults = _head_faults(table, len(servers))
    for number, server in enumerate(servers):
        if not isinstance(server, dict) or not isinstance(server.get("device"), list) or not server["device"]:
            faults.append(f"server_list[{number}]: no devices")
            continue
        faults += _server_faults(number, server, alone=len(servers) == 1)
    return faults or _shared_faults(servers, first_rank)


def _head_faults(table: Mapping[str, Any], servers: int) -> list[str]:
    faults = []
    if str(table.get("version")) not in _VERSIONS:
        faults.append(f"version is {table.get('version')}, expected {_VERSIONS[0]}")
    if str(table.get("server_count")) != str(servers):
        faults.append(f"server_count is {table.get('server_count')}, but server_list has {servers}")
    if table.get("status") != "completed":
        faults.append(f"status is {table.get('status')}, expected completed")
    return faults


def _server_faults(number: int, server: Mapping[str, Any], alone: bool) -> list[str]:
    where = f"server_list[{number}]"
    faults = (
        []
        if isinstance(server.get("server_id"), str) and server["server_id"]
        else [f"{where}: server_id is missing"]
    )
    for position, device in enumerate(server["device"]):
        place = f"{where}.device[{position}]"
        if not isinstance(device, dict):
            faults.append(f"{place}: expected device_id, device_ip and rank_id")
            continue
        faults += [
            f"{place}: {key} is {device.get(key)}, expected a whole number from 0"
            for key in ("device_id", "rank_id")
            if not _is_number(device.get(key))
        ]
        faults += _address_faults(place, device, alone)
    return faults


def _address_faults(place: str, device: Mapping[str, Any], alone: bool) -> list[str]:
    address = device.get("device_ip")
    if address is None:
        return [] if alone else [f"{place}: device_ip is missing, which several machines need"]
    return [] if _is_address(address) else [f"{place}: device_ip {address} is no IP address"]


def _shared_faults(servers: Sequence[Mapping[str, Any]], first_rank: int) -> list[str]:
    """What only the whole table shows: repeated machines, devices, addresses and ranks, and gaps."""
    faults = [
        f"server_id {name} appears twice" for name in _repeated(server["server_id"] for server in servers)
    ]
    for server in servers:
        ids = _repeated(int(device["device_id"]) for device in server["device"])
        faults += [f"server {server['server_id']}: device_id {number} appears twice" for number in ids]
    devices = [device for server in servers for device in server["device"]]
    addresses = _repeated(device["device_ip"] for device in devices if "device_ip" in device)
    faults += [f"device_ip {address} appears twice" for address in addresses]
    ranks = [int(device["rank_id"]) for device in devices]
    faults += [f"rank_id {rank} appears twice" for rank in _repeated(ranks)]
    missing = sorted(set(range(first_rank, first_rank + len(ranks))) - set(ranks))
    if missing and len(set(ranks)) == len(ranks):
        faults.append(
            f"{len(ranks)} devices need the ranks {first_rank} to {first_rank + len(ranks) - 1}, but "
            f"{missing[0]} is missing"
        )
    return faults


def _check_process(
    table: RankTable, rank: int, device_id: int | None, local_addresses: Collection[str] | None
) -> None:
    if rank >= table.rank_size:
        raise UserError(f"{table.path}: RANK_ID is {rank}, but the table ends at rank {table.rank_size - 1}.")
    entry = table.entry(rank)
    local = machine_addresses() if local_addresses is None else set(local_addresses)
    if _is_address(entry.server) and ip_address(entry.server) not in {
        ip_address(address) for address in local
    }:
        raise UserError(
            f"{table.path}: rank {rank} belongs to the host {entry.server}, but the addresses of this "
            "machine are "
            f"{', '.join(sorted(local))}. Use this host's table, or the RANK_ID of one of its devices."
        )
    if device_id is not None and device_id != entry.device_id:
        raise UserError(
            f"{table.path}: rank {rank} has device {entry.device_id}, but DEVICE_ID is {device_id}. "
            f"Set DEVICE_ID={entry.device_id}."
        )


def _repeated(values: Any) -> list[Any]:
    return [value for value, count in Counter(values).items() if count > 1]


def _is_number(value: Any) -> bool:
    text = str(value)
    return not isinstance(value, bool) and text.isascii() and text.isdigit()


def _is_address(value: Any) -> bool:
    try:
        ip_address(value)
    except ValueError:
        return False
    return isinstance(value, str)
