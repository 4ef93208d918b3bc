"""Small programs with flags in the old spelling: `--img_path photos` or `--img-path=photos`.

They need nothing but the standard library, for the Python of Huawei's MindX SDK may have none of our dependencies:
`pip install --no-deps ms-core` is enough there.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ms_core.errors import UserError
from ms_core.old_zoo.arguments import read_flags

DONE, WRONG_USE = 0, 2
"""Exit codes, as in `ms_core.cli`."""
Flags = Mapping[str, str]


@dataclass(frozen=True)
class FlagProgram:
    """A program of the old guides; called with the words after its name it returns the exit code."""

    name: str
    """As the guides call it: `infer_by_sdk.py`."""
    about: str
    """What it does, in one line."""
    flags: Flags
    """Flag without hyphens -> what it is for."""
    run: Callable[[Flags], int]
    """Given what was said, flag -> word; returns the exit code."""

    def __call__(self, argv: Sequence[str] | None = None) -> int:
        words = list(sys.argv[1:] if argv is None else argv)
        if "-h" in words or "--help" in words:
            lines = [
                f"{self.name}: {self.about}",
                *(f"    --{flag}: {self.flags[flag]}" for flag in self.flags),
            ]
            print("\n".join(lines))
            return DONE
        try:
            return self.run(read_flags(self.name, words, tuple(self.flags)))
        except UserError as error:
            print(f"error: {str(error).replace(chr(10), ' ')}", file=sys.stderr)
            return WRONG_USE


def required(program: str, flags: Flags, name: str, meaning: str) -> str:
    """The word of a flag that has no default.

    Raises:
        UserError: it was not given.
    """
    if name not in flags:
        raise UserError(f"{program}: --{name} is missing: {meaning}.")
    return flags[name]
