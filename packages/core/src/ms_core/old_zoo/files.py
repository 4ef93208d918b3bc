"""Recognising and reading configuration files of the old zoo, by what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ms_core.errors import UserError
from ms_core.old_zoo.families import SIGNS
from ms_core.old_zoo.python_config import read_python_config
from ms_core.old_zoo.source import read_source
from ms_core.recipes import parse_yaml_documents

BASE_FILE = "segformer.base.yaml"
"""File beside the old SegFormer files with what is the same in all of them; the file itself wins."""


@dataclass(frozen=True)
class OldFile:
    """A configuration file of the old zoo."""

    path: Path
    values: Mapping[str, Any]
    """Old key -> value as written."""
    inherited: Mapping[str, Path] = field(default_factory=dict)
    """Old key -> the file beside this one that says it."""

    @property
    def where(self) -> dict[str, str]:
        """Old key -> the start of an error message about it."""
        return {key: f"{self.inherited.get(key, self.path)}: {key}" for key in self.values}


def read_old_file(path: Path) -> OldFile | None:
    """Read a configuration of the old zoo; None where the file is something else, such as a recipe of ours.

    A YAML file has up to three documents: values, help texts, choices; only the first counts. A .py file is the
    earlier generation. What a SegFormer file leaves unsaid may be in `BASE_FILE` beside it.

    Raises:
        UserError: no such file or none of text, broken Python, or a Python file without a configuration.
    """
    text = read_source(path)
    if path.suffix == ".py":
        return OldFile(path, read_python_config(path, text))
    values = _first_document(path, text)
    if not _is_old(values):
        return None
    base = path.parent / BASE_FILE
    if "backbone" not in values or path.name == BASE_FILE or not base.is_file():
        return OldFile(path, values)
    below = _first_document(base, read_source(base))
    if not isinstance(below, Mapping):
        raise UserError(f"{base}: a configuration is a mapping of keys to values.")
    return OldFile(path, {**below, **values}, {key: base for key in below if key not in values})


def _first_document(path: Path, text: str) -> Any:
    documents = parse_yaml_documents(text, str(path))
    return documents[0] if documents else None


def _is_old(values: Any) -> bool:
    """Whether these are old keys: flat, and at least one of them ours would not have at the top.

    Our recipes have sections, a `base`, or dotted keys; where both kinds are mixed, our own reader says which key is
    wrong.
    """
    if not isinstance(values, Mapping) or not all(isinstance(key, str) for key in values):
        return False
    if "base" in values or any("." in key for key in values):
        return False
    if any(isinstance(value, Mapping) and value and key not in SIGNS for key, value in values.items()):
        return False
    return any(key in SIGNS for key in values)
