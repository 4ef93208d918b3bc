"""The doctor: what it finds here, and what it says about machines that are not well."""

import importlib
import subprocess
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from ms_core import doctor, doctor_probe
from ms_core.cli import main
from ms_core.doctor import Check, library_advice, print_checks, probe_checks, run_checks
from ms_core.errors import UserError
from ms_core.versions import Requires
from scipy.signal import correlate


def named(checks: list[Check], name: str) -> Check:
    return next(check for check in checks if check.name == name)


def ended(stdout: str = "", stderr: str = "", code: int = 0) -> Any:
    """What `subprocess.run` gives in the place of the probe."""
    return lambda *arguments, **options: subprocess.CompletedProcess([], code, stdout, stderr)


@pytest.fixture
def no_probe(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(subprocess, "run", ended())


def test_this_machine_is_ready(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["doctor", "--device", "cpu"]) == 0
    output = capsys.readouterr().out
    for line in (
        "python",
        "mindspore",
        "numpy",
        "opencv-python",
        "device CPU",
        "convolution",
        "msrun",
        "write access",
    ):
        assert line in output
    assert "FAIL" not in output
    assert list(tmp_path.iterdir()) == []


def test_a_device_that_is_no_device_is_wrong_use() -> None:
    with pytest.raises(UserError, match="--device tpu: expected auto"):
        run_checks("tpu")


@pytest.mark.usefixtures("no_probe")
def test_a_wrong_pin_fails_with_the_line_to_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        Requires("numpy", "<2,>=1.26", "2.1.0", None, fits=False),
        Requires("matplotlib", ">=3.8", None, "plots", fits=False),
        Requires("tensorboardX", ">=2.6", "1.0", "logs", fits=False),
    ]
    monkeypatch.setattr(doctor, "requirements", lambda package: found)
    checks = run_checks()
    assert named(checks, "numpy").status == "FAIL"
    assert named(checks, "matplotlib") == Check(
        "matplotlib", "INFO", 'not installed, optional: python -m pip install "ms-core[plots]"'
    )
    assert named(checks, "tensorboardX").status == "WARN"
    assert main(["doctor"]) == 2
    assert "Not ready: numpy." in capsys.readouterr().out


@pytest.mark.usefixtures("no_probe")
def test_a_missing_system_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    original = importlib.import_module

    def without_cv2(name: str, package: str | None = None) -> ModuleType:
        if name == "cv2":
            raise ImportError("libGL.so.1: cannot open shared object file: No such file or directory")
        return original(name, package)

    monkeypatch.setattr(importlib, "import_module", without_cv2)
    check = named(run_checks(), "import cv2")
    assert check.status == "FAIL"
    assert "apt-get install libgl1" in check.detail


def test_unknown_import_errors_get_no_advice() -> None:
    assert library_advice("No module named 'x'") == ""


def test_a_crash_of_mindspore_is_a_failure_not_our_end(monkeypatch: pytest.MonkeyPatch) -> None:
    output = 'noise\n@{"name": "import mindspore", "status": "PASS", "detail": "2.10"}\n'
    monkeypatch.setattr(subprocess, "run", ended(output, "warning\nIllegal instruction\n", -4))
    checks = run_checks()
    assert named(checks, "import mindspore").status == "PASS"
    assert [check.detail for check in checks if check.status == "FAIL"] == [
        "ended with code -4: Illegal instruction"
    ]


def test_a_mindspore_that_hangs_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*arguments: Any, **options: Any) -> None:
        raise subprocess.TimeoutExpired([], 300)

    monkeypatch.setattr(subprocess, "run", hang)
    assert any(check.status == "FAIL" and "took more than 300 s" in check.detail for check in run_checks())


@pytest.mark.usefixtures("no_probe")
def test_left_over_variables_of_a_distributed_start_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RANK_SIZE", "8")
    assert named(run_checks(), "start-up").status == "FAIL"
    monkeypatch.setenv("MS_ROLE", "MS_WORKER")
    monkeypatch.setenv("MS_WORKER_NUM", "2")
    assert named(run_checks(), "start-up") == Check(
        "start-up", "INFO", "started by msrun: 2 processes, data parallel"
    )


@pytest.mark.usefixtures("no_probe")
def test_a_folder_without_write_access_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "NamedTemporaryFile", refuse)
    check = named(run_checks(), "write access")
    assert (check.status, "Permission denied" in check.detail) == ("FAIL", True)


@pytest.mark.usefixtures("no_probe")
def test_the_compile_cache_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MS_COMPILER_CACHE_ENABLE", raising=False)
    assert named(run_checks(), "compile cache").detail.startswith("off")
    monkeypatch.setenv("MS_COMPILER_CACHE_ENABLE", "1")
    monkeypatch.setenv("MS_COMPILER_CACHE_PATH", "/x")
    assert named(run_checks(), "compile cache").detail == "on, in /x"


def test_only_marked_lines_of_the_probe_are_checks() -> None:
    assert list(probe_checks('a\n@{"name": "n", "status": "PASS", "detail": "[d]"}\n\n')) == [
        Check("n", "PASS", "[d]")
    ]


def test_the_table_keeps_brackets_and_sums_up(capsys: pytest.CaptureFixture[str]) -> None:
    print_checks([Check("a", "PASS", "/x/[red]y"), Check("b", "WARN", "w")])
    output = capsys.readouterr().out
    assert "/x/[red]y" in output
    assert output.endswith("Ready, but see: b.\n")
    print_checks([Check("a", "PASS", "fine")])
    assert capsys.readouterr().out.endswith("Ready.\n")


def test_the_reference_convolution_is_the_textbook_sum() -> None:
    generator = np.random.default_rng(1)
    image, kernels = generator.standard_normal((3, 7, 6)), generator.standard_normal((4, 3, 3, 2))
    expected = np.stack([correlate(image, kernel, mode="valid")[0] for kernel in kernels])
    np.testing.assert_allclose(doctor_probe.convolve(image, kernels), expected, atol=1e-12)
