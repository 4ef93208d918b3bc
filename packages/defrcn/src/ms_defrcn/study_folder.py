"""The folder of a study: what is done, and whether it is the same study."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from ms_core.atomic import atomic_write, remove_unfinished
from ms_core.config import to_yaml
from ms_core.errors import UserError
from ms_core.export.manifest import file_sha256
from ms_core.json_object import read_json_object
from ms_core.recipes import parse_yaml
from ms_core.run_folder import RunFolder
from ms_core.run_target import checkpoint_of

from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.study_report import write_study_report
from ms_defrcn.study_table import Cell, Score, in_order, old_table, to_json

State = Literal["new", "training", "trained", "finished"]

_CELL_NAME = re.compile(r"(\d+)shot_seed(\d+)")
_FREE = frozenset(
    {
        *("device", "mode", "compile_cache", "data.workers", "data.cache", "data.cache_shards"),
        *("train.workers", "train.log_every", "train.save_minutes", "train.tensorboard", "train.evaluate"),
        *("weights", "fewshot.classes", "fewshot.shots", "fewshot.shots_seed", "finetune.mode"),
    }
)
"""Settings that leave results as they are, or that the study itself decides."""
_MEASURING = frozenset({"data.val", "data.test", "data.val_images"})
"""Settings, beside those of `pcb`, by which trained networks are measured: no training depends on them."""


@dataclass(frozen=True)
class CellRecord:
    """How far a fine-tuning is."""

    cell: Cell
    state: State = "new"
    iterations: int = 0
    """Updates of the weights."""
    train_seconds: float = 0.0
    """Interruptions not counted."""
    evaluate_seconds: float = 0.0
    metrics: Mapping[str, float | None] = field(default_factory=dict)
    """Name -> 0-1; None where no object can count. Empty before the fine-tuning is finished."""


@dataclass(frozen=True)
class StudyFolder:
    """A study on disk."""

    path: Path

    @property
    def study_path(self) -> Path:
        """Identity and results."""
        return self.path / "study.json"

    @property
    def results_path(self) -> Path:
        """The text table."""
        return self.path / "results.txt"

    @property
    def report_path(self) -> Path:
        """The page."""
        return self.path / "report.html"

    def cell_path(self, cell: Cell) -> Path:
        """Run folder of a fine-tuning."""
        return self.path / f"{cell.shots}shot_seed{cell.seed}"

    def start_path(self, seed: int | None) -> Path:
        """The base network after surgery; None: no seed had a part in it."""
        return self.path / "start" / ("removed.ckpt" if seed is None else f"randinit_seed{seed}.ckpt")

    def log(self, message: str) -> None:
        """Print a line and keep it in log.txt."""
        RunFolder(self.path).log(message)

    def require_free_or_same(self, identity: Mapping[str, Any], *, overwrite: bool) -> None:
        """Check, and change nothing: the folder is new or empty, or holds this study, or any that is to be replaced.

        Raises:
            UserError: it holds another study, or other files.
        """
        if self.study_path.is_file():
            if not overwrite:
                self._require_same(identity)
        elif self.path.is_dir() and any(self.path.iterdir()):
            raise UserError(f"{self.path}: holds other files. Give a new --out for the study.")

    def open(self, identity: Mapping[str, Any], *, overwrite: bool) -> None:
        """Make the folder, after `require_free_or_same`; with `overwrite`, remove the study that it holds.

        Args:
            identity: see `identity_of`.
            overwrite: begin anew.

        Raises:
            UserError: no right to write.
        """
        if overwrite and self.study_path.is_file():
            self._clear()
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"{self.path}: the folder cannot be made: {error.strerror}. Give another --out."
            ) from error
        remove_unfinished(self.path)
        self._write_study(identity)

    def record_of(self, cell: Cell) -> CellRecord:
        """How far a fine-tuning is.

        Raises:
            UserError: a damaged cell.json.
        """
        path = self.cell_path(cell) / "cell.json"
        if not path.is_file():
            return CellRecord(cell)
        remedy = f"Delete {self.cell_path(cell)}; this fine-tuning is then done again."
        content = read_json_object(path, remedy)
        try:
            return CellRecord(cell, **content)
        except TypeError as error:
            raise UserError(f"{path}: not what a study writes. {remedy}") from error

    def write_record(self, record: CellRecord) -> None:
        """Keep how far a fine-tuning is."""
        folder = self.cell_path(record.cell)
        folder.mkdir(exist_ok=True)
        content = {name: value for name, value in vars(record).items() if name != "cell"}
        _write_json(folder / "cell.json", content)

    def records(self) -> list[CellRecord]:
        """Of every fine-tuning that was begun, also of those that this call of the study does not ask for."""
        return [self.record_of(cell) for cell in self._cells()]

    def scores(self) -> list[Score]:
        """What is finished, by shots and seeds."""
        done = [record for record in self.records() if record.state == "finished"]
        return in_order(Score(record.cell, record.metrics) for record in done)

    def write_results(self) -> None:
        """Write study.json, results.txt and report.html from what is finished."""
        content = read_json_object(self.study_path, "Pass --overwrite to begin anew.")
        scores = self.scores()
        self._write_study({**content, **to_json(scores)})
        with atomic_write(self.results_path) as file:
            file.write(old_table(scores))
        write_study_report(self.report_path, content, scores)

    def _cells(self) -> Iterator[Cell]:
        for path in sorted(self.path.glob("*/cell.json")):
            if name := _CELL_NAME.fullmatch(path.parent.name):
                yield Cell(int(name[1]), int(name[2]))

    def _write_study(self, content: Mapping[str, Any]) -> None:
        former = read_json_object(self.study_path, "") if self.study_path.is_file() else {}
        _write_json(self.study_path, {**former, **content})

    def _require_same(self, identity: Mapping[str, Any]) -> None:
        former = read_json_object(self.study_path, "Pass --overwrite to begin anew.")
        before = {**_comparable(former), **former.get("settings", {})}
        measured = bool(self.scores())
        for name, value in {**_comparable(identity), **identity["settings"]}.items():
            if before.get(name) != value and (measured or not _is_measuring(name)):
                raise UserError(
                    f"{self.path}: holds a study with another {name} ({before.get(name)}, now {value}). "
                    "Give another --out, or pass --overwrite to begin anew."
                )

    def _clear(self) -> None:
        """Remove a study, and nothing else."""
        for folder in (self.path / "start", *self.path.glob("*shot_seed*")):
            if folder.name == "start" or _CELL_NAME.fullmatch(folder.name):
                shutil.rmtree(folder, ignore_errors=True)
        for file in (self.study_path, self.results_path, self.report_path, self.path / "log.txt"):
            file.unlink(missing_ok=True)


def identity_of(base: Path, config: DeFRCNConfig, mode: str, split: str) -> dict[str, Any]:
    """What makes a study this one, as study.json keeps it.

    Raises:
        UserError: no base checkpoint.
    """
    checkpoint = checkpoint_of(base)
    return {
        "mode": mode,
        "split": split,
        "base": checkpoint.absolute().as_posix(),
        "base_sha256": file_sha256(checkpoint),
        "settings": _settings(config),
    }


def _is_measuring(key: str) -> bool:
    """Whether a setting may change until something was measured by it."""
    return key.startswith("pcb.") or key in _MEASURING


def _comparable(study: Mapping[str, Any]) -> dict[str, Any]:
    """What makes a study this one, beside its settings."""
    return {
        "--mode": study.get("mode"),
        "--split": study.get("split"),
        "base checkpoint": f"SHA-256 {str(study.get('base_sha256'))[:12]}",
    }


def _settings(config: DeFRCNConfig) -> dict[str, Any]:
    """Dotted key -> value, as JSON has it, of the settings on which results depend."""
    flat = dict(_flat(parse_yaml(to_yaml(config), "config"), ""))
    return {key: value for key, value in flat.items() if key not in _FREE}


def _flat(settings: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in settings.items():
        if isinstance(value, dict) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _write_json(path: Path, content: Mapping[str, Any]) -> None:
    with atomic_write(path) as file:
        file.write(json.dumps(content, indent=2, ensure_ascii=False) + "\n")
