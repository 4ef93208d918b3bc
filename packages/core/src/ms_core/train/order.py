"""Which samples make up each batch of a run, as a pure function of the step."""

from __future__ import annotations

from copy import copy
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
        iterations: batches of the whole run, the last epoch being cut short; 0: `epochs` counts.
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

    def grouped(self, groups: np.ndarray) -> BatchOrder:
        """The same epochs with other batches: those of one group share one, but for at most groups - 1 batches.

        Args:
            groups: integers [count], the group of every sample; pictures lying and standing, for example.
        """
        order = copy(self)
        needed = self.steps_per_epoch * self.batch_size * self.world_size

        def shuffled(epoch: int) -> np.ndarray:
            # Cut before it is sorted: a small group would else be what is left out, epoch after epoch.
            return _in_batches(self._shuffle(epoch)[:needed], groups, self.batch_size)

        order._shuffled = lru_cache(maxsize=2)(shuffled)
        return order

    def _shuffle(self, epoch: int) -> np.ndarray:
        return np.random.default_rng([self.seed, epoch]).permutation(self.count)


def _in_batches(shuffled: np.ndarray, groups: np.ndarray, batch_size: int) -> np.ndarray:
    """Reorder samples, whose number is whole batches, so that batches are of one group wherever that is possible.

    As the samples come each goes to the open batch of its group; a batch is dealt out once it is full. What remains
    open at the end makes up mixed batches.
    """
    full: list[np.ndarray] = []
    opened: dict[int, list[int]] = {}
    for sample, group in zip(shuffled.tolist(), groups[shuffled].tolist(), strict=True):
        batch = opened.setdefault(group, [])
        batch.append(sample)
        if len(batch) == batch_size:
            full.append(np.array(opened.pop(group)))
    return np.concatenate([*full, *(np.array(batch) for batch in opened.values())])


def batch_order(count: int, config: TrainConfig, seed: int, runtime: Runtime) -> BatchOrder:
    """The order of `count` samples that a configuration asks for, as this rank sees it.

    Raises:
        UserError: fewer samples than one batch for every rank.
    """
    return BatchOrder(
        count,
        batch_size=config.batch_size,
        epochs=config.epochs,
        iterations=config.iterations * config.accumulate,
        seed=seed,
        rank=runtime.rank,
        world_size=runtime.world_size,
    )
