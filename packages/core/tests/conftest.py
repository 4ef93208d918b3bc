"""Fixtures shared by the tests of this package."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session", autouse=True)
def private_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Compiled graphs are neither taken from nor left in the cache of whoever runs the tests."""
    before = os.environ.get("XDG_CACHE_HOME")
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    yield
    os.environ.pop("XDG_CACHE_HOME")
    if before is not None:
        os.environ["XDG_CACHE_HOME"] = before


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and reference numbers; tests that need it skip, visibly, where it is absent."""
    folder = Path(os.environ.get("MS_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared material at {folder}")
    return folder
