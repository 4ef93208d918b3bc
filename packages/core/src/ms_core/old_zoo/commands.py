"""The Python entry points of the old zoo and their flags, as command lines of ours."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ms_core.config_fields import fields_of
from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.old_zoo import entries_defrcn, entries_segformer
from ms_core.old_zoo.entries import Call, Entry, Program
from ms_core.old_zoo.entries_ssd import ENTRIES
from ms_core.old_zoo.families import SSD, Family, family_of
from ms_core.old_zoo.files import OldFile, read_old_file
from ms_core.old_zoo.installed import is_installed, recipes_of
from ms_core.old_zoo.networks import OldNetwork, OldPackage, networks_of
from ms_core.old_zoo.source import read_source
from ms_core.old_zoo.translate import Translation, translate
from ms_core.old_zoo.values import read_value
from ms_core.recipes import parse_yaml, read_recipe

SELECTING_FILES = ("src/config.py", "../src/config.py")
"""Where the earlier generation, which had no --config_path, kept its configuration; its scripts ran in `scripts`."""


@dataclass(frozen=True)
class OldCommand:
    """An old command line and ours for it."""

    argv: tuple[str, ...]
    """Ours, from the command's name on."""
    notes: tuple[str, ...]
    """What somebody should know who runs it."""
    dead: tuple[tuple[str, str], ...]
    """(flag without hyphens, why nothing became of it), of flags that were given."""


def entries_of(package: OldPackage) -> Mapping[str, Entry | Program]:
    """The Python files of a package's old code: name -> what it is now."""
    others = {"ms-segformer": entries_segformer.ENTRIES, "ms-defrcn": entries_defrcn.ENTRIES}
    return others.get(package, ENTRIES)


def translate_command(entry: str, argv: Sequence[str], package: OldPackage) -> list[str]:
    """Our command for an old one; see `read_command`."""
    return list(read_command(entry, argv, package).argv)


def read_command(entry: str, argv: Sequence[str], package: OldPackage) -> OldCommand:
    """Translate a command line of the old zoo.

    Flags win over the configuration file, as they did. Our command keeps the file and changes what the flags change:
    `train.py --config_path old.yaml --lr 0.2` is `ms-ssd train --config old.yaml --schedule.lr 0.2 ...`.

    Args:
        entry: `train.py`, or another of `entries_of`, with or without its folder.
        argv: the words after it: `--key value`, `--key=value`; any key of the configuration, lists included.
        package: which code base it was.

    Raises:
        UserError: unknown entry or flag (with the nearest names), a missing value or checkpoint, or what `translate`
            refuses.
    """
    entries, name = entries_of(package), Path(entry).name
    if name not in entries:
        raise UserError(f"{entry}: no entry point of the old zoo.{did_you_mean(name, entries)}")
    about = entries[name]
    if "--help" in argv or "-h" in argv:
        return OldCommand((package, *about.verb.split(), "--help"), (), ())
    if isinstance(about, Program):
        return OldCommand(tuple(about.build(package, argv)), (), ())
    family = family_of(package)
    flags = _flags(name, argv, family)
    call, translation = _read(about, flags, package, family)
    argv = tuple(about.build(call))
    dead = tuple((key, why) for key, why in translation.dead if key in flags)
    return OldCommand(argv, (*translation.notes, *call.notes), dead)


def _flags(entry: str, argv: Sequence[str], family: Family) -> dict[str, Any]:
    """YAML spelling -> text; True for a flag without a value."""
    flags: dict[str, Any] = {}
    words = list(argv)
    while words:
        name, equals, value = words.pop(0).partition("=")
        if not name.startswith("--"):
            raise UserError(f"{entry}: {name!r} is not expected here. Write --key value.")
        key = _known(entry, name, family)
        if equals:
            flags[key] = value
        elif words and not words[0].startswith("--"):
            flags[key] = words.pop(0)
        elif family.keys[key].kind == "bool":
            flags[key] = True
        else:
            raise UserError(f"{entry}: {name}: a value is missing. Write {name} VALUE.")
    return flags


def _known(entry: str, option: str, family: Family) -> str:
    """The key of a flag."""
    name = option[2:].replace("-", "_")
    if name not in family.keys:
        raise UserError(
            f"{entry}: {option}: no option of the old zoo.{did_you_mean(name, family.keys)} {family.listed}"
        )
    return family.spelling(name)


def _read(
    about: Entry, flags: dict[str, Any], package: OldPackage, family: Family
) -> tuple[Call, Translation]:
    config = flags.get("config_path")
    file = _configuration(config, family)
    said = {key: _parsed(key, value, family) for key, value in flags.items() if key != "config_path"}
    if about.verb == "export":
        said.pop("batch_size", None)  # of the exported model, not of a training
    where = {key: f"--{key}" for key in said}
    if file is None:
        before = {family.name_key: _network_name(about, package, family, config, said)}
        places = {family.name_key: f"--{family.name_key}"}
    else:
        before = family.completed(file.values)
        places = file.where
    values = {**{key: value for key, value in before.items() if family.spelling(key) not in said}, **said}
    verb = _verb(about, values)
    alone = translate(before, package, verb=verb, where=places)
    whole = translate(values, package, verb=verb, where={**places, **where})
    overrides = _difference(alone, whole, package)
    if file is None and config is not None and Path(config).stem not in family.networks:
        overrides.pop(
            "schedule.lr_end", None
        )  # it says that itself; only the zoo's recipes have the zoo's rate
    options = {**whole.options, **({"batch_size": flags["batch_size"]} if "batch_size" in flags else {})}
    word = whole.recipe if config in (None, *family.networks) and file is None else config
    return Call(package, str(file.path if file else word), flags, values, options, overrides), whole


def _configuration(path: str | None, family: Family) -> OldFile | None:
    """The old configuration that was named, or that lies where the earlier generation had it.

    Raises:
        UserError: the named file is not there, and no network or recipe is called so.
    """
    if path is None:
        selecting = [Path(name) for name in SELECTING_FILES if "using_model" in _text(Path(name))]
        return read_old_file(selecting[0]) if selecting and family is SSD else None
    if Path(path).is_file():
        return read_old_file(Path(path))
    if re.fullmatch(r"\w+", path) and family.network_in(path) is not None:
        return None
    raise UserError(f"{path}: no such configuration file; looked at {Path(path).absolute()}.")


def _text(path: Path) -> str:
    return read_source(path) if path.is_file() else ""


def _network_name(
    about: Entry, package: OldPackage, family: Family, config: str | None, said: Mapping[str, Any]
) -> str:
    """What an old configuration would call the network of a recipe, or of no configuration at all."""
    if config is None and family.name_key in said:
        return str(said[family.name_key])
    return family.name_of(_network(about, package, family, config))


def _network(about: Entry, package: OldPackage, family: Family, config: str | None) -> OldNetwork:
    named = family.network_in(Path(config).stem) if config is not None else family.networks.get(about.network)
    return named if named is not None and named.package == package else networks_of(package)[0]


def _verb(about: Entry, values: Mapping[str, Any]) -> str:
    if about.verb != "train":
        return about.verb
    if _yes(values, "only_create_dataset"):
        return "data cache"
    drawn = "shot_seed" in str(values.get("dataset_train"))  # of DeFRCN, where is_finetune is left out
    return "finetune" if drawn or _yes(values, "is_finetune") else "train"


def _yes(values: Mapping[str, Any], key: str) -> bool:
    return bool(read_value("bool", values.get(key), f"--{key}"))


def _parsed(key: str, value: Any, family: Family) -> Any:
    """Lists could not be given as flags; here they can, as YAML writes them."""
    if family.keys[key].kind not in ("list", "names") or not isinstance(value, str):
        return value
    return parse_yaml(value, f"--{key}")


def _difference(alone: Translation, whole: Translation, package: OldPackage) -> dict[str, Any]:
    """What has to be set to get from one to the other; a setting that is gone gets its value without the file."""
    before, after = alone.settings, whole.settings
    changed = {key: value for key, value in after.items() if key not in before or before[key] != value}
    gone = [key for key in before if key not in after]
    return {**(_unsaid(gone, whole, package) if gone else {}), **changed}


def _unsaid(keys: Sequence[str], old: Translation, package: OldPackage) -> dict[str, Any]:
    """The values of the recipe that an old configuration builds on, or our defaults."""
    fields = fields_of(old.family.our_config())
    recipe = read_recipe(old.recipe, recipes_of(package)) if is_installed(package) else {}
    return {key: recipe[key][0] if key in recipe else fields[key].default for key in keys}
