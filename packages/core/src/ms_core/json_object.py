"""Reading back the JSON objects that our own commands write."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from ms_core.errors import UserError


def read_json_object(path: Path, remedy: str) -> dict[str, Any]:
    """The object in a file that exists.

    Args:
        path: UTF-8 text.
        remedy: last sentence of the message where it was damaged.

    Raises:
        UserError: no JSON, or JSON of another kind.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise UserError(f"{path}: not JSON. {remedy}") from error
    if not isinstance(content, dict):
        raise UserError(f"{path}: no JSON object. {remedy}")
    return content
