"""Recognising and reading configuration files of the old zoo, by what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ms_core.old_zoo.keys import SIGNS
from ms_core.old_zoo.python_config import read_python_config
from ms_core.old_zoo.source import read_source
from ms_core.recipes import parse_yaml_documents


@dataclass(frozen=True)
class OldFile:
    """A configuration file of the old zoo."""

    path: Path
    values: Mapping[str, Any]
    """Old key -> value as written."""

    @property
    def where(self) -> dict[str, str]:
        """Old key -> the start of an error message about it."""
        return {key: f"{self.path}: {key}" for key in self.values}


def read_old_file(path: Path) -> OldFile | None:
    """Read a configuration of the old zoo; None where the file is something else, such as a recipe of ours.

    A YAML file has up to three documents: values, help texts, choices; only the first counts. A .py file is the
    earlier generation.

    Raises:
        UserError: no such file or none of text, broken Python, or a Python file without a configuration.
    """
    text = read_source(path)
    if path.suffix == ".py":
        return OldFile(path, read_python_config(path, text))
    documents = parse_yaml_documents(text, str(path))
    return OldFile(path, documents[0]) if documents and _is_old(documents[0]) else None


def _is_old(values: Any) -> bool:
    """Whether these are old keys: flat, and at least one of them ours would not have at the top.

    Our recipes have sections, a `base`, or dotted keys; where both kinds are mixed, our own reader says which key is
    wrong.
    """
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        return False
    if "base" in values or any("." in key for key in values):
        return False
    if any(isinstance(value, Mapping) and value for value in values.values()):
        return False
    return any(key in SIGNS for key in values)
