"""`python -m ms_core.old_zoo` itself, and the check of a command before it is started."""

from argparse import Namespace
from dataclasses import dataclass

import pytest
from ms_core.cli import Tool, Verb, read_words
from ms_core.errors import UserError
from ms_core.old_zoo.__main__ import main
from ms_core.old_zoo.scripts import INTERFACES, OTHERS, VARIABLES


@dataclass(frozen=True)
class Settings:
    speed: int = 1
    """Any."""


def _must_not_run(arguments: Namespace) -> None:
    raise AssertionError("the verb ran")


TOOL = Tool("ms-test", {"go": Verb("go", run=_must_not_run, config=Settings)}, "1.0")


def test_a_command_is_read_without_being_run() -> None:
    assert read_words(TOOL, ["go", "--speed", "3"]).config == Settings(speed=3)


@pytest.mark.parametrize(
    ("words", "message"),
    [(["gone"], "gone: no such verb. Did you mean go"), (["go", "--sped", "3"], "--sped: unknown option")],
)
def test_what_the_command_would_refuse_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_words(TOOL, words)


def test_list_names_every_script_and_variable(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list"]) == 0
    printed = capsys.readouterr().out
    names = {name for interface in INTERFACES.values() for name in interface.scripts}
    assert [name for name in (*names, *VARIABLES) if name not in printed] == []
    assert "run_eval.sh DATASET CHECKPOINT_PATH [DEVICE_ID [CONFIG]]" in printed


def test_nothing_and_too_little_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert main(["run", "ms-ssd"]) == 2
    assert main(["run", "ms-sd", "run_eval.sh"]) == 2
    captured = capsys.readouterr()
    assert captured.out.count("run PACKAGE SCRIPT") == 2
    assert captured.err == "error: ms-sd: has no old scripts. Did you mean ms-ssd?\n"


def test_every_variable_that_is_read_is_documented() -> None:
    """And none that is not."""
    from inspect import getsource

    from ms_core.ascend310 import convert_om
    from ms_core.old_zoo import __main__, calls, ranks

    source = "".join(map(getsource, (__main__, calls, ranks, convert_om)))
    assert [name for name in VARIABLES if f'"{name}"' not in source and name != "PYTHON"] == []
    assert all(OTHERS.values())
