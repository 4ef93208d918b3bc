"""Start of a process: device, graph or PyNative mode, seeds, data parallel; and what ranks do together."""

from __future__ import annotations

import os
import random
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

import numpy as np

from ms_core.device_choice import DeviceChoice, Target, check_device_id, choose_target, parse_device
from ms_core.errors import UserError
from ms_core.launch import Launch, detect_launch
from ms_core.versions import check_framework

T = TypeVar("T")
_LARGEST_SEED = 2**32 - 1  # NumPy's and MindSpore's data engine's limit


@dataclass(frozen=True)
class Runtime:
    """What `start` set up."""

    device: Target
    """"Ascend", "GPU" or "CPU"."""
    device_id: int
    """Which of the machine's devices of this kind."""
    rank: int = 0
    """Number of this process, from 0."""
    world_size: int = 1
    """Processes that train together."""

    @property
    def is_main(self) -> bool:
        """Whether this process writes the files and prints."""
        return self.rank == 0

    def __str__(self) -> str:
        place = f"{self.device}:{self.device_id}"
        return place if self.world_size == 1 else f"{place}, rank {self.rank} of {self.world_size}"


def start(
    device: str = "auto",
    *,
    mode: Literal["graph", "pynative"] = "graph",
    seed: int | None = 1,
    parallel: str = "auto",
) -> Runtime:
    """Set up MindSpore; call it once, before the first tensor.

    Under msrun (or with RANK_TABLE_FILE and RANK_ID on Ascend) communication is started and training becomes
    data parallel: gradients are averaged over all processes. In msrun's scheduler process this call does not
    return.

    Args:
        device: `auto|cpu|gpu|ascend[:ID]`; auto takes Ascend, GPU or CPU, the first that is available.
        mode: "graph": compiled (fast); "pynative": operation by operation (debugging).
        seed: 0 to 2**32-1, for initial weights and all that is random in MindSpore, NumPy and Python; None:
            not set. All ranks need the same one, so that they start from equal weights.
        parallel: "auto", "data" (refuse to run alone) or "off"; see `launch.detect_launch`.

    Raises:
        UserError: unfit versions, a missing device, a faulty rank table, a parallel mode that is not offered.
    """
    check_framework()
    choice = parse_device(device)
    launch = detect_launch(os.environ, parallel)
    _check_seed(seed, launch)
    target = _target(choice, launch)
    _set_mode(mode)
    _set_device(target, _device_id(choice, launch, target), launch)
    runtime = _join(launch, target)
    if seed is not None:
        set_seed(seed)
    return runtime


def set_seed(seed: int) -> None:
    """Seed MindSpore (initialisers, operators, data engine), NumPy and Python."""
    import mindspore as ms

    ms.set_seed(seed)
    np.random.seed(seed)
    random.seed(seed)


def shard(items: Sequence[T], runtime: Runtime) -> Sequence[T]:
    """This rank's share of a list: every `world_size`-th item from `rank`; shares differ by at most one in
    length.
    """
    return items[runtime.rank :: runtime.world_size]


def barrier(runtime: Runtime) -> None:
    """Wait until every rank is here."""
    all_sum(np.zeros(1, np.float32), runtime)


def all_sum(values: np.ndarray, runtime: Runtime) -> np.ndarray:
    """Sum of an array over all ranks, the same on every rank. float32 inside."""
    if runtime.world_size == 1:
        return values
    import mindspore as ms
    from mindspore import ops

    total = ops.AllReduce()(ms.Tensor(np.asarray(values, np.float32)))
    return total.asnumpy().astype(values.dtype)


def gather(value: Any, runtime: Runtime) -> list[Any]:
    """The values of all ranks, in the order of the ranks, on every rank.

    Args:
        value: numbers, text, lists, dictionaries and bytes; each rank's may have another size.
    """
    if runtime.world_size == 1:
        return [value]
    from mindspore.mint.distributed import all_gather_object

    values: list[Any] = [None] * runtime.world_size
    all_gather_object(values, value)
    return values


def _check_seed(seed: int | None, launch: Launch) -> None:
    if seed is None and launch.world_size > 1:
        raise UserError("--seed: data parallel needs one, so that all ranks start from equal weights.")
    if seed is not None and not 0 <= seed <= _LARGEST_SEED:
        raise UserError(f"--seed {seed}: expected 0 to {_LARGEST_SEED}.")


def _target(choice: DeviceChoice, launch: Launch) -> Target:
    if os.environ.get("MS_ROLE") == "MS_SCHED":
        return "CPU"  # the scheduler only connects the workers
    target = choose_target(choice)
    if launch.kind == "rank table" and target != "Ascend":
        raise UserError(
            f"RANK_TABLE_FILE and RANK_ID are set, but the device is {target}; rank tables are for Ascend. "
            "Unset them, or start with msrun, which needs no table."
        )
    return target


def _device_id(choice: DeviceChoice, launch: Launch, target: Target) -> int | None:
    """The device's number; None where MindSpore deals the devices out among msrun's workers."""
    if target == "CPU":
        check_device_id(target, choice.device_id or 0)
        return 0
    if launch.kind == "msrun":
        if choice.device_id is not None and launch.world_size > 1:
            raise UserError(
                f"--device {target.lower()}:{choice.device_id}: under msrun every process takes its own "
                "device. "
                f"Use --device {target.lower()}; ASCEND_RT_VISIBLE_DEVICES or CUDA_VISIBLE_DEVICES "
                "restrict the choice."
            )
        return choice.device_id
    assigned = launch.device_id
    if launch.kind == "rank table" and choice.device_id not in (None, assigned):
        raise UserError(
            f"--device {target.lower()}:{choice.device_id}: the rank table gives this process device "
            f"{assigned}."
        )
    device_id = choice.device_id if choice.device_id is not None else assigned or 0
    check_device_id(target, device_id)
    return device_id


def _set_mode(mode: str) -> None:
    import mindspore as ms

    modes = {"graph": ms.GRAPH_MODE, "pynative": ms.PYNATIVE_MODE}
    if mode not in modes:
        raise UserError(f"--mode {mode}: expected graph or pynative.")
    ms.set_context(mode=modes[mode])


def _set_device(target: Target, device_id: int | None, launch: Launch) -> None:
    import mindspore as ms

    try:
        ms.set_device(target, device_id) if device_id is not None else ms.set_device(target)
    except RuntimeError as error:
        if "can not be modified" not in str(error) and "has been initialized" not in str(error):
            raise
        if (ms.get_context("device_target"), ms.get_context("device_id")) == (target, device_id or 0):
            return  # operations ran before, on this very device
        raise UserError(
            f"--device {target.lower()}: this process already works on another device; start() comes before any "
            "tensor, and a process keeps its device."
        ) from error


def _join(launch: Launch, target: Target) -> Runtime:
    """Start communication where processes were started together."""
    import mindspore as ms

    if launch.kind != "single":
        _start_communication()
        rank, world_size = ms.communication.get_rank(), ms.communication.get_group_size()
        ms.set_auto_parallel_context(
            parallel_mode=ms.ParallelMode.DATA_PARALLEL, gradients_mean=True, device_num=world_size
        )
    else:
        rank, world_size = 0, 1
    return Runtime(target, int(ms.get_context("device_id")), rank, world_size)


def _start_communication() -> None:
    import mindspore as ms

    if ms.communication.GlobalComm.INITED:
        return
    try:
        ms.communication.init()
    except RuntimeError as error:
        first_line = str(error).strip().partition("\n")[0]
        raise UserError(
            f"communication between the processes did not start: {first_line}. Check that all of msrun's "
            "workers "
            "run and reach --master_addr and --master_port."
        ) from error
    if os.environ.get("MS_ROLE") == "MS_SCHED":
        sys.exit(0)  # all workers are done
