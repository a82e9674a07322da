"""Read a step of an incident from what was typed, and refuse what cannot be meant."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from pradrill.app.author import user
from pradrill.app.reading import StateReader
from pradrill.cli.typed import plain
from pradrill.config.loader import suggestion
from pradrill.domain.declared.plan import Plan
from pradrill.domain.declared.responsibility import Topic, is_same_line
from pradrill.domain.register.incident import IncidentKind, IncidentStage, IncidentStep
from pradrill.domain.values.instant_text import parse_instant
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Mark, Provenance
from pradrill.errors import PradrillError, UsageError

STAGES = {
    "open": IncidentStage.DETECTED,
    "qualify": IncidentStage.QUALIFIED,
    "call": IncidentStage.CALLED,
    "inform": IncidentStage.INFORMED,
    "note": IncidentStage.NOTED,
    "close": IncidentStage.CLOSED,
}
_INSTANTS = ("at", "began", "until", "answered", "restored")
_WORDS = (
    *("text", "title", "key", "provider", "source", "cause", "who", "ticket", "lessons"),
    "responsibility",
)


def step_of(app: StateReader, args: Namespace, plan: Plan, now: datetime) -> IncidentStep:
    """Read what was typed; raises UsageError for what the plan does not know, or is yet to come."""
    words = {key: plain(getattr(args, key, None) or "") or None for key in _WORDS}
    kind = getattr(args, "kind", None)
    planned = args.verb == "open" and (kind == IncidentKind.MAINTENANCE or args.corrects)
    ahead = {"began", "until"} if planned else {"until"}
    instants = {
        key: _instant(key, getattr(args, key, None), None if key in ahead else now)
        for key in _INSTANTS
    }
    services = tuple(dict.fromkeys(getattr(args, "service", None) or ()))
    _must_know("service", services, plan.services)
    provider = words["provider"]
    if provider is None and args.verb == "open" and not args.corrects:
        hosts = (plan.services[name].provider for name in services)
        provider = next((each for each in hosts if each), None)
    _must_know("provider", [provider] if provider else [], plan.providers)
    if args.verb == "open" and words["title"] is None:
        raise UsageError("the incident has no title", hint="Say in one sentence what is wrong.")

    _must_know_line(words["responsibility"], plan)
    severity = getattr(args, "severity", None)
    run_id = None
    if (run := getattr(args, "run", None)) is not None:
        run_id, verified = _recovery_by(app, run)
        instants["restored"] = instants["restored"] or verified
    at = instants.pop("at")
    facts: dict[str, Any] = {
        **{key: value for key, value in words.items() if value is not None},
        **instants,
        "provider": provider,
        "services": services,
        "severity": Severity(severity) if severity else None,
        "kind": IncidentKind(kind) if kind else None,
        "run_id": run_id,
        "corrects": args.corrects if args.verb != "open" else None,
    }
    return IncidentStep(
        stage=STAGES[args.verb],
        at=at or now,
        provenance=Provenance.ENTERED if at else Provenance.MEASURED,
        entered=now,
        by=user(),
        **facts,
    )


def _recovery_by(app: StateReader, run: str) -> tuple[str, datetime | None]:
    """Return the id of a run that counts, and when it had verified the service, if it had."""
    run_id = app.store.find(run)
    record = app.store.read(run_id)
    if record.launch.rehearsal:
        raise UsageError(
            f"the run {run_id} was a rehearsal: it recovered nothing",
            hint="Name a run that counts: pradrill runs.",
        )

    verified = record.recovery.marks.get(Mark.SERVICE_VERIFIED)
    return run_id, verified.at if verified else None


def _instant(key: str, text: str | None, now: datetime | None) -> datetime | None:
    """Read an instant; with `now` it must have come already."""
    if text is None:
        return None
    try:
        at = parse_instant(text, "iso", None)
    except PradrillError as error:
        raise UsageError(
            f"--{key}: {error.message}", hint="Write it as 2026-11-29T10:05Z, with its zone."
        ) from error
    if now is not None and at > now:
        raise UsageError(f"--{key}: {text} is yet to come", hint="Enter what has happened.")
    return at


def _must_know(what: str, names: Iterable[str], declared: Collection[str]) -> None:
    unknown = [name for name in names if name not in declared]
    if unknown:
        hint = suggestion(unknown[0], list(declared))
        raise UsageError(f'the plan has no {what} "{unknown[0]}"', hint=hint)


def _must_know_line(line: str | None, plan: Plan) -> None:
    """Raise UsageError for a responsibility that is no topic and no line of the plan."""
    tables = [service.responsibilities for service in plan.services.values()]
    declared = dict.fromkeys(each for table in tables for each in table)
    lines = [*Topic, *(each for each in declared if Topic.of(each) is None)]
    if line is not None and not any(is_same_line(line, each) for each in lines):
        raise UsageError(
            f'the plan has no responsibility "{line}"', hint=suggestion(line, list(map(str, lines)))
        )
