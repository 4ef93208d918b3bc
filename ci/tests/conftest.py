"""What the tests of the repository's own machinery share."""

import importlib.util
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parents[2]


def load_script(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"ci_{name}", REPOSITORY / "ci" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def changed() -> ModuleType:
    return load_script("changed")


@pytest.fixture(scope="session")
def release() -> ModuleType:
    return load_script("release")


@pytest.fixture(scope="session")
def git() -> Callable[..., None]:
    """git(folder, *arguments), with an identity so that it can commit on a machine that has none."""
    identity = ("-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false")

    def run(folder: Path, *arguments: str) -> None:
        subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, stdout=subprocess.PIPE)

    return run
