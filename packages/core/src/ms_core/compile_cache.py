"""Compiled graphs kept from one process to the next, never used for another network.

MindSpore 2.10 can store what its front end compiled (MS_COMPILER_CACHE_ENABLE) but does not notice changed constants,
numbers the files by how many graphs the process compiled before, and fixes the folder at the first of them. So here
every graph gets a private folder that holds no graph but its own, put there only if its fingerprint (see
`graph_fingerprint`) and its checksum agree, and collected from there.
"""

from __future__ import annotations

import ast
import atexit
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from ms_core.atomic import atomic_write
from ms_core.device import Runtime
from ms_core.errors import UserError

if TYPE_CHECKING:
    from mindspore import Tensor, nn

KEPT = 32
"""Graphs a folder holds at most; those unused for longest are removed."""
_SUFFIX = ".graph"
_DIGEST_BYTES = 32
_GRAPH_NAME = "compile_cache_{}.mindir"
_SWITCHES = {"MS_COMPILER_CACHE_ENABLE": "1", "MS_DEV_FORCE_USE_COMPILE_CACHE": "1"}
"""Set while one of our graphs compiles; the second leaves the decision whether a graph fits to us."""


def default_folder() -> Path | None:
    """$XDG_CACHE_HOME/ms-core/graphs, by default in ~/.cache; None where there is neither."""
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser()
    except RuntimeError:  # nobody is at home
        return None
    return (
        cache / "ms-core" / "graphs" if cache.is_absolute() else None
    )  # relative: not valid, says the standard


def keep_compiled_graphs(setting: str, runtime: Runtime, say: Callable[[str], None] = print) -> None:
    """Set, for this process, where `first_call` keeps graphs: the entry `compile_cache` of a configuration.

    Args:
        setting: "off", a folder, or "auto": the default folder for one process on a CPU, where the results were
            shown to be the same bit for bit, and nothing elsewhere.
        runtime: of the process, as `device.start` gave it.
        say: told why something could not be kept in a folder that was named; of "auto" nobody expects anything.
    """
    global _active
    _active = None
    if (
        setting == "off" or "MS_COMPILER_CACHE_ENABLE" in os.environ
    ):  # who wants MindSpore's own gets just that
        return
    if setting != "auto":
        _active = CompileCache(Path(setting).expanduser(), say)
    elif runtime.device == "CPU" and runtime.world_size == 1 and (folder := default_folder()):
        _active = CompileCache(folder)


@contextmanager
def first_call(cell: nn.Cell, inputs: Sequence[Tensor]) -> Iterator[None]:
    """Around every call of a cell: if it will compile, the graph is taken from or kept for other processes."""
    import mindspore as ms

    signature = (cell.training, *((tensor.shape, tensor.dtype) for tensor in inputs))
    compiled = _compiled.setdefault(cell, set())
    if _active is None or signature in compiled or ms.get_context("mode") != ms.GRAPH_MODE:
        yield
        return
    with _active.compiling(cell, inputs):
        yield
    compiled.add(signature)


class CompileCache:
    """A folder of compiled graphs. Processes may share it: files appear whole, and each graph has its own name.

    Whatever goes wrong with it, the graph is compiled as without it, and `say` tells why.
    """

    def __init__(self, folder: Path, say: Callable[[str], None] = lambda message: None) -> None:
        self.folder = folder
        self.say = say
        self.hits = 0
        """Graphs taken from the folder."""
        self.misses = 0
        """Graphs compiled, and kept where that was possible."""

    @contextmanager
    def compiling(self, cell: Any, inputs: Sequence[Any]) -> Iterator[None]:
        """Around the first call of `cell` with these inputs (arrays or tensors) in graph mode, and only that."""
        key = self._key(cell, inputs)
        if key is None:
            yield
            return
        stored = self._read(key)
        with _slot.use(stored) as written:
            yield
        new = written()
        if stored is not None and new is None:
            self.hits += 1
            return
        self.misses += 1
        if new is not None:
            self._write(key, new)

    def _key(self, cell: Any, inputs: Sequence[Any]) -> str | None:
        from ms_core.graph_fingerprint import NotDescribable, graph_fingerprint

        try:
            _require_script()
            return graph_fingerprint(cell, inputs)
        except NotDescribable as reason:
            self.say(f"compile cache: not used, because {reason}.")
            return None

    def _read(self, key: str) -> bytes | None:
        """The graph of that fingerprint, if there is a sound one."""
        path = self._path(key)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        digest, graph = content[:_DIGEST_BYTES], content[_DIGEST_BYTES:]
        if hashlib.sha256(graph).digest() != digest:
            self.say(f"compile cache: {path} is damaged; it is made again.")
            return None
        with suppress(OSError):
            os.utime(path)
        return graph

    def _write(self, key: str, graph: bytes) -> None:
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with atomic_write(self._path(key), binary=True) as file:
                file.write(hashlib.sha256(graph).digest() + graph)
        except (OSError, UserError) as error:
            self.say(f"compile cache: nothing kept ({error}).")
            return
        by_use = sorted(self.folder.glob(f"*{_SUFFIX}"), key=_last_use, reverse=True)
        for old in by_use[KEPT:]:
            with suppress(OSError):  # another process removed it
                old.unlink()

    def _path(self, key: str) -> Path:
        return self.folder / f"{key}{_SUFFIX}"


class _Slot:
    """This process's private folder, which MindSpore reads one graph from or writes one to."""

    def __init__(self) -> None:
        self.root: Path | None = None
        self.number = 0
        """Of the next graph: MindSpore counts those it compiles while its cache is on, from 0."""

    @contextmanager
    def use(self, graph: bytes | None) -> Iterator[Callable[[], bytes | None]]:
        """Switch MindSpore's cache on, with `graph` as the only one it can find.

        Yields:
            What tells, afterwards, the graph that MindSpore wrote; None where it took the given one, wrote none, or
            wrote several, of which nobody knows which is whose.
        """
        folder = self._empty_folder()
        path = folder / _GRAPH_NAME.format(self.number)
        if graph is not None:
            path.write_bytes(graph)
        before = _identity(path)
        former = {name: os.environ.get(name) for name in (*_SWITCHES, "MS_COMPILER_CACHE_PATH")}
        os.environ.update(_SWITCHES, MS_COMPILER_CACHE_PATH=str(self.root))
        new: list[Path] = []
        try:
            yield lambda: path.read_bytes() if new == [path] else None
        finally:
            for name, value in former.items():
                os.environ.pop(name) if value is None else os.environ.update({name: value})
            graphs = [file for file in folder.glob(_GRAPH_NAME.format("*")) if file != path]
            new += graphs if _identity(path) == before else [*graphs, path]
            self.number = max([self.number, *map(_number, new)]) + 1

    def _empty_folder(self) -> Path:
        if self.root is None:
            self.root = Path(tempfile.mkdtemp(prefix="ms-core-graphs-"))
            atexit.register(shutil.rmtree, self.root, ignore_errors=True)
        for rank in self.root.iterdir():
            shutil.rmtree(rank)
        folder = self.root / f"rank_{_rank()}" / "graph_cache"
        folder.mkdir(parents=True)
        return folder


_slot = _Slot()
_active: CompileCache | None = None
_compiled: WeakKeyDictionary[Any, set[Any]] = WeakKeyDictionary()
"""Signatures that each cell was called with."""


def _require_script() -> None:
    """With its cache on, MindSpore 2.10 parses the file that Python was started with, and fails where there is none.

    Raises:
        NotDescribable: started with -c, from a notebook, or from a program that is no Python text.
    """
    from ms_core.graph_fingerprint import NotDescribable

    try:
        ast.parse(Path(sys.argv[0]).read_bytes())
    except (OSError, SyntaxError, ValueError, IndexError) as error:
        raise NotDescribable("this process was not started with a Python file") from error


def _rank() -> int:
    """As MindSpore names its folder."""
    from mindspore import communication

    return int(communication.get_rank()) if communication.GlobalComm.INITED else 0


def _number(graph: Path) -> int:
    return int(graph.stem.rpartition("_")[2])


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino


def _last_use(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
