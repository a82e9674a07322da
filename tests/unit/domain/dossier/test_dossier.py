"""The dossier of a period: what it counts, what is proved, what has expired."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pradrill.config.cron import instants
from pradrill.domain.declared.drill_on import DrillOn
from pradrill.domain.declared.plan import Objectives, Plan
from pradrill.domain.dossier.attempt import RESTORED_BYTES, Ending, attempt_of
from pradrill.domain.dossier.build import Damaged, Sealed, Sources, compile_dossier
from pradrill.domain.dossier.coverage import ProofStanding
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.expiry import Subject
from pradrill.domain.dossier.period import Period, column_of
from pradrill.domain.register.entry import AttemptEntry, Entry, EntryKind, RunEntry, ScheduleMissed
from pradrill.domain.register.finding import Closure, Finding
from pradrill.domain.report.changes import changes
from pradrill.domain.run.record import Refusal, RunRecord, RunState, ServiceResult
from pradrill.domain.run.run_plan import Around, FileHash, RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed
from pradrill.testing import a_drill, a_record, a_recovery, a_run_plan, a_service, a_step
from pradrill.testing.cases import a_reading

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
YEAR = Period(first=date(2026, 1, 1), last=date(2026, 12, 31))
FAILED: dict[str, Any] = {"verdict": Verdict.FAILED, "exit_code": 10}
REFUSED: dict[str, Any] = {"verdict": Verdict.INCONCLUSIVE, "refusal": Refusal.NOT_READY}
CRASHED: dict[str, Any] = {"verdict": Verdict.INCONCLUSIVE, "state": RunState.CRASHED}


def a_plan(**changes: Any) -> Plan:
    """Return the plan that holds Moodle alone."""
    fields: dict[str, Any] = {
        "plan": 3,
        "organisation": "Exemple SAS",
        "services": {"moodle": a_service(provider=None)},
    }
    return Plan.model_validate({**fields, **changes})


def present(**changes: Any) -> RunPlan:
    """Return the drill of today; as the records have it unless changed."""
    return a_run_plan(**changes)


def sealed(*records: RunRecord) -> list[Sealed]:
    """Return records as they are read."""
    return [Sealed(record, "9b" * 32) for record in records]


def run(day: str, **changes: Any) -> RunRecord:
    """Return the record of a run on that day."""
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    fields: dict[str, Any] = {
        "run_id": f"{at:%Y%m%dT%H%M%SZ}-moodle-{len(changes)}",
        "started": at,
        "ended": at + timedelta(hours=1),
    }
    return a_record(**{**fields, **changes})


def dossier(*records: RunRecord, **changes: Any) -> Dossier:
    """Return the year's dossier of these records."""
    fields: dict[str, Any] = {
        "records": sealed(*records),
        "plan": a_plan(),
        "drills": {"moodle": present()},
    }
    period, now = changes.pop("period", YEAR), changes.pop("now", NOW)
    only = changes.pop("only", ())
    return compile_dossier(period, Sources(**{**fields, **changes}), now=now, only=only)


def entry(kind: EntryKind, body: dict[str, Any], day: str = "2026-06-01") -> Entry:
    """Return an entry of the register, its place in the chain left open."""
    at = datetime.fromisoformat(day).replace(tzinfo=UTC)
    return Entry(number=7, at=at, kind=kind, previous="0" * 64, body=body)


def standing(result: Dossier) -> ProofStanding:
    """Return the standing of the only line of the coverage."""
    (cover,) = result.coverage
    return cover.standing


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({}, Ending.PASSED),
        ({"verdict": Verdict.MISSED}, Ending.MISSED),
        (FAILED, Ending.FAILED),
        ({"verdict": Verdict.INCONCLUSIVE}, Ending.INCONCLUSIVE),
        (REFUSED, Ending.NOT_READY),
        ({**REFUSED, "refusal": Refusal.BUSY}, Ending.BUSY),
        (CRASHED, Ending.CRASHED),
        ({**CRASHED, "state": RunState.INTERRUPTED}, Ending.INTERRUPTED),
    ],
)
def test_every_kind_of_run_is_an_attempt(changes: dict[str, Any], ending: Ending) -> None:
    """Refused, crashed and interrupted runs are counted as what they are, and shown."""
    result = dossier(run("2026-03-01", **changes))
    assert result.counts == {ending: 1}
    assert [attempt.ending for attempt in result.attempts] == [ending]


def test_what_never_became_a_run_is_an_attempt_too() -> None:
    """The register's word for a missed schedule and a wrong configuration is in the dossier."""
    at = datetime(2026, 5, 1, tzinfo=UTC)
    missed = ScheduleMissed(service="moodle", due=at, last=None)
    wrong = AttemptEntry(
        drill="moodle", services=("moodle",), trigger="due", user="root", exit_code=3, because="x"
    )
    result = dossier(
        entries=[
            entry(EntryKind.SCHEDULE_MISSED, missed.model_dump(mode="json")),
            entry(EntryKind.ATTEMPT, wrong.model_dump(mode="json")),
        ]
    )
    assert result.counts == {Ending.NOT_ATTEMPTED: 1, Ending.NOT_STARTED: 1}
    assert result.complete


def test_a_run_whose_record_is_gone_is_told_from_the_register() -> None:
    """A record that was removed leaves an attempt that says so, and an incomplete dossier."""
    present_run, absent = run("2026-03-01"), run("2026-04-01")
    entries = [
        entry(
            EntryKind.RUN,
            RunEntry(
                run_id=record.run_id,
                drill="moodle",
                services=("moodle",),
                state="FINISHED",
                refusal=None,
                verdict="PASSED",
                exit_code=0,
                started=record.started,
                ended=record.ended,
                record_sha256="9b" * 32,
            ).model_dump(mode="json"),
        )
        for record in (present_run, absent)
    ]
    result = dossier(present_run, entries=entries)
    assert [attempt.record_missing for attempt in result.attempts] == [False, True]
    assert result.counts == {Ending.PASSED: 1, Ending.INCONCLUSIVE: 1}
    assert not result.complete


def test_a_damaged_record_is_named_and_hides_nothing() -> None:
    """What cannot be read makes the dossier incomplete; the rest is there."""
    result = dossier(records=[*sealed(run("2026-03-01")), Damaged("cannot read x")])
    assert result.damaged == ("cannot read x",)
    assert not result.complete
    assert len(result.attempts) == 1


def test_an_entry_that_cannot_be_read_is_named() -> None:
    """A hostile body in the register stops nothing and is told."""
    result = dossier(entries=[entry(EntryKind.SCHEDULE_MISSED, {"service": 3})])
    assert result.damaged == ("register: entry 7 cannot be read",)


def test_a_proof_holds_while_nothing_changes() -> None:
    """A passed run on today's files is proven, wherever the folder of drills lies now."""
    assert standing(dossier(run("2026-12-01"))) is ProofStanding.PROVEN
    elsewhere = _moved(present())
    assert (
        standing(dossier(run("2026-12-01"), drills={"moodle": elsewhere})) is ProofStanding.PROVEN
    )


def _moved(plan: RunPlan) -> RunPlan:
    return RunPlan.model_validate_json(
        plan.model_dump_json().replace("/etc/pradrill", "/srv/recovery/pra")
    )


def test_nothing_attempted_is_never_tested() -> None:
    """A declared drill without any attempt comes first in the coverage."""
    result = dossier(plan=a_plan(services={"moodle": a_service(provider=None), "ldap": _ldap()}))
    assert [cover.standing for cover in result.coverage] == [ProofStanding.NEVER_TESTED] * 2
    assert {cover.drill for cover in result.coverage} == {None, "moodle"}


def _ldap() -> Any:
    return a_service(provider=None, tier=0)


@pytest.mark.parametrize("changes", [REFUSED, CRASHED, {"verdict": Verdict.INCONCLUSIVE}])
def test_no_evidence_is_never_a_test(changes: dict[str, Any]) -> None:
    """Attempts without conclusion leave a service never tested."""
    assert standing(dossier(run("2026-12-01", **changes))) is ProofStanding.NEVER_TESTED


def test_a_later_failure_breaks_a_proof() -> None:
    """The newest test governs; an older proof is still shown beside it."""
    result = dossier(run("2026-11-01"), run("2026-12-01", **FAILED))
    assert standing(result) is ProofStanding.BROKEN
    assert result.coverage[0].proof is not None
    assert standing(dossier(run("2026-11-01", **FAILED))) is ProofStanding.NEVER_PROVEN
    refused_after = dossier(run("2026-11-01"), run("2026-12-01", **REFUSED))
    assert standing(refused_after) is ProofStanding.PROVEN


def test_a_proof_older_than_the_cadence_is_too_old() -> None:
    """With drill_every of three months, a proof of August does not hold in December."""
    result = dossier(run("2026-08-01"))
    assert standing(result) is ProofStanding.OLD
    assert [item.service for item in result.overdue] == ["moodle"]


def test_a_date_of_the_calendar_that_passed_makes_a_proof_too_old() -> None:
    """As `status` and `due` say it; what ran since that date holds."""
    plan = a_plan()
    on = DrillOn.read("first Saturday of the quarter 02:00 UTC")
    service = plan.services["moodle"].model_copy(update={"drill_every": None, "drill_on": on})
    plan = plan.model_copy(update={"services": {"moodle": service}})
    result = dossier(run("2026-08-01"), plan=plan, instants=instants)
    assert standing(result) is ProofStanding.OLD
    assert [item.drill_on for item in result.overdue] == ["first Saturday of the quarter 02:00 UTC"]
    result = dossier(run("2026-12-01"), plan=plan, instants=instants)
    assert (standing(result), result.overdue) == (ProofStanding.PROVEN, ())


def test_overdue_follows_finished_runs_as_due_does() -> None:
    """A refused attempt does not reset the clock; an inconclusive run that ended does."""
    assert dossier(run("2026-08-01"), run("2026-12-01", **REFUSED)).overdue
    assert not dossier(run("2026-12-01", verdict=Verdict.INCONCLUSIVE)).overdue
    (never,) = dossier().overdue
    assert never.last is None


def test_what_the_plan_dropped_is_shown_last() -> None:
    """A setting that no drill declares any more stays on record, and proves nothing of today."""
    other = a_run_plan(drill=a_drill(scenario={"name": "ransomware"}))
    result = dossier(run("2026-11-01", plan=other), run("2026-12-01"))
    assert [cover.standing for cover in result.coverage] == [
        ProofStanding.PROVEN,
        ProofStanding.DROPPED,
    ]


def _file(name: str, sha256: str, meaning: str | None = None) -> FileHash:
    return FileHash(path=Path("/etc/pradrill") / name, sha256=sha256, meaning=meaning)


PLAYBOOK = "playbooks/restore_moodle.yml"


@pytest.mark.parametrize(
    ("then", "now", "material"),
    [
        (_file(PLAYBOOK, "a" * 64), _file(PLAYBOOK, "b" * 64), True),
        (_file(PLAYBOOK, "a" * 64, "m"), _file(PLAYBOOK, "b" * 64, "n"), True),
        (_file(PLAYBOOK, "a" * 64, "m"), _file(PLAYBOOK, "b" * 64, "m"), False),
        (_file(PLAYBOOK, "a" * 64), _file(PLAYBOOK, "b" * 64, "m"), True),
        (_file("drills/moodle.yml", "a" * 64), _file("drills/moodle.yml", "b" * 64), None),
    ],
)
def test_a_changed_playbook_expires_a_proof(
    then: FileHash, now: FileHash, material: bool | None
) -> None:
    """Content is material, comments are not where the record tells, and a doubt expires."""
    record = run("2026-12-01", plan=a_run_plan(files=(then,)))
    result = dossier(record, drills={"moodle": present(files=(now,))})
    assert [change.material for change in result.coverage[0].changes] == (
        [] if material is None else [material]
    )
    assert standing(result) is (ProofStanding.EXPIRED if material else ProofStanding.PROVEN)


def test_a_check_that_was_added_expires_a_proof() -> None:
    """What the proof did not check is not proved."""
    added = _file("drills/checks/moodle/test_new.py", "c" * 64)
    files = (*present().files, added)
    result = dossier(run("2026-12-01"), drills={"moodle": present(files=files)})
    (change,) = result.coverage[0].changes
    assert (change.subject, change.before, change.material) == (Subject.CHECK, None, True)


ROLE = "playbooks/roles/moodle/tasks/main.yml"


@pytest.mark.parametrize(
    ("then", "now", "material"),
    [
        ([_file(ROLE, "a" * 64)], [_file(ROLE, "a" * 64)], None),
        ([_file(ROLE, "a" * 64)], [_file(ROLE, "b" * 64)], True),
        ([_file(ROLE, "a" * 64, "m")], [_file(ROLE, "b" * 64, "m")], False),
        ([_file(ROLE, "a" * 64)], [], True),
        ([], [_file(ROLE, "a" * 64)], True),
        (None, [_file(ROLE, "a" * 64)], None),
        (None, None, None),
    ],
)
def test_what_a_playbook_takes_in_expires_a_proof(
    then: list[FileHash] | None, now: list[FileHash] | None, material: bool | None
) -> None:
    """A changed role counts as a changed playbook; an older record, which has none, tells none."""

    def around(files: list[FileHash] | None) -> Around | None:
        return None if files is None else Around(files=tuple(files))

    record = run("2026-12-01", plan=a_run_plan(around=around(then)))
    result = dossier(record, drills={"moodle": present(around=around(now))})
    assert [change.material for change in result.coverage[0].changes] == (
        [] if material is None else [material]
    )
    assert standing(result) is (ProofStanding.EXPIRED if material else ProofStanding.PROVEN)
    compared = changes(a_run_plan(around=around(now)), a_run_plan(around=around(then)))
    assert [change.path for change in compared.files] == (
        [] if material is None else [f"../{ROLE}"]
    )


@pytest.mark.parametrize(
    ("rto_hours", "expected"),
    [(8, ProofStanding.PROVEN), (2, ProofStanding.PROVEN), (0.5, ProofStanding.EXPIRED)],
)
def test_an_objective_expires_a_proof_that_does_not_meet_it(
    rto_hours: float, expected: ProofStanding
) -> None:
    """42 minutes prove two hours and eight; they do not prove half an hour."""
    goals = Objectives(rto=timedelta(hours=rto_hours), rpo=timedelta(hours=24))
    changed = {"moodle": a_service(objectives=goals)}
    result = dossier(run("2026-12-01"), drills={"moodle": present(services=changed)})
    assert standing(result) is expected
    assert result.coverage[0].changes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"owner": "someone@exemple.fr", "tier": 2}, ProofStanding.PROVEN),
        ({"depends_on": ("ldap",)}, ProofStanding.EXPIRED),
    ],
)
def test_of_the_plan_only_what_the_recovery_needs_is_material(
    changes: dict[str, Any], expected: ProofStanding
) -> None:
    """A new owner recovers nothing differently; a new dependency does."""
    services = {"moodle": a_service(**changes)}
    result = dossier(run("2026-12-01"), drills={"moodle": present(services=services)})
    assert standing(result) is expected


def test_a_changed_cadence_is_told_as_it_is_written() -> None:
    """Whoever reads the dossier sees how often the drill was due, and how often it is now."""
    services = {"moodle": a_service(drill_every="6 months")}
    result = dossier(run("2026-12-01"), drills={"moodle": present(services=services)})
    (change,) = result.coverage[0].changes
    assert (change.what, change.before, change.now) == ("drill_every", "3 months", "6 months")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"unattended": False}, ProofStanding.PROVEN),
        ({"drill": "moodle-renamed"}, ProofStanding.PROVEN),
        ({"environment": {"network": "VLAN 41"}}, ProofStanding.PROVEN),
        ({"kind": "exercise"}, ProofStanding.EXPIRED),
        ({"prepare": ()}, ProofStanding.EXPIRED),
    ],
)
def test_the_drill_is_compared_as_declared(
    changes: dict[str, Any], expected: ProofStanding
) -> None:
    """A step less is another drill; another name or hour is not."""
    result = dossier(run("2026-12-01"), drills={"moodle": present(drill=a_drill(**changes))})
    assert standing(result) is expected


def test_an_empty_period_says_so() -> None:
    """Without any attempt the dossier stands, with nothing in it and nothing invented."""
    result = dossier()
    assert not result.attempts
    assert not result.trends
    assert result.counts == {}
    assert result.complete


def test_the_period_bounds_what_is_counted_and_not_what_is_proved() -> None:
    """A run before the period proves; one after it does neither."""
    half = Period(first=date(2026, 7, 1), last=date(2026, 9, 30))
    result = dossier(run("2026-06-30"), run("2026-10-01", **FAILED), period=half)
    assert not result.attempts
    assert result.coverage[0].proof is not None
    assert standing(result) is ProofStanding.OLD


def test_one_service_is_told_alone() -> None:
    """Asked for a service, nothing of another is counted, listed or measured."""
    other = run("2026-03-01", plan=a_run_plan(services={"ldap": a_service()}))
    result = dossier(run("2026-03-02"), other, only=("moodle",))
    assert [attempt.services for attempt in result.attempts] == [("moodle",)]
    assert {cover.service for cover in result.coverage} == {"moodle"}
    assert {row.service for row in result.calendar} == {"moodle"}


def _finding(name: str, day: str, **changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "finding": name,
        "title": "too slow",
        "severity": Severity.MAJOR,
        "services": ("moodle",),
        "opened": datetime.fromisoformat(day).replace(tzinfo=UTC),
        "by": "A. Martin",
    }
    return Finding.model_validate({**fields, **changes})


def test_open_findings_are_told_by_age() -> None:
    """Oldest first, as they stood at the end of the period: one closed later was open then."""
    closed_later = Closure(
        finding="F-3", run_id="r", at=datetime(2026, 10, 1, tzinfo=UTC), by="A. Martin"
    )
    result = dossier(
        period=Period(first=date(2026, 1, 1), last=date(2026, 6, 30)),
        findings=[
            _finding("F-1", "2026-06-01"),
            _finding("F-2", "2026-02-01", due=date(2026, 3, 1)),
            _finding("F-3", "2026-05-01", closure=closed_later),
            _finding("F-4", "2026-07-01"),
        ],
    )
    assert [item.finding.finding for item in result.open_findings] == ["F-2", "F-3", "F-1"]
    assert [item.late for item in result.open_findings] == [True, False, False]
    assert (result.opened, result.closed) == (3, 0)


def test_how_much_was_restored_is_read_from_what_playbooks_hand_back() -> None:
    """Bytes are added up, an odd one spoils the sum; the catalogue's size stands in for none."""
    steps = tuple(a_step(values={RESTORED_BYTES: value}) for value in (1_000, "500"))
    assert attempt_of(a_record(steps=steps), None).restored_bytes == 1_500
    odd = (*steps, a_step(values={RESTORED_BYTES: "much"}))
    assert attempt_of(a_record(steps=odd), None).restored_bytes is None
    assert attempt_of(a_record(), None).restored_bytes is None
    recovery = a_recovery(catalogue=a_reading())
    assert attempt_of(a_record(recovery=recovery), None).restored_bytes == 41_200_000_000
    assert attempt_of(a_record(recovery=recovery, steps=steps), None).restored_bytes == 1_500


@pytest.mark.parametrize(
    "changes", [{"provenance": "assumed"}, {"low": 100.0, "high": 50.0}, {"high": -1.0}]
)
def test_what_is_assumed_or_contradictory_is_no_figure(changes: dict[str, Any]) -> None:
    """Neither the plan's assumption nor bounds that contradict each other are drawn or counted."""
    fields = {"seconds": 60.0, "low": 60.0, "high": 60.0, "provenance": "measured", **changes}
    attempt = attempt_of(a_record(recovery=a_recovery(rta=Elapsed.model_validate(fields))), None)
    assert attempt.rta is None
    assert attempt.rpa is not None


def test_a_trend_is_of_one_service_in_one_setting() -> None:
    """Recoveries of different scenarios are not mixed into one curve."""
    other = a_run_plan(drill=a_drill(scenario={"name": "ransomware"}))
    result = dossier(run("2026-03-01"), run("2026-04-01", plan=other))
    assert sorted(trend.scenario for trend in result.trends) == [
        "loss of the hosting site",
        "ransomware",
    ]
    assert all(trend.rta.tests == 1 for trend in result.trends)


def test_services_of_one_run_are_judged_apart() -> None:
    """Of an estate, the service that passed is proven, and the one that failed is not."""
    services = {"moodle": a_service(provider=None), "ldap": a_service(provider=None)}
    plan = a_run_plan(services=services, drill=a_drill(services=("moodle", "ldap")))
    result = ServiceResult(
        verdict=Verdict.PASSED, reasons=("x",), recovery=a_recovery(), hosts=("a",)
    )
    failed = result.model_copy(update={"verdict": Verdict.FAILED})
    record = run("2026-12-01", plan=plan, services={"moodle": result, "ldap": failed}, **FAILED)
    outcome = dossier(record, plan=a_plan(services=services), drills={"moodle": plan})
    standings = {cover.service: cover.standing for cover in outcome.coverage}
    assert standings == {"moodle": ProofStanding.PROVEN, "ldap": ProofStanding.NEVER_PROVEN}
    assert outcome.counts == {Ending.FAILED: 1}
    cells = {row.service: row.cells[-1] for row in outcome.calendar}
    assert cells == {"moodle": {Ending.PASSED: 1}, "ldap": {Ending.FAILED: 1}}
    assert {t.service: t.rta.failed for t in outcome.trends} == {"moodle": 0, "ldap": 1}
    crashed = record.model_copy(update={"state": RunState.CRASHED})
    loss = dossier(crashed, plan=a_plan(services=services), drills={"moodle": plan})
    assert {cover.standing for cover in loss.coverage} == {ProofStanding.NEVER_TESTED}


def test_a_failed_run_has_no_recovery_time_whatever_it_measured() -> None:
    """The time of a recovery that does not work enters no percentile and no forecast."""
    result = dossier(run("2026-03-01", recovery=a_recovery(), **FAILED))
    assert result.trends[0].rta.median is None
    assert result.trends[0].rta.failed == 1
    assert result.trends[0].rta_forecast is not None
    assert result.trends[0].rta_forecast.runs == 0


days = st.dates(date(1, 1, 1), date(9999, 12, 31))


@given(days, days, st.floats(0, 1))
def test_every_day_of_a_period_has_its_column(one: date, other: date, part: float) -> None:
    """At most a dozen columns cover the period, and each instant is in exactly one."""
    first, last = sorted((one, other))
    period = Period(first=first, last=last)
    columns = period.columns()
    assert 1 <= len(columns) <= 12
    day = first + timedelta(days=int((last - first).days * part))
    at = datetime(day.year, day.month, day.day, tzinfo=UTC)
    assert [column.holds(at) for column in columns].count(True) == 1
    assert columns[column_of(columns, at)].holds(at)


kinds = st.sampled_from(["PASSED", "MISSED", "FAILED", "INCONCLUSIVE"])
states = st.sampled_from([RunState.FINISHED, RunState.CRASHED, RunState.INTERRUPTED])


@settings(deadline=None)  # a busy machine is no finding
@given(
    st.lists(
        st.tuples(
            st.datetimes(datetime(2024, 1, 1), datetime(2027, 6, 1), timezones=st.just(UTC)),  # noqa: DTZ001 the strategy wants naive bounds
            kinds,
            states,
            st.none() | st.sampled_from(Refusal),
        ),
        max_size=12,
    )
)
def test_no_attempt_is_lost_or_counted_twice(runs: list[tuple[datetime, str, Any, Any]]) -> None:
    """Counts, calendar and list agree with the records of the period, whatever they are."""
    records = [
        a_record(
            run_id=f"run-{number}",
            started=at,
            ended=at,
            verdict=verdict,
            state=state,
            refusal=refusal,
        )
        for number, (at, verdict, state, refusal) in enumerate(runs)
    ]
    result = dossier(*records)
    run_ids = [r.run_id for r in records if YEAR.holds(r.started) and r.started <= NOW]
    assert sorted(a.run_id or "" for a in result.attempts) == sorted(run_ids)
    assert sum(result.counts.values()) == len(run_ids)
    cells: Counter[Ending] = Counter()
    for cell in result.calendar[0].cells:
        cells.update(cell)
    assert cells == Counter(result.counts)
    assert Dossier.model_validate_json(result.model_dump_json()) == result
