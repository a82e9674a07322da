"""An estate's facts and verdicts: no service, and not the whole, passes on missing evidence."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import CheckPass, Event, Reading
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, Phase, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.verdict import Judgement, Verdict, together
from pradrill.domain.values.timeline import Instant, Mark, Provenance
from pradrill.testing import (
    START,
    a_check,
    a_guard,
    a_record,
    a_start,
    a_step,
    after,
    an_estate,
    estate_checks,
    measured,
    proven_guards,
)
from pradrill.testing.estate import place
from pradrill.testing.reasons import texts

Told = list[tuple[Event, dict[str, Any]]]
PLAN = an_estate()
SERVICES = tuple(PLAN.services)
WORSE = [Verdict.PASSED, Verdict.MISSED, Verdict.INCONCLUSIVE, Verdict.FAILED]


def a_mark(mark: Mark, seconds: float, **whose: str) -> tuple[Event, dict[str, Any]]:
    """Return a mark as the journal tells it."""
    return Event.MARK, {"mark": mark, "instant": measured(seconds).model_dump(mode="json"), **whose}


def whole() -> Told:
    """Return what an estate's drill that passed tells."""
    told: Told = [a_mark(Mark.DISRUPTION, 0), a_mark(Mark.RECOVERY_STARTS, 1)]
    for number, step in enumerate(PLAN.steps):
        phase, name, service = step.key
        begun = {"phase": phase, "name": name, "service": service}
        result = a_step(
            phase=phase,
            name=name,
            kind=step.kind,
            service=service,
            started=after(number),
            ended=after(number + 1),
            seconds=1.0,
        )
        told.append((Event.STEP_STARTED, begun))
        told.append((Event.STEP_ENDED, result.model_dump(mode="json")))
    told += [(Event.GUARD, guard.model_dump(mode="json")) for guard in proven_guards(PLAN)]
    for number, service in enumerate(SERVICES):
        done = CheckPass(number=1, results=tuple(estate_checks(service)))
        reading = Reading(point=measured(-60 - number), source=f"newest of {service}")
        told += [
            a_mark(Mark.DATA_RESTORED, 8 + number, service=service),
            a_mark(Mark.SERVICE_VERIFIED, 9 + number, service=service),
            (Event.CHECK_PASS, {**done.model_dump(mode="json"), "service": service}),
            (Event.STABLE, {"service": service}),
            (Event.READING, {**reading.model_dump(mode="json"), "service": service}),
        ]
    return told


def record(told: Told) -> RunRecord:
    """Return the record of it."""
    facts = Facts(started=a_start(plan=PLAN), began=START)
    for event, what in told:
        facts = facts.after(event, what)
    return record_of(facts, "a-run", after(60), ())


def whose(fact: tuple[Event, dict[str, Any]]) -> set[str]:
    """Return the services that a fact is evidence of."""
    event, what = fact
    if event is Event.GUARD:
        return {service for service in SERVICES if place(service) == what["host"]}
    if what.get("phase") == Phase.TEARDOWN or what.get("mark") in {Mark.RECOVERY_STARTS, "T4"}:
        return set()
    if event is Event.STEP_ENDED and what["phase"] != Phase.RESTORE:
        return set()
    service = what.get("service")
    return set(SERVICES) if service is None else {service}


def test_whole_facts_of_an_estate_pass() -> None:
    """With nothing taken away every service and the whole are PASSED."""
    sealed = record(whole())
    assert sealed.verdict is Verdict.PASSED
    assert {result.verdict for result in sealed.services.values()} == {Verdict.PASSED}
    assert sealed.reasons == sealed.services["directory"].reasons


@given(st.sets(st.integers(0, len(whole()) - 1), min_size=1))
def test_a_missing_fact_fails_its_service_and_the_whole(gone: set[int]) -> None:
    """In any combination: a service that lacks evidence is INCONCLUSIVE, others keep theirs."""
    facts = whole()
    sealed = record([fact for number, fact in enumerate(facts) if number not in gone])
    lacking = set().union(*(whose(facts[number]) for number in gone))
    for service, result in sealed.services.items():
        wanted = Verdict.INCONCLUSIVE if service in lacking else Verdict.PASSED
        assert result.verdict is wanted, service
    assert sealed.verdict is (Verdict.INCONCLUSIVE if lacking else Verdict.PASSED)


@given(st.permutations(whole()))
def test_facts_of_branches_may_come_in_any_order(told: Told) -> None:
    """Threads note their facts as it happens: the figures and verdicts do not depend on it."""
    sealed, ordered = record(told), record(whole())
    assert sealed.services == ordered.services
    assert sealed.recovery == ordered.recovery
    assert RunRecord.model_validate_json(sealed.model_dump_json()) == sealed


def test_the_whole_is_the_last_service_and_the_worst_loss() -> None:
    """T5 of the whole is the latest, its recovery point the oldest, each with its source."""
    recovery = record(whole()).recovery
    assert recovery.marks[Mark.SERVICE_VERIFIED] == measured(11)
    assert recovery.marks[Mark.DATA_RESTORED] == measured(10)
    assert recovery.recovery_point == measured(-62)
    assert recovery.recovery_point_from == "newest of application"


@pytest.mark.parametrize("service", SERVICES)
def test_a_failed_check_fails_its_service_and_the_whole(service: str) -> None:
    """The reason of the whole says whose it is; the other services keep their verdict."""
    failed = a_check(host=place(service), outcome=CheckOutcome.FAILED, title="it answers")
    done = CheckPass(number=2, results=(failed,)).model_dump(mode="json")
    sealed = record([*whole(), (Event.CHECK_PASS, {**done, "service": service})])
    assert sealed.verdict is Verdict.FAILED
    assert all(reason.startswith(f"{service}: check ") for reason in texts(sealed.reasons))
    for name, result in sealed.services.items():
        assert result.verdict is (Verdict.FAILED if name == service else Verdict.PASSED)


@pytest.mark.parametrize("service", SERVICES)
def test_a_guard_concerns_the_services_of_its_host(service: str) -> None:
    """What is not proven of one machine says nothing against a service on another."""
    guard = a_guard(host=place(service), outcome=GuardOutcome.UNPROVEN)
    sealed = record([*whole(), (Event.GUARD, guard.model_dump(mode="json"))])
    assert sealed.verdict is Verdict.INCONCLUSIVE
    for name, result in sealed.services.items():
        wanted = Verdict.INCONCLUSIVE if name == service else Verdict.PASSED
        assert result.verdict is wanted


def test_a_shared_step_that_fails_concerns_every_service() -> None:
    """An isolation that is not proven is a gap of them all, told once."""
    told = [
        (event, {**what, "outcome": StepOutcome.UNKNOWN, "detail": "marker is missing"})
        if event is Event.STEP_ENDED and what["kind"] == "isolation"
        else (event, what)
        for event, what in whole()
    ]
    sealed = record(told)
    assert {result.verdict for result in sealed.services.values()} == {Verdict.INCONCLUSIVE}
    assert texts(sealed.reasons) == (
        "prepare step prove marker and isolation: unknown: marker is missing",
    )


judgements = st.builds(
    Judgement,
    verdict=st.sampled_from(Verdict),
    reasons=st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, unique=True).map(tuple),
)


@given(st.dictionaries(st.sampled_from(["x", "y", "z"]), judgements))
def test_the_whole_is_no_better_than_any_service(services: dict[str, Judgement]) -> None:
    """PASSED needs every service, at least one; the worst verdict is the whole's, with reasons."""
    judgement = together(services)
    found = [each.verdict for each in services.values()]
    assert judgement.reasons
    if not found:
        assert judgement.verdict is Verdict.INCONCLUSIVE
        return
    assert judgement.verdict is max(found, key=WORSE.index)
    assert (judgement.verdict is Verdict.PASSED) == (set(found) == {Verdict.PASSED})
    worst = [each for each in services.values() if each.verdict is judgement.verdict]
    for reason in {reason for each in worst for reason in texts(each.reasons)}:
        assert any(
            told == reason or told.endswith(f": {reason}") for told in texts(judgement.reasons)
        )


def test_a_record_from_before_services_is_read() -> None:
    """A record without the services' own results, and without their marks, is still whole."""
    old = a_record().model_dump(mode="json")
    for gone in ("services",):
        del old[gone]
    del old["plan"]["apart"]
    del old["plan"]["drill"]["recover"]
    for step in (*old["steps"], *old["plan"]["steps"]):
        del step["service"]
    for check in old["checks"]:
        del check["service"]
    read = RunRecord.model_validate(old)
    assert read.services == {}
    assert [branch.service for branch in read.plan.branches] == [None]
    assert read.plan.branch("moodle").hosts == tuple(host.name for host in read.plan.hosts)


def test_the_weakest_provenance_is_the_wholes() -> None:
    """A whole that rests on one entered instant does not call itself measured."""
    entered = Instant.known(after(20), Provenance.ENTERED).model_dump(mode="json")
    mark = {"mark": Mark.SERVICE_VERIFIED, "instant": entered, "service": "database"}
    recovery = record([*whole(), (Event.MARK, mark)]).recovery
    assert recovery.rta is not None
    assert recovery.rta.provenance is Provenance.ENTERED
