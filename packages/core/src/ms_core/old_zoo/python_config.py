"""The earlier generation: `config_xxx.py` and `src/config.py` with `using_model`. Read as text, never executed."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.old_zoo.keys import KEYS
from ms_core.old_zoo.networks import NAMES
from ms_core.old_zoo.source import read_source

_CONFIG, _PREFIX = "config", "config_"
_SELECTOR = "using_model"


def read_python_config(path: Path, text: str) -> dict[str, Any]:
    """The values of a config_xxx.py, or of the file beside it that `using_model` selects.

    Only literals count: `config = ed({"lr": 0.05})`, `config = dict(lr=0.05)`, `config.lr = 0.05`, `lr = 0.05`.

    Raises:
        UserError: no Python, no configuration in it, or a value that would have to be computed.
    """
    module = _parse(path, text)
    assigned = dict(_assignments(module))
    selected = _selected(path, assigned)
    values = {key: _literal(path, key, node) for key, node in _entries(path, assigned, selected)}
    if not values and selected is not None:
        values = _beside(path, selected)
    if not values:
        raise UserError(f"{path}: no configuration of the old zoo: no `config = ed({{...}})` with its keys.")
    stem = path.stem.removeprefix(_PREFIX)
    name = selected or values.get("model") or (stem if stem in NAMES else None)
    return {**values, **({"model_name": name} if name else {})}


def _parse(path: Path, text: str) -> ast.Module:
    try:
        return ast.parse(text)
    except SyntaxError as error:
        raise UserError(f"{path}: line {error.lineno or 1}: not valid Python: {error.msg}.") from error
    except (ValueError, RecursionError, MemoryError) as error:
        raise UserError(f"{path}: not valid Python: {str(error) or 'nested too deeply'}.") from error


def _assignments(module: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    """`name = value` and `config.name = value` at the top level; what stands below an `if` is computed."""
    for statement in module.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            target = statement.target
        else:
            continue
        value = statement.value
        assert value is not None
        if isinstance(target, ast.Name):
            yield target.id, value
        elif isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name):
            yield f"{target.value.id}.{target.attr}", value


def _selected(path: Path, assigned: dict[str, ast.expr]) -> str | None:
    """The network that `using_model` names."""
    if _SELECTOR not in assigned:
        return None
    name = _literal(path, _SELECTOR, assigned[_SELECTOR])
    if not isinstance(name, str) or name not in NAMES:
        hint = did_you_mean(str(name), NAMES)
        raise UserError(f"{path}: {_SELECTOR}: {str(name)[:60]!r} is no network of the old zoo.{hint}")
    return name


def _entries(
    path: Path, assigned: dict[str, ast.expr], selected: str | None
) -> Iterator[tuple[str, ast.expr]]:
    """Every old key with its value: module variables, the one dictionary, and what is set on it later."""
    for name, node in assigned.items():
        if name in KEYS and name != _SELECTOR:
            yield name, node
    dictionary = _choose(path, _dictionaries(assigned), selected)
    if dictionary is not None:
        yield from dictionary[1]
        prefix = dictionary[0] + "."
        for name, node in assigned.items():
            if name.startswith(prefix):
                yield name.removeprefix(prefix), node


def _dictionaries(assigned: dict[str, ast.expr]) -> dict[str, list[tuple[str, ast.expr]]]:
    """Variables that hold a dictionary (plain or wrapped, as in `ed({...})`) with keys of the old zoo."""
    found = {name: list(_pairs(node)) for name, node in assigned.items()}
    return {name: pairs for name, pairs in found.items() if any(key in KEYS for key, _ in pairs)}


def _pairs(node: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(node, ast.Call) and not node.keywords and len(node.args) == 1:
        node = node.args[0]
    if isinstance(node, ast.Dict):
        for key, value in zip(node.keys, node.values, strict=True):
            yield (str(key.value) if isinstance(key, ast.Constant) else "**"), value
    elif isinstance(node, ast.Call) and not node.args:
        for keyword in node.keywords:
            yield keyword.arg or "**", keyword.value


def _choose(
    path: Path, found: dict[str, list[tuple[str, ast.expr]]], selected: str | None
) -> tuple[str, list[tuple[str, ast.expr]]] | None:
    """The dictionary that is the configuration."""
    for name in (f"{_PREFIX}{selected}", _CONFIG):
        if name in found:
            return name, found[name]
    if len(found) > 1:
        raise UserError(
            f"{path}: several configurations: {', '.join(sorted(found)[:6])}. Say with {_SELECTOR} which counts."
        )
    return next(iter(found.items()), None)


def _literal(path: Path, key: str, node: ast.expr) -> Any:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise UserError(
            f"{path}: line {node.lineno}: {key} is computed, and this file is never executed. Write its value."
        ) from error


def _beside(path: Path, network: str) -> dict[str, Any]:
    """The values of `config_NETWORK.py` beside a `config.py` that only selects."""
    file = path.parent / f"{_PREFIX}{network}.py"
    if not file.is_file():
        raise UserError(f"{path}: {_SELECTOR} is {network}, but there is no {file.absolute()}.")
    return read_python_config(file, read_source(file))
