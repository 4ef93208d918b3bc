"""Parameter groups: decay, learning-rate factors, freezing."""

import subprocess
import sys

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.errors import UserError
from ms_core.optim import OptimizerConfig, check, freeze, groups_table, parameter_rules


class Branches(nn.Cell):
    """backbone (conv, batch norm), neck (dense, layer norm), head (dense)."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = nn.SequentialCell([nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)])
        self.neck = nn.SequentialCell([nn.Dense(4, 4), nn.LayerNorm((4,))])
        self.head = nn.Dense(4, 2)

    def construct(self, x: Tensor) -> Tensor:
        return self.head(self.neck(self.backbone(x).mean((2, 3))))


def rules(**options: object) -> dict[str, tuple[float, float]]:
    """Name -> (factor on the learning rate, decay)."""
    found = parameter_rules(Branches(), OptimizerConfig(**{"weight_decay": 0.5, **options}))
    return {rule.parameter.name: (rule.lr_multiplier, rule.weight_decay) for rule in found}


def test_the_old_zoos_rule_decays_weights_and_biases_but_no_norms() -> None:
    assert rules() == {
        "backbone.0.weight": (1, 0.5),
        "backbone.1.gamma": (1, 0),
        "backbone.1.beta": (1, 0),
        "neck.0.weight": (1, 0.5),
        "neck.0.bias": (1, 0.5),
        "neck.1.gamma": (1, 0),
        "neck.1.beta": (1, 0),
        "head.weight": (1, 0.5),
        "head.bias": (1, 0.5),
    }


def test_biases_and_norms_are_configurable() -> None:
    decays = {name: decay for name, (_, decay) in rules(decay_biases=False, decay_norms=True).items()}
    assert {name for name, decay in decays.items() if decay == 0} == {"neck.0.bias", "head.bias"}


def test_biases_may_decay_by_their_own() -> None:
    decays = {name: decay for name, (_, decay) in rules(bias_weight_decay=0.25).items()}
    assert {name for name, decay in decays.items() if decay == 0.25} == {"neck.0.bias", "head.bias"}
    assert decays["head.weight"] == 0.5
    assert decays["neck.1.beta"] == 0  # the shift of a normalisation is none
    none = {name: decay for name, (_, decay) in rules(bias_weight_decay=0.0, decay_norms=True).items()}
    assert {name for name, decay in none.items() if decay == 0} == {"neck.0.bias", "head.bias"}


def test_a_decay_of_biases_that_do_not_decay_is_refused() -> None:
    with pytest.raises(UserError, match=r"optimizer\.bias_weight_decay: with decay_biases false"):
        check(OptimizerConfig(bias_weight_decay=0.1, decay_biases=False))


def test_the_longest_part_of_a_name_sets_the_factor() -> None:
    factors = {
        name: factor for name, (factor, _) in rules(lr_multipliers={"head": 10, "head.bias": 20}).items()
    }
    assert (factors["head.weight"], factors["head.bias"], factors["neck.0.weight"]) == (10, 20, 1)


def test_freezing_by_prefix_keeps_weights_and_statistics() -> None:
    network = Branches()
    frozen = freeze(network, ("backbone", "neck.1"))
    assert "backbone.1.moving_mean" in frozen
    assert [p.name for p in network.trainable_params()] == [
        "neck.0.weight",
        "neck.0.bias",
        "head.weight",
        "head.bias",
    ]
    before = network.backbone[1].moving_mean.asnumpy().copy()
    network.set_train(True)
    network(Tensor(np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32))).asnumpy()
    np.testing.assert_array_equal(network.backbone[1].moving_mean.asnumpy(), before)


def test_frozen_norms_may_go_on_measuring() -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    network = Branches()
    freeze(network, ("backbone",), statistics=False)
    before = network.backbone[1].moving_mean.asnumpy().copy()
    network.set_train(True)
    network(Tensor(np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32))).asnumpy()
    assert (network.backbone[1].moving_mean.asnumpy() != before).all()


def test_a_pattern_without_a_match_is_an_error_that_lists_names() -> None:
    with pytest.raises(UserError, match=r"optimizer\.freeze.*'trunk'.*backbone, head, neck"):
        freeze(Branches(), ("backbone", "trunk"))
    with pytest.raises(UserError, match=r"optimizer\.lr_multipliers.*'decoder'.*backbone, head, neck"):
        rules(lr_multipliers={"decoder": 10.0})


def test_freezing_everything_is_an_error() -> None:
    network = Branches()
    freeze(network, ("",))
    with pytest.raises(UserError, match="nothing to train"):
        parameter_rules(network, OptimizerConfig())


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("momentum", 1.0),
        ("beta1", -0.1),
        ("beta2", 1.0),
        ("eps", 0.0),
        ("weight_decay", -1.0),
        ("bias_weight_decay", -1.0),
    ],
)
def test_a_value_out_of_range_is_named(field: str, value: float) -> None:
    with pytest.raises(UserError, match=rf"optimizer\.{field}"):
        check(OptimizerConfig(**{field: value}))
    with pytest.raises(UserError, match="lr_multipliers: head"):
        check(OptimizerConfig(lr_multipliers={"head": -1.0}))


def test_the_table_counts_every_group() -> None:
    network = Branches()
    frozen = freeze(network, ("backbone",))
    parameters = [p for p in network.get_parameters() if p.name in frozen]
    table = groups_table(parameter_rules(network, OptimizerConfig(lr_multipliers={"head": 10})), parameters)
    rows = [line.split()[:4] for line in table.splitlines()[1:]]
    assert rows == [
        ["1", "0.0001", "2", "20"],
        ["1", "0", "2", "8"],
        ["10", "0.0001", "2", "10"],
        ["frozen", "-", "5", "124"],
    ]


def test_settings_are_readable_without_mindspore() -> None:
    """Help and configuration must not wait four seconds for the framework."""
    modules = "ms_core.optim, ms_core.schedules, ms_core.loss_scale, ms_core.precision, ms_core.train.config"
    program = f"import sys, {modules}; sys.exit('mindspore' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
