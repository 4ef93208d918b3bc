"""`study`: from one base network, fine-tune and measure for several numbers of shots and several seeds.

A study is a folder that can be interrupted at any time and goes on with the same command:

study.json          what it is a study of, results of every fine-tuning, means and intervals
results.txt         the same as the text table of the original
report.html         the same as a page
log.txt             what was printed
start/              the base network after surgery
5shot_seed0/        run folder of one fine-tuning, with its evaluation; cell.json tells how far it is
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Protocol

from ms_core.errors import Interrupted, UserError
from ms_core.launch import detect_launch
from ms_core.run_folder import RunFolder

from ms_defrcn.config import DeFRCNConfig
from ms_defrcn.finetune import Mode, finetune_config, surgery_method
from ms_defrcn.lr_scaling import linearly_scaled
from ms_defrcn.study_folder import CellRecord, StudyFolder, identity_of
from ms_defrcn.study_table import Cell, Score, study_lines

Split = Literal["val", "test"]


class Actions(Protocol):
    """What a study does with MindSpore."""

    def check(self, configs: Sequence[DeFRCNConfig], split: Split) -> None:
        """Raise UserError where the data or weights of one of these fine-tunings, or of measuring them, are not
        there. They differ in shots and seeds only; there is at least one.
        """

    def surgery(self, base: Path, config: DeFRCNConfig, target: Path) -> None:
        """Write the start of a fine-tuning."""

    def train(self, config: DeFRCNConfig, out: Path, *, overwrite: bool, resume: bool) -> None:
        """Train into a run folder; raises Interrupted after a signal, once it can be resumed."""

    def evaluate(self, run: Path, config: DeFRCNConfig, split: Split) -> Mapping[str, float]:
        """Numbers by name, 0-1; below 0 where no object can count."""


@dataclass(frozen=True)
class Study:
    """A study from its arguments; see `run_study`."""

    base: Path
    config: DeFRCNConfig
    mode: Mode
    cells: tuple[Cell, ...]
    folder: StudyFolder
    split: Split
    scale_lr: bool
    keep_checkpoints: bool
    actions: Actions

    def config_of(self, cell: Cell) -> DeFRCNConfig:
        """The configuration of one fine-tuning."""
        config = self._unscaled(cell)
        return linearly_scaled(config)[0] if self.scale_lr else config

    def _unscaled(self, cell: Cell) -> DeFRCNConfig:
        """The same for 16 images an update; it is measured once, when it is done."""
        start = self.folder.start_path(self._seed_of_start(cell))
        config = finetune_config(self.config, start, self.mode, cell.shots, cell.seed)
        seed, train = self.config.seed + cell.seed, replace(config.train, evaluate=False)
        return replace(config, seed=seed, train=train)

    def _seed_of_start(self, cell: Cell) -> int | None:
        """New predictors are drawn by the seed; where none are drawn, all fine-tunings start from one file."""
        finetune = replace(self.config.finetune, mode=self.mode)
        return cell.seed if surgery_method(finetune) == "randinit" else None

    def check(self, *, anew: bool) -> None:
        """Before hours of work, and before anything is written or removed: what every fine-tuning and its measurement
        need.

        Args:
            anew: what the folder holds does not count.
        """
        todo = [cell for cell in self.cells if anew or self.folder.record_of(cell).state != "finished"]
        if todo:
            self.actions.check([self.config_of(cell) for cell in todo], self.split)

    def run(self) -> list[Score]:
        """Do what is not done yet; returns all results that the folder holds."""
        for number, cell in enumerate(self.cells, start=1):
            record = self.folder.record_of(cell)
            if record.state != "finished":
                self._announce(number, cell)
                self._finish(cell, record)
                self.folder.write_results()
        for line in study_lines(self.folder.scores()):
            self.folder.log(line)
        self.folder.log(f"results: {self.folder.results_path}, {self.folder.report_path}")
        return self.folder.scores()

    def _announce(self, number: int, cell: Cell) -> None:
        todo = [other for other in self.cells if self.folder.record_of(other).state != "finished"]
        wanted = [(c, self.config_of(c).train.iterations) for c in todo]
        left = seconds_left(self.folder.records(), wanted)
        words = f"; about {time_in_words(left)} left for all {len(todo)}" if left is not None else ""
        iterations = dict(wanted)[cell]
        self.folder.log(f"{number} of {len(self.cells)}: {cell}, {iterations} iterations{words}")
        if self.scale_lr:
            self.folder.log(f"  {linearly_scaled(self._unscaled(cell))[1]}")

    def _finish(self, cell: Cell, record: CellRecord) -> None:
        """Train as far as it is not trained, then evaluate."""
        try:
            if record.state != "trained":
                record = self._train(cell, record)
            record = self._evaluate(cell, record)
        except (Interrupted, KeyboardInterrupt) as error:
            done = sum(self.folder.record_of(other).state == "finished" for other in self.cells)
            raise Interrupted(
                f"study stopped at {cell}, {done} of {len(self.cells)} done; the same command goes on"
            ) from error
        numbers = "  ".join(f"{name} {100 * value:.2f}" for name, value in _known(record.metrics).items())
        self.folder.log(f"{cell}: {numbers or 'nothing to measure'}")

    def _train(self, cell: Cell, record: CellRecord) -> CellRecord:
        config = self.config_of(cell)
        path = self.folder.cell_path(cell)
        assert config.weights is not None
        if not config.weights.is_file():
            config.weights.parent.mkdir(parents=True, exist_ok=True)
            self.actions.surgery(self.base, config, config.weights)
        resume = RunFolder(path).last_path.is_file() and RunFolder(path).config_path.is_file()
        started = time.monotonic()
        state: Literal["training", "trained"] = "training"
        try:
            self.actions.train(config, path, overwrite=not resume, resume=resume)
            state = "trained"
        finally:
            before = record.train_seconds if resume else 0.0
            seconds = before + time.monotonic() - started
            record = CellRecord(cell, state, config.train.iterations, seconds)
            self.folder.write_record(record)
        return record

    def _evaluate(self, cell: Cell, record: CellRecord) -> CellRecord:
        path = self.folder.cell_path(cell)
        started = time.monotonic()
        numbers = self.actions.evaluate(path, self.config_of(cell), self.split)
        metrics = {name: None if value < 0 else float(value) for name, value in numbers.items()}
        seconds = time.monotonic() - started
        record = replace(record, state="finished", evaluate_seconds=seconds, metrics=metrics)
        self.folder.write_record(record)
        if not self.keep_checkpoints:
            for checkpoint in RunFolder(path).checkpoints.glob("*.ckpt"):
                checkpoint.unlink()
        return record


def run_study(
    base: Path,
    config: DeFRCNConfig,
    shots: Sequence[int],
    seeds: Sequence[int],
    mode: Mode,
    out: Path,
    *,
    split: Split = "val",
    overwrite: bool = False,
    scale_lr: bool = False,
    keep_checkpoints: bool = True,
    actions: Actions | None = None,
) -> list[Score]:
    """Fine-tune and measure for every number of shots with every seed; prints a table of means and intervals.

    What fine-tunings and measurements need is looked at first; where it is not there, `out` stays as it is.

    Called again with the same `out`, it reads what is finished, resumes what was interrupted, and may be given further
    shots and seeds; before the first result, also other data to measure on and another calibration. A seed decides
    which objects are drawn; it is also added to `config.seed`, so that initial weights and the order of pictures
    differ too.

    Args:
        base: run folder of the base training, or a checkpoint.
        config: a recipe of fine-tuning with the user's changes (`finetune.finetune_recipe`).
        shots: numbers of labelled objects of every class, each >= 1.
        seeds: of the drawing, each >= 0.
        mode: fsod: novel classes only; gfsod: base and novel classes.
        out: folder of the study.
        split: which data is measured on.
        overwrite: begin anew where `out` holds a study.
        scale_lr: scale learning rates and schedules to as many images an update as there are (printed).
        keep_checkpoints: else those of a finished fine-tuning are removed (an R-101 takes 0.4 GB).
        actions: what really trains and measures; None: this package.

    Returns:
        All results in the folder, by shots and seeds.

    Raises:
        UserError: nothing to do, `out` holds another study or something else, bad input of a fine-tuning, or several
            processes (fine-tunings run one after another in one).
        Interrupted: stopped by a signal; the same call goes on.
    """
    detect_launch(os.environ, parallel="off")
    study = Study(
        base=base,
        config=config,
        mode=mode,
        cells=cells_of(shots, seeds),
        folder=StudyFolder(out),
        split=split,
        scale_lr=scale_lr,
        keep_checkpoints=keep_checkpoints,
        actions=actions or _real_actions(),
    )
    identity = identity_of(base, linearly_scaled(config)[0] if scale_lr else config, mode, split)
    study.folder.require_free_or_same(identity, overwrite=overwrite)
    study.check(anew=overwrite)
    study.folder.open(identity, overwrite=overwrite)
    return study.run()


def cells_of(shots: Sequence[int], seeds: Sequence[int]) -> tuple[Cell, ...]:
    """Every number of shots with every seed, each once; a seed for all shots before the next, so that the first
    results tell something about all of them.

    Raises:
        UserError: none, or a number out of range.
    """
    if not shots or not seeds:
        raise UserError("study: nothing to do. Give --shots, such as 1 5 10, and --seeds, such as 0-9.")
    for name, numbers, least in (("shots", shots, 1), ("seeds", seeds, 0)):
        if min(numbers) < least:
            raise UserError(f"--{name}: {min(numbers)} is below {least}.")
    return tuple(Cell(k, seed) for seed in dict.fromkeys(seeds) for k in dict.fromkeys(shots))


def seeds_of(words: Sequence[str]) -> list[int]:
    """Seeds as typed: `0-9`, or `0 1 5`, or `0-2,7`.

    Raises:
        UserError: a word that is neither a number nor a range.
    """
    seeds: list[int] = []
    for word in ",".join(words).split(","):
        first, dash, last = word.strip().partition("-")
        if not first.isdecimal() or (dash and not last.isdecimal()):
            raise UserError(f"--seeds: {word!r} is no number and no range. Write 0 1 2, or 0-9.")
        if dash and int(last) < int(first):
            raise UserError(f"--seeds: {word!r} ends before it begins. Write {last}-{first}.")
        seeds += range(int(first), int(last or first) + 1)
    return seeds


def seconds_left(records: Sequence[CellRecord], todo: Sequence[tuple[Cell, int]]) -> float | None:
    """Time that the fine-tunings `todo` (with their iterations) may take, from those that are finished; None before
    the first one is.
    """
    done = [record for record in records if record.state == "finished" and record.iterations]
    if not done:
        return None
    per_iteration = sum(r.train_seconds for r in done) / sum(r.iterations for r in done)
    per_evaluation = sum(r.evaluate_seconds for r in done) / len(done)
    begun = {record.cell: record.train_seconds for record in records if record.state != "finished"}
    training = sum(max(0.0, iterations * per_iteration - begun.get(cell, 0.0)) for cell, iterations in todo)
    return training + per_evaluation * len(todo)


def time_in_words(seconds: float) -> str:
    """`3 days 04:10`, `2:05 h` or `12 min`: no more than an estimate can tell."""
    minutes = max(1, round(seconds / 60))
    hours, days = minutes // 60, minutes // 1440
    if days:
        return f"{days} day{'s' if days > 1 else ''} {hours % 24:02}:{minutes % 60:02}"
    return f"{hours}:{minutes % 60:02} h" if hours else f"{minutes} min"


def _known(metrics: Mapping[str, float | None]) -> dict[str, float]:
    return {
        name: value
        for name in ("nAP", "bAP", "AP", "AP50", "AP75")
        if (value := metrics.get(name)) is not None
    }


def _real_actions() -> Actions:
    from ms_defrcn.study_actions import RealActions

    return RealActions()
