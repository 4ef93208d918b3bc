"""From an old configuration to ours: the one place where keys are looked up and rules are run."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ms_core.errors import UserError
from ms_core.nearest import did_you_mean
from ms_core.old_zoo.families import Family, family_of_values
from ms_core.old_zoo.networks import OldNetwork, OldPackage
from ms_core.old_zoo.values import Old, Settings, read_value


@dataclass(frozen=True)
class Translation:
    """What became of an old configuration."""

    family: Family
    network: OldNetwork
    recipe: str
    """Our recipe that the settings build on: what the old configuration leaves unsaid keeps the old default."""
    settings: Settings
    """Dotted key of our configuration -> value."""
    options: Mapping[str, Any]
    """Old key -> value, of keys that are words of our command line: output_path, file_format, ..."""
    sources: Mapping[str, tuple[str, ...]]
    """Dotted key of ours -> the old keys it came from."""
    structure: tuple[str, ...]
    """Old keys whose values are those of the network."""
    dead: tuple[tuple[str, str], ...]
    """(old key, why nothing becomes of it)."""
    notes: tuple[str, ...]

    def nested(self) -> dict[str, Any]:
        """The settings as our recipes write them: sections of keys."""
        tree: dict[str, Any] = {}
        for key, value in self.settings.items():
            *sections, leaf = key.split(".")
            branch = tree
            for section in sections:
                branch = branch.setdefault(section, {})
            branch[leaf] = value
        return tree


def translate(
    old: Mapping[str, Any],
    package: OldPackage | None = None,
    *,
    verb: str = "train",
    where: Mapping[str, str] | None = None,
    exists: Callable[[Path], bool] = Path.exists,
) -> Translation:
    """Translate an old configuration.

    Args:
        old: old key -> value, as YAML, a config_xxx.py or the command line has it (text is converted).
        package: whose command asks; None takes the networks of all.
        verb: what it is for: "train", "eval", "data check", ...; a training without run_eval has no validation data.
        where: old key -> the start of an error message, such as `old.yaml: lr`; the key itself without it.
        exists: whether a path is there; relative roots are looked for in two places.

    Raises:
        UserError: a key nobody knows (with the nearest names), a value of the wrong type, a structure that is not the
            network's, contradictory classes, or a network of the other package.
    """
    where = {key: (where or {}).get(key, key) for key in old}
    family = family_of_values(old, package)
    values = _canonical(family, old, where)
    network = network_of(family, values, package, where)
    context = Old(values, where, network, verb, exists)
    structure = _check_structure(family, context)
    unread = family.unread(context)
    settings, sources = _settings(family, context, unread)
    return Translation(
        family,
        network,
        family.recipe(context),
        settings,
        {key: value for key, value in values.items() if family.keys[key].becomes == "option"},
        sources,
        structure,
        tuple(_dead(family, context, unread)),
        tuple(dict.fromkeys(context.notes)),
    )


def _canonical(family: Family, old: Mapping[str, Any], where: dict[str, str]) -> dict[str, Any]:
    """Checked values by the YAML spelling; `where` learns the places of the spellings that were replaced."""
    values: dict[str, Any] = {}
    for key, value in old.items():
        if key not in family.keys:
            raise UserError(
                f"{where[key]}: no key of the old zoo.{did_you_mean(str(key), family.keys)} {family.listed}"
            )
        name = family.spelling(key)
        entry = family.keys[name]
        read = None if entry.becomes == "dead" else read_value(entry.kind, value, where[key])
        if values.get(name) is not None and read not in (None, values[name]):
            raise UserError(f"{where[key]}: {read} here, but {values[name]} for {where[name]}. Remove one.")
        if name not in values or read is not None:
            values[name] = read
            where[name] = where[key]
    return values


def network_of(
    family: Family, values: Mapping[str, Any], package: OldPackage | None, where: Mapping[str, str]
) -> OldNetwork:
    """The network that a configuration is for: by name, else by its structure, else the package's only one.

    Raises:
        UserError: an unknown name, one of the other package, or nothing that tells.
    """
    name = values.get(family.name_key)
    if name is not None:
        if name not in family.names:
            raise UserError(
                f"{where[family.name_key]}: {name!r} is no network of the old zoo."
                f"{did_you_mean(name, family.names)} Known: {_known(family.networks.values(), family)}."
            )
        return _of_package(family.networks[family.names[name]], package, where[family.name_key])
    fitting = [network for network in family.networks.values() if _fits(network, values)]
    if len(fitting) == 1:
        return _of_package(fitting[0], package, next(iter(where.values())))
    own = [network for network in family.networks.values() if package in (None, network.package)]
    if len(own) == 1:
        return own[0]
    if not own:
        return _of_package(next(iter(family.networks.values())), package, next(iter(where.values())))
    start = next(iter(where.values()), family.name_key).rpartition(": ")[0]
    prefix = f"{start}: " if start else ""
    raise UserError(
        f"{prefix}{family.name_key} is missing, so nobody knows for which network this is. "
        f"Add `{family.name_key}: NAME`, one of {_known(own, family)}."
    )


def _known(networks: Iterable[OldNetwork], family: Family) -> str:
    return ", ".join(map(family.name_of, networks))


def _of_package(network: OldNetwork, package: OldPackage | None, where: str) -> OldNetwork:
    if package not in (None, network.package):
        place = where.rpartition(": ")[0]
        raise UserError(
            f"{place or where}: this is a configuration of {network.package} ({network.name}). Use that command."
        )
    return network


def _fits(network: OldNetwork, values: Mapping[str, Any]) -> bool:
    """Whether the structure that is said is this network's; a configuration that says none fits nothing."""
    said = [key for key in network.structure if values.get(key) is not None]
    return "img_shape" in said and all(_equal(values[key], network.structure[key]) for key in said)


def _check_structure(family: Family, old: Old) -> tuple[str, ...]:
    """The structure keys, all of them found to be the network's.

    Raises:
        UserError: another value.
    """
    network, found = old.network, []
    for key, value in old.values.items():
        if family.keys[key].becomes != "structure" or value is None:
            continue
        found.append(key)
        derived = key == "num_ssd_boxes" and value == -1
        if key in network.unread or derived or _equal(value, network.structure.get(key)):
            continue
        if network.structure.get(key) is None:
            raise old.error(key, f"{network.name} has no such part. Remove the key.")
        raise old.error(
            key,
            f"{_shown(value)}, but {network.name} has {_shown(network.structure[key])}: that would be another network. "
            "Remove the key.",
        )
    return tuple(found)


def _settings(
    family: Family, old: Old, unread: Mapping[str, str]
) -> tuple[Settings, dict[str, tuple[str, ...]]]:
    settings: Settings = {}
    sources: dict[str, tuple[str, ...]] = {}
    for key, value in old.values.items():
        entry = family.keys[key]
        if entry.becomes != "setting" or value is None:
            continue
        found = entry.rule(old) if entry.rule is not None else {entry.ours[0]: value}
        settings.update(found)
        if key not in unread:
            for ours in (ours for ours in found if ours in entry.ours):
                sources[ours] = (*sources.get(ours, ()), key)
    return settings, sources


def _dead(family: Family, old: Old, unread: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for key, value in old.values.items():
        if family.keys[key].becomes == "dead":
            yield key, family.keys[key].note
        elif value is not None and key in unread:
            yield key, unread[key]


def _equal(left: Any, right: Any) -> bool:
    if isinstance(left, Sequence) and isinstance(right, Sequence):
        return len(left) == len(right) and all(_equal(a, b) for a, b in zip(left, right, strict=True))
    if left is None or right is None or isinstance(left, Sequence) or isinstance(right, Sequence):
        return False
    return math.isclose(left, right, rel_tol=1e-9)


def _shown(value: Any) -> str:
    """A value as the old files write it."""
    return str(value).replace("(", "[").replace(")", "]").replace(",]", "]")
