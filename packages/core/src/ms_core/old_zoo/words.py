"""Settings as words of our command line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def setting_words(settings: Mapping[str, Any]) -> list[str]:
    """`{"train.epochs": 3}` -> `["--train.epochs", "3"]`; lists as YAML, in one word."""
    words = []
    for key, value in settings.items():
        words += ["--" + key.replace("_", "-"), _word(value)]
    return words


def _word(value: Any) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (tuple, list)):
        return json.dumps(value, ensure_ascii=False)  # JSON is YAML in which every text is quoted
    return value.as_posix() if isinstance(value, Path) else str(value)
