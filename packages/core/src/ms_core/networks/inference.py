"""The net as it is deployed: decoding and sigmoid inside the graph."""

from mindspore import Tensor, nn, ops

from ms_core.networks.single_shot import SingleShotNetwork


class InferenceModel(nn.Cell):
    """A detector with decoding and sigmoid inside the graph, as the old exported models; NMS is left out.

    Shares the detector's parameters and leaves their names alone.

    Args:
        network: a detector; its `training` mode is not touched (in training, batch statistics are used).
    """

    def __init__(self, network: SingleShotNetwork) -> None:
        super().__init__(auto_prefix=False)  # a prefix would rename the parameters of `network` itself
        self.network = network
        self.centres = Tensor(network.anchors.xywh[:, :2])  # [N, 2] (cy, cx)
        self.sizes = Tensor(network.anchors.xywh[:, 2:])  # [N, 2] (h, w)
        self.centre_scale, self.size_scale = network.prior_scaling

    def construct(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """[B, 3, H, W] -> (boxes [B, N, 4], scores [B, N, K]).

        Boxes are (y0, x0, y1, x1) relative to the image and clipped to 0-1; scores are independent
        sigmoids, the background in column 0.
        """
        deltas, logits = self.network(images)
        centre = deltas[..., :2] * self.centre_scale * self.sizes + self.centres
        size = ops.exp(deltas[..., 2:] * self.size_scale) * self.sizes
        boxes = ops.concat((centre - size / 2, centre + size / 2), -1)
        return ops.minimum(ops.maximum(boxes, 0.0), 1.0), ops.sigmoid(logits)
