"""Devices, seeds, and how processes started together find each other; one test starts two processes."""

import json
import os
import random
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from ms_core import device, device_choice, versions
from ms_core.device_choice import DeviceChoice, Target, choose_target, parse_device, why_unavailable
from ms_core.errors import UserError
from ms_core.launch import Launch, detect_launch
from ms_core.rank_table import build
from ms_core.versions import Requires, check_framework, complaint, requirements

_VARIABLES = (
    "MS_ROLE",
    "MS_WORKER_NUM",
    "MS_NODE_ID",
    "RANK_TABLE_FILE",
    "RANK_ID",
    "RANK_SIZE",
    "DEVICE_ID",
)


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No variables of a distributed start; the mode is put back."""
    for name in (*_VARIABLES, "OMPI_COMM_WORLD_SIZE"):
        monkeypatch.delenv(name, raising=False)
    mode = ms.get_context("mode")
    yield
    ms.set_context(mode=mode)


def offer(monkeypatch: pytest.MonkeyPatch, *available: Target) -> None:
    """Pretend that the machine has these kinds of devices, two of each."""
    monkeypatch.setattr(device_choice, "is_available", lambda target: target in available)
    monkeypatch.setattr(device_choice, "device_count", lambda target: 1 if target == "CPU" else 2)


# Choosing a device


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("auto", DeviceChoice(None)),
        ("cpu", DeviceChoice("CPU")),
        ("GPU:1", DeviceChoice("GPU", 1)),
        ("Ascend:12", DeviceChoice("Ascend", 12)),
    ],
)
def test_device_texts(text: str, choice: DeviceChoice) -> None:
    assert parse_device(text) == choice


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cuda", r"expected auto, cpu, gpu or ascend.* Did you mean gpu"),
        ("ascned", "Did you mean ascend"),
        ("", "expected auto, cpu, gpu or ascend"),
        ("gpu:", "whole number from 0, as in gpu:0"),
        ("gpu:-1", "whole number from 0"),
        ("gpu:1:2", "whole number from 0"),
        ("auto:1", "auto takes no ID"),
    ],
)
def test_wrong_device_texts(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        parse_device(text)


@pytest.mark.parametrize(
    ("available", "chosen"),
    [(("Ascend", "GPU", "CPU"), "Ascend"), (("GPU", "CPU"), "GPU"), (("CPU",), "CPU")],
)
def test_auto_takes_the_best_device(
    monkeypatch: pytest.MonkeyPatch, available: tuple[Target, ...], chosen: Target
) -> None:
    offer(monkeypatch, *available)
    assert choose_target(DeviceChoice(None)) == chosen


@pytest.mark.parametrize("target", ["GPU", "Ascend"])
def test_a_missing_device_says_what_is_missing(monkeypatch: pytest.MonkeyPatch, target: Target) -> None:
    offer(monkeypatch, "CPU")
    with pytest.raises(
        UserError, match=rf"--device {target.lower()}: not available: .*`ms-core doctor`"
    ) as caught:
        choose_target(DeviceChoice(target))
    assert "\n" not in str(caught.value)


def test_the_reason_depends_on_plugin_and_driver(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(device_choice, "_plugin_folder", lambda: tmp_path)
    assert "has no GPU plugin" in why_unavailable("GPU")
    (tmp_path / "libmindspore_gpu.so.11.6").touch()
    monkeypatch.setattr(device_choice, "_loads", lambda library: False)
    assert "there is no NVIDIA driver" in why_unavailable("GPU")
    monkeypatch.setattr(device_choice, "_loads", lambda library: True)
    assert "could not load libmindspore_gpu.so.11.6" in why_unavailable("GPU")
    (tmp_path / "libmindspore_ascend.so.2").touch()
    monkeypatch.setattr(device_choice, "_loads", lambda library: False)
    assert "set_env.sh" in why_unavailable("Ascend")


def test_cpu_is_available_here_and_asking_is_quiet(capfd: pytest.CaptureFixture[str]) -> None:
    assert device_choice.is_available("CPU")
    device_choice.is_available("GPU")
    assert device_choice.device_count("CPU") == 1
    assert capfd.readouterr() == ("", "")


# Starting


def test_start_on_cpu() -> None:
    runtime = device.start("cpu", mode="pynative", seed=3)
    assert runtime == device.Runtime("CPU", 0, 0, 1)
    assert runtime.is_main
    assert str(runtime) == "CPU:0"
    assert ms.get_context("mode") == ms.PYNATIVE_MODE
    assert device.start("cpu").device == "CPU"
    assert ms.get_context("mode") == ms.GRAPH_MODE
    (ms.Tensor([1.0]) + 1).asnumpy()
    assert device.start("cpu").device == "CPU"  # after operations on this device too


def test_the_seed_fixes_mindspore_numpy_and_python() -> None:
    def draw() -> tuple[float, float, float]:
        device.start("cpu", seed=11)
        weight = ms.common.initializer.initializer("normal", [1], ms.float32).init_data()
        return random.random(), float(np.random.rand()), float(weight.asnumpy()[0])

    assert draw() == draw()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"device": "cpu:1"}, "--device cpu:1: no such device; this machine has only 0"),
        ({"seed": -1}, "--seed -1: expected 0 to 4294967295"),
        ({"seed": 2**32}, "--seed 4294967296: expected 0 to"),
        ({"mode": "eager"}, "--mode eager: expected graph or pynative"),
        ({"parallel": "semi_auto_parallel"}, "only data parallel is offered"),
        ({"parallel": "auto_parallel"}, "only data parallel is offered"),
        ({"parallel": "dta"}, "parallel dta: expected auto, off or data. Did you mean data"),
        ({"parallel": "data"}, "this process was started alone. Start it as: msrun"),
    ],
)
def test_wrong_arguments(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(UserError, match=message):
        device.start(**{"device": "cpu", **arguments})  # type: ignore[arg-type]


def test_device_numbers_are_checked_where_there_are_several(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "GPU", "CPU")
    with pytest.raises(UserError, match="--device gpu:2: no such device; this machine has 0 to 1"):
        device.start("gpu:2")
    monkeypatch.setenv("DEVICE_ID", "5")  # as old single-device scripts export it
    with pytest.raises(UserError, match="--device gpu:5: no such device"):
        device.start("gpu")


# How the process was started


def test_without_variables_a_process_is_alone() -> None:
    assert detect_launch({}) == Launch("single")
    assert detect_launch({"DEVICE_ID": "3"}) == Launch("single", device_id=3)
    assert detect_launch({"RANK_SIZE": "1", "RANK_ID": "0"}) == Launch("single")


def test_msrun_is_recognised() -> None:
    variables = {
        "MS_ROLE": "MS_WORKER",
        "MS_WORKER_NUM": "8",
        "MS_NODE_ID": "5",
        "RANK_ID": "5",
        "DEVICE_ID": "1",
    }
    assert detect_launch(variables) == Launch("msrun", 8, 5)
    del variables["MS_NODE_ID"]
    assert detect_launch(variables).rank is None


@pytest.mark.parametrize(
    ("variables", "parallel", "message"),
    [
        ({"MS_ROLE": "MS_WORKER"}, "auto", "MS_WORKER_NUM is not"),
        (
            {"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "two"},
            "auto",
            "MS_WORKER_NUM: 'two' is not a whole number",
        ),
        (
            {"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "2"},
            "off",
            "parallel off: this process was started by msrun",
        ),
        ({"OMPI_COMM_WORLD_SIZE": "2"}, "auto", "started by mpirun, which this package does not support"),
        ({"RANK_SIZE": "8"}, "auto", "neither msrun nor RANK_TABLE_FILE"),
        (
            {"RANK_SIZE": "8", "RANK_TABLE_FILE": "x.json"},
            "auto",
            "neither msrun nor RANK_TABLE_FILE with RANK_ID",
        ),
        ({"RANK_TABLE_FILE": "nowhere.json", "RANK_ID": "0"}, "auto", r"nowhere\.json: no such rank table"),
        ({"DEVICE_ID": "-1"}, "auto", "DEVICE_ID: '-1' is not a whole number"),
    ],
)
def test_contradictory_variables(variables: dict[str, str], parallel: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        detect_launch(variables, parallel)


def old_start_up(folder: Path, server: str, **variables: str) -> dict[str, str]:
    path = folder / "table.json"
    path.write_text(json.dumps(build([2, 3], server, [])))
    return {"RANK_TABLE_FILE": str(path), "RANK_ID": "1", **variables}


def test_the_old_start_up_takes_its_device_from_the_table(tmp_path: Path) -> None:
    assert detect_launch(old_start_up(tmp_path, "127.0.0.1", DEVICE_ID="3")) == Launch("rank table", 2, 1, 3)


@pytest.mark.parametrize("role", [{}, {"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "2", "MS_NODE_ID": "1"}])
def test_the_table_of_another_host_is_refused_before_anything_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, role: dict[str, str]
) -> None:
    for name, value in {**old_start_up(tmp_path, "203.0.113.77"), **role}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match=r"rank 1 belongs to the host 203\.0\.113\.77"):
        device.start("cpu")


def test_rank_tables_are_for_ascend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in old_start_up(tmp_path, "127.0.0.1").items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="the device is CPU; rank tables are for Ascend"):
        device.start("cpu")
    offer(monkeypatch, "Ascend", "CPU")
    with pytest.raises(UserError, match="--device ascend:1: the rank table gives this process device 3"):
        device.start("ascend:1")
    with pytest.raises(UserError, match="--device ascend:3: no such device; this machine has 0 to 1"):
        device.start("ascend")


def test_msruns_workers_choose_no_device_and_need_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    offer(monkeypatch, "GPU", "CPU")
    for name, value in {"MS_ROLE": "MS_WORKER", "MS_WORKER_NUM": "2", "MS_NODE_ID": "0"}.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(UserError, match="--device gpu:1: under msrun every process takes its own device"):
        device.start("gpu:1")
    with pytest.raises(UserError, match="--seed: data parallel needs one"):
        device.start("gpu", seed=None)


# Versions


def test_the_pins_of_the_package_fit_here() -> None:
    names = {requirement.name: requirement for requirement in requirements()}
    assert names["numpy"].wanted == "<2,>=1.26"
    assert names["numpy"].fits
    assert names["matplotlib"].extra == "plots"
    check_framework()


def test_unfit_versions_are_said_in_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        Requires("numpy", "<2,>=1.26", "2.1.0", None, fits=False),
        Requires("mindspore", "<2.11,>=2.10", "2.11.0", None, fits=False),
    ]
    monkeypatch.setattr(versions, "requirements", lambda: found)
    with pytest.raises(
        UserError, match=r'^numpy 2\.1\.0 does not fit, <2,>=1\.26 is needed\. Run: .*"numpy<2,>=1\.26"'
    ):
        check_framework()
    found[0] = Requires("numpy", "<2,>=1.26", "1.26.4", None, fits=True)
    check_framework()
    assert capsys.readouterr().err.startswith("warning: mindspore 2.11.0 does not fit")


def test_a_missing_extra_is_named_by_its_extra() -> None:
    line = complaint(Requires("matplotlib", ">=3.8", None, "plots", fits=False))
    assert (
        line == 'matplotlib is not installed, >=3.8 is needed. Run: python -m pip install "ms-core[plots]".'
    )


# Ranks


def test_shares_cover_everything_once() -> None:
    items = list(range(7))
    shares = [device.shard(items, device.Runtime("CPU", 0, rank, 3)) for rank in range(3)]
    assert sorted(item for share in shares for item in share) == items
    assert sorted(map(len, shares)) == [2, 2, 3]


def test_a_process_alone_needs_no_communication() -> None:
    runtime = device.Runtime("CPU", 0)
    values = np.array([1.5, 2.0])
    assert device.all_sum(values, runtime) is values
    assert device.gather({"a": 1}, runtime) == [{"a": 1}]
    device.barrier(runtime)


_WORKER = """
import json
import numpy as np
import mindspore as ms
from ms_core import device
runtime = device.start("cpu", mode=MODE)
total = device.all_sum(np.array([runtime.rank + 1.0, 10.0]), runtime)
gathered = device.gather({"rank": runtime.rank, "text": "x" * runtime.rank}, runtime)
device.barrier(runtime)
print("RESULT", json.dumps({
    "place": str(runtime), "main": runtime.is_main, "sum": total.tolist(), "gathered": gathered,
    "mean": ms.get_auto_parallel_context("gradients_mean"),
    "parallel": str(ms.get_auto_parallel_context("parallel_mode")), "random": float(np.random.rand()),
}), flush=True)
"""


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def msrun(script: Path, log: Path) -> subprocess.CompletedProcess[str]:
    """Start two workers and wait for them; msrun itself calls `python`, which must be this one."""
    binaries = Path(sys.executable).parent
    command = shutil.which("msrun", path=str(binaries)) or shutil.which("msrun")
    if command is None:
        pytest.skip("msrun is not installed")
    environment = {
        **os.environ,
        "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}",
        "GLOG_v": "3",
        "OMP_NUM_THREADS": "1",
    }
    workers = [
        "--worker_num=2",
        "--local_worker_num=2",
        f"--master_port={free_port()}",
        f"--log_dir={log}",
        "--join=True",
    ]
    return subprocess.run(
        [command, *workers, str(script)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_two_processes_under_msrun(tmp_path: Path) -> None:
    script = tmp_path / "worker.py"
    script.write_text(_WORKER.replace("MODE", "'graph'"))
    done = msrun(script, tmp_path / "log")
    assert done.returncode == 0, done.stdout + done.stderr
    results = []
    for rank in range(2):
        lines = (tmp_path / "log" / f"worker_{rank}.log").read_text().splitlines()
        results += [json.loads(line[len("RESULT ") :]) for line in lines if line.startswith("RESULT ")]
    assert [result["place"] for result in results] == ["CPU:0, rank 0 of 2", "CPU:0, rank 1 of 2"]
    assert [result["main"] for result in results] == [True, False]
    for result in results:
        assert result["sum"] == [3.0, 20.0]
        assert result["gathered"] == [{"rank": 0, "text": ""}, {"rank": 1, "text": "x"}]
        assert (result["mean"], result["parallel"]) == (True, "data_parallel")
    assert results[0]["random"] == results[1]["random"]
