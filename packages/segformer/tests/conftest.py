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
    """The rule behind all reference numbers: a weight follows from its name in the official file and its shape."""

    def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        if name.endswith("running_var") or (name.endswith("weight") and len(shape) == 1):
            return rng.uniform(0.8, 1.2, shape).astype(np.float32)
        if name.endswith(("bias", "running_mean")):
            return rng.uniform(-0.1, 0.1, shape).astype(np.float32)
        return (rng.standard_normal(shape) * np.sqrt(1.0 / np.prod(shape[1:]))).astype(np.float32)

    return weight


SMALL = (
    *("--config", "segformer_b0_demo", "--input.crop", "[64,64]", "--train.batch-size", "2"),
    *(
        "--train.epochs",
        "2",
        "--schedule.warmup-steps",
        "0",
        "--train.ema-decay",
        "0.5",
        "--train.eval-start",
        "2",
    ),
)
"""Options of a training run of seconds."""


@pytest.fixture(scope="session")
def small() -> list[str]:
    """Options of a training run of seconds."""
    return list(SMALL)


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the demo's: streets/ (4 training, 3 validation pictures) and run/ (two epochs of two steps)."""
    from ms_core.segmentation.streets import make_streets
    from ms_segformer.cli import main

    folder = tmp_path_factory.mktemp("demo") / "demo-run"
    make_streets(folder / "streets", train=4, val=3, seed=5, size=(64, 128))
    data = ["--data.root", str(folder / "streets")]
    assert main(["train", *SMALL, *data, "--out", str(folder / "run")]) == 0
    return folder


@pytest.fixture(scope="session")
def run(demo_run: Path) -> Path:
    """The finished run folder."""
    return demo_run / "run"
