"""Reading text files of unknown origin, with messages for the person who wrote them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

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


def read_json(path: Path, what: str, object_hook: Callable[[dict[str, Any]], Any] | None = None) -> Any:
    """The content of a JSON file, UTF-8 with or without a byte order mark.

    Args:
        what: for messages, what the file should hold.
        object_hook: what stands for each object, innermost first.

    Raises:
        UserError: as `read_text`, or no JSON (with line and column).
    """
    try:
        return json.loads(read_text(path, what), object_hook=object_hook)
    except json.JSONDecodeError as error:
        raise UserError(
            f"{path}: line {error.lineno} column {error.colno}: {error.msg}. The file is not valid JSON."
        ) from error
    except (ValueError, RecursionError) as error:  # a number of 5000 digits, brackets 1000 deep
        raise UserError(f"{path}: {error}. The file is not what it should hold: {what}.") from error
