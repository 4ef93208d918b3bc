"""The text of a configuration file of unknown origin."""

from __future__ import annotations

from pathlib import Path

from ms_core.errors import UserError

_LARGEST = 1 << 20
"""Bytes; the old files have some ten thousand."""


def read_source(path: Path) -> str:
    """The text of a configuration file.

    Raises:
        UserError: missing, too large to be one, or no text.
    """
    try:
        if path.stat().st_size > _LARGEST:
            raise UserError(
                f"{path}: larger than any configuration ({_LARGEST} bytes). Is it the right file?"
            )
        return path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8. Is it a configuration?") from error
