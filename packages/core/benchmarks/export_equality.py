"""Whether exported files compute what the networks compute, for every network of the four packages.

Each network gets seeded random weights, or those of a run, and is exported; MindSpore (the network), the reloaded
MINDIR file, ONNX Runtime and OpenVINO then see the same pictures. Printed is the largest absolute difference from the
network; boxes are relative to 0-1 (DeFRCN's, in pixels, are divided by the longer side of its input; regions
whose proposals have equal scores may change places). DeFRCN's files select proposals by plain operators, as `export`
writes them; what they are compared with is the network itself. Run it where all packages and
`ms-core[onnx,openvino]` are installed; the exit code is 1 where a difference is above 1e-4 or not a number:

    python packages/core/benchmarks/export_equality.py [NAME ...] [--pictures photo.jpg ...] [--dynamic]
        [--weights NAME=RUN ...] [--size HEIGHT WIDTH]

Without pictures it takes smooth noise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import mindspore as ms
import numpy as np
from _seeded_network import seeded, seeded_two_stage
from mindspore import nn
from ms_core.data.images import read_image
from ms_core.data.network_input import resize_image
from ms_core.export.mindir import export_mindir
from ms_core.export.onnx.writer import write_onnx
from ms_core.export.reload import run_mindir
from ms_core.export.verify import network_outputs
from ms_core.export.verify_onnx import run_onnx
from ms_core.networks.inference import InferenceModel
from ms_core.single_shot.pipeline import network_input

Arrays = tuple[np.ndarray, ...]
SSD = (
    "ssd300",
    "ssd_mobilenet_v1",
    "ssd_mobilenet_v1_fpn",
    "ssd_resnet50_fpn",
    "ssd_vgg16",
    "ssd_vgg16:paper",
)
SSDLITE = ("ssdlite_mobilenetv2_fpn",)
SEGFORMER = tuple(f"segformer_b{size}" for size in range(6))
DEFRCN = ("defrcn_r18", "defrcn_r50", "defrcn_r101")
CLASSES = 6
SEGFORMER_SIZE = (128, 160)
DEFRCN_SIZE = (192, 256)
LIMIT = 1e-4
"""Largest difference that is equality."""


@dataclass(frozen=True, eq=False)
class Subject:
    """A network as it is exported."""

    network: nn.Cell
    size: tuple[int, int]
    """(height, width) of its input."""
    outputs: tuple[str, ...]
    takes_sizes: bool = False
    """Whether the pictures' own sizes are its second input."""
    box_unit: float = 1.0
    """What the first output is divided by."""
    while_written: Callable[[], AbstractContextManager[None]] = nullcontext
    """Context in which `export` writes the files, see `ms_core.export.files.Graph`."""


def trained_subject(name: str, run: Path, size: tuple[int, int] | None) -> Subject:
    """The network of a run folder or checkpoint."""
    if name in SEGFORMER:
        from ms_segformer.config import SegFormerConfig
        from ms_segformer.trained import load_trained

        return Subject(load_trained(run, SegFormerConfig()).network, size or SEGFORMER_SIZE, ("logits",))
    if name in DEFRCN:
        from ms_defrcn.config import DeFRCNConfig
        from ms_defrcn.trained import load_trained as load_defrcn

        return _two_stage(load_defrcn(run, DeFRCNConfig()).network, size)
    from ms_core.single_shot.config import SingleShotConfig
    from ms_core.single_shot.trained import load_trained as load_detector

    if name in SSDLITE:
        from ms_ssdlite_fpn.cli import package
    else:
        from ms_ssd.cli import package
    detector = load_detector(package(), run, SingleShotConfig()).network
    return Subject(InferenceModel(detector), detector.input_size, ("boxes", "scores"))


def _two_stage(network: nn.Cell, size: tuple[int, int] | None) -> Subject:
    from ms_defrcn.exported_forms import DecodedForm, plain_proposals

    size = size or DEFRCN_SIZE
    outputs, plain = ("boxes", "scores", "valid"), partial(plain_proposals, network)
    return Subject(
        DecodedForm(network), size, outputs, takes_sizes=True, box_unit=max(size), while_written=plain
    )


def subject(name: str, size: tuple[int, int] | None) -> Subject:
    """The network of this name with weights that make outputs of the usual range."""
    model, _, variant = name.partition(":")
    if name in SEGFORMER:
        import ms_segformer

        return Subject(seeded(ms_segformer.build_model(model, CLASSES)), size or SEGFORMER_SIZE, ("logits",))
    if name in DEFRCN:
        import ms_defrcn

        network = seeded_two_stage(ms_defrcn.build_model(model, CLASSES))
        return _two_stage(network, size)
    if name in SSDLITE:
        import ms_ssdlite_fpn

        detector = ms_ssdlite_fpn.build_model(model, CLASSES)
    else:
        import ms_ssd

        detector = ms_ssd.build_model(model, CLASSES, variant=variant or "zoo")
    return Subject(InferenceModel(seeded(detector)), detector.input_size, ("boxes", "scores"))


def inputs(what: Subject, pictures: Sequence[np.ndarray]) -> Iterator[Arrays]:
    """Each picture as the network takes it."""
    for picture in pictures:
        if what.takes_sizes:
            from ms_defrcn.pictures import normalise

            yield normalise(resize_image(picture, what.size))[None], np.array([what.size], np.float32)
        else:
            yield (network_input(picture, what.size)[None],)


def run_openvino(path: Path, calls: Sequence[Arrays]) -> list[Arrays]:
    """Outputs of an ONNX file, computed in float32."""
    import openvino

    compiled = openvino.Core().compile_model(str(path), "CPU", {"INFERENCE_PRECISION_HINT": "f32"})
    return [tuple(compiled(list(call)).values()) for call in calls]


def compare(name: str, what: Subject, pictures: Sequence[np.ndarray], dynamic: bool) -> bool:
    """Print one row of the table; whether all its differences are equality."""
    calls = list(inputs(what, pictures))
    expected = [network_outputs(what.network, call) for call in calls]
    with tempfile.TemporaryDirectory() as folder:
        found, size = _by_files(what, calls, dynamic and not what.takes_sizes, Path(folder))
    largest = np.max([np.abs(array).max() for arrays in expected for array in arrays])
    differences = [_difference(what, expected, arrays) for arrays in found]
    cells = " | ".join(f"{difference:.1e}" for difference in differences)
    height, width = what.size
    print(f"| {name} | {height}x{width} | {size >> 20} MiB | {largest:.3g} | {cells} |", flush=True)
    return all(difference <= LIMIT for difference in differences)  # NaN is not


def _by_files(
    what: Subject, calls: Sequence[Arrays], dynamic: bool, folder: Path
) -> tuple[list[list[Arrays]], int]:
    """Outputs of the MINDIR file, ONNX Runtime and OpenVINO for each call; bytes of the ONNX file."""
    shapes = [array.shape for array in calls[0]]
    first = (None, *shapes[0][1:]) if dynamic else shapes[0]
    with what.while_written():
        mindir = export_mindir(what.network, first, folder / "model.mindir", *shapes[1:])
    names = ["images", "sizes"][: len(shapes)]
    onnx = write_onnx(
        mindir, folder / "model.onnx", inputs=names, outputs=what.outputs, dynamic_batch=dynamic
    ).path
    found = [
        [run_mindir(mindir, *call) for call in calls],
        [run_onnx(onnx, *call) for call in calls],
        run_openvino(onnx, calls),
    ]
    return found, onnx.stat().st_size


def _difference(what: Subject, expected: Sequence[Arrays], found: Sequence[Arrays]) -> float:
    """Largest of all outputs of all calls; NaN where there is one."""
    units = (what.box_unit, *[1.0] * (len(what.outputs) - 1))
    each: list[float] = []
    for call, other in zip(expected, found, strict=True):
        ours, theirs = (
            [array.astype(np.float64) / unit for array, unit in zip(arrays, units, strict=True)]
            for arrays in (call, other)
        )
        if what.takes_sizes:
            ours, theirs = [_regions(ours)], [_in_order_of(_regions(ours), _regions(theirs))]
        each += (float(np.abs(a - b).max()) for a, b in zip(ours, theirs, strict=True))
    return float(np.max(each))


def _regions(outputs: Sequence[np.ndarray]) -> np.ndarray:
    """All outputs of the one picture, [R, numbers], a row a region."""
    return np.concatenate([output[0].reshape(output.shape[1], -1) for output in outputs], axis=1)


def _in_order_of(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    """The rows of `theirs`, where those that differ from ours change places if that brings them nearer.

    Regions stand in the order of their proposals' scores, of which two may be equal but for the last bit. Rows with
    NaN are nearest to none.
    """
    rows = theirs.copy()
    left = np.flatnonzero(~(np.abs(ours - theirs).max(axis=1) <= LIMIT)).tolist()
    for place in list(left):
        away = np.nan_to_num(np.abs(theirs[left] - ours[place]).max(axis=1), nan=np.inf)
        nearest = left[int(away.argmin())]
        rows[place] = theirs[nearest]
        left.remove(nearest)
    return rows


def main() -> int:
    """Print the table row by row; 1 where a file does not compute what its network computes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    everything = (*SSD, *SSDLITE, *SEGFORMER, *DEFRCN)
    parser.add_argument("names", nargs="*", help=f"of {' '.join(everything)}; all without one")
    parser.add_argument("--pictures", nargs="+", type=Path, default=[], help="what the files are tried on")
    parser.add_argument("--dynamic", action="store_true", help="files for any number of pictures")
    parser.add_argument("--weights", nargs="+", default=[], metavar="NAME=RUN", help="trained weights")
    parser.add_argument(
        "--size", nargs=2, type=int, metavar=("HEIGHT", "WIDTH"), help="of the input, where it varies"
    )
    arguments = parser.parse_args()
    runs = dict(each.split("=", 1) for each in arguments.weights)
    for name in (*arguments.names, *runs):
        if name not in everything:
            parser.error(f"{name}: not one of {' '.join(everything)}")
    ms.set_context(mode=ms.GRAPH_MODE)
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    pictures = [read_image(path) for path in arguments.pictures] or [noise]
    print("| network | input | file | largest output | MINDIR | ONNX Runtime | OpenVINO |")
    print("|---|---|---|---|---|---|---|")
    size = None if arguments.size is None else (arguments.size[0], arguments.size[1])
    equal = True
    for name in arguments.names or runs or everything:
        what = trained_subject(name, Path(runs[name]), size) if name in runs else subject(name, size)
        equal = compare(name, what, pictures, arguments.dynamic) and equal
    return 0 if equal else 1


if __name__ == "__main__":
    sys.exit(main())
