"""The README's commands work as printed, in order, with a folder like the demo's at hand."""

import re
import shlex
from pathlib import Path

import pytest
from ms_defrcn.cli import main

READMES = [Path(__file__).parents[1] / name for name in ("README.md", "README_CN.md")]


def commands(readme: Path) -> list[str]:
    """Lines of the `sh` blocks."""
    blocks = re.findall(r"```sh\n(.*?)```", readme.read_text(encoding="utf-8"), re.DOTALL)
    return [line for block in blocks for line in block.splitlines() if line]


def test_both_languages_show_the_same_commands():
    english, chinese = map(commands, READMES)
    assert english == chinese
    assert len(english) > 4


def test_every_command_does_what_it_says(demo_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo-run").symlink_to(demo_run, target_is_directory=True)
    for line in commands(READMES[0]):
        tool, *words = shlex.split(line)
        assert tool == "ms-defrcn"
        assert main(words) == 0, line
    for written in ("5shots.json", "eval/metrics.json", "eval-pcb/metrics.json", "drawn/predictions.json"):
        assert (tmp_path / written).exists(), written
