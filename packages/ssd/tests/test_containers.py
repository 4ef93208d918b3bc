"""The scripts that start a container, with a stand-in for docker."""

import os
import subprocess
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1]
DEVICES = [*(f"davinci{number}" for number in range(8)), "davinci_manager", "devmm_svm", "hisi_hdc"]
MOUNTS = [
    "/usr/local/Ascend/driver",
    "/usr/local/Ascend/add-ons",
    "/var/log/npu/slog",
    "/var/log/npu/profiling",
    "/var/log/npu/dump",
]


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An Ascend host as a folder, with data and model folders, and a docker that prints its arguments."""
    for device in DEVICES:
        (tmp_path / "dev" / device).parent.mkdir(exist_ok=True)
        (tmp_path / "dev" / device).touch()
    for mount in MOUNTS:
        (tmp_path / mount.lstrip("/")).mkdir(parents=True)
    (tmp_path / "var/log/npu/conf/slog").mkdir(parents=True)
    (tmp_path / "var/log/npu/conf/slog/slog.conf").touch()
    for name in ("my data", "model", "weights"):
        (tmp_path / name).mkdir()
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text('#!/bin/sh\nfor word in "$@"; do echo "$word"; done\n', encoding="utf-8")
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("ASCEND_ROOT", str(tmp_path))
    for name in ("docker_image", "data_dir", "ssd_code_dir", "pretrained_models_dir"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def start(script: str, *words: str | Path) -> subprocess.CompletedProcess[str]:
    command = ["sh", str(PACKAGE / "scripts" / script), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def expected(image: str, *folders: Path) -> list[str]:
    """What guide 004 gives docker: devices, driver, logs, folders under their own names."""
    words = ["run", "-it", "--ipc=host"]
    for folder in folders:
        words += ["-v", f"{folder}:{folder}"]
    words += [f"--device=/dev/{device}" for device in DEVICES]
    conf = "/var/log/npu/conf/slog/slog.conf"
    for place in (*MOUNTS[:2], conf, *MOUNTS[2:]):
        words += ["-v", f"{place}:{place}"]
    return [*words, "-v", "/var/log/npu:/usr/slog", image, "/bin/bash"]


def test_docker_start_shows_devices_driver_logs_and_folders(host: Path) -> None:
    done = start("docker_start.sh", "ssd:20.1.0", host / "my data", host / "model", host / "weights")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == expected(
        "ssd:20.1.0", host / "my data", host / "model", host / "weights"
    )


def test_variables_take_the_place_of_arguments(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guide 004 had them edited in the script."""
    monkeypatch.setenv("docker_image", "ssd_ms:v1.0")
    monkeypatch.setenv("data_dir", str(host / "my data"))
    monkeypatch.setenv("ssd_code_dir", str(host / "model"))
    done = start("docker_start.sh")
    assert done.stdout.splitlines() == expected("ssd_ms:v1.0", host / "my data", host / "model")


def test_docker_start_infer_mounts_one_folder(host: Path) -> None:
    done = start("docker_start_infer.sh", "ascend-infer-x86:20.2.0", host / "model")
    assert done.stdout.splitlines() == expected("ascend-infer-x86:20.2.0", host / "model")


def test_only_what_the_host_has_is_mapped(host: Path) -> None:
    for device in DEVICES[1:8]:
        (host / "dev" / device).unlink()
    words = start("docker_start.sh", "image", host / "my data", host / "model").stdout.splitlines()
    assert [word for word in words if word.startswith("--device=")] == [
        f"--device=/dev/{device}" for device in (DEVICES[0], *DEVICES[8:])
    ]


def test_a_host_without_ascend_is_told(host: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASCEND_ROOT", str(host / "empty"))
    done = start("docker_start.sh", "image", host / "my data", host / "model")
    assert "no Ascend devices" in done.stderr
    assert "--device" not in done.stdout
    assert done.returncode == 0


@pytest.mark.parametrize(
    ("script", "words", "message"),
    [
        ("docker_start.sh", ["image"], "docker_start.sh IMAGE DATA_DIR MODEL_DIR"),
        ("docker_start.sh", ["image", "nowhere", "."], "error: nowhere: no such folder."),
        ("docker_start_infer.sh", ["image"], "docker_start_infer.sh IMAGE DIR"),
    ],
)
def test_wrong_use_is_code_2(host: Path, script: str, words: list[str], message: str) -> None:
    done = start(script, *words)
    assert done.returncode == 2
    assert message in done.stderr


@pytest.mark.parametrize("folder", ["ssd", "ssdlite_fpn", "segformer", "defrcn"])
def test_the_dockerfile_takes_the_old_build_argument(folder: str) -> None:
    lines = (PACKAGE.parent / folder / "Dockerfile").read_text(encoding="utf-8").splitlines()
    instructions = [line for line in lines if line and not line.startswith("#")]
    assert instructions[:2] == ["ARG FROM_IMAGE_NAME", "FROM ${FROM_IMAGE_NAME}"]
    assert "never built or run by us" in " ".join(lines)
