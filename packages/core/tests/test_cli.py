"""The command line: verbs, exit codes, the one-line errors, help."""

import argparse
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from ms_core import cli
from ms_core.cli import LazyVerb, Tool, Verb
from ms_core.errors import Interrupted, UserError


@dataclass(frozen=True)
class ModelConfig:
    name: str = "ssd300"
    """Network, 50% of the work."""
    sizes: tuple[int, ...] = (1,)


@dataclass(frozen=True)
class Config:
    model: ModelConfig = field(default_factory=ModelConfig)
    """The network."""
    seed: int = 1
    """Seed."""


seen: list[argparse.Namespace] = []


def remember(arguments: argparse.Namespace) -> None:
    seen.append(arguments)


def failing(error: BaseException) -> Verb:
    def run(arguments: argparse.Namespace) -> None:
        raise error

    return Verb("fails", run)


def predict_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("run", type=Path)
    parser.add_argument("images", nargs="*", type=Path)
    parser.add_argument("--out", type=Path)
    parser.add_argument("--min-score", type=float, default=0.5)


def tool(recipes: Path | None = None, **verbs: Verb | LazyVerb) -> Tool:
    predict = Verb("draw boxes", remember, predict_arguments, Config, example="{command} runs/a b.jpg")
    return Tool("ms-ssd", {"predict": predict, **verbs}, "1.2.3", recipes, "Object detection.")


def run(*words: str, **verbs: Verb) -> int:
    return cli.run(tool(**verbs), words)


def last() -> argparse.Namespace:
    return seen.pop()


# Parsing


def test_positional_arguments_options_and_configuration_come_in_any_order() -> None:
    words = [
        "runs/a",
        "--seed",
        "3",
        "a.jpg",
        "--out=drawn",
        "b.jpg",
        "--model.sizes",
        "1",
        "2",
        "--min_score",
        "0.2",
        "c",
    ]
    assert run("predict", *words) == 0
    arguments = last()
    assert arguments.run == Path("runs/a")
    assert arguments.images == [Path("a.jpg"), Path("b.jpg"), Path("c")]
    assert (arguments.out, arguments.min_score) == (Path("drawn"), 0.2)
    assert arguments.config == Config(ModelConfig(sizes=(1, 2)), seed=3)


def test_a_recipe_is_read_and_the_command_line_wins_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text("seed: 7\nmodel: {name: x}\n")
    for words in (["--seed", "8", "--config", "small"], ["--config=small", "--seed=8"]):
        assert cli.run(tool(recipes=tmp_path), ["predict", "runs/a", *words]) == 0
        assert last().config == Config(ModelConfig(name="x"), seed=8)


def test_a_verb_may_say_where_its_configuration_starts(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("seed: 7\n")
    (tmp_path / "other.yaml").write_text("seed: 9\n")
    verb = Verb(
        "", remember, predict_arguments, Config, recipe=lambda arguments: arguments.run / "config.yaml"
    )
    assert run("eval", str(tmp_path), eval=verb) == 0
    assert last().config.seed == 7
    assert run("eval", str(tmp_path), "--config", str(tmp_path / "other.yaml"), eval=verb) == 0
    assert last().config.seed == 9


def test_a_verb_can_tell_options_from_what_a_recipe_says(tmp_path: Path) -> None:
    (tmp_path / "small.yaml").write_text("seed: 7\n")
    assert cli.run(tool(recipes=tmp_path), ["predict", "a", "--config", "small", "--model.name=y"]) == 0
    arguments = last()
    assert (arguments.given, arguments.config.seed) == ({"model.name"}, 7)


def test_verbs_of_verbs() -> None:
    data = Verb("data tools", verbs={"check": Verb("look for faults", remember)})
    assert run("data", "check", data=data) == 0
    assert vars(last()) == {"debug": False}


def test_a_lazy_verb_is_imported_only_when_used() -> None:
    def load() -> Verb:
        raise AssertionError("imported")

    assert run("--help", slow=LazyVerb("slow", load)) == 0  # type: ignore[arg-type]
    assert run("slow", slow=LazyVerb("slow", load)) == 1  # type: ignore[arg-type]


def test_an_option_of_both_the_verb_and_its_configuration_is_a_mistake_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    verb = Verb("", remember, lambda parser: parser.add_argument("--seed") and None, Config)
    assert run("train", train=verb) == 1
    assert "--seed is declared by add_arguments and by the configuration" in capsys.readouterr().err


# Exit codes and error lines


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["predcit"], "predcit: no such verb. Did you mean predict? See ms-ssd --help."),
        (["frobnicate"], "frobnicate: no such verb. Verbs: predict. See ms-ssd --help."),
        (
            ["predict", "a", "--ouut", "b"],
            "--ouut: unknown option. Did you mean --out? See ms-ssd predict --help.",
        ),
        (["predict", "a", "--min", "1"], "--min: unknown option."),
        (
            ["predict", "a", "--sed", "1"],
            "--sed: unknown option. Did you mean --seed? See ms-ssd predict --help.",
        ),
        (["predict", "a", "--min-score", "x"], "argument --min-score: invalid float value: 'x'. See"),
        (["predict", "a", "--seed", "x"], "--seed: x does not fit, expected INTEGER."),
        (["predict", "a", "--config", "nowhere"], "nowhere: no such recipe or file."),
        (["predict"], "the following arguments are required: run"),
    ],
)
def test_wrong_use_is_one_line_and_exit_code_2(
    words: list[str], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words) == 2
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.startswith(f"ms-ssd: error: {line}")
    assert output.err.count("\n") == 1


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (
            UserError("a/[b].json: box 3: wrong.\nFix it."),
            2,
            "ms-ssd: error: a/[b].json: box 3: wrong. Fix it.\n",
        ),
        (Interrupted("stopped at step 3."), 130, "ms-ssd: stopped at step 3.\n"),
        (KeyboardInterrupt(), 130, "ms-ssd: interrupted.\n"),
        (FileNotFoundError(2, "No such file", "x.jpg"), 2, "ms-ssd: error: x.jpg: No such file.\n"),
        (
            RuntimeError("\n\nConv2D failed\n----\nstack"),
            1,
            "ms-ssd: error: RuntimeError: Conv2D failed. Run again with --debug to see where.\n",
        ),
        (MemoryError(), 1, "ms-ssd: error: MemoryError. Run again with --debug to see where.\n"),
        (SystemExit(5), 5, ""),
        (SystemExit("words"), 1, "ms-ssd: error: words\n"),
    ],
)
def test_errors_become_exit_codes(
    error: BaseException, code: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("fail", fail=failing(error)) == code
    assert capsys.readouterr().err == line


@pytest.mark.parametrize("words", [["fail", "--debug"], ["--debug", "fail"]])
def test_debug_shows_the_traceback(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words, fail=failing(UserError("wrong."))) == 2
    error = capsys.readouterr().err
    assert "Traceback" in error
    assert error.endswith("ms-ssd: error: wrong.\n")


def test_a_verb_chooses_its_exit_code() -> None:
    assert run("verb", verb=Verb("", lambda arguments: 3)) == 3


# Help


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]])
def test_the_help_of_a_command_lists_its_verbs(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(*words) == 0
    output = capsys.readouterr().out
    assert output.startswith("usage: ms-ssd VERB")
    assert "Object detection." in output
    assert "predict  draw boxes" in output


def test_the_help_of_a_verb_shows_sections_docstrings_types_and_defaults(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "ssd300.yaml").write_text("")
    assert cli.run(tool(recipes=tmp_path), ["predict", "--help"]) == 0
    output = " ".join(capsys.readouterr().out.split())
    assert "Draw boxes." in output
    assert "model - The network: --model.name TEXT Network, 50% of the work. (default: ssd300)" in output
    assert "--model.sizes INTEGER [INTEGER ...] (default: 1)" in output
    assert "--config NAME_OR_PATH recipe to start from: ssd300" in output
    assert "example: ms-ssd predict runs/a b.jpg" in output


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("ms-ssd 1.2.3, ms-core ")


# As a process


def test_help_and_wrong_use_do_not_import_mindspore() -> None:
    script = (
        "import sys; from ms_core.cli import main; main(sys.argv[1:]); assert 'mindspore' not in sys.modules"
    )
    for words in (
        ["--help"],
        ["rank-table", "--help"],
        ["convert", "--help"],
        ["data", "--help"],
        ["nothing"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", script, *words], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr


def test_the_module_is_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ms_core", "nothing"], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("ms-core: error: nothing: no such verb.")


def test_a_closed_pipe_is_quiet() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "ms_core"], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 1
    process.stderr.close()


def test_results_are_not_overwritten_unless_asked(tmp_path: Path) -> None:
    file = tmp_path / "predictions.json"
    cli.refuse_overwrite([file], overwrite=False)
    file.touch()
    cli.refuse_overwrite([file], overwrite=True)
    with pytest.raises(UserError, match=r"predictions\.json: is already there"):
        cli.refuse_overwrite([file], overwrite=False)


def test_termination_ends_a_verb_like_ctrl_c(tmp_path: Path) -> None:
    """Temporary files go, one line comes, exit code 130: MindSpore passes Ctrl-C on as SIGTERM."""
    program = f"""
import os, signal, sys
from pathlib import Path
from ms_core.atomic import atomic_write
from ms_core.cli import Tool, Verb, run

def stop(arguments):
    with atomic_write(Path({str(tmp_path / "result.json")!r})):
        os.kill(os.getpid(), signal.SIGTERM)

sys.exit(run(Tool("tool", {{"stop": Verb("stop", stop)}}, "1"), ["stop"]))
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 130
    assert done.stderr == "tool: interrupted.\n"
    assert list(tmp_path.iterdir()) == []
