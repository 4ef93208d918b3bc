"""Refuse a release unless tag, version, changelog and ms-core range agree: `python ci/release.py ssd`.

Prints every disagreement, one a line, and exits with 1; exits with 0 when there is none.
"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.version import Version

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

VERSION = re.compile(r"\d+\.\d+\.\d+")
HEADING = re.compile(r"^## (?P<version>\S+) - (?P<date>.+)$", re.MULTILINE)


def version_problems(project: dict[str, Any]) -> list[str]:
    """The version is written in pyproject.toml, as X.Y.Z."""
    version = project.get("version")
    if version is None or "version" in project.get("dynamic", []):
        return ['pyproject.toml: the version is not static. Write version = "X.Y.Z" under [project].']
    if not VERSION.fullmatch(version):
        return [f"pyproject.toml: version {version} is not X.Y.Z."]
    return []


def tag_problems(name: str, version: str, tags: list[str]) -> list[str]:
    """The commit carries NAME-vX.Y.Z and no other release tag of this package."""
    wanted = f"{name}-v{version}"
    found = [tag for tag in tags if tag.startswith(f"{name}-v")]
    if found == [wanted]:
        return []
    return [
        f"git: this commit has {', '.join(found) or f'no tag of {name}'}, version {version} needs {wanted}."
    ]


def changelog_problems(changelog: str, version: str) -> list[str]:
    """The newest heading is `## X.Y.Z - YYYY-MM-DD`."""
    newest = HEADING.search(changelog)
    if newest is None or newest["version"] != version:
        return [f"CHANGELOG.md: the first heading is not `## {version} - YYYY-MM-DD`."]
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", newest["date"]):
        return [
            f"CHANGELOG.md: {version} is dated `{newest['date']}`. Write the day of release as YYYY-MM-DD."
        ]
    return []


def core_range_problems(project: dict[str, Any], core_version: str) -> list[str]:
    """A model package needs ms-core>=X.Y,<X.(Y+1), a range that holds the core of this commit."""
    ranges = [need for need in map(Requirement, project["dependencies"]) if need.name == "ms-core"]
    core = Version(core_version)
    upper = f"{core.major}.{core.minor + 1}"
    wanted = f"ms-core>={core.major}.{core.minor},<{upper}"
    if len(ranges) != 1:
        return [f"pyproject.toml: {len(ranges)} dependencies on ms-core. Write one, {wanted}."]
    bounds = {bound.operator: Version(bound.version) for bound in ranges[0].specifier}
    lower = bounds.get(">=", Version("0"))
    same_minor = lower.release[:2] == core.release[:2]
    if set(bounds) == {">=", "<"} and bounds["<"] == Version(upper) and same_minor and lower <= core:
        return []
    return [f"pyproject.toml: {ranges[0]} does not agree with ms-core {core_version}. Write {wanted}."]


def release_problems(root: Path, name: str, tags: list[str]) -> list[str]:
    """All that speaks against releasing package NAME from the tree at `root`, whose commit has `tags`."""
    folder = root / "packages" / name.replace("-", "_")
    project = read_project(folder)
    problems = version_problems(project)
    if problems:
        return problems  # nothing else can be compared
    version = project["version"]
    problems += tag_problems(name, version, tags)
    problems += changelog_problems((folder / "CHANGELOG.md").read_text(encoding="utf-8"), version)
    if name != "core":
        problems += core_range_problems(project, read_project(root / "packages" / "core")["version"])
    return [f"ms-{name}: {problem}" for problem in problems]


def read_project(folder: Path) -> dict[str, Any]:
    return tomllib.loads((folder / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def git(root: Path, *arguments: str) -> list[str]:
    command = ["git", *arguments]
    return subprocess.run(
        command, cwd=root, check=True, stdout=subprocess.PIPE, encoding="utf-8"
    ).stdout.splitlines()


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: release.py NAME", file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parents[1]
    problems = release_problems(root, arguments[0], git(root, "tag", "--points-at", "HEAD"))
    if git(root, "status", "--porcelain"):
        problems.append(
            "git: the working tree has changes that the tag does not have. Commit or remove them."
        )
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
