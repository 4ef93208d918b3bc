"""Exported models on the CPU: latency of each runtime beside MindSpore's, and the C++ programs beside Python.

    python packages/core/benchmarks/exported_models.py [NAME ...] [--pictures FOLDER] [--calls 30] [--rounds 3]
        [--threads 2] [--out FILE.json]

Networks have seeded weights: time does not depend on them. Latency is that of one call with one picture, p50 of all
rounds; the runtimes take turns in every round, so that a slower minute of the machine hits all. A picture from file to
file: read, resize, normalise, OpenVINO, write the outputs, one picture after the other; the start of the program and
loading the model, measured with a single picture, are subtracted. Run it where all packages, the extras `onnx` and
`openvino` and what the C++ programs are built with are installed. Without --pictures it makes 100 of 800x600.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import mindspore as ms
import numpy as np
from _seeded_network import seeded
from ms_core.ascend310.run import run_program
from ms_core.atomic import atomic_write
from ms_core.data.images import read_image
from ms_core.export.manifest import Manifest, read_manifest
from ms_core.export.options import ExportOptions
from ms_core.infer.pictures import PictureInput
from ms_core.infer.runtimes import InferenceSession, open_model
from PIL import Image

NAMES = ("ssd300", "segformer_b0")
RUNTIMES = ("mindspore", "onnxruntime", "openvino")
CLASSES = tuple(f"class {number}" for number in range(1, 20))
PACKAGE = {"ssd300": "ms-ssd", "segformer_b0": "ms-segformer"}
SEGFORMER_SIZE = (512, 1024)


def export(name: str, out: Path) -> Path:
    """The export folder of a network: MINDIR and ONNX, batch 1."""
    options = ExportOptions(out, formats=("mindir", "onnx"))
    if name == "segformer_b0":
        import ms_segformer
        from ms_segformer.export import export_segmenter
        from ms_segformer.trained import TrainedModel as Segmenter

        network = seeded(ms_segformer.build_model(name, len(CLASSES)))
        palette = np.arange(3 * len(CLASSES), dtype=np.uint8).reshape(-1, 3)
        export_segmenter(Segmenter(network, name, CLASSES, palette, Path()), options, SEGFORMER_SIZE)
    else:
        import ms_ssd
        from ms_core.single_shot.config import PostprocessConfig
        from ms_core.single_shot.export import export_detector
        from ms_core.single_shot.trained import TrainedModel as Detector

        network = seeded(ms_ssd.build_model(name, len(CLASSES) + 1))
        detector = Detector(network, name, CLASSES, tuple(range(1, len(CLASSES) + 1)), Path())
        export_detector(detector, PACKAGE[name], PostprocessConfig(), options)
    return out


def latencies(folder: Path, calls: int, rounds: int, threads: int) -> dict[str, list[float]]:
    """Of each runtime the p50 of every round, milliseconds."""
    manifest = read_manifest(folder)
    noise = np.random.default_rng(0).integers(0, 256, (240, 320, 3), dtype=np.uint8)
    row = PictureInput(manifest.input).of(noise)[None]
    sessions = {name: open_model(folder, manifest, name, device="cpu", threads=threads) for name in RUNTIMES}
    for session in sessions.values():
        session.run(row)
    found: dict[str, list[float]] = {name: [] for name in RUNTIMES}
    for _ in range(rounds):
        for name, session in sessions.items():
            session.run(row)
            found[name].append(
                median(_seconds(lambda session=session: session.run(row)) for _ in range(calls)) * 1e3
            )
    return found


def pictures_per_second(
    package: str, folder: Path, pictures: list[Path], rounds: int, threads: int
) -> dict[str, list[float]]:
    """Of the C++ program and of Python, in every round; the start is not counted."""
    manifest = read_manifest(folder)
    session = open_model(folder, manifest, "openvino", device="cpu", threads=threads)
    found: dict[str, list[float]] = {"C++": [], "Python": []}
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch)

        def by_program(some: list[Path]) -> None:
            run_program(package, folder, some, out / "cpp", threads=threads, overwrite=True)

        def by_python(some: list[Path]) -> None:
            _write_outputs(session, manifest, some, out)

        by_program(pictures[:1])  # builds it
        for _ in range(rounds):
            for name, work in (("C++", by_program), ("Python", by_python)):
                start = _seconds(lambda work=work: work(pictures[:1]))
                found[name].append((len(pictures) - 1) / (_seconds(lambda work=work: work(pictures)) - start))
    return found


def _write_outputs(session: InferenceSession, manifest: Manifest, pictures: list[Path], out: Path) -> None:
    to_input = PictureInput(manifest.input)
    for path in pictures:
        for place, output in enumerate(session.run(to_input.of(read_image(path))[None])):
            output[0].tofile(out / f"{path.stem}_{place}.bin")


def _seconds(work: Callable[[], object]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def made_pictures(folder: Path, count: int = 100) -> list[Path]:
    """Smooth JPEG pictures of 800x600."""
    rng = np.random.default_rng(0)
    paths = [folder / f"{number}.jpg" for number in range(count)]
    for path in paths:
        small = Image.fromarray(rng.integers(0, 256, (60, 80, 3), dtype=np.uint8))
        small.resize((800, 600), Image.Resampling.BICUBIC).save(path, quality=90)
    return paths


def report(name: str, what: str, unit: str, found: dict[str, list[float]], reference: str) -> None:
    """One line a runtime: the median of the rounds, their spread and the ratio to the reference."""
    against = median(found[reference])
    for key, values in found.items():
        spread, ratio = f"{min(values):.2f}-{max(values):.2f}", median(values) / against
        print(
            f"| {name} | {what} | {key} | {median(values):.2f} {unit} | {spread} | {ratio:.2f} |", flush=True
        )


def main() -> None:
    """Print the table and write the numbers."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=(*NAMES, []), help="networks; all without one")
    parser.add_argument("--pictures", type=Path, help="folder of JPEG or PNG files")
    parser.add_argument("--calls", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    ms.set_context(mode=ms.GRAPH_MODE)
    print(f"{platform.machine()}, {os.cpu_count()} cores, {arguments.threads} threads")
    print("| network | what | by | median | all rounds | ratio to MindSpore or Python |")
    print("|---|---|---|---|---|---|")
    numbers: dict[str, dict[str, dict[str, list[float]]]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        root = Path(scratch)
        if arguments.pictures is None:
            (root / "pictures").mkdir()
            pictures = made_pictures(root / "pictures")
        else:
            pictures = sorted(p for p in arguments.pictures.iterdir() if p.suffix in (".jpg", ".png"))
        for name in arguments.names or NAMES:
            folder = export(name, root / name)
            latency = latencies(folder, arguments.calls, arguments.rounds, arguments.threads)
            report(name, "latency", "ms", latency, "mindspore")
            rate = pictures_per_second(PACKAGE[name], folder, pictures, arguments.rounds, arguments.threads)
            report(name, "file to file", "pictures/s", rate, "Python")
            numbers[name] = {"latency_ms": latency, "pictures_per_second": rate}
    if arguments.out is not None:
        with atomic_write(arguments.out) as file:
            file.write(json.dumps(numbers, indent=2) + "\n")


if __name__ == "__main__":
    main()
