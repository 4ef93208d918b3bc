"""A build that is killed, raced, refused by the disk or fed a bad picture leaves the former cache, or none."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ms_core.data import record_build
from ms_core.data.config import DetectionDataConfig
from ms_core.data.file_lock import exclusive
from ms_core.data.open import open_split
from ms_core.data.record_build import recover
from ms_core.data.record_cache import open_cached_split
from ms_core.errors import UserError
from record_sets import assert_same_dataset, write_coco, write_here

PATIENCE = 240
"""Seconds until a process that should be doing something counts as stuck; starting MindSpore takes some of them."""


@pytest.fixture
def config(tmp_path: Path) -> DetectionDataConfig:
    write_coco(tmp_path)
    return DetectionDataConfig(
        train=str(tmp_path / "train.json"), cache=str(tmp_path / "cache"), cache_shards=5
    )


@pytest.fixture
def former(config: DetectionDataConfig, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the same set, stale since one picture was changed."""
    assert config.train is not None
    with monkeypatch.context() as patch:
        patch.setattr(record_build, "write_shards", write_here)
        open_cached_split(config, "train")
    os.utime(Path(config.train).parent / "images/3.jpg", ns=(0, 10**18))
    return folder_of(config)


def folder_of(config: DetectionDataConfig) -> Path:
    assert config.cache is not None
    return Path(config.cache) / "train"


def state_of(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def start_building(config: DetectionDataConfig, output: Path) -> subprocess.Popen[bytes]:
    command = ["data", "cache", "--data.train", config.train, "--data.cache", config.cache]
    with output.open("wb") as file:
        return subprocess.Popen(
            [sys.executable, "-m", "ms_core", *command, "--data.cache-shards", str(config.cache_shards)],
            stdout=file,
            stderr=subprocess.STDOUT,
        )


def wait_until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, f"not within {PATIENCE} s: {what}"
        time.sleep(0.001)


@pytest.mark.parametrize("moment", [".train.*.tmp", ".train.*.tmp/ssd.mindrecord0"])
def test_who_waits_for_a_killed_builder_builds(
    moment: str, config: DetectionDataConfig, former: Path, tmp_path: Path
) -> None:
    before, outputs = state_of(former), (tmp_path / "first.txt", tmp_path / "second.txt")
    first = start_building(config, outputs[0])
    wait_until(lambda: list(former.parent.glob(".train.*.tmp")), "the first process builds")
    second = start_building(config, outputs[1])
    try:
        wait_until(lambda: list(former.parent.glob(moment)) or first.poll() is not None, moment)
        first.kill()
        assert first.wait() == -signal.SIGKILL
        assert state_of(former) == before
        assert second.wait(PATIENCE) == 0, outputs[1].read_text()
    finally:
        second.kill()
        first.kill()
    assert_same_dataset(open_split(config, "train"), open_cached_split(config, "train"))
    assert state_of(former) != before
    assert "building the cache: 1 of 5 pictures changed, first" in outputs[1].read_text()
    wait_until(
        lambda: sorted(os.listdir(former.parent)) == [".train.lock", "train"],  # noqa: PTH208
        "the killed builder's writer ends and nothing of it is left",
    )


def test_of_two_processes_one_builds(config: DetectionDataConfig, tmp_path: Path) -> None:
    outputs = (tmp_path / "first.txt", tmp_path / "second.txt")
    processes = [start_building(config, output) for output in outputs]
    assert [process.wait(PATIENCE) for process in processes] == [0, 0]
    texts = [output.read_text() for output in outputs]
    assert sum("building the cache" in text for text in texts) == 1
    assert all("train: 5 images, 5 boxes" in text for text in texts)
    assert_same_dataset(open_split(config, "train"), open_cached_split(config, "train"))


def test_a_disk_that_refuses_leaves_the_former_cache(config: DetectionDataConfig, former: Path) -> None:
    before = state_of(former)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_050_000, limits[1]))  # a header, and no page
    try:
        with pytest.raises(
            UserError, match=r"train: the cache cannot be written: .* The former cache is as it was"
        ):
            open_cached_split(config, "train")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert state_of(former) == before
    assert sorted(path.name for path in former.parent.iterdir()) == [".train.lock", "train"]


def test_a_disk_without_room_is_noticed_first(
    config: DetectionDataConfig, former: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = type("Usage", (), {"free": 10_000_000})
    monkeypatch.setattr(record_build.shutil, "disk_usage", lambda path: usage)
    with pytest.raises(UserError, match=r"needs 0\.07 GB, 0\.01 GB are free\. .* former cache, which stays"):
        open_cached_split(config, "train")


def test_a_bad_picture_is_named(config: DetectionDataConfig, former: Path, tmp_path: Path) -> None:
    before = state_of(former)
    (tmp_path / "images/2.png").write_bytes(b"")
    with pytest.raises(UserError, match=r"2\.png: the image file is empty \(0 bytes\)"):
        open_cached_split(config, "train")
    assert state_of(former) == before


def test_a_former_cache_that_was_just_being_replaced_comes_back(former: Path) -> None:
    before = state_of(former)
    former.rename(former.parent / ".train.abc.old")
    (former.parent / ".train.xyz.tmp").mkdir()
    recover(former)
    assert state_of(former) == before
    (former.parent / ".train.abc.old").mkdir()  # killed before the former one was removed
    recover(former)
    assert state_of(former) == before
    assert sorted(path.name for path in former.parent.iterdir()) == [".train.lock", "train"]


def test_the_lock_names_its_holder_and_is_free_when_he_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    code = (
        "import sys, pathlib; from ms_core.data.file_lock import exclusive\n"
        "with exclusive(pathlib.Path(sys.argv[1]), print): print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen(
        [sys.executable, "-c", code, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    told: list[str] = []

    def waiting(name: str) -> None:
        told.append(name)
        holder.kill()

    with exclusive(path, waiting):
        assert len(told) == 1
        assert f"process {holder.pid} on " in told[0]
    with exclusive(path, waiting):
        assert len(told) == 1
    holder.communicate()
