"""The best and the worst of a stream, with bounded memory."""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import Generic, TypeVar

Item = TypeVar("Item")
Key = tuple[float, ...]


class BestAndWorst(Generic[Item]):
    """Keeps the `count` items with the greatest and the `count` with the least rank; of equals the earlier is better.

    Args:
        count: items on either side.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._seen = 0
        # No two keys are equal, so items are never compared.
        self._best: list[tuple[Key, Item]] = []
        self._worst: list[tuple[Key, Item]] = []

    def update(self, rank: Key, make: Callable[[], Item]) -> None:
        """Take one item.

        Args:
            rank: greater is better.
            make: gives the item; called at most once, and only if it is kept.
        """
        self._seen += 1
        key = (*rank, -self._seen)
        opposite = tuple(-part for part in key)
        is_best, is_worst = self._wants(self._best, key), self._wants(self._worst, opposite)
        if is_best or is_worst:
            item = make()
            if is_best:
                self._keep(self._best, (key, item))
            if is_worst:
                self._keep(self._worst, (opposite, item))

    def best(self) -> list[Item]:
        """The best first. Nothing is among the best and the worst: few items are shared out by halves."""
        return _first(self._best, -(-self._seen // 2))

    def worst(self) -> list[Item]:
        """The worst first."""
        return _first(self._worst, self._seen // 2)

    def _wants(self, heap: list[tuple[Key, Item]], key: Key) -> bool:
        return len(heap) < self.count or (self.count > 0 and key > heap[0][0])

    def _keep(self, heap: list[tuple[Key, Item]], entry: tuple[Key, Item]) -> None:
        if len(heap) < self.count:
            heapq.heappush(heap, entry)
        else:
            heapq.heapreplace(heap, entry)


def _first(heap: list[tuple[Key, Item]], most: int) -> list[Item]:
    return [item for _, item in sorted(heap, key=lambda entry: entry[0], reverse=True)[:most]]
