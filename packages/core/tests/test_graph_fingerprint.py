"""Whatever changes a compiled graph changes its fingerprint, and nothing else does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from threading import Lock

import numpy as np
import pytest
from mindspore import Parameter, Tensor, nn, ops
from ms_core.detection.losses import SingleShotLoss
from ms_core.graph_fingerprint import NotDescribable, graph_fingerprint
from ms_core.optim import OptimizerConfig
from ms_core.train.step import TrainStep

INPUT = np.zeros((2, 3), np.float32)


@dataclass(frozen=True, eq=False)
class Settings:
    factor: float
    table: np.ndarray


class Net(nn.Cell):
    """Constants of every kind that a graph can hold."""

    def __init__(self, **changes: object) -> None:
        super().__init__()
        given: dict = {
            "alpha": 0.75,
            "eps": 1e-5,
            "classes": 4,
            "table": np.arange(50.0),
            "pad": (1, 2),
            **changes,
        }
        self.dense = nn.Dense(3, given["classes"])
        self.norm = nn.BatchNorm1d(given["classes"], eps=given["eps"])
        self.alpha = given["alpha"]
        self.pad = given["pad"]
        self.settings = Settings(0.5, given["table"])
        self.table = Tensor(given["table"].astype(np.float32))
        self.loss = SingleShotLoss(given["alpha"])
        self.sum = ops.ReduceSum(keep_dims=given.get("keep_dims", False))
        self.extra = given.get("extra")

    def construct(self, x: Tensor) -> Tensor:
        return self.sum(self.norm(self.dense(x))) * self.alpha


def step(network: nn.Cell | None = None, **options: object) -> TrainStep:
    settings: dict = {"lr": np.full(10, 0.1), **options}
    return TrainStep(network or Net(), **settings)


def print_of(cell: nn.Cell, *inputs: np.ndarray) -> str:
    return graph_fingerprint(cell, inputs or (INPUT,))


def test_an_equal_step_has_the_same_fingerprint_whatever_its_weights() -> None:
    first, second = step(), step()
    second.weights[0].set_data(second.weights[0] + 1)
    second.start_at(3)
    assert print_of(first) == print_of(second)


def nudged(table: np.ndarray) -> np.ndarray:
    table = table.copy()
    table[17] = np.nextafter(table[17], 100, dtype=np.float32)
    return table


@pytest.mark.parametrize(
    "changes",
    [
        {"alpha": 0.25},
        {"alpha": float(np.nextafter(0.75, 1))},
        {"eps": 1e-3},
        {"classes": 5},
        {"table": nudged(np.arange(50.0))},
        {"pad": (2, 1)},
        {"pad": (1, 2, 0)},
        {"keep_dims": True},
        {"extra": 1},
        {"extra": 1.0},
        {"extra": "1"},
        {"extra": True},
    ],
    ids=repr,
)
def test_constants_of_the_network_count(changes: dict) -> None:
    assert print_of(Net(**changes)) != print_of(Net())
    assert print_of(Net(**changes)) == print_of(Net(**changes))


@pytest.mark.parametrize(
    "options",
    [
        {"lr": np.full(11, 0.1)},
        {"lr": nudged(np.full(20, 0.1))[:10] * 1.0001},
        {"clip_norm": 1.0},
        {"accumulate": 2},
        {"ema_decay": 0.9},
        {"optimizer": OptimizerConfig(freeze=("dense",))},
        {"optimizer": OptimizerConfig(momentum=0.8)},
        {"optimizer": OptimizerConfig(name="adamw")},
        {"optimizer": OptimizerConfig(weight_decay=1e-3)},
        {"parts": ("loss",)},
    ],
    ids=lambda options: ",".join(options),
)
def test_settings_of_the_step_count(options: dict) -> None:
    assert print_of(step(**options)) != print_of(step())


def test_mode_inputs_and_frozen_parameters_count() -> None:
    plain, frozen = Net(), Net()
    frozen.dense.weight.requires_grad = False
    values = {
        print_of(plain),
        print_of(frozen),
        print_of(Net().set_train(True)),
        print_of(plain, np.zeros((3, 3), np.float32)),
        print_of(plain, np.zeros((2, 3), np.float16)),
        print_of(plain, INPUT, INPUT),
    }
    assert len(values) == 6


def test_variables_around_a_function_count() -> None:
    def scaled(factor: float) -> Callable[[Tensor], Tensor]:
        return lambda x: x * factor

    assert print_of(Net(extra=scaled(1.0))) == print_of(Net(extra=scaled(1.0)))
    assert print_of(Net(extra=scaled(1.0))) != print_of(Net(extra=scaled(2.0)))


def test_the_environment_of_mindspore_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    before = print_of(Net())
    monkeypatch.setenv("MS_DEV_SOMETHING", "1")
    assert print_of(Net()) != before


def test_a_parameter_counts_by_name_and_shape() -> None:
    def holding(name: str, size: int) -> str:
        return print_of(Net(extra=Parameter(Tensor(np.zeros(size, np.float32)), name=name)))

    assert len({holding("a", 1), holding("b", 1), holding("a", 2)}) == 3


@pytest.mark.parametrize("extra", [object(), Lock(), (i for i in "ab")])
def test_what_is_not_understood_is_refused(extra: object) -> None:
    with pytest.raises(NotDescribable, match=r"cell\.extra is a "):
        print_of(Net(extra=extra))


def test_another_process_finds_the_same() -> None:
    script = (
        "import numpy as np\n"
        "from mindspore import nn\n"
        "from ms_core.graph_fingerprint import graph_fingerprint\n"
        "from ms_core.train.step import TrainStep\n"
        "step = TrainStep(nn.Dense(3, 4), lr=np.full(10, 0.1))\n"
        "print(graph_fingerprint(step, [np.zeros((2, 3), np.float32)]))\n"
    )
    # Two new ones: this process's context may have been changed by other tests, and the context counts.
    runs = [
        subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
        for _ in range(2)
    ]
    first, second = (run.stdout.split()[-1] for run in runs)
    assert first == second
    assert len(first) == 64
