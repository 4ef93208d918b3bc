"""Starting, watching and stopping the processes of a script."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from ms_core.errors import UserError
from ms_core.old_zoo import processes
from ms_core.old_zoo.processes import Process, require_stopped, run_in_background, run_in_foreground

SLEEP = "import time; print('ready', flush=True); time.sleep(60)"
SAVES = """
import os, signal, sys, time
def save(number, frame):
    os.write(1, b'saved\\n')  # print() must not interrupt itself
    sys.exit(130)
signal.signal(signal.SIGTERM, save)
os.write(1, b'ready\\n')
time.sleep(60)
"""


def process(code: str, log: Path, **environment: str) -> Process:
    return Process((sys.executable, "-c", code), {**os.environ, **environment}, log)


def wait_for(text: str, log: Path) -> None:
    until = time.monotonic() + 30
    while not (log.exists() and text in log.read_text()):
        assert time.monotonic() < until, f"{text} never came"
        time.sleep(0.02)


def test_foreground_shows_and_logs_the_first_and_logs_the_others(
    tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    logs = [tmp_path / f"LOG{rank}" / "log.txt" for rank in range(2)]
    code = "import os; print('rank', os.environ['RANK_ID'])"
    assert run_in_foreground([process(code, log, RANK_ID=str(i)) for i, log in enumerate(logs)]) == 0
    assert [log.read_text() for log in logs] == ["rank 0\n", "rank 1\n"]
    assert capfdbinary.readouterr().out == b"rank 0\n"


def test_foreground_keeps_the_exit_code_and_says_how_the_log_ends(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import sys; print('error: no such file'); sys.exit(2)"
    assert run_in_foreground([process(code, tmp_path / "log.txt")]) == 2
    assert f"{tmp_path}/log.txt: error: no such file" in capfd.readouterr().err


def test_a_killed_process_gives_the_code_a_shell_would(tmp_path: Path) -> None:
    code = "import os; os.kill(os.getpid(), 9)"
    assert run_in_foreground([process(code, tmp_path / "log.txt")]) == 137


def test_one_failure_ends_the_others_after_they_saved(tmp_path: Path) -> None:
    logs = [tmp_path / "0.txt", tmp_path / "1.txt"]
    failing = (
        "import pathlib, sys, time\n"
        f"while 'ready' not in pathlib.Path({str(logs[0])!r}).read_text(): time.sleep(0.02)\n"
        "sys.exit(3)"
    )
    logs[0].touch()
    assert run_in_foreground([process(SAVES, logs[0]), process(failing, logs[1])]) == 3
    assert logs[0].read_text() == "ready\nsaved\n"


def test_a_process_that_does_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "STOP_SECONDS", 0.3)
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
    log = tmp_path / "1.txt"
    log.touch()
    failing = (
        "import pathlib, sys, time\n"
        f"while 'ready' not in pathlib.Path({str(log)!r}).read_text(): time.sleep(0.02)\n"
        "sys.exit(3)"
    )
    started = time.monotonic()
    assert run_in_foreground([process(failing, tmp_path / "0.txt"), process(deaf, log)]) == 3
    assert time.monotonic() - started < 30


def test_a_signal_is_passed_on_and_the_code_is_that_of_the_training(tmp_path: Path) -> None:
    log = tmp_path / "log.txt"
    starter = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from ms_core.old_zoo.processes import Process, run_in_foreground\n"
        f"sys.exit(run_in_foreground([Process((sys.executable, '-c', {SAVES!r}), os.environ, Path({str(log)!r}))]))"
    )
    script = subprocess.Popen([sys.executable, "-c", starter], stdout=subprocess.PIPE)
    wait_for("ready", log)
    script.send_signal(signal.SIGTERM)
    assert script.wait(30) == 130
    assert log.read_text() == "ready\nsaved\n"


def test_background_prints_a_pid_that_stops_everything(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "LOG" / "log.txt"
    assert run_in_background([process(SLEEP, log)]) == 0
    number = int((log.parent / "pid").read_text())
    assert capfd.readouterr().out == f"started in the background: pid {number}, log {log}\n"
    (child,) = psutil.Process(number).children()
    wait_for("ready", log)
    os.kill(number, signal.SIGTERM)
    os.waitpid(number, 0)
    assert not child.is_running()


def test_a_background_start_that_fails_at_once_is_no_success(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "LOG" / "log.txt"
    assert run_in_background([process("import sys; print('error: bad'); sys.exit(2)", log)]) == 2
    captured = capfd.readouterr()
    assert "started" not in captured.out
    assert captured.err == f"{log}: error: bad\n"


def test_a_folder_whose_run_goes_on_is_not_used_again(tmp_path: Path) -> None:
    waiting = [sys.executable, "-c", "import time; time.sleep(60)", "ms_core.old_zoo"]
    running = subprocess.Popen(waiting)
    try:
        (tmp_path / "pid").write_text(f"{running.pid}\n")
        with pytest.raises(UserError, match=f"pid {running.pid} still runs there"):
            require_stopped(tmp_path)
    finally:
        running.kill()
        running.wait()
    require_stopped(tmp_path)
    (tmp_path / "pid").write_text(f"{os.getpid()}\n")  # the number now belongs to something else
    require_stopped(tmp_path)
    require_stopped(tmp_path / "nothing")
