"""A release is refused unless tag, version, changelog and ms-core range agree."""

import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

CHANGELOG = (
    "# Changes\n\nNewest first.\n\n## 0.2.1 - 2026-11-21\n\nFixed.\n\n## 0.2.0 - 2026-10-01\n\nFirst.\n"
)


def write_package(root: Path, folder: str, project: str, changelog: str = CHANGELOG) -> None:
    (root / "packages" / folder).mkdir(parents=True)
    (root / "packages" / folder / "pyproject.toml").write_text(f"[project]\n{project}\n", encoding="utf-8")
    (root / "packages" / folder / "CHANGELOG.md").write_text(changelog, encoding="utf-8")


def model(dependency: str = "ms-core>=0.3,<0.4", version: str = 'version = "0.2.1"') -> str:
    return f'name = "ms-ssdlite-fpn"\n{version}\ndependencies = ["{dependency}", "numpy>=1.26"]'


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write_package(tmp_path, "core", 'name = "ms-core"\nversion = "0.3.2"\ndependencies = ["numpy"]')
    return tmp_path


def test_agreement(release: ModuleType, root: Path) -> None:
    write_package(root, "ssdlite_fpn", model())
    assert release.release_problems(root, "ssdlite-fpn", ["core-v0.3.2", "ssdlite-fpn-v0.2.1"]) == []


def test_core_needs_no_range(release: ModuleType, tmp_path: Path) -> None:
    write_package(tmp_path, "core", 'name = "ms-core"\nversion = "0.2.1"\ndependencies = ["numpy"]')
    assert release.release_problems(tmp_path, "core", ["core-v0.2.1"]) == []


@pytest.mark.parametrize(
    "tags", [[], ["v0.2.1"], ["ssdlite-fpn-v0.2.0"], ["ssdlite-fpn-v0.2.1", "ssdlite-fpn-v0.2.2"]]
)
def test_tag(release: ModuleType, root: Path, tags: list[str]) -> None:
    write_package(root, "ssdlite_fpn", model())
    (problem,) = release.release_problems(root, "ssdlite-fpn", tags)
    assert "version 0.2.1 needs ssdlite-fpn-v0.2.1" in problem


@pytest.mark.parametrize(
    ("version", "told"),
    [
        ('dynamic = ["version"]', "not static"),
        ('version = "0.2"', "not X.Y.Z"),
        ('version = "0.2.1rc1"', "not X.Y.Z"),
    ],
)
def test_version(release: ModuleType, root: Path, version: str, told: str) -> None:
    write_package(root, "ssdlite_fpn", model(version=version))
    (problem,) = release.release_problems(root, "ssdlite-fpn", ["ssdlite-fpn-v0.2.1"])
    assert told in problem


@pytest.mark.parametrize(
    ("changelog", "told"),
    [
        ("# Changes\n", "first heading"),
        (CHANGELOG.replace("0.2.1", "0.2.2"), "first heading"),
        ("## 0.2.2 - 2026-12-01\n\n" + CHANGELOG, "first heading"),
        (CHANGELOG.replace("2026-11-21", "unreleased"), "dated `unreleased`"),
    ],
)
def test_changelog(release: ModuleType, root: Path, changelog: str, told: str) -> None:
    write_package(root, "ssdlite_fpn", model(), changelog)
    (problem,) = release.release_problems(root, "ssdlite-fpn", ["ssdlite-fpn-v0.2.1"])
    assert told in problem


@pytest.mark.parametrize(
    ("dependency", "agrees"),
    [
        ("ms-core>=0.3.1,<0.4", True),
        ("ms-core[logs]>=0.3,<0.4", True),
        ("ms-core>=0.3.3,<0.4", False),  # newer than the core of this commit
        ("ms-core>=0.2,<0.3", False),
        ("ms-core>=0.2,<0.4", False),
        ("ms-core>=0.3,<0.5", False),
        ("ms-core>=0.3", False),
        ("ms-core==0.3.2", False),
        ("ms-core", False),
        ("ms-other>=0.3,<0.4", False),
    ],
)
def test_core_range(release: ModuleType, root: Path, dependency: str, agrees: bool) -> None:
    write_package(root, "ssdlite_fpn", model(dependency))
    problems = release.release_problems(root, "ssdlite-fpn", ["ssdlite-fpn-v0.2.1"])
    assert problems == [] if agrees else "Write" in problems[0]


def test_all_problems_at_once(release: ModuleType, root: Path) -> None:
    write_package(root, "ssdlite_fpn", model("ms-core"), "")
    assert len(release.release_problems(root, "ssdlite-fpn", [])) == 3


def test_command(root: Path, repository: Path, git: Callable[..., None]) -> None:
    """On a real repository: refused without the tag, accepted with it, refused with a changed tree."""
    write_package(root, "ssdlite_fpn", model())
    (root / "ci").mkdir()
    shutil.copy(repository / "ci" / "release.py", root / "ci")
    git(root, "init")
    git(root, "add", ".")
    git(root, "commit", "-m", "release")

    def check() -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "ci/release.py", "ssdlite-fpn"]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)

    refused = check()
    assert refused.returncode == 1
    assert "no tag of ssdlite-fpn" in refused.stderr
    git(root, "tag", "ssdlite-fpn-v0.2.1")
    accepted = check()
    assert (accepted.returncode, accepted.stderr) == (0, "")
    (root / "forgotten.py").write_text("", encoding="utf-8")
    assert "working tree" in check().stderr


def test_changelogs_of_this_repository_have_the_expected_heading(
    release: ModuleType, repository: Path
) -> None:
    for folder in sorted(path.parent for path in repository.glob("packages/*/pyproject.toml")):
        newest = release.HEADING.search((folder / "CHANGELOG.md").read_text(encoding="utf-8"))
        assert newest is not None, folder
        assert re.fullmatch(r"unreleased|\d{4}-\d{2}-\d{2}", newest["date"]), folder
        assert newest["version"] == release.read_project(folder)["version"], folder
