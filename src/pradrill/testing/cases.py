"""Build what follows a run: annotations, findings, a case file."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from typing import Any

from pradrill.domain.declared.backup_source import Promised, Select
from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.declared.provider import Support
from pradrill.domain.register.annotation import Annotation, AnnotationKind
from pradrill.domain.register.finding import Closure
from pradrill.domain.report.case_file import CaseFile, RecordIntegrity
from pradrill.domain.run.backup_catalogue import Catalogue, CatalogueReading, RecoveryPoint, read
from pradrill.domain.run.backup_integrity import IntegrityResult, Soundness
from pradrill.domain.run.outcome import Phase
from pradrill.domain.run.question import Answer, Call, CallStage, Wait, sla_measures
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Mark
from pradrill.testing.builders import START, a_finding, a_record, a_recovery, a_run_plan, after

RUN = "20260310T020000Z-moodle-7f3a"
"""The builders' run."""

BEFORE = "20251210T020000Z-moodle-11d0"
"""The run before it."""


def an_annotation(**changes: Any) -> Annotation:
    """Return a deviation, entered the day after."""
    fields: dict[str, Any] = {
        "run_id": RUN,
        "at": after(90_000),
        "by": "a.martin",
        "kind": AnnotationKind.DEVIATION,
        "text": "The key of the rack was not at the reception; 25 minutes were lost.",
    }
    return Annotation.model_validate({**fields, **changes})


def some_waits() -> tuple[Wait, ...]:
    """Return a call to the provider with its two answers, and an approval that was refused."""
    support = Support(phone="+33 3 26 00 00 00", contract="HX-1234")
    answer = Answer(yes=True, by="cdurand", via="terminal")
    fields: dict[str, Any] = {
        "phase": Phase.PREPARE,
        "step": "call the host",
        "who": "operator",
        "confirm": Confirm.DONE,
        "asked": after(5),
        "ended": after(905),
        "seconds": 900.0,
        "answer": answer,
    }

    promises = ((CallStage.RESPONSE, 30), (CallStage.RESTORATION, 10))
    response, restoration = (
        Call(
            provider="hexanet",
            stage=stage,
            step="call the host",
            support=support,
            promised=timedelta(minutes=minutes),
        )
        for stage, minutes in promises
    )

    later = {"asked": after(905), "ended": after(1_505), "seconds": 600.0}
    common = {"step": "approve the switch", "who": "DSI", "confirm": Confirm.APPROVE}
    refused = answer.model_copy(update={"yes": False, "text": "Not before noon."})

    return (
        Wait.model_validate({**fields, "call": response}),
        Wait.model_validate({**fields, **later, "call": restoration}),
        Wait.model_validate({**fields, **common, "answer": refused}),
    )


def a_reading() -> CatalogueReading:
    """Return what a catalogue with one backup missing told."""
    nights = tuple(
        RecoveryPoint(
            id=f"4f2c9a1be07{day}",
            data_time=after(-10_800 - day * 86_400),
            end_time=after(-10_000 - day * 86_400),
            size=41_200_000_000,
            integrity="restic tree 9c41",
        )
        for day in (0, 1, 3)
    )
    catalogue = Catalogue(
        source="restic", location="sftp:backup:/srv/restic", read_at=START, points=nights
    )
    promised = Promised(every=timedelta(days=1), tolerance=timedelta(hours=1))
    return read(catalogue, Select(), timedelta(days=30), promised)


def a_soundness(**changes: Any) -> IntegrityResult:
    """Return a check of the second of four parts of the backups."""
    fields: dict[str, Any] = {
        "soundness": Soundness.SOUND,
        "method": "restic check --read-data-subset=2/4",
        "detail": "",
        "source": "restic",
        "location": "sftp:backup:/srv/restic",
        "backup_id": "4f2c9a1be070",
        "at": after(2_600),
        "part": 2,
        "parts": 4,
        "covered": 0.5,
        "full_on": None,
    }
    return IntegrityResult.model_validate({**fields, **changes})


def a_case(**changes: Any) -> CaseFile:
    """Return the Moodle run with everything that people and the register can add to it."""
    kinds = AnnotationKind
    fields: dict[str, Any] = {
        "record": a_record(
            waits=some_waits(),
            sla=sla_measures(some_waits()),
            recovery=a_recovery(
                catalogue=a_reading(), integrity=a_soundness(), waited_for_people=2_400.0
            ),
        ),
        "previous": a_record(
            run_id=BEFORE,
            started=START - timedelta(days=90),
            ended=START - timedelta(days=90) + timedelta(hours=1),
            plan=a_run_plan(plan_version=2, files=a_run_plan().files[1:]),
        ),
        "annotations": (
            an_annotation(kind=kinds.MARK, text="", mark=Mark.DETECTED, instant=after(60)),
            an_annotation(kind=kinds.MARK, text="", mark=Mark.ACCEPTED, instant=after(8_000)),
            an_annotation(kind=kinds.PERSON, text="", name="Camille Durand", role="operator"),
            an_annotation(
                kind=kinds.PERSON, text="", name="Noé Petit", role="observer", independent=True
            ),
            an_annotation(),
            an_annotation(kind=kinds.WORKAROUND, text="The standby's DNS was set by hand."),
            an_annotation(kind=kinds.REX_WELL, text="Everyone knew where the runbook is."),
            an_annotation(kind=kinds.REX_BADLY, text="Nobody knew the contract's number."),
            an_annotation(kind=kinds.REX_PLAN, text="The contract's number goes into the plan."),
            an_annotation(
                kind=kinds.SIGN_OFF,
                text="Reviewed.",
                name="A. Martin",
                role="directrice des systèmes d'information",
                date=dt.date(2026, 3, 20),
            ),
        ),
        "findings": (
            a_finding(
                finding="F-12",
                title="The restore takes most of the objective",
                detail="Restoring 40 GB over the 100 Mbit/s link takes 40 minutes alone.",
                severity=Severity.MAJOR,
                owner="Équipe Web",
            ),
            a_finding(
                finding="F-3",
                title="The repository's password was known to one person",
                detail="",
                opened=START - timedelta(days=300),
                by="c.durand",
                run_id=None,
                closure=Closure(
                    finding="F-3", run_id=BEFORE, at=START - timedelta(days=80), by="c.durand"
                ),
            ),
        ),
        "integrity": RecordIntegrity(
            record_sha256="5d" * 32,
            entry=41,
            entry_sha256="6e" * 32,
            head="7f" * 32,
            signer="dsi@exemple.fr SHA256:Wc8Yg0wJq0Yk3Qm1sVf2bXn5r7tZp9uHd4LeKaTiOqM",
            signed=True,
            stamped=after(3_000),
        ),
    }
    return CaseFile.model_validate({**fields, **changes})
