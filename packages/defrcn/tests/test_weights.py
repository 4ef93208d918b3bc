"""`load_weights` and what files tell of their networks, on the smallest network."""

import pickle
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ms_core.checkpoint import WeightFile, read_weights, require_complete, write_checkpoint
from ms_core.errors import UserError
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.detectron2_names import TRUNK
from ms_defrcn.models import build_model
from ms_defrcn.pcb_network import RESNET_101, PcbNetwork
from ms_defrcn.surgery import surgery
from ms_defrcn.weights import (
    classes_of,
    load_complete,
    load_pcb_weights,
    load_trunk,
    load_weights,
    model_metadata,
)

from .weight_files import (
    Rule,
    detectron2_shapes,
    filled,
    golden_shapes,
    old_zoo_array,
    old_zoo_name,
    ours,
    torchvision_name,
    trunk_shapes,
    write_pickle,
)

CLASSES = ("mug", "plate", "fork")
PREDICTOR = "roi_heads.box_predictor."
ONE_BLOCK = replace(RESNET_101, blocks=(1, 1, 1, 1))


@pytest.fixture(scope="module")
def network() -> DeFRCN:
    """One for all tests: those that fill it compare with what it held before, or with a file of their own."""
    return build_model("defrcn_r18", 3)


@pytest.fixture(scope="module")
def state(golden_weight: Rule) -> dict[str, np.ndarray]:
    """Of a trained network of three classes, as detectron2 names it."""
    return filled(detectron2_shapes("defrcn_r18", 3), golden_weight)


@pytest.fixture(scope="module")
def weights(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The same under our names."""
    return {ours(name): array for name, array in state.items() if "anchors" not in name}


def file_of(arrays: dict[str, np.ndarray], name: str = "x.pth", **metadata: Any) -> WeightFile:
    return WeightFile(dict(arrays), metadata, path=Path(name))


def arrays_of(network: Any) -> dict[str, np.ndarray]:
    return {name: parameter.asnumpy().copy() for name, parameter in network.parameters_dict().items()}


def assert_holds(network: Any, wanted: dict[str, np.ndarray]) -> None:
    found = arrays_of(network)
    for name, array in wanted.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def assert_refused(network: DeFRCN, weights: WeightFile, *words: str, load: Any = load_weights) -> None:
    before = arrays_of(network)
    with pytest.raises(UserError) as caught:
        load(network, weights)
    message = str(caught.value)
    assert message.startswith(f"{weights.path}: ")
    assert "\n" not in message
    assert all(word in message for word in words), message
    assert_holds(network, before)


def test_the_network_has_the_names_of_the_reference(network: DeFRCN) -> None:
    """On the smallest one; its generator is compared with those of the reference in test_weight_names.py."""
    wanted = {ours(n): s for n, s in detectron2_shapes("defrcn_r18", 3).items() if "anchors" not in n}
    assert {name: tuple(p.shape) for name, p in network.parameters_dict().items()} == wanted


def test_a_training_checkpoint_of_detectron2(
    network: DeFRCN, state: dict[str, np.ndarray], weights: dict[str, np.ndarray], tmp_path: Path
) -> None:
    file = write_pickle(
        tmp_path / "model_final.pth", {"model": state, "iteration": 5, "optimizer": {"state": {}}}
    )
    report = load_weights(network, file)
    assert (report.source, report.covers, report.file_arrays) == ("detectron2 DeFRCN", "", len(state))
    assert report.missing == report.unexpected == report.reshaped == []
    assert require_complete(report) is report
    assert_holds(network, weights)


def test_our_own_checkpoint(network: DeFRCN, weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    metadata = model_metadata(network, CLASSES, (3, 1, 7))
    assert metadata == {
        "model": "defrcn_r18",
        "num_classes": 3,
        "background": False,
        "classes": ["mug", "plate", "fork"],
        "category_ids": [3, 1, 7],
    }
    weights = {name: array + np.float32(1) for name, array in weights.items()}
    write_checkpoint(tmp_path / "last.ckpt", weights | {"train.step": np.int32([1])}, metadata)
    report = load_complete(network, tmp_path / "last.ckpt")
    assert (report.source, len(report.matched)) == ("own names", len(weights))
    assert classes_of(read_weights(tmp_path / "last.ckpt")) == CLASSES
    assert_holds(network, weights)


def test_an_imagenet_trunk(network: DeFRCN, golden_weight: Rule) -> None:
    """Everything else keeps its initial weights, and the report says so."""
    before = arrays_of(network)
    arrays = filled(trunk_shapes("defrcn_r18"), golden_weight)
    theirs = {torchvision_name(name): array for name, array in arrays.items()}
    report = load_weights(network, file_of(theirs | {"fc.weight": np.zeros((1000, 512), np.float32)}))
    assert (len(report.matched), report.covers) == (len(arrays), TRUNK)
    assert "outside backbone.*, roi_heads.res5.* 14 parameters keep their values" in report.summary()
    wanted = {ours(name): array for name, array in arrays.items() if "stem.conv1.weight" not in name}
    assert_holds(network, before | wanted | {"backbone.stem.conv1.weight": first_plane(network)})
    assert not np.array_equal(first_plane(network), before["backbone.stem.conv1.weight"])


def first_plane(network: DeFRCN) -> np.ndarray:
    return network.parameters_dict()["backbone.stem.conv1.weight"].asnumpy()


def test_a_trunk_with_gaps_is_refused(network: DeFRCN, weights: dict[str, np.ndarray]) -> None:
    trunk = {name: array for name, array in weights.items() if name.startswith(TRUNK)}
    gap = "roi_heads.res5.1.conv2.norm.moving_mean"
    del trunk[gap]
    count = len(trunk)
    assert_refused(network, file_of(trunk), f"fills {count} of the {count + 1} parameters of the trunk", gap)


def test_a_file_that_matches_nothing_is_refused(network: DeFRCN) -> None:
    assert_refused(
        network, file_of({"a.weight": np.ones(3)}, "R-101.pkl"), "R-101.pkl: none of its 1 arrays (a.weight"
    )


@pytest.mark.parametrize("other", ["defrcn_r50", "defrcn_r101"])
def test_another_model_is_refused(other: str, network: DeFRCN) -> None:
    shapes = {n: s for n, s in detectron2_shapes(other, 3).items() if "anchors" not in n}
    arrays = {ours(name): np.broadcast_to(np.float32(1), shape) for name, shape in shapes.items()}
    assert_refused(network, file_of(arrays), f"holds weights of {other}, the network is defrcn_r18")


def test_torchvisions_larger_networks_are_no_trunks(network: DeFRCN) -> None:
    shapes = golden_shapes("pcb_resnet101")
    arrays = {name: np.broadcast_to(np.float32(1), shape) for name, shape in shapes.items()}
    assert_refused(network, file_of(arrays, "resnet101-5d3b4d8f.pth"), "strides in the 3x3", "pcb.weights")


def test_predictors_for_other_classes_keep_their_values(weights: dict[str, np.ndarray]) -> None:
    network = build_model("defrcn_r18", 4)
    before = arrays_of(network)
    report = load_weights(network, file_of(weights))
    assert sorted(report.reshaped) == sorted(name for name in before if name.startswith(PREDICTOR))
    assert (report.file_classes, report.network_classes) == (3, 4)
    assert_holds(network, weights | {name: before[name] for name in report.reshaped})
    with pytest.raises(UserError, match=r"x\.pth: head is for 3 classes, this model has 4.*Build .* for 3"):
        load_complete(network, file_of(weights))


def test_after_surgery(network: DeFRCN, weights: dict[str, np.ndarray], tmp_path: Path) -> None:
    """Without predictors it starts a training, but nothing can be detected with it; with new ones it can."""
    write_checkpoint(tmp_path / "base.ckpt", weights, model_metadata(network, CLASSES))
    both = (*CLASSES, "pan")
    for method in ("remove", "randinit"):
        target = tmp_path / f"{method}.ckpt"
        surgery(tmp_path / "base.ckpt", target, method=method, base=CLASSES, classes=both, seed=0)
    wider = build_model("defrcn_r18", 4)
    report = load_weights(wider, tmp_path / "remove.ckpt")
    assert sorted(report.missing) == sorted(name for name in arrays_of(wider) if name.startswith(PREDICTOR))
    with pytest.raises(UserError, match="lacks 4 of the model's parameters"):
        load_complete(wider, tmp_path / "remove.ckpt")
    load_complete(wider, tmp_path / "randinit.ckpt")
    bias = f"{PREDICTOR}cls_score.bias"
    assert arrays_of(wider)[bias].tolist() == [*weights[bias][:3].tolist(), 0, float(weights[bias][3])]


def test_other_anchors_are_refused(state: dict[str, np.ndarray], weights: dict[str, np.ndarray]) -> None:
    """Of as many anchors nothing but their sizes tells; the trunk alone does not care."""
    network = build_model("defrcn_r18", 3, anchor_sizes=(16, 32, 64, 128, 256))
    assert_refused(network, file_of(state), "trained with other anchors", "--backbone-weights")
    usual = model_metadata(build_model("defrcn_r18", 3))
    assert_refused(network, file_of(weights, **usual), "trained with other anchors")
    same = model_metadata(network)
    assert same["anchor_sizes"] == [16, 32, 64, 128, 256]
    assert load_weights(network, file_of(weights, **same)).missing == []
    fresh = arrays_of(build_model("defrcn_r18", 3))
    network = build_model("defrcn_r18", 3, anchor_sizes=(16, 32, 64, 128, 256))
    report = load_trunk(network, file_of(state))
    assert (report.covers, report.file_arrays) == (TRUNK, len(state))
    trunk = {name: array for name, array in weights.items() if name.startswith(TRUNK)}
    assert len(report.matched) == len(trunk)
    assert_holds(
        network, {name: array for name, array in (fresh | trunk).items() if not name.startswith("proposal")}
    )


def test_a_trunk_is_needed_for_one(network: DeFRCN, weights: dict[str, np.ndarray]) -> None:
    heads = {name: array for name, array in weights.items() if not name.startswith(TRUNK)}
    assert_refused(network, file_of(heads), "fills 0 of the 100 parameters of the trunk", load=load_trunk)


def test_the_old_ports_network() -> None:
    """It only had ResNet-101, whose names are those of a smaller one with bottlenecks."""
    network = build_model("defrcn_r50", 2)
    before = arrays_of(network)
    old = {old_zoo_name(name): old_zoo_array(name, array) for name, array in before.items()}
    changed = {name: array + np.float32(1) for name, array in old.items()}
    report = load_weights(network, file_of(changed, "defrcn-18.ckpt"))
    assert "has other anchors and is left out" in report.summary()
    assert [name.partition(".")[0] for name in report.missing] == ["proposal_generator"] * 6
    rest = {name: array + np.float32(1) for name, array in before.items() if name not in report.missing}
    assert_holds(network, before | rest)
    with pytest.raises(UserError, match=r"defrcn-18\.ckpt: the old port's .* so nothing can be detected"):
        load_complete(network, file_of(changed, "defrcn-18.ckpt"))


def test_the_calibration_network(golden_weight: Rule, tmp_path: Path) -> None:
    network = PcbNetwork(ONE_BLOCK)
    arrays = filled(
        {
            name: shape
            for name, shape in golden_shapes("pcb_resnet101").items()
            if not name.startswith("layer") or name.split(".")[1] == "0"
        },
        lambda name, shape: np.array(3) if "tracked" in name else golden_weight(name, shape),
    )
    np.savez(tmp_path / "resnet.npz", **arrays)
    report = load_pcb_weights(network, tmp_path / "resnet.npz")
    assert report.missing == report.unexpected == []
    assert_holds(network, {"fc.weight": arrays["fc.weight"], "bn1.gamma": arrays["bn1.weight"]})
    again = PcbNetwork(ONE_BLOCK)
    write_checkpoint(tmp_path / "pcb.ckpt", arrays_of(network), {"model": "pcb_resnet101"})
    assert load_pcb_weights(again, tmp_path / "pcb.ckpt").missing == []
    assert_holds(again, arrays_of(network))


def test_other_files_do_not_calibrate(weights: dict[str, np.ndarray]) -> None:
    load = partial(load_pcb_weights, PcbNetwork(ONE_BLOCK))
    with pytest.raises(UserError, match=r"x\.pth: is no ImageNet ResNet-101 of torchvision \(114 arrays\)"):
        load(file_of(weights))
    shapes = {n: s for n, s in golden_shapes("pcb_resnet101").items() if "layer4" not in n}
    arrays = {name: np.broadcast_to(np.float32(1), shape) for name, shape in shapes.items()}
    with pytest.raises(UserError, match=r"x\.pth: lacks \d+ of the model's parameters \(layer4"):
        load(file_of(arrays))


def test_a_pickle_that_runs_code_is_not_run(network: DeFRCN, tmp_path: Path) -> None:
    class Hostile:
        def __reduce__(self) -> tuple[Any, ...]:
            return (Path.touch, (tmp_path / "ran",))

    (tmp_path / "R-101.pkl").write_bytes(pickle.dumps({"conv1_w": Hostile()}, protocol=2))
    with pytest.raises(UserError, match=r"R-101\.pkl"):
        load_weights(network, tmp_path / "R-101.pkl")
    assert not (tmp_path / "ran").exists()
