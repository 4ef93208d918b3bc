"""`predict`: class maps of pictures a user names, as pictures and one JSON file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
from ms_core import device
from ms_core.atomic import atomic_write
from ms_core.compile_cache import keep_compiled_graphs
from ms_core.data.find_images import find_images
from ms_core.data.images import read_image
from ms_core.data.naming import unique_stems
from ms_core.data.prediction_files import check_prediction_files, prediction_list
from ms_core.errors import UserError
from ms_core.segmentation import cityscapes_labels
from ms_core.segmentation.draw import colour_map, overlay
from ms_core.train.config import check_workers
from rich.progress import track

from ms_segformer.config import SegFormerConfig
from ms_segformer.streaming import segment_all

if TYPE_CHECKING:  # imports mmcv, which takes a second or more
    from ms_segformer.picture_segmenter import PictureSegmenter, PreparedPicture, SeenPicture

_SHOWN = 5
"""Classes that the last line names."""


@dataclass(frozen=True)
class PredictionFiles:
    """Which files are written for a picture; STEM is its name without ending, made unique."""

    copy: bool = True
    """STEM with the ending of the picture: its file as it is."""
    grey: bool = True
    """STEM_gray.png: 8-bit grey, the value is the class index."""
    colour: bool = True
    """STEM_color.png: the colours of the classes."""
    overlay: bool = True
    """STEM_overlap.png: picture and colours, half each."""
    label_ids: bool = False
    """STEM_labelIds.png: 8-bit grey, the label ids that the Cityscapes benchmark server wants."""

    def of(self, image: Path, stem: str) -> dict[str, str]:
        """Kind -> file name."""
        names = {
            "copy": f"{stem}{image.suffix}",
            "grey": f"{stem}_gray.png",
            "colour": f"{stem}_color.png",
            "overlay": f"{stem}_overlap.png",
            "label_ids": f"{stem}_labelIds.png",
        }
        return {kind: name for kind, name in names.items() if getattr(self, kind)}


@dataclass(frozen=True)
class PredictionJob:
    """A picture and what is written for it."""

    image: Path
    names: dict[str, str]
    """Kind, a field of `PredictionFiles` -> file name."""


def predict_target(
    target: Path,
    config: SegFormerConfig,
    inputs: Sequence[str],
    out: Path,
    *,
    copy: bool = True,
    grey: bool = True,
    colour: bool = True,
    overlay: bool = True,
    label_ids: bool = False,
    overwrite: bool = False,
) -> None:
    """Predict with a run folder or checkpoint and print what was found; see `PredictionFiles` and `predict_images`.

    Args:
        target: run folder or checkpoint.
        inputs: pictures, folders (searched in depth) and glob patterns.
        out: folder of the results.
        overwrite: replace former predictions.

    Raises:
        UserError: no such checkpoint or picture, an unreadable picture, predictions are in `out` already, label ids of
            classes that are not those of Cityscapes, or train.workers below 1.
    """

    def load(images: Sequence[Path]) -> LoadedSegmenter:
        from ms_segformer.segmenter import Segmenter
        from ms_segformer.trained import load_trained

        runtime = device.start(config.device, mode=config.mode, seed=config.seed, parallel="off")
        keep_compiled_graphs(config.compile_cache, runtime, print)
        model = load_trained(target, config)
        segmenter = Segmenter(model.network, config.inference, print)
        return LoadedSegmenter(segmenter, model.classes, model.palette, model.checkpoint)

    files = PredictionFiles(copy, grey, colour, overlay, label_ids)
    predict_with(load, config, inputs, out, files, overwrite=overwrite)


@dataclass(frozen=True, eq=False)
class LoadedSegmenter:
    """Whatever computes the network, and what its classes are."""

    segmenter: PictureSegmenter
    classes: tuple[str, ...]
    palette: np.ndarray
    """uint8 [K, 3] RGB."""
    source: Path
    """Names it in messages."""
    pictures: Sequence[Path] | None = None
    """Those that it can do; None: all."""


def predict_with(
    load: Callable[[Sequence[Path]], LoadedSegmenter],
    config: SegFormerConfig,
    inputs: Sequence[str],
    out: Path,
    files: PredictionFiles,
    *,
    overwrite: bool = False,
) -> None:
    """Predict with whatever computes the network and print what was found.

    Args:
        load: gets the pictures; called when all files were found and may be written.

    Raises:
        UserError: as `predict_target`, and what `load` raises.
    """
    check_workers(config.train)
    images = find_images(inputs, leave_out=out)
    jobs = plan_files(images, files)
    targets = [out / name for job in jobs for name in job.names.values()]
    check_prediction_files(out, targets, images, overwrite)
    model = load(images)
    if files.label_ids and model.classes != cityscapes_labels.CLASSES:
        raise UserError(
            f"{model.source}: its classes are not the {len(cityscapes_labels.CLASSES)} of Cityscapes, so they have "
            "no label ids. Predict without them."
        )
    if model.pictures is not None:
        jobs = [job for job in jobs if job.image in model.pictures]
    shares = predict_images(
        model.segmenter, jobs, out, model.classes, model.palette, workers=config.train.workers
    )
    count = "1 picture" if len(jobs) == 1 else f"{len(jobs)} pictures"
    print(f"{count}: {_in_words(shares)}; results in {out}")


def plan_files(images: Sequence[Path], files: PredictionFiles) -> list[PredictionJob]:
    """What is written for every picture.

    Raises:
        UserError: two files would have one name.
    """
    stems = unique_stems(images)
    jobs = [PredictionJob(image, files.of(image, stem)) for image, stem in zip(images, stems, strict=True)]
    owners: dict[str, Path] = {}
    for job in jobs:
        for name in job.names.values():
            other = owners.setdefault(name.casefold(), job.image)
            if other != job.image:
                raise UserError(
                    f"{job.image}: its result {name} would have the name of one of {other}. "
                    "Predict one of the two without copies, or into another --out."
                )
    return jobs


def predict_images(
    segmenter: PictureSegmenter,
    jobs: Sequence[PredictionJob],
    out: Path,
    classes: Sequence[str],
    palette: np.ndarray,
    *,
    workers: int = 2,
) -> dict[str, float]:
    """Write the files of every picture, of its own size, and `out`/predictions.json.

    predictions.json is a list with one entry a picture: file, width, height, files (kind -> name), classes (name ->
    share of the pixels, 0-1, the largest first); see `prediction_list`.

    Args:
        palette: uint8 [K, 3] RGB.

    Returns:
        Class -> share of all pixels, 0-1, the largest first.
    """
    pixels = np.zeros(len(classes), np.int64)

    def read(job: PredictionJob) -> tuple[tuple[PredictionJob, np.ndarray], PreparedPicture]:
        image = read_image(job.image)
        return (job, image), segmenter.prepare(image, str(job.image))

    def write(
        state: tuple[PredictionJob, np.ndarray], picture: SeenPicture
    ) -> tuple[dict[str, Any], np.ndarray]:
        (job, image), labels = state, picture.classes()
        for kind, name in job.names.items():
            _write(out / name, job.image if kind == "copy" else _drawn(kind, image, labels, palette))
        counts = np.bincount(labels.ravel(), minlength=len(classes))
        return _entry(job, labels.shape, _shares(classes, counts)), counts

    with prediction_list(out) as entries:
        done = segment_all(segmenter, jobs, read, write, workers=workers)
        for entry, counts in track(done, "predicting", len(jobs)):
            entries.add(entry)
            pixels += counts
    return _shares(classes, pixels)


def _drawn(kind: str, image: np.ndarray, labels: np.ndarray, palette: np.ndarray) -> np.ndarray:
    """uint8 [H, W] or [H, W, 3] RGB."""
    if kind == "grey":
        return labels
    if kind == "label_ids":
        return cityscapes_labels.TRAIN_ID_TO_ID[labels]
    return colour_map(labels, palette) if kind == "colour" else overlay(image, labels, palette)


def _write(path: Path, content: Path | np.ndarray) -> None:
    """A copy of a file, or a PNG of uint8 [H, W] (8-bit grey) or [H, W, 3] RGB; whole or not at all."""
    with atomic_write(path, binary=True) as file:
        file.write(content.read_bytes() if isinstance(content, Path) else _png(content))


def _png(pixels: np.ndarray) -> bytes:
    bgr = pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_RGB2BGR)
    done, content = cv2.imencode(".png", bgr)
    assert done, "8-bit pictures can always be written as PNG"
    return content.tobytes()


def _entry(job: PredictionJob, size: tuple[int, ...], shares: dict[str, float]) -> dict[str, Any]:
    """One picture in predictions.json."""
    rounded = {name: round(share, 5) for name, share in shares.items()}
    return {
        "file": str(job.image),
        "width": size[1],
        "height": size[0],
        "files": job.names,
        "classes": rounded,
    }


def _shares(classes: Sequence[str], pixels: np.ndarray) -> dict[str, float]:
    """Class -> part of all pixels, for those that have any, the largest first. Args: pixels: int [K]."""
    order = np.argsort(-pixels, kind="stable")
    return {classes[k]: float(pixels[k] / pixels.sum()) for k in order if pixels[k]}


def _in_words(shares: dict[str, float]) -> str:
    shown = [f"{100 * share:.1f} % {name}" for name, share in list(shares.items())[:_SHOWN]]
    more = [f"{len(shares) - _SHOWN} more classes"] if len(shares) > _SHOWN else []
    return ", ".join(shown + more)
