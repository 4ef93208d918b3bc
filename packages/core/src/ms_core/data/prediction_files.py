"""The folder that `predict` writes: pictures of its own, beside a file that says so, and nothing of anybody else's."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from ms_core.cli import refuse_overwrite
from ms_core.data.draw import refuse_photos
from ms_core.errors import UserError

PREDICTIONS = "predictions.json"
"""Lists what was predicted."""


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
        raise UserError(f"{existing[0]}: is a picture that predict did not draw. Give another --out.")
