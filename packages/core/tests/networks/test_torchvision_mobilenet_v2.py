"""Translation of torchvision's names and of its normalisation constant."""

import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.networks.mobilenet_v2 import trunk_stages
from ms_core.networks.torchvision_mobilenet_v2 import TRUNK_EPS, is_torchvision_mobilenet_v2, translate_trunk


def norm_names(prefix: str) -> list[str]:
    leaves = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    return [f"{prefix}.{leaf}" for leaf in leaves]


def torchvision_names() -> list[str]:
    """The 314 names of torchvision's mobilenet_v2, from its module tree."""
    names = ["features.0.0.weight", *norm_names("features.0.1")]
    for block in range(1, 18):
        wrapped = 1 if block == 1 else 2  # depthwise, before it the expansion
        for layer in range(wrapped):
            names += [
                f"features.{block}.conv.{layer}.0.weight",
                *norm_names(f"features.{block}.conv.{layer}.1"),
            ]
        names += [
            f"features.{block}.conv.{wrapped}.weight",
            *norm_names(f"features.{block}.conv.{wrapped + 1}"),
        ]
    return [
        *names,
        "features.18.0.weight",
        *norm_names("features.18.1"),
        "classifier.1.weight",
        "classifier.1.bias",
    ]


def test_every_trunk_weight_gets_its_name() -> None:
    names = torchvision_names()
    assert len(names) == 314
    assert is_torchvision_mobilenet_v2(names)
    translated = translate_trunk({name: np.ones(1, np.float32) for name in names}, lambda stage: f"{stage}")
    ours = [parameter.name for parameter in nn.SequentialCell(trunk_stages()).get_parameters()]
    assert sorted(translated) == sorted([*ours, "classifier.1.weight", "classifier.1.bias"])


def test_other_names_are_not_taken_for_it() -> None:
    assert not is_torchvision_mobilenet_v2(["features.0.0.weight", "layer1.0.conv1.weight"])


def test_eps_is_folded_into_the_scale() -> None:
    rng = np.random.default_rng(0)
    channels = 32
    theirs = {
        "features.0.1.weight": rng.uniform(0.5, 2, channels),
        "features.0.1.bias": rng.standard_normal(channels),
        "features.0.1.running_mean": rng.standard_normal(channels),
        "features.0.1.running_var": 10.0
        ** rng.uniform(-12, 1, channels),  # the real file holds dead channels
    }
    theirs = {name: array.astype(np.float32) for name, array in theirs.items()}
    weight, bias, mean, variance = theirs.values()
    norm = nn.BatchNorm2d(channels, eps=TRUNK_EPS)
    for name, array in translate_trunk(theirs, str).items():
        getattr(norm, name.rpartition(".")[2]).set_data(Tensor(array))
    x = rng.standard_normal((1, channels, 4, 4)).astype(np.float32) * np.sqrt(variance)[:, None, None]
    x += mean[:, None, None]
    expected = (x - mean[:, None, None]) / np.sqrt(variance + 1e-5)[:, None, None]
    expected = expected * weight[:, None, None] + bias[:, None, None]
    np.testing.assert_allclose(norm.set_train(False)(Tensor(x)).asnumpy(), expected, rtol=1e-4, atol=1e-4)


def test_a_norm_without_its_scale_is_left_as_it_is() -> None:
    """An incomplete file is told by what it does not fill, not by a traceback."""
    statistics = {"features.0.1.running_var": np.ones(2, np.float32)}
    assert list(translate_trunk(statistics, str)) == ["0.features.1.moving_variance"]
    other_shape = np.ones(3, np.float32)
    translated = translate_trunk({**statistics, "features.0.1.weight": other_shape}, str)
    assert translated["0.features.1.gamma"] is other_shape


@pytest.mark.parametrize("name", ["features.19.0.weight", "classifier.1.bias", "epoch"])
def test_what_is_not_of_the_trunk_keeps_its_name(name: str) -> None:
    assert list(translate_trunk({name: np.zeros(1)}, str)) == [name]
