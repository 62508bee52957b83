"""On a terminal: a bar that goes away, Ctrl-C, and a reader that leaves."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cli_helpers import ROOT, Cli, listing

from engine.result import Result

pty = pytest.importorskip("pty", reason="pseudo-terminals are Unix's")

SLOW = """
import time
import numpy as np
from alphaloom import AlphaProvider


class Slow(AlphaProvider):
    def scores(self, view, snapshot):
        time.sleep(0.03)
        return np.arange(float(len(view.symbols)))
"""
ARGS = ("backtest", "--set", "alpha.provider=slow.py:Slow", "--set", "span.start=2023-11-01", "--out", "out")


def on_a_terminal(
    *args: str, cwd: Path, when: Callable[[bytes, subprocess.Popen[bytes]], None]
) -> tuple[int, str]:
    """Run ``alphaloom`` on a pseudo-terminal of 80 columns; `when` sees what has been printed so far."""
    import fcntl
    import struct
    import termios

    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 80, 0, 0))
    env = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "COLUMNS", "CI")}
    process = subprocess.Popen(
        [sys.executable, "-m", "alphaloom", *args],
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=cwd,
        env={**env, "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"},
        # a shell's background job, and its tests, ignore Ctrl-C
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )  # fmt: skip
    os.close(theirs)
    printed, deadline = b"", time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux's end of file: the other side is closed
            break
        if not chunk:
            break
        printed += chunk
        when(printed, process)
    os.close(ours)
    return process.wait(10), printed.decode()


def screen(printed: str) -> list[str]:
    """What is left on the screen, as a terminal shows it."""
    lines, row, column = [""], 0, 0
    for control, text in re.findall(r"(\x1b\[[?0-9;]*[A-Za-z]|\r|\n)|([^\x1b\r\n]+)", printed):
        if control == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif control == "\r":
            column = 0
        elif control.endswith("A"):
            row -= int(control[2:-1] or 1)
        elif control.endswith("K"):
            lines[row] = ""
        elif text:
            lines[row] = f"{lines[row]:<{column}}"[:column] + text + lines[row][column + len(text) :]
            column += len(text)
    return [line.rstrip() for line in lines]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "slow.py").write_text(SLOW)
    return tmp_path


def test_the_progress_bar_appears_and_is_gone_in_the_end(folder: Path) -> None:
    code, printed = on_a_terminal(*ARGS, cwd=folder, when=lambda printed, process: None)
    assert code == 0
    plain = re.sub(r"\x1b\[[?0-9;]*[A-Za-z]", "", printed)
    assert "quickstart: loading ━" in plain
    assert re.search(r"quickstart ━.* \d+/\d+ ", plain)
    left = screen(printed)
    assert "━" not in "".join(left)
    assert left[0] == "quickstart"
    assert left[1].startswith("  Span ")
    assert printed.rindex("\x1b[?25h") > printed.rindex("\x1b[?25l"), "the cursor is shown again"
    assert max(map(len, left)) <= 80


def test_ctrl_c_aborts_with_130_and_leaves_nothing(folder: Path) -> None:
    sent: list[float] = []

    def interrupt(printed: bytes, process: subprocess.Popen[bytes]) -> None:
        if b"10/" in printed and not sent:
            sent.append(time.monotonic())
            process.send_signal(signal.SIGINT)

    code, printed = on_a_terminal(*ARGS, cwd=folder, when=interrupt)
    assert sent
    assert code == 130
    assert [line for line in screen(printed) if line] == ["Aborted."]
    assert listing(folder) == {"slow.py"}


def test_ctrl_c_while_the_run_is_written_leaves_nothing(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(self: Result) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr(Result, "report_html", interrupted)
    ran = cli("backtest", "--set", "span.start=2023-12-25", "--out", "out")
    assert (ran.code, ran.out, ran.err) == (130, "", "Aborted.\n")
    assert listing(tmp_path) == set()


def test_a_reader_that_leaves_early_is_no_error(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "alphaloom", "backtest", "--set", "span.start=2023-12-25", "--out", "out"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    process.stderr.close()
    assert process.wait(60) in (0, 1, 141)
    assert (tmp_path / "out" / "report.html").is_file(), "the run itself is whole"


def test_quiet_shows_no_bar(folder: Path) -> None:
    args = ("backtest", "-q", "--set", "span.start=2023-12-25", "--out", "out")
    code, printed = on_a_terminal(*args, cwd=folder, when=lambda printed, process: None)
    assert code == 0
    assert "loading" not in printed
    assert "━" not in printed
