"""Fixtures shared by the tests of this package."""

import os
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for modules that several tests share


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real photos and reference numbers; tests that need it skip, visibly, where it is absent."""
    folder = Path(os.environ.get("MS_SHARED", Path(__file__).resolve().parents[4] / "shared"))
    if not folder.is_dir():
        pytest.skip(f"no shared material at {folder}")
    return folder


_EXTRA_SCALE = {
    "rpn_head.anchor_deltas.weight": 0.1,
    "box_predictor.bbox_pred.weight": 0.2,
    "fc.bias": 0.1,
}


@pytest.fixture(scope="session")
def golden_weight() -> Callable[[str, tuple[int, ...]], np.ndarray]:
    """The rule behind all reference numbers: a weight follows from its name in detectron2 and its shape."""

    def weight(name: str, shape: tuple[int, ...]) -> np.ndarray:
        rng = np.random.default_rng(zlib.crc32(name.encode()))
        leaf = name.rsplit(".", 1)[-1]
        if leaf in ("bias", "running_mean"):
            array = rng.uniform(-0.1, 0.1, shape)
        elif leaf == "running_var" or len(shape) == 1 or name.startswith("affine_"):
            array = rng.uniform(0.8, 1.2, shape)
        else:
            array = rng.standard_normal(shape) * np.sqrt(2.0 / np.prod(shape[1:])) * 0.5
        if name == "fc.weight":  # of the calibration network: else every cosine is about 0.99
            array = array - array.mean(1, keepdims=True)
        if name.endswith("cls_score.bias") and shape == (81,):  # else nothing is detected
            array[-1] -= 8.0
        scale = next((s for suffix, s in _EXTRA_SCALE.items() if name.endswith(suffix)), 1.0)
        return (array * scale).astype(np.float32)

    return weight


@pytest.fixture(params=["graph", "pynative"])
def mode(request: pytest.FixtureRequest) -> Iterator[str]:
    """The test runs in graph mode and in PyNative mode."""
    import mindspore as ms

    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE if request.param == "graph" else ms.PYNATIVE_MODE)
    yield request.param
    ms.set_context(mode=before)


@pytest.fixture
def graph_mode() -> Iterator[None]:
    """The test runs in graph mode, as all commands do."""
    import mindspore as ms

    before = ms.get_context("mode")
    ms.set_context(mode=ms.GRAPH_MODE)
    yield
    ms.set_context(mode=before)


SMALL = (
    *("--input.short-sides", "[96]", "--input.test-short-side", "96", "--input.max-side", "96"),
    *("--proposals.train-before-nms", "100", "--proposals.train-after-nms", "20"),
    *("--proposals.test-before-nms", "60", "--proposals.test-after-nms", "12"),
    *("--roi.samples", "8", "--proposals.samples", "16", "--train.batch-size", "2", "--train.workers", "1"),
)
"""Options that make training and evaluation a matter of seconds."""


@pytest.fixture(scope="session")
def demo_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder like the demo's, after four steps of base training and three of fine-tuning: shapes/, base/ and
    fewshot-gdl-seed0/."""
    from ms_defrcn.cli import main
    from ms_defrcn.demo_data import make_demo_data

    folder = tmp_path_factory.mktemp("demo") / "demo-run"
    shapes = make_demo_data(folder / "shapes", base=8, fewshot=40, val=4, size=96)
    data = ["--data.val", str(shapes.val), "--fewshot.novel-classes", "[star,cross]"]
    base = ["--config", "defrcn_r18_demo", "--data.train", str(shapes.base), "--schedule.milestones", "[0.5]"]
    few = ["--config", "defrcn_r18_demo_fewshot", "--data.train", str(shapes.fewshot), "--shots", "5"]
    assert main(["train", *base, *data, *SMALL, "--train.epochs", "1", "--out", str(folder / "base")]) == 0
    tuned = folder / "fewshot-gdl-seed0"
    words = ["finetune", str(folder / "base"), *few, *data, *SMALL, "--train.iterations", "3"]
    assert main([*words, "--out", str(tuned)]) == 0
    return folder
