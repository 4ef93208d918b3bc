"""What these tests stand on: a build of the library with its tests and programs, which `nox -s cpp` makes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def build() -> Path:
    """Folder of a build with MS310_TESTS and the sanitizers, named by $MS310_BUILD."""
    folder = os.environ.get("MS310_BUILD")
    if not folder:
        pytest.fail("MS310_BUILD is not set: run these tests by `nox -s cpp`")
    return Path(folder)


@pytest.fixture(scope="session")
def dump(build: Path) -> Path:
    """The program that shows what C++ makes of pictures."""
    return build / "tests" / "ms310_dump"
