"""Which default boxes raw outputs belong to."""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor, nn
from ms_core.detection.anchors import Anchors, scale_aspect_anchors
from ms_core.export import files as files_module
from ms_core.export.anchors import anchors_digest
from ms_core.export.manifest import DetectionManifest, read_manifest
from ms_core.export.options import ExportOptions
from ms_core.export.reload import run_mindir
from ms_core.single_shot.config import PostprocessConfig
from ms_core.single_shot.export import export_detector
from ms_core.single_shot.trained import TrainedModel

ROWS = ((0.25, 0.5, 0.1, 0.2), (0.75, 0.5, 0.3, 0.4))
SCALES = (0.1, 0.2)


def anchors(min_scale: float) -> Anchors:
    return scale_aspect_anchors(32, (4, 2), (8, 16), ((2,), (2,)), min_scale=min_scale)


def test_the_digest_is_that_of_the_stated_bytes() -> None:
    numbers = [number for row in (*ROWS, SCALES) for number in row]
    expected = hashlib.sha256(struct.pack(f"<{len(numbers)}f", *numbers)).hexdigest()
    assert anchors_digest(np.array(ROWS), SCALES) == expected
    transposed = np.asfortranarray(np.array(ROWS, np.float32))  # how it lies in memory says nothing
    assert anchors_digest(transposed, list(SCALES)) == expected


def test_other_default_boxes_have_another_digest() -> None:
    usual = anchors(0.2).xywh
    digests = {
        anchors_digest(usual, SCALES),
        anchors_digest(anchors(0.1).xywh, SCALES),
        anchors_digest(usual, (0.1, 0.1)),
        anchors_digest(usual[::-1], SCALES),
    }
    assert len(digests) == 4


class TinyDetector(nn.Cell):
    """As a `SingleShotNetwork`, two numbers of every default box and three classes."""

    def __init__(self) -> None:
        super().__init__()
        self.input_size, self.anchors, self.prior_scaling = (32, 32), anchors(0.3), SCALES
        self.boxes = nn.Dense(3, 4 * len(self.anchors))
        self.classes = nn.Dense(3, 3 * len(self.anchors))

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        colours = images.mean((2, 3))
        return self.boxes(colours).reshape((1, -1, 4)), self.classes(colours).reshape((1, -1, 3))


@pytest.mark.parametrize("form", ["raw", "decoded"])
def test_the_manifest_of_raw_outputs_names_the_default_boxes_of_the_trained_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    ms.set_context(mode=ms.GRAPH_MODE)
    monkeypatch.setattr(
        files_module, "run_in_new_process", lambda path, calls, _: [run_mindir(path, *call) for call in calls]
    )
    network = TinyDetector()
    model = TrainedModel(network, "ssd300", ("cat", "dog"), (1, 2), Path("none.ckpt"))
    export_detector(model, "ms-ssd", PostprocessConfig(), ExportOptions(tmp_path, outputs=form))
    manifest = read_manifest(tmp_path)
    assert isinstance(manifest, DetectionManifest)
    expected = anchors_digest(network.anchors.xywh, network.prior_scaling) if form == "raw" else None
    assert manifest.anchors_sha256 == expected
