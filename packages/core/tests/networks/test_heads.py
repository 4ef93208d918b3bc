"""Order of the predictions."""

import numpy as np
import pytest
from mindspore import Tensor
from ms_core.networks.heads import PerLevelHead, WeightSharedHead, flatten_level


def test_rows_are_ordered_by_y_x_anchor() -> None:
    batch, anchors, components, height, width = 2, 3, 4, 2, 5
    maps = np.arange(batch * anchors * components * height * width, dtype=np.float32)
    maps = maps.reshape(batch, anchors * components, height, width)
    rows = flatten_level(Tensor(maps), components).asnumpy()
    assert rows.shape == (batch, height * width * anchors, components)
    y, x, anchor = 1, 3, 2
    expected = maps[1, anchor * components : (anchor + 1) * components, y, x]
    np.testing.assert_array_equal(rows[1, (y * width + x) * anchors + anchor], expected)


def test_levels_follow_one_another() -> None:
    head = PerLevelHead((8, 4), (3, 6), num_classes=5).set_train(False)
    fine, coarse = (np.random.default_rng(0).standard_normal(shape).astype(np.float32)
                    for shape in ((2, 8, 3, 3), (2, 4, 1, 1)))  # fmt: skip
    boxes, classes = (output.asnumpy() for output in head((Tensor(fine), Tensor(coarse))))
    assert boxes.shape == (2, 3 * 3 * 3 + 6, 4)
    assert classes.shape == (2, 3 * 3 * 3 + 6, 5)
    moved = head((Tensor(fine), Tensor(coarse + 1)))[0].asnumpy()
    changed = (moved != boxes).any((0, 2))
    assert not changed[:27].any()
    assert changed[27:].all()


def test_names() -> None:
    names = [
        parameter.name
        for parameter in PerLevelHead((8,), (3,), 5).get_parameters()
        if "1" not in parameter.name
    ]
    assert names == [
        f"multi_{kind}_layers.0.{leaf}"
        for kind in ("loc", "cls")
        for leaf in ("0.weight", "3.weight", "3.bias")
    ]


def shared_head(separable: bool = False) -> WeightSharedHead:
    return WeightSharedHead(2, 8, 6, 5, separable=separable).set_train(False)


@pytest.mark.parametrize("separable", [False, True])
def test_shared_head_covers_every_anchor_of_every_level(separable: bool) -> None:
    features = (Tensor(np.ones((2, 8, 4, 4), np.float32)), Tensor(np.ones((2, 8, 2, 2), np.float32)))
    boxes, classes = shared_head(separable)(features)
    assert (boxes.shape, classes.shape) == ((2, 6 * (16 + 4), 4), (2, 6 * (16 + 4), 5))


def test_shared_head_gives_equal_maps_equal_predictions_unless_a_levels_norm_differs() -> None:
    head = shared_head()
    feature = Tensor(np.random.default_rng(0).standard_normal((1, 8, 3, 3)).astype(np.float32))
    _, classes = head((feature, feature))
    first, second = np.split(classes.asnumpy(), 2, axis=1)
    np.testing.assert_array_equal(first, second)
    head.addition_layer_cls[1][2].features[1].beta.set_data(Tensor(np.full(8, 3, np.float32)))
    _, classes = head((feature, feature))
    changed_first, changed_second = np.split(classes.asnumpy(), 2, axis=1)
    np.testing.assert_array_equal(changed_first, first)
    assert not np.allclose(changed_second, second)
