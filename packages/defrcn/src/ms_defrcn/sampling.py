"""Which anchors and regions a loss looks at: a fixed number of places, drawn by keys that come from outside."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype

from ms_defrcn.matching import BACKGROUND, OBJECT

_UNWANTED = -1e30
"""Negated key of what may not be drawn; all real ones are greater."""


class Sample(nn.Cell):
    """construct(labels int32 [n], keys float32 [n]) -> (index, positive, negative) of `count` places.

    The index is int32 [count], the others bool [count].

    Draws up to `count * positive_share` of the elements labelled `OBJECT` and fills up with `BACKGROUND` ones: of both
    those with the lowest keys, objects first, both by ascending key. With keys in random order the draw is uniform
    without replacement; keys are input because random numbers of a graph could not be resumed. Places that are left
    over are neither positive nor negative and have an index in range.

    Args:
        count: places.
        positive_share: most of them that go to objects, 0-1.
    """

    def __init__(self, count: int, positive_share: float) -> None:
        super().__init__()
        self.count = count
        self.most_positive = int(count * positive_share)
        self.places = Tensor(np.arange(count, dtype=np.float32))

    def construct(self, labels: Tensor, keys: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        # One more than needed: a number of places cannot be 0 in a graph.
        objects, are_objects = lowest(labels == OBJECT, keys, self.most_positive + 1)
        others, are_others = lowest(labels == BACKGROUND, keys, self.count)
        objects_found = ops.minimum(_number(are_objects), float(self.most_positive))
        others_found = _number(are_others)
        place = self.places
        positive = place < objects_found
        negative = ops.logical_and(place >= objects_found, place - objects_found < others_found)
        # In (objects, others), the first of the others lies at most_positive + 1.
        source = place + negative.astype(mstype.float32) * (self.most_positive + 1 - objects_found)
        taken = ops.logical_or(positive, negative)
        source = (source * taken.astype(mstype.float32)).astype(mstype.int32)
        return ops.gather(ops.concat((objects, others)), source, 0), positive, negative


def lowest(wanted: Tensor, keys: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The wanted elements with the lowest keys, by ascending key.

    Args:
        wanted: bool [n]; n may be unknown at compilation, and less than `count`.
        keys: float32 [n], above -1e30 and below 1e30; not necessarily distinct.
        count: places, >= 1.

    Returns:
        (index int32 [count], bool [count] whether a place holds a wanted element); other places hold index 0.
    """
    order = ops.select(wanted, -keys, ops.full_like(keys, _UNWANTED))
    order = ops.concat((order, ops.full((count,), _UNWANTED, dtype=mstype.float32)))
    best, index = ops.topk(order, count)
    found = best > _UNWANTED
    return index.astype(mstype.int32) * found.astype(mstype.int32), found


def _number(flags: Tensor) -> Tensor:
    return flags.astype(mstype.float32).sum()
