"""Names and layouts of other people's files, without a network."""

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from ms_core.checkpoint import WeightFile, read_weights
from ms_core.errors import UserError
from ms_defrcn.caffe2_names import from_caffe2
from ms_defrcn.detectron2_names import TRUNK, from_detectron2
from ms_defrcn.old_zoo_names import from_old_zoo, to_old_zoo_trunk
from ms_defrcn.torchvision_names import TORCHVISION, from_torchvision_trunk
from ms_defrcn.weights import SOURCES, anchor_options_of, in_our_names, model_of, num_classes_of

from .weight_files import (
    Rule,
    caffe2_name,
    detectron2_shapes,
    filled,
    golden_shapes,
    old_zoo_array,
    old_zoo_name,
    ours,
    torchvision_name,
    trunk_shapes,
    usual_anchors,
    write_pickle,
)

Arrays = dict[str, np.ndarray]


def without_memory(shapes: Mapping[str, tuple[int, ...]]) -> Arrays:
    """Arrays of full size that take none."""
    return {name: np.broadcast_to(np.float32(1), shape) for name, shape in shapes.items()}


def detectron2_file(model: str, classes: int) -> Arrays:
    arrays = without_memory(detectron2_shapes(model, classes))
    return arrays | {name: usual_anchors() for name in arrays if "cell_anchors" in name}


def trunk_file(model: str) -> Arrays:
    return without_memory(trunk_shapes(model))


def folded_caffe2_file(model: str) -> Arrays:
    return {caffe2_name(n, folded=True): a for n, a in trunk_file(model).items() if "running" not in n}


def old_file(model: str, classes: int) -> Arrays:
    arrays = {ours(n): a for n, a in detectron2_file(model, classes).items() if "anchors" not in n}
    return {old_zoo_name(name): old_zoo_array(name, array) for name, array in arrays.items()}


FILES: dict[str, Callable[[], Arrays]] = {
    "detectron2 DeFRCN": lambda: detectron2_file("defrcn_r101", 60),
    "detectron2 ImageNet ResNet": lambda: {
        name.removeprefix("backbone.").removeprefix("roi_heads."): array
        for name, array in trunk_file("defrcn_r101").items()
    },
    "MSRA ImageNet ResNet": lambda: {
        caffe2_name(name, folded=False): array for name, array in trunk_file("defrcn_r101").items()
    },
    "torchvision ImageNet ResNet-18": lambda: {
        torchvision_name(name): array for name, array in trunk_file("defrcn_r18").items()
    },
    "old MindSpore port (the old port's region proposal network has other anchors and is left out)": lambda: (
        old_file("defrcn_r101", 60)
    ),
    "old MindSpore port's trunk": lambda: {
        old_zoo_name(ours(name)): array for name, array in trunk_file("defrcn_r101").items()
    },
    "own names, trunk": lambda: {ours(name): array for name, array in trunk_file("defrcn_r50").items()},
    "own names": lambda: {
        ours(name): array for name, array in detectron2_file("defrcn_r50", 3).items() if "anchors" not in name
    },
}
"""Name of the source -> arrays of such a file."""


def test_the_written_out_names_are_those_of_the_reference() -> None:
    assert detectron2_shapes("defrcn_r101", 60) == golden_shapes("base")


@pytest.mark.parametrize("kind", FILES)
def test_every_file_is_recognised_by_one_source(kind: str) -> None:
    arrays = FILES[kind]()
    assert [source.name for source in SOURCES if source.recognises(arrays)] == [kind] * (kind != "own names")
    named = in_our_names(WeightFile(arrays, {}))
    assert named.source.name == kind
    depth = {"torch": "defrcn_r18", "own n": "defrcn_r50"}.get(kind[:5], "defrcn_r101")
    assert model_of(named) == depth
    known = set(known_names(depth))
    assert set(named.arrays) <= known
    assert {name for name in known if name.startswith(TRUNK)} <= set(named.arrays)


def known_names(model: str) -> dict[str, tuple[int, ...]]:
    return {ours(n): shape for n, shape in detectron2_shapes(model, 60).items() if "anchors" not in n}


def test_detectron2_networks_keep_everything() -> None:
    named = in_our_names(WeightFile(FILES["detectron2 DeFRCN"](), {}))
    assert {name: array.shape for name, array in named.arrays.items()} == known_names("defrcn_r101")
    assert num_classes_of(named) == 60
    assert anchor_options_of(named) == {}


def test_sizes_and_ratios_of_stored_anchors() -> None:
    arrays = detectron2_file("defrcn_r18", 3)
    few = usual_anchors().reshape(5, 3, 4)[1:4, 1:].reshape(-1, 4)
    arrays["proposal_generator.anchor_generator.cell_anchors.0"] = few
    assert anchor_options_of(WeightFile(arrays, {})) == {
        "anchor_sizes": (64.0, 128.0, 256.0),
        "anchor_ratios": (1.0, 2.0),
    }
    arrays["proposal_generator.anchor_generator.cell_anchors.0"] = few[1:]
    with pytest.raises(UserError, match=r"x\.pth: .*cell_anchors\.0: anchors that no sizes and ratios make"):
        anchor_options_of(WeightFile(arrays, {}, path=Path("x.pth")))


def test_what_is_no_weight_is_left_out() -> None:
    extra = {"pixel_mean": np.zeros((3, 1, 1)), "backbone.stem.conv1.norm.num_batches_tracked": np.int64(1)}
    arrays = from_detectron2(detectron2_file("defrcn_r18", 3) | extra)
    assert set(arrays) == set(known_names("defrcn_r18"))


def test_statistics_that_are_worked_in_become_a_plain_scale() -> None:
    """sqrt(variance + 1e-5) is 1 in float32, as in the reference's normalisation without statistics."""
    arrays = from_caffe2(folded_caffe2_file("defrcn_r101"))
    assert {n: a.shape for n, a in arrays.items()} == {
        ours(n): s for n, s in trunk_shapes("defrcn_r101").items()
    }
    variances = [array for name, array in arrays.items() if name.endswith("moving_variance")]
    assert len(variances) == 104
    assert all(np.sqrt(v + np.float32(1e-5)).tolist() == [1.0] * len(v) for v in variances)
    assert not any(array.any() for name, array in arrays.items() if name.endswith("moving_mean"))


def test_a_pickle_of_detectron(tmp_path: Path) -> None:
    """Its container, the classifier, momenta, and the bias that DeFRCN has no place for."""
    rest = {name: np.ones(1, np.float32) for name in ("fc1000_w", "fc1000_b", "conv1_w_momentum", "conv1_b")}
    small = {name: np.full(array.shape[:1], 2.0) for name, array in folded_caffe2_file("defrcn_r50").items()}
    file = read_weights(
        write_pickle(tmp_path / "R-50.pkl", {"blobs": small | rest, "cfg": "text"}, protocol=2)
    )
    arrays = in_our_names(file).arrays
    assert "conv1_b" in arrays
    assert len(arrays) == len(trunk_shapes("defrcn_r50")) + 1


def test_the_calibration_network_has_the_names_of_the_reference() -> None:
    arrays = without_memory(golden_shapes("pcb_resnet101"))
    assert TORCHVISION.recognises(arrays)
    translated = TORCHVISION.translate(arrays)
    assert len(translated) == 522  # 626 less the counters of 104 normalisations
    assert "layer4.0.downsample.1.moving_variance" in translated
    assert not [name for name in translated if "running" in name or "tracked" in name]


def test_resnet_18_sees_the_same_picture(golden_weight: Rule) -> None:
    """The first convolution at one place: torchvision's input and weight against ours, with zeros for padding."""
    shapes = trunk_shapes("defrcn_r18") | {"fc.weight": (1000, 512)}
    theirs = {torchvision_name(name): golden_weight(name, shape) for name, shape in shapes.items()}
    arrays = from_torchvision_trunk(theirs)
    assert {name: array.shape for name, array in arrays.items()} == {
        ours(name): shape for name, shape in trunk_shapes("defrcn_r18").items()
    }
    bgr = np.random.default_rng(0).uniform(0, 255, (3, 7, 7))
    mean, std = np.array([0.485, 0.456, 0.406])[:, None, None], np.array([0.229, 0.224, 0.225])[:, None, None]
    for_torchvision = (bgr[::-1] / 255 - mean) / std
    for_us = bgr - np.array([103.53, 116.28, 123.675])[:, None, None]
    for_torchvision[:, :2] = for_us[:, :2] = 0  # outside the picture
    wanted = np.einsum("oihw,ihw->o", theirs["conv1.weight"], for_torchvision)
    found = np.einsum("oihw,ihw->o", arrays["backbone.stem.conv1.weight"], for_us)
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)


def test_the_old_port_counts_the_background_first(golden_weight: Rule) -> None:
    predictors = {n: s for n, s in detectron2_shapes("defrcn_r101", 4).items() if "box_predictor" in n}
    wanted = filled(predictors, golden_weight)
    old = {old_zoo_name(name): old_zoo_array(name, array) for name, array in wanted.items()}
    assert old["rcnn.cls_scores.weight"].shape == (2048, 5)
    found = from_old_zoo(old)
    assert set(found) == set(wanted)
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array)


def test_the_state_of_an_old_training_is_left_out() -> None:
    arrays = old_file("defrcn_r101", 4)
    state = {f"{kind}.{name}": array for name, array in arrays.items() for kind in ("accum", "stat")}
    translated = from_old_zoo(arrays | state | {"learning_rate": np.ones(1), "momentum": np.ones(1)})
    missing = set(known_names("defrcn_r101")) - set(translated)
    assert len(missing) == 6
    assert all(name.startswith("proposal_generator.rpn_head.") for name in missing)
    assert len(translated) == len(known_names("defrcn_r101")) - 6


def test_a_trunk_for_the_old_training() -> None:
    """The names that its pkl2ckpt.py wrote."""
    old = to_old_zoo_trunk({ours(name): array for name, array in trunk_file("defrcn_r101").items()})
    assert set(old) == {old_zoo_name(ours(name)) for name in trunk_shapes("defrcn_r101")}
    assert {
        "backbone.stem.bn1.gamma",
        "backbone.layer3.22.bn3.moving_mean",
        "backbone.layer1.0.conv_down_sample.weight",
        "layer4.0.bn_down_sample.beta",
    } <= set(old)
    assert set(from_old_zoo(old)) == {ours(name) for name in trunk_shapes("defrcn_r101")}


def test_two_arrays_for_one_parameter_are_refused(tmp_path: Path) -> None:
    arrays = {"conv1_w": np.ones(1), "res2_0_branch2a_w": np.ones(1), "res_conv1_bn_s": np.ones(1)}
    file = write_pickle(tmp_path / "mixed.pkl", arrays | {"res_conv1_bn_gamma": np.ones(1)})
    with pytest.raises(UserError, match=r"mixed\.pkl: res_conv1_bn_gamma: a second array"):
        in_our_names(read_weights(file))
