"""Reading text files of unknown origin, with messages for the person who wrote them."""

from __future__ import annotations

from pathlib import Path

from ms_core.errors import UserError


def read_text(path: Path, what: str) -> str:
    """The file's text, UTF-8 with or without a byte order mark.

    Raises:
        UserError: missing (the absolute path is named), not a file, not UTF-8, or empty; `what` says in the
            message what the file should hold.
    """
    if not path.exists():
        raise UserError(f"{path}: no such file; looked for the {what} at {path.absolute()}.")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: byte {error.start} is not UTF-8. Save the file as UTF-8 text.") from error
    if not text.strip():
        raise UserError(f"{path}: the file is empty; expected {what}.")
    return text
