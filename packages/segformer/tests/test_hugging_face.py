"""Files of Hugging Face's transformers, against what transformers computes with them (golden/make_weight_files.py)."""

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
from mindspore import Tensor
from ms_core.checkpoint import WeightFile, require_complete, require_covered
from ms_segformer import build_model, load_weights
from ms_segformer.hugging_face import translate_hugging_face
from ms_segformer.segformer import SegFormer
from ms_segformer.weights import decoder_width_of, model_of, num_classes_of
from safetensors.numpy import save_file

from .files import Rule, filled

Golden = Mapping[str, np.ndarray]
EVERY = 7
"""Of the outputs every seventh number is kept, of the encoder's every 56th."""
STYLES = ("names", "inside")
"""Names in files, and those of modules inside transformers 5."""


@pytest.fixture(scope="module")
def golden() -> Iterator[Golden]:
    with np.load(Path(__file__).parent / "golden" / "hugging_face_b0.npz") as archive:
        yield archive


@pytest.fixture
def network() -> SegFormer:
    return build_model("segformer_b0", 19).set_train(False)


def images() -> Tensor:
    return Tensor(np.random.default_rng(0).standard_normal((1, 3, 256, 512)).astype(np.float32))


def content(golden: Golden, rule: Rule, kind: str, style: str = "names") -> dict[str, np.ndarray]:
    """Weights follow from the names in files, whatever the style they are written in."""
    shapes = [tuple(map(int, shape.split())) for shape in golden[f"{kind}_shapes"].tolist()]
    named = filled(dict(zip(golden[f"{kind}_names"].tolist(), shapes, strict=True)), rule)
    return dict(zip(golden[f"{kind}_{style}"].tolist(), named.values(), strict=True))


@pytest.mark.parametrize("style", STYLES)
def test_logits_of_a_segmentation_network(
    style: str, golden: Golden, golden_weight: Rule, network: SegFormer, tmp_path: Path
) -> None:
    save_file(content(golden, golden_weight, "semantic", style), tmp_path / "model.safetensors")
    report = require_complete(load_weights(network, tmp_path / "model.safetensors"))
    assert (report.source, report.unexpected, report.covers) == ("Hugging Face SegFormer", [], "")
    found = network(images()).asnumpy().ravel()[::EVERY]
    np.testing.assert_allclose(found, golden["logits"], atol=1e-4, rtol=0)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("kind", ["bare", "classifier"])
def test_encoders(kind: str, style: str, golden: Golden, golden_weight: Rule, network: SegFormer) -> None:
    before = network.decode_head.linear_pred.weight.asnumpy().copy()
    weights = WeightFile(content(golden, golden_weight, kind, style), {})
    report = require_covered(load_weights(network, weights))
    assert (len(report.matched), report.unexpected, report.covers) == (176, [], "backbone.")
    np.testing.assert_array_equal(network.decode_head.linear_pred.weight.asnumpy(), before)
    assert (model_of(weights), decoder_width_of(weights), num_classes_of(weights)) == (
        "segformer_b0",
        None,
        None,
    )


def test_stages_of_an_encoder(golden: Golden, golden_weight: Rule, network: SegFormer) -> None:
    load_weights(network, WeightFile(content(golden, golden_weight, "bare"), {}))
    for stage, found in enumerate(network.features(images()), 1):
        wanted = golden[f"feat{stage}"]
        np.testing.assert_allclose(found.asnumpy().ravel()[:: EVERY * 8], wanted, atol=1e-4, rtol=0)


def test_keys_come_before_values() -> None:
    block = "segformer.encoder.block.2.13.attention.self."
    key, value = np.full((3, 3), 1.0, np.float32), np.full((3, 3), 2.0, np.float32)
    translated = translate_hugging_face({f"{block}value.weight": value, f"{block}key.weight": key})
    assert list(translated) == ["backbone.block3.13.attn.kv.weight"]
    np.testing.assert_array_equal(
        translated["backbone.block3.13.attn.kv.weight"], np.concatenate((key, value))
    )


def test_keys_without_values_are_reported(golden: Golden, golden_weight: Rule, network: SegFormer) -> None:
    arrays = content(golden, golden_weight, "semantic")
    del arrays["segformer.encoder.block.0.0.attention.self.value.weight"]
    report = load_weights(network, WeightFile(arrays, {}))
    assert report.missing == ["backbone.block1.0.attn.kv.weight"]
    assert report.unexpected == ["backbone.block1.0.attn.k.weight"]


def test_half_precision(golden: Golden, golden_weight: Rule, network: SegFormer) -> None:
    arrays = {n: a.astype(np.float16) for n, a in content(golden, golden_weight, "semantic").items()}
    require_complete(load_weights(network, WeightFile(arrays, {})))
    assert network.decode_head.linear_pred.weight.asnumpy().dtype == np.float32
