"""The best and the worst of a stream: in order, shared out, made only when kept."""

import gc
import weakref

import numpy as np
import pytest
from ms_core.evaluation.best_and_worst import BestAndWorst
from ms_core.evaluation.semantic_extremes import SegmentationScore, SemanticExtremes, score_confusion


def test_against_sorting_everything() -> None:
    ranks = np.random.default_rng(0).integers(0, 20, 200).tolist()
    kept: BestAndWorst[int] = BestAndWorst(5)
    for place, rank in enumerate(ranks):
        kept.update((rank,), lambda place=place: place)
    order = sorted(range(200), key=lambda place: (-ranks[place], place))
    assert kept.best() == order[:5]
    assert kept.worst() == order[::-1][:5]


@pytest.mark.parametrize("seen", [0, 1, 2, 5])
def test_few_are_shared_out_without_overlap(seen: int) -> None:
    kept: BestAndWorst[int] = BestAndWorst(6)
    for place in range(seen):
        kept.update((float(place),), lambda place=place: place)
    assert sorted(kept.best() + kept.worst()) == list(range(seen))


def test_an_item_is_made_only_if_it_is_kept() -> None:
    kept: BestAndWorst[int] = BestAndWorst(1)
    made: list[int] = []
    for rank in (5, 1, 9, 4, 6, 2):
        kept.update((rank,), lambda rank=rank: made.append(rank) or rank)
    assert made == [5, 1, 9]
    assert (kept.best(), kept.worst()) == ([9], [1])
    nothing: BestAndWorst[int] = BestAndWorst(0)
    nothing.update((1,), lambda: 1)
    assert nothing.best() == nothing.worst() == []


def test_memory_is_bounded() -> None:
    class Item:
        pass

    alive: weakref.WeakSet[Item] = weakref.WeakSet()

    def make() -> Item:
        item = Item()
        alive.add(item)
        return item

    kept: BestAndWorst[Item] = BestAndWorst(3)
    for rank in np.random.default_rng(0).permutation(100).tolist():
        kept.update((rank,), make)
        gc.collect()
        assert len(alive) <= 6


def test_score_of_one_image_counts_annotated_classes() -> None:
    confusion = np.array([[6, 2, 1], [0, 1, 0], [0, 0, 0]])
    assert score_confusion(confusion) == SegmentationScore((6 / 9 + 1 / 3) / 2, 0.7)
    assert score_confusion(np.zeros((3, 3), int)) is None


def test_predictions_come_back_and_nothing_is_read_before() -> None:
    extremes = SemanticExtremes(1)
    read: list[int] = []
    maps = [np.full((4, 5), value, np.uint8) for value in (0, 3, 254)]

    def load(index: int) -> tuple[np.ndarray, np.ndarray]:
        read.append(index)
        return np.zeros((4, 5, 3), np.uint8), maps[index]

    for index, right in enumerate((5, 20, 1)):
        confusion = np.array([[right, 20 - right], [0, 0]])
        extremes.update(f"{index}.png", confusion, maps[index], lambda index=index: load(index))
    extremes.update("void.png", np.zeros((2, 2), int), maps[0], lambda: load(0))
    assert read == []
    (best,), (worst,) = extremes.best(), extremes.worst()
    assert (best.name, worst.name) == ("1.png", "2.png")
    image, truth, prediction = worst.read()
    np.testing.assert_array_equal(prediction, maps[2])
    np.testing.assert_array_equal(truth, maps[2])
    assert image.shape == (4, 5, 3)
    assert read == [2]
