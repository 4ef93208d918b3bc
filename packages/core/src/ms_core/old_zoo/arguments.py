"""The words after an old program that read no configuration."""

from __future__ import annotations

from collections.abc import Sequence

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean


def read_flags(entry: str, argv: Sequence[str], flags: Sequence[str], positional: str = "") -> dict[str, str]:
    """Name -> word, of a program with flags of its own and at most one word without.

    Raises:
        UserError: an unknown flag, a flag without its value, or a word too many.
    """
    values: dict[str, str] = {}
    words = list(argv)
    while words:
        name, equals, value = words.pop(0).partition("=")
        key = name[2:].replace("-", "_")
        if not name.startswith("--"):
            if not positional or positional in values:
                raise UserError(f"{entry}: {name!r} is not expected here.")
            values[positional] = name + equals + value
        elif key not in flags:
            raise UserError(f"{entry}: {name}: no option of this program.{did_you_mean(key, flags)}")
        elif not equals and not words:
            raise UserError(f"{entry}: {name}: a value is missing. Write {name} VALUE.")
        else:
            values[key] = value if equals else words.pop(0)
    return values
