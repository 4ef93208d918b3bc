"""The folder that `predict` writes: pictures of its own, beside a file that says so, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from ms_core.atomic import JsonListFile, atomic_write
from ms_core.cli import refuse_overwrite
from ms_core.data.draw import refuse_photos
from ms_core.errors import UserError

PREDICTIONS = "predictions.json"
"""Lists what was predicted, and says that the pictures beside it are drawings."""


@contextmanager
def prediction_list(out: Path) -> Iterator[JsonListFile]:
    """Write `out`/predictions.json entry by entry, in a folder that is made where it is missing.

    Whatever ends the block, Ctrl-C and errors included, the file then lists the entries added so far; without it the
    pictures written so far would count as somebody else's, which not even --overwrite replaces. A process that is
    killed leaves the former file, or an empty list.

    Raises:
        UserError: the system refuses to write.
    """
    out.mkdir(parents=True, exist_ok=True)
    path = out / PREDICTIONS
    if not path.exists():
        with atomic_write(path) as file:
            JsonListFile(file).close()
    failure: BaseException | None = None
    try:
        with atomic_write(path) as file:
            entries = JsonListFile(file)
            try:
                yield entries
            except OSError:  # most likely of this file: atomic_write says so
                raise
            except BaseException as error:
                failure = error
            entries.close()
    finally:
        if failure is not None:  # also where a full disk keeps the list from being written
            raise failure


def check_prediction_files(
    out: Path, targets: Sequence[Path], photos: Sequence[Path], overwrite: bool
) -> None:
    """Refuse to write where something lies that must stay.

    Args:
        out: folder of the results.
        targets: the pictures to be written.
        photos: those to predict on; they stay whatever is asked.
        overwrite: whether former results may go.

    Raises:
        UserError: names the file in the way.
    """
    refuse_overwrite([out / PREDICTIONS, *targets], overwrite)
    refuse_photos(targets, photos, "one of the pictures to predict on")
    _refuse_strangers(targets)


def _refuse_strangers(targets: Sequence[Path]) -> None:
    """Also under --overwrite only drawings are replaced, in a folder that predict has written before.

    Raises:
        UserError: a target exists and no predictions.json beside it says that it is a drawing.
    """
    existing = [target for target in targets if target.exists()]
    if existing and not (existing[0].parent / PREDICTIONS).is_file():
        raise UserError(
            f"{existing[0]}: no {PREDICTIONS} beside it says that predict drew it. Give another --out, or remove it."
        )
