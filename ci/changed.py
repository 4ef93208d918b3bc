"""Name the packages that a git range touches: `python ci/changed.py main..HEAD` prints one name a line.

A path under packages/<folder>/ touches that package, and the core touches every package. docs/ touches none;
any other path (tools, constraints, the root README with its executed commands) touches all.
"""

import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path


def package_names(root: Path) -> dict[str, str]:
    """Folder name in packages/ -> session name; they differ by `_` and `-` (ssdlite_fpn, ssdlite-fpn)."""
    folders = sorted(file.parent.name for file in root.glob("packages/*/pyproject.toml"))
    return {folder: folder.replace("_", "-") for folder in folders}


def touched_packages(paths: Iterable[str], names: dict[str, str]) -> list[str]:
    """Session names of the packages that a change of these paths, relative to the root with `/`, touches."""
    touched: set[str] = set()
    for path in paths:
        top, _, rest = path.partition("/")
        folder = rest.partition("/")[0]
        if top == "docs":
            continue
        if top != "packages" or folder == "core":
            return sorted(names.values())
        touched.add(folder)
    # A folder that the range removes is in the paths but has no tests left.
    return sorted(names[folder] for folder in touched if folder in names)


def changed_paths(root: Path, git_range: str) -> list[str]:
    # Without renames a file that moves from one package to another counts for both.
    command = ["git", "diff", "--name-only", "--no-renames", "-z", git_range, "--"]
    listing = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return [path for path in listing.split("\0") if path]


def main(arguments: list[str]) -> int:
    if len(arguments) != 1:
        print("usage: changed.py BASE..HEAD", file=sys.stderr)
        return 2
    root = Path(__file__).resolve().parents[1]
    for name in touched_packages(changed_paths(root, arguments[0]), package_names(root)):
        print(name)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
