"""What a mail at night says of a failure: its cause survives, and nothing is told twice."""

from __future__ import annotations

from pradrill.domain.run.outcome import StepOutcome, TaskFailure
from pradrill.domain.run.record import Refusal
from pradrill.domain.run.verdict import Verdict
from pradrill.reporting.language.formats import gist
from pradrill.reporting.text.summary import summary
from pradrill.testing import a_record, a_step

LONG = "/var/lib/" + "a-long-folder/" * 60


def test_the_cause_at_the_end_of_a_long_reason_is_never_cut() -> None:
    """Its middle goes: what failed and why are both there, in lines of 80 columns."""
    reason = f"restore step failed: tar: {LONG}: Cannot write: No space left on device"
    text = summary(a_record(verdict=Verdict.FAILED, exit_code=10, reasons=(reason,)))
    whole = " ".join(text.split())
    assert "restore step failed: tar:" in whole
    assert "No space left on device" in whole
    assert max(map(len, text.splitlines())) <= 80
    assert gist("short", 80) == "short"
    assert len(gist("x" * 500, 80)) == 80


def test_a_lone_reason_keeps_its_run_and_its_path_whole() -> None:
    """Who holds the standby is told to the last character, however deep its state lies."""
    run, state = "20261129T215608Z-shop-efebf8", "/srv/" + "deep-folder/" * 14 + "state"
    reason = f"the standby web-dr is held by run {run} (root at ctl01, {state}), until 22:06"
    text = summary(a_record(verdict=Verdict.INCONCLUSIVE, exit_code=5, reasons=(reason,)))
    assert run in text
    assert state in "".join(text.split())
    several = summary(a_record(verdict=Verdict.FAILED, exit_code=10, reasons=(reason,) * 4))
    assert "and 2 more" in several


def test_how_a_task_failed_is_told_once() -> None:
    """The step's detail has it: the task's own words are not said again."""
    failure = TaskFailure(host="db-dr", task="Load", message="hidden: the task has no_log")
    step = a_step(
        outcome=StepOutcome.FAILED,
        detail="db-dr: Load: hidden: the task has no_log",
        failures=(failure,),
    )
    text = summary(a_record(verdict=Verdict.FAILED, exit_code=10, steps=(step,), reasons=()))
    assert text.count("no_log") == 1


def test_a_refusal_says_its_reasons_once_and_what_comes_next() -> None:
    """The doctor is named as its reader starts the program."""
    why = "known_hosts pins no host key for 192.0.2.20 (files-dr)"
    step = a_step(outcome=StepOutcome.FAILED, detail=why)
    record = a_record(
        verdict=Verdict.INCONCLUSIVE,
        exit_code=4,
        refusal=Refusal.NOT_READY,
        reasons=(why,),
        steps=(step,),
    )
    text = summary(record, program=".venv/bin/pradrill")
    assert " ".join(text.split()).count(why) == 1
    assert "what mends it: .venv/bin/pradrill doctor moodle\n" in text
    assert f".venv/bin/pradrill show {record.run_id}" in text
