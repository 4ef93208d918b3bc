"""Building a package's C++ program: once for the same sources, compiler and options, then taken from a cache."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from ms_core.ascend310.build_needs import SOURCES, compiler, require
from ms_core.errors import UserError

RUNTIMES = ("openvino", "mslite", "acl")
"""What can be built in."""


def build_program(
    package: str | Path, runtimes: Sequence[str] = ("openvino",), *, sanitize: bool = False
) -> Path:
    """The program of a package, ready to be run; built by CMake where the cache does not have it.

    The cache is $XDG_CACHE_HOME/ms-core/ascend310, by default in ~/.cache. Two processes may build at once: each has
    a folder of its own, and the first to end puts its program in place.

    Args:
        package: `ms-ssd` (or `ms_ssd`) for an installed package, or a folder with main.cc.
        runtimes: of `RUNTIMES`; mslite is looked for in $LITE_HOME, acl in $ASCEND_HOME_PATH (CANN's set_env.sh).
        sanitize: with the address and undefined behaviour sanitizers.

    Raises:
        UserError: a compiler, library or runtime is missing (one line with the Debian packages), or building failed
            (the log is kept and named).
    """
    program = program_folder(package)
    options = _cmake_options(runtimes, sanitize)
    require()
    name = f"{program.parent.name}_310"
    cache = _cache_folder()
    built = cache / f"{name}-{_fingerprint(program, options)}" / name
    if not built.is_file():
        _build(program, name, options, built)
    return built


def program_folder(package: str | Path) -> Path:
    """The folder with a package's main.cc.

    Raises:
        UserError: no such package is installed, or it has no program.
    """
    if isinstance(package, Path):
        folder = package if (package / "main.cc").is_file() else package / "ascend310"
    else:
        module = package.replace("-", "_")
        spec = importlib.util.find_spec(module)
        if spec is None or not spec.submodule_search_locations:
            raise UserError(
                f"{package}: no such package is installed. pip install {package.replace('_', '-')}"
            )
        folder = Path(next(iter(spec.submodule_search_locations))) / "ascend310"
    if not (folder / "main.cc").is_file():
        raise UserError(f"{package}: no C++ program: no main.cc in {folder}.")
    return folder.resolve()


def _cmake_options(runtimes: Sequence[str], sanitize: bool) -> list[str]:
    """-D options that say where the runtimes are."""
    unknown = [runtime for runtime in runtimes if runtime not in RUNTIMES]
    if unknown or not runtimes:
        raise UserError(f"runtime {unknown or 'none'}: choose of {', '.join(RUNTIMES)}.")
    options = [f"-DMS310_RUNTIMES={';'.join(sorted(set(runtimes)))}"]
    for runtime in sorted(set(runtimes)):
        options += _PLACES[runtime]()
    return [*options, "-DMS310_SANITIZE=ON"] if sanitize else options


def _openvino() -> list[str]:
    spec = importlib.util.find_spec("openvino")
    if spec is None or spec.origin is None:
        raise UserError('runtime openvino: not installed. pip install "ms-core[openvino]"')
    return [f"-DOpenVINO_DIR={Path(spec.origin).parent / 'cmake'}"]


def _mslite() -> list[str]:
    home = _named_folder(
        "LITE_HOME", "mslite", "folder of MindSpore Lite (its `runtime`, or `mindspore_lite` of a wheel)"
    )
    return [f"-DMSLITE_DIR={home}"]


def _acl() -> list[str]:
    home = _named_folder("ASCEND_HOME_PATH", "acl", "toolkit folder of CANN; its set_env.sh sets it")
    libraries = [home / "lib64" / name for name in ("libascendcl.so", "libacl_dvpp.so")]
    found = [str(library) for library in libraries if library.is_file()]
    if not found:
        raise UserError(
            f"runtime acl: {libraries[0]} is missing. Install CANN's toolkit, and call its set_env.sh."
        )
    return [f"-DACL_INCLUDE_DIR={home / 'include'}", f"-DACL_LIBRARY={';'.join(found)}"]


_PLACES = {"openvino": _openvino, "mslite": _mslite, "acl": _acl}


def _named_folder(variable: str, runtime: str, what: str) -> Path:
    value = os.environ.get(variable)
    if not value or not Path(value).is_dir():
        raise UserError(f"runtime {runtime}: set {variable} to the {what}.")
    return Path(value).resolve()


def _cache_folder() -> Path:
    """Raises UserError where it cannot be made."""
    folder = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "ms-core" / "ascend310"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(
            f"{folder}: cannot be made ({error.strerror}). Set XDG_CACHE_HOME to a folder."
        ) from error
    return folder.resolve()


def _fingerprint(program: Path, options: Sequence[str]) -> str:
    """Changes with every file, option, compiler or OpenVINO that goes into the program."""
    digest = hashlib.sha256()
    for folder in (SOURCES, program):
        for file in _source_files(folder):
            digest.update(f"{file.relative_to(folder)}\0".encode())
            digest.update(hashlib.sha256(file.read_bytes()).digest())
    versions = [_first_line([compiler(), "--version"]), _first_line(["cmake", "--version"])]
    digest.update("\0".join([*options, *versions, *_openvino_version(options)]).encode())
    return digest.hexdigest()[:16]


def _source_files(folder: Path) -> Iterable[Path]:
    files = (
        file
        for file in folder.rglob("*")
        if file.suffix in (".cc", ".h", ".cmake") or file.name == "CMakeLists.txt"
    )
    return sorted(file for file in files if "tests" not in file.relative_to(folder).parts)


def _first_line(command: Sequence[str]) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.partition("\n")[0]


def _openvino_version(options: Sequence[str]) -> list[str]:
    """Its version file, whose content changes where the path stays."""
    places = [Path(option.partition("=")[2]) for option in options if option.startswith("-DOpenVINO_DIR=")]
    return [(place / "OpenVINOConfig-version.cmake").read_text(encoding="utf-8") for place in places]


def _build(program: Path, name: str, options: Sequence[str], built: Path) -> None:
    """Put the program at `built`, or leave a log."""
    log = built.parent.with_suffix(".log")
    with tempfile.TemporaryDirectory(dir=built.parent.parent, prefix=f".{name}-") as folder:
        build = Path(folder) / "build"
        configure = ["cmake", "-S", str(SOURCES), "-B", str(build), f"-DMS310_PROGRAM={program}"]
        # Compilers newer than ours may warn of more; nobody's build is to fail for that.
        configure += [f"-DMS310_PROGRAM_NAME={name}", "-DMS310_WERROR=OFF", *options]
        make = ["cmake", "--build", str(build), "--target", name, "--parallel", str(os.cpu_count() or 1)]
        print(f"building {name} (once; kept in {built.parent.parent})", flush=True)
        with (Path(folder) / "log").open("wb") as output:
            commands = (configure, make)
            done = all(
                subprocess.run(each, stdout=output, stderr=subprocess.STDOUT).returncode == 0
                for each in commands
            )
        if not done:
            shutil.move(Path(folder) / "log", log)
            raise UserError(f"{name}: building failed ({_cause(log)}). All of it: {log}")
        _put_in_place(build / name, built)


def _put_in_place(program: Path, built: Path) -> None:
    """Rename a folder of its own: another process may do the same, and the first one stays."""
    ready = program.parent.parent / "ready"
    ready.mkdir()
    program.replace(ready / program.name)
    try:
        ready.rename(built.parent)
    except OSError:
        if not built.is_file():
            raise


def _cause(log: Path) -> str:
    """The first line that names an error."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    named = [line.strip() for line in lines if "error" in line.lower()]
    return (named or lines or ["no output"])[0][:200]
