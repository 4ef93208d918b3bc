"""What the tests of the old interface share: realistic old configuration files, written by us from the facts."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from ms_core.old_zoo.files import OldFile, read_old_file

CONFIGS = Path(__file__).parent / "configs"


@pytest.fixture(scope="session")
def configs() -> Path:
    """One file a network and platform, and the earlier generation in `earlier`."""
    return CONFIGS


@pytest.fixture(scope="session")
def old_file() -> Callable[[str], OldFile]:
    """Read one of them by its name."""

    def read(name: str) -> OldFile:
        found = read_old_file(CONFIGS / name)
        assert found is not None
        return found

    return read


@pytest.fixture(scope="session")
def ssd300(old_file: Callable[[str], OldFile]) -> dict[str, Any]:
    """Old keys and values of ssd300 on Ascend."""
    return dict(old_file("ssd300.yaml").values)
