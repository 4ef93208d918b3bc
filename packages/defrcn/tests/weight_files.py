"""Weight files as others write them, for tests: names, shapes and formats."""

from __future__ import annotations

import json
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np

Rule = Callable[[str, tuple[int, ...]], np.ndarray]
"""`golden_weight` of conftest.py."""
Shapes = dict[str, tuple[int, ...]]

GOLDEN = Path(__file__).parent / "golden"

BLOCKS = {"defrcn_r18": (2, 2, 2, 2), "defrcn_r50": (3, 4, 6, 3), "defrcn_r101": (3, 4, 23, 3)}

_STATISTICS = ("running_mean", "running_var")


def golden_shapes(name: str) -> Shapes:
    """Parameters of a network of the reference, by detectron2's or torchvision's names."""
    content = json.loads((GOLDEN / f"params_{name}.json").read_text())
    return {key: tuple(shape) for key, shape in content.items()}


def _normed(name: str, shape: tuple[int, ...]) -> Shapes:
    leaves = ("weight", "bias", *_STATISTICS)
    return {f"{name}.weight": shape, **{f"{name}.norm.{leaf}": shape[:1] for leaf in leaves}}


def trunk_shapes(model: str) -> Shapes:
    """Stem and res2 to res5 under detectron2's names, res5 in the RoI head."""
    small = model == "defrcn_r18"
    shapes, before = _normed("backbone.stem.conv1", (64, 3, 7, 7)), 64
    for stage, count in enumerate(BLOCKS[model], 2):
        beginning = "roi_heads.res5." if stage == 5 else f"backbone.res{stage}."
        hidden = 64 * 2 ** (stage - 2)
        out = hidden if small else 4 * hidden
        for block in range(count):
            name = f"{beginning}{block}."
            if block == 0 and before != out:
                shapes |= _normed(f"{name}shortcut", (out, before, 1, 1))
            sides = (3, 3) if small else (1, 3, 1)
            channels = (before, *(hidden,) * (len(sides) - 1), out)
            for i, side in enumerate(sides):
                shapes |= _normed(f"{name}conv{i + 1}", (channels[i + 1], channels[i], side, side))
            before = out
    return shapes


def detectron2_shapes(model: str, classes: int, anchors: int = 15) -> Shapes:
    """A whole network under detectron2's names, with the anchors that it stores."""
    res4, features = (256, 512) if model == "defrcn_r18" else (1024, 2048)
    rpn, predictor = "proposal_generator.rpn_head.", "roi_heads.box_predictor."
    heads: Shapes = {
        f"{rpn}conv.weight": (res4, res4, 3, 3),
        f"{rpn}conv.bias": (res4,),
        f"{rpn}objectness_logits.weight": (anchors, res4, 1, 1),
        f"{rpn}objectness_logits.bias": (anchors,),
        f"{rpn}anchor_deltas.weight": (4 * anchors, res4, 1, 1),
        f"{rpn}anchor_deltas.bias": (4 * anchors,),
        "proposal_generator.anchor_generator.cell_anchors.0": (anchors, 4),
        f"{predictor}cls_score.weight": (classes + 1, features),
        f"{predictor}cls_score.bias": (classes + 1,),
        f"{predictor}bbox_pred.weight": (4 * classes, features),
        f"{predictor}bbox_pred.bias": (4 * classes,),
    }
    affine = {
        f"affine_{part}.{leaf}": (1, res4, 1, 1) for part in ("rpn", "rcnn") for leaf in ("weight", "bias")
    }
    return trunk_shapes(model) | heads | affine


def usual_anchors() -> np.ndarray:
    """float32 [15, 4] of sizes 32 to 512 and ratios 0.5, 1 and 2, written out independently of the package."""
    rows = []
    for size in (32, 64, 128, 256, 512):
        for ratio in (0.5, 1.0, 2.0):
            width = (size * size / ratio) ** 0.5
            rows.append([-width / 2, -width * ratio / 2, width / 2, width * ratio / 2])
    return np.array(rows, np.float32)


def filled(shapes: Mapping[str, tuple[int, ...]], rule: Rule) -> dict[str, np.ndarray]:
    """An array for every name; the anchors are the usual ones."""
    return {
        name: usual_anchors() if "cell_anchors" in name else rule(name, shape)
        for name, shape in shapes.items()
    }


def ours(name: str) -> str:
    """Our name of a parameter of detectron2's."""
    words = {
        "weight": "gamma",
        "bias": "beta",
        "running_mean": "moving_mean",
        "running_var": "moving_variance",
    }
    start, _, leaf = name.rpartition(".")
    return f"{start}.{words[leaf]}" if start.endswith(".norm") else name


def caffe2_name(name: str, *, folded: bool) -> str:
    """Caffe2's name of a parameter of a trunk.

    Args:
        name: detectron2's.
        folded: Detectron's words for normalisations whose statistics are worked in, else detectron2's.
    """
    new = {"weight": "gamma", "bias": "beta"} | {leaf: leaf for leaf in _STATISTICS}
    words = {"weight": "s", "bias": "b"} if folded else new
    name = name.removeprefix("backbone.").removeprefix("roi_heads.")
    layer, _, leaf = name.rpartition(".")
    if layer.startswith("stem.conv1"):
        return f"res_conv1_bn_{words[leaf]}" if layer.endswith("norm") else "conv1_w"
    stage, block, part = layer.removesuffix(".norm").split(".")
    branch = {"shortcut": "branch1", "conv1": "branch2a", "conv2": "branch2b", "conv3": "branch2c"}[part]
    end = f"bn_{words[leaf]}" if layer.endswith("norm") else "w"
    return f"{stage}_{block}_{branch}_{end}"


def torchvision_name(name: str) -> str:
    """torchvision's name of a parameter of a trunk, from detectron2's."""
    name = name.removeprefix("backbone.").removeprefix("roi_heads.").removeprefix("stem.")
    for stage in (2, 3, 4, 5):
        name = name.replace(f"res{stage}.", f"layer{stage - 1}.")
    for i in (1, 2, 3):
        name = name.replace(f"conv{i}.norm.", f"bn{i}.")
    return name.replace("shortcut.norm.", "downsample.1.").replace("shortcut.", "downsample.0.")


def old_zoo_name(name: str) -> str:
    """The old MindSpore port's name, from ours."""
    name = name.replace("stem.conv1.norm.", "stem.bn1.").replace("roi_heads.res5.", "layer4.")
    for stage in (2, 3, 4):
        name = name.replace(f"backbone.res{stage}.", f"backbone.layer{stage - 1}.")
    for i in (1, 2, 3):
        name = name.replace(f"conv{i}.norm.", f"bn{i}.")
    name = name.replace("shortcut.norm.", "bn_down_sample.").replace("shortcut.", "conv_down_sample.")
    for theirs, own in (("conv", "conv"), ("cls", "objectness_logits"), ("reg", "anchor_deltas")):
        name = name.replace(
            f"proposal_generator.rpn_head.{own}.", f"rpn_with_loss.rpn_convs_list.0.rpn_{theirs}."
        )
    return name.replace("roi_heads.box_predictor.cls_score.", "rcnn.cls_scores.").replace(
        "roi_heads.box_predictor.bbox_pred.", "rcnn.reg_scores."
    )


def old_zoo_array(name: str, array: np.ndarray) -> np.ndarray:
    """An array in the old port's layout: predictors multiply from the right, the background comes first."""
    if ".cls_score." in name:
        array = np.concatenate((array[-1:], array[:-1]))
    return np.ascontiguousarray(array.T) if ".box_predictor." in name else array


def write_pickle(path: Path, content: object, protocol: int = 4) -> Path:
    """As the files of Detectron (protocol 2) and detectron2 are written."""
    with path.open("wb") as file:
        pickle.dump(content, file, protocol=protocol)
    return path
