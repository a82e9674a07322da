"""A run that waits in one process; people answer it from another one, or at its terminal."""

from __future__ import annotations

import os
import pty
import re
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path

import pytest

from pradrill.app.author import user
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.run.question import Question
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.timeline import Mark
from pradrill.register.runs.store import FileRunStore

ME = user()
CHILD = Path(__file__).with_name("watched_exercise.py")
PATIENCE = 20.0


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Return a state directory."""
    return tmp_path / "state"


def until(true: Callable[[], object], what: str) -> None:
    """Wait for something that another process does."""
    end = time.monotonic() + PATIENCE
    while not true():
        assert time.monotonic() < end, what
        time.sleep(0.02)


def pradrill(state: Path, *args: str) -> tuple[int, str]:
    """Run a command; return its code and all that it said."""
    result = subprocess.run(
        [sys.executable, "-m", "pradrill", "--state", state, *args],
        capture_output=True,
        stdin=subprocess.DEVNULL,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "LOGNAME": "bdurand", "SUDO_USER": ""},
    )
    return result.returncode, result.stdout + result.stderr


class Terminal:
    """A pseudo-terminal with the exercise in its foreground."""

    def __init__(self, state: Path, deadline: str) -> None:
        self.printed_so_far = b""
        self.child, self._handle = pty.fork()
        if self.child == 0:
            os.environ.update(TERM="xterm", COLUMNS="100", LOGNAME="amartin", SUDO_USER="")
            argv = [sys.executable, str(CHILD), str(state), deadline]
            os.execv(sys.executable, argv)  # noqa: S606 the terminal is made by the fork
        os.set_blocking(self._handle, False)

    def shows(self, text: str) -> bool:
        """Tell whether that was shown by now."""
        with suppress(OSError):  # nothing now, or nothing any more
            self.printed_so_far += os.read(self._handle, 65_536)
        return text.encode() in self.printed_so_far

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._handle, keys.encode())

    def end(self) -> int:
        """Wait for the exercise to end; return its exit code."""
        ended: list[int] = []

        def is_gone() -> bool:
            self.shows("")
            pid, status = os.waitpid(self.child, os.WNOHANG)
            if pid:
                ended.append(os.waitstatus_to_exitcode(status))
            return bool(pid)

        until(is_gone, "the exercise does not end")
        os.close(self._handle)
        return ended[0]


@contextmanager
def exercise(
    state: Path, deadline: str = "20s", notify: Sequence[str] = ()
) -> Iterator[subprocess.Popen[bytes]]:
    """Start the exercise without a terminal; end it if a test did not."""
    child = subprocess.Popen(
        [sys.executable, CHILD, state, deadline, *notify],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        yield child
    finally:
        child.kill()
        child.communicate()


def waits(state: Path, step: str) -> Callable[[], bool]:
    """Return whether that step waits."""

    def is_asked() -> bool:
        files = sorted(state.glob("runs/2*/people/*.question.json"))
        return any(
            Question.model_validate_json(f.read_bytes()).step == step
            and not f.with_name(f.name.replace("question", "answer")).exists()
            for f in files
        )

    return is_asked


def record_of(state: Path) -> RunRecord:
    """Return the only run's record."""
    store = FileRunStore(state)
    return store.read(store.find(None))


def said_in(record: RunRecord) -> list[tuple[str, str, str]]:
    """Return every answer: by whom, in what words, through what."""
    answers = [wait.answer for wait in record.waits if wait.answer is not None]
    return [(answer.by, answer.text, answer.via) for answer in answers]


def test_two_processes(state: Path) -> None:
    """A run that waits is listed, answered from another process, and says who answered."""
    with exercise(state) as child:
        until(waits(state, "switch the DNS"), "nothing waits")
        code, output = pradrill(state, "answer")
        assert code == 0
        assert "operator: switch the DNS" in output
        assert "point moodle at 198.51.100.20" in output
        assert "waits for operator" in pradrill(state, "runs")[1]
        assert pradrill(state, "answer", "moodle", "dns", "--yes", "--text", "TTL 60")[0] == 0
        until(waits(state, "accept Moodle"), "nothing waits")
        (folder,) = (state / "runs").glob("2*")
        code, output = pradrill(state, "answer", folder.name[-6:], "--yes")  # of all that waits
        assert (code, output) == (0, f"accept Moodle: answered yes by {ME}\n")
        assert child.wait(PATIENCE) == 0
    record = record_of(state)
    assert [
        (w.step, w.answer and (w.answer.by, w.answer.text, w.answer.via)) for w in record.waits
    ] == [
        ("switch the DNS", (ME, "TTL 60", "command")),
        ("accept Moodle", (ME, "", "command")),
    ]
    assert [wait.responsibility for wait in record.waits] == ["dns", None]
    assert record.recovery.waited_for_people > 0
    assert record.recovery.marks[Mark.ACCEPTED].at == record.waits[1].ended


def test_somebody_who_does_not_watch_is_told(state: Path, tmp_path: Path) -> None:
    """The plan's program gets who, what, until when, and a line that answers as it stands."""
    box = tmp_path / "box"
    notify = ("sh", "-c", f"cat > {box}.new && mv {box}.new {box}-$$")

    def told_of(step: str) -> list[str]:
        texts = [path.read_text(encoding="utf-8") for path in tmp_path.glob("box-*")]
        return [text for text in texts if step in text.splitlines()[0]]

    with exercise(state, notify=notify) as child:
        for number, step in enumerate(("switch the DNS", "accept Moodle"), 1):
            until(partial(told_of, step), "nobody is told")
            (announcement,) = told_of(step)
            (line,) = [text for text in announcement.splitlines() if text.endswith("--yes")]
            program, *words = shlex.split(line)
            assert program == "pradrill"
            assert pradrill(state, *words[2:])[0] == 0
            assert words[:2] == ["--state", str(state)]
            if number == 1:
                assert announcement.startswith("The drill waits for operator: switch the DNS\n")
                assert "point moodle at 198.51.100.20" in announcement
                assert re.search(
                    r"done\? Until 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC\.", announcement
                )
        assert child.wait(PATIENCE) == 0
    assert said_in(record_of(state)) == [(ME, "", "command")] * 2


@pytest.mark.parametrize("notify", ["/no/such/program", "false"])
def test_a_notification_that_fails_stops_nothing(state: Path, notify: str) -> None:
    """The run goes on, and its log says that nobody was notified, and why."""
    with exercise(state, notify=(notify,)) as child:
        log = state / "log.jsonl"
        failed = f"operator was not notified: {notify} ended with"
        until(lambda: log.exists() and failed in log.read_text(), "the log says nothing")
        assert pradrill(state, "answer", "moodle", "dns", "--yes")[0] == 0
        until(waits(state, "accept Moodle"), "nothing waits")
        assert pradrill(state, "answer", "moodle", "accept Moodle", "--yes")[0] == 0
        assert child.wait(PATIENCE) == 0


def test_a_notification_without_an_end_holds_up_nothing(state: Path) -> None:
    """A program that hangs neither delays the answer nor keeps the run from ending."""
    with exercise(state, notify=("sleep", "30")) as child:
        until(waits(state, "switch the DNS"), "nothing waits")
        assert pradrill(state, "answer", "moodle", "dns", "--yes")[0] == 0
        until(waits(state, "accept Moodle"), "nothing waits")
        assert pradrill(state, "answer", "moodle", "accept Moodle", "--yes")[0] == 0
        assert child.wait(PATIENCE) == 0


def test_what_is_refused(state: Path) -> None:
    """Wrong step, answered step, wrong form, unknown run, ended run: one sentence, code 2."""
    with exercise(state) as child:
        until(waits(state, "switch the DNS"), "nothing waits")
        refusals = [
            ("answer moodle teardown --yes", 'the step "teardown" does not wait for an answer'),
            ("answer --yes", "which run is answered is not said"),
            ("answer moodle dns", 'the step "switch the DNS" asks for a yes or a no'),
            ("answer wiki dns --yes", "no run is named wiki"),
            ("answer moodle dns --yes --no", "not allowed with"),
        ]
        for command, sentence in refusals:
            code, output = pradrill(state, *command.split())
            assert code == 2, output
            assert sentence in output
            assert "\nHINT: " in output
        assert pradrill(state, "answer", "moodle", "dns", "--yes")[0] == 0
        until(waits(state, "accept Moodle"), "nothing waits")
        code, output = pradrill(state, "answer", "moodle", "dns", "--no")
        assert (code, f"{ME} answered it already" in output) == (2, True)
        assert pradrill(state, "answer", "moodle", "accept", "--yes")[0] == 0
        assert child.wait(PATIENCE) == 0
    code, output = pradrill(state, "answer", "moodle", "dns", "--yes")
    assert (code, "the run moodle has ended" in output) == (2, True)


def test_nobody_answers(state: Path) -> None:
    """At the deadline the run fails through its teardown, opens a finding, and the mail says so."""
    with exercise(state, "1s") as child:
        output, _ = child.communicate(timeout=PATIENCE)
    assert child.returncode == 10
    assert b"\nOpen findings: 1, the oldest open for 0 days: pradrill findings\n" in output
    code, listed = pradrill(state, "findings")
    assert code == 0
    assert listed.startswith("F-1  major  moodle  restore step switch the DNS: timed out")
    record = record_of(state)
    assert record.waits[0].answer is None
    assert 1.0 <= (record.waits[0].seconds or 0.0) < 4
    assert record.steps[-1].name == "release the standby"


def test_a_signal_while_it_waits(state: Path) -> None:
    """SIGTERM during the waiting is answered at once, with teardown and code 143."""
    with exercise(state) as child:
        until(waits(state, "switch the DNS"), "nothing waits")
        start = time.monotonic()
        child.send_signal(signal.SIGTERM)
        assert child.wait(PATIENCE) == 143
        assert time.monotonic() - start < PATIENCE / 2
    record = record_of(state)
    assert record.steps[-1].name == "release the standby"
    assert record.waits[0].seconds is not None


def test_a_killed_run_cannot_be_answered(state: Path) -> None:
    """After kill -9 nothing waits: the answer is refused, not left lying."""
    with exercise(state) as child:
        until(waits(state, "switch the DNS"), "nothing waits")
        child.kill()
        child.wait()
        code, output = pradrill(state, "answer", "moodle", "dns", "--yes")
    assert (code, "has ended" in output) == (2, True)


def test_the_terminal_answers(state: Path) -> None:
    """Typed where the run is watched: nonsense is asked again, yes with words goes on."""
    watched = Terminal(state, "20s")
    until(lambda: watched.shows("Type yes or no where the run is watched"), "nothing is asked")
    watched.type("maybe\n")
    until(lambda: watched.shows('answer "yes" or "no"'), "nonsense is not refused")
    watched.type("oui TTL 60\n")
    until(lambda: watched.shows("waits for owner: accept Moodle"), "the second is not asked")
    watched.type("y\n")
    assert watched.end() == 0
    answers = [(ME, "TTL 60", "terminal"), (ME, "", "terminal")]
    assert said_in(record_of(state)) == answers


def test_what_was_typed_before_the_question_is_no_answer(state: Path) -> None:
    """Keys pressed while a playbook ran do not approve what comes after it."""
    watched = Terminal(state, "2s")
    until(lambda: watched.shows("restore"), "the restore does not begin")
    watched.type("yes\n")
    assert watched.end() == 10
    assert record_of(state).waits[0].answer is None


def test_a_watched_run_is_answered_from_elsewhere(state: Path) -> None:
    """The terminal does not keep other people from answering, and goes on showing the run."""
    watched = Terminal(state, "20s")
    until(lambda: watched.shows("Type yes or no"), "nothing is asked")
    assert pradrill(state, "answer", "moodle", "dns", "--no", "--text", "no console")[0] == 0
    until(lambda: watched.shows(f"{ME} answered no: no console"), "the answer is not shown")
    assert watched.end() == 10
    (step,) = [s for s in record_of(state).steps if s.name == "switch the DNS"]
    assert step.outcome is StepOutcome.FAILED


def test_ctrl_c_at_the_terminal(state: Path) -> None:
    """Ctrl-C while a person is waited for stops the run through its teardown: code 130."""
    watched = Terminal(state, "20s")
    until(lambda: watched.shows("Type yes or no"), "nothing is asked")
    watched.type("\x03")
    assert watched.end() == 130
    assert record_of(state).steps[-1].name == "release the standby"


def test_a_closed_terminal_leaves_the_command(state: Path) -> None:
    """Ctrl-D answers nothing: the run waits on for `pradrill answer`."""
    watched = Terminal(state, "20s")
    until(lambda: watched.shows("Type yes or no"), "nothing is asked")
    watched.type("\x04")
    time.sleep(0.6)
    assert waits(state, "switch the DNS")()
    assert pradrill(state, "answer", "moodle", "dns", "--no")[0] == 0
    assert watched.end() == 10
