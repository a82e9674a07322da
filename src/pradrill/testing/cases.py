"""Builders of what follows a run: annotations, findings, a case file."""

from __future__ import annotations

import datetime as dt
from datetime import timedelta
from typing import Any

from pradrill.domain.casefile import CaseFile, Integrity
from pradrill.domain.people import Annotation, AnnotationKind, Closure, Finding, Severity
from pradrill.domain.timeline import Mark
from pradrill.testing.builders import START, a_finding, a_record, a_run_plan, after

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


def a_case(**changes: Any) -> CaseFile:
    """Return the Moodle run with everything that people and the register can add to it."""
    kinds = AnnotationKind
    fields: dict[str, Any] = {
        "record": a_record(),
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
            _slow_restore(),
            _slow_restore(
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
        "integrity": Integrity(
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


def _slow_restore(**changes: Any) -> Finding:
    fields: dict[str, Any] = {
        "finding": "F-12",
        "key": None,
        "title": "The restore takes most of the objective",
        "detail": "Restoring 40 GB over the 100 Mbit/s link takes 40 minutes alone.",
        "severity": Severity.MAJOR,
        "owner": "Équipe Web",
        "due": dt.date(2026, 4, 30),
    }
    return a_finding(**{**fields, **changes})
