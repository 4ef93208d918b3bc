"""What one call of `infer` does in every package: load the model, run the C++ program, measure the latency."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Generic

import numpy as np

from ms_core.cli import DONE
from ms_core.data.find_images import find_images
from ms_core.data.images import read_image
from ms_core.infer.latency import latency_file, measure_latency, report_latency
from ms_core.infer.options import Exported, Kind
from ms_core.infer.program import run_on_pictures
from ms_core.infer.result_folder import ResultFolder
from ms_core.infer.runtimes import InferenceSession


class ExportedRun(Generic[Kind]):
    """One call of `infer`; a package adds how pictures become inputs and outputs become results.

    Args:
        exported: the model.
        arguments: of `infer.options.add_infer_options`.
        device: `auto|cpu|gpu|ascend[:ID]`.
    """

    def __init__(self, exported: Exported[Kind], arguments: Namespace, device: str) -> None:
        self.exported = exported
        self.manifest = exported.manifest
        self.arguments = arguments
        self.device = device

    @cached_property
    def session(self) -> InferenceSession:
        """The loaded model."""
        return self.exported.open(self.device)

    @property
    def about(self) -> dict[str, str]:
        """What metrics.json tells of the model."""
        return {
            "exported": str(self.exported.folder),
            "runtime": self.exported.runtime,
            "model": self.manifest.model,
        }

    @property
    def evaluation_folder(self) -> Path:
        """`--out`, or one that is named after the export and the split."""
        out: Path | None = self.arguments.out
        return out or Path(f"eval-{self.exported.name}-{self.arguments.split}")

    def run_program(self, pictures: Sequence[Path], out: Path) -> ResultFolder:
        """Run the C++ program, see `run_on_pictures`."""
        overwrite = self.arguments.overwrite
        return run_on_pictures(self.exported, pictures, out, device=self.device, overwrite=overwrite)

    def benchmark(self) -> int:
        """Measure the latency of the model on one picture; prints a table and writes JSON; returns the exit code."""
        latency = measure_latency(
            self.session,
            self.benchmark_inputs(self._some_picture()),
            self.arguments.benchmark,
            model=self.manifest.model,
            threads=self.exported.threads,
        )
        report_latency(latency, latency_file(self.exported.name, self.arguments.out))
        return DONE

    def benchmark_inputs(self, picture: np.ndarray) -> Sequence[np.ndarray]:
        """What the model takes for a picture, uint8 [h, w, 3] RGB: a whole batch of it."""
        raise NotImplementedError

    def _some_picture(self) -> np.ndarray:
        """The first picture that was named, or else noise: uint8 [h, w, 3] RGB."""
        inputs: list[str] = self.arguments.inputs
        if inputs:
            return read_image(find_images(inputs)[0])
        return np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
