"""`infer`: an exported network, run from Python or by the C++ program; and `eval` of such a program's results."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ms_core.cli import DONE
from ms_core.errors import UserError
from ms_core.evaluation.semantic import SemanticMetrics
from ms_core.export.manifest import SegmentationManifest
from ms_core.infer.exported_run import ExportedRun
from ms_core.infer.options import CPP, Exported
from ms_core.infer.program import exit_code
from ms_core.infer.result_folder import ResultFolder, has_index, read_results
from ms_core.segmentation.open import Split, open_split
from ms_core.segmentation.sample import SegmentationDataset
from ms_core.train.config import check_workers

from ms_segformer.config import SegFormerConfig
from ms_segformer.evaluation_run import evaluate_segmenter
from ms_segformer.exported_segmenter import (
    ExportedSegmenter,
    ResultSegmenter,
    exported_settings,
    picture_input,
)
from ms_segformer.picture_segmenter import PictureSegmenter
from ms_segformer.predict import LoadedSegmenter, PredictionFiles, predict_with


class InferenceRun(ExportedRun[SegmentationManifest]):
    """One call of `infer`.

    Args:
        exported: the model.
        config: where the data lies, how pictures are looked at, the device.
        arguments: of `infer.options.add_infer_options`.
    """

    def __init__(
        self, exported: Exported[SegmentationManifest], config: SegFormerConfig, arguments: Namespace
    ) -> None:
        check_workers(config.train)
        super().__init__(exported, arguments, config.device)
        self.config = config
        self.results: ResultFolder | None = None
        """What the C++ program wrote."""

    def predict(self, files: PredictionFiles) -> int:
        """Write class maps and predictions.json, as `predict` does; returns the exit code."""
        out, inputs = self.arguments.out, self.arguments.inputs

        def load(images: Sequence[Path]) -> LoadedSegmenter:
            segmenter = self._segmenter(images, out)
            palette = np.array(self.manifest.palette, np.uint8)
            done = [path for path in images if self.results is None or str(path) in done_by(segmenter)]
            return LoadedSegmenter(segmenter, self.manifest.classes, palette, self.exported.folder, done)

        predict_with(load, self.config, inputs, out, files, overwrite=self.arguments.overwrite)
        return self._exit_code()

    def evaluate(self) -> int:
        """Measure on a data set; prints and writes what `eval` does; returns the exit code."""
        split = self.arguments.split
        dataset = open_split(self.config.data, split, self.manifest.classes)
        out = self.evaluation_folder
        segmenter = self._segmenter([sample.image for sample in dataset.samples], out)
        about = self.about
        if self.config.inference.mode == "whole":
            height, width = self.manifest.input.size
            mirrored = ", and mirrored as well" if self.config.inference.flip else ""
            about["inference"] = f"whole pictures, stretched to {height}x{width}{mirrored}"
        if self.results is not None:
            dataset = with_results(dataset, segmenter)
        config = replace(self.config, inference=segmenter.settings)
        palette = np.array(self.manifest.palette, np.uint8)
        evaluate_segmenter(segmenter, dataset, config, palette, out, about)
        return self._exit_code()

    def benchmark_inputs(self, picture: np.ndarray) -> Sequence[np.ndarray]:
        row = picture_input(self.manifest).of(picture)
        return [np.repeat(row[None], self.manifest.input.batch_size or 1, axis=0)]

    def _segmenter(self, pictures: Sequence[Path], out: Path) -> PictureSegmenter:
        looks = self.config.inference
        if self.exported.runtime != CPP:
            return ExportedSegmenter(self.session, self.manifest, looks)
        if exported_settings(looks, self.manifest).mode == "slide" or looks.flip:
            raise UserError(
                "inference.mode slide, inference.flip: the C++ program looks at whole pictures once. Choose another "
                "--runtime."
            )
        self.results = self.run_program(pictures, out)
        return ResultSegmenter(self.results, pictures, len(self.manifest.classes))

    def _exit_code(self) -> int:
        return DONE if self.results is None else exit_code(self.results)


def with_results(dataset: SegmentationDataset, segmenter: PictureSegmenter) -> SegmentationDataset:
    """The data set without the pictures that a program has not done."""
    done = done_by(segmenter)
    return replace(dataset, samples=tuple(s for s in dataset.samples if str(s.image) in done))


def done_by(segmenter: PictureSegmenter) -> Collection[str]:
    """The pictures that a program has done."""
    assert isinstance(segmenter, ResultSegmenter)
    return segmenter.by_picture.keys()


def score_results(folder: Path, config: SegFormerConfig, split: Split, out: Path | None) -> SemanticMetrics:
    """Evaluate the result folder of a C++ program; prints and writes what `eval` of a network does.

    Pictures without a result do not count.

    Args:
        folder: with index.jsonl; logits or class maps.
        config: names the pictures and masks, and the classes in the order of the network.
        out: folder of the evaluation; by default `eval-RESULT_FOLDER` beside the results.

    Raises:
        UserError: no or faulty data or results, or a result that belongs to no picture.
    """
    check_workers(config.train)
    if not has_index(folder):
        raise UserError(
            f"{folder}: no index.jsonl, which says how large the outputs are. Run ms_segformer_310 again."
        )
    results, dataset = read_results(folder), open_split(config.data, split)
    images = [sample.image for sample in dataset.samples]
    segmenter = ResultSegmenter(results, images, len(dataset.classes))
    counted = with_results(dataset, segmenter)
    out = out or folder.absolute().parent / f"eval-{folder.name}"
    about: Mapping[str, str] = {"raw_outputs": str(folder), "inference": "as the program did"}
    note = results.failure_note()
    print(f"{len(counted)} of {len(dataset)} pictures have results{f'; {note}' if note else ''}")
    return evaluate_segmenter(segmenter, counted, config, dataset.palette, out, about)
