"""`pradrill incident`: enter an incident step by step, show one, list them."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import datetime

from pradrill.app.reading import StateReader
from pradrill.app.settle import swept
from pradrill.cli.arguments import add, subcommands
from pradrill.cli.incident_step import STAGES, step_of
from pradrill.cli.json_output import json_argument, print_line
from pradrill.config.loader import load_plan
from pradrill.config.plan_file import plan_file
from pradrill.domain.declared.plan import Plan
from pradrill.domain.declared.provider import Provider
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.incident import Incident, IncidentKind
from pradrill.domain.register.incident_history import (
    IS_CLOSED,
    after,
    all_incidents,
    open_with,
    recurrences,
    why_not,
    with_what_stays,
)
from pradrill.domain.register.incident_order import disorder
from pradrill.domain.values.severity import Severity
from pradrill.errors import ExitCode, PradrillError, UsageError
from pradrill.reporting.text.incidents import incident_line, incident_lines

EXAMPLE = 'pradrill incident open "the site is down" --service moodle --severity critical'

_AGAIN = "Has it come again? Open it anew: it is told as recurring. What is wrong, correct."


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    verbs = subcommands(parser)
    opening = add(verbs, "open", "enter what was detected, by whom, since when", EXAMPLE)
    opening.add_argument("title", help="what is wrong, in one sentence")
    _services(opening, required=True)
    opening.add_argument("--source", choices=("supervision", "user"), help="who saw it first")
    opening.add_argument("--began", metavar="INSTANT", help="T0: since when it does not work")
    opening.add_argument(
        "--kind",
        choices=[each.value for each in IncidentKind],
        help="maintenance: announced, from --began to --until (default: incident)",
    )
    opening.add_argument("--until", metavar="INSTANT", help="when announced maintenance is to end")
    opening.add_argument("--key", help="of a program: while one of that key is open, that is it")
    _severity(opening)
    _provider(opening)
    opening.add_argument("--corrects", metavar="I-N", help="the incident whose opening was wrong")

    steps = {
        "qualify": ("enter how grave it is, and why it happens", "--cause 'a failed switch'"),
        "call": ("enter a call for help to the provider", "--who Léa --ticket 4711"),
        "inform": ("enter who was told of it", "--who management --text 'back by noon'"),
        "note": ("enter how it goes on", "--answered 2026-11-29T10:05Z"),
        "close": ("close it, with what was learned", "--restored 2026-11-29T12:00Z --lessons 'x'"),
    }
    for verb, (about, options) in steps.items():
        step = add(verbs, verb, about, f"pradrill incident {verb} I-3 {options}")
        step.add_argument("incident", metavar="I-N", help="an incident")
        step.add_argument(
            "--corrects", type=int, metavar="N", help="number of the step that was wrong"
        )
    qualify, call, inform, close = (
        verbs.choices[v] for v in ("qualify", "call", "inform", "close")
    )
    _services(qualify, required=False)
    _severity(qualify)
    _provider(qualify)
    qualify.add_argument("--cause", metavar="TEXT", help="the same words for the same cause")
    _provider(call)
    call.add_argument("--ticket", metavar="NUMBER", help="the provider's own")
    for step in (call, inform):
        step.add_argument("--who", metavar="NAME", required=step is inform, help="who was reached")
    close.add_argument("--cause", metavar="TEXT", help="the same words for the same cause")
    close.add_argument("--lessons", metavar="TEXT", help="what was learned")
    for verb in ("call", "note", "close"):
        step = verbs.choices[verb]
        step.add_argument("--answered", metavar="INSTANT", help="when the provider took it up")
        step.add_argument("--restored", metavar="INSTANT", help="T5: when all worked again")
    for verb in ("note", "close"):
        verbs.choices[verb].add_argument("--run", metavar="RUN", help="the run that recovered it")
    for verb in ("qualify", "note", "close"):
        verbs.choices[verb].add_argument(
            "--responsibility", metavar="LINE", help="of the plan, which this showed: dns …"
        )
    for verb, step in verbs.choices.items():
        step.set_defaults(verb=verb)
        step.add_argument("--text", metavar="WORDS", help="what else is to be said")
        step.add_argument("--at", metavar="INSTANT", help="when, with its zone (default: now)")
        json_argument(step, "print the incident for programs")

    show = add(verbs, "show", "show an incident with all its steps", "pradrill incident show I-3")
    show.add_argument("incident", metavar="I-N", help="an incident")
    listing = add(verbs, "list", "list the incidents", "pradrill incident list --open")
    listing.add_argument("--open", action="store_true", help="those that are not closed")
    listing.add_argument("--service", metavar="NAME", help="of one service")
    for verb in ("show", "list"):
        verbs.choices[verb].set_defaults(verb=verb)
        json_argument(verbs.choices[verb], "for programs, one a line")


def run(args: Namespace) -> int:
    """Do what the verb says."""
    app = StateReader(args)
    now = app.clock.now()  # before what was killed is looked for, which may take a while
    swept(app)
    if args.verb in STAGES:
        app.must_sign()
        incident, every = _enter(app, args, now)
        _tell(app, args, [incident], every)
    elif args.verb == "show":
        every = _incidents(app)
        _tell(app, args, [_incident(every, args.incident)], every)
    else:
        every = _incidents(app)
        chosen = [each for each in every if not args.open or each.closing is None]
        listed = [each for each in chosen if not args.service or args.service in each.services]
        _tell(app, args, listed, every)
        if not listed and not args.json:
            print("no incident is open" if args.open else "no incident is on record")

    return ExitCode.RECORD if app.in_doubt else ExitCode.PASSED


def _enter(
    app: StateReader, args: Namespace, now: datetime
) -> tuple[Incident, tuple[Incident, ...]]:
    """Enter a step, unless it opens what is open already; return its incident, and all."""
    plan = load_plan(plan_file(app.drills))
    incidents = _incidents(app)
    if args.verb == "open" and (same := open_with(args.key, incidents)) and not args.corrects:
        return same, incidents

    step = step_of(app, args, plan, now)
    name = args.corrects if args.verb == "open" else args.incident
    if name is not None:
        incident = _incident(incidents, name)
        step = step.model_copy(update={"incident": incident.incident})
        if args.verb == "open":
            number = incident.steps.index(incident.opening) + 1
            step = step.model_copy(update={"corrects": number})
        step = with_what_stays(step, incident, told_when=args.at is not None)
        because = why_not(incident, step) or disorder(after(incident, step))
    else:
        because = disorder(Incident(incident="it", steps=(step,)))
    if because is not None:
        raise UsageError(
            f"nothing is entered{f' for {incident.incident}' if name else ''}: {because}",
            hint=_AGAIN
            if because == IS_CLOSED
            else "See the steps: pradrill incident list, pradrill incident show I-N.",
        )

    app.register.append(EntryKind.INCIDENT, step, app.clock.now())
    incidents = _incidents(app)
    if name is not None:
        return _incident(incidents, name), incidents
    same_step = (each for each in reversed(incidents) if each.steps[0] == step)
    return next(same_step, None) or open_with(args.key, incidents) or incidents[-1], incidents


def _incidents(app: StateReader) -> tuple[Incident, ...]:
    return all_incidents(app.register.entries())


def _incident(incidents: tuple[Incident, ...], name: str) -> Incident:
    by_name = {each.incident: each for each in incidents}
    if name.upper() not in by_name:
        raise UsageError(f"no incident is called {name}", hint="List them: pradrill incident list.")
    return by_name[name.upper()]


def _tell(
    app: StateReader, args: Namespace, listed: list[Incident], every: tuple[Incident, ...]
) -> None:
    """Print incidents: in a line each, with all their steps, or for programs."""
    plan = _plan(app)
    within = plan.recurring_within if plan else Plan.model_fields["recurring_within"].default
    earlier_of = recurrences(every, within)
    for incident in listed:
        earlier = earlier_of.get(incident.incident, ())
        provider = plan.providers.get(incident.provider or "") if plan else None
        promises = incident.promises(provider or Provider(), app.clock.now())
        if args.json:
            facts = {
                **incident.model_dump(mode="json"),
                "open": incident.closing is None,
                "recurring": earlier,
                "promises": [each.model_dump(mode="json") for each in promises],
            }
            print_line(args, facts)
        elif args.verb == "list":
            print(incident_line(incident, app.clock.now(), earlier))
        else:
            print(*incident_lines(incident, app.clock.now(), earlier, promises), sep="\n")


def _plan(app: StateReader) -> Plan | None:
    """Return the plan, or None: incidents are read without one, too."""
    try:
        return load_plan(plan_file(app.drills))
    except PradrillError:
        return None


def _services(command: ArgumentParser, *, required: bool) -> None:
    command.add_argument(
        "--service", action="append", required=required, metavar="NAME", help="whom it hurts"
    )


def _severity(command: ArgumentParser) -> None:
    command.add_argument(
        "--severity", choices=[each.value for each in Severity], help="how grave it is"
    )


def _provider(command: ArgumentParser) -> None:
    command.add_argument(
        "--provider", metavar="NAME", help="at whose place (default: the service's provider)"
    )
