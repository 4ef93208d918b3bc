"""How this process was started: alone, by msrun, or the old way with RANK_TABLE_FILE and RANK_ID."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from ms_core import rank_table
from ms_core.errors import UserError
from ms_core.nearest import did_you_mean

MSRUN_EXAMPLE = "msrun --worker_num=8 --local_worker_num=8 --join=True YOUR_COMMAND"
_OTHER_MODES = (
    "auto_parallel",
    "semi_auto",
    "semi_auto_parallel",
    "hybrid",
    "hybrid_parallel",
    "model",
    "tensor",
    "pipeline",
)


@dataclass(frozen=True)
class Launch:
    """The place of this process among those started together."""

    kind: Literal["single", "msrun", "rank table"]
    """Who started it; data parallel for the last two."""
    world_size: int = 1
    """Processes altogether."""
    rank: int | None = 0
    """Number of this process from 0; None where msrun gives it only after the start of communication."""
    device_id: int | None = None
    """Device that the environment assigns; None: not said."""


def detect_launch(environment: Mapping[str, str], parallel: str = "auto") -> Launch:
    """Read the environment variables of msrun or of the old start-up, and check them.

    Args:
        environment: `os.environ`.
        parallel: "auto": data parallel if the environment says so; "data": it must; "off": it must not.

    Raises:
        UserError: unknown parallel mode, a faulty rank table, contradictory variables, or a start by mpirun.
    """
    check_parallel(parallel)
    launch = _detect(environment)
    if parallel == "data" and launch.kind == "single":
        raise UserError(f"parallel data: this process was started alone. Start it as: {MSRUN_EXAMPLE}.")
    if parallel == "off" and launch.kind != "single":
        raise UserError(
            f"parallel off: this process was started by {launch.kind}. Start it without, or leave "
            "parallel at auto."
        )
    return launch


def check_parallel(parallel: str) -> None:
    """
    Raises:
        UserError: a parallel mode that is not offered.
    """
    if parallel in ("auto", "off", "data"):
        return
    if parallel.lower() in _OTHER_MODES:
        raise UserError(
            f"parallel {parallel}: networks and states are not split over devices here; only data "
            "parallel is "
            f"offered (every device holds the whole network). Use auto, and start with: {MSRUN_EXAMPLE}."
        )
    raise UserError(
        f"parallel {parallel}: expected auto, off or data.{did_you_mean(parallel, ['auto', 'off', 'data'])}"
    )


def _detect(environment: Mapping[str, str]) -> Launch:
    if environment.get("MS_ROLE"):
        return _msrun(environment)
    if _number(environment, "OMPI_COMM_WORLD_SIZE", 1) > 1:
        raise UserError(
            f"started by mpirun, which this package does not support. Start it as: {MSRUN_EXAMPLE}."
        )
    if environment.get("RANK_TABLE_FILE") and environment.get("RANK_ID"):
        return _old_start_up(environment)
    if _number(environment, "RANK_SIZE", 1) > 1:
        raise UserError(
            f"RANK_SIZE is {environment['RANK_SIZE']}, but there is neither msrun nor RANK_TABLE_FILE "
            "with RANK_ID. "
            f"Start with: {MSRUN_EXAMPLE}."
        )
    return Launch("single", device_id=_number(environment, "DEVICE_ID", None))


def _msrun(environment: Mapping[str, str]) -> Launch:
    world_size = _number(environment, "MS_WORKER_NUM", 0)
    if world_size < 1:
        raise UserError("MS_ROLE is set, but MS_WORKER_NUM is not: unset MS_ROLE, or start with msrun.")
    rank = _number(environment, "MS_NODE_ID", None)
    if environment.get("RANK_TABLE_FILE") and rank is not None and environment["MS_ROLE"] == "MS_WORKER":
        rank_table.validate(Path(environment["RANK_TABLE_FILE"]), rank, rank_size=world_size)
    return Launch("msrun", world_size, rank)


def _old_start_up(environment: Mapping[str, str]) -> Launch:
    rank = _number(environment, "RANK_ID", 0)
    size = _number(environment, "RANK_SIZE", None)
    device_id = _number(environment, "DEVICE_ID", None)
    table = rank_table.validate(
        Path(environment["RANK_TABLE_FILE"]), rank, device_id=device_id, rank_size=size
    )
    return Launch("rank table", table.rank_size, rank, table.entry(rank).device_id)


def _number(environment: Mapping[str, str], name: str, default: int | None) -> int:
    text = environment.get(name, "").strip()
    if not text:
        return default  # type: ignore[return-value]
    if not (text.isascii() and text.isdigit()):
        raise UserError(
            f"environment variable {name}: '{text}' is not a whole number from 0. Correct or unset it."
        )
    return int(text)
