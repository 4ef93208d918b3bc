"""Files are reloaded on the device that the network is on."""

import subprocess
from pathlib import Path

import mindspore
import numpy as np
import pytest
from ms_core.export import reload
from ms_core.export.encryption import Encryption

ARRAYS = (np.arange(3, dtype=np.float32), np.ones((1, 2), np.int32))


def test_the_new_process_works_on_the_same_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its command is taken to `main` here, with a graph that gives back what it takes."""

    def run(command: list[str], **_: object) -> subprocess.CompletedProcess[bytes]:
        reload.main(command[3:])
        return subprocess.CompletedProcess(command, 0)

    devices = []
    monkeypatch.setattr(mindspore, "get_context", {"device_target": "Ascend", "device_id": 3}.get)
    monkeypatch.setattr(mindspore, "set_device", lambda *device: devices.append(device))
    monkeypatch.setattr(subprocess, "run", run)
    monkeypatch.setattr(reload, "load_mindir", lambda path, encryption: lambda *inputs: inputs)
    (found,) = reload.run_in_new_process(tmp_path / "model.mindir", [ARRAYS])
    assert devices == [("Ascend", 3)]
    for ours, theirs in zip(ARRAYS, found, strict=True):
        np.testing.assert_array_equal(ours, theirs)


def test_the_kind_of_encryption_follows_the_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken = []

    def run(command: list[str], **options: object) -> subprocess.CompletedProcess[bytes]:
        taken.extend([command[-3:], options["input"]])
        return subprocess.CompletedProcess(command, 1, stderr=b"as meant")

    monkeypatch.setattr(subprocess, "run", run)
    with pytest.raises(RuntimeError, match="reloading in a new process failed: as meant"):
        reload.run_in_new_process(tmp_path / "a.mindir", [ARRAYS], Encryption(b"k" * 16, "SM4-CBC"))
    assert taken == [["CPU", "0", "SM4-CBC"], b"k" * 16]
