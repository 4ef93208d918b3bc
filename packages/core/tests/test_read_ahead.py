"""Results come in order, few are held, and an error comes where it belongs."""

import threading
import time
from collections.abc import Iterator

import pytest
from ms_core.read_ahead import read_ahead, thread_count


def test_order_is_kept_whatever_each_item_takes():
    def work(item: int) -> int:
        time.sleep(0.01 * (item % 3))
        return item * item

    assert list(read_ahead(range(20), work, workers=4, ahead=8)) == [i * i for i in range(20)]


def test_no_more_items_are_taken_than_may_wait():
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    results = read_ahead(items(), lambda item: item, workers=2, ahead=4)
    next(results)
    assert len(taken) <= 5


def test_an_error_comes_after_the_results_before_it():
    def work(item: int) -> int:
        if item == 3:
            raise ValueError("item 3")
        return item

    results = read_ahead(range(10), work, ahead=6)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)


def test_an_error_of_the_items_comes_after_the_results_before_it():
    def items() -> Iterator[int]:
        yield from range(3)
        raise ValueError("item 3")

    results = read_ahead(items(), lambda item: item, ahead=6)
    assert [next(results) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="item 3"):
        next(results)


def test_threads_end_when_the_reader_stops_early():
    before = threading.active_count()
    results = read_ahead(range(1000), lambda item: item, ahead=4)
    next(results)
    results.close()
    assert threading.active_count() == before


@pytest.mark.parametrize(("asked", "cores", "started"), [(2, 4, 2), (9, 4, 4), (2, None, 1)])
def test_no_more_threads_than_cores(
    asked: int, cores: int | None, started: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert thread_count(asked) == started
