"""Which processes a script starts, and the variables that tell each its place."""

import json
import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from ms_core.errors import UserError
from ms_core.launch import Launch, detect_launch
from ms_core.old_zoo.calls import Call
from ms_core.old_zoo.processes import run_in_foreground
from ms_core.old_zoo.ranks import processes_of, with_rank_table
from ms_core.old_zoo.scripts import INTERFACES

LEFT_OVER = {
    "PATH": "/bin",
    "RANK_ID": "7",
    "RANK_SIZE": "8",
    "RANK_TABLE_FILE": "old.json",
    "MS_ROLE": "MS_WORKER",
}
"""An environment in which a job ran before."""


def call(name: str, **values: str) -> Call:
    interface = INTERFACES["ms-ssd"]
    return Call("ms-ssd", name, interface, interface.scripts[name], values)


def write_table(path: Path, servers: dict[str, int]) -> Path:
    rank, server_list = 0, []
    for server, count in servers.items():
        devices = []
        for device in range(count):
            devices.append(
                {
                    "device_id": str(device),
                    "device_ip": f"192.1.{len(server_list)}.{device + 1}",
                    "rank_id": str(rank),
                }
            )
            rank += 1
        server_list.append({"server_id": server, "device": devices})
    table = {
        "version": "1.0",
        "server_count": str(len(servers)),
        "status": "completed",
        "server_list": server_list,
    }
    path.write_text(json.dumps(table), encoding="utf-8")
    return path


def test_one_device_needs_none_of_the_variables_of_several() -> None:
    (process,) = processes_of(call("run_eval.sh", DEVICE_ID="3"), ["eval", "a.ckpt"], LEFT_OVER)
    assert process.command == (sys.executable, "-m", "ms_ssd", "eval", "a.ckpt")
    assert process.log == Path("eval3/log.txt")
    assert process.environment == {"PATH": "/bin", "DEVICE_ID": "3", "DEVICE_NUM": "1", "RANK_SIZE": "1"}
    assert detect_launch(process.environment) == Launch("single", device_id=3)


def test_with_a_rank_table_every_device_gets_its_old_variables_and_folder(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.json", {"127.0.0.1": 2})
    started = processes_of(
        call("run_distribute_train.sh", DEVICE_NUM="2", RANK_TABLE_FILE=str(table)), ["train"], LEFT_OVER
    )
    assert [process.log for process in started] == [Path("LOG0/log.txt"), Path("LOG1/log.txt")]
    launches = [detect_launch(process.environment) for process in started]
    assert launches == [Launch("rank table", 2, 0, 0), Launch("rank table", 2, 1, 1)]


def test_without_a_table_they_meet_through_a_scheduler() -> None:
    started = processes_of(call("run_distribute_train_gpu.sh", DEVICE_NUM="2"), ["train"], LEFT_OVER)
    assert [str(process.log) for process in started] == ["LOG/log.txt", "LOG/log_1.txt", "LOG/scheduler.txt"]
    workers, scheduler = [process.environment for process in started[:2]], started[2].environment
    assert [detect_launch(worker) for worker in workers] == [Launch("msrun", 2, 0), Launch("msrun", 2, 1)]
    assert scheduler["MS_ROLE"] == "MS_SCHED"
    assert len({environment["MS_SCHED_PORT"] for environment in (*workers, scheduler)}) == 1


def test_a_chosen_port_is_kept() -> None:
    started = processes_of(
        call("run_distribute_train_gpu.sh", DEVICE_NUM="2"), ["train"], {"MASTER_PORT": "8118"}
    )
    assert started[0].environment["MS_SCHED_PORT"] == "8118"


def test_one_of_many_runs_alone() -> None:
    (process,) = processes_of(call("run_distribute_train.sh", DEVICE_NUM="1"), ["train"], LEFT_OVER)
    assert detect_launch(process.environment).kind == "single"
    assert process.log == Path("LOG0/log.txt")


def test_a_table_of_several_machines_starts_the_devices_of_this_one(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.json", {"192.0.2.9": 2, "127.0.0.1": 2})
    for size in (4, 2):
        places = with_rank_table(table, size)
        assert list(places) == [2, 3]
        assert {place["RANK_SIZE"] for place in places.values()} == {"4"}


def test_a_table_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    table = write_table(tmp_path / "t.json", {"127.0.0.1": 2})
    with pytest.raises(UserError, match=r"2 devices .* but DEVICE_NUM is 8"):
        with_rank_table(table, 8)
    with pytest.raises(UserError, match=r"belongs to the host 192\.0\.2\.9"):
        with_rank_table(write_table(tmp_path / "u.json", {"192.0.2.9": 2}), 2)
    with pytest.raises(UserError, match="no server_id is a name or address of this machine"):
        with_rank_table(write_table(tmp_path / "v.json", {"host-a": 1, "host-b": 1}), 2)
    assert len(with_rank_table(write_table(tmp_path / "w.json", {"some-host": 2}), 2)) == 2


def test_two_processes_really_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Our start in place of msrun's: communication, exit code and one log each."""
    monkeypatch.chdir(tmp_path)
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "GLOG_v": "3"}
    code = (
        "import numpy as np; from ms_core import device; r = device.start('cpu'); "
        "print(r, device.all_sum(np.array([r.rank + 1.0], np.float32), r))"
    )
    started = processes_of(call("run_distribute_train_gpu.sh", DEVICE_NUM="2"), [], environment)
    started = [replace(process, command=(sys.executable, "-c", code)) for process in started]
    assert run_in_foreground(started) == 0
    for rank, process in enumerate(started[:2]):
        assert f"CPU:0, rank {rank} of 2 [3.]" in process.log.read_text(encoding="utf-8")
