"""`load_weights`: torchvision's trunk, our own checkpoints, and the variant a file was trained as."""

import os
from pathlib import Path

import numpy as np
import pytest
from mindspore import nn
from ms_core.checkpoint import write_checkpoint
from ms_core.errors import UserError
from ms_ssdlite_fpn import build_model, load_weights, padding_of
from ms_ssdlite_fpn.zoo import TORCHVISION_MOBILENET_V2

NAME = "ssdlite_mobilenetv2_fpn"
TORCHVISION_FILE = "mobilenet_v2-b0353104.pth"


def arrays_of(network: nn.Cell) -> dict[str, np.ndarray]:
    return {name: parameter.asnumpy().copy() for name, parameter in network.parameters_dict().items()}


def test_own_checkpoint_comes_back(tmp_path: Path) -> None:
    network = build_model(NAME, 3)
    card = {"model": NAME, "padding": "same", "variant": "zoo"}
    write_checkpoint(tmp_path / "own.ckpt", arrays_of(network), card)
    other = build_model(NAME, 3, seed=2)
    report = load_weights(other, tmp_path / "own.ckpt")
    assert (len(report.matched), report.missing, report.unexpected, report.reshaped) == (481, [], [], [])
    for name, array in arrays_of(network).items():
        np.testing.assert_array_equal(other.parameters_dict()[name].asnumpy(), array)


def test_the_other_variant_is_refused_in_one_line(tmp_path: Path) -> None:
    network = build_model(NAME, 3)
    card = {"model": NAME, "padding": "same", "variant": "zoo"}
    write_checkpoint(tmp_path / "own.ckpt", arrays_of(network), card)
    with pytest.raises(UserError, match=r"own\.ckpt.*zoo.*paper.*--model\.variant zoo") as caught:
        load_weights(build_model(NAME, 3, variant="paper"), tmp_path / "own.ckpt")
    assert "\n" not in str(caught.value)


def test_old_checkpoint(tmp_path: Path) -> None:
    arrays = {f"network.{name}": array + 1 for name, array in arrays_of(build_model(NAME, 3)).items()}
    state = {
        "moments.network.multi_box.loc_layers.0.weight": np.ones(3, np.float32),
        "global_step": np.int32([7]),
    }
    write_checkpoint(tmp_path / "ssd-500_458.ckpt", arrays | state, {})
    network = build_model(NAME, 3)
    report = load_weights(network, tmp_path / "ssd-500_458.ckpt")
    assert (len(report.matched), report.missing, report.unexpected, report.reshaped) == (481, [], [], [])
    for name, array in arrays_of(network).items():
        np.testing.assert_array_equal(array, arrays[f"network.{name}"])


def test_every_trunk_weight_of_torchvision_has_a_place() -> None:
    """By name; a file of other people's numbers is not needed for that."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    layers = [("features.0.0", "features.0.1"), ("features.18.0", "features.18.1")]
    for block in range(1, 18):
        wrapped = 1 if block == 1 else 2
        layers += [(f"features.{block}.conv.{i}.0", f"features.{block}.conv.{i}.1") for i in range(wrapped)]
        layers += [(f"features.{block}.conv.{wrapped}", f"features.{block}.conv.{wrapped + 1}")]
    names = [f"{conv}.weight" for conv, _ in layers] + [f"{bn}.{leaf}" for _, bn in layers for leaf in norm]
    translated = TORCHVISION_MOBILENET_V2.translate({name: np.ones(1, np.float32) for name in names})
    network = build_model(NAME, 3)
    backbone = [p.name for p in network.get_parameters() if p.name.startswith(network.backbone_prefixes)]
    assert sorted(translated) == sorted(backbone)


@pytest.fixture(scope="module")
def torchvision_file() -> Path:
    """The real file: $MS_WEIGHTS (file or folder), or a folder `weights` beside the repository."""
    root = Path(os.environ.get("MS_WEIGHTS", Path(__file__).resolve().parents[4] / "weights"))
    found = [root] if root.is_file() else sorted(root.rglob(TORCHVISION_FILE))
    if not found:
        pytest.skip(f"no {TORCHVISION_FILE} under {root}")
    return found[0]


def test_the_real_torchvision_file_fills_the_trunk(torchvision_file: Path) -> None:
    assert padding_of(torchvision_file) == "torch"
    network = build_model(NAME, 3, padding="torch")
    initial = arrays_of(network)
    report = load_weights(network, torchvision_file)
    assert len(report.matched) == 52 * 5
    assert sorted(report.unexpected) == ["classifier.1.bias", "classifier.1.weight"]
    for name, array in arrays_of(network).items():
        changed = not np.array_equal(array, initial[name])
        assert changed == name.startswith(network.backbone_prefixes), name
