"""What building the C++ programs needs of the system, checked before a compiler says it in a hundred lines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from ms_core.errors import UserError

SOURCES = Path(__file__).parent / "cpp"
"""CMakeLists.txt of the library."""
_LIST = SOURCES / "debian-packages.txt"


@dataclass(frozen=True)
class Need:
    """A Debian package."""

    package: str
    """Its name."""
    brings: str
    """A program, or a header (with a dot in its name)."""
    only_tests: bool
    """Whether only the C++ tests need it."""

    @property
    def is_header(self) -> bool:
        """Whether a compiler must find it, not the shell."""
        return "." in self.brings


def read_needs() -> list[Need]:
    """All needed packages, as the list beside the sources has them."""
    lines = [line.split() for line in _LIST.read_text(encoding="utf-8").splitlines()]
    return [Need(words[0], words[1], words[2:] == ["tests"]) for words in lines if words and words[0] != "#"]


def compiler() -> str:
    """$CXX, else the system's C++ compiler."""
    return os.environ.get("CXX") or "c++"


def require(*, tests: bool = False) -> None:
    """Stop where something is missing.

    Args:
        tests: whether the C++ tests are to be built too.

    Raises:
        UserError: one line with the Debian packages that are missing.
    """
    needs = [need for need in read_needs() if tests or not need.only_tests]
    missing = [need.package for need in needs if not need.is_header and not _has_program(need.brings)]
    if "g++" not in missing:
        headers = [need for need in needs if need.is_header]
        found = _found_headers([need.brings for need in headers])
        missing += [need.package for need in headers if need.brings not in found]
    if missing:
        raise UserError(
            f"the C++ program cannot be built: {', '.join(missing)} missing. "
            f"On Debian and Ubuntu: apt-get install --no-install-recommends {' '.join(missing)}"
        )


def _has_program(name: str) -> bool:
    return shutil.which(compiler() if name == "c++" else name) is not None


def _found_headers(headers: list[str]) -> set[str]:
    """Those of `headers` that the compiler finds."""
    lines = [f'#if __has_include(<{header}>)\n"{header}"\n#endif' for header in headers]
    ran = subprocess.run(
        [compiler(), "-x", "c++", "-E", "-P", "-"], input="\n".join(lines), capture_output=True, text=True
    )
    if ran.returncode != 0:
        raise UserError(f"{compiler()}: no working C++ compiler ({ran.stderr.strip().splitlines()[-1:]}).")
    return {line.strip('"') for line in ran.stdout.split()}


def main() -> None:
    """`python -m ms_core.ascend310.build_needs`: says in one line what is missing, also for the tests."""
    try:
        require(tests=True)
    except UserError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
