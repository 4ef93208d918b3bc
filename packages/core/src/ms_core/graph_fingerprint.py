"""A digest of everything that decides what MindSpore compiles a Cell to.

MindSpore's own compile cache recognises a graph by the source files of the main script alone; a constant that was
changed (a loss weight, the table of learning rates, the default boxes) would silently meet the old graph. So every
attribute of every cell goes into the digest, and what is not understood is refused rather than left out.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import os
import platform
import sys
from collections.abc import Iterable
from enum import Enum
from pathlib import Path
from types import BuiltinFunctionType, FunctionType, MethodType
from typing import Any

import mindspore as ms
import numpy as np
from mindspore import Parameter, Tensor, nn, ops
from mindspore.common.initializer import Initializer
from mindspore.ops.composite.base import _Grad

_VOLATILE = {
    "_create_time",
    "_compile_cache",
    "_compile_phase",
    "_compiled",
    "_phase_cache",
    "arguments_key",
    "_exist_objs",
    "_exist_names",
}
"""Attributes of a Cell in which MindSpore keeps account of its compilations; they differ from process to process."""

_CLOCK = "hash_obj"
"""Variable around the functions of ops.grad and ops.value_and_grad that holds the time of their making."""

_CONTEXT = ("mode", "device_target", "deterministic", "jit_level", "jit_syntax_level", "enable_graph_kernel")
_PARALLEL = ("parallel_mode", "device_num", "gradients_mean", "gradient_fp32_sync", "global_rank")
_OWN_STATE = (
    ops.Primitive,
    ops.HyperMap,
    ops.Map,
    ops.GradOperation,
    _Grad,
    ops.MultitypeFuncGraph,
    ms.JitConfig,
    Initializer,
)
"""Kinds of MindSpore objects that are wholly described by their Python attributes."""
_PLATFORM = {"mindspore", "numpy", "builtins", "collections", "abc", "enum", "functools", "typing", "pathlib"}
"""Packages whose code is told by a version number instead of its text."""


class NotDescribable(Exception):
    """Something in the cell that this module cannot describe; the text names it."""


def graph_fingerprint(cell: nn.Cell, inputs: Iterable[Any]) -> str:
    """64 hexadecimal digits that are equal only where compiling gives the same graph.

    Values of Parameters do not count, because a graph reads them when it runs; their names, shapes, types and
    `requires_grad` do. Values of all other tensors and arrays do count.

    Args:
        cell: about to be compiled.
        inputs: arrays or tensors of the call; only their shapes and types count.

    Raises:
        NotDescribable: an attribute of a kind that is not known to be described completely.
    """
    walk = _Walk()
    walk.add("versions", (ms.__version__, np.__version__, platform.python_version()))
    walk.add("context", {name: ms.get_context(name) for name in _CONTEXT})
    walk.add("parallel", {name: str(ms.get_auto_parallel_context(name)) for name in _PARALLEL})
    walk.add("environment", {name: value for name, value in os.environ.items() if name.startswith("MS_")})
    walk.add("inputs", [(tuple(value.shape), str(value.dtype)) for value in inputs])
    walk.add("cell", cell)
    walk.add_sources()
    return walk.digest.hexdigest()


class _Walk:
    """Depth first through an object, in a fixed order; what was seen is named by when it was seen."""

    def __init__(self) -> None:
        self.digest = hashlib.sha256()
        self.seen: dict[int, tuple[int, Any]] = {}
        self.packages = {"ms_core"}

    def add(self, path: str, value: Any) -> None:
        """Take `value`, found at `path`, into the digest."""
        if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
            self._put(type(value).__name__, repr(value))
        elif id(value) in self.seen:
            self._put("again", self.seen[id(value)][0])
        else:
            self.seen[id(value)] = (len(self.seen), value)  # kept, so that its id is not given to another
            self._put(type(value).__module__, type(value).__qualname__)
            self._add_object(path, value)

    def add_sources(self) -> None:
        """The text of all packages that a class or function seen so far came from."""
        for package in sorted(self.packages):
            self._put("source", package, _source_digest(package))

    def _put(self, *words: object) -> None:
        for word in words:
            text = str(word).encode()
            self.digest.update(b"%d:" % len(text) + text)  # the length keeps neighbours apart

    def _add_object(self, path: str, value: Any) -> None:
        if isinstance(value, Parameter):
            self._put(value.name, value.shape, value.dtype, value.requires_grad, value.parallel_optimizer)
        elif isinstance(value, Tensor):
            self._add_tensor(path, value)
        elif isinstance(value, (np.ndarray, np.generic)):
            self._add_array(np.asarray(value), type(value).__name__)
        elif isinstance(value, nn.Cell):
            self._learn_source(path, type(value))
            kept = {name: held for name, held in vars(value).items() if name not in _VOLATILE}
            self._add_mapping(path, kept)
        elif isinstance(value, dict):
            self._add_mapping(path, value)
        elif isinstance(value, (list, tuple)):
            self._put(len(value))
            for index, item in enumerate(value):
                self.add(f"{path}[{index}]", item)
        elif isinstance(value, (set, frozenset)):
            self._put(*sorted(map(repr, value)))
        else:
            self._add_other(path, value)

    def _add_other(self, path: str, value: Any) -> None:
        if isinstance(value, (Enum, Path, ms.Type)):
            self._put(repr(value))
        elif isinstance(value, type):
            self._learn_source(path, value)
            self._put(value.__module__, value.__qualname__)
        elif isinstance(value, MethodType):
            self.add(f"{path}.__self__", value.__self__)
            self.add(f"{path}.__func__", value.__func__)
        elif isinstance(value, functools.partial):
            self.add(f"{path}.partial", (value.func, value.args, value.keywords))
        elif isinstance(value, FunctionType):
            self._add_function(path, value)
        elif isinstance(value, BuiltinFunctionType):
            self._put(value.__module__, value.__qualname__)
        elif dataclasses.is_dataclass(value):
            self._learn_source(path, type(value))
            fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
            self._add_mapping(path, fields)
        elif isinstance(value, _OWN_STATE):
            self._learn_source(path, type(value))
            self._add_mapping(path, vars(value))
        else:
            raise NotDescribable(f"{path} is a {type(value).__module__}.{type(value).__qualname__}")

    def _add_mapping(self, path: str, mapping: dict[Any, Any]) -> None:
        """In the order of the keys' names: the order of attributes decides nothing but numbering."""
        self._put(len(mapping))
        for key in sorted(mapping, key=repr):
            if not isinstance(key, (str, int, float, bool, bytes, tuple, type(None))):
                raise NotDescribable(f"{path} has a key of type {type(key).__qualname__}")
            self._put(repr(key))
            self.add(f"{path}.{key}" if isinstance(key, str) else f"{path}[{key!r}]", mapping[key])

    def _add_tensor(self, path: str, tensor: Tensor) -> None:
        if tensor.has_init:
            raise NotDescribable(f"{path} is a tensor without values yet")
        if -1 in tensor.shape:  # stands for the shapes a cell takes: see Cell.set_inputs
            self._put("dynamic", tensor.shape, tensor.dtype)
        else:
            self._add_array(tensor.asnumpy(), tensor.dtype)

    def _add_array(self, array: np.ndarray, kind: object) -> None:
        if array.dtype.hasobject:
            raise NotDescribable("an array of Python objects")
        self._put(
            kind, array.dtype, array.shape, hashlib.sha256(np.ascontiguousarray(array).data).hexdigest()
        )

    def _add_function(self, path: str, function: FunctionType) -> None:
        """Its text is in the package's; here what it holds: default values and variables around it."""
        self._learn_source(path, function)
        self._put(function.__module__, function.__qualname__)
        self._put(hashlib.sha256(function.__code__.co_code).hexdigest(), function.__code__.co_firstlineno)
        self.add(f"{path}.__defaults__", function.__defaults__)
        self.add(f"{path}.__kwdefaults__", function.__kwdefaults__)
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            if name == _CLOCK and function.__module__.startswith("mindspore."):
                continue
            try:
                held = cell.cell_contents
            except ValueError:
                held = None  # a variable that was never set
            self.add(f"{path}.{name}", held)

    def _learn_source(self, path: str, thing: Any) -> None:
        package = thing.__module__.partition(".")[0]
        if package not in _PLATFORM:
            if package not in sys.modules:
                raise NotDescribable(f"{path} comes from {package}, which is not loaded")
            self.packages.add(package)


@functools.lru_cache(maxsize=64)
def _source_digest(package: str) -> str:
    """Of all Python files of a package or of a single module.

    Raises:
        NotDescribable: it has no file, as in an interactive session.
    """
    module = sys.modules[package]
    folders = [Path(folder) for folder in getattr(module, "__path__", ())]
    files = [file for folder in folders for file in sorted(folder.rglob("*.py"))]
    if not folders and getattr(module, "__file__", None):
        files = [Path(str(module.__file__))]
    if not files:
        raise NotDescribable(f"the source of {package} lies in no file")
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()
