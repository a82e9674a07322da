"""A dossier with one of everything: services that pass, fail, grow, or were never tested."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from pradrill.domain.declared.plan import Plan, Service
from pradrill.domain.declared.provider import Contract, Provider
from pradrill.domain.dossier.build import Damaged, Sealed, Sources, compile_dossier
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.period import Period
from pradrill.domain.register.entry import GENESIS, Entry, EntryKind
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.incident import IncidentStage, IncidentStep
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.testing import (
    a_drill,
    a_launch,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
)

LONG = "comptabilite-fournisseurs-filiale-reims"
WORD = "unbreakable" * 30
NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
YEAR = Period(first=date(2026, 1, 1), last=date(2026, 12, 31))

_KINDS: dict[str, tuple[str, float]] = {  # service → its attempts, a month each; growth of the RTA
    "moodle": ("PPPPPPPPPPPP", 0.13),
    "wordpress": ("PMPFPPRPPPPC", 0.0),
    "directory": ("PPPPPPPPPPPP", 0.0),
    "mail": ("FFFFFF", 0.0),
    LONG: ("PPXBPPIP", 0.02),
    "payroll": ("", 0.0),
    "telephony": ("", 0.0),
    "erp": ("PP", 0.0),
}
_ENDINGS: dict[str, dict[str, Any]] = {
    "P": {},
    "M": {"verdict": "MISSED", "exit_code": 11},
    "F": {"verdict": "FAILED", "exit_code": 10, "reasons": ("restore failed: no space left",)},
    "I": {"verdict": "INCONCLUSIVE", "exit_code": 12},
    "R": {"verdict": "INCONCLUSIVE", "exit_code": 4, "refusal": "not_ready"},
    "B": {"verdict": "INCONCLUSIVE", "exit_code": 5, "refusal": "busy"},
    "X": {"verdict": "INCONCLUSIVE", "exit_code": 143, "state": "INTERRUPTED", "signal": 15},
    "C": {"verdict": "INCONCLUSIVE", "exit_code": 12, "state": "CRASHED"},
}


def a_full_dossier() -> Dossier:
    """Return the dossier of a year of eight services."""
    services = {name: _service(name) for name in _KINDS}
    records = [Sealed(record, "9b" * 32) for name in _KINDS for record in _runs(name)]
    sources = Sources(
        records=[*records, Damaged("cannot read runs/20260105T020000Z-crm-1/record.json")],
        plan=Plan(
            plan=3,
            organisation="Exemple SAS",
            approved="A. Martin",
            services=services,
            providers={WORD: Provider(contract=Contract(number=WORD, ends=date(2027, 1, 15)))},
        ),
        entries=[_incident()],
        drills={name: _plan(name, prepare=()) if name == "erp" else _plan(name) for name in _KINDS},
        findings=list(_findings()),
        head=f"412 {'7f' * 32}",
    )
    return compile_dossier(YEAR, sources, now=NOW)


def _incident() -> Entry:
    """Return one with words that fit nowhere, and that goes on."""
    step = IncidentStep(
        stage=IncidentStage.DETECTED,
        at=NOW - timedelta(days=3),
        provenance=Provenance.ENTERED,
        entered=NOW,
        by="root",
        title=f"Le site ne répond plus: {WORD}",
        services=(LONG,),
        provider=WORD,
        cause=WORD,
    )
    kind, body = EntryKind.INCIDENT, step.model_dump(mode="json")
    return Entry(number=1, at=NOW, kind=kind, previous=GENESIS, body=body)


def _service(name: str) -> Service:
    return a_service(provider=None, owner="Équipe Systèmes" if name != "payroll" else WORD)


def _plan(name: str, **drill: Any) -> RunPlan:
    fields: dict[str, Any] = {"drill": name[:40], "services": (name,), **drill}
    return a_run_plan(services={name: _service(name)}, drill=a_drill(**fields))


def _runs(name: str) -> Iterator[RunRecord]:
    letters, growth = _KINDS[name]
    for number, letter in enumerate(letters):
        seconds = 6_000.0 * (1 + growth * number) * (3 if letter == "M" else 1)
        actual = Elapsed(
            seconds=seconds, low=seconds - 90, high=seconds + 90, provenance=Provenance.MEASURED
        )
        at = datetime(2026, 1, 5, 2, tzinfo=UTC) + timedelta(days=29 * number)
        fields: dict[str, Any] = {
            "run_id": f"{at:%Y%m%dT%H%M%SZ}-{name}-{number:04x}",
            "plan": _plan(name),
            "launch": a_launch(),
            "started": at,
            "ended": at + timedelta(seconds=seconds),
            "recovery": a_recovery(rta=actual if letter in "PM" else None),
            "residue": ("a mount",) if name == "mail" and number == 2 else (),
        }
        yield a_record(**{**fields, **_ENDINGS[letter]})


def _findings() -> Iterator[Finding]:
    for number, (severity, title, service) in enumerate(
        (
            (Severity.CRITICAL, "The mail's restore needs more space than the standby has", "mail"),
            (Severity.MAJOR, f"Nobody knows {WORD}", LONG),
            (Severity.MINOR, "The runbook names a colleague who has left", "moodle"),
        ),
        1,
    ):
        yield Finding(
            finding=f"F-{number}",
            title=title,
            severity=severity,
            services=(service,),
            opened=NOW - timedelta(days=70 * number),
            by="C. Petit",
            owner="Équipe Systèmes",
            due=(NOW - timedelta(days=20)).date(),
        )
