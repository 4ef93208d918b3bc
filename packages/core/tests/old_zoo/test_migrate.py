"""docs/migrate.md is what ci/make_migrate.py writes, and that knows every key, program and script."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from ms_core.old_zoo.commands import ENTRIES
from ms_core.old_zoo.keys import KEYS
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


def test_the_page_has_everything(generator: ModuleType) -> None:
    page = generator.page()
    names = [*KEYS, *ENTRIES, *(script for interface in INTERFACES.values() for script in interface.scripts)]
    assert [name for name in names if f"| `{name}` |" not in page] == []
