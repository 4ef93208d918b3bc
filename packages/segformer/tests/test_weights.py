"""`load_weights`, and what files tell of their networks: the authors' files and our own."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import cv2
import ms_segformer.weights
import numpy as np
import pytest
from mindspore import Tensor
from ms_core.checkpoint import WeightFile, read_weights, require_complete, require_covered, write_checkpoint
from ms_core.checkpoint.stated_classes import StatedClasses
from ms_core.errors import UserError
from ms_segformer import build_model, load_weights
from ms_segformer.config import SegFormerConfig
from ms_segformer.conversion import convert_weights
from ms_segformer.official import OFFICIAL
from ms_segformer.segformer import SegFormer
from ms_segformer.trained import load_trained
from ms_segformer.weights import (
    classes_of,
    decoder_width_of,
    in_our_names,
    load_encoder,
    model_metadata,
    model_of,
    num_classes_of,
    palette_of,
)

from .files import SIZES, Rule, empty, encoder_shapes, filled, official_shapes, write_pth

GOLDEN = Path(__file__).parent / "golden"
OFFICIAL_FILE = "segformer.b0.1024x1024.city.160k.pth"
ENCODER_FILES = ("mit_b0.pth", "mit_b0_legacy_format.pth")


def arrays_of(network: SegFormer) -> dict[str, np.ndarray]:
    return {name: parameter.asnumpy().copy() for name, parameter in network.parameters_dict().items()}


def own_file(folder: Path, network: SegFormer, **metadata: Any) -> Path:
    write_checkpoint(folder / "own.ckpt", arrays_of(network), model_metadata(network) | metadata)
    return folder / "own.ckpt"


def assert_refused(network: SegFormer, weights: Path | WeightFile, *words: str) -> None:
    before = arrays_of(network)
    with pytest.raises(UserError) as caught:
        load_weights(network, weights)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
    assert all(np.array_equal(before[name], array) for name, array in arrays_of(network).items())


@pytest.fixture
def network() -> SegFormer:
    return build_model("segformer_b0", 19).set_train(False)


@pytest.fixture(scope="module")
def official_file(tmp_path_factory: pytest.TempPathFactory, golden_weight: Rule) -> Path:
    """The golden weights in a file like the authors'."""
    state = filled(official_shapes("segformer_b0"), golden_weight)
    meta = {
        "CLASSES": tuple(f"class {label}" for label in range(19)),
        "PALETTE": [[9, 8, 7]] * 19,
        "iter": 160000,
    }
    return write_pth(tmp_path_factory.mktemp("official") / "b0.pth", {"state_dict": state, "meta": meta})


# --- the authors' files


def assert_golden_classes(network: SegFormer, file: Path) -> None:
    """Enlarged logits choose the reference's class wherever its two best are not all but equal."""
    require_complete(load_weights(network, file))
    images = np.random.default_rng(0).standard_normal((1, 3, 256, 512)).astype(np.float32)
    logits = network(Tensor(images)).asnumpy()[0]
    full = np.stack([cv2.resize(plane, (512, 256), interpolation=cv2.INTER_LINEAR) for plane in logits])
    second, best = np.sort(full, axis=0)[-2:]
    with np.load(GOLDEN / "official_b0.npz") as golden:
        wrong = full.argmax(axis=0) != golden["argmax"][0]
    assert not wrong[best - second >= 1e-4].any()
    assert wrong.sum() <= 39


def test_an_official_file_gives_the_golden_classes(network: SegFormer, official_file: Path) -> None:
    assert_golden_classes(network, official_file)


def test_the_golden_official_file(network: SegFormer, shared: Path) -> None:
    assert_golden_classes(network, shared / "golden" / "segformer" / OFFICIAL_FILE)


def test_what_an_official_file_tells(network: SegFormer, official_file: Path) -> None:
    weights = read_weights(official_file)
    assert (model_of(weights), decoder_width_of(weights), num_classes_of(weights)) == (
        "segformer_b0",
        256,
        19,
    )
    assert classes_of(weights) == tuple(f"class {label}" for label in range(19))
    assert palette_of(weights) == ((9, 8, 7),) * 19
    report = load_weights(network, weights)
    assert (len(report.matched), report.missing, report.unexpected, report.reshaped) == (191, [], [], [])
    assert (report.source, report.covers, report.file_arrays) == ("official SegFormer", "", 194)


def test_flat_or_nested_is_the_same(network: SegFormer, golden_weight: Rule, tmp_path: Path) -> None:
    state = filled(official_shapes("segformer_b0"), golden_weight)
    assert len(load_weights(network, write_pth(tmp_path / "flat.pth", state)).matched) == 191


@pytest.mark.parametrize("name", ENCODER_FILES)
def test_official_encoders(name: str, network: SegFormer, shared: Path, golden_weight: Rule) -> None:
    """Zip and legacy format; the decoder keeps its values, ImageNet's classifier is no surprise."""
    before = arrays_of(network)
    report = require_covered(load_weights(network, shared / "golden" / "segformer" / name))
    assert (len(report.matched), report.unexpected, report.reshaped, report.covers) == (
        176,
        [],
        [],
        "backbone.",
    )
    after = arrays_of(network)
    wanted = golden_weight("block1.0.attn.kv.weight", (64, 32))
    np.testing.assert_array_equal(after["backbone.block1.0.attn.kv.weight"], wanted)
    decoder = [name for name in after if name.startswith("decode_head.")]
    assert sorted(report.missing) == sorted(decoder)
    assert all(np.array_equal(before[name], after[name]) for name in decoder)


def test_an_encoder_alone_tells_no_classes() -> None:
    weights = WeightFile(empty(encoder_shapes("segformer_b0")), {})
    assert (decoder_width_of(weights), num_classes_of(weights), classes_of(weights)) == (None, None, None)


@pytest.mark.parametrize("model", SIZES)
def test_models_are_told_apart_by_their_sizes(model: str) -> None:
    whole = WeightFile(empty(official_shapes(model)), {})
    assert (model_of(whole), decoder_width_of(whole)) == (model, SIZES[model][2])
    assert model_of(WeightFile(empty(encoder_shapes(model)), {})) == model
    assert model_of(in_our_names(whole)) == model


@pytest.mark.parametrize("model", ["segformer_b1", "segformer_b2"])
def test_every_parameter_of_larger_models_has_an_official_name(model: str) -> None:
    report = load_weights(build_model(model, 19), WeightFile(empty(official_shapes(model)), {}))
    assert (report.missing, report.unexpected, report.reshaped) == ([], [], [])


def test_sizes_nobody_published() -> None:
    arrays = empty(official_shapes("segformer_b0"))
    for name in [name for name in arrays if name.startswith("backbone.block3.1.")]:
        del arrays[name]
    assert model_of(WeightFile(arrays, {})) is None


# --- heads, widths and sizes that differ


def test_a_head_for_other_classes_keeps_its_values(official_file: Path) -> None:
    network = build_model("segformer_b0", 11)
    before = arrays_of(network)
    report = load_weights(network, official_file)
    head = ["decode_head.linear_pred.weight", "decode_head.linear_pred.bias"]
    assert (report.reshaped, len(report.matched), report.file_classes) == (head, 189, 19)
    assert (
        "decode_head.linear_pred.weight: (19, 256, 1, 1) in the file, (11, 256, 1, 1) here"
        in report.summary()
    )
    after = arrays_of(network)
    assert all(np.array_equal(before[name], after[name]) for name in head)
    with pytest.raises(UserError, match="head is for 19 classes, this model has 11"):
        require_complete(report)


def test_weights_of_another_model_are_refused(network: SegFormer) -> None:
    for arrays in (empty(official_shapes("segformer_b1")), empty(encoder_shapes("segformer_b1"))):
        file = WeightFile(arrays, {}, path=Path("b1.pth"))
        assert_refused(network, file, "b1.pth: holds weights of segformer_b1", "is segformer_b0")


def test_another_decoder_width_is_refused(network: SegFormer, tmp_path: Path) -> None:
    foreign = WeightFile(empty(official_shapes("segformer_b0", decoder=512)), {}, path=Path("wide.pth"))
    own = own_file(tmp_path, build_model("segformer_b0", 19, decoder_width=512))
    for file in (foreign, own):
        assert_refused(
            network, file, "its decoder has 512 channels, the network's 256", "--model.decoder-width 512"
        )
    wide = build_model("segformer_b0", 19, decoder_width=512)
    assert require_complete(load_weights(wide, own)).missing == []


def test_a_width_that_the_arrays_do_not_have(network: SegFormer, tmp_path: Path) -> None:
    path = own_file(tmp_path, network, decoder_width=512)
    assert_refused(network, path, "own.ckpt: metadata decoder_width: says 512, the arrays have 256")


# --- the encoder alone, of whole files


@pytest.mark.parametrize("width", [256, 512])
def test_of_a_whole_file_the_encoder(
    width: int, network: SegFormer, golden_weight: Rule, tmp_path: Path
) -> None:
    state = filled(official_shapes("segformer_b0", decoder=width), golden_weight)
    before = arrays_of(network)
    report = require_covered(load_encoder(network, write_pth(tmp_path / "whole.pth", state)))
    encoder = {name for name in before if name.startswith("backbone.")}
    assert set(report.matched) == encoder
    assert set(report.missing) == set(before) - encoder
    assert (report.source, report.covers, report.file_arrays) == ("official SegFormer", "backbone.", 194)
    assert (report.unexpected, report.reshaped) == ([], [])
    after = arrays_of(network)
    assert {name for name in before if np.array_equal(before[name], after[name])} == before.keys() - encoder


def test_the_encoder_of_a_training_checkpoint(network: SegFormer, tmp_path: Path) -> None:
    wide = build_model("segformer_b0", 5, decoder_width=64, seed=3)
    name = "backbone.norm1.beta"
    averaged = {f"train.ema.{name}": np.full(32, 0.5, np.float32), "train.step": np.int32([3])}
    write_checkpoint(tmp_path / "last.ckpt", arrays_of(wide) | averaged, model_metadata(wide))
    report = load_encoder(network, tmp_path / "last.ckpt")
    assert (report.averaged, report.source, report.file_arrays) == (True, "own names", 193)
    np.testing.assert_array_equal(network.parameters_dict()[name].asnumpy(), averaged[f"train.ema.{name}"])


def test_the_encoder_of_another_model_is_refused(network: SegFormer) -> None:
    file = WeightFile(empty(official_shapes("segformer_b1")), {}, path=Path("b1.pth"))
    with pytest.raises(UserError, match=r"b1\.pth: holds weights of segformer_b1"):
        load_encoder(network, file)


def test_a_file_without_an_encoder(network: SegFormer) -> None:
    arrays = {"decode_head.linear_pred.bias": np.zeros(19, np.float32), "train.step": np.int32([3])}
    file = WeightFile(arrays, {}, path=Path("head.ckpt"))
    with pytest.raises(UserError, match=r"head\.ckpt: holds no encoder of SegFormer among its 2 arrays"):
        load_encoder(network, file)


def test_a_file_is_translated_once(
    official_file: Path, network: SegFormer, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []

    def translate(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        calls.append(len(arrays))
        return OFFICIAL.translate(arrays)

    counting = tuple(
        replace(OFFICIAL, translate=translate) if source is OFFICIAL else source
        for source in ms_segformer.weights.SOURCES
    )
    monkeypatch.setattr(ms_segformer.weights, "SOURCES", counting)
    load_weights(network, official_file)
    assert calls == [194]
    load_trained(official_file, SegFormerConfig())
    assert calls == [194, 194]
    convert_weights(official_file, official_file.with_name("ours.ckpt"))
    assert calls == [194, 194, 194]


# --- our own checkpoints


def test_own_checkpoint_comes_back(network: SegFormer, tmp_path: Path) -> None:
    metadata = model_metadata(network, [f"{label}" for label in range(19)], np.arange(57).reshape(19, 3))
    write_checkpoint(tmp_path / "own.ckpt", arrays_of(network), metadata)
    other = build_model("segformer_b0", 19, seed=2)
    report = require_complete(load_weights(other, tmp_path / "own.ckpt"))
    assert (len(report.matched), report.unexpected, report.source) == (191, [], "own names")
    for name, array in arrays_of(network).items():
        np.testing.assert_array_equal(other.parameters_dict()[name].asnumpy(), array)
    weights = read_weights(tmp_path / "own.ckpt")
    assert classes_of(weights) == tuple(f"{label}" for label in range(19))
    assert (palette_of(weights) or ())[18] == (54, 55, 56)


def test_averaged_weights_of_a_training_checkpoint(network: SegFormer, tmp_path: Path) -> None:
    name = "decode_head.linear_pred.bias"
    arrays = arrays_of(network) | {
        f"train.ema.{name}": np.full(19, 0.5, np.float32),
        "train.step": np.int32([3]),
    }
    write_checkpoint(tmp_path / "last.ckpt", arrays, model_metadata(network))
    report = load_weights(network, tmp_path / "last.ckpt")
    assert (report.averaged, report.unexpected) == (True, [])
    np.testing.assert_array_equal(network.parameters_dict()[name].asnumpy(), np.full(19, 0.5, np.float32))


def test_names_that_are_not_as_many_as_the_classes() -> None:
    """Names kept by a fine-tuning for other classes are of no use."""
    arrays = empty(official_shapes("segformer_b0"))
    weights = WeightFile(arrays, {}, classes=StatedClasses(("a", "b"), ((0, 0, 0), (1, 1, 1))))
    assert (classes_of(weights), palette_of(weights)) == (None, None)


def test_more_classes_than_a_map_can_hold(tmp_path: Path) -> None:
    network = build_model("segformer_b0", 255)
    with pytest.raises(UserError, match=r"own\.ckpt: 255 classes; maps of 8 bits hold at most 254\."):
        load_trained(own_file(tmp_path, network), SegFormerConfig())


# --- files without use


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"state_dict": {}, "meta": {}}, "holds no named arrays"),
        ({"meta": {"CLASSES": ("road",)}, "state_dict": None}, "holds no named arrays"),
        (
            {"state_dict": {}, "optimizer": {"state": {"exp_avg": np.zeros(3, np.float32)}}},
            "none of its 1 arrays",
        ),
        ({"layer1.0.conv1.weight": np.zeros((4, 4, 1, 1), np.float32)}, "none of its 1 arrays"),
    ],
    ids=["empty", "no state", "optimiser only", "another network"],
)
def test_nothing_in_it_fits(value: Any, words: str, network: SegFormer, tmp_path: Path) -> None:
    assert_refused(network, write_pth(tmp_path / "other.pth", value), "other.pth: ", words)


def test_two_styles_in_one_file(network: SegFormer) -> None:
    arrays = empty(official_shapes("segformer_b0"))
    arrays["backbone.norm1.gamma"] = arrays["backbone.norm1.weight"]
    file = WeightFile(arrays, {}, path=Path("mixed.npz"))
    assert_refused(network, file, "mixed.npz: ", "a second array for backbone.norm1.gamma")
