"""docs/migrate.md is what ci/make_migrate.py writes, and that knows every key, program and script."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ms_core.old_zoo.commands import entries_of
from ms_core.old_zoo.families import DEFRCN, SEGFORMER, SSD, Family
from ms_core.old_zoo.networks import OldPackage
from ms_core.old_zoo.scripts import INTERFACES

REPOSITORY = Path(__file__).resolve().parents[4]
GENERATOR = REPOSITORY / "ci" / "make_migrate.py"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    if not GENERATOR.is_file():
        pytest.skip(f"no repository around the tests: {GENERATOR}")
    spec = importlib.util.spec_from_file_location("make_migrate", GENERATOR)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_page_is_up_to_date(
    generator: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # nothing in the page comes from the folder in which it is made
    written = (REPOSITORY / "docs" / "migrate.md").read_text(encoding="utf-8")
    assert written == generator.page(), "run python ci/make_migrate.py"


@pytest.mark.parametrize(
    ("family", "packages"),
    [
        (SSD, ("ms-ssd", "ms-ssdlite-fpn")),
        (SEGFORMER, ("ms-segformer",)),
        (DEFRCN, ("ms-defrcn",)),
    ],
)
def test_the_page_has_everything(
    generator: ModuleType, family: Family, packages: tuple[OldPackage, ...]
) -> None:
    _, part = generator.page().split(f"\n## {family.title}\n")
    part = part.split("\n## ")[0]
    scripts = [script for package in packages for script in INTERFACES[package].scripts]
    names = [*family.keys, *entries_of(packages[0]), *scripts]
    assert [name for name in names if f"| `{name}` |" not in part] == []


def test_both_values_are_told_where_guide_and_code_disagree(generator: ModuleType) -> None:
    page = generator.page()
    for row in (
        "`lr` | 1e-4 | 6e-5",
        "`dataset_num_parallel_workers` | 4 | 8",
        "`export_format` | AIR | MINDIR",
    ):
        assert f"| {row} |" in page
