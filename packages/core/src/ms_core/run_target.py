"""What a command is aimed at: a run folder, or a checkpoint that may lie in one."""

from __future__ import annotations

from pathlib import Path

from ms_core.errors import UserError
from ms_core.run_folder import RunFolder


def checkpoint_of(target: Path) -> Path:
    """The checkpoint to use of a run folder (its best one), or the file itself.

    Raises:
        UserError: there is none.
    """
    if target.is_dir():
        return RunFolder(target).best_checkpoint()
    if not target.is_file():
        raise UserError(f"{target.absolute()}: no such checkpoint or run folder.")
    return target


def config_of_run(target: Path) -> Path | None:
    """config.yaml of a run folder, or of the run whose `checkpoints` a file lies in."""
    folder = target if target.is_dir() else target.absolute().parent.parent
    if target.is_dir() or target.absolute().parent.name == "checkpoints":
        config = RunFolder(folder).config_path
        return config if config.is_file() else None
    return None


def run_of(target: Path) -> Path | None:
    """The run folder, or the one that a checkpoint lies in."""
    run = target if target.is_dir() else target.absolute().parent.parent
    return run if (run / "config.yaml").is_file() else None


def evaluation_folder_of(target: Path, split: str) -> Path:
    """Where the evaluation of `target` on `split` goes, where the user names no folder."""
    run = run_of(target)
    return Path(f"eval-{target.stem}-{split}") if run is None else run / f"eval-{split}"


def rewrite_report(target: Path, out: Path) -> None:
    """Write report.html of the run anew, if the evaluation in `out` belongs to one."""
    from ms_core.report import write_report
    from ms_core.report.evaluation_folder import evaluations_of

    run = run_of(target)
    if run is None or out.absolute() not in (folder.absolute() for folder in evaluations_of(run)):
        return
    print(f"report: {write_report(RunFolder(run))}")
