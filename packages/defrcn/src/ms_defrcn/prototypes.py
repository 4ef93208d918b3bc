"""Prototypes: what the labelled objects of a class look like on average; computed once, then read from a cache."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from ms_core.atomic import atomic_write
from ms_core.compile_cache import default_folder
from ms_core.data.record_fingerprint import file_digest
from ms_core.data.sample import Sample
from ms_core.errors import UserError
from ms_core.run_target import run_of
from rich.progress import track

from ms_defrcn.calibration import Describe, Prototypes
from ms_defrcn.pictures import decode
from ms_defrcn.support import Support

_VERSION = "1"
"""Of what a cached file means."""


def cached_prototypes(support: Support, identity: str, folder: Path | None, describe: Describe) -> Prototypes:
    """The prototypes of `support`, from a file in `folder` where it holds them, else computed and kept there.

    The file's name is a hash of all that decides on the content: the bytes of the pictures, the boxes, the classes,
    and `identity`.

    Args:
        support: the labelled objects of each class.
        identity: of what describes them, such as `describer_identity`.
        folder: made where it is missing; None: nothing is kept.
        describe: gives the description of regions.

    Raises:
        UserError: a class without objects, or a picture that cannot be read.
    """
    if folder is None:
        return build_prototypes(support, describe)
    path = folder / f"prototypes-{support_digest(support, identity)}.npz"
    known = _read(path, support.classes)
    if known is None:
        known = build_prototypes(support, describe)
        _write(path, known)
    return known


def build_prototypes(support: Support, describe: Describe) -> Prototypes:
    """Mean description of the objects of each class; every picture is described once.

    Raises:
        UserError: a class without objects, or a picture that cannot be read.
    """
    require_shots(support)
    sums = np.zeros((len(support.classes), 0))
    pictures = _by_picture(support)
    for sample, boxes, labels in track(pictures, "describing the labelled objects", transient=True):
        features = describe(decode(sample, support.encoded), boxes)
        if not sums.size:
            sums = np.zeros((len(support.classes), features.shape[1]))
        np.add.at(sums, labels, features)
    counts = np.array([len(shots) for shots in support.shots])
    return Prototypes(support.classes, (sums / counts[:, None]).astype(np.float32))


def require_shots(support: Support) -> None:
    """Raise UserError, naming it, for a class without objects: there is nothing to compare with."""
    for name, shots in zip(support.classes, support.shots, strict=True):
        if not shots:
            raise UserError(
                f"{support.source}: no labelled object of the novel class '{name}', so its scores cannot be "
                "calibrated. Label at least one, or pass --pcb off."
            )


def support_digest(support: Support, identity: str) -> str:
    """Hash of classes, boxes, bytes of the pictures and `identity`, 32 characters."""
    digest = hashlib.blake2b(digest_size=16)
    digest.update(f"{_VERSION}\0{identity}\0".encode())
    for name, shots in zip(support.classes, support.shots, strict=True):
        digest.update(f"{name}\0{len(shots)}\0".encode())
        for shot in shots:
            digest.update(np.ascontiguousarray(shot.boxes, np.float32).tobytes())
            digest.update(hashlib.blake2b(support.encoded(shot).tobytes(), digest_size=16).digest())
    return digest.hexdigest()


def describer_identity(weights: Path, max_side: int) -> str:
    """What makes two calibration networks give the same descriptions.

    Raises:
        UserError: the file cannot be read.
    """
    return f"{file_digest(weights)} {max_side}"


def prototype_folder(target: Path) -> Path | None:
    """Where the prototypes of a run folder or checkpoint are kept: in its run, else in the user's cache folder."""
    run = run_of(target)
    if run is not None:
        return run / "prototypes"
    graphs = default_folder()
    return None if graphs is None else graphs.parent / "prototypes"


def _by_picture(support: Support) -> list[tuple[Sample, np.ndarray, np.ndarray]]:
    """Each picture with the boxes [n, 4] of its objects and their places in `support.classes` [n]."""
    grouped: dict[Path, list[tuple[Sample, np.ndarray, int]]] = {}
    for label, shots in enumerate(support.shots):
        for shot in shots:
            for box in shot.boxes:
                grouped.setdefault(shot.path, []).append((shot, box, label))
    return [
        (
            entries[0][0],
            np.stack([box for _, box, _ in entries]),
            np.array([label for _, _, label in entries]),
        )
        for entries in grouped.values()
    ]


def _read(path: Path, classes: Sequence[str]) -> Prototypes | None:
    """What an earlier run kept; None where there is nothing, or nothing sound."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return Prototypes(tuple(classes), file["vectors"])
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, EOFError, BadZipFile):
        print(f"{path}: is damaged; the prototypes are computed again.")
        return None


def _write(path: Path, prototypes: Prototypes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path, binary=True) as file:
        np.savez(file, vectors=prototypes.vectors, classes=np.array(prototypes.classes))
