"""Class maps from an exported model, and from what a C++ program wrote of one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from ms_core.errors import UserError
from ms_core.export.manifest import SegmentationManifest
from ms_core.infer.pictures import PictureInput
from ms_core.infer.result_folder import PictureResult, PicturesByName, ResultFolder
from ms_core.infer.runtimes import InferenceSession
from ms_core.infer.segmentation import SeenClasses, SeenLogits, require_classes, seen

from ms_segformer.augment import normalised_levels, resize_image
from ms_segformer.config import InferenceConfig, Size
from ms_segformer.picture_segmenter import PictureSegmenter, PreparedPicture, SeenPicture


def exported_settings(settings: InferenceConfig, manifest: SegmentationManifest) -> InferenceConfig:
    """How pictures are looked at by a model of one size: windows are as large as its input.

    Raises:
        UserError: something that the exported model cannot do.
    """
    if settings.mode == "whole":
        if settings.size is not None or settings.scales != (1.0,):
            height, width = manifest.input.size
            raise UserError(
                f"inference.size, inference.scales: the exported model takes {width}x{height} pixels, and whole "
                "pictures are stretched to that. Leave them away, or look through windows: --inference.mode slide."
            )
    elif manifest.input.normalised_inside:
        raise UserError(
            "inference.mode: windows need an input that is normalised before it is filled up. Export again without "
            "--normalise-inside."
        )
    if manifest.output_form == "classes" and (settings.flip or settings.mode == "slide"):
        raise UserError(
            "inference.flip, inference.mode slide: several looks are averaged before classes are chosen. Export again "
            "with --outputs logits."
        )
    crop = manifest.input.size
    stride = (min(settings.stride[0], crop[0]), min(settings.stride[1], crop[1]))
    return replace(settings, crop=crop, stride=stride)


class ExportedSegmenter(PictureSegmenter):
    """Class maps from an exported model: whole pictures are stretched to its input, windows are as large as that.

    Args:
        session: the model.
        manifest: what it takes and gives.
        settings: how pictures are looked at.

    Raises:
        UserError: as `exported_settings`.
    """

    def __init__(
        self, session: InferenceSession, manifest: SegmentationManifest, settings: InferenceConfig
    ) -> None:
        super().__init__(self._compute, exported_settings(settings, manifest))
        self.session = session
        self.manifest = manifest
        self.input = picture_input(manifest)

    def prepare(self, image: np.ndarray, name: str = "picture") -> PreparedPicture:
        if self.settings.mode == "slide":
            return super().prepare(image, name)
        own = (image.shape[0], image.shape[1])
        row = self.input.of(image)
        planes = row.transpose(2, 0, 1) if self.manifest.input.layout == "NHWC" else row
        return PreparedPicture(own, own, [planes])

    def look(self, picture: PreparedPicture) -> SeenPicture:
        if self.manifest.output_form == "logits":
            return super().look(picture)
        return SeenOutput(picture.size, [], seen([self._compute(picture.scaled[0][None])[0]], picture.size))

    def _compute(self, images: np.ndarray) -> np.ndarray:
        """[1, 3, H, W] -> what the graph gives for it, [1, ...]; where its batch is larger the rest stays empty."""
        if self.manifest.input.layout == "NHWC":
            images = images.transpose(0, 2, 3, 1)
        batch = self.manifest.input.batch_size or 1
        rows = np.zeros((batch, *images.shape[1:]), images.dtype)
        rows[:1] = images
        (output,) = self.session.run(rows)
        return output[:1]


def picture_input(manifest: SegmentationManifest) -> PictureInput:
    """The model's input, resized and normalised to the same bits as for the trained network."""
    return PictureInput(manifest.input, resize_image, normalised_levels())


@dataclass(frozen=True, eq=False)
class SeenOutput(SeenPicture):
    """What an exported graph, or a file of its output, says about a whole picture."""

    output: SeenClasses | SeenLogits

    def classes(self, size: Size | None = None) -> np.ndarray:
        return self.output.classes(size)


@dataclass(frozen=True, eq=False)
class _Named(PreparedPicture):
    """A picture whose result lies in a file."""

    result: PictureResult


class ResultSegmenter(PictureSegmenter):
    """Class maps from the result folder of a C++ program, in place of a network.

    Args:
        results: what the program wrote.
        pictures: files that class maps will be asked for.
        classes: of the model.

    Raises:
        UserError: a result that belongs to none of the pictures.
    """

    def __init__(self, results: ResultFolder, pictures: Iterable[Path], classes: int) -> None:
        super().__init__(self._nothing, InferenceConfig())
        self.results = results
        self.count = classes
        names: PicturesByName[Path] = PicturesByName([(path, None, path) for path in pictures])
        self.by_picture = {str(names.find(result)): result for result in results.results}

    def prepare(self, image: np.ndarray, name: str = "picture") -> PreparedPicture:
        result, size = self.by_picture[name], (image.shape[0], image.shape[1])
        if (result.height, result.width) != size:
            raise UserError(
                f"{name}: has {size[1]}x{size[0]} pixels, the program saw {result.width}x{result.height}. Run it on "
                "the same pictures."
            )
        return _Named(size, size, [], result)

    def look(self, picture: PreparedPicture) -> SeenPicture:
        assert isinstance(picture, _Named), "pictures of this segmenter are prepared by it"
        outputs = picture.result.read(self.results.path)
        try:
            output = seen(outputs, picture.size)
            require_classes(outputs[0], self.count)
        except ValueError as error:
            raise UserError(f"{self.results.path / picture.result.outputs[0].file}: {error}") from error
        return SeenOutput(picture.size, [], output)

    def _nothing(self, images: np.ndarray) -> np.ndarray:
        raise AssertionError("results are read, not computed")
