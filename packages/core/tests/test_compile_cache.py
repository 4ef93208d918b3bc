"""Graphs are found again, only by the cell that made them, and a broken store never breaks a run."""

from __future__ import annotations

import os
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core import compile_cache
from ms_core.compile_cache import CompileCache, first_call, keep_compiled_graphs
from ms_core.device import Runtime

X = Tensor(np.arange(6, dtype=np.float32).reshape(2, 3))


class Scaled(nn.Cell):
    """construct(x) -> mean of x W times a constant of the graph."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.dense = nn.Dense(3, 2, weight_init="ones", bias_init="zeros")
        self.factor = factor

    def construct(self, x: Tensor) -> Tensor:
        return self.dense(x).mean() * self.factor


@pytest.fixture(autouse=True)
def graph_mode():
    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


def value(cache: CompileCache, cell: nn.Cell, x: Tensor = X) -> float:
    with cache.compiling(cell, (x,)):
        return float(cell(x).asnumpy())


def test_a_graph_is_found_by_an_equal_cell_and_by_no_other(tmp_path: Path) -> None:
    """All values would be those of the first graph if MindSpore's cache were simply switched on."""
    cache = CompileCache(tmp_path)
    assert value(cache, Scaled(1.0)) == 7.5
    assert (cache.hits, cache.misses) == (0, 1)
    assert value(cache, Scaled(1.0)) == 7.5
    assert (cache.hits, cache.misses) == (1, 1)
    assert value(cache, Scaled(2.0)) == 15.0
    assert (cache.hits, cache.misses) == (1, 2)
    with_other_weights = Scaled(2.0)
    with_other_weights.dense.weight.set_data(with_other_weights.dense.weight * 3)
    assert value(cache, with_other_weights) == 45.0
    assert (cache.hits, cache.misses) == (2, 2)
    assert float(Scaled(3.0)(X).asnumpy()) == 22.5  # outside: as if there were no cache
    assert value(cache, Scaled(1.0)) == 7.5
    assert (cache.hits, cache.misses) == (3, 2)
    assert len(list(tmp_path.iterdir())) == 2


def test_damaged_and_foreign_files_are_made_again(tmp_path: Path) -> None:
    said: list[str] = []
    cache = CompileCache(tmp_path, said.append)
    value(cache, Scaled(4.0))
    (path,) = tmp_path.iterdir()
    whole = path.read_bytes()
    for content in (b"", whole[: len(whole) // 2], whole[:-1] + bytes([whole[-1] ^ 1])):
        path.write_bytes(content)
        assert value(cache, Scaled(4.0)) == 30.0
    assert cache.hits == 0
    assert len(said) == 3
    assert f"{path} is damaged" in said[0]
    assert value(cache, Scaled(4.0)) == 30.0
    assert cache.hits == 1


def test_a_folder_that_cannot_be_written_is_said_and_nothing_else_happens(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    said: list[str] = []
    cache = CompileCache(tmp_path / "file" / "graphs", said.append)
    assert value(cache, Scaled(5.0)) == 37.5
    assert "nothing kept" in said[0]


def test_what_cannot_be_described_is_compiled_without_a_cache(tmp_path: Path) -> None:
    said: list[str] = []
    cell = Scaled(6.0)
    cell.note = object()
    assert value(CompileCache(tmp_path, said.append), cell) == 45.0
    assert said == ["compile cache: not used, because cell.note is a builtins.object."]
    assert not list(tmp_path.iterdir())


def test_no_more_than_so_many_graphs_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compile_cache, "KEPT", 2)
    for age in range(3):
        old = tmp_path / f"{age}.graph"
        old.write_bytes(b"")
        os.utime(old, (age, age))
    value(CompileCache(tmp_path), Scaled(7.0))
    assert len(list(tmp_path.iterdir())) == 2
    assert (tmp_path / "2.graph").exists()


def test_the_environment_is_as_before(tmp_path: Path) -> None:
    before = dict(os.environ)
    value(CompileCache(tmp_path), Scaled(8.0))
    assert dict(os.environ) == before


@pytest.mark.parametrize(
    ("setting", "runtime", "expected"),
    [
        ("off", Runtime("CPU", 0), None),
        ("auto", Runtime("CPU", 0), Path("/cache/ms-core/graphs")),
        ("auto", Runtime("CPU", 0, 1, 2), None),
        ("auto", Runtime("Ascend", 0), None),
        ("here", Runtime("Ascend", 0), Path("here")),
    ],
)
def test_settings(
    setting: str, runtime: Runtime, expected: Path | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/cache")
    monkeypatch.delenv("MS_COMPILER_CACHE_ENABLE", raising=False)
    monkeypatch.setattr(compile_cache, "_active", None)
    keep_compiled_graphs(setting, runtime)
    active = compile_cache._active
    assert (None if active is None else active.folder) == expected


def test_first_call_asks_once_for_each_shape(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cache = CompileCache(tmp_path)
    monkeypatch.setattr(compile_cache, "_active", cache)
    cell = Scaled(9.0)
    for inputs in (X, X, Tensor(np.ones((1, 3), np.float32)), X):
        with first_call(cell, (inputs,)):
            cell(inputs)
    assert cache.misses == 2


def test_without_a_script_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`python -c` and notebooks: MindSpore would try to read the script, and fail."""
    monkeypatch.setattr("sys.argv", ["-c"])
    said: list[str] = []
    cache = CompileCache(tmp_path, said.append)
    cell = Scaled(10.0)
    with cache.compiling(cell, (X,)):
        cell(X)
    assert (cache.misses, list(tmp_path.iterdir())) == (0, [])
    assert said == ["compile cache: not used, because this process was not started with a Python file."]
