"""What a training refuses before it costs anything, and what it takes from weights; whole runs: test_end_to_end.py."""

from dataclasses import replace
from pathlib import Path

import cv2
import ms_core.train.run
import numpy as np
import pytest
from ms_core.checkpoint import WeightFile
from ms_core.errors import Interrupted, UserError
from ms_core.segmentation.config import SegmentationDataConfig
from ms_core.train.step import TrainStep
from ms_segformer.config import ModelConfig, SegFormerConfig
from ms_segformer.train import open_splits, train, with_decoder_width

from .files import Rule, empty, encoder_shapes, filled, official_shapes, write_pth


@pytest.fixture
def data(tmp_path: Path) -> SegmentationDataConfig:
    """Two pictures with masks of 0, 1 and 7."""
    for place in ("train", "trainannot"):
        (tmp_path / place).mkdir()
        for number in range(2):
            pixels = np.array([0, 1, 7, 7], np.uint8).repeat(10)[None].repeat(40, 0)
            cv2.imwrite(str(tmp_path / place / f"{number}.png"), pixels)
    return SegmentationDataConfig(root=tmp_path, classes=("road", "sky"))


def test_one_class_leaves_nothing_to_learn(data: SegmentationDataConfig) -> None:
    with pytest.raises(UserError, match="one class, road, leaves nothing to tell apart"):
        open_splits(SegFormerConfig(data=replace(data, classes=("road",))))


def test_a_wrong_mask_costs_no_former_run(data: SegmentationDataConfig, tmp_path: Path) -> None:
    run = tmp_path / "run"
    run.mkdir()
    (run / "metrics.jsonl").write_text("{}")
    config = SegFormerConfig(ModelConfig("segformer_b0"), data, device="cpu", mode="pynative")
    config = replace(config, train=replace(config.train, batch_size=2, epochs=1))
    with pytest.raises(UserError, match=r"0\.png: value 7 \(800 pixels\) is no class"):
        train(config, run, overwrite=True)
    assert [path.name for path in run.iterdir()] == ["metrics.jsonl"]


@pytest.mark.parametrize(("stated", "expected"), [(None, 512), (128, 128)])
def test_the_decoder_is_as_wide_as_that_of_the_weights(stated: int | None, expected: int) -> None:
    config = SegFormerConfig(ModelConfig("segformer_b0", decoder_width=stated))
    weights = WeightFile(empty(official_shapes("segformer_b0", decoder=512)), {})
    assert with_decoder_width(config, weights).model.decoder_width == expected


def test_an_encoder_alone_leaves_the_width_open() -> None:
    config = SegFormerConfig(ModelConfig("segformer_b0"))
    weights = WeightFile(empty(encoder_shapes("segformer_b0")), {})
    assert with_decoder_width(config, weights).model.decoder_width is None


@pytest.mark.parametrize(("stated", "width"), [(None, 256), (512, 512)])
def test_of_backbone_weights_only_the_encoder_counts(
    stated: int | None,
    width: int,
    data: SegmentationDataConfig,
    tmp_path: Path,
    golden_weight: Rule,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    """A whole file will do, however wide its decoder is."""
    whole = filled(official_shapes("segformer_b0", decoder=128), golden_weight)
    config = SegFormerConfig(
        ModelConfig("segformer_b0", decoder_width=stated),
        replace(data, classes=tuple("abcdefgh")),
        backbone_weights=write_pth(tmp_path / "whole.pth", {"state_dict": whole}),
        device="cpu",
        mode="pynative",
    )
    config = replace(config, train=replace(config.train, batch_size=2, epochs=1))
    networks = []

    def stopped(step: TrainStep, *arguments: object, **options: object) -> None:
        networks.append(step.network.network)
        raise Interrupted("stopped before the first step.")

    monkeypatch.setattr(ms_core.train.run, "fit", stopped)
    with pytest.raises(Interrupted):
        train(config, tmp_path / "run")
    assert "whole.pth: official SegFormer: 176 of 191 parameters filled" in capsys.readouterr().out
    assert networks[0].decoder_width == width
    name = "backbone.block1.0.attn.kv.weight"
    np.testing.assert_array_equal(networks[0].parameters_dict()[name].asnumpy(), whole[name])
