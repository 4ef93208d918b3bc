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


def run_of(target: Path) -> Path | None:
    """The run folder itself, or the run whose `checkpoints` a file lies in; None where it belongs to no run."""
    file = target.absolute()
    if target.is_dir():
        run = target
    elif file.parent.name == "checkpoints":
        run = file.parent.parent
    else:
        return None
    return run if RunFolder(run).config_path.is_file() else None


def config_of_run(target: Path) -> Path | None:
    """config.yaml of the run that `target` is or belongs to."""
    run = run_of(target)
    return None if run is None else RunFolder(run).config_path


def evaluation_folder_of(target: Path, split: str) -> Path:
    """Where the evaluation of `target` on `split` goes, where the user names no folder.

    `eval-SPLIT` in the run folder is that of the run's best checkpoint; another one has `eval-SPLIT-NAME`, and one
    that belongs to no run `eval-NAME-SPLIT` in the working folder.
    """
    run = run_of(target)
    if run is None:
        return Path(f"eval-{target.stem}-{split}")
    return run / (f"eval-{split}" if _is_best(target, run) else f"eval-{split}-{target.stem}")


def _is_best(target: Path, run: Path) -> bool:
    """Whether `target` is what `checkpoint_of` takes of its run."""
    if target.is_dir():
        return True
    folder = RunFolder(run)
    best = folder.best_path if folder.best_path.is_file() else folder.last_path
    return target.absolute() == best.absolute()


def rewrite_report(target: Path, out: Path) -> None:
    """Write report.html of the run anew, if the evaluation in `out` belongs to one."""
    from ms_core.report import write_report
    from ms_core.report.evaluation_folder import evaluations_of

    run = run_of(target)
    if run is None or out.absolute() not in (folder.absolute() for folder in evaluations_of(run)):
        return
    print(f"report: {write_report(RunFolder(run))}")
