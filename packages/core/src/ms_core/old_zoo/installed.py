"""What the installed model packages bring: their recipes and their commands. Found by name, for the core needs none."""

from __future__ import annotations

from importlib import import_module
from importlib.resources import files
from importlib.util import find_spec
from typing import TYPE_CHECKING

from ms_core.errors import UserError

if TYPE_CHECKING:
    from importlib.abc import Traversable

    from ms_core.cli import Tool


def recipes_of(package: str) -> Traversable:
    """The recipes of an installed model package.

    Raises:
        UserError: it is not installed.
    """
    return files(_module(package)) / "configs"


def tool_of(package: str) -> Tool:
    """The command of an installed model package.

    Raises:
        UserError: it is not installed.
    """
    tool: Tool = import_module(f"{_module(package)}.cli").tool()
    return tool


def is_installed(package: str) -> bool:
    """Whether this Python has the package behind a command."""
    return find_spec(package.replace("-", "_")) is not None


def _module(package: str) -> str:
    if not is_installed(package):
        raise UserError(
            f"{package} is not installed for this Python. Install it, or name the Python that has it: PYTHON=..."
        )
    return package.replace("-", "_")
