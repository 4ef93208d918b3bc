"""Checkpoints of the old zoo: what is theirs, what is training state, and how far the decoder's names may differ."""

from collections.abc import Callable

import numpy as np
import pytest
from ms_core.checkpoint import WeightFile, require_complete, require_covered
from ms_core.checkpoint.mindspore_format import encode_array
from ms_segformer import build_model, load_weights
from ms_segformer.old_zoo_names import from_old_zoo, to_old_zoo
from ms_segformer.segformer import SegFormer
from ms_segformer.weights import SOURCES, decoder_width_of, model_of, num_classes_of

from .files import Rule, empty, filled, official_shapes, old_names

Rename = Callable[[str], str]

FACTS = {
    "backbone.patch_embed1.proj.weight": "backbone.patch_embed1.conv.weight",
    "backbone.patch_embed1.norm.gamma": "backbone.patch_embed1.norm.gamma",
    "backbone.block1.0.attn.proj.weight": "backbone.block1.0.attn.proj.weight",
    "backbone.norm1.beta": "backbone.norm1.beta",
}
"""Our names -> the old ones (shared/facts/segformer.md)."""


@pytest.fixture
def network() -> SegFormer:
    return build_model("segformer_b0", 19)


@pytest.fixture(scope="module")
def old(golden_weight: Rule) -> dict[str, np.ndarray]:
    return filled(old_names(official_shapes("segformer_b0")), golden_weight)


def training_state(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Two moments of all that is trained, and counters: three times the size."""
    trained = {name: array for name, array in arrays.items() if ".moving_" not in name}
    moments = {
        f"{moment}.{name}": array for moment in ("adam_m", "adam_v") for name, array in trained.items()
    }
    counters = {
        "global_step": np.int32([7]),
        "learning_rate": np.float32(6e-5),
        "scale_sense": np.float32(2**14),
    }
    return moments | {name: np.asarray(value) for name, value in counters.items()}


@pytest.mark.parametrize("prefix", ["", "network."])
def test_a_training_checkpoint(prefix: str, old: dict[str, np.ndarray], network: SegFormer) -> None:
    arrays = {f"{prefix}{name}": array for name, array in old.items()}
    weights = WeightFile(arrays | training_state(arrays), {})
    assert (model_of(weights), decoder_width_of(weights), num_classes_of(weights)) == (
        "segformer_b0",
        256,
        19,
    )
    report = require_complete(load_weights(network, weights))
    assert (len(report.matched), report.unexpected, report.source) == (191, [], "old model zoo")
    for ours, theirs in FACTS.items():
        np.testing.assert_array_equal(network.parameters_dict()[ours].asnumpy(), old[theirs])


@pytest.mark.parametrize("prefix", ["backbone.", ""])
def test_an_encoder_that_the_old_converter_made(
    prefix: str, old: dict[str, np.ndarray], network: SegFormer
) -> None:
    encoder = {name: array for name, array in old.items() if name.startswith("backbone.")}
    arrays = {f"{prefix}{name.removeprefix('backbone.')}": array for name, array in encoder.items()}
    if not prefix:
        arrays["head.weight"] = np.zeros((1000, 256), np.float32)
    assert sum(source.recognises(arrays) for source in SOURCES) == 1
    report = require_covered(load_weights(network, WeightFile(arrays, {})))
    assert (len(report.matched), report.unexpected, report.covers) == (176, [], "backbone.")


@pytest.mark.parametrize(
    "rename",
    [
        lambda name: name.replace("decode_head.", "head."),
        lambda name: name.replace("decode_head.", ""),
        lambda name: name.replace("linear_fuse.conv", "linear_fuse.0").replace(
            "linear_fuse.bn", "linear_fuse.1"
        ),
        lambda name: name.replace(".proj.", ".") if "linear_c" in name else name,
        lambda name: name.replace("linear_fuse.conv.", "linear_fuse."),
    ],
    ids=["head", "no beginning", "numbers", "no proj", "bare convolution"],
)
def test_other_spellings_of_the_decoder(
    rename: Rename, old: dict[str, np.ndarray], network: SegFormer
) -> None:
    """Nobody wrote the decoder's names down; the words for its layers are enough."""
    renamed = {rename(name): array for name, array in old.items()}
    assert renamed.keys() != old.keys()
    report = require_complete(load_weights(network, WeightFile(renamed, {})))
    assert report.unexpected == []
    for name, array in old.items():
        if name.startswith("decode_head."):
            np.testing.assert_array_equal(network.parameters_dict()[name].asnumpy(), array)


def test_a_name_nobody_expects_is_listed(old: dict[str, np.ndarray], network: SegFormer) -> None:
    report = load_weights(network, WeightFile({**old, "extra.weight": np.zeros(3, np.float32)}, {}))
    assert report.unexpected == ["extra.weight"]


def test_the_wider_decoder() -> None:
    weights = WeightFile(empty(old_names(official_shapes("segformer_b1", decoder=512))), {})
    assert decoder_width_of(weights) == 512
    network = build_model("segformer_b1", 19, decoder_width=decoder_width_of(weights))
    assert require_complete(load_weights(network, weights)).unexpected == []


def test_there_and_back(network: SegFormer) -> None:
    ours = {name: np.zeros(0) for name in network.parameters_dict()}
    old = to_old_zoo(ours)
    assert all(theirs in old for theirs in FACTS.values())
    assert not any(".patch_embed1.proj." in name for name in old)
    assert list(from_old_zoo(old)) == list(ours)


def test_the_size_of_the_checkpoint_in_the_old_guide() -> None:
    """The old guide (003) lists 176,884,411 bytes for b1: these entries and 244 bytes, enough for a few counters."""
    arrays = empty(old_names(official_shapes("segformer_b1", decoder=512)))
    moments = training_state(arrays)
    counters = {name for name, array in moments.items() if array.size == 1}
    entries = {name: array for name, array in (arrays | moments).items() if name not in counters}
    size = sum(len(part) for name, array in entries.items() for part in encode_array(name, array))
    assert 176_884_411 - size == 244
    assert sum(len(part) for name in counters for part in encode_array(name, moments[name])) < 244
