"""`convert`: any weights to a checkpoint of ours, and ours to one of the old zoo."""

from pathlib import Path
from typing import Any

import mindspore as ms
import numpy as np
import pytest
from ms_core.checkpoint import read_weights, write_checkpoint
from ms_core.checkpoint.read import read_metadata
from ms_core.errors import UserError
from ms_segformer import build_model, load_weights
from ms_segformer.conversion import convert_weights
from ms_segformer.weights import classes_of, model_metadata, palette_of

from .files import Rule, encoder_shapes, filled, official_shapes, old_names, write_pth


@pytest.fixture(scope="module")
def official(tmp_path_factory: pytest.TempPathFactory, golden_weight: Rule) -> Path:
    state = filled(official_shapes("segformer_b0", 3), golden_weight)
    meta = {"CLASSES": ("road", "sky", "car"), "PALETTE": [[1, 2, 3], [4, 5, 6], [7, 8, 9]]}
    return write_pth(tmp_path_factory.mktemp("files") / "b0.pth", {"state_dict": state, "meta": meta})


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory, golden_weight: Rule) -> Path:
    return write_pth(
        tmp_path_factory.mktemp("files") / "mit_b0.pth", filled(encoder_shapes("segformer_b0"), golden_weight)
    )


def assert_same_bits(found: dict[str, np.ndarray], wanted: dict[str, np.ndarray]) -> None:
    assert list(found) == list(wanted)
    for name, array in wanted.items():
        assert found[name].tobytes() == array.tobytes(), name


def test_an_official_file_says_all_itself(
    official: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    report = convert_weights(official, tmp_path / "ours.ckpt")
    assert "official SegFormer: 191 of 191 parameters filled from 194 arrays" in capsys.readouterr().out
    assert report.missing == report.unexpected == []
    assert read_metadata(tmp_path / "ours.ckpt") == {
        "model": "segformer_b0",
        "decoder_width": 256,
        "num_classes": 3,
        "background": False,
        "classes": ["road", "sky", "car"],
        "palette": [[1, 2, 3], [4, 5, 6], [7, 8, 9]],
    }
    network = build_model("segformer_b0", 3)
    load_weights(network, official)
    assert_same_bits(
        read_weights(tmp_path / "ours.ckpt").arrays,
        {name: parameter.asnumpy() for name, parameter in network.parameters_dict().items()},
    )


def test_an_encoder_stays_one(encoder: Path, tmp_path: Path, golden_weight: Rule) -> None:
    """And becomes what the old convert_model.py made of it."""
    ours, old = tmp_path / "ours.ckpt", tmp_path / "old.ckpt"
    convert_weights(encoder, ours)
    stored = read_weights(ours)
    assert (len(stored.arrays), stored.metadata) == (176, {"model": "segformer_b0"})
    assert all(name.startswith("backbone.") for name in stored.arrays)
    convert_weights(ours, old, to="zoo")
    shapes = {name: shape for name, shape in official_shapes("segformer_b0").items() if "backbone" in name}
    arrays = ms.load_checkpoint(str(old))
    assert {name: tuple(array.shape) for name, array in arrays.items()} == old_names(shapes)
    first = golden_weight("patch_embed1.proj.weight", (32, 3, 7, 7))
    np.testing.assert_array_equal(arrays["backbone.patch_embed1.conv.weight"].asnumpy(), first)


@pytest.mark.parametrize(("model", "width"), [("segformer_b0", 256), ("segformer_b1", 512)])
def test_there_and_back(model: str, width: int, tmp_path: Path, golden_weight: Rule) -> None:
    """Old -> ours -> old: names and bits; MindSpore reads the result, and nothing but weights is in it."""
    arrays = filled(old_names(official_shapes(model, 4, width)), golden_weight)
    moments = {f"adam_m.{name}": array for name, array in arrays.items()}
    old, ours, again = tmp_path / "segformer_mit_1.ckpt", tmp_path / "ours.ckpt", tmp_path / "again.ckpt"
    write_checkpoint(old, {**arrays, **moments, "global_step": np.int32([7])}, None)
    convert_weights(old, ours)
    assert read_metadata(ours)["decoder_width"] == width
    convert_weights(ours, again, to="zoo")
    stored = {name: tensor.asnumpy() for name, tensor in ms.load_checkpoint(str(again)).items()}
    assert sorted(stored) == sorted(arrays)
    assert_same_bits({name: stored[name] for name in arrays}, arrays)
    assert read_metadata(again) == {}


def test_names_from_a_file(official: Path, tmp_path: Path) -> None:
    (tmp_path / "classes.txt").write_text("asphalt 9 9 9\nair 8 8 8\nvehicle 7 7 7\n")
    convert_weights(official, tmp_path / "ours.ckpt", classes=str(tmp_path / "classes.txt"))
    stored = read_weights(tmp_path / "ours.ckpt")
    assert classes_of(stored) == ("asphalt", "air", "vehicle")
    assert palette_of(stored) == ((9, 9, 9), (8, 8, 8), (7, 7, 7))


def test_a_checkpoint_of_ours_keeps_what_it_says(tmp_path: Path) -> None:
    network = build_model("segformer_b0", 2)
    arrays = {name: parameter.asnumpy() for name, parameter in network.parameters_dict().items()}
    metadata = model_metadata(network, ["a", "b"]) | {"epoch": 3}
    write_checkpoint(tmp_path / "last.ckpt", arrays | {"train.step": np.int32([1])}, metadata)
    convert_weights(tmp_path / "last.ckpt", tmp_path / "small.ckpt", classes="2")
    assert read_metadata(tmp_path / "small.ckpt") == metadata
    assert_same_bits(read_weights(tmp_path / "small.ckpt").arrays, arrays)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"model": "segformer_b1"}, ["holds weights of segformer_b0", "is segformer_b1"]),
        ({"classes": "19"}, ["--classes 19: 19 classes", "trained for 3"]),
        ({"model": "segformer_b9"}, ["segformer_b9"]),
    ],
)
def test_options_that_contradict_the_file(
    options: dict[str, Any], words: list[str], official: Path, tmp_path: Path
) -> None:
    with pytest.raises(UserError) as caught:
        convert_weights(official, tmp_path / "ours.ckpt", **options)
    message = str(caught.value)
    assert "\n" not in message
    assert all(word in message for word in words), message
    assert not list(tmp_path.iterdir())


def test_an_encoder_has_no_classes(encoder: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="holds an encoder alone"):
        convert_weights(encoder, tmp_path / "ours.ckpt", classes="19")


def test_a_width_that_the_old_zoo_does_not_have(tmp_path: Path, golden_weight: Rule) -> None:
    np.savez(tmp_path / "b1.npz", **filled(official_shapes("segformer_b1"), golden_weight))
    with pytest.raises(
        UserError, match=r"b1\.npz: its decoder has 256 channels, segformer_b1 of the old zoo has 512"
    ):
        convert_weights(tmp_path / "b1.npz", tmp_path / "old.ckpt", to="zoo")
    assert not (tmp_path / "old.ckpt").exists()


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"state_dict": {}, "meta": {}}, "nothing.pth: holds no named arrays"),
        (
            {"conv1.weight": np.zeros((4, 3, 1, 1), np.float32)},
            r"nothing.pth: holds no encoder .* \(conv1.weight, ",
        ),
    ],
)
def test_nothing_to_convert(value: Any, words: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=words):
        convert_weights(write_pth(tmp_path / "nothing.pth", value), tmp_path / "ours.ckpt")
    assert not (tmp_path / "ours.ckpt").exists()


def test_results_are_not_replaced_unasked(official: Path, tmp_path: Path) -> None:
    convert_weights(official, tmp_path / "ours.ckpt")
    with pytest.raises(UserError, match="--overwrite"):
        convert_weights(official, tmp_path / "ours.ckpt")
    convert_weights(official, tmp_path / "ours.ckpt", overwrite=True)
