"""What checkpoints say of their model, true or not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ms_core.checkpoint import ModelCard, read_model_card, read_weights, write_checkpoint
from ms_core.errors import UserError

METADATA = {
    "model": "ssd300",
    "variant": "zoo",
    "padding": "same",
    "num_classes": 3,
    "classes": ["é", "b"],
    "category_ids": [7, 0],
    "input_size": [300, 320],
    "mean": [0.485, 0.456, 0],
    "std": [0.229, 0.224, 1],
    "epoch": 3,
}


def checkpoint(folder: Path, metadata: dict[str, Any]) -> Path:
    write_checkpoint(folder / "w.ckpt", {"w": np.ones(1, np.float32)}, metadata)
    return folder / "w.ckpt"


def test_a_full_card(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, METADATA)
    wanted = ModelCard(
        path, "ssd300", "zoo", "same", 3, ("é", "b"), (7, 0), (300, 320), (0.485, 0.456, 0), (0.229, 0.224, 1)
    )
    assert read_model_card(path) == wanted
    assert read_model_card(str(path)) == wanted
    assert read_model_card(read_weights(path)) == wanted


def test_what_is_not_said_is_none(tmp_path: Path) -> None:
    path = checkpoint(tmp_path, {"classes": ["a"], "padding": None})
    assert read_model_card(path) == ModelCard(path, classes=("a",))
    np.savez(tmp_path / "w.npz", w=np.ones(1))
    assert read_model_card(tmp_path / "w.npz") == ModelCard(tmp_path / "w.npz")


def test_a_network_without_a_background(tmp_path: Path) -> None:
    stated = {"num_classes": 2, "classes": ["a", "b"], "palette": [[0, 0, 0], [1, 2, 255]]}
    card = read_model_card(checkpoint(tmp_path, {**stated, "background": False, "decoder_width": 256}))
    assert (card.num_classes, card.background, card.decoder_width) == (2, False, 256)
    assert card.palette == ((0, 0, 0), (1, 2, 255))


def test_one_class_is_enough_without_a_background(tmp_path: Path) -> None:
    card = read_model_card(checkpoint(tmp_path, {"num_classes": 1, "classes": ["a"], "background": False}))
    assert (card.num_classes, card.classes) == (1, ("a",))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("model", value) for value in (3, "", ["ssd300"])),
        ("variant", True),
        ("padding", {"same": 1}),
        *(("num_classes", value) for value in ("3", 3.0, True, 1, -3)),
        *(("classes", value) for value in ("ab", [], [1, 2], {"a": 0}, 2)),
        *(("category_ids", value) for value in ([1, "2"], [1.0, 2.0], [True, False], [], 1)),
        *(("input_size", value) for value in ([300], [300, 300, 3], [0, 300], [300.0, 300], 300)),
        *(("mean", value) for value in ([0.5, 0.5], ["a", "b", "c"], [float("nan")] * 3, [[0], [0], [0]])),
        *(("background", value) for value in (0, "no")),
        *(
            ("palette", value)
            for value in ([[0, 0]], [[0, 0, 256]], [[0, 0, True]], [[0, 0, 0.0]], [], "red")
        ),
        *(("decoder_width", value) for value in (0, 256.0, True)),
        *(("std", value) for value in ([0.5, 0.5, 0], [float("inf")] * 3, [10**400, "x", 1])),
    ],
)
def test_wrong_types_are_refused_by_file_and_key(key: str, value: Any, tmp_path: Path) -> None:
    assert_refused(checkpoint(tmp_path, {key: value}), key)


@pytest.mark.parametrize(
    ("metadata", "key"),
    [
        ({"num_classes": 3, "classes": ["a"]}, "classes"),
        ({"num_classes": 3, "category_ids": [1, 2, 3]}, "category_ids"),
        ({"classes": ["a", "b"], "category_ids": [1]}, "category_ids"),
        ({**METADATA, "category_ids": [1]}, "category_ids"),
        ({"classes": ["a", "b"], "palette": [[0, 0, 0]]}, "palette"),
        ({"num_classes": 2, "classes": ["a"], "background": False}, "classes"),
    ],
)
def test_numbers_of_classes_must_agree(metadata: dict[str, Any], key: str, tmp_path: Path) -> None:
    assert_refused(checkpoint(tmp_path, metadata), key)


def test_a_long_or_strange_value_stays_on_one_short_line(tmp_path: Path) -> None:
    assert_refused(checkpoint(tmp_path, {"model": ["x\ny" * 100] * 100}), "model")


def assert_refused(path: Path, key: str) -> None:
    for source in (path, read_weights(path)):
        with pytest.raises(UserError) as error:
            read_model_card(source)
        message = str(error.value)
        assert message.startswith(f"{path}: metadata {key}: ")
        assert message.isprintable()
        assert len(message) < 250 + len(str(path))
