"""Which packages a git range touches."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Git = Callable[..., None]
NAMES = {
    "core": "core",
    "ssd": "ssd",
    "ssdlite_fpn": "ssdlite-fpn",
    "segformer": "segformer",
    "defrcn": "defrcn",
}
ALL = ["core", "defrcn", "segformer", "ssd", "ssdlite-fpn"]


@pytest.mark.parametrize(
    ("paths", "touched"),
    [
        ([], []),
        (["packages/ssd/src/ms_ssd/models.py"], ["ssd"]),
        (["packages/ssdlite_fpn/README.md", "packages/ssd/tests/test_models.py"], ["ssd", "ssdlite-fpn"]),
        (["packages/core/src/ms_core/cli.py"], ALL),
        (["docs/results.md", "docs/pictures/bccd.jpg"], []),
        (["docs/results.md", "packages/ssd/README.md"], ["ssd"]),
        (["ci/constraints.txt"], ALL),
        (["noxfile.py"], ALL),
        (["README.md"], ALL),
        (["packages/removed/pyproject.toml"], []),
    ],
)
def test_touched_packages(changed: ModuleType, paths: list[str], touched: list[str]) -> None:
    assert changed.touched_packages(paths, NAMES) == touched


def test_names_are_those_of_the_packages(changed: ModuleType, repository: Path) -> None:
    names = changed.package_names(repository)
    assert names["core"] == "core"
    assert names["ssd"] == "ssd"


def commit_file(git: Git, folder: Path, path: str, content: str) -> None:
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(content, encoding="utf-8")
    git(folder, "add", ".")
    git(folder, "commit", "-m", path)


def test_changed_paths_of_a_range(changed: ModuleType, git: Git, tmp_path: Path) -> None:
    git(tmp_path, "init")
    commit_file(git, tmp_path, "packages/core/moved.py", "the same content in two places\n")
    commit_file(git, tmp_path, "packages/ssd/größe 1.txt", "1")
    (tmp_path / "packages/defrcn").mkdir()
    git(tmp_path, "mv", "packages/core/moved.py", "packages/defrcn/moved.py")
    git(tmp_path, "commit", "-m", "move")

    assert changed.changed_paths(tmp_path, "HEAD~1..HEAD") == [
        "packages/core/moved.py",
        "packages/defrcn/moved.py",
    ]
    assert changed.changed_paths(tmp_path, "HEAD~2..HEAD~1") == ["packages/ssd/größe 1.txt"]


def test_usage(repository: Path) -> None:
    result = subprocess.run(
        [sys.executable, "ci/changed.py"], cwd=repository, capture_output=True, text=True, check=False
    )
    assert result.returncode == 2
    assert "BASE..HEAD" in result.stderr
