"""`report RUN`: without MindSpore, in one line where it goes wrong."""

import subprocess
import sys
from pathlib import Path

import pytest
from made_run import make_run
from ms_core.cli import Tool, run
from ms_core.report.verb import report_verb

TOOL = Tool("ms-ssd", {"report": report_verb()}, "1")


def test_the_page_is_written_and_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = make_run(tmp_path / "run", None)
    capsys.readouterr()
    assert run(TOOL, ["report", str(folder.path)]) == 0
    assert capsys.readouterr().out.strip() == f"report: {folder.report_path}"
    assert folder.report_path.is_file()


def test_no_run_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(TOOL, ["report", str(tmp_path)]) == 2
    assert "not a run folder" in capsys.readouterr().err


def test_mindspore_is_not_imported() -> None:
    program = (
        "import sys, ms_core.report; sys.exit('mindspore' in sys.modules or 'matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
