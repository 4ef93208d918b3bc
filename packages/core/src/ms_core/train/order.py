"""Which samples make up each batch of a run, as a pure function of the step."""

from __future__ import annotations

from functools import lru_cache
from math import ceil

import numpy as np

from ms_core.device import Runtime
from ms_core.errors import UserError
from ms_core.train.config import TrainConfig


class BatchOrder:
    """The order of a data set over a run: shuffled anew every epoch, dealt out to the ranks.

    Any step can be asked for at any time, so a resumed run sees what an uninterrupted one would have seen. Of an
    epoch's samples those that do not fill a batch for every rank are left out; the next epoch leaves out others.

    Args:
        count: samples of the data set.
        batch_size: samples a step and a rank.
        epochs: passes over the data.
        iterations: steps of the whole run, the last epoch being cut short; 0: `epochs` counts.
        seed: of the order.
        rank: of this process.
        world_size: ranks.

    Raises:
        UserError: fewer samples than one batch for every rank.
    """

    def __init__(
        self,
        count: int,
        *,
        batch_size: int,
        epochs: int,
        iterations: int = 0,
        seed: int,
        rank: int = 0,
        world_size: int = 1,
    ) -> None:
        needed = batch_size * world_size
        if count < needed:
            raise UserError(
                f"{count} training images are fewer than devices x batch = {world_size} x {batch_size}. "
                f"Add images or lower --train.batch-size."
            )
        self.count = count
        self.batch_size = batch_size
        self.steps_per_epoch = count // needed
        self.steps = iterations or epochs * self.steps_per_epoch
        self.seed = seed
        self.rank = rank
        self.world_size = world_size
        self._shuffled = lru_cache(maxsize=2)(self._shuffle)

    def __len__(self) -> int:
        """Steps of the run."""
        return self.steps

    def __str__(self) -> str:
        length = f"{self.epochs} epochs x {self.steps_per_epoch} steps"
        if self.steps != self.epochs * self.steps_per_epoch:
            length = f"{self.steps} steps ({self.steps / self.steps_per_epoch:.4g} epochs)"
        return f"{length} x {self.batch_size} images"

    @property
    def epochs(self) -> int:
        """Epochs begun."""
        return ceil(self.steps / self.steps_per_epoch)

    def epoch_of(self, step: int) -> int:
        """The epoch, from 0, that a step belongs to."""
        return step // self.steps_per_epoch

    def indices(self, step: int) -> np.ndarray:
        """Samples of this rank's batch of `step`; int64 [batch_size]."""
        epoch, position = divmod(step, self.steps_per_epoch)
        start = (position * self.world_size + self.rank) * self.batch_size
        return self._shuffled(epoch)[start : start + self.batch_size]

    def _shuffle(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(self.count)


def batch_order(count: int, config: TrainConfig, seed: int, runtime: Runtime) -> BatchOrder:
    """The order of `count` samples that a configuration asks for, as this rank sees it.

    Raises:
        UserError: fewer samples than one batch for every rank.
    """
    return BatchOrder(
        count,
        batch_size=config.batch_size,
        epochs=config.epochs,
        iterations=config.iterations,
        seed=seed,
        rank=runtime.rank,
        world_size=runtime.world_size,
    )
