"""dist/ as `nox -s build` leaves it: complete wheels that pip can install from."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

FOLDERS = sorted(
    path.parent for path in Path(__file__).resolve().parents[2].glob("packages/*/pyproject.toml")
)
packages = pytest.mark.parametrize("folder", FOLDERS, ids=[folder.name for folder in FOLDERS])


def wheel_names(repository: Path, folder: Path) -> tuple[Path, set[str]]:
    (wheel,) = (repository / "dist").glob(f"ms_{folder.name}-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        return wheel, set(archive.namelist())


@packages
def test_every_source_file_is_in_the_wheel(repository: Path, folder: Path) -> None:
    source = folder / "src"
    paths = (path.relative_to(source) for path in source.rglob("*") if path.is_file())
    hidden = (".", "__pycache__")
    visible = (path for path in paths if not any(part.startswith(hidden) for part in path.parts))
    files = {path.as_posix() for path in visible}
    assert files - wheel_names(repository, folder)[1] == set()


@packages
def test_nothing_else_is_in_the_wheel(repository: Path, folder: Path) -> None:
    tops = {name.partition("/")[0] for name in wheel_names(repository, folder)[1]}
    assert {top for top in tops if not top.endswith(".dist-info")} == {f"ms_{folder.name}"}


@packages
def test_wheel_carries_type_marker_and_licence(repository: Path, folder: Path) -> None:
    wheel, names = wheel_names(repository, folder)
    (licence,) = (name for name in names if name.endswith(".dist-info/licenses/LICENSE"))
    with zipfile.ZipFile(wheel) as archive:
        assert archive.read(licence) == (repository / "LICENSE").read_bytes()
    assert f"ms_{folder.name}/py.typed" in names


@packages
def test_pip_installs_from_the_wheelhouse(repository: Path, folder: Path, tmp_path: Path) -> None:
    """`pip install --find-links dist ms-NAME`, dry and with all dependencies: what pip would install."""
    name = f"ms-{folder.name.replace('_', '-')}"
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--dry-run",
        "--ignore-installed",
        "--quiet",
        "--find-links",
    ]
    report = tmp_path / "report.json"
    subprocess.run([*command, str(repository / "dist"), name, "--report", str(report)], check=True)
    assert f'"name": "{name}"' in report.read_text(encoding="utf-8")
