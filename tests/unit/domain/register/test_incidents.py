"""Incidents: what their steps come to, what is corrected, what comes again, what was promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from pradrill.domain.declared.provider import Provider
from pradrill.domain.register.entry import GENESIS, Entry, EntryKind
from pradrill.domain.register.incident import Incident, IncidentStage, IncidentStep
from pradrill.domain.register.incident_history import all_incidents, recurrences
from pradrill.domain.run.question import CallStage, SlaStanding
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Provenance
from pradrill.errors import RecordError
from pradrill.testing import after

MINUTE = 60.0
DAY = 86_400.0
PROVIDER = Provider.model_validate(
    {
        "sla": {
            "response": "30m",
            "restoration": "4h",
            "by_severity": {"critical": {"response": "15m"}},
        }
    }
)


def a_step(stage: IncidentStage, at: float, incident: str = "I-1", **facts: Any) -> IncidentStep:
    """Return a step at so many seconds, of an incident that is open."""
    return IncidentStep(
        incident=incident,
        stage=stage,
        at=after(at),
        provenance=Provenance.MEASURED,
        entered=after(at),
        by="root",
        **facts,
    )


def an_opening(at: float = 0.0, **facts: Any) -> IncidentStep:
    """Return what opens one, of moodle unless it is said otherwise."""
    facts = {"title": "it is down", "services": ("moodle",), **facts}
    return a_step(IncidentStage.DETECTED, at, "", **facts)


def folded(*steps: IncidentStep) -> tuple[Incident, ...]:
    """Return the incidents of a register that holds these steps."""
    return all_incidents(entries(*steps))


def entries(*steps: IncidentStep) -> Sequence[Entry]:
    """Return the steps as entries."""
    return [
        Entry(
            number=number,
            at=step.entered,
            kind=EntryKind.INCIDENT,
            previous=GENESIS,
            body=step.model_dump(mode="json"),
        )
        for number, step in enumerate(steps, 1)
    ]


def standings(incident: Incident, now: datetime) -> dict[CallStage, SlaStanding]:
    """Return what is known of each promise."""
    return {each.stage: each.standing for each in incident.promises(PROVIDER, now)}


def test_what_was_said_last_counts() -> None:
    """Severity, cause and provider are those of the last step that names them."""
    (incident,) = folded(
        an_opening(severity=Severity.MINOR, provider="hexanet"),
        a_step(IncidentStage.QUALIFIED, MINUTE, severity=Severity.MAJOR, cause="a switch"),
        a_step(IncidentStage.NOTED, 2 * MINUTE, text="they look"),
    )
    assert (incident.severity, incident.cause, incident.provider) == (
        Severity.MAJOR,
        "a switch",
        "hexanet",
    )
    assert incident.began == after(0)


def test_a_correction_stands_in_for_its_step_and_both_stay() -> None:
    """The step that was wrong is kept and does not count."""
    (incident,) = folded(
        an_opening(),
        a_step(IncidentStage.CALLED, 5 * MINUTE, ticket="1"),
        a_step(IncidentStage.CALLED, 2 * MINUTE, ticket="2", corrects=2),
    )
    assert [step.ticket for step in incident.steps] == [None, "1", "2"]
    call = incident.first(IncidentStage.CALLED)
    assert call is not None
    assert call.ticket == "2"


def test_a_correction_takes_the_place_of_its_step() -> None:
    """What was entered after the wrong step goes on counting as said last."""
    (incident,) = folded(
        an_opening(),
        a_step(IncidentStage.CALLED, MINUTE),
        a_step(IncidentStage.NOTED, 2 * MINUTE, restored=after(2 * MINUTE)),
        a_step(IncidentStage.CLOSED, DAY, restored=after(DAY)),
        a_step(IncidentStage.NOTED, 2 * MINUTE, restored=after(2 * MINUTE), corrects=3),
    )
    assert incident.restored == after(DAY)


def test_a_recovery_of_our_own_keeps_no_promise_of_the_providers() -> None:
    """Once a run has recovered it, nothing is known of when the provider would have."""
    (incident,) = folded(
        an_opening(),
        a_step(IncidentStage.CALLED, MINUTE),
        a_step(IncidentStage.CLOSED, 9 * MINUTE, restored=after(9 * MINUTE), run_id="r"),
    )
    assert set(standings(incident, after(DAY))) == {CallStage.RESPONSE}


@pytest.mark.parametrize(
    "step",
    [
        a_step(IncidentStage.CALLED, MINUTE, corrects=9),
        a_step(IncidentStage.CALLED, MINUTE, corrects=1),
        a_step(IncidentStage.CALLED, MINUTE, "I-7"),
        a_step(IncidentStage.CALLED, 3 * MINUTE),
        a_step(IncidentStage.CLOSED, 3 * MINUTE, lessons="none"),
    ],
    ids=["of nothing", "of another stage", "of no incident", "after its end", "closed twice"],
)
def test_what_cannot_be_a_step_counts_for_nothing(step: IncidentStep) -> None:
    """Whatever has written it: the incident stays what it was."""
    whole = (an_opening(), a_step(IncidentStage.CLOSED, 2 * MINUTE, lessons="a spare switch"))
    assert folded(*whole, step) == folded(*whole)


def test_one_key_opens_one_incident_while_it_is_open() -> None:
    """Whoever opens it by program twice has opened one; once it is closed, a new one."""
    first, again = folded(
        an_opening(key="nagios-42"),
        an_opening(MINUTE, key="nagios-42"),
        a_step(IncidentStage.CLOSED, 2 * MINUTE),
        an_opening(3 * MINUTE, key="nagios-42"),
    )
    assert (first.incident, first.sightings, again.incident, again.sightings) == (
        "I-1",
        1,
        "I-2",
        0,
    )
    assert len(folded(an_opening(), an_opening())) == 2  # without a key, each is one


def test_a_promise_is_kept_broken_or_not_known() -> None:
    """Its severity's time counts; once it is over, nobody has kept it, answered or not."""
    steps = [an_opening(severity=Severity.CRITICAL), a_step(IncidentStage.CALLED, 0.0)]
    (incident,) = folded(*steps)
    assert standings(incident, after(10 * MINUTE)) == dict.fromkeys(CallStage, SlaStanding.UNKNOWN)
    assert standings(incident, after(20 * MINUTE))[CallStage.RESPONSE] is SlaStanding.NOT_MET

    (incident,) = folded(
        *steps, a_step(IncidentStage.NOTED, DAY, answered=after(10 * MINUTE), restored=after(DAY))
    )
    assert standings(incident, after(2 * DAY)) == {
        CallStage.RESPONSE: SlaStanding.MET,
        CallStage.RESTORATION: SlaStanding.NOT_MET,
    }

    (incident,) = folded(*steps, a_step(IncidentStage.CLOSED, DAY))
    assert standings(incident, after(9 * DAY)) == dict.fromkeys(CallStage, SlaStanding.UNKNOWN)
    assert incident.lasted is None


def test_nobody_was_called_so_nothing_was_promised() -> None:
    """Without a call no promise is measured."""
    assert folded(an_opening())[0].promises(PROVIDER, after(DAY)) == []


@pytest.mark.parametrize(
    ("facts", "recurs"),
    [
        ({"services": ("moodle",)}, True),
        ({"services": ("ldap",)}, False),
        ({"services": ("ldap",), "cause": "A Switch"}, True),
    ],
    ids=["its service", "another", "its cause"],
)
def test_the_same_cause_or_service_again_is_recurring(facts: dict[str, Any], recurs: bool) -> None:
    """Within the stated time after the end of the one before; in no other order."""
    incidents = folded(
        an_opening(cause="a switch"),
        a_step(IncidentStage.CLOSED, DAY, restored=after(DAY)),
        an_opening(10 * DAY, **facts),
    )
    earlier = ("I-1",) if recurs else ()
    assert recurrences(incidents, timedelta(days=9)) == {"I-1": (), "I-2": earlier}
    assert recurrences(incidents, timedelta(days=8)) == {"I-1": (), "I-2": ()}


def test_what_goes_on_for_long_is_before_what_comes_then() -> None:
    """One that is still open was not over long ago; among many, the oldest stands first."""
    incidents = folded(
        an_opening(),
        *(
            step
            for day in range(1, 40)
            for step in (
                an_opening(day * DAY),
                a_step(IncidentStage.CLOSED, day * DAY, f"I-{day + 1}", restored=after(day * DAY)),
            )
        ),
    )
    earlier = recurrences(incidents, timedelta(days=3))["I-40"]
    assert earlier == ("I-1", "I-37", "I-38", "I-39")


def test_an_entry_that_is_no_step_is_an_error_of_the_register() -> None:
    """It is told by its number, and nothing is guessed."""
    (entry,) = entries(an_opening())
    broken = entry.model_copy(update={"body": {"stage": "danced"}})
    with pytest.raises(RecordError, match="entry 1 of the register holds no step"):
        all_incidents([broken])
