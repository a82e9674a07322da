"""A run in one process, watched from another one: what is seen, and that nothing is touched."""

from __future__ import annotations

import codecs
import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from tests.integration.test_answering import exercise, record_of, until, waits

from pradrill.cli import main


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state directory."""
    return tmp_path / "state"


@contextmanager
def watcher(state: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start `pradrill watch` without a terminal."""
    child = subprocess.Popen(
        [sys.executable, "-m", "pradrill", "--state", state, "watch", *words],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def line_with(child: subprocess.Popen[str], words: str) -> str:
    """Read on until a line has these words."""
    assert child.stdout is not None
    return next(line for line in child.stdout if words in line)


class Screen:
    """A terminal 80 columns wide on which a run is watched."""

    def __init__(self, state: Path, **variables: str) -> None:
        self.text = ""
        self._decode = codecs.getincrementaldecoder("utf-8")().decode  # a read may split a letter
        self.child, self._handle = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm", COLUMNS="80", LINES="30", **variables)
            argv = [sys.executable, "-m", "pradrill", "--state", str(state), "watch"]
            os.execv(sys.executable, argv)  # noqa: S606 the terminal is made by the fork
        os.set_blocking(self._handle, False)

    def shows(self, words: str) -> bool:
        """Tell whether that was shown by now."""
        with suppress(OSError):
            while True:
                self.text += self._decode(os.read(self._handle, 65_536))
        return words in re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.text)

    def end(self) -> int:
        """Press Ctrl-C, and return the exit code."""
        os.write(self._handle, b"\x03")
        _, status = os.waitpid(self.child, 0)
        self.shows("")
        os.close(self._handle)
        return os.waitstatus_to_exitcode(status)


def test_a_run_is_watched_to_its_end_and_left_alone(state: Path) -> None:
    """Lines, JSON and a screen show the same run; Ctrl-C ends the watching and not the run."""
    with exercise(state) as child:
        until(waits(state, "switch the DNS"), "nothing waits")
        with (
            watcher(state) as lines,
            watcher(state, "--json") as programs,
        ):
            screen = Screen(state, NO_COLOR="1")
            run = child_run(state)
            assert "step 7 of 15" in line_with(lines, "switch the DNS, at most")
            for words in (
                f"moodle on moodle-standby  run {run}",
                "restore · switch the DNS  step 7 of 15",
                "no estimate  (no earlier run of these steps passed)",
                "RTO left 3h59m",
                f"pradrill answer {run[-6:]} --yes or --no",
                "waits for operator: switch the DNS",
            ):
                until(lambda words=words: screen.shows(words), words)  # type: ignore[misc]
            assert screen.end() == 130
            assert f"the run {run} goes on; it is not watched any more" in screen.text
            assert screen.text.count("\x1b[?25l") == screen.text.count("\x1b[?25h")
            assert not re.search(r"\x1b\[[0-9;]*3[0-7]m", screen.text)  # no colour

            assert main(["--state", str(state), "answer", "moodle", "--yes"]) == 0
            until(waits(state, "accept Moodle"), "nothing waits")
            assert main(["--state", str(state), "answer", run[-6:], "--yes"]) == 0
            assert child.wait(20) == 0
            assert "root" not in line_with(lines, "passed after")
            assert "PASSED  moodle" in line_with(lines, "PASSED")
            *events, end = map(json.loads, programs.communicate(timeout=20)[0].splitlines())
            assert (lines.wait(10), programs.returncode) == (0, 0)
    assert record_of(state).exit_code == 0
    assert {event["format"] for event in events} == {1}
    assert {"run", "step", "says", "asks", "checks", "step_ended"} <= {e["event"] for e in events}
    assert (end["event"], end["run_id"], end["verdict"]) == ("ended", run, "PASSED")


def child_run(state: Path) -> str:
    """Return the only run's id."""
    (folder,) = (state / "runs").glob("2*")
    return folder.name


def test_a_watched_run_that_is_killed_is_said_to_be_dead(state: Path) -> None:
    """At once, with what goes on with it, and 12: nobody waits for a process that is gone."""
    with exercise(state) as child:
        until(waits(state, "switch the DNS"), "nothing waits")
        with watcher(state) as lines:
            line_with(lines, "pradrill answer")
            child.kill()
            assert lines.wait(10) == 12
            assert lines.stderr is not None
            assert f"the process of run {child_run(state)} is gone" in lines.stderr.read()
