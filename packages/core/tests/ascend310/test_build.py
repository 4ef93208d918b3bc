"""What is said where the C++ programs cannot be built; building itself is tested by `nox -s cpp`."""

from pathlib import Path

import pytest
from ms_core.ascend310 import build, build_needs
from ms_core.ascend310.build import build_program, program_folder
from ms_core.errors import UserError

COMPILER = """#!/bin/sh
[ "$1" = --version ] && echo "compiler $VERSION" || echo "$FOUND"
"""
CMAKE = """#!/bin/sh
[ "$1" = --version ] && echo cmake 3.25 && exit
[ "$1" = --build ] && { echo "main.cc:1: error: broken"; exit 1; }
exit 0
"""


MAKE = "#!/bin/sh\n"


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with a compiler that finds every header, and a cmake whose build fails."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, script in (("c++", COMPILER), ("cmake", CMAKE), ("make", MAKE)):
        (folder / name).write_text(script, encoding="utf-8")
        (folder / name).chmod(0o755)
    headers = [f'"{need.brings}"' for need in build_needs.read_needs() if need.is_header]
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("FOUND", "\n".join(headers))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("CXX", raising=False)
    return folder


@pytest.fixture
def openvino(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """As if OpenVINO were installed; its version file."""
    version = tmp_path / "openvino" / "OpenVINOConfig-version.cmake"
    version.parent.mkdir()
    version.write_text("1", encoding="utf-8")
    monkeypatch.setitem(build._PLACES, "openvino", lambda: [f"-DOpenVINO_DIR={version.parent}"])
    return version


@pytest.fixture
def program(tmp_path: Path) -> Path:
    folder = tmp_path / "ms_toy" / "ascend310"
    folder.mkdir(parents=True)
    (folder / "main.cc").write_text("int main() {}", encoding="utf-8")
    return folder


def test_the_list_names_what_is_needed() -> None:
    needs = build_needs.read_needs()
    assert {"cmake", "g++", "libpng-dev"} <= {need.package for need in needs}
    assert [need.package for need in needs if need.only_tests] == ["libgtest-dev"]
    assert [need.package for need in needs if not need.is_header] == ["cmake", "make", "g++"]


def test_all_that_is_missing_is_said_in_one_line(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tools / "cmake").unlink()
    monkeypatch.setenv("FOUND", '"png.h"')
    with pytest.raises(UserError) as caught:
        build_needs.require(tests=True)
    message = str(caught.value)
    assert "\n" not in message
    named = set(message.replace(",", " ").split())
    for need in build_needs.read_needs():
        assert (need.package in named) == (need.package not in ("make", "g++", "libpng-dev"))


def test_without_a_compiler_headers_are_not_asked_for(tools: Path) -> None:
    (tools / "c++").unlink()
    with pytest.raises(UserError, match=r"cannot be built: g\+\+ missing"):
        build_needs.require()


def test_the_tests_need_more(tools: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    headers = [need.brings for need in build_needs.read_needs() if need.is_header and not need.only_tests]
    monkeypatch.setenv("FOUND", "\n".join(f'"{header}"' for header in headers))
    build_needs.require()
    with pytest.raises(UserError, match="libgtest-dev missing"):
        build_needs.require(tests=True)


def test_program_folder_is_found_by_name_and_by_path(program: Path) -> None:
    assert program_folder(program) == program_folder(program.parent) == program
    with pytest.raises(UserError, match="ms-nothing: no such package is installed"):
        program_folder("ms-nothing")
    with pytest.raises(UserError, match=r"no main\.cc"):
        program_folder(program.parent.parent)


def test_a_failed_build_keeps_and_names_its_log(
    tools: Path, openvino: Path, program: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError, match=r"main\.cc:1: error: broken") as caught:
        build_program(program)
    log = Path(str(caught.value).rpartition(": ")[2])
    assert "error: broken" in log.read_text(encoding="utf-8")
    assert list((tmp_path / "cache" / "ms-core" / "ascend310").iterdir()) == [log]


def test_a_program_in_the_cache_is_taken_and_renewed_when_anything_changes(
    tools: Path, openvino: Path, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Path] = []

    def pretend(program: Path, name: str, options: list[str], built: Path) -> None:
        built.parent.mkdir(parents=True)
        built.write_bytes(b"")
        seen.append(built)

    monkeypatch.setattr(build, "_build", pretend)
    first = build_program(program)
    assert first.name == "ms_toy_310"
    assert build_program(program) == first
    build_program(program, sanitize=True)
    (program / "main.cc").write_text("int main() { return 0; }", encoding="utf-8")
    build_program(program)
    openvino.write_text("2", encoding="utf-8")
    build_program(program)
    monkeypatch.setenv("VERSION", "13")
    build_program(program)
    assert len(set(seen)) == len(seen) == 5


@pytest.mark.parametrize(
    ("runtime", "words"),
    [
        ("tensorrt", "choose of openvino, mslite, acl"),
        ("mslite", "runtime mslite: set LITE_HOME"),
        ("acl", "runtime acl: set ASCEND_HOME_PATH"),
    ],
)
def test_a_runtime_that_is_not_there_is_named(
    runtime: str, words: str, program: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LITE_HOME", raising=False)
    monkeypatch.delenv("ASCEND_HOME_PATH", raising=False)
    with pytest.raises(UserError, match=words):
        build_program(program, [runtime])
