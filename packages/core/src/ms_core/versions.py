"""The versions this package needs, read from its own metadata, against what is installed."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version

from packaging.requirements import Requirement

from ms_core.errors import UserError

_STANDS_IN = {
    "opencv-python": ("opencv-python-headless", "opencv-contrib-python", "opencv-contrib-python-headless")
}


@dataclass(frozen=True)
class Requires:
    """One dependency as found."""

    name: str
    """Distribution, as pip knows it."""
    wanted: str
    """Version range; empty for any."""
    found: str | None
    """Installed version; None: not installed."""
    extra: str | None
    """The extra that brings it (`pip install ms-core[plots]`); None: always needed."""
    fits: bool
    """Whether the installed version is in the range."""


def requirements(distribution: str = "ms-core") -> list[Requires]:
    """Every dependency of a package, those of its extras included, as found in this environment."""
    return [_found(Requirement(line)) for line in requires(distribution) or []]


def check_framework() -> None:
    """Compare MindSpore and NumPy with what this package was made for, before MindSpore is used.

    Raises:
        UserError: NumPy or MindSpore is missing, or NumPy is one that MindSpore breaks on.
    """
    found = {requirement.name: requirement for requirement in requirements()}
    for name in ("numpy", "mindspore"):
        requirement = found[name]
        if requirement.found is None or (name == "numpy" and not requirement.fits):
            raise UserError(f"{complaint(requirement)}")
        if not requirement.fits:
            print(f"warning: {complaint(requirement)}", file=sys.stderr)


def complaint(requirement: Requires) -> str:
    """What is wrong with a dependency and what to do, in one line."""
    state = (
        f"{requirement.name} {requirement.found}"
        if requirement.found
        else f"{requirement.name} is not installed"
    )
    what = f"{state} does not fit" if requirement.found else state
    install = (
        f"ms-core[{requirement.extra}]" if requirement.extra else f"{requirement.name}{requirement.wanted}"
    )
    return f'{what}, {requirement.wanted or "any version"} is needed. Run: python -m pip install "{install}".'


def installed(name: str) -> str | None:
    """Version of an installed distribution, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _found(requirement: Requirement) -> Requires:
    found = next(
        filter(None, map(installed, (requirement.name, *_STANDS_IN.get(requirement.name, ())))), None
    )
    fits = found is not None and requirement.specifier.contains(found, prereleases=True)
    return Requires(requirement.name, str(requirement.specifier), found, _extra(requirement), fits)


def _extra(requirement: Requirement) -> str | None:
    marker = str(requirement.marker or "")
    return marker.partition("extra ==")[2].strip(" '\"") or None
