"""Batch normalisation over the batches of all devices.

MindSpore's own `nn.SyncBatchNorm` has no CPU kernel; this one is made of additions and all-reduces only.
"""

from __future__ import annotations

from mindspore import Tensor, nn, ops
from mindspore import dtype as mstype


class SyncBatchNorm2d(nn.Cell):
    """`nn.BatchNorm2d` whose batch is the batches of all devices together, [B, C, H, W] -> the same shape.

    N devices with B images each compute what one device computes with N * B images: the mean of all of them,
    then the mean of the squared deviations from it, so no precision is lost where the mean is large. Every
    device must have the same shape. Computes in float32 and returns float32.

    Args:
        norm: replaced by this cell, which takes over its parameters, names included; so checkpoints stay
            exchangeable.
        world_size: devices; with 1 nothing is exchanged.
    """

    def __init__(self, norm: nn.BatchNorm2d, world_size: int) -> None:
        super().__init__(auto_prefix=False)
        self.moving_mean = norm.moving_mean
        self.moving_variance = norm.moving_variance
        self.gamma = norm.gamma
        self.beta = norm.beta
        self.use_batch_statistics = norm.use_batch_statistics
        self.eps = norm.eps
        self.share = norm.momentum  # of the batch in the new moving average; MindSpore stores 1 - momentum
        self.world_size = world_size
        self.infer = norm.bn_infer
        if world_size > 1:
            self.all_reduce = ops.AllReduce()

    def construct(self, x: Tensor) -> Tensor:
        x = ops.cast(x, mstype.float32)
        if self.use_batch_statistics or (self.use_batch_statistics is None and self.training):
            return self._normalised(x)
        return self.infer(x, self.gamma, self.beta, self.moving_mean, self.moving_variance)[0]

    def _normalised(self, x: Tensor) -> Tensor:
        count = x.shape[0] * x.shape[2] * x.shape[3] * self.world_size
        mean = self._total(x) / count
        centred = x - mean.reshape((1, -1, 1, 1))
        variance = self._total(ops.square(centred)) / count
        x = ops.depend(centred, self._remember(mean, variance, count))
        scale = self.gamma * ops.rsqrt(variance + self.eps)
        return x * scale.reshape((1, -1, 1, 1)) + self.beta.reshape((1, -1, 1, 1))

    def _total(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [C], summed over all devices."""
        total = x.sum((0, 2, 3))
        return self.all_reduce(total) if self.world_size > 1 else total

    def _remember(self, mean: Tensor, variance: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """Move the moving statistics; the variance as an unbiased one, as MindSpore's own kernel does."""
        mean = ops.stop_gradient(mean)
        unbiased = ops.stop_gradient(variance) * (count / max(count - 1, 1))
        moved_mean = ops.assign_add(self.moving_mean, self.share * (mean - self.moving_mean))
        moved_variance = ops.assign_add(self.moving_variance, self.share * (unbiased - self.moving_variance))
        return moved_mean, moved_variance


def synchronise_norms(network: nn.Cell, world_size: int) -> int:
    """Replace every `nn.BatchNorm2d` inside `network`; to be called before the training step is built.

    Args:
        network: changed in place; its parameters and their names stay.
        world_size: devices that train together; with one, nothing is replaced.

    Returns:
        Number of replaced cells.
    """
    if world_size == 1:
        return 0
    names = {id(parameter): parameter.name for parameter in network.get_parameters()}
    replaced = 0
    for _, parent in list(network.cells_and_names()):
        for name, child in list(parent.name_cells().items()):
            if isinstance(child, nn.BatchNorm2d):
                _replace(parent, name, SyncBatchNorm2d(child, world_size))
                replaced += 1
    for parameter in network.get_parameters():
        parameter.name = names[id(parameter)]  # MindSpore put the parent's prefix before them once more
    return replaced


def _replace(parent: nn.Cell, name: str, cell: nn.Cell) -> None:
    if isinstance(parent, (nn.SequentialCell, nn.CellList)):
        parent[int(name)] = cell  # they keep a list of their own
    else:
        setattr(parent, name, cell)
