"""What Python makes of a program's exit codes and words; the programs themselves are tested by `nox -s cpp`."""

import subprocess
import time
from pathlib import Path

import pytest
from ms_core.ascend310 import run
from ms_core.ascend310.run import RESULTS, run_program, wait_or_stop
from ms_core.errors import Interrupted, UserError


@pytest.fixture
def exported(tmp_path: Path) -> Path:
    """A folder with a converted model, which run_program takes without a manifest."""
    folder = tmp_path / "exported"
    (folder / "ascend").mkdir(parents=True)
    (folder / "ascend" / "ssd300.om").write_bytes(b"x")
    return folder


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What runs instead of a C++ program: notes its arguments and list of pictures, then does what the test says."""
    file = tmp_path / "program"
    monkeypatch.setattr(run, "build_program", lambda package, runtimes: file)
    return file


def script(program: Path, lines: str) -> None:
    note = f'#!/bin/sh\nfor word; do echo "$word" >> {program.parent}/words; done\n'
    note += f'for last; do :; done; cp "${{last#--dataset_path=}}" {program.parent}/listed 2>/dev/null\n'
    program.write_text(f"{note}{lines}\n", encoding="utf-8")
    program.chmod(0o755)


def call(exported: Path, tmp_path: Path, **options: object) -> Path:
    return run_program("ms-toy", exported, tmp_path / "photos", tmp_path / "out", runtime="acl", **options)


def test_the_program_is_told_everything(program: Path, exported: Path, tmp_path: Path) -> None:
    script(program, "exit 0")
    assert (
        call(exported, tmp_path, threads=2, device_id=1, overwrite=True, options=["--x=1"])
        == tmp_path / "out" / RESULTS
    )
    words = (tmp_path / "words").read_text(encoding="utf-8").splitlines()
    assert f"--model_path={exported / 'ascend' / 'ssd300.om'}" in words
    assert {"--threads=2", "--device_id=1", "--overwrite", "--x=1"} <= set(words)


def test_files_become_a_list(program: Path, exported: Path, tmp_path: Path) -> None:
    script(program, "exit 0")
    files = [tmp_path / "b.jpg", tmp_path / "a b.jpg"]
    run_program("ms-toy", exported, files, tmp_path / "out", runtime="acl")
    assert (tmp_path / "listed").read_text(encoding="utf-8").splitlines() == list(map(str, files))
    with pytest.raises(UserError, match="no pictures were given"):
        run_program("ms-toy", exported, [], tmp_path / "out", runtime="acl")


def test_lines_about_pictures_pass_and_do_not_stop(
    program: Path, exported: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = tmp_path / "out" / RESULTS
    script(program, f"mkdir -p {results}; touch {results}/index.jsonl; echo 'a.jpg: broken.' >&2; exit 2")
    assert call(exported, tmp_path) == results
    assert capsys.readouterr().err == "a.jpg: broken.\n"


@pytest.mark.parametrize(
    ("lines", "kind", "words"),
    [
        ("echo 'error: --x: no such flag.' >&2; exit 2", UserError, "^--x: no such flag.$"),
        ("echo 'error: a_0.bin: No space left.' >&2; exit 1", RuntimeError, "^a_0.bin: No space left.$"),
        ("echo interrupted >&2; exit 130", Interrupted, "index.jsonl lists what was done"),
        ("exit 7", RuntimeError, "exit code 7"),
        ("kill -9 $$", RuntimeError, "killed by signal 9"),
    ],
)
def test_exit_codes_become_exceptions(
    lines: str, kind: type[Exception], words: str, program: Path, exported: Path, tmp_path: Path
) -> None:
    script(program, lines)
    with pytest.raises(kind, match=words):
        call(exported, tmp_path)


def test_who_is_interrupted_lets_the_program_write_its_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also by `kill`, which the program itself does not get."""
    lines = "trap 'sleep 0.3; touch index; exit 130' TERM; touch ready; while :; do sleep 0.05; done"
    with subprocess.Popen(["sh", "-c", lines], cwd=tmp_path) as process:
        while not (tmp_path / "ready").exists():
            time.sleep(0.02)
        real, calls = process.wait, []

        def wait(*words: object, **options: object) -> int:
            calls.append(words)
            if len(calls) == 1:
                raise KeyboardInterrupt
            return real()

        monkeypatch.setattr(process, "wait", wait)
        with pytest.raises(KeyboardInterrupt):
            wait_or_stop(process)
        assert (tmp_path / "index").exists()


def test_a_refusal_beside_older_results_is_an_error(program: Path, exported: Path, tmp_path: Path) -> None:
    results = tmp_path / "out" / RESULTS
    results.mkdir(parents=True)
    (results / "index.jsonl").touch()
    script(program, "echo 'error: holds results already.' >&2; exit 2")
    with pytest.raises(UserError, match="holds results already"):
        call(exported, tmp_path)


def test_the_converted_model_must_be_clear(program: Path, exported: Path, tmp_path: Path) -> None:
    script(program, "exit 0")
    with pytest.raises(UserError, match=r"no model for mslite \(\*_310.mindir or \*.ms\)"):
        run_program("ms-toy", exported, tmp_path, tmp_path / "out", runtime="mslite")
    (exported / "other.om").write_bytes(b"x")
    with pytest.raises(UserError, match="2 models for acl"):
        call(exported, tmp_path)
