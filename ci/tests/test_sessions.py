"""The sessions that nox makes from packages/*/pyproject.toml."""

import json
import subprocess
import sys
from pathlib import Path

import pytest


def listed(repository: Path, *arguments: str) -> list[str]:
    command = [sys.executable, "-m", "nox", "--list", "--json", *arguments]
    result = subprocess.run(command, cwd=repository, check=True, stdout=subprocess.PIPE)
    return [session["session"] for session in json.loads(result.stdout)]


@pytest.fixture(scope="module")
def names(repository: Path) -> list[str]:
    folders = sorted(path.parent.name for path in repository.glob("packages/*/pyproject.toml"))
    return [folder.replace("_", "-") for folder in folders]


def test_default_is_all_tests_lint_and_types(repository: Path, names: list[str]) -> None:
    assert set(listed(repository)) == {
        "build",
        "test-ci",
        "lint",
        "types",
        *(f"test-{name}" for name in names),
    }


def test_each_package_has_its_sessions(repository: Path, names: list[str]) -> None:
    wanted = [
        *(
            f"{kind}-{name}{python}"
            for kind in ("test", "oldest")
            for name in names
            for python in ("", "-3.10", "-3.12")
        ),
        *(f"release-{name}" for name in names),
        *("demo", "bench", "soak", "cpp", "changed"),
    ]
    assert set(listed(repository, "-s", *wanted)) == {"build", *wanted}
