"""Who answers for what: what a drill or an incident last showed, never exercised first."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from pradrill.domain.declared.plan import Plan
from pradrill.domain.declared.responsibility import REQUIRED
from pradrill.domain.dossier.shared_lines import SharedLine, ShownLines
from pradrill.domain.register.incident import DetectedBy, Incident, IncidentStage, IncidentStep
from pradrill.domain.report.line_evidence import Proof
from pradrill.domain.values.timeline import Provenance
from pradrill.testing import a_record

NOW = datetime(2026, 12, 1, tzinfo=UTC)
DRILL = datetime(2026, 3, 1, tzinfo=UTC)


def plan(table: dict[str, Any] | None = None) -> Plan:
    """Return a plan whose services are hosted; its table is whole, unless one is given."""
    whole = dict.fromkeys(REQUIRED, "Exemple SAS")
    service = {"objectives": {"rto": "4h", "rpo": "24h"}, "provider": "hexanet"}
    return Plan.model_validate(
        {
            "plan": 3,
            "organisation": "Exemple SAS",
            "providers": {"hexanet": {"sla": {"response": "30m"}}},
            "responsibilities": whole if table is None else table,
            "services": {"moodle": service, "ldap": service},
        }
    )


def a_step(stage: IncidentStage, hour: int, **facts: Any) -> IncidentStep:
    """Return a step of 1 June."""
    at = datetime(2026, 6, 1, hour, tzinfo=UTC)
    return IncidentStep(
        stage=stage, at=at, provenance=Provenance.MEASURED, entered=at, by="Léa", **facts
    )


def an_incident(*steps: IncidentStep, source: DetectedBy | None = None) -> Incident:
    """Return one of moodle at hexanet."""
    facts: dict[str, Any] = {"services": ("moodle",), "provider": "hexanet", "source": source}
    opening = a_step(IncidentStage.DETECTED, 8, **facts)
    return Incident(incident="I-1", steps=(opening, *steps))


def lines(memory: ShownLines) -> dict[str, SharedLine]:
    """Return what is known, by line, in its order."""
    return {each.line: each for each in memory.of(["moodle", "ldap"])}


def test_what_nothing_showed_stands_first() -> None:
    """Then what is nobody's; a service that no drill exercised is named."""
    memory = ShownLines(plan())
    memory.see_run(a_record(started=DRILL))
    order = list(lines(memory))
    assert set(order[:5]) == {"systems", "dns", "accesses", "supervision", "communication"}
    restore = lines(memory)["restore"]
    assert (restore.owners, restore.never) == (("Exemple SAS",), ("ldap",))
    assert restore.last is not None
    assert (restore.last.service, restore.last.at) == ("moodle", DRILL)


def test_a_rehearsal_and_a_refusal_show_nothing() -> None:
    """They count for nothing here either."""
    memory = ShownLines(plan())
    launch = a_record().launch.model_copy(update={"rehearsal": True})
    memory.see_run(a_record(started=DRILL, launch=launch))
    assert all(each.last is None for each in lines(memory).values())


def test_an_incident_shows_who_saw_it_who_was_told_and_who_answered() -> None:
    """A user before the supervision is the contrary; the newest counts."""
    memory = ShownLines(plan({**dict.fromkeys(REQUIRED, "us"), "support": "Hexanet"}))
    incident = an_incident(
        a_step(IncidentStage.CALLED, 9),
        a_step(IncidentStage.INFORMED, 10, who="management"),
        a_step(IncidentStage.NOTED, 11, answered=datetime(2026, 6, 1, 11, tzinfo=UTC)),
        a_step(IncidentStage.NOTED, 12, responsibility="DNS"),
        source=DetectedBy.USER,
    )
    memory.see_incidents([incident], NOW)
    last = {line: each.last for line, each in lines(memory).items() if each.last is not None}
    assert {line: each.evidence.proof for line, each in last.items()} == {
        "supervision": Proof.FAILED,
        "support": Proof.FAILED,  # after two hours, and half an hour is promised
        "communication": Proof.SHOWN,
        "dns": Proof.SHOWN,
    }
    assert {each.by for each in last.values()} == {"I-1"}

    memory.see_incidents([an_incident(source=DetectedBy.SUPERVISION)], NOW)
    supervision = lines(memory)["supervision"].last
    assert supervision is not None
    assert supervision.evidence.proof is Proof.SHOWN


def test_a_hosted_service_without_a_table_has_lines_that_nobody_owns() -> None:
    """The mistake is shown where an auditor looks."""
    rows = lines(ShownLines(plan({})))
    assert {each.owners for each in rows.values()} == {()}
    assert list(rows) == list(REQUIRED)


def test_two_owners_stand_side_by_side() -> None:
    """Once each."""
    rows = lines(
        ShownLines(plan({**dict.fromkeys(REQUIRED, "us"), "dns": ["us", "Hexanet", "US"]}))
    )
    assert rows["dns"].owners == ("US", "Hexanet")
