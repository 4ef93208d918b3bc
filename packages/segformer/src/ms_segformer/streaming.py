"""Many pictures, one after the other: threads read and write, while this one computes the network."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeVar

from ms_core.read_ahead import read_ahead, thread_count

if TYPE_CHECKING:  # imports mmcv, which takes a second or more
    from ms_segformer.picture_segmenter import PictureSegmenter, PreparedPicture, SeenPicture

Item = TypeVar("Item")
State = TypeVar("State")
Result = TypeVar("Result")


def segment_all(
    segmenter: PictureSegmenter,
    items: Iterable[Item],
    read: Callable[[Item], tuple[State, PreparedPicture]],
    finish: Callable[[State, SeenPicture], Result],
    *,
    workers: int = 2,
) -> Iterator[Result]:
    """What `finish` makes of every item, in order; few pictures are held at a time.

    Args:
        read: prepares an item, on a thread; what it returns beside the picture goes to `finish`.
        finish: makes class maps and uses them, on a thread.
        workers: threads on either side; more than the machine has cores are not started.

    Raises:
        Whatever `read` and `finish` raise, where the item's turn comes.
    """
    workers = thread_count(workers)
    # The views of a picture at several scales are large already.
    ahead = workers if len(segmenter.settings.scales) == 1 else 1

    def look() -> Iterator[tuple[State, SeenPicture]]:
        for state, picture in read_ahead(items, read, workers=workers, ahead=ahead):
            yield state, segmenter.look(picture)

    return read_ahead(look(), lambda seen: finish(*seen), workers=workers, ahead=ahead)
