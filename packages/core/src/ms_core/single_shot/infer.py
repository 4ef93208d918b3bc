"""`infer`: an exported detector, run from Python or by the C++ program: drawn pictures, metrics, latency."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ms_core.cli import DONE
from ms_core.data.draw_predictions import draw_predictions, drawing_paths
from ms_core.data.find_images import find_images
from ms_core.data.prediction_files import check_prediction_files
from ms_core.data.record_cache import open_cached_split
from ms_core.data.sample import DetectionDataset
from ms_core.detection.detections import Detections
from ms_core.errors import UserError
from ms_core.export.anchors import anchors_digest
from ms_core.export.manifest import DetectionManifest
from ms_core.infer.detections import (
    DetectionReader,
    RawDecoder,
    exported_detector,
    postprocess_settings,
    require_graph_selection,
)
from ms_core.infer.exported_run import ExportedRun
from ms_core.infer.options import CPP, Exported
from ms_core.infer.pictures import PictureInput
from ms_core.infer.program import exit_code, of_pictures
from ms_core.single_shot.config import PostprocessConfig, SingleShotConfig
from ms_core.single_shot.evaluation_run import evaluate_detector, evaluate_found
from ms_core.single_shot.output_forms import NMS
from ms_core.single_shot.package import DetectorPackage
from ms_core.single_shot.predict import predict_with
from ms_core.single_shot.raw_outputs import open_raw_results
from ms_core.single_shot.views import PictureDetector
from ms_core.train.config import check_workers


class InferenceRun(ExportedRun[DetectionManifest]):
    """One call of `infer`.

    Args:
        package: the command.
        exported: the model.
        config: where the data lies, how detections are selected, the device.
        arguments: of `infer.options.add_infer_options`, and `min_score` of what is drawn.
    """

    def __init__(
        self,
        package: DetectorPackage,
        exported: Exported[DetectionManifest],
        config: SingleShotConfig,
        arguments: Namespace,
    ) -> None:
        check_workers(config.train)
        if exported.runtime == CPP and (config.inference.tile or config.inference.flip):
            raise UserError(
                "inference.tile, inference.flip: the C++ program sees whole pictures only. Choose another --runtime."
            )
        super().__init__(exported, arguments, config.device)
        self.package = package
        self.config = config

    def predict(self) -> int:
        """Draw what is found and write predictions.json, as `predict` does; returns the exit code."""
        postprocess = replace(self.config.postprocess, min_score=self.arguments.min_score)
        if self.exported.runtime == CPP:
            return self._predict_by_program(postprocess)

        def load(batch_size: int) -> tuple[PictureDetector, Sequence[str]]:
            return self._detector(postprocess, batch_size), self.manifest.classes

        out, inputs = self.arguments.out, self.arguments.inputs
        predict_with(load, self.config, inputs, out, overwrite=self.arguments.overwrite)
        return DONE

    def evaluate(self) -> int:
        """Measure on a data set; prints and writes what `eval` does; returns the exit code."""
        split, config = self.arguments.split, self.config
        dataset = open_cached_split(config.data, split, self.manifest.classes)
        if self.exported.runtime == CPP:
            return self._evaluate_by_program(dataset)
        detector = self._detector(config.postprocess, config.eval.batch_size)
        evaluate_detector(detector, dataset, config, self.evaluation_folder, self.about)
        return DONE

    def benchmark_inputs(self, picture: np.ndarray) -> Sequence[np.ndarray]:
        row = PictureInput(self.manifest.input).of(picture)
        return [np.repeat(row[None], self.manifest.input.batch_size or 1, axis=0)]

    def _detector(self, postprocess: PostprocessConfig, batch_size: int) -> PictureDetector:
        decode, looks = self._raw_decoder(), self.config.inference
        return exported_detector(self.session, self.manifest, postprocess, looks, batch_size, decode)

    def _raw_decoder(self) -> RawDecoder | None:
        """Of a model exported with raw outputs: the default boxes are those of its network.

        Raises:
            UserError: the network as it is configured has other default boxes than the exported one.
        """
        if self.manifest.output_form != "raw":
            return None
        options = self.package.options(self.config.model)
        network = self.package.build_model(
            self.manifest.model, num_classes=len(self.manifest.classes) + 1, **options
        )
        anchors, scaling = network.anchors.xywh, network.prior_scaling
        if self.manifest.anchors_sha256 not in (None, anchors_digest(anchors, scaling)):
            raise UserError(
                f"{self.exported.folder}: was exported with other default boxes than {self.manifest.model} has here. "
                "Pass the settings of its training (--model.variant, --model.min-scale), or export with --outputs "
                "decoded."
            )
        return RawDecoder(anchors, scaling)

    def _require_selection(self, postprocess: PostprocessConfig) -> None:
        """Raise UserError where the graph selects boxes itself, and differently."""
        if self.manifest.output_form == NMS:
            require_graph_selection(postprocess_settings(self.manifest.postprocess), postprocess)

    def _predict_by_program(self, postprocess: PostprocessConfig) -> int:
        self._require_selection(postprocess)
        reader = DetectionReader(self.manifest.output_form, postprocess, self._raw_decoder())
        out = self.arguments.out
        images = find_images(self.arguments.inputs, leave_out=out)
        check_prediction_files(out, drawing_paths(images, out), images, self.arguments.overwrite)
        results = self.run_program(images, out)
        done = of_pictures(results, images)

        def found() -> Iterator[tuple[Path, Detections]]:
            for path, result in done:
                assert result.width is not None
                assert result.height is not None
                yield path, reader(result.read(results.path), result.width, result.height)

        counts = draw_predictions(found(), images, self.manifest.classes, out)
        words = ", ".join(f"{count} {name}" for name, count in counts.items() if count) or "nothing"
        print(f"{len(done)} pictures: {words}; drawn in {out}")
        return exit_code(results)

    def _evaluate_by_program(self, dataset: DetectionDataset) -> int:
        self._require_selection(self.config.postprocess)
        out = self.evaluation_folder
        results = self.run_program([sample.path for sample in dataset.samples], out)
        raw = open_raw_results(results.path, dataset, self.config)
        print(raw.note())
        evaluate_found(raw.found(self.config, self._raw_decoder()), dataset, self.config, out, self.about)
        return exit_code(results)
