"""The plan's table of responsibilities, and what a run showed of each line."""

from __future__ import annotations

from typing import Any

import pytest
from tests.support.waits import a_wait

from pradrill.domain.declared.responsibility import Topic
from pradrill.domain.report.line_evidence import LineEvidence, Proof
from pradrill.domain.report.responsibilities import responsibilities
from pradrill.domain.run.outcome import CheckOutcome, StepKind, StepOutcome
from pradrill.domain.run.question import CallStage, SlaMeasure, SlaStanding
from pradrill.domain.run.record import Refusal, RunRecord
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code
from pradrill.testing import (
    HOST,
    a_check,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
    a_step,
    an_answer,
)


def evidence_of(what: str, **changes: Any) -> list[LineEvidence]:
    """Return what a run showed of one line."""
    service = a_service(responsibilities={what: "client"})
    record = a_record(plan=a_run_plan(services={"moodle": service}), **changes)
    (line,) = responsibilities(record)
    assert (line.service, line.what, line.who) == ("moodle", what, "client")
    return list(line.evidence)


def test_every_line_of_every_service_is_there() -> None:
    """The builders' table has three lines, and a run that passed shows something of each."""
    lines = responsibilities(a_record())
    assert [(line.what, line.who) for line in lines] == [
        ("machines", "provider"),
        ("backups", "client"),
        ("restore", "client"),
    ]
    assert [line.evidence[0].text.text for line in lines] == [
        "the standby was reachable after 2.7s",
        "restored from the backup 4f2c9a1be07d, newest data 2026-03-09 22:55:00 UTC",
        "verified 42m10s after T0",
    ]


@pytest.mark.parametrize("line", ["Sauvegardes", "backup", "vm", "licences", ""])
def test_a_line_is_what_it_declares_and_nothing_is_guessed(line: str) -> None:
    """Of words that are no topic nothing is known, whatever they seem to say."""
    (evidence,) = evidence_of(line)
    assert (evidence.proof, evidence.text.code) == (Proof.UNKNOWN, Code.NO_TOPIC)


def test_the_topics_that_a_run_shows_by_itself() -> None:
    """A run that passed shows these, and of the others nothing."""
    proofs = {topic: evidence_of(topic)[0].proof for topic in Topic}
    assert set(proofs.values()) == {Proof.SHOWN, Proof.NOT_EXERCISED}
    assert {topic for topic in Topic if proofs[topic] is Proof.SHOWN} == {
        Topic.POWER_AND_NETWORK,
        Topic.MACHINES,
        Topic.APPLICATIONS,
        Topic.BACKUPS,
        Topic.RESTORE,
    }


def test_accesses_are_shown_by_what_proves_them_withdrawn() -> None:
    """Once the plan declares one that the run used."""
    access = {"who": "pradrill", "to": HOST, "by": "a key", "withdrawn": "with the machine"}
    service = a_service(responsibilities={"accesses": "client"}, accesses=(access,))
    erased = (reason(Code.ACCOUNTS_AS_BEFORE, host=HOST),)
    record = a_record(plan=a_run_plan(services={"moodle": service}), erased=erased)
    (line,) = responsibilities(record)
    assert [each.proof for each in line.evidence] == [Proof.SHOWN]


@pytest.mark.parametrize("line", ["dns", "the mail gateway"])
def test_a_line_is_exercised_by_the_manual_step_that_names_it(line: str) -> None:
    """A manual step that names the line shows it; a no or silence shows the contrary."""
    silent = Proof.NOT_EXERCISED if Topic.of(line) else Proof.UNKNOWN
    assert evidence_of(line)[0].proof is silent
    text = evidence_of(line, waits=(a_wait(responsibility=line),))[0].text.text
    assert text == "switch the DNS: done after 10m00s, amartin says"
    for answer in (None, an_answer(yes=False)):
        refused = a_wait(responsibility=line, answer=answer)
        assert evidence_of(line, waits=(refused,))[0].proof is Proof.FAILED
    for other in (a_wait(), a_wait(responsibility="x"), a_wait(responsibility=line, service="w")):
        assert evidence_of(line, waits=(other,))[0].proof is silent


def test_what_a_run_measured_and_what_a_person_did_stand_together() -> None:
    """A step that names a topic adds to what the run shows of it by itself."""
    measured, by_people = evidence_of("restore", waits=(a_wait(responsibility="restore"),))
    assert measured.text.text == "verified 42m10s after T0"
    assert by_people.text.code == Code.DONE_BY_PERSON


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
    assert (evidence.proof, evidence.seconds) == (Proof.SHOWN, 120)
    assert evidence.text.text == "response 2m00s, SLA met"
    assert (
        evidence_of("support", sla=measured(standing=SlaStanding.NOT_MET))[0].proof is Proof.FAILED
    )
    assert evidence_of("support", sla=measured(provider="other"))[0].proof is Proof.NOT_EXERCISED


@pytest.mark.parametrize("what", ["backups", "restore"])
def test_a_restore_that_failed_shows_the_contrary(what: str) -> None:
    """Who answers for the backup or the restore is told what the failed step came to."""
    (evidence,) = evidence_of(what, steps=(a_step(outcome=StepOutcome.FAILED),))
    assert (evidence.proof, evidence.text.text) == (Proof.FAILED, "restore_moodle: failed")


def test_a_standby_that_did_not_answer_shows_the_contrary() -> None:
    """The machine's line fails with the time that was spent."""
    step = a_step(kind=StepKind.START, outcome=StepOutcome.UNREACHABLE, seconds=120.0)
    (evidence,) = evidence_of("machines", steps=(step,))
    assert (evidence.proof, evidence.seconds) == (Proof.FAILED, 120.0)


def test_checks_that_are_red_show_the_contrary() -> None:
    """A line about the application counts the mandatory checks."""
    checks = (a_check(), a_check(check="b", outcome=CheckOutcome.FAILED))
    (evidence,) = evidence_of("applications", checks=checks)
    assert (evidence.proof, evidence.text.text) == (Proof.FAILED, "1 of 2 mandatory checks passed")


def test_nothing_measured_shows_nothing() -> None:
    """A run without marks, steps and checks exercised no line."""
    bare = a_recovery(marks={}, recovery_point=None, rta=None)
    for what in Topic:
        (evidence,) = evidence_of(what, steps=(), checks=(), recovery=bare)
        assert evidence.proof is Proof.NOT_EXERCISED


def test_a_refused_run_exercised_nothing() -> None:
    """Whatever its record holds."""
    record: RunRecord = a_record(refusal=Refusal.NOT_READY)
    proofs = {one.proof for line in responsibilities(record) for one in line.evidence}
    assert proofs == {Proof.NOT_EXERCISED}
