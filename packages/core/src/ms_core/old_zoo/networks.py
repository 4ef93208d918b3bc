"""The networks of the old zoo: which package has them now, and the values that make each the network it is.

Source: facts of the old code, `ssd-interface.md` and `segformer.md`; of DeFRCN its YAML files. A configuration that
says another structure describes a network that its checkpoints would not fit.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

OldPackage = Literal["ms-ssd", "ms-ssdlite-fpn", "ms-segformer", "ms-defrcn"]
"""The command that took over: ms-ssd from the official code, the others from code of the research folder."""
OLD_PACKAGES: tuple[OldPackage, ...] = get_args(OldPackage)


@dataclass(frozen=True)
class OldNetwork:
    """One network, under the name it keeps."""

    name: str
    package: OldPackage
    lr: float
    """Learning rate where a configuration does not say."""
    lr_end_rate: float
    """The last learning rate as a part of `lr`, where a configuration does not say; 1: it is constant."""
    structure: Mapping[str, Any]
    """Old key -> the only value it can have."""
    unread: frozenset[str] = frozenset()
    """Structure keys that the old code ignored for this network, whatever they said."""
    head_filter: frozenset[str] = frozenset({"multi_loc_layers", "multi_cls_layers"})
    """The prediction layers: of SSD the default of `checkpoint_filter_list`."""
    min_scale: float | None = 0.2
    """The smallest scale of the default boxes where a configuration does not say; None: they do not come from it."""
    has_vgg: bool = False
    """Whether `ssd_vgg_bn` means something."""


_RATIOS_FROM_3 = ((), (2, 3), (2, 3), (2, 3), (2, 3), (2, 3))
_RATIOS_GRID = ((2, 3), (2, 3), (2, 3), (2, 3), (2, 3), (2, 3))
_EXTRAS = {
    "extras_strides": (1, 1, 2, 2, 2, 2),
    "extras_ratio": (0.2, 0.2, 0.2, 0.25, 0.5, 0.25),
}
_SCALES = {"max_scale": 0.95, "prior_scaling": (0.1, 0.2)}
_SSD300_BOXES = {
    "img_shape": (300, 300),
    "num_ssd_boxes": 1917,
    "num_default": (3, 6, 6, 6, 6, 6),
    "feature_size": (19, 10, 5, 3, 2, 1),
    "steps": (16, 32, 64, 100, 150, 300),
    "aspect_ratios": _RATIOS_FROM_3,
    "use_anchor_generator": False,
    **_SCALES,
    **_EXTRAS,
}
_FPN_640 = {
    "img_shape": (640, 640),
    "num_ssd_boxes": 51150,
    "num_default": (6, 6, 6, 6, 6),
    "feature_size": (80, 40, 20, 10, 5),
    "steps": (8, 16, 32, 64, 128),
    "aspect_ratios": _RATIOS_GRID,
    "use_anchor_generator": True,
    "num_addition_layers": 4,
    "extras_in_channels": (256, 512, 1024, 256, 256),
    "extras_out_channels": (256, 256, 256, 256, 256),
    **_SCALES,
    **_EXTRAS,
}
_GRID_UNREAD = frozenset({"aspect_ratios", "max_scale"})
_TOWER_HEAD = frozenset(
    f"network.multi_box.{branch}_layers.0.{leaf}" for branch in ("cls", "loc") for leaf in ("weight", "bias")
)

_ALL = (
    OldNetwork(
        name="ssd300",
        package="ms-ssd",
        lr=0.05,
        lr_end_rate=0.001,
        structure={
            **_SSD300_BOXES,
            "extras_in_channels": (256, 576, 1280, 512, 256, 256),
            "extras_out_channels": (576, 1280, 512, 256, 256, 128),
        },
    ),
    OldNetwork(
        name="ssd_mobilenet_v1",
        package="ms-ssd",
        lr=0.05,
        lr_end_rate=0.001,
        structure={
            **_SSD300_BOXES,
            "extras_in_channels": (256, 512, 1024, 512, 256, 256),
            "extras_out_channels": (512, 1024, 512, 256, 256, 128),
            "num_addition_layers": 4,
        },
        unread=frozenset({"num_addition_layers"}),
    ),
    OldNetwork(
        name="ssd_mobilenet_v1_fpn",
        package="ms-ssd",
        lr=0.05,
        lr_end_rate=0.0,
        structure=_FPN_640,
        unread=_GRID_UNREAD,
        head_filter=_TOWER_HEAD,
        min_scale=None,
    ),
    OldNetwork(
        name="ssd_resnet50_fpn",
        package="ms-ssd",
        lr=0.05,
        lr_end_rate=0.0,
        structure=_FPN_640,
        unread=_GRID_UNREAD,
        head_filter=_TOWER_HEAD,
        min_scale=None,
    ),
    OldNetwork(
        name="ssd_vgg16",
        package="ms-ssd",
        lr=0.05,
        lr_end_rate=0.001,
        structure={
            **_SSD300_BOXES,
            "num_ssd_boxes": 7308,
            "feature_size": (38, 19, 10, 5, 3, 1),
            "steps": (8, 16, 32, 64, 100, 300),
            "extras_in_channels": (256, 512, 1024, 512, 256, 256),
            "extras_out_channels": (512, 1024, 512, 256, 256, 256),
        },
        has_vgg=True,
    ),
    OldNetwork(
        name="ssdlite_mobilenetv2_fpn",
        package="ms-ssdlite-fpn",
        lr=0.4,
        lr_end_rate=0.0,
        structure={
            "img_shape": (320, 320),
            "num_ssd_boxes": 12804,
            "num_default": (6, 6, 6, 6, 6),
            "feature_size": (40, 20, 10, 5, 3),
            "steps": (8, 16, 32, 64, 108),
            "aspect_ratios": _RATIOS_GRID,
            "num_addition_layers": 4,
            "extras_in_channels": (32, 96, 1280, 32, 32),
            "extras_out_channels": (32, 32, 32, 32, 32),
            **_SCALES,
            **_EXTRAS,
        },
        unread=_GRID_UNREAD | {"extras_in_channels", "extras_ratio", "extras_strides"},
        head_filter=_TOWER_HEAD,
        min_scale=None,
    ),
)

NETWORKS: Mapping[str, OldNetwork] = {network.name: network for network in _ALL}
"""The SSD networks, by the name of `model_name` and of our `model.name`."""

NAMES: Mapping[str, str] = {
    **{name: name for name in NETWORKS},
    "ssd_mobilenet_v2_fpn": "ssdlite_mobilenetv2_fpn",
}
"""What a configuration may call an SSD network -> its name; the research code's `model` has a name of its own."""

SEGFORMERS: Mapping[str, OldNetwork] = {
    f"segformer_b{number}": OldNetwork(
        name=f"segformer_b{number}",
        package="ms-segformer",
        lr=6e-5,
        lr_end_rate=1.0,
        structure={"img_norm_mean": (123.675, 116.28, 103.53), "img_norm_std": (58.395, 57.12, 57.375)},
        head_filter=frozenset({"decode_head.linear_pred"}),
        min_scale=None,
    )
    for number in range(6)
}
"""The SegFormer networks, by our `model.name`."""

BACKBONES: Mapping[str, str] = {f"mit_b{number}": f"segformer_b{number}" for number in range(6)}
"""What a configuration calls a SegFormer network -> its name."""


_C4_STRUCTURE = {
    "anchor_strides": (16,),
    "num_anchors": 15,
    "resnet_in_channels": (64, 256, 512, 1024),
    "resnet_out_channels": (256, 512, 1024, 2048),
    "backbone_freeze_at": 2,
    "rpn_in_channels": 1024,
    "rpn_feat_channels": 1024,
    "rpn_cls_out_channels": 1,
    "rpn_target_means": (0, 0, 0, 0),
    "rpn_target_stds": (1, 1, 1, 1),
    "rpn_loss_cls_weight": 1,
    "rpn_loss_reg_weight": 1,
    "rpn_head_weight": 1,
    "rpn_head_use_sigmoid": True,
    "use_sigmoid_cls": True,
    "rpn_enable_decouple": True,
    "roi_enable_decouple": True,
    "roi_align_out_channels": 1024,
    "roi_align_featmap_strides": 16,
    "rcnn_in_channels": 1024,
    "rcnn_fc_out_channels": 2048,
    "rcnn_loss_cls_weight": 1,
    "rcnn_loss_reg_weight": 1,
    "rcnn_target_means": (0, 0, 0, 0),
    "rcnn_target_stds": (0.1, 0.1, 0.2, 0.2),
}
DEFRCNS: Mapping[str, OldNetwork] = {
    name: OldNetwork(
        name=name,
        package="ms-defrcn",
        lr=0.02,
        lr_end_rate=1.0,
        structure={**_C4_STRUCTURE, "resnet_block": blocks},
        head_filter=frozenset({"roi_heads.box_predictor"}),
        min_scale=None,
    )
    for name, blocks in {"defrcn_r101": (3, 4, 23, 3), "defrcn_r50": (3, 4, 6, 3)}.items()
}
"""The DeFRCN networks, by our `model.name`."""

RESNETS: Mapping[str, str] = {"resnet_v1_101": "defrcn_r101", "resnet_v1_50": "defrcn_r50"}
"""What a configuration calls a DeFRCN network -> its name."""


def old_package(command: str) -> OldPackage | None:
    """The package behind a command of ours; None where it took over nothing from the old zoo."""
    return next((package for package in OLD_PACKAGES if package == command), None)


def networks_of(package: OldPackage | None) -> list[OldNetwork]:
    """The networks that a package took over; all of them for None."""
    every = (*NETWORKS.values(), *SEGFORMERS.values(), *DEFRCNS.values())
    return [network for network in every if package in (None, network.package)]
