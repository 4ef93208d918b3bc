"""Pictures in, detections out: the network with its pre- and post-processing and, for novel classes, calibration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from ms_core.compile_cache import first_call
from ms_core.data.images import read_image
from ms_core.data.sample import EncodedReader, Sample, read_file
from ms_core.detection.detections import Detections
from ms_core.networks.mode import inference_mode
from ms_core.read_ahead import read_ahead, thread_count

from ms_defrcn.calibration import Calibration
from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.defrcn import DeFRCN
from ms_defrcn.pictures import decode
from ms_defrcn.pipeline import test_input
from ms_defrcn.postprocess import postprocess

Source = TypeVar("Source", Path, Sample)


@dataclass(frozen=True, eq=False)
class PreparedPicture:
    """A picture as the network takes it."""

    pixels: np.ndarray
    """float32 [1, 3, H, W], normalised and padded."""
    sizes: np.ndarray
    """float32 [1, 2]: height and width of the picture in it, pixels of the network's input."""
    scale: tuple[float, float]
    """Pixels of the network's input to a pixel of the picture, across and down."""
    width: int
    """Of the picture, pixels."""
    height: int
    original: np.ndarray | None
    """uint8 [height, width, 3] RGB, where calibration needs it."""


class Detector:
    """A trained network, one picture at a time.

    A graph is compiled for each padded shape, of which there are few; with `input.shapes` "exact" pictures are not
    padded, and one graph takes all of them (slower, without the effects of padding).

    Args:
        network: its mode is left as it is.
        config: sections `input` and `postprocess` count.
        calibration: of the scores of novel classes; None: they stay as they are.
        say: told when a graph is about to be compiled.
    """

    def __init__(
        self,
        network: DeFRCN,
        config: DeFRCNConfig,
        calibration: Calibration | None = None,
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        self.network = network
        self.config = config
        self.calibration = calibration
        self.say = say
        self._inference = _Inference(network)
        self._described = (
            Tensor(shape=[1, 3, None, None], dtype=ms.float32),
            Tensor(shape=[1, 2], dtype=ms.float32),
        )
        if config.input.shapes == "exact":
            self._inference.set_inputs(*self._described)
        self._compiled: set[tuple[int, ...]] = set()

    def detect(self, image: np.ndarray) -> Detections:
        """Detections, the best first, in one picture: uint8 [h, w, 3] RGB."""
        return self.find(self.prepare(image))

    def prepare(self, image: np.ndarray) -> PreparedPicture:
        """The host's part of `detect` before the network; may run on another thread."""
        pixels, sizes, scale = test_input(image, self.config)
        height, width = image.shape[:2]
        original = None if self.calibration is None else image
        return PreparedPicture(pixels, sizes, (float(scale[0]), float(scale[1])), width, height, original)

    def find(self, picture: PreparedPicture) -> Detections:
        """The rest of `detect`."""
        boxes, scores, valid = self._compute(picture.pixels, picture.sizes)
        found = postprocess(
            boxes[0],
            scores[0],
            valid[0],
            scale=picture.scale,
            size=(picture.height, picture.width),
            config=self.config.postprocess,
        )
        if self.calibration is None or picture.original is None:
            return found
        return self.calibration(picture.original, found)

    def _compute(self, pixels: np.ndarray, sizes: np.ndarray) -> list[np.ndarray]:
        """Boxes [1, R, K, 4], scores [1, R, K + 1] and which of them count, bool [1, R]."""
        inputs = Tensor(pixels), Tensor(sizes)
        described = self._described if self.config.input.shapes == "exact" else inputs
        self._announce(tuple(described[0].shape))
        mode = inference_mode(self._inference) if self.network.training else nullcontext()
        with mode, first_call(self._inference, described):
            return [output.asnumpy() for output in self._inference(*inputs)]

    def _announce(self, shape: tuple[int, ...]) -> None:
        if shape not in self._compiled and ms.get_context("mode") == ms.GRAPH_MODE:
            size = "any size" if self.config.input.shapes == "exact" else f"{shape[2]}x{shape[3]}"
            self.say(f"compiling the inference graph for pictures of {size}, this can take minutes ...")
        self._compiled.add(shape)


class _Inference(nn.Cell):
    """The network with inputs of its own: `set_inputs` on the network itself would bind training, too."""

    def __init__(self, network: DeFRCN) -> None:
        super().__init__(auto_prefix=False)  # a prefix would rename the parameters of `network`
        self.network = network

    def construct(self, images: Tensor, sizes: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        return self.network(images, sizes)


def detect_all(
    detector: Detector,
    sources: Iterable[Source],
    *,
    workers: int = 2,
    encoded: EncodedReader = read_file,
) -> Iterator[tuple[Source, Detections]]:
    """Detections of every picture, in order; pictures are read on threads, and nothing is kept.

    Args:
        workers: threads that read; more than the machine has cores are not started.
        encoded: where the pictures of samples come from, such as the cache of a data set.
    """

    def prepare(source: Source) -> tuple[Source, PreparedPicture]:
        if isinstance(source, Sample):
            return source, detector.prepare(decode(source, encoded))
        return source, detector.prepare(read_image(source))

    for source, picture in read_ahead(sources, prepare, workers=thread_count(workers), ahead=2):
        yield source, detector.find(picture)
