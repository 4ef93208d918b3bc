"""`--config OLD.yaml` in every command of ours: recognise, translate, say what became of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ms_core.errors import UserError
from ms_core.old_zoo.families import SSD, family_of_values
from ms_core.old_zoo.files import OldFile, read_old_file
from ms_core.old_zoo.networks import OldPackage
from ms_core.old_zoo.translate import Translation, translate
from ms_core.recipes import Recipe, read_recipe

if TYPE_CHECKING:
    from importlib.abc import Traversable

_WIDEST = 60
"""Characters of a value in the report."""


def recipe_of_old_file(
    path: Path, verb: str, *, package: OldPackage | None, recipes: Traversable | None
) -> Recipe | None:
    """Read a configuration of the old zoo as a recipe of ours, and print what became of its keys.

    Args:
        path: of the file.
        verb: what it is for: "train", "eval", "data check", ...
        package: whose command asks; None: of no model package.
        recipes: the package's recipes; what the old file leaves unsaid is taken from the one of its network.

    Returns:
        The recipe with everything it builds on; None where the file is no old configuration.

    Raises:
        UserError: as `translate`, or a file that asks for the data set only where a training is started.
    """
    old = read_old_file(path)
    if old is None:
        return None
    family = family_of_values(old.values, package)
    translation = translate(family.completed(old.values), package, verb=verb, where=old.where)
    if package is None and family is not SSD:  # ms-core's own verbs for data are about boxes
        raise UserError(
            f"{path}: this is a configuration of {translation.network.package}. Use that command."
        )
    if verb == "train" and translation.options.get("only_create_dataset"):
        raise UserError(
            f"{path}: only_create_dataset is True. Run `{translation.network.package} data cache --config {path}`, "
            "or set it to False."
        )
    base = read_recipe(translation.recipe, recipes) if recipes is not None else {}
    for line in report(old, translation, base):
        print(line)
    settings: Recipe = {key: (value, str(path)) for key, value in translation.settings.items()}
    return {**base, **settings}


def report(old: OldFile, translation: Translation, base: Recipe) -> Iterator[str]:
    """Which file it was, what was taken from it, and what was not and why.

    Args:
        base: the recipe below it, whose values need not be told.
    """
    yield f"{old.path}: configuration of the old model zoo, read as --config {translation.recipe} with"
    said_alike: list[str] = []
    for key, value in translation.settings.items():
        source = ", ".join(translation.sources.get(key, ()))
        if key in base and _plain(base[key][0]) == _plain(value):
            said_alike += translation.sources.get(key, ())
        else:
            yield f"  {key}: {_shown(value)}" + (f"  (from {source})" if source else "")
    alike = (*dict.fromkeys(said_alike), *translation.structure)
    if alike:
        yield f"  as recipe and network have it: {', '.join(alike)}"
    words = [f"{key} is {' or '.join(ours)}" for key, ours in _words_left(translation)]
    if words:
        written = ", ".join(words)
        yield f"  not taken, to be said on the command line: {written}"
    for why, keys in _by_reason(translation.dead).items():
        yield f"  not taken: {', '.join(keys)}: {why}"
    for note in translation.notes:
        yield f"  note: {note}."


def _words_left(translation: Translation) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Keys that are words of our command line where they say something: `--no-...` says that a key is False."""
    family = translation.family
    for key, value in translation.options.items():
        ours = family.keys[key].ours
        says = value is False if ours[0].startswith("--no-") else bool(value)
        if says and key != family.name_key:
            yield key, ours


def _by_reason(dead: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    reasons: dict[str, list[str]] = {}
    for key, why in dead:
        reasons.setdefault(why, []).append(key)
    return reasons


def _plain(value: Any) -> Any:
    """Recipes have lists where settings have tuples."""
    return list(value) if isinstance(value, tuple) else value


def _shown(value: Any) -> str:
    if isinstance(value, tuple):
        text = ", ".join(map(str, value))
        return f"[{text}]" if len(text) <= _WIDEST else f"[{text[: _WIDEST - 3]}...] ({len(value)})"
    return str(value)
