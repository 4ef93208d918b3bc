"""Surgery: rows of the reference, files, and files that do not fit."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ms_core.checkpoint import read_model_card, read_weights, write_checkpoint
from ms_core.errors import UserError
from ms_defrcn.class_lists import published_lists
from ms_defrcn.surgery import randinit, remove, row_map, surgery

from .weight_files import GOLDEN, Rule, detectron2_shapes, filled, ours, write_pickle

BASE = ("mug", "plate", "fork")
ALL = ("mug", "spoon", "plate", "fork", "knife")
PREDICTOR = "roi_heads.box_predictor."


def predictors(classes: int, features: int = 6) -> dict[str, np.ndarray]:
    """Every row tells its label: 1 for the first class, and so on."""
    labels = np.arange(1, classes + 2, dtype=np.float32)
    boxes = np.repeat(labels[:-1], 4)
    return {
        f"{PREDICTOR}cls_score.weight": np.tile(labels[:, None], (1, features)),
        f"{PREDICTOR}cls_score.bias": labels,
        f"{PREDICTOR}bbox_pred.weight": np.tile(boxes[:, None], (1, features)),
        f"{PREDICTOR}bbox_pred.bias": boxes,
    }


@pytest.fixture(scope="module")
def arrays(golden_weight: Rule) -> dict[str, np.ndarray]:
    """A network of three classes under our names, of which surgery only looks at the predictors."""
    state = detectron2_state(golden_weight)
    return {ours(name): array for name, array in state.items() if "anchors" not in name}


def detectron2_state(rule: Rule) -> dict[str, np.ndarray]:
    shapes = detectron2_shapes("defrcn_r18", 3)
    return filled({n: s if "box_predictor" in n else s[:1] for n, s in shapes.items()}, rule)


def own_file(folder: Path, arrays: dict[str, np.ndarray], **changes: Any) -> Path:
    card = {"model": "defrcn_r18", "num_classes": 3, "classes": list(BASE), "background": False, "epoch": 9}
    state = {"train.step": np.int32([7]), f"train.ema.{PREDICTOR}cls_score.bias": np.float32([4, 3, 2, 1])}
    write_checkpoint(
        folder / "base.ckpt", arrays | state, {k: v for k, v in (card | changes).items() if v is not None}
    )
    return folder / "base.ckpt"


@pytest.mark.parametrize("split", ["coco", "voc"])
def test_rows_of_the_reference(split: str) -> None:
    """Where base classes and background end up, what is new and what is 0; and the spread of new weights."""
    golden = json.loads((GOLDEN / "surgery.json").read_text())[split]
    lists = published_lists("coco" if split == "coco" else "voc1")
    rows = row_map(lists.base, lists.all, Path("base.ckpt"))
    assert [-1 if row is None else row for row in rows] == golden["box_from_base"]
    base = predictors(len(lists.base), 2048)
    new = randinit(base, rows, seed=0)
    weight, bias = new[f"{PREDICTOR}cls_score.weight"], new[f"{PREDICTOR}cls_score.bias"]
    assert bias.tolist() == golden["bias_cls"]
    for row, label in enumerate(golden["cls_row_from_base"]):
        if label >= 0:
            np.testing.assert_array_equal(weight[row], base[f"{PREDICTOR}cls_score.weight"][label])
    boxes, box_bias = new[f"{PREDICTOR}bbox_pred.weight"], new[f"{PREDICTOR}bbox_pred.bias"]
    assert int((box_bias == 0).sum()) == golden["bias_box_zero_rows"]
    drawn = boxes[box_bias == 0]
    assert abs(drawn.std() - 0.01) < 1e-4
    assert abs(golden["box_new_std"] - 0.01) < 1e-3  # of the reference's draw, which is much smaller
    assert abs(drawn.mean()) < 1e-4
    assert {array.dtype for array in new.values()} == {np.dtype(np.float32)}


def test_boxes_move_four_rows_at_a_time() -> None:
    new = randinit(predictors(3), row_map(BASE, ALL, Path()), seed=0)
    assert new[f"{PREDICTOR}bbox_pred.bias"].reshape(5, 4).tolist() == [[n] * 4 for n in (1, 0, 2, 3, 0)]


def test_the_seed_decides() -> None:
    rows = row_map(BASE, ALL, Path())
    first, again, other = (
        randinit(predictors(3), rows, seed)[f"{PREDICTOR}cls_score.weight"] for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[1], other[1])
    np.testing.assert_array_equal(first[[0, 2, 3, 5]], other[[0, 2, 3, 5]])


def test_remove_drops_the_predictors_only() -> None:
    assert remove(predictors(3) | {"roi_heads.res5.0.conv1.weight": np.ones(1)}).keys() == {
        "roi_heads.res5.0.conv1.weight"
    }


def test_the_start_of_fsod(
    arrays: dict[str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "new" / "start.ckpt"
    surgery(own_file(tmp_path, arrays), target, method="remove", base=BASE, classes=("pan",), seed=0)
    stored = read_weights(target)
    assert set(stored.arrays) == {name for name in arrays if not name.startswith(PREDICTOR)}
    assert stored.metadata == {
        "model": "defrcn_r18",
        "num_classes": 1,
        "background": False,
        "classes": ["pan"],
        "surgery": "remove",
    }
    assert read_model_card(target).classes == ("pan",)
    printed = capsys.readouterr().out
    assert "base.ckpt: own names, 3 base classes; remove for 1 classes" in printed
    assert "dropped: roi_heads.box_predictor.cls_score.weight [4, 512]" in printed
    assert "fine-tuning starts them anew for: pan" in printed


def test_the_start_of_gfsod(
    arrays: dict[str, np.ndarray], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Averaged weights count, and the order of the classes is the one the file states."""
    base = own_file(tmp_path, arrays)
    shuffled = ("fork", "mug", "plate")
    surgery(base, tmp_path / "start.ckpt", method="randinit", base=shuffled, classes=ALL, seed=5)
    stored = read_weights(tmp_path / "start.ckpt")
    assert set(stored.arrays) == set(arrays)
    assert stored.metadata["surgery"] == "randinit, seed 5"
    assert read_model_card(stored).num_classes == 5
    assert stored.arrays[f"{PREDICTOR}cls_score.bias"].tolist() == [4, 0, 3, 2, 0, 1]
    np.testing.assert_array_equal(
        stored.arrays[f"{PREDICTOR}bbox_pred.weight"][8:16], arrays[f"{PREDICTOR}bbox_pred.weight"][4:12]
    )
    lines = capsys.readouterr().out.splitlines()
    assert lines[1:-1] == [
        "  row 0: base row 0 (mug)",
        "  row 1: new (spoon)",
        "  rows 2-3: base rows 1-2 (plate, fork)",
        "  row 4: new (knife)",
        "  row 5: base row 3 (background)",
    ]


def test_a_detectron2_network(golden_weight: Rule, tmp_path: Path) -> None:
    state = detectron2_state(golden_weight)
    base = write_pickle(tmp_path / "model_final.pth", {"model": state, "iteration": 109999})
    surgery(base, tmp_path / "start.ckpt", method="randinit", base=BASE, classes=ALL, seed=0)
    stored = read_weights(tmp_path / "start.ckpt")
    assert stored.metadata["model"] == "defrcn_r18"
    assert stored.arrays[f"{PREDICTOR}cls_score.weight"].shape == (6, 512)
    assert not [name for name in stored.arrays if "anchors" in name]


def test_other_anchors_are_kept(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    base = own_file(tmp_path, arrays, anchor_sizes=[16, 32])
    surgery(base, tmp_path / "start.ckpt", method="remove", base=BASE, classes=ALL, seed=0)
    assert read_weights(tmp_path / "start.ckpt").metadata["anchor_sizes"] == [16, 32]


@pytest.mark.parametrize(
    ("changes", "options", "words"),
    [
        ({}, {"base": BASE[:2]}, ["base.ckpt: was trained for 3 classes, 2 base classes are named"]),
        ({}, {"base": ("mug", "plate", "cup")}, ["base class 'cup'", "but for mug, plate, fork"]),
        ({}, {"classes": ("mug", "pan")}, ["base class 'plate' is not among", "--method remove"]),
        ({"anchor_ratios": ["wide"]}, {}, ["metadata anchor_ratios"]),
        (
            {"num_classes": 4, "classes": None},
            {"base": (*BASE, "pan")},
            ["base.ckpt: was trained for 3 classes"],
        ),
    ],
)
def test_classes_that_do_not_fit(
    changes: dict[str, Any],
    options: dict[str, Any],
    words: list[str],
    arrays: dict[str, np.ndarray],
    tmp_path: Path,
) -> None:
    asked = {"base": BASE, "classes": ALL} | options
    assert_refused(own_file(tmp_path, arrays, **changes), tmp_path, words, **asked)


@pytest.mark.parametrize(
    ("left_out", "words"),
    [(PREDICTOR, ["holds no predictors"]), (f"{PREDICTOR}bbox_pred.bias", ["holds no predictors"])],
)
def test_no_base_network(
    left_out: str, words: list[str], arrays: dict[str, np.ndarray], tmp_path: Path
) -> None:
    rest = {name: array for name, array in arrays.items() if not name.startswith(left_out)}
    write_checkpoint(tmp_path / "base.ckpt", rest, {})
    assert_refused(tmp_path / "base.ckpt", tmp_path, words, base=BASE, classes=ALL)


def test_predictors_that_do_not_fit_together(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    name = f"{PREDICTOR}bbox_pred.weight"
    write_checkpoint(tmp_path / "base.ckpt", arrays | {name: arrays[name][4:]}, {})
    assert_refused(tmp_path / "base.ckpt", tmp_path, ["do not fit together"], base=BASE, classes=ALL)


def test_a_network_of_nobody(tmp_path: Path) -> None:
    write_checkpoint(tmp_path / "base.ckpt", predictors(3), {})
    assert_refused(tmp_path / "base.ckpt", tmp_path, ["no network of this package"], base=BASE, classes=ALL)


def test_nothing_is_replaced_unasked(arrays: dict[str, np.ndarray], tmp_path: Path) -> None:
    base, target = own_file(tmp_path, arrays), tmp_path / "start.ckpt"
    target.write_text("mine")
    with pytest.raises(UserError, match=r"start\.ckpt.*--overwrite"):
        surgery(base, target, method="remove", base=BASE, classes=ALL, seed=0)
    assert target.read_text() == "mine"
    surgery(base, target, method="remove", base=BASE, classes=ALL, seed=0, overwrite=True)
    assert read_model_card(target).classes == ALL
    with pytest.raises(UserError, match="is the source itself"):
        surgery(base, base, method="remove", base=BASE, classes=ALL, seed=0, overwrite=True)


def assert_refused(file: Path, folder: Path, words: list[str], **options: Any) -> None:
    with pytest.raises(UserError) as caught:
        surgery(file, folder / "start.ckpt", method="randinit", seed=0, **options)
    message = str(caught.value)
    assert message.startswith(str(file))
    assert "\n" not in message
    assert all(word in message for word in words), message
    assert not (folder / "start.ckpt").exists()
