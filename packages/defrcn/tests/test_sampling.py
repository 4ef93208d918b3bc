"""Drawing by keys against a plain implementation, with too few of everything."""

import mindspore as ms
import numpy as np
import pytest
from mindspore import Tensor
from ms_defrcn.matching import BACKGROUND, IGNORED, OBJECT
from ms_defrcn.sampling import Sample


def _plainly(labels: np.ndarray, keys: np.ndarray, count: int, share: float) -> tuple[list[int], list[int]]:
    """Indices of the objects and of the background that are drawn."""
    order = np.argsort(keys)
    objects = [i for i in order if labels[i] == OBJECT][: int(count * share)]
    return objects, [i for i in order if labels[i] == BACKGROUND][: count - len(objects)]


def _drawn(
    sample: Sample, labels: np.ndarray, keys: np.ndarray
) -> tuple[list[int], list[int], np.ndarray, np.ndarray]:
    found = sample(Tensor(labels.astype(np.int32)), Tensor(keys.astype(np.float32)))
    index, positive, negative = (array.asnumpy() for array in found)
    assert (index >= 0).all()
    assert (index < len(labels)).all()
    return index[positive].tolist(), index[negative].tolist(), positive, negative


@pytest.mark.parametrize(
    ("objects", "background", "share"),
    [(30, 100, 0.25), (3, 100, 0.25), (0, 100, 0.5), (30, 5, 0.5), (0, 0, 0.5), (2, 3, 0.5), (30, 40, 0.0)],
)
def test_the_lowest_keys_win_objects_first(objects: int, background: int, share: float) -> None:
    rng = np.random.default_rng(objects + background)
    labels = np.array([OBJECT] * objects + [BACKGROUND] * background + [IGNORED] * 20)
    rng.shuffle(labels)
    keys = rng.permutation(len(labels))
    ours = _drawn(Sample(16, share), labels, keys)
    assert (ours[0], ours[1]) == _plainly(labels, keys, 16, share)
    # Objects come first, what is left over comes last.
    order = 2 * ours[2] + ours[3]
    assert (np.diff(order.astype(int)) <= 0).all()


def test_fewer_elements_than_places() -> None:
    labels = np.array([OBJECT, BACKGROUND, IGNORED])
    objects, background, positive, negative = _drawn(Sample(256, 0.5), labels, np.arange(3))
    assert (objects, background) == ([0], [1])
    assert (positive | negative).sum() == 2


def test_the_number_of_elements_may_be_unknown(graph_mode: None) -> None:
    sample = Sample(16, 0.25)
    sample.set_inputs(Tensor(shape=[None], dtype=ms.int32), Tensor(shape=[None], dtype=ms.float32))
    rng = np.random.default_rng(0)
    for count in (8, 200):
        labels, keys = rng.integers(-1, 2, count), rng.permutation(count)
        assert _drawn(sample, labels, keys)[:2] == _plainly(labels, keys, 16, 0.25)
