"""Build drills, runs and records.

Each builder returns a whole, valid value; name only the fields that your test is about. The
record is that of a quarterly Moodle drill which passed: RTA 42m10s of 4h, RPA 3h05m of 24h.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Objectives, PrimaryIdentity, Service
from pradrill.domain.register.finding import DUE_WITHIN, Finding
from pradrill.domain.run.event import Started
from pradrill.domain.run.outcome import (
    CheckOutcome,
    CheckResult,
    GuardOutcome,
    GuardResult,
    Phase,
    StepKind,
    StepOutcome,
    StepResult,
)
from pradrill.domain.run.proof import demanded
from pradrill.domain.run.record import Launch, Recovery, RunRecord, RunState
from pradrill.domain.run.run_plan import (
    FileHash,
    PlannedHost,
    PlannedStep,
    RunPlan,
    governing,
    planned_step,
)
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed, Instant, Mark, Provenance, Skew

START = datetime(2026, 3, 10, 2, 0, tzinfo=UTC)
"""The builders' T0."""

HOST = "moodle-standby"
"""The builders' only standby host."""

_HOME = Path("/etc/pradrill")
_PLAYBOOKS = _HOME / "playbooks"


def after(seconds: float) -> datetime:
    """Return the instant that many seconds after the builders' T0."""
    return START + timedelta(seconds=seconds)


def a_drill(**changes: Any) -> Drill:
    """Return the declaration of a Moodle drill on an inventory host."""
    fields: dict[str, Any] = {
        "drill": "moodle",
        "services": ("moodle",),
        "scenario": {
            "name": "loss of the hosting site",
            "disruption": "launch",
            "assumptions": ("the backup repository survives",),
        },
        "standby": {
            "inventory": _HOME / "inventories/standby.yml",
            "hosts": "moodle_standby",
            "absent_after_teardown": ("/var/www/moodle",),
        },
        "prepare": ({"playbook": _PLAYBOOKS / "prepare.yml", "deadline": "5m"},),
        "restore": (
            {
                "playbook": _PLAYBOOKS / "restore_moodle.yml",
                "secrets": {"restic_password": "env:RESTIC_PASSWORD"},
                "deadline": "1h",
            },
        ),
        "verify": {
            "checks": _HOME / "drills/checks/moodle",
            "newest_data": {"command": "newest-moodle-row", "interval": "5s"},
            "must_not_reach": ("db.prod.exemple.fr:3306", "smtp.exemple.fr:25"),
        },
        "teardown": ({"playbook": _PLAYBOOKS / "teardown.yml", "deadline": "5m"},),
        "unattended": True,
    }
    return Drill.model_validate({**fields, **changes})


def a_planned_step(**changes: Any) -> PlannedStep:
    """Return a restore playbook to run."""
    fields: dict[str, Any] = {
        "phase": Phase.RESTORE,
        "name": "restore_moodle",
        "kind": StepKind.PLAYBOOK,
        "hosts": (HOST,),
        "deadline": timedelta(hours=1),
        "playbook": _PLAYBOOKS / "restore_moodle.yml",
        "secrets": {"restic_password": "env:RESTIC_PASSWORD"},
    }
    return planned_step({**fields, **changes})


def _planned_steps() -> tuple[PlannedStep, ...]:
    def step(phase: Phase, name: str, kind: StepKind, seconds: float) -> PlannedStep:
        return a_planned_step(
            phase=phase,
            name=name,
            kind=kind,
            deadline=timedelta(seconds=seconds),
            playbook=_PLAYBOOKS / f"{name}.yml" if kind is StepKind.PLAYBOOK else None,
            secrets={},
        )

    return (
        step(Phase.READINESS, "check the preconditions", StepKind.PRECONDITIONS, 60),
        step(Phase.READINESS, "start the standby", StepKind.START, 120),
        step(Phase.READINESS, "prove the standby's identity", StepKind.IDENTITY, 60),
        step(Phase.PREPARE, "prepare", StepKind.PLAYBOOK, 300),
        step(Phase.PREPARE, "prove marker and isolation", StepKind.ISOLATION, 60),
        a_planned_step(),
        step(Phase.VERIFY, "check the service", StepKind.CHECKS, 600),
        step(Phase.VERIFY, "prove isolation again", StepKind.ISOLATION_AGAIN, 60),
        step(Phase.VERIFY, "read the recovery point", StepKind.NEWEST_DATA, 60),
        step(Phase.TEARDOWN, "prove isolation before the teardown", StepKind.ISOLATION_AGAIN, 60),
        step(Phase.TEARDOWN, "teardown", StepKind.PLAYBOOK, 300),
        step(Phase.TEARDOWN, "look for residue", StepKind.RESIDUE, 60),
        step(Phase.TEARDOWN, "release the standby", StepKind.STOP, 120),
    )


def a_service(**changes: Any) -> Service:
    """Return the plan's entry for Moodle."""
    fields: dict[str, Any] = {
        "tier": 1,
        "owner": "formation@exemple.fr",
        "provider": "hexanet",
        "objectives": Objectives(rto=timedelta(hours=4), rpo=timedelta(hours=24)),
        "drill_every": "3 months",
        "responsibilities": {"machines": "provider", "backups": "client", "restore": "client"},
        "primary": PrimaryIdentity(addresses=("192.0.2.10",)),
    }
    return Service.model_validate({**fields, **changes})


def a_run_plan(**changes: Any) -> RunPlan:
    """Return the Moodle drill, resolved; objectives follow the services unless given."""
    services = changes.get("services", {"moodle": a_service()})
    fields: dict[str, Any] = {
        "drill": a_drill(),
        "drill_file": _HOME / "drills/moodle.yml",
        "organisation": "Exemple SAS",
        "plan_version": 3,
        "plan_approved": "A. Martin, 2026-01-15",
        "services": services,
        "objectives": governing(services),
        "hosts": (PlannedHost(name=HOST, address="198.51.100.20", dr_role="standby"),),
        "standby_key": "198.51.100.20:22",
        "primaries": {"moodle": PrimaryIdentity(addresses=("192.0.2.10",))},
        "steps": _planned_steps(),
        "guards": ("dr_role", "host-key", "not-primary", "marker", "must-not-reach"),
        "destroys": (f"the content of /var/www/moodle and the database moodle on {HOST}",),
        "files": (
            FileHash(path=_HOME / "drills/plan.yml", sha256="3f" * 32),
            FileHash(path=_HOME / "drills/moodle.yml", sha256="a1" * 32),
            FileHash(path=_PLAYBOOKS / "restore_moodle.yml", sha256="c7" * 32),
        ),
    }
    return RunPlan.model_validate({**fields, **changes})


def a_launch(**changes: Any) -> Launch:
    """Return a launch by cron."""
    fields = {"trigger": "due", "user": "root", "controller": "ctl01.exemple.fr"}
    return Launch.model_validate({**fields, **changes})


def a_start(**changes: Any) -> Started:
    """Return a run's first fact."""
    fields: dict[str, Any] = {
        "plan": a_run_plan(),
        "launch": a_launch(),
        "versions": {"pradrill": "0.1.0"},
        "environment": {"system": "Debian GNU/Linux 12 (bookworm)"},
    }
    return Started.model_validate({**fields, **changes})


def a_check(**changes: Any) -> CheckResult:
    """Return a mandatory check that passed."""
    fields: dict[str, Any] = {
        "check": "test_web.py::test_login_page",
        "host": HOST,
        "title": "the login page is served",
        "mandatory": True,
        "outcome": CheckOutcome.PASSED,
        "started": after(2_529.6),
        "ended": after(2_530.0),
    }
    return CheckResult.model_validate({**fields, **changes})


def a_step(**changes: Any) -> StepResult:
    """Return a restore step that passed."""
    fields: dict[str, Any] = {
        "phase": Phase.RESTORE,
        "name": "restore_moodle",
        "kind": StepKind.PLAYBOOK,
        "outcome": StepOutcome.PASSED,
        "started": after(48.0),
        "ended": after(2_502.5),
        "seconds": 2_454.5,
        "deadline": 3_600.0,
        "hosts": (HOST,),
    }
    return StepResult.model_validate({**fields, **changes})


def _steps_taken() -> tuple[StepResult, ...]:
    ends = (
        *(0.4, 3.1, 4.0, 45.4, 48.0, 2_502.5, 2_540.4, 2_540.6, 2_540.9),
        *(2_541.1, 2_560.1, 2_561.0, 2_561.2),
    )
    begins = (0.0, *ends[:-1])
    return tuple(
        a_step(
            phase=planned.phase,
            name=planned.name,
            kind=planned.kind,
            started=after(begin),
            ended=after(end),
            seconds=round(end - begin, 3),
            deadline=planned.deadline.total_seconds(),
        )
        for planned, begin, end in zip(_planned_steps(), begins, ends, strict=True)
    )


def a_guard(**changes: Any) -> GuardResult:
    """Return a guard that was proven."""
    fields: dict[str, Any] = {
        "guard": "marker",
        "host": HOST,
        "outcome": GuardOutcome.PROVEN,
        "detail": "carries this machine's id",
    }
    return GuardResult.model_validate({**fields, **changes})


def proven_guards(plan: RunPlan) -> tuple[GuardResult, ...]:
    """Return every guard of a drill on every host, in every phase, proven."""
    return tuple(
        a_guard(guard=guard, host=host.name, phase=phase, detail="as it must be")
        for host in plan.hosts
        for phase, guard in demanded(plan)
    )


def measured(seconds: float, *, within: float = 0.0) -> Instant:
    """Return a measured instant that many seconds after the builders' T0."""
    return Instant.around(after(seconds), Provenance.MEASURED, within=within)


def a_recovery(**changes: Any) -> Recovery:
    """Return what the Moodle run measured; the actuals follow the marks unless given."""
    marks = changes.get(
        "marks",
        {
            Mark.DISRUPTION: measured(0),
            Mark.RECOVERY_STARTS: measured(0.4),
            Mark.DATA_RESTORED: measured(2_502.5),
            Mark.SERVICE_VERIFIED: measured(2_530.0, within=0.4),
        },
    )

    point = changes.get("recovery_point", measured(-11_100, within=2.5))
    begin, verified = marks.get(Mark.DISRUPTION), marks.get(Mark.SERVICE_VERIFIED)
    starts = marks.get(Mark.RECOVERY_STARTS)
    fields: dict[str, Any] = {
        "marks": marks,
        "recovery_point": point,
        "recovery_point_from": "newest-moodle-row",
        "catalogue_time": measured(-10_800),
        "backup_id": "4f2c9a1be07d",
        "rta": Elapsed.between(begin, verified) if begin and verified else None,
        "technical_rta": Elapsed.between(starts, verified) if starts and verified else None,
        "rpa": Elapsed.between(point, begin) if point and begin else None,
        "skew": {HOST: Skew(seconds=0.012, within=0.004)},
    }

    return Recovery.model_validate({**fields, **changes})


def a_record(**changes: Any) -> RunRecord:
    """Return the sealed record of a Moodle drill that passed, started by cron."""
    fields: dict[str, Any] = {
        "run_id": "20260310T020000Z-moodle-7f3a",
        "launch": a_launch(),
        "plan": a_run_plan(),
        "state": RunState.FINISHED,
        "verdict": Verdict.PASSED,
        "reasons": (
            "2 mandatory checks stayed green and both objectives are met, upper bounds included",
        ),
        "exit_code": 0,
        "started": START,
        "ended": after(2_561.4),
        "recovery": a_recovery(),
        "guards": (
            a_guard(guard="dr_role", detail="the inventory says dr_role: standby"),
            a_guard(guard="not-primary-of-moodle", detail="differs"),
            a_guard(),
            a_guard(guard="must-not-reach db.prod.exemple.fr:3306", detail="closed"),
            a_guard(guard="must-not-reach smtp.exemple.fr:25", detail="closed"),
        ),
        "steps": _steps_taken(),
        "not_executed": (),
        "checks": (
            a_check(),
            a_check(
                check="test_data.py::test_courses",
                title="every course of the backup is in the database",
            ),
        ),
        "passes": 12,
        "residue": (),
        "limits": ("production was not switched over: users were not moved",),
        "versions": {"pradrill": "0.1.0", "ansible-core": "2.19.14", "python": "3.11.2"},
        "evidence": (FileHash(path=Path("evidence/restore_moodle.jsonl"), sha256="9b" * 32),),
        "environment": {"system": "Debian GNU/Linux 12 (bookworm)"},
    }
    return RunRecord.model_validate({**fields, **changes})


def a_finding(**changes: Any) -> Finding:
    """Return what a run enters for a check that failed; due as its severity says."""
    opened = changes.get("opened", after(2_561.4))
    severity = Severity(changes.get("severity", Severity.CRITICAL))
    fields: dict[str, Any] = {
        "key": "check/moodle/test_web.py::test_login_page",
        "title": "check failed: the login page is served",
        "detail": f"{HOST}: expected 200, was 500",
        "severity": severity,
        "services": ("moodle",),
        "owner": "formation@exemple.fr",
        "due": opened.date() + timedelta(days=DUE_WITHIN[severity]),
        "opened": opened,
        "by": "the run",
        "run_id": "20260310T020000Z-moodle-7f3a",
    }
    return Finding.model_validate({**fields, **changes})
