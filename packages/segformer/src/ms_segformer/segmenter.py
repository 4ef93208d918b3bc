"""Pictures in, class maps out: the network with its pre- and post-processing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext

import mindspore as ms
import numpy as np
from mindspore import Tensor, nn
from ms_core.compile_cache import first_call
from ms_core.networks.mode import inference_mode

from ms_segformer.config import InferenceConfig
from ms_segformer.picture_segmenter import PictureSegmenter

OFTEN = 20
"""Pictures of one size through the graph for any size, after which the size gets a graph of its own: compiling takes as
long as that many pictures of 512x512 lose."""
MOST_GRAPHS = 8
"""Sizes with a graph of their own."""


class Segmenter(PictureSegmenter):
    """A trained network.

    A graph compiled for one size takes seconds, and folders hold pictures of many sizes; padding them to common sizes
    would change the results (attention sees the padding), and running without a graph takes several times as long. So
    the first size gets a graph of its own, which is all that windows and most data sets need. Further sizes share one
    that takes any height and width: the same bits, at one and a half times the time or more on a CPU
    (benchmarks/inference_shapes.py), until they have come often.

    Args:
        network: construct(images [1, 3, H, W]) -> logits [1, K, h, w]; its mode is left as it is.
        settings: how a picture is looked at.
        say: told when a graph is about to be compiled.
    """

    def __init__(
        self,
        network: nn.Cell,
        settings: InferenceConfig,
        say: Callable[[str], None] = lambda message: None,
    ) -> None:
        super().__init__(self._compute, settings)
        self.network = network
        self.say = say
        self._times_seen: Counter[tuple[int, ...]] = Counter()
        self._own_graph: set[tuple[int, ...]] = set()
        self._fixed = _Inference(network)
        self._open = _Inference(network)
        self._any_size = Tensor(shape=[1, 3, None, None], dtype=ms.float32)
        self._open.set_inputs(self._any_size)
        self._compiled: set[tuple[int, ...]] = set()

    def _compute(self, images: np.ndarray) -> np.ndarray:
        """float32 [1, 3, H, W] -> float32 [1, K, h, w]."""
        batch = Tensor(images)
        cell, described = (
            (self._fixed, batch) if self._has_own_graph(batch.shape) else (self._open, self._any_size)
        )
        self._announce(tuple(described.shape))
        mode = inference_mode(cell) if self.network.training else nullcontext()
        with mode, first_call(cell, (described,)):
            return cell(batch).asnumpy()

    def _has_own_graph(self, shape: tuple[int, ...]) -> bool:
        """Whether a batch of this shape goes through a graph for just that; counts it."""
        self._times_seen[shape] += 1
        is_wanted = not self._own_graph or self._times_seen[shape] > OFTEN
        if is_wanted and len(self._own_graph) < MOST_GRAPHS:
            self._own_graph.add(shape)
        return shape in self._own_graph

    def _announce(self, shape: tuple[int, ...]) -> None:
        if shape not in self._compiled and ms.get_context("mode") == ms.GRAPH_MODE:
            self.say("compiling the inference graph, this can take a minute ...")
        self._compiled.add(shape)


class _Inference(nn.Cell):
    """The network with inputs of its own: `set_inputs` on the network itself would bind training, too."""

    def __init__(self, network: nn.Cell) -> None:
        super().__init__(auto_prefix=False)  # a prefix would rename the parameters of `network`
        self.network = network

    def construct(self, images: Tensor) -> Tensor:
        return self.network(images)
