"""Whether exported files compute what the networks compute, for every network of the four packages.

Each network gets seeded random weights and is exported; MindSpore (the network), the reloaded MINDIR file, ONNX
Runtime and OpenVINO then see the same pictures. Printed is the largest absolute difference from the network. Run it
where all packages and `ms-core[onnx,openvino]` are installed:

    python packages/core/benchmarks/export_equality.py [NAME ...] [--pictures photo.jpg ...] [--dynamic]

Without pictures it takes smooth noise. Boxes of DeFRCN are in pixels of its input, all others relative to 0-1.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import mindspore as ms
import numpy as np
from _seeded_network import seeded
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


@dataclass(frozen=True, eq=False)
class Subject:
    """A network as it is exported."""

    network: nn.Cell
    size: tuple[int, int]
    """(height, width) of its input."""
    outputs: tuple[str, ...]
    takes_sizes: bool = False
    """Whether the pictures' own sizes are its second input."""


def subject(name: str) -> Subject:
    """The network of this name with weights that make outputs of the usual range."""
    model, _, variant = name.partition(":")
    if name in SEGFORMER:
        import ms_segformer

        return Subject(seeded(ms_segformer.build_model(model, CLASSES)), (128, 160), ("logits",))
    if name in DEFRCN:
        import ms_defrcn
        from ms_defrcn.exported_forms import DecodedForm

        network = ms_defrcn.build_model(
            model, CLASSES
        )  # the weights training starts from keep boxes sensible
        return Subject(DecodedForm(network), (192, 256), ("boxes", "scores", "valid"), takes_sizes=True)
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


def compare(name: str, pictures: Sequence[np.ndarray], dynamic: bool) -> str:
    """One row of the table."""
    what = subject(name)
    calls = list(inputs(what, pictures))
    shapes = [array.shape for array in calls[0]]
    dynamic = dynamic and not what.takes_sizes
    with tempfile.TemporaryDirectory() as folder:
        mindir = Path(folder) / "model.mindir"
        first = (None, *shapes[0][1:]) if dynamic else shapes[0]
        export_mindir(what.network, first, mindir, *shapes[1:])
        names = ["images", "sizes"][: len(shapes)]
        file = write_onnx(
            mindir, Path(folder) / "model.onnx", inputs=names, outputs=what.outputs, dynamic_batch=dynamic
        )
        expected = [network_outputs(what.network, call) for call in calls]
        found = {
            "MINDIR": [run_mindir(mindir, *call) for call in calls],
            "ONNX Runtime": [run_onnx(file.path, *call) for call in calls],
            "OpenVINO": run_openvino(file.path, calls),
        }
        largest = max(float(np.abs(array).max()) for arrays in expected for array in arrays)
        cells = [f"{_difference(expected, arrays):.1e}" for arrays in found.values()]
        size = file.path.stat().st_size >> 20
    return (
        f"| {name} | {what.size[0]}x{what.size[1]} | {size} MiB | {largest:.3g} | " + " | ".join(cells) + " |"
    )


def _difference(expected: Sequence[Arrays], found: Sequence[Arrays]) -> float:
    return max(
        float(np.abs(ours - theirs).max())
        for arrays, others in zip(expected, found, strict=True)
        for ours, theirs in zip(arrays, others, strict=True)
    )


def main() -> None:
    """Print the table row by row."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    everything = (*SSD, *SSDLITE, *SEGFORMER, *DEFRCN)
    parser.add_argument("names", nargs="*", help=f"of {' '.join(everything)}; all without one")
    parser.add_argument("--pictures", nargs="+", type=Path, default=[], help="what the files are tried on")
    parser.add_argument("--dynamic", action="store_true", help="files for any number of pictures")
    arguments = parser.parse_args()
    for name in arguments.names:
        if name not in everything:
            parser.error(f"{name}: not one of {' '.join(everything)}")
    ms.set_context(mode=ms.GRAPH_MODE)
    noise = np.random.default_rng(0).integers(0, 256, (12, 16, 3), dtype=np.uint8)
    pictures = [read_image(path) for path in arguments.pictures] or [noise]
    print("| network | input | file | largest output | MINDIR | ONNX Runtime | OpenVINO |")
    print("|---|---|---|---|---|---|---|")
    for name in arguments.names or everything:
        print(compare(name, pictures, arguments.dynamic), flush=True)


if __name__ == "__main__":
    main()
