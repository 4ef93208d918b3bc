"""Fixtures shared by the tests of this package."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and reference numbers; tests that need it skip, visibly, where it is absent."""
    folder = Path(os.environ.get("MS_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared material at {folder}")
    return folder
