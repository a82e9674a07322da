"""`pradrill watch` of runs that are over, were killed, or whose journal was damaged."""

from __future__ import annotations

import json
import os
import pty
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from pradrill.app.killed_runs import prospect
from pradrill.app.playback import Playback
from pradrill.cli import main
from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import fold
from pradrill.domain.run.outcome import StepKind
from pradrill.domain.values.quotas import NEWS_KEPT, NEWS_LINE
from pradrill.domain.values.timeline import Instant, Mark, Provenance
from pradrill.register.runs.earlier import earlier_runs
from pradrill.register.runs.store import FileRunStore
from pradrill.register.runs.tail import JournalTail
from pradrill.testing import FakeProgress, a_record, a_sealed_run, a_start, a_step, after, an_estate


def watch(state: Path, *words: str) -> int:
    """Watch, without a terminal."""
    return main(["--state", str(state), "watch", *words])


def a_killed_run(state: Path) -> Path:
    """Leave a run whose process is gone; return its folder."""
    store = FileRunStore(state)
    with closing(store.open("moodle", after(0))) as journal:
        journal.append(Event.STARTED, after(0), a_start().model_dump(mode="json"))
        step = {"phase": "restore", "name": "restore_moodle", "service": None}
        journal.append(Event.STEP_STARTED, after(1), step)
        journal.append(Event.NEWS, after(65), {"line": "unpack \x1b[2J", "service": None})
        return journal.folder


def test_a_run_that_is_over_is_told_to_its_end(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A line a step with what came of it, then the summary; the exit code is the run's."""
    run = a_sealed_run(FileRunStore(tmp_path))
    assert watch(tmp_path, run.run_id[-6:]) == run.exit_code
    text = capsys.readouterr().out
    assert f"run {run.run_id} on moodle-standby" in text
    assert text.count("passed after") == len(run.steps)
    assert "PASSED  moodle  RTA" in text


def test_a_run_whose_process_died_is_said_to_be_dead(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Not waited for: what it did last is shown, and what can be done with it; code 12."""
    folder = a_killed_run(tmp_path)
    assert watch(tmp_path, "moodle") == 12
    output = capsys.readouterr()
    assert "01:05      unpack ⟨U+001B⟩[2J" in output.out
    assert f"the process of run {folder.name} is gone" in output.err
    assert f"It cannot go on; tear it down: pradrill teardown {folder.name}" in output.err
    assert watch(tmp_path) == 2  # none goes on
    error = capsys.readouterr().err
    assert f"no run goes on; the process of {folder.name} is gone" in error
    assert "pradrill resume" not in error


def test_a_killed_run_that_may_go_on_is_told_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Once it has begun in earnest and no step was cut that may not be repeated."""
    store = FileRunStore(tmp_path)
    with closing(store.open("moodle", after(0))) as journal:
        journal.append(Event.STARTED, after(0), a_start().model_dump(mode="json"))
        instant = Instant.around(after(1), Provenance.MEASURED).model_dump(mode="json")
        journal.append(Event.MARK, after(1), {"mark": Mark.DECLARED, "instant": instant})
    assert watch(tmp_path, "moodle") == 12
    assert f"pradrill resume {journal.folder.name}; or tear it down" in capsys.readouterr().err
    assert prospect(store, journal.run_id).may_go_on
    with (journal.folder / "journal.jsonl").open("a", encoding="utf-8") as file:
        file.write("{nonsense\n")
    assert not prospect(store, "20260101T000000Z-none-000000").may_go_on


def test_a_terminal_is_left_as_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a run that is dead nothing is live, though a person was asked: no cursor is hidden."""
    folder = a_killed_run(tmp_path)
    step = a_step(name="switch the DNS", kind=StepKind.MANUAL).model_dump(mode="json")
    ended = {"event": Event.STEP_ENDED, "at": after(70).isoformat(), **step}
    with (folder / "journal.jsonl").open("a", encoding="utf-8") as file:
        file.write(f"{json.dumps(ended)}\n")

    monkeypatch.setenv("TERM", "xterm")
    reader, terminal = pty.openpty()
    with os.fdopen(reader, "rb", buffering=0) as screen, os.fdopen(terminal, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        assert watch(tmp_path, folder.name) == 12
        stdout.flush()
        text = screen.read(65_536).decode()
    assert "switch the DNS" in text
    assert text.count("\x1b[?25l") == text.count("\x1b[?25h")


@pytest.mark.parametrize("words", [(), ("shop",)])
def test_without_a_run_there_is_nothing_to_watch(
    words: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A name that no run has, or no run at all: said with what to do, code 2, nothing made."""
    state = tmp_path / "state"
    assert watch(state, *words) == 2
    assert "HINT: " in capsys.readouterr().err
    assert not state.exists()


def test_lines_that_are_no_facts_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whoever watches is told that the journal is not what a run writes."""
    folder = a_killed_run(tmp_path)
    with (folder / "journal.jsonl").open("a", encoding="utf-8") as file:
        file.write('no json\n{"event": "news", "at": "2026-03-10T02:00:01Z"}\n')
    watch(tmp_path, folder.name)
    assert f"2 lines of the journal of {folder.name} could not be" in capsys.readouterr().err


def test_of_two_runs_one_is_to_be_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Which of those that go on is meant is not guessed: both are named, with the command."""
    begin = partial(FileRunStore(tmp_path).open, "moodle")
    with closing(begin(after(0))) as one, closing(begin(after(1))) as two:
        for journal in (one, two):
            journal.append(Event.STARTED, after(0), a_start().model_dump(mode="json"))
        assert watch(tmp_path) == 2
        error = capsys.readouterr().err
        assert "2 runs go on" in error
        assert all(f"pradrill watch {journal.run_id}" in error for journal in (one, two))


def test_watching_leaves_no_trace(tmp_path: Path) -> None:
    """No file of the state is made, written or removed: it may be one that only reads."""

    def files() -> dict[Path, tuple[int, bytes]]:
        paths = (path for path in tmp_path.rglob("*") if path.is_file())
        return {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}

    a_sealed_run(FileRunStore(tmp_path))
    a_killed_run(tmp_path)
    before = files()
    for folder in (tmp_path / "runs").iterdir():
        watch(tmp_path, folder.name)
    assert files() == before


def test_each_event_is_a_line_of_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """With its format, its run and its instant; the last one says how the run ended."""
    run = a_sealed_run(FileRunStore(tmp_path))
    watch(tmp_path, run.run_id, "--json")
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {(line["format"], line["run_id"]) for line in lines} == {(1, run.run_id)}
    assert all("at" in line for line in lines[:-1])
    assert [line["step"] for line in lines if line["event"] == "step"] == [
        step.name for step in run.steps
    ]
    assert (lines[-1]["event"], lines[-1]["verdict"]) == ("ended", "PASSED")


def test_a_journal_is_read_while_it_is_written(tmp_path: Path) -> None:
    """Half a line waits for its other half; each fact is told once."""
    journal = tmp_path / "journal.jsonl"
    first, second = (
        json.dumps({"event": "stable", "at": f"2026-03-10T02:00:0{n}Z"}) for n in (1, 2)
    )
    journal.write_text(first + "\n" + second[:20], encoding="utf-8")
    with JournalTail(tmp_path) as tail, journal.open("a", encoding="utf-8") as file:
        assert [at.second for _, at, _ in tail.facts()] == [1]
        assert [*tail.facts()] == []
        file.write(second[20:] + "\n")
        file.flush()
        assert [at.second for _, at, _ in tail.facts()] == [2]
        assert tail.left_out == 0


@pytest.mark.parametrize(
    "line",
    [
        "{}", "[]", "no json", '{"event": 1, "at": "2026-03-10T02:00:01Z"}', "[" * 100_000,
        '{"event": "stable", "at": "when?"}',
    ],
)  # fmt: skip
def test_a_line_that_is_no_fact_is_left_out(line: str, tmp_path: Path) -> None:
    """What follows it is read all the same."""
    good = '{"event": "stable", "at": "2026-03-10T02:00:01Z"}\n'
    (tmp_path / "journal.jsonl").write_text(f"{line}\n{good}", encoding="utf-8")
    with JournalTail(tmp_path) as tail:
        assert [event for event, _, _ in tail.facts()] == ["stable"]
        assert tail.left_out == 1


def test_a_line_without_an_end_takes_no_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is longer than any fact is dropped while it comes."""
    monkeypatch.setattr("pradrill.register.runs.tail._PIECE", 100)
    monkeypatch.setattr("pradrill.register.runs.tail._LONGEST", 1_000)
    good = '{"event": "stable", "at": "2026-03-10T02:00:01Z"}\n'
    journal = tmp_path / "journal.jsonl"
    journal.write_text("x" * 10_000, encoding="utf-8")
    with JournalTail(tmp_path) as tail, journal.open("a", encoding="utf-8") as file:
        assert [*tail.facts()] == []
        assert tail._pieces == []
        file.write("\n" + good)
        file.flush()
        assert [event for event, _, _ in tail.facts()] == ["stable"]


HOSTILE: list[dict[str, Any]] = [
    {"event": "step_started"},
    {"event": "step_started", "phase": "party", "name": "x"},
    {"event": "step_ended", "phase": "restore"},
    {"event": "news", "line": {"a": [1]}, "service": {}},
    {"event": "news"},
    {"event": "check_pass", "number": "x"},
    {"event": "asked", "step": "x"},
    {
        "event": "asked",
        "phase": "restore",
        "step": "no such step",
        "who": "x",
        "confirm": "done",
        "asked": "2026-03-10T02:00:01Z",
    },
    {"event": "mark", "mark": "T0", "instant": 7},
    {"event": "run_aborted"},
    {"event": "step_started", "phase": "restore", "name": "x", "service": "nobody's"},
    {"event": "no such event", "at": 1},
]


def test_a_hostile_journal_is_shown_as_far_as_it_is_one() -> None:
    """Facts that make no sense are counted; a service that the plan lacks gets no lane."""
    view = FakeProgress()
    playback = Playback("20260310T020000Z-moodle-7f3a9c", lambda _plan, _at: view)
    for fact in HOSTILE:
        playback.play((fact["event"], after(0), fact))
    assert view.lines == []  # nothing began
    start = a_start(plan=an_estate()).model_dump(mode="json")
    playback.play((Event.STARTED, after(0), start))
    for fact in HOSTILE:
        facts = {name: value for name, value in fact.items() if name != "event"}
        playback.play((fact["event"], after(1), facts))
    assert playback.strange == 9
    assert ("step", "x") in view.lines


def test_what_goes_on_is_in_the_journal_and_proves_nothing(tmp_path: Path) -> None:
    """News are bounded, and change nothing of what a run's facts come to."""
    assert (NEWS_KEPT, NEWS_LINE) == (2_000, 200)
    record = a_sealed_run(FileRunStore(tmp_path))
    again = FileRunStore(tmp_path / "other")
    with closing(again.open("moodle", after(0))) as journal:
        for event, at, facts in FileRunStore(tmp_path).journal(record.run_id).events():
            journal.append(Event.NEWS, at, {"line": "x", "service": None})
            journal.append(event, at, facts)
    assert fold(journal.events()) == fold(FileRunStore(tmp_path).journal(record.run_id).events())


def test_an_estimate_rests_on_runs_that_passed_and_are_what_was_entered(tmp_path: Path) -> None:
    """The newest five; not those that came later, failed, or were changed since."""
    store = FileRunStore(tmp_path)
    runs = [a_sealed_run(store, number) for number in range(7)]
    failed = a_sealed_run(store, 7, verdict="FAILED", exit_code=10)
    assert failed.verdict == "FAILED"
    times = earlier_runs(store.register, "moodle", after(86_400 * 30))
    assert len(times) == 5
    assert times[0].seconds == {step.key: step.seconds for step in a_record().steps}
    assert len(earlier_runs(store.register, "moodle", runs[2].started)) == 2
    assert earlier_runs(store.register, "shop", after(86_400 * 30)) == []
    path = tmp_path / "runs" / runs[0].run_id / "record.json"
    path.chmod(0o600)
    path.write_text(path.read_text(encoding="utf-8").replace("moodle", "noodle"), encoding="utf-8")
    assert len(earlier_runs(store.register, "moodle", runs[2].started)) == 1
    assert a_step().seconds > 0
