"""A small network with initial weights as a checkpoint, a synthetic data set, and a stand-in for the PCB network."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ms_core.checkpoint.write import write_checkpoint
from ms_core.data.config import DetectionDataConfig
from ms_core.data.synthetic import make_shapes
from ms_core.train.config import TrainConfig
from ms_defrcn.config import (
    DeFRCNConfig,
    FewShotConfig,
    InputConfig,
    PcbConfig,
    PostprocessConfig,
    ProposalConfig,
)
from ms_defrcn.models import build_model
from ms_defrcn.weights import model_metadata

CLASSES = ("circle", "square", "triangle")
PROPOSALS = ProposalConfig(test_before_nms=60, test_after_nms=12)


def checkpoint_file(path: Path, classes: tuple[str, ...] = CLASSES, stage: str = "all") -> Path:
    """`defrcn_r18` as it is before training."""
    network = build_model("defrcn_r18", len(classes), proposals=PROPOSALS)
    arrays = {name: parameter.asnumpy() for name, parameter in network.parameters_dict().items()}
    metadata = model_metadata(network, classes, tuple(range(1, len(classes) + 1)))
    write_checkpoint(path, arrays, metadata | {"stage": stage})
    return path


def shapes(folder: Path) -> Path:
    """Four pictures of 64x64 to train on, three to evaluate."""
    make_shapes(folder, train=4, val=3, size=64)
    return folder


def small_config(
    folder: Path, *, pcb: PcbConfig | None = None, novel: tuple[str, ...] = ("triangle",)
) -> DeFRCNConfig:
    """Small pictures, few proposals, operation by operation: no graph is compiled."""
    return DeFRCNConfig(
        data=DetectionDataConfig(train=str(folder / "train.json"), val=str(folder / "val.json")),
        fewshot=FewShotConfig(novel_classes=novel, classes="all", shots=1),
        input=InputConfig(short_sides=(64,), test_short_side=64, max_side=96),
        proposals=PROPOSALS,
        postprocess=PostprocessConfig(min_score=0.0, max_detections=10),
        train=TrainConfig(workers=1),
        pcb=pcb or PcbConfig(),
        mode="pynative",
        device="cpu",
    )


class FakeDescriber:
    """Describes every region alike, so that likeness is 1; counts the pictures."""

    def __init__(self) -> None:
        self.pictures = 0

    def __call__(self, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
        assert image.dtype == np.uint8
        self.pictures += 1
        return np.ones((len(boxes), 4), np.float32)
