"""`load_weights` and `padding_of`."""

import importlib.util
import os
from collections.abc import Mapping
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.checkpoint import WeightFile, read_weights, write_checkpoint
from ms_core.errors import UserError
from ms_core.networks.mobilenet_v2 import TRUNK_CHANNELS, trunk_stages
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.networks.torchvision_mobilenet_v2 import translate_trunk
from ms_ssd import build_model, load_weights, padding_of

TORCHVISION_FILE = "mobilenet_v2-b0353104.pth"
TAP = "backbone.expand_layer_conv_13."
EXPANSION = "backbone.features_2.0.conv.0."


def arrays_of(network: nn.Cell) -> dict[str, np.ndarray]:
    return {name: parameter.asnumpy().copy() for name, parameter in network.parameters_dict().items()}


@pytest.fixture(scope="module")
def torchvision_file() -> Path:
    """The real file: $MS_WEIGHTS (file or folder), or a folder `weights` beside the repository."""
    root = Path(os.environ.get("MS_WEIGHTS", Path(__file__).resolve().parents[4] / "weights"))
    found = [root] if root.is_file() else sorted(root.rglob(TORCHVISION_FILE))
    if not found:
        pytest.skip(f"no {TORCHVISION_FILE} under {root}")
    return found[0]


@pytest.fixture
def network() -> SingleShotNetwork:
    return build_model("ssd300", 3)


# --- our own checkpoints


def test_own_checkpoint_comes_back(network: SingleShotNetwork, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "own.ckpt", arrays_of(network), {"model": "ssd300", "padding": "same"})
    other = build_model("ssd300", 3, seed=2)
    report = load_weights(other, tmp_path / "own.ckpt")
    assert (len(report.matched), report.missing, report.unexpected, report.reshaped) == (409, [], [], [])
    for name, array in arrays_of(network).items():
        np.testing.assert_array_equal(other.parameters_dict()[name].asnumpy(), array)


def test_another_number_of_classes_is_reported(network: SingleShotNetwork, tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "own.ckpt", arrays_of(network), {})
    report = load_weights(build_model("ssd300", 7), tmp_path / "own.ckpt")
    assert len(report.reshaped) == 12  # weight and bias of the class branch on six levels
    assert all("multi_cls_layers" in str(entry) for entry in report.reshaped)
    assert len(report.matched) == 409 - 12


@pytest.mark.parametrize("wanted", ["same", "torch"])
def test_padding_is_kept_in_the_checkpoint(wanted: str, tmp_path: Path) -> None:
    path = tmp_path / "own.ckpt"
    write_checkpoint(path, {"backbone.x": np.zeros(1, np.float32)}, {"padding": wanted})
    assert padding_of(path) == wanted


def test_padding_must_fit(tmp_path: Path) -> None:
    torch = build_model("ssd300", 3, padding="torch")
    path = tmp_path / "own.ckpt"
    write_checkpoint(path, arrays_of(torch), {"padding": "torch"})
    before = build_model("ssd300", 3)
    with pytest.raises(
        UserError, match=r"own\.ckpt: .* padding 'torch', the network is built with 'same'"
    ) as caught:
        load_weights(before, path)
    assert "\n" not in str(caught.value)
    assert len(load_weights(torch, path).matched) == 409


def test_unknown_padding_in_a_checkpoint(network: SingleShotNetwork, tmp_path: Path) -> None:
    path = tmp_path / "own.ckpt"
    write_checkpoint(path, arrays_of(network), {"padding": "reflect"})
    with pytest.raises(UserError, match="reflect"):
        padding_of(path)


def test_a_file_is_read_once(
    network: SingleShotNetwork, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "own.ckpt"
    write_checkpoint(path, arrays_of(network), {"padding": "same"})
    read: list[object] = []

    def counted(name: object) -> WeightFile:
        read.append(name)
        return read_weights(path)

    monkeypatch.setattr("ms_ssd.weights.read_weights", counted)
    monkeypatch.setattr("ms_core.checkpoint.load.read_weights", counted)
    assert padding_of(path) == "same"
    assert read == []  # the metadata is enough
    weights = read_weights(path)
    assert padding_of(weights) == "same"
    assert len(load_weights(network, weights).matched) == 409
    assert read == []
    load_weights(network, path)
    assert read == [path]


def test_nothing_fits(network: SingleShotNetwork, tmp_path: Path) -> None:
    path = tmp_path / "other.npz"
    np.savez(path, **{"layer1.0.conv1.weight": np.zeros((4, 4, 1, 1), np.float32)})
    with pytest.raises(UserError, match=r"other\.npz"):
        load_weights(network, path)
    assert padding_of(path) == "same"


# --- old zoo checkpoints (their numbers: test_golden.py)


def test_old_checkpoint_without_its_head(network: SingleShotNetwork, tmp_path: Path) -> None:
    """A name that is ours and one of another net: the first is used, the second named."""
    arrays = {
        f"network.{name}": array + 1 for name, array in arrays_of(network).items() if "multi_loc" not in name
    }
    path = tmp_path / "old.ckpt"
    ms.save_checkpoint(
        [{"name": name, "data": Tensor(array)} for name, array in arrays.items()]
        + [{"name": "network.b6_1.weight", "data": Tensor(np.zeros(3, np.float32))}],
        str(path),
    )
    report = load_weights(network, path)
    assert (padding_of(path), report.unexpected) == ("same", ["b6_1.weight"])
    assert len(report.missing) == 42
    assert all(name.startswith("multi_box.multi_loc_layers.") for name in report.missing)
    with pytest.raises(UserError, match="'same'"):
        load_weights(build_model("ssd300", 3, padding="torch"), path)


# --- torchvision's MobileNetV2


def test_torchvision_fills_the_backbone(torchvision_file: Path) -> None:
    assert padding_of(torchvision_file) == "torch"
    network = build_model("ssd300", 3, padding="torch")
    initial = arrays_of(network)
    report = load_weights(network, torchvision_file)
    backbone = [name for name in initial if name.startswith("backbone.")]
    assert sorted(report.matched) == sorted(backbone)
    assert sorted(report.unexpected) == ["classifier.1.bias", "classifier.1.weight"]
    assert report.reshaped == []
    assert "torchvision" in report.source
    for name, array in arrays_of(network).items():
        same = np.array_equal(array, initial[name])
        assert same == (name not in backbone), name


def test_first_tap_starts_as_the_next_expansion(torchvision_file: Path) -> None:
    network = build_model("ssd300", 3, padding="torch")
    load_weights(network, torchvision_file)
    arrays = arrays_of(network)
    tap = [name for name in arrays if name.startswith(TAP)]
    assert len(tap) == 5
    for name in tap:
        np.testing.assert_array_equal(arrays[name], arrays[name.replace(TAP, EXPANSION)])


def test_torchvision_refuses_a_zoo_padded_network(network: SingleShotNetwork, torchvision_file: Path) -> None:
    before = arrays_of(network)
    with pytest.raises(UserError, match=r"Build it with padding='torch' \(option --model.padding torch\)"):
        load_weights(network, torchvision_file)
    for name, array in arrays_of(network).items():
        np.testing.assert_array_equal(array, before[name])


class Classifier(nn.Cell):
    """torchvision's whole network, from our trunk and its own last layer."""

    def __init__(self, arrays: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self.features = nn.SequentialCell(trunk_stages("torch"))
        self.classifier = nn.Dense(TRUNK_CHANNELS, 1000)
        translated = translate_trunk(arrays, lambda stage: f"features.{stage}")
        for name, parameter in self.features.parameters_dict().items():
            parameter.set_data(Tensor(translated[f"features.{name.removeprefix('features.')}"]))
        self.classifier.weight.set_data(Tensor(arrays["classifier.1.weight"]))
        self.classifier.bias.set_data(Tensor(arrays["classifier.1.bias"]))

    def construct(self, images: Tensor) -> Tensor:
        return self.classifier(self.features(images).mean((2, 3)))


@pytest.fixture(scope="module")
def classifier(torchvision_file: Path) -> nn.Cell:
    return Classifier(read_weights(torchvision_file).arrays).set_train(False)


def torchvision_input(path: Path) -> np.ndarray:
    """Short side to 256, centre 224x224, ImageNet mean and deviation: [1, 3, 224, 224]."""
    image_module = pytest.importorskip("PIL.Image")
    image = image_module.open(path).convert("RGB")
    scale = 256 / min(image.size)
    image = image.resize(
        (int(image.width * scale), int(image.height * scale)), image_module.Resampling.BILINEAR
    )
    left, top = round((image.width - 224) / 2), round((image.height - 224) / 2)
    pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
    normalised = (pixels - np.float32([0.485, 0.456, 0.406])) / np.float32([0.229, 0.224, 0.225])
    return normalised.transpose(2, 0, 1)[None].astype(np.float32)


@pytest.mark.parametrize(
    ("picture", "expected", "probability"),
    [("chelsea.png", 285, 0.71), ("coffee.png", 967, 0.99)],
    ids=["Egyptian cat", "espresso"],
)
def test_converted_backbone_gives_the_published_classes(
    classifier: nn.Cell, picture: str, expected: int, probability: float
) -> None:
    """The pictures come with scikit-image; the numbers are torchvision's own (ImageNet V1 weights)."""
    skimage = importlib.util.find_spec("skimage")
    if skimage is None or skimage.origin is None:
        pytest.skip("scikit-image, which holds the pictures, is not installed")
    logits = classifier(Tensor(torchvision_input(Path(skimage.origin).parent / "data" / picture)))
    scores = nn.Softmax()(logits).asnumpy()[0]
    assert scores.argmax() == expected
    assert scores[expected] == pytest.approx(probability, abs=0.01)
