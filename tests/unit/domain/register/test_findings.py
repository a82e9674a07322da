"""Findings: what a run opens, what is the same problem, and what alone closes it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.declared.backup_source import Select
from pradrill.domain.declared.plan import Objectives
from pradrill.domain.register.annotation import Annotation, AnnotationKind
from pradrill.domain.register.entry import GENESIS, Entry, EntryKind, RunEntry
from pradrill.domain.register.finding import Closure, Finding
from pradrill.domain.register.finding_history import (
    all_findings,
    annotations_of,
    findings_for,
    open_findings,
    why_not_closed,
)
from pradrill.domain.register.findings_of_run import findings_of, unproved
from pradrill.domain.run.backup_catalogue import read
from pradrill.domain.run.backup_integrity import IntegrityResult, Soundness
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, Phase, StepKind, StepOutcome
from pradrill.domain.run.question import CallStage, SlaMeasure, Standing
from pradrill.domain.run.record import Refusal, RunRecord, RunState, ServiceResult
from pradrill.domain.run.recovery_point import Contradiction
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.model import Model
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.errors import RecordError
from pradrill.testing import (
    a_catalogue,
    a_check,
    a_finding,
    a_guard,
    a_point,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
    a_step,
    after,
    an_estate,
)

DAY = 86_400.0


def keys(record: RunRecord) -> dict[str | None, Severity]:
    """Return what the run opens: key → severity."""
    return {finding.key: finding.severity for finding in findings_of(record)}


def a_measure(**changes: Any) -> SlaMeasure:
    """Return a response that came too late."""
    fields: dict[str, Any] = {
        "provider": "hexanet",
        "stage": CallStage.RESPONSE,
        "step": "call",
        "promised": "30m",
        "seconds": 2_400.0,
        "waited": 2_400.0,
        "standing": Standing.NOT_MET,
    }
    return SlaMeasure.model_validate({**fields, **changes})


# ---------------------------------------------------------------- what a run opens


def test_a_run_that_passed_opens_nothing() -> None:
    """A clean record has no finding."""
    assert findings_of(a_record()) == ()


def failed(**changes: Any) -> RunRecord:
    """Return the record of a run that ended badly."""
    return a_record(verdict=Verdict.FAILED, exit_code=10, **changes)


@pytest.mark.parametrize(
    ("changes", "opened"),
    [
        (
            {"checks": (a_check(outcome=CheckOutcome.FAILED),)},
            {"check/moodle/test_web.py::test_login_page": Severity.CRITICAL},
        ),
        (
            {"checks": (a_check(outcome=CheckOutcome.ERRORED),)},
            {"check/moodle/test_web.py::test_login_page": Severity.MAJOR},
        ),
        (
            {"checks": (a_check(outcome=CheckOutcome.FAILED, mandatory=False), a_check(check="b"))},
            {"check/moodle/test_web.py::test_login_page": Severity.MINOR},
        ),
        ({"residue": ("host: /x",)}, {"residue/moodle": Severity.MAJOR}),
        (
            {"guards": (a_guard(guard="must-not-reach db:1", outcome=GuardOutcome.REFUSED),)},
            {"guard/moodle/must-not-reach db:1": Severity.CRITICAL},
        ),
        (
            {"steps": (a_step(outcome=StepOutcome.FAILED),)},
            {"step/moodle/restore/restore_moodle": Severity.CRITICAL},
        ),
        (
            {"steps": (a_step(outcome=StepOutcome.UNREACHABLE, phase=Phase.PREPARE),)},
            {"step/moodle/prepare/restore_moodle": Severity.MAJOR},
        ),
        (
            {"steps": (a_step(outcome=StepOutcome.TIMED_OUT, kind=StepKind.MANUAL, name="DNS"),)},
            {"step/moodle/restore/DNS": Severity.MAJOR},
        ),
        ({"sla": (a_measure(),)}, {"sla/hexanet/response": Severity.MAJOR}),
        (
            {"refusal": Refusal.NOT_READY, "reasons": ("no key",)},
            {"not-ready/moodle": Severity.MAJOR},
        ),
        ({"refusal": Refusal.BUSY}, {}),
        ({"state": RunState.CRASHED}, {}),
        ({"state": RunState.INTERRUPTED, "signal": 2}, {}),
        ({}, {"verdict/moodle": Severity.MAJOR}),
    ],
)
def test_what_a_run_shows_to_be_wrong(changes: dict[str, Any], opened: dict[str, Severity]) -> None:
    """Each kind of problem opens its own finding, as grave as it is for a recovery."""
    assert keys(failed(**changes)) == opened


def test_an_objective_is_missed_by_the_service_whose_it_is() -> None:
    """Of two services in one drill, the one with the stricter RTO has the finding."""
    strict = Objectives.model_validate({"rto": "30m", "rpo": "24h"})
    services = {"moodle": a_service(), "wiki": a_service(objectives=strict, owner="wiki team")}
    (finding,) = findings_of(a_record(verdict=Verdict.MISSED, plan=a_run_plan(services=services)))
    assert finding.key == "objective/RTO/wiki"
    assert finding.services == ("wiki",)
    assert finding.owner == "wiki team"
    assert finding.detail == "RTA 42m10s, at most 42m10s400ms; RTO 30m"


def test_instants_that_contradict_each_other_are_a_finding() -> None:
    """A negative RPA is neither met nor missed: it is a contradiction."""
    rpa = Elapsed(seconds=-60, low=-61, high=-59, provenance=Provenance.MEASURED)
    record = a_record(verdict=Verdict.INCONCLUSIVE, recovery=a_recovery(rpa=rpa))
    assert list(keys(record)) == ["contradiction/moodle/RPA"]


def test_each_service_of_an_estate_has_its_own() -> None:
    """What was recovered apart is told apart: its checks, its steps, its objectives."""
    plan = an_estate(rto={"database": "1m"})
    late = a_recovery()
    services = {
        name: ServiceResult(verdict=Verdict.MISSED, reasons=("x",), recovery=late, hosts=("h",))
        for name in plan.services
    }
    checks = (
        a_check(service="database", outcome=CheckOutcome.FAILED),
        a_check(service="directory", outcome=CheckOutcome.FAILED),
    )
    steps = (a_step(service="application", outcome=StepOutcome.FAILED),)
    found = findings_of(failed(plan=plan, services=services, checks=checks, steps=steps))
    assert {f.key: f.services for f in found} == {
        "step/estate/application/restore/restore_moodle": ("application",),
        "check/estate/database/test_web.py::test_login_page": ("database",),
        "check/estate/directory/test_web.py::test_login_page": ("directory",),
        "objective/RTO/database": ("database",),
    }
    passed = a_record(plan=plan, checks=(a_check(service="directory"),))
    by_key = {finding.key: unproved(finding, passed) for finding in found}
    assert by_key["check/estate/directory/test_web.py::test_login_page"] is None
    assert by_key["check/estate/database/test_web.py::test_login_page"] is not None


def test_what_the_data_and_the_backups_show() -> None:
    """Contradictions keep their severity; damaged backups are critical; so the history's worst."""
    contradiction = Contradiction(
        contradiction="rows-behind-heartbeat", severity=Severity.MAJOR, text="an hour apart"
    )
    integrity = IntegrityResult(
        soundness=Soundness.DAMAGED,
        method="restic check",
        detail="pack 4f is broken",
        source="restic",
        location="sftp:backup",
        backup_id="4f",
        at=after(0),
        part=1,
        parts=1,
        covered=1.0,
        full_on=None,
    )
    catalogue = read(a_catalogue(a_point(), a_point(3)), Select(), timedelta(days=90), None)
    recovery = a_recovery(contradictions=(contradiction,), integrity=integrity, catalogue=catalogue)
    assert catalogue.worst_case.seconds > DAY
    assert keys(a_record(recovery=recovery)) == {
        "contradiction/moodle/rows-behind-heartbeat": Severity.MAJOR,
        "integrity/moodle/sftp:backup": Severity.CRITICAL,
        "worst-case/RPO/moodle": Severity.MAJOR,
    }


def test_one_check_on_many_hosts_is_one_finding() -> None:
    """The same check red on two hosts is told once, with both hosts and the worse severity."""
    checks = (
        a_check(host="a", outcome=CheckOutcome.ERRORED, detail="no answer"),
        a_check(host="b", outcome=CheckOutcome.FAILED, detail="404"),
    )
    (finding,) = findings_of(failed(checks=checks))
    assert finding.severity is Severity.CRITICAL
    assert finding.detail == "a: no answer\nb: 404"


def test_what_an_interruption_cut_off_is_no_finding() -> None:
    """After Ctrl-C what has no answer shows nothing; a check that failed before it does."""
    checks = (
        a_check(outcome=CheckOutcome.ERRORED),
        a_check(check="test_data.py::test_courses", outcome=CheckOutcome.FAILED),
    )
    steps = (a_step(outcome=StepOutcome.UNKNOWN), a_step(outcome=StepOutcome.TIMED_OUT))
    record = failed(state=RunState.INTERRUPTED, signal=2, checks=checks, steps=steps)
    assert list(keys(record)) == ["check/moodle/test_data.py::test_courses"]


def test_a_decision_to_stop_is_no_finding() -> None:
    """A director who says no has found nothing wrong."""
    steps = (a_step(outcome=StepOutcome.CANCELLED, kind=StepKind.MANUAL),)
    assert findings_of(a_record(verdict=Verdict.INCONCLUSIVE, steps=steps)) == ()


def test_a_finding_has_an_owner_and_a_date() -> None:
    """The service's owner has it, for seven days when critical, thirty when major, else ninety."""
    record = failed(
        checks=(
            a_check(outcome=CheckOutcome.FAILED),
            a_check(check="b", outcome=CheckOutcome.ERRORED),
            a_check(check="c", outcome=CheckOutcome.FAILED, mandatory=False),
        )
    )
    found = findings_of(record)
    days = [(f.due - record.ended.date()).days for f in found if f.due is not None]
    assert days == [7, 30, 90]
    assert {f.owner for f in found} == {"formation@exemple.fr"}
    assert {(f.run_id, f.by, f.opened) for f in found} == {(record.run_id, "the run", record.ended)}


def test_the_key_is_the_problem_not_its_appearance() -> None:
    """At another run, another host, failed instead of errored: the same key."""
    first = failed(checks=(a_check(outcome=CheckOutcome.ERRORED),))
    second = failed(
        run_id="another",
        ended=after(9 * DAY),
        checks=(a_check(host="other", outcome=CheckOutcome.FAILED, detail="500"),),
    )
    assert keys(first).keys() == keys(second).keys()


def test_hostile_text_is_cut() -> None:
    """Ten megabytes in a title or a detail do not enter the register."""
    big = "x" * 10_000_000
    (finding,) = findings_of(
        failed(checks=(a_check(title=big, detail=big, outcome=CheckOutcome.FAILED),))
    )
    assert len(finding.title) == 200
    assert len(finding.detail) == 2_000


@given(
    verdict=st.sampled_from([Verdict.FAILED, Verdict.MISSED, Verdict.INCONCLUSIVE]),
    outcome=st.sampled_from(CheckOutcome),
    step=st.sampled_from([o for o in StepOutcome if o is not StepOutcome.CANCELLED]),
)
def test_no_bad_verdict_is_without_a_finding(
    verdict: Verdict, outcome: CheckOutcome, step: StepOutcome
) -> None:
    """A run that ended by itself and did not pass always opens something."""
    record = a_record(
        verdict=verdict, checks=(a_check(outcome=outcome),), steps=(a_step(outcome=step),)
    )
    assert findings_of(record)


# ---------------------------------------------------------------- the fold


class Chain:
    """Entries as the register would hold them."""

    def __init__(self) -> None:
        self.entries: list[Entry] = []

    def add(self, kind: EntryKind, body: Model, day: float = 0) -> None:
        """Append an entry."""
        self.entries.append(
            Entry(
                number=len(self.entries) + 1,
                at=after(day * DAY),
                kind=kind,
                previous=GENESIS,
                body=body.model_dump(mode="json"),
            )
        )

    def run(self, name: str, day: float, **changes: Any) -> RunEntry:
        """Append a run that passed, of an hour's length."""
        fields: dict[str, Any] = {
            "run_id": name,
            "drill": "moodle",
            "services": ("moodle",),
            "state": "FINISHED",
            "refusal": None,
            "verdict": "PASSED",
            "exit_code": 0,
            "started": after(day * DAY),
            "ended": after(day * DAY + 3_600),
            "record_sha256": "00" * 32,
        }
        entry = RunEntry.model_validate({**fields, **changes})
        self.add(EntryKind.RUN, entry, day)
        return entry

    def shown(self, run: str, day: float, **changes: Any) -> None:
        """Append a finding that a run showed at its end."""
        opened = after(day * DAY + 3_600)
        self.add(EntryKind.FINDING, a_finding(run_id=run, opened=opened, **changes), day)

    def close(self, finding: str, run: str, day: float) -> None:
        """Append a closure."""
        closure = Closure(finding=finding, run_id=run, at=after(day * DAY), by="amartin")
        self.add(EntryKind.CLOSURE, closure, day)

    def findings(self) -> tuple[Finding, ...]:
        """Fold."""
        return all_findings(self.entries)


def opened() -> Chain:
    """Return a chain in which run 1 failed and opened a finding."""
    chain = Chain()
    chain.run("run1", 1, verdict="FAILED", exit_code=10)
    chain.shown("run1", 1)
    return chain


def test_the_same_problem_is_seen_again() -> None:
    """A second run with the same key opens no second finding, and is named in the first."""
    chain = opened()
    chain.run("run2", 2, verdict="FAILED")
    chain.shown("run2", 2, detail="still 500")
    (finding,) = chain.findings()
    assert finding.finding == "F-1"
    assert [(s.run_id, s.at) for s in finding.seen] == [("run2", after(2 * DAY + 3_600))]
    assert finding.detail == "still 500"
    assert finding.opened == after(DAY + 3_600)


def test_what_got_worse_is_due_earlier() -> None:
    """An errored check that fails next time is critical from then on, with the nearer date."""
    chain = Chain()
    chain.shown("run1", 1, severity=Severity.MAJOR, due=dt.date(2026, 4, 10))
    chain.shown("run2", 2, severity=Severity.CRITICAL, due=dt.date(2026, 3, 19))
    (finding,) = chain.findings()
    assert (finding.severity, finding.due) == (Severity.CRITICAL, dt.date(2026, 3, 19))


def test_a_fact_told_twice_is_one() -> None:
    """When two processes enter the same run's finding, nothing was seen again."""
    chain = opened()
    chain.shown("run1", 1)
    (finding,) = chain.findings()
    assert finding.seen == ()


def test_a_later_passing_run_closes_it() -> None:
    """Named in a closure, it does; the finding says which run and who."""
    chain = opened()
    chain.run("run2", 2)
    chain.close("F-1", "run2", 3)
    (finding,) = chain.findings()
    assert not finding.open
    assert finding.closure is not None
    assert (finding.closure.run_id, finding.closure.by) == ("run2", "amartin")
    assert open_findings(chain.findings()) == []


def test_a_passing_run_alone_closes_nothing() -> None:
    """A person names the run that proves it: time and luck close nothing."""
    chain = opened()
    chain.run("run2", 2)
    assert len(open_findings(chain.findings())) == 1


@pytest.mark.parametrize(
    ("name", "day", "changes", "because"),
    [
        ("run2", 2, {"verdict": "MISSED"}, "only a run that PASSED"),
        ("run2", 2, {"verdict": "INCONCLUSIVE", "refusal": "busy"}, "only a run that PASSED"),
        ("run2", 0.5, {}, "began before"),
        ("run2", 1.01, {}, "began before"),
        ("run2", 2, {"services": ("wiki",)}, "did not cover moodle"),
    ],
)
def test_what_does_not_close(name: str, day: float, changes: dict[str, Any], because: str) -> None:
    """A run that failed, that is not later, or that left the service out, closes nothing."""
    chain = opened()
    run = chain.run(name, day, **changes)
    chain.close("F-1", name, 9)
    (finding,) = chain.findings()
    assert finding.open
    assert because in (why_not_closed(finding, run) or "")


def test_the_run_that_saw_it_cannot_close_it() -> None:
    """A run that PASSED and left residue again is no proof that residue is gone."""
    chain = opened()
    run = chain.run("run2", 2, exit_code=13)
    chain.shown("run2", 2)
    chain.close("F-1", "run2", 3)
    (finding,) = chain.findings()
    assert finding.open
    assert "showed it itself" in (why_not_closed(finding, run) or "")


def test_a_run_between_two_sightings_closes_nothing() -> None:
    """It passed, and then the problem was back: only what comes after that counts."""
    chain = opened()
    chain.run("run2", 2)
    chain.run("run3", 3, verdict="FAILED")
    chain.shown("run3", 3)
    chain.close("F-1", "run2", 4)
    assert chain.findings()[0].open


def test_a_closure_without_its_run_counts_for_nothing() -> None:
    """An entry that names a run which the register does not hold leaves the finding open."""
    chain = opened()
    chain.close("F-1", "run7", 3)
    chain.close("F-9", "run1", 3)
    assert chain.findings()[0].open
    assert why_not_closed(chain.findings()[0], None) == "the register holds no such run"


def test_what_comes_back_after_its_closure_is_a_new_finding() -> None:
    """The closed one stays closed, with its proof; the new one has its own number."""
    chain = opened()
    chain.run("run2", 2)
    chain.close("F-1", "run2", 3)
    chain.run("run4", 4, verdict="FAILED")
    chain.shown("run4", 4)
    first, second = chain.findings()
    assert (first.open, second.open, second.finding) == (False, True, "F-2")
    assert "closed already" in (why_not_closed(first, chain.run("run5", 5)) or "")


def test_two_findings_of_people_are_two() -> None:
    """Without a key nothing is the same problem."""
    chain = Chain()
    for _ in range(2):
        chain.add(EntryKind.FINDING, a_finding(key=None, run_id=None, by="amartin"))
    assert [finding.finding for finding in chain.findings()] == ["F-1", "F-2"]


def test_an_entry_cannot_bring_its_own_closure() -> None:
    """A body that says that it is closed, or numbered, is opened all the same."""
    chain = Chain()
    closure = Closure(finding="F-7", run_id="run1", at=after(0), by="mallory")
    chain.add(EntryKind.FINDING, a_finding(finding="F-7", closure=closure))
    (finding,) = chain.findings()
    assert (finding.finding, finding.open) == ("F-1", True)


def test_a_damaged_entry_is_told() -> None:
    """A body that is no finding is an error that names the entry, never skipped."""
    chain = opened()
    broken = chain.entries[1].model_copy(update={"body": {"title": "x"}})
    with pytest.raises(RecordError, match="entry 2 of the register holds no finding"):
        all_findings([chain.entries[0], broken])


def test_findings_of_a_run_and_its_services() -> None:
    """A report has the open ones of its services, and those that its run opened, saw or closed."""
    chain = opened()
    chain.shown("run1", 1, key="b", services=("wiki",))
    chain.run("run2", 2)
    chain.close("F-1", "run2", 3)
    found = chain.findings()
    assert [f.finding for f in findings_for(found, ["moodle"])] == []
    assert [f.finding for f in findings_for(found, ["wiki"])] == ["F-2"]
    assert [f.finding for f in findings_for(found, ["moodle"], "run2")] == ["F-1"]
    assert [f.finding for f in findings_for(found, ["moodle"], "run1")] == ["F-1", "F-2"]


def test_annotations_are_those_of_the_run() -> None:
    """In the order of entering, and no other run's."""
    chain = Chain()
    for run, text in (("run1", "a"), ("run2", "b"), ("run1", "c")):
        note = Annotation(run_id=run, at=after(0), by="x", kind=AnnotationKind.REX_WELL, text=text)
        chain.add(EntryKind.ANNOTATION, note)
    assert [note.text for note in annotations_of(chain.entries, "run1")] == ["a", "c"]


_KEYS = st.sampled_from(["a", "b", None])
_ACTS = st.one_of(
    st.tuples(st.just("fail"), _KEYS),
    st.tuples(st.just("pass"), st.sampled_from(["moodle", "wiki"])),
    st.tuples(st.just("close"), st.integers(1, 4), st.integers(0, 12)),
)


@given(st.lists(_ACTS, max_size=25))
def test_the_fold_keeps_its_promises(acts: Sequence[tuple[Any, ...]]) -> None:
    """Whatever is entered: nothing vanishes, a key is open once, a closure is always proved."""
    chain, runs, shown = Chain(), dict[str, RunEntry](), 0
    before: tuple[Finding, ...] = ()
    for day, act in enumerate(acts):
        name = f"run{day}"
        if act[0] == "fail":
            runs[name] = chain.run(name, day, verdict="FAILED")
            chain.shown(name, day, key=act[1])
            shown += 1
        elif act[0] == "pass":
            runs[name] = chain.run(name, day, services=(act[1],))
        else:
            chain.close(f"F-{act[1]}", f"run{act[2]}", day)
        found = chain.findings()
        assert [f.finding for f in found] == [f"F-{n}" for n in range(1, len(found) + 1)]
        assert [f.finding for f in found][: len(before)] == [f.finding for f in before]
        closed = {f.finding: f.closure for f in before if f.closure is not None}
        assert closed.items() <= {f.finding: f.closure for f in found}.items()
        before = found
    assert sum(1 + len(f.seen) for f in before) == shown
    opened_keys = [f.key for f in before if f.open and f.key is not None]
    assert len(opened_keys) == len(set(opened_keys))
    for finding in before:
        if finding.closure is not None:
            run = runs[finding.closure.run_id]
            last = max([finding.opened, *(s.at for s in finding.seen)])
            assert (run.verdict, run.started > last) == ("PASSED", True)
            assert set(finding.services) <= set(run.services)


# ---------------------------------------------------------------- what a passing run does not show


@pytest.mark.parametrize(
    ("key", "record", "because"),
    [
        ("check/moodle/gone.py::test_x", a_record(), "has no check gone.py::test_x that passed"),
        ("check/moodle/test_data.py::test_courses", a_record(), None),
        ("residue/wiki", a_record(), "a run of the drill moodle, not of wiki"),
        ("residue/moodle", a_record(), None),
        ("sla/hexanet/response", a_record(), "did not measure"),
        ("sla/hexanet/response", a_record(sla=(a_measure(standing=Standing.MET),)), None),
        ("sla/hexanet/restoration", a_record(sla=(a_measure(standing=Standing.MET),)), "measure"),
        ("objective/RTO/moodle", a_record(), None),
        (None, a_record(), None),
    ],
)
def test_a_passing_run_may_not_show_it(
    key: str | None, record: RunRecord, because: str | None
) -> None:
    """A run without the check, of another drill, or without the call, proves nothing by itself."""
    said = unproved(a_finding(key=key), record)
    assert (said is None) == (because is None)
    assert because is None or because in (said or "")
