"""`ms-core rank-table`: write, join and check rank tables, in place of the old `hccl_tools` scripts."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from ms_core.atomic import atomic_write
from ms_core.cli import Verb, refuse_overwrite
from ms_core.errors import UserError
from ms_core.rank_table import build, file_name, machine_addresses, merge, validate

_HCCN_CONF = Path("/etc/hccn.conf")  # where the Ascend driver keeps the addresses of its devices' ports


def rank_table_verb() -> Verb:
    """The verb as `ms-core` shows it."""
    return Verb(
        help="write, join (--merge) or check (--check) the table of devices that old start-up on Ascend "
        "needs; "
        "msrun needs no table",
        run=_run,
        add_arguments=_add_arguments,
        example="{command} --devices 0-7 --server-ip 10.0.0.1 --out tables",
    )


def parse_devices(text: str) -> list[int]:
    """Device numbers: `0-7`, `0,2,4`, `3`, or the old generator's `[0,8)`.

    Raises:
        UserError: anything else.
    """
    old = re.fullmatch(r"\[(\d+),(\d+)\)", text.replace(" ", ""))
    if old:
        return list(range(int(old[1]), int(old[2])))
    devices: list[int] = []
    for part in text.split(","):
        bounds = re.fullmatch(r"(\d+)(?:-(\d+))?", part.strip())
        if bounds is None or (bounds[2] and int(bounds[2]) < int(bounds[1])):
            raise UserError(f"--devices {text}: expected numbers as in 0-7 or 0,2,4.")
        devices += range(int(bounds[1]), int(bounds[2] or bounds[1]) + 1)
    return devices


def read_hccn_conf(path: Path) -> dict[int, str]:
    """Device number -> address of its port, from the driver's `address_0=192.168.100.101` lines.

    Raises:
        UserError: the file cannot be read or names no address.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read: {error.strerror}. Give the addresses with --device-ips "
            "(hccn_tool -i 0 -ip -g prints that of device 0)."
        ) from error
    lines = re.findall(r"^\s*address_(\d+)\s*=\s*(\S+)", text, flags=re.MULTILINE)
    if not lines:
        raise UserError(f"{path}: no address_N= lines. Give the addresses with --device-ips.")
    return {int(device): address for device, address in lines}


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--devices", help="numbers of this machine's devices, as 0-7 or 0,2,4")
    parser.add_argument("--server-ip", help="address of this machine; needed where it has several")
    parser.add_argument(
        "--device-ips", help="addresses of the devices' own ports, with commas, in their order"
    )
    parser.add_argument(
        "--hccn-conf", type=Path, help=f"file of the driver with these addresses (default: {_HCCN_CONF})"
    )
    parser.add_argument(
        "--merge", nargs="+", type=Path, metavar="FILE", help="join the tables of several machines"
    )
    parser.add_argument("--check", type=Path, metavar="FILE", help="look for faults in a table")
    parser.add_argument(
        "--rank", type=int, help="with --check: also whether this rank is a device of this machine"
    )
    parser.add_argument(
        "--out", type=Path, default=Path(), help="file or folder to write (default: this folder)"
    )
    parser.add_argument("--overwrite", action="store_true", help="replace a file that is there")


def _run(arguments: argparse.Namespace) -> None:
    given = [name for name in ("devices", "merge", "check") if getattr(arguments, name)]
    if len(given) != 1:
        raise UserError("one of --devices, --merge or --check is needed. See ms-core rank-table --help.")
    if arguments.check:
        table = validate(arguments.check, arguments.rank)
        hosts = len({entry.server for entry in table.entries})
        print(f"{arguments.check}: no faults; {table.rank_size} devices on {hosts} host(s).")
        return
    _write(
        _merged(arguments.merge) if arguments.merge else _built(arguments), arguments.out, arguments.overwrite
    )


def _built(arguments: argparse.Namespace) -> dict[str, Any]:
    devices = parse_devices(arguments.devices)
    return build(devices, _server_ip(arguments.server_ip), _device_ips(arguments, devices))


def _merged(files: list[Path]) -> dict[str, Any]:
    for file in files:
        validate(file)
    return merge([json.loads(file.read_text(encoding="utf-8")) for file in files])


def _server_ip(given: str | None) -> str:
    if given is not None:
        try:
            return str(ip_address(given))
        except ValueError:
            raise UserError(f"--server-ip {given}: no IP address.") from None
    addresses = sorted(address for address in machine_addresses() if _is_public(address))
    if len(addresses) != 1:
        raise UserError(f"--server-ip is needed: this machine has {', '.join(addresses) or 'no address'}.")
    return addresses[0]


def _is_public(address: str) -> bool:
    parsed = ip_address(address)
    return parsed.version == 4 and not parsed.is_loopback and not parsed.is_link_local


def _device_ips(arguments: argparse.Namespace, devices: list[int]) -> list[str]:
    if arguments.device_ips:
        return [address.strip() for address in arguments.device_ips.split(",")]
    source = arguments.hccn_conf or _HCCN_CONF
    addresses = read_hccn_conf(source)
    missing = [device for device in devices if device not in addresses]
    if missing:
        raise UserError(
            f"{source}: no address of device {missing[0]}; it has {', '.join(map(str, sorted(addresses)))}."
        )
    return [addresses[device] for device in devices]


def _write(table: Mapping[str, Any], out: Path, overwrite: bool) -> None:
    path = out / file_name(table) if out.is_dir() or not out.suffix else out
    refuse_overwrite([path], overwrite)
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file:
        json.dump(table, file, indent=4)
        file.write("\n")
    count = sum(len(server["device"]) for server in table["server_list"])
    print(
        f"{path}: {count} devices. Use: RANK_TABLE_FILE={path} with RANK_ID and DEVICE_ID for each process."
    )
    print(
        f"No table is needed with msrun: msrun --worker_num={count} --local_worker_num={count} "
        "--join=True COMMAND"
    )
