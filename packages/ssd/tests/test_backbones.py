"""Classification files as backbones: what they compute in our trunks, where they go, and which file is which."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.checkpoint import WeightFile
from ms_core.errors import UserError
from ms_core.networks.resnet50 import ResNet50
from ms_core.networks.resnet50_files import translate_torchvision_resnet50
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.networks.vgg16 import VGG16
from ms_core.networks.vgg16_files import fully_connected_as_convolutions, translate_vgg16
from ms_ssd import MODELS, load_weights, padding_of
from ms_ssd.zoo import SOURCES

Arrays = dict[str, np.ndarray]
Rule = Callable[[str, tuple[int, ...]], np.ndarray]
REFERENCE = Path(__file__).parent / "files" / "backbones.npz"


def reference(name: str) -> Mapping[str, np.ndarray]:
    """What files/make_backbones.py stored of one network."""
    with np.load(REFERENCE) as archive:
        return {k.removeprefix(f"{name}/"): archive[k] for k in archive.files if k.startswith(f"{name}/")}


def torchvision_shapes(name: str) -> dict[str, tuple[int, ...]]:
    stored = reference(name)
    shapes = (tuple(json.loads(shape)) for shape in stored["shapes"])
    return dict(zip(stored["names"].tolist(), shapes, strict=True))


def fill(trunk: nn.Cell, arrays: Mapping[str, np.ndarray]) -> None:
    parameters = trunk.parameters_dict()
    assert sorted(parameters) == sorted(arrays)
    for name, parameter in parameters.items():
        assert parameter.shape == arrays[name].shape
        parameter.set_data(Tensor(arrays[name]))


def resnet50(arrays: Arrays) -> nn.Cell:
    trunk = ResNet50("torch")
    fill(trunk, translate_torchvision_resnet50(arrays, ""))
    return trunk


def vgg16(arrays: Arrays) -> nn.Cell:
    norm = "features.1.running_var" in arrays
    trunk = VGG16(norm=norm, bias=True)
    fill(trunk, translate_vgg16(arrays, "features", norm=norm, trunk="", trunk_norm=norm))
    return trunk


@pytest.mark.parametrize(
    ("name", "side", "build"), [("resnet50", 96, resnet50), ("vgg16", 48, vgg16), ("vgg16_bn", 48, vgg16)]
)
def test_feature_maps_are_pytorchs(
    name: str, side: int, build: Callable[[Arrays], nn.Cell], golden_weight: Rule
) -> None:
    """In float64 by PyTorch, in float32 here."""
    trunk = build({key: golden_weight(key, shape) for key, shape in torchvision_shapes(name).items()})
    images = np.random.default_rng(0).standard_normal((1, 3, side, side)).astype(np.float32)
    stored = reference(name)
    for index, feature in enumerate(trunk.set_train(False)(Tensor(images))):
        values = feature.asnumpy()[0].astype(np.float64)
        for found, key in ((values.sum((1, 2)), "channels"), (values.sum(0), "positions")):
            expected = stored[f"map{index}_{key}"]
            assert found.shape == expected.shape
            assert np.abs(found - expected).max() <= 1e-5 * np.abs(expected).max()


def test_fc6_keeps_every_third_pixel_and_every_fourth_output() -> None:
    weight = np.zeros((4096, 512 * 49), np.float32)
    weight[4 * 7, 5 * 49 + 3 * 7 + 6] = 1.0  # output 28, channel 5, row 3, column 6
    weight[4 * 7 + 1, 5 * 49] = 2.0  # an output that is left out
    weight[4 * 7, 5 * 49 + 1] = 2.0  # a column that is left out
    fc7 = np.zeros((4096, 4096), np.float32)
    fc7[8, 12] = 3.0
    bias = np.arange(4096, dtype=np.float32)
    made = fully_connected_as_convolutions(
        {
            "classifier.0.weight": weight,
            "classifier.0.bias": bias,
            "classifier.3.weight": fc7,
            "classifier.3.bias": bias,
        }
    )
    assert {name: array.shape for name, array in made.items()} == {
        "fc6.weight": (1024, 512, 3, 3),
        "fc6.bias": (1024,),
        "fc7.weight": (1024, 1024, 1, 1),
        "fc7.bias": (1024,),
    }
    assert np.argwhere(made["fc6.weight"]).tolist() == [[7, 5, 1, 2]]
    assert np.argwhere(made["fc7.weight"]).tolist() == [[2, 3, 0, 0]]
    assert made["fc6.bias"][:3].tolist() == [0, 4, 8]


# --- files, with the number of the array in it as its values


def numbered(shapes: Mapping[str, tuple[int, ...]]) -> WeightFile:
    arrays = {name: np.full(shape, i, np.float32) for i, (name, shape) in enumerate(shapes.items())}
    return WeightFile(arrays, {}, path=Path("file.pth"))


def trunk_shapes(model: str, prefix: str, **more: tuple[int, ...]) -> dict[str, tuple[int, ...]]:
    """Names and shapes of a network's trunk without `prefix`: the old zoo's classification file."""
    parameters = MODELS[model](3, "zoo", "same").parameters_dict()
    own = {n.removeprefix(prefix): p.shape for n, p in parameters.items() if n.startswith(prefix)}
    return {**own, **more}


def old_vgg16(name: str) -> dict[str, tuple[int, ...]]:
    """The old zoo's file: the same sequence under another name, MindSpore's leaves."""
    leaves = {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    shapes = {}
    norms = {n.rpartition(".")[0] for n in torchvision_shapes(name) if n.endswith(".running_var")}
    for key, shape in torchvision_shapes(name).items():
        module, _, leaf = key.rpartition(".")
        leaf = leaves[leaf] if module in norms else leaf
        shapes[f"{module.replace('features', 'layers')}.{leaf}"] = shape
    return shapes


CLASSIFIER = {
    "classifier.0.weight": (4096, 25088),
    "classifier.0.bias": (4096,),
    "classifier.3.weight": (4096, 4096),
    "classifier.3.bias": (4096,),
}


@pytest.fixture(scope="module")
def files() -> dict[str, WeightFile]:
    shapes = {
        "torchvision resnet50": {**torchvision_shapes("resnet50"), "fc.weight": (1000, 2048)},
        "torchvision vgg16": torchvision_shapes("vgg16"),
        "torchvision vgg16_bn": torchvision_shapes("vgg16_bn"),
        "old resnet50": {
            **trunk_shapes("ssd_resnet50_fpn", "feature_extractor.resnet."),
            "end_point.weight": (1001, 2048),
        },
        "old mobilenet_v1": {
            **trunk_shapes("ssd_mobilenet_v1", "feature_extractor.mobilenet_v1."),
            "fc.weight": (1001, 1024),
        },
        "old vgg16": old_vgg16("vgg16"),
        "old vgg16_bn": old_vgg16("vgg16_bn"),
    }
    return {name: numbered(named) for name, named in shapes.items()}


def build(model: str, variant: str = "zoo", padding: str = "same", **options: bool) -> SingleShotNetwork:
    """Without initial weights, which take seconds."""
    network = MODELS[model](3, variant, padding, **options)
    network.options = options
    return network


NORM = {"backbone_norm": True}


@pytest.mark.parametrize(
    ("file", "network", "matched", "unexpected"),
    [
        ("torchvision resnet50", ("ssd_resnet50_fpn", "zoo", "torch", {}), 265, 1),
        ("old resnet50", ("ssd_resnet50_fpn", "zoo", "same", {}), 265, 1),
        ("old mobilenet_v1", ("ssd_mobilenet_v1", "zoo", "same", {}), 135, 1),
        ("old mobilenet_v1", ("ssd_mobilenet_v1_fpn", "zoo", "same", {}), 135, 1),
        ("torchvision vgg16", ("ssd_vgg16", "zoo", "same", {}), 13, 13),  # no place for biases
        ("torchvision vgg16", ("ssd_vgg16", "paper", "same", {}), 26, 0),
        ("torchvision vgg16", ("ssd_vgg16", "zoo", "same", NORM), 13, 13),
        ("torchvision vgg16_bn", ("ssd_vgg16", "zoo", "same", NORM), 65, 13),
        ("torchvision vgg16_bn", ("ssd_vgg16", "paper", "same", NORM), 78, 0),
        ("old vgg16", ("ssd_vgg16", "zoo", "same", {}), 13, 13),
        ("old vgg16", ("ssd_vgg16", "zoo", "same", NORM), 13, 13),
        ("old vgg16_bn", ("ssd_vgg16", "zoo", "same", {}), 13, 13),
        ("old vgg16_bn", ("ssd_vgg16", "zoo", "same", NORM), 65, 13),
    ],
)
def test_a_file_fills_the_trunk_and_nothing_else(
    files: dict[str, WeightFile], file: str, network: tuple, matched: int, unexpected: int
) -> None:
    model, variant, padding, options = network
    built = build(model, variant, padding, **options)
    report = load_weights(built, files[file])
    assert (len(report.matched), len(report.unexpected), report.reshaped) == (matched, unexpected, [])
    assert all(name.startswith(built.backbone_prefixes) for name in report.matched)
    assert not [name for name in report.missing if name.endswith("weight") and name.startswith(report.covers)]


def stored_number(network: SingleShotNetwork, name: str) -> float:
    return float(network.parameters_dict()[name].asnumpy().ravel()[0])


@pytest.mark.parametrize(
    ("file", "model", "options", "places"),
    [
        (
            "torchvision vgg16_bn",
            "ssd_vgg16",
            NORM,
            {
                "features.20.weight": "backbone.b3.6.weight",
                "features.41.running_var": "backbone.b5.7.moving_variance",
            },
        ),
        ("old vgg16", "ssd_vgg16", {}, {"layers.28.weight": "backbone.b5.4.weight"}),
        ("old vgg16_bn", "ssd_vgg16", {}, {"layers.40.weight": "backbone.b5.4.weight"}),
        (
            "old resnet50",
            "ssd_resnet50_fpn",
            {},
            {"layer1.0.conv1.weight": "feature_extractor.resnet.layer1.0.conv1.weight"},
        ),
        (
            "old mobilenet_v1",
            "ssd_mobilenet_v1",
            {},
            {"network.7.0.weight": "feature_extractor.mobilenet_v1.network.7.0.weight"},
        ),
    ],
)
def test_where_weights_go(
    files: dict[str, WeightFile], file: str, model: str, options: dict[str, bool], places: dict[str, str]
) -> None:
    network = build(model, **options)
    load_weights(network, files[file])
    for theirs, ours in places.items():
        assert stored_number(network, ours) == files[file].arrays[theirs].ravel()[0]


def test_the_classifier_of_vgg16_becomes_fc6_and_fc7_of_the_paper(files: dict[str, WeightFile]) -> None:
    arrays = files["torchvision vgg16"].arrays | {n: np.ones(s, np.float32) for n, s in CLASSIFIER.items()}
    network = build("ssd_vgg16", "paper")
    report = load_weights(network, WeightFile(arrays, {}, path=Path("vgg16.pth")))
    assert len(report.matched) == 30
    assert {"fc6.weight", "fc6.bias", "fc7.weight", "fc7.bias"} <= set(report.matched)
    assert stored_number(network, "fc6.weight") == 1


def test_torchvisions_norms_need_a_trunk_that_has_them(files: dict[str, WeightFile]) -> None:
    with pytest.raises(UserError, match=r"file\.pth: .*--model\.backbone-norm true") as caught:
        load_weights(build("ssd_vgg16"), files["torchvision vgg16_bn"])
    assert "\n" not in str(caught.value)


def test_torchvisions_resnet_needs_its_padding(files: dict[str, WeightFile]) -> None:
    with pytest.raises(UserError, match=r"--model\.padding torch"):
        load_weights(build("ssd_resnet50_fpn"), files["torchvision resnet50"])


@pytest.mark.parametrize(
    ("file", "padding"),
    [("torchvision resnet50", "torch"), ("old resnet50", "same"), ("torchvision vgg16", "same")],
)
def test_padding_of_a_file(files: dict[str, WeightFile], file: str, padding: str) -> None:
    assert padding_of(files[file]) == padding


def families(file: WeightFile) -> set[str]:
    return {source.name for known in SOURCES.values() for source in known if source.recognises(file.arrays)}


def test_every_file_is_of_one_family(files: dict[str, WeightFile]) -> None:
    found = {name: families(file) for name, file in files.items()}
    assert all(len(names) == 1 for names in found.values()), found
    assert len(set().union(*found.values())) == len(files)


@pytest.mark.parametrize(
    "shapes",
    [
        {**torchvision_shapes("resnet50"), "layer3.6.conv1.weight": (256, 1024, 1, 1)},
        {**torchvision_shapes("resnet50"), "layer1.0.conv2.weight": (128, 128, 3, 3)},
        {n: s for n, s in torchvision_shapes("resnet50").items() if not n.startswith("layer3.5")},
        {n: s for n, s in torchvision_shapes("vgg16").items() if not n.startswith("features.28")},
        {"network.26.0.weight": (512, 512, 1, 1), "network.0.1.gamma": (32,)},
        {"features.0.features.0.weight": (32, 3, 3, 3), "features.0.features.1.gamma": (32,)},
    ],
    ids=["ResNet-101", "Wide ResNet", "ResNet-34", "a shorter VGG", "MobileNetV1 x 0.5", "old MobileNetV2"],
)
def test_relatives_are_not_taken_for_them(shapes: dict[str, tuple[int, ...]]) -> None:
    assert families(numbered(shapes)) == set()
