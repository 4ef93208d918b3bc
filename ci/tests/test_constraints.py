"""ci/constraints.txt pins what packages and tools need, on every supported Python, and names no host."""

from pathlib import Path

import nox
import pytest
from packaging.requirements import Requirement


def read_constraints(repository: Path) -> list[Requirement]:
    lines = (repository / "ci" / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def declared(repository: Path) -> list[Requirement]:
    tools = nox.project.load_toml(repository / "pyproject.toml")
    lines = list(nox.project.dependency_groups(tools, *tools["dependency-groups"]))
    for file in repository.glob("packages/*/pyproject.toml"):
        project = nox.project.load_toml(file)["project"]
        lines += project["dependencies"]
        lines += [line for extra in project.get("optional-dependencies", {}).values() for line in extra]
    return [need for need in map(Requirement, lines) if not need.name.startswith("ms-")]


def applies(requirement: Requirement, python: str) -> bool:
    marker = requirement.marker
    return marker is None or marker.evaluate({"python_version": python, "python_full_version": f"{python}.1"})


@pytest.mark.parametrize("python", ["3.10", "3.11", "3.12"])
def test_every_dependency_is_pinned_within_its_range(repository: Path, python: str) -> None:
    pins = {pin.name.lower(): pin for pin in read_constraints(repository) if applies(pin, python)}
    for need in declared(repository):
        if applies(need, python):
            (pin,) = pins[need.name.lower()].specifier
            assert pin.operator == "=="
            assert need.specifier.contains(pin.version), need


def test_no_address(repository: Path) -> None:
    text = (repository / "ci" / "constraints.txt").read_text(encoding="utf-8")
    assert "://" not in text
    assert all(pin.url is None for pin in read_constraints(repository))
