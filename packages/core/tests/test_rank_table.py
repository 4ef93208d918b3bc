"""Rank tables: every fault is named, the verb writes what the old generator wrote."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from ms_core.cli import main
from ms_core.errors import UserError
from ms_core.rank_table import build, file_name, machine_addresses, merge, validate
from ms_core.rank_table_verb import parse_devices, read_hccn_conf

Table = dict[str, Any]


def two_hosts() -> Table:
    first = build([0, 1], "10.0.0.1", ["192.1.1.6", "192.1.2.6"])
    second = build([0, 1], "10.0.0.2", ["192.1.1.7", "192.1.2.7"])
    return merge([first, second])


def save(table: Any, folder: Path) -> Path:
    path = folder / "table.json"
    path.write_text(json.dumps(table))
    return path


def test_a_good_table_is_read(tmp_path: Path) -> None:
    table = validate(
        save(two_hosts(), tmp_path), 2, device_id=0, rank_size=4, local_addresses=["10.0.0.2", "127.0.0.1"]
    )
    assert table.rank_size == 4
    entry = table.entry(2)
    assert (entry.server, entry.device_id, entry.device_ip, entry.rank) == ("10.0.0.2", 0, "192.1.1.7", 2)


def test_ranks_may_stand_in_any_order(tmp_path: Path) -> None:
    table = two_hosts()
    table["server_list"].reverse()
    assert [entry.rank for entry in validate(save(table, tmp_path)).entries] == [0, 1, 2, 3]


def test_one_machine_alone_needs_no_device_addresses(tmp_path: Path) -> None:
    assert validate(save(build([0, 1], "10.0.0.1", []), tmp_path)).entry(1).device_ip is None


def device(table: Table, server: int, position: int) -> Table:
    entry: Table = table["server_list"][server]["device"][position]
    return entry


FAULTS = {
    "version": (lambda t: t.update(version="0.1"), "version is 0.1, expected 1.0"),
    "count": (lambda t: t.update(server_count="3"), "server_count is 3, but server_list has 2"),
    "status": (lambda t: t.pop("status"), "status is None, expected completed"),
    "no devices": (lambda t: t["server_list"][1].update(device=[]), r"server_list\[1\]: no devices"),
    "no server": (lambda t: t["server_list"][1].pop("server_id"), r"server_list\[1\]: server_id is missing"),
    "no object": (
        lambda t: t["server_list"][0]["device"].insert(0, 3),
        r"server_list\[0\]\.device\[0\]: expected device_id",
    ),
    "device id": (
        lambda t: device(t, 0, 1).update(device_id="x"),
        r"server_list\[0\]\.device\[1\]: device_id is x, expected a whole number",
    ),
    "rank id": (lambda t: device(t, 1, 0).pop("rank_id"), r"server_list\[1\]\.device\[0\]: rank_id is None"),
    "address": (
        lambda t: device(t, 0, 0).update(device_ip="1.2.3"),
        r"device\[0\]: device_ip 1\.2\.3 is no IP address",
    ),
    "no address": (
        lambda t: device(t, 0, 0).pop("device_ip"),
        r"server_list\[0\]\.device\[0\]: device_ip is missing",
    ),
    "same server": (
        lambda t: t["server_list"][1].update(server_id="10.0.0.1"),
        "server_id 10.0.0.1 appears twice",
    ),
    "same device": (
        lambda t: device(t, 1, 1).update(device_id="0"),
        "server 10.0.0.2: device_id 0 appears twice",
    ),
    "same address": (
        lambda t: device(t, 1, 1).update(device_ip="192.1.1.6"),
        "device_ip 192.1.1.6 appears twice",
    ),
    "same rank": (lambda t: device(t, 1, 1).update(rank_id="0"), "rank_id 0 appears twice"),
    "gap": (
        lambda t: device(t, 1, 1).update(rank_id="7"),
        "4 devices need the ranks 0 to 3, but 3 is missing",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_named(tmp_path: Path, name: str) -> None:
    spoil, message = FAULTS[name]
    table = two_hosts()
    spoil(table)  # type: ignore[no-untyped-call]
    with pytest.raises(UserError, match=message) as caught:
        validate(save(table, tmp_path))
    assert str(caught.value).startswith(str(tmp_path / "table.json"))
    assert "\n" not in str(caught.value)


def test_several_faults_come_in_one_line(tmp_path: Path) -> None:
    table = two_hosts()
    table["status"] = "initializing"
    device(table, 0, 0)["device_ip"] = "x"
    device(table, 1, 1)["rank_id"] = "-1"
    with pytest.raises(
        UserError, match=r"status is initializing.*; .*device_ip x is no IP.*; .*rank_id is -1"
    ):
        validate(save(table, tmp_path))


def test_many_faults_are_counted(tmp_path: Path) -> None:
    table = build(list(range(8)), "10.0.0.1", [])
    for entry in table["server_list"][0]["device"]:
        entry["device_ip"] = "x"
    with pytest.raises(UserError, match=r"; and 2 more\.$"):
        validate(save(table, tmp_path))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not JSON"),
        ("[1]", "there is no server_list"),
        ('{"server_list": 3}', "there is no server_list"),
        ('{"board_id": "0x0000", "group_list": []}', "version before 1.0"),
    ],
)
def test_other_files_are_no_tables(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "t.json").write_text(text)
    with pytest.raises(UserError, match=message):
        validate(tmp_path / "t.json")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"t\.json: no such rank table\. Correct RANK_TABLE_FILE"):
        validate(tmp_path / "t.json")


def test_the_table_of_another_host_is_refused(tmp_path: Path) -> None:
    path = save(build([0], "203.0.113.77", []), tmp_path)
    with pytest.raises(
        UserError, match=r"rank 0 belongs to the host 203\.0\.113\.77, but the addresses of this machine"
    ):
        validate(path, 0)


def test_the_table_of_this_host_is_taken(tmp_path: Path) -> None:
    for address in machine_addresses():
        assert validate(save(build([3], address, []), tmp_path), 0).entry(0).device_id == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"rank": 4}, "RANK_ID is 4, but the table ends at rank 3"),
        ({"rank": 0, "rank_size": 8}, "4 devices, but RANK_SIZE is 8. Set RANK_SIZE=4."),
        ({"rank": 1, "device_id": 0}, "rank 1 has device 1, but DEVICE_ID is 0. Set DEVICE_ID=1."),
    ],
)
def test_the_environment_must_agree(tmp_path: Path, arguments: dict[str, int], message: str) -> None:
    with pytest.raises(UserError, match=message):
        validate(save(two_hosts(), tmp_path), local_addresses=["10.0.0.1"], **arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 0], "10.0.0.1", []), "device_id 0 appears twice"),
        (([0, 1], "10.0.0.1", ["1.1.1.1"]), "1 addresses for 2 devices"),
        (([0], "10.0.0.1", ["x"]), "device_ip x is no IP address"),
        (([], "10.0.0.1", []), "at least one device"),
    ],
)
def test_no_faulty_table_is_built(arguments: Any, message: str) -> None:
    with pytest.raises(UserError, match=message):
        build(*arguments)


def test_merging_gives_new_ranks_and_leaves_the_parts_alone() -> None:
    parts = [build([0, 1], "10.0.0.1", ["1.1.1.1", "1.1.1.2"]), build([4], "10.0.0.2", ["1.1.1.3"])]
    before = copy.deepcopy(parts)
    merged = merge(parts)
    assert parts == before
    assert merged["server_count"] == "2"
    assert merged["server_list"][1]["device"] == [{"device_id": "4", "rank_id": "2", "device_ip": "1.1.1.3"}]
    with pytest.raises(UserError, match=r"server_id 10\.0\.0\.1 appears twice"):
        merge([parts[0], parts[0]])


def test_the_file_is_named_like_those_of_the_old_generator() -> None:
    assert file_name(build(list(range(8)), "182.138.104.158", [])) == "hccl_8p_01234567_182.138.104.158.json"


@pytest.mark.parametrize(
    ("text", "devices"),
    [("0-7", list(range(8))), ("[0,8)", list(range(8))), ("0,2, 4-5", [0, 2, 4, 5]), ("3", [3])],
)
def test_devices_are_written_in_several_ways(text: str, devices: list[int]) -> None:
    assert parse_devices(text) == devices


@pytest.mark.parametrize("text", ["x", "3-1", "0-", "", "-1", "0;1"])
def test_other_device_lists_are_refused(text: str) -> None:
    with pytest.raises(UserError, match="--devices"):
        parse_devices(text)


def test_the_verb_reads_the_drivers_addresses_and_writes_a_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    conf = tmp_path / "hccn.conf"
    conf.write_text(
        "# ports\naddress_0=192.168.100.101\nnetmask_0=255.255.255.0\naddress_1 = 192.168.101.101\n"
    )
    out = tmp_path / "tables"
    words = [
        "rank-table",
        "--devices",
        "0-1",
        "--server-ip",
        "10.0.0.1",
        "--hccn-conf",
        str(conf),
        "--out",
        str(out),
    ]
    assert main(words) == 0
    written = out / "hccl_2p_01_10.0.0.1.json"
    assert validate(written).entry(1).device_ip == "192.168.101.101"
    assert "No table is needed with msrun: msrun --worker_num=2" in capsys.readouterr().out
    assert main(words) == 2
    assert "pass --overwrite" in capsys.readouterr().err
    assert main([*words, "--overwrite"]) == 0


def test_the_verb_merges_and_checks(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for number in (1, 2):
        words = ["--devices", "0", "--server-ip", f"10.0.0.{number}", "--device-ips", f"1.1.1.{number}"]
        assert main(["rank-table", *words, "--out", str(tmp_path / f"{number}.json")]) == 0
    merged = tmp_path / "both.json"
    parts = [str(tmp_path / "1.json"), str(tmp_path / "2.json")]
    assert main(["rank-table", "--merge", *parts, "--out", str(merged)]) == 0
    assert main(["rank-table", "--check", str(merged)]) == 0
    assert "no faults; 2 devices on 2 host(s)" in capsys.readouterr().out
    assert main(["rank-table", "--check", str(merged), "--rank", "1"]) == 2
    assert "belongs to the host 10.0.0.2" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "one of --devices, --merge or --check is needed"),
        (["--devices", "0", "--check", "x"], "one of --devices, --merge or --check"),
        (["--devices", "0", "--server-ip", "host"], "--server-ip host: no IP address"),
        (["--devices", "0", "--server-ip", "10.0.0.1", "--hccn-conf", "nowhere"], "nowhere: cannot be read"),
    ],
)
def test_wrong_use_of_the_verb(words: list[str], message: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["rank-table", *words]) == 2
    assert message in capsys.readouterr().err


def test_a_driver_file_without_addresses_is_refused(tmp_path: Path) -> None:
    (tmp_path / "hccn.conf").write_text("netmask_0=255.255.255.0\n")
    with pytest.raises(UserError, match="no address_N= lines"):
        read_hccn_conf(tmp_path / "hccn.conf")
