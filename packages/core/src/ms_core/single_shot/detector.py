"""Pictures in, detections out: the network with its pre- and post-processing."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
from mindspore import Tensor, nn

from ms_core.compile_cache import first_call
from ms_core.networks.inference import InferenceModel
from ms_core.networks.mode import inference_mode
from ms_core.single_shot.config import InferenceConfig, PostprocessConfig
from ms_core.single_shot.views import PictureDetector, PreparedImage, detect_all

__all__ = ["Detector", "PreparedImage", "detect_all"]


class Detector(PictureDetector):
    """A trained one-stage detector."""

    def __init__(
        self,
        network: nn.Cell,
        postprocess: PostprocessConfig,
        batch_size: int = 1,
        inference: InferenceConfig | None = None,
    ) -> None:
        """`network` carries `anchors`, `input_size` and `prior_scaling`; its mode is left as it is.

        The other arguments are those of `PictureDetector`.
        """
        super().__init__(self._compute, network.input_size, postprocess, batch_size, inference)
        self.network = network
        self.inference = InferenceModel(network)

    def _compute(self, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """[B, 3, H, W] -> boxes [B, N, 4], scores [B, N, K]."""
        batch = Tensor(images)
        mode = inference_mode(self.inference) if self.network.training else nullcontext()
        with mode, first_call(self.inference, (batch,)):
            boxes, scores = self.inference(batch)
        return boxes.asnumpy(), scores.asnumpy()
