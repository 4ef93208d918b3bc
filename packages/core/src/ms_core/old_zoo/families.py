"""The old code bases that had configurations of one kind: SSD with SSDLite, SegFormer, DeFRCN. One mapping for all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from ms_core.old_zoo import (
    datasets,
    keys,
    keys_defrcn,
    keys_segformer,
    networks,
    rules_defrcn,
    rules_segformer,
)
from ms_core.old_zoo.key_table import Groups, OldKey, by_name
from ms_core.old_zoo.networks import OldNetwork, OldPackage
from ms_core.old_zoo.values import Old


@dataclass(frozen=True)
class Family:
    """What makes configurations of one kind readable."""

    title: str
    """For people."""
    groups: Groups
    """The keys."""
    signs: frozenset[str]
    """Keys by which a file of this kind is recognised."""
    networks: Mapping[str, OldNetwork]
    """By name."""
    names: Mapping[str, str]
    """What a configuration may call a network -> its name."""
    name_key: str
    """Key that names the network."""
    config: str
    """Our configuration, `module:class`; imported only when its defaults are needed."""
    recipe: Callable[[Old], str]
    """Our recipe that an old configuration builds on."""
    unread: Callable[[Old], Mapping[str, str]]
    """Old key -> why nothing is taken from it, of keys that others switch off."""
    defaults: Mapping[str, Any] = field(default_factory=dict)
    """What counts below every old file."""
    keys: Mapping[str, OldKey] = field(init=False)
    """Old key -> what becomes of it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "keys", by_name(self.groups))

    @property
    def listed(self) -> str:
        """Where all keys can be read, for messages."""
        package = next(iter(self.networks.values())).package
        return f"Known keys: python -m ms_core.old_zoo keys {package}"

    def spelling(self, key: str) -> str:
        """The YAML spelling of a key."""
        return (self.keys[key].same_as or key) if key in self.keys else key

    def name_of(self, network: OldNetwork) -> str:
        """What a configuration calls a network."""
        return next(old for old, name in self.names.items() if name == network.name)

    def network_in(self, recipe: str) -> OldNetwork | None:
        """The network that a recipe of ours is for: `ssd_vgg16` of `ssd_vgg16_finetune`."""
        name = max((name for name in self.networks if recipe.startswith(name)), key=len, default=None)
        return None if name is None else self.networks[name]

    def completed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """The values of a file over the defaults."""
        said = {self.spelling(key) for key in values}
        return {**{key: value for key, value in self.defaults.items() if key not in said}, **values}

    def our_config(self) -> type:
        """Our configuration dataclass."""
        module, _, name = self.config.partition(":")
        found: type = getattr(import_module(module), name)
        return found


SSD = Family(
    title="SSD and SSDLite",
    groups=keys.GROUPS,
    signs=keys.SIGNS,
    networks=networks.NETWORKS,
    names=networks.NAMES,
    name_key="model_name",
    config="ms_core.single_shot.config:SingleShotConfig",
    recipe=lambda old: old.network.name,
    unread=datasets.unread,
)
SEGFORMER = Family(
    title="SegFormer",
    groups=keys_segformer.GROUPS,
    signs=keys_segformer.SIGNS,
    networks=networks.SEGFORMERS,
    names=networks.BACKBONES,
    name_key="backbone",
    config="ms_segformer.config:SegFormerConfig",
    recipe=rules_segformer.recipe_of,
    unread=rules_segformer.unread,
    defaults=rules_segformer.DEFAULTS,
)
DEFRCN = Family(
    title="DeFRCN",
    groups=keys_defrcn.GROUPS,
    signs=keys_defrcn.SIGNS,
    networks=networks.DEFRCNS,
    names=networks.RESNETS,
    name_key="backbone",
    config="ms_defrcn.config:DeFRCNConfig",
    recipe=rules_defrcn.recipe_of,
    unread=rules_defrcn.unread,
    defaults=rules_defrcn.DEFAULTS,
)
FAMILIES = (SSD, SEGFORMER, DEFRCN)
SIGNS: frozenset[str] = frozenset().union(*(family.signs for family in FAMILIES))
"""Keys by which an old configuration of any kind is recognised."""


def family_of(package: OldPackage) -> Family:
    """The kind of configurations that a package's old code had."""
    return next(
        family
        for family in FAMILIES
        if any(network.package == package for network in family.networks.values())
    )


def family_of_values(values: Mapping[str, Any], package: OldPackage | None) -> Family:
    """The kind that has the most of the keys; of those that have equally many, the package's own, then the first."""
    own = None if package is None else family_of(package)

    def known(family: Family) -> tuple[int, bool]:
        return sum(key in family.keys for key in values), family is own

    return max(FAMILIES, key=known)
