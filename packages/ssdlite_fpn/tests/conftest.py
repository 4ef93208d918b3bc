"""Fixtures shared by the tests of this package."""

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and reference numbers; tests that need it skip, visibly, where it is absent."""
    folder = Path(os.environ.get("MS_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared material at {folder}")
    return folder


SMALL = (
    *(
        "--config",
        "ssdlite_mobilenetv2_fpn_demo",
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
    from ms_ssdlite_fpn.cli import main

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
