"""A rehearsal counts nowhere, whatever it showed; a run of before there were any is none."""

from __future__ import annotations

from datetime import timedelta

from pradrill.domain.dossier.attempt import Ending, attempt_of, attempt_unbegun
from pradrill.domain.register.entry import AttemptEntry, Entry, EntryKind, RunEntry
from pradrill.domain.register.finding_history import why_not_closed
from pradrill.domain.register.findings_of_run import findings_of
from pradrill.domain.register.missed_dates import missed
from pradrill.domain.run.record import Launch
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.duration import Cadence
from pradrill.reporting.run.junit import render_junit
from pradrill.reporting.run.page import headline
from pradrill.testing import START, a_case, a_finding, a_launch, a_record, after

RED = {"verdict": Verdict.FAILED, "exit_code": 10, "residue": ("/srv/x still exists",)}


def an_entry(run_id: str, day: int, *, rehearsal: bool) -> Entry:
    """Return the entry of a run that passed on a day."""
    body = RunEntry(
        run_id=run_id,
        drill="moodle",
        services=("moodle",),
        state="FINISHED",
        refusal=None,
        verdict="PASSED",
        exit_code=0,
        started=after(86_400.0 * day),
        ended=after(86_400.0 * day + 60),
        record_sha256="0" * 64,
        rehearsal=rehearsal,
    )
    return Entry(
        number=1,
        at=body.ended,
        kind=EntryKind.RUN,
        previous="0" * 64,
        body=body.model_dump(mode="json"),
    )


def test_a_rehearsal_opens_no_finding_and_closes_none() -> None:
    """What a real run would open it keeps to itself; a finding needs a real run to close it."""
    assert findings_of(a_record(**RED))
    assert findings_of(a_record(**RED, launch=a_launch(rehearsal=True))) == ()
    for rehearsal in (True, False):
        later = RunEntry.model_validate(an_entry("later", 400, rehearsal=rehearsal).body)
        why = why_not_closed(a_finding(), later)
        assert why == ("the run later is a rehearsal: it proves nothing" if rehearsal else None)


def test_rehearsing_a_drill_that_is_due_does_not_keep_it_from_being_missed() -> None:
    """Neither a rehearsal nor an attempt at one is the attempt that the schedule asks for."""
    real = an_entry("real", 0, rehearsal=False)
    rehearsed = an_entry("rehearsed", 95, rehearsal=True)
    unbegun = AttemptEntry(
        drill="moodle",
        services=("moodle",),
        trigger="cli",
        user="root",
        exit_code=3,
        because="the plan is wrong",
        began=after(86_400.0 * 95),
        rehearsal=True,
    )
    attempt = rehearsed.model_copy(
        update={"kind": EntryKind.ATTEMPT, "body": unbegun.model_dump(mode="json")}
    )
    now = START + timedelta(days=120)
    for entries in ([real], [real, rehearsed], [real, attempt]):
        assert len(missed({"moodle": Cadence.read("3 months")}, entries, now)) == 1
    assert not missed({"moodle": Cadence.read("3 months")}, [rehearsed], now)
    assert attempt_unbegun(attempt).ending is Ending.REHEARSED


def test_a_rehearsal_is_told_wherever_its_verdict_is() -> None:
    """In lists and for CI it never looks like a run that passed; an older launch is none."""
    rehearsal = a_record(launch=a_launch(rehearsal=True))
    assert headline(rehearsal) == "PASSED (rehearsal)"
    assert attempt_of(rehearsal, None).ending is Ending.REHEARSED
    assert '<skipped type="rehearsal" message="PASSED (rehearsal)' in render_junit(
        a_case(record=rehearsal)
    )
    assert not Launch.model_validate({"trigger": "cli", "user": "a", "controller": "b"}).rehearsal
