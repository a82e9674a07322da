"""The plan's table of responsibilities, and what a run showed of each line."""

from __future__ import annotations

from typing import Any

import pytest

from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.report.responsibilities import Proof, Topic, TopicEvidence, responsibilities
from pradrill.domain.run.outcome import CheckOutcome, Phase, StepKind, StepOutcome
from pradrill.domain.run.question import CallStage, SlaMeasure, SlaStanding, Wait
from pradrill.domain.run.record import Refusal, RunRecord
from pradrill.testing import (
    a_check,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
    a_step,
    after,
    an_answer,
)


def evidence_of(what: str, **changes: Any) -> list[TopicEvidence]:
    """Return what a run showed of one line."""
    service = a_service(responsibilities={what: "client"})
    record = a_record(plan=a_run_plan(services={"moodle": service}), **changes)
    (line,) = responsibilities(record)
    assert (line.service, line.what, line.who) == ("moodle", what, "client")
    return list(line.evidence)


def a_wait(**changes: Any) -> Wait:
    """Return the wait for a DNS switch, done after ten minutes."""
    fields: dict[str, Any] = {
        "phase": Phase.RESTORE,
        "step": "switch the DNS",
        "who": "operator",
        "confirm": Confirm.DONE,
        "asked": after(0),
        "ended": after(600),
        "seconds": 600.0,
        "answer": an_answer(),
    }
    return Wait.model_validate({**fields, **changes})


def test_every_line_of_every_service_is_there() -> None:
    """The builders' table has three lines, and a run that passed shows something of each."""
    lines = responsibilities(a_record())
    assert [(line.what, line.who) for line in lines] == [
        ("vm", "provider"),
        ("backup", "client"),
        ("restore", "client"),
    ]
    assert [line.evidence[0].text.text for line in lines] == [
        "the standby was reachable after 2.7s",
        "restored from the backup 4f2c9a1be07d, newest data 2026-03-09 22:55:00 UTC",
        "verified 42m10s after T0",
    ]


@pytest.mark.parametrize(
    ("what", "topics"),
    [
        ("machines and network", [Topic.MACHINE, Topic.NETWORK]),
        ("Sauvegardes et reprise", [Topic.BACKUP, Topic.RESTORE]),
        ("Hébergement", [Topic.MACHINE]),
        ("réseau", [Topic.NETWORK]),
        ("astreinte", [Topic.SUPPORT]),
        ("licences", [Topic.OTHER]),
        ("", [Topic.OTHER]),
    ],
)
def test_a_line_is_recognised_by_its_words(what: str, topics: list[Topic]) -> None:
    """French or English, one topic or two; what is not recognised is nothing's proof."""
    evidence = evidence_of(what)
    assert [one.topic for one in evidence] == topics
    if topics == [Topic.OTHER]:
        assert evidence[0].proof is Proof.NOT_EXERCISED


def test_dns_is_not_exercised_unless_somebody_did_it() -> None:
    """A manual step that names the line shows it; a no or silence shows the contrary."""
    assert evidence_of("dns")[0].proof is Proof.NOT_EXERCISED
    assert (
        evidence_of("DNS", waits=(a_wait(),))[0].text.text
        == "switch the DNS: done after 10m00s, amartin says"
    )
    for answer in (None, an_answer(yes=False)):
        assert evidence_of("dns", waits=(a_wait(answer=answer),))[0].proof is Proof.FAILED
    assert evidence_of("mail", waits=(a_wait(),))[0].proof is Proof.NOT_EXERCISED
    assert evidence_of("dns", waits=(a_wait(service="wiki"),))[0].proof is Proof.NOT_EXERCISED


def test_support_is_shown_by_its_figures() -> None:
    """The measured SLA is the proof; a promise not kept is the contrary; no call is none."""

    def measured(**changes: Any) -> tuple[SlaMeasure, ...]:
        fields: dict[str, Any] = {
            "provider": "hexanet",
            "stage": CallStage.RESPONSE,
            "step": "call",
            "promised": "30m",
            "seconds": 120.0,
            "waited": 120.0,
            "standing": SlaStanding.MET,
        }
        return (SlaMeasure.model_validate({**fields, **changes}),)

    assert evidence_of("support")[0].proof is Proof.NOT_EXERCISED
    evidence = evidence_of("support", sla=measured())[0]
    assert (evidence.topic, evidence.proof, evidence.seconds) == (Topic.SUPPORT, Proof.SHOWN, 120)
    assert evidence.text.text == "response 2m00s, SLA met"
    assert (
        evidence_of("support", sla=measured(standing=SlaStanding.NOT_MET))[0].proof is Proof.FAILED
    )
    assert evidence_of("support", sla=measured(provider="other"))[0].proof is Proof.NOT_EXERCISED


@pytest.mark.parametrize("what", ["backup", "restore"])
def test_a_restore_that_failed_shows_the_contrary(what: str) -> None:
    """Who answers for the backup or the restore is told what the failed step came to."""
    (evidence,) = evidence_of(what, steps=(a_step(outcome=StepOutcome.FAILED),))
    assert (evidence.proof, evidence.text.text) == (Proof.FAILED, "restore_moodle: failed")


def test_a_standby_that_did_not_answer_shows_the_contrary() -> None:
    """The machine's line fails with the time that was spent."""
    step = a_step(kind=StepKind.START, outcome=StepOutcome.UNREACHABLE, seconds=120.0)
    (evidence,) = evidence_of("vm", steps=(step,))
    assert (evidence.proof, evidence.seconds) == (Proof.FAILED, 120.0)


def test_checks_that_are_red_show_the_contrary() -> None:
    """A line about the application counts the mandatory checks."""
    checks = (a_check(), a_check(check="b", outcome=CheckOutcome.FAILED))
    (evidence,) = evidence_of("application", checks=checks)
    assert (evidence.proof, evidence.text.text) == (Proof.FAILED, "1 of 2 mandatory checks passed")


def test_nothing_measured_shows_nothing() -> None:
    """A run without marks, steps and checks exercised no line."""
    bare = a_recovery(marks={}, recovery_point=None, rta=None)
    for what in ("vm", "network", "backup", "restore", "support", "application"):
        (evidence,) = evidence_of(what, steps=(), checks=(), recovery=bare)
        assert evidence.proof is Proof.NOT_EXERCISED


def test_a_refused_run_exercised_nothing() -> None:
    """Whatever its record holds."""
    record: RunRecord = a_record(refusal=Refusal.NOT_READY)
    proofs = {one.proof for line in responsibilities(record) for one in line.evidence}
    assert proofs == {Proof.NOT_EXERCISED}
