"""Fixtures shared by the tests of this package."""

import os
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and reference numbers; tests that need it skip, visibly, where it is absent."""
    folder = Path(os.environ.get("MS_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared material at {folder}")
    return folder


@pytest.fixture(scope="session")
def golden_weight() -> Callable[[str, tuple[int, ...]], np.ndarray]:
    """The rule behind all reference numbers: a weight follows from its name in the old (foreign) file and its shape.

    shared/facts/ssd.md, section 8.1; PyTorch's names of normalisations follow the same rule as MindSpore's.
    """

    def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        leaf = name.rpartition(".")[2]
        if leaf in ("gamma", "moving_variance", "running_var") or (len(shape) == 1 and leaf == "weight"):
            return rng.uniform(0.8, 1.2, shape).astype(np.float32)
        if leaf in ("beta", "bias", "moving_mean", "running_mean"):
            return rng.uniform(-0.1, 0.1, shape).astype(np.float32)
        return (rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:]))).astype(np.float32)

    return weight


SMALL = (
    *(
        "--config",
        "ssd300_demo",
        "--train.batch-size",
        "2",
        "--train.epochs",
        "2",
        "--schedule.warmup-epochs",
        "0",
    ),
    *("--train.eval-start", "2", "--eval.batch-size", "2", "--train.ema-decay", "0.5"),
)
"""Options of a training run of seconds."""


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the demo's: shapes/ (4 training, 3 validation pictures) and run/ (two epochs of two steps)."""
    from ms_core.data.synthetic import make_shapes
    from ms_ssd.cli import main

    folder = tmp_path_factory.mktemp("demo") / "demo-run"
    shapes = make_shapes(folder / "shapes", train=4, val=3, seed=5)
    data = ["--data.train", str(shapes.train), "--data.val", str(shapes.val)]
    assert main(["train", *SMALL, *data, "--out", str(folder / "run")]) == 0
    return folder


@pytest.fixture(scope="session")
def run(demo_run: Path) -> Path:
    """The finished run folder."""
    return demo_run / "run"


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Options of a training run of seconds."""
    return list(SMALL)
