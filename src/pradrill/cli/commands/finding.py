"""`pradrill finding`: open one, show one, and close one by naming the run that proves it."""

from __future__ import annotations

import datetime as dt
from argparse import ArgumentParser, Namespace

from pradrill.app.author import user
from pradrill.app.reading import StateReader
from pradrill.app.settle import swept
from pradrill.cli.arguments import add, subcommands
from pradrill.cli.json_output import json_argument, print_json
from pradrill.cli.typed import plain
from pradrill.config.loader import load_plan, suggestion
from pradrill.config.plan_file import plan_file
from pradrill.domain.register.entry import EntryKind, RunEntry
from pradrill.domain.register.finding import DUE_WITHIN, Closure, Finding
from pradrill.domain.register.finding_history import why_not_closed
from pradrill.domain.register.findings_of_run import unproved
from pradrill.domain.values.severity import Severity
from pradrill.errors import ExitCode, UsageError
from pradrill.register.chain.register import line_hash
from pradrill.register.runs.enter import read_record
from pradrill.register.runs.folders import RECORD
from pradrill.reporting.text.findings import finding_lines

EXAMPLE = "pradrill finding close F-12 --run 20260610T0200"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    verbs = subcommands(parser)
    opened = add(
        verbs,
        "open",
        "open a finding",
        'pradrill finding open "the runbook names an old host" --service moodle',
    )

    opened.add_argument("title", help="what is wrong, in one sentence")
    opened.add_argument(
        "--service", action="append", required=True, metavar="NAME", help="whose recovery it hurts"
    )
    opened.add_argument(
        "--severity",
        choices=("minor", "major", "critical"),
        default="major",
        help="due in 90, 30 or 7 days (default: major)",
    )

    opened.add_argument("--detail", metavar="TEXT", help="what was seen")
    opened.add_argument("--owner", metavar="NAME", help="default: the service's owner")
    opened.add_argument("--due", metavar="DATE", help="as in 2026-03-31")
    opened.add_argument("--run", metavar="RUN", help="the run that showed it")
    show = add(verbs, "show", "show a finding", "pradrill finding show F-12")
    close = add(
        verbs,
        "close",
        "close a finding by naming the later run that proves it",
        "pradrill finding close F-12 --run 20260610T0200",
    )
    for command in (show, close):
        command.add_argument("finding", metavar="F-N", help="a finding")
    close.add_argument(
        "--run", required=True, metavar="RUN", help="a later run of its services that PASSED"
    )
    close.add_argument("--text", metavar="WORDS", help="why that run proves it")
    for verb, command in verbs.choices.items():
        command.set_defaults(verb=verb)
        json_argument(command)


def run(args: Namespace) -> int:
    """Do what the verb says."""
    app = swept(StateReader(args))
    if args.verb in {"open", "close"}:
        app.must_sign()
    if args.verb == "open":
        finding, line = _open(app, args)
    elif args.verb == "close":
        finding, line = _close(app, args)
    else:
        finding = _finding(app, args.finding)
        line = "\n".join(finding_lines(finding, app.clock.now()))

    if args.json:
        print_json(args, finding.model_dump(mode="json"))
    else:
        print(line)

    return ExitCode.PASSED


def _open(app: StateReader, args: Namespace) -> tuple[Finding, str]:
    """Open a finding; return it, and what is told of it. Raises UsageError."""
    services = load_plan(plan_file(app.drills)).services
    unknown = [name for name in args.service if name not in services]
    if unknown:
        hint = suggestion(unknown[0], list(services))
        raise UsageError(f'the plan has no service "{unknown[0]}"', hint=hint)

    title = plain(args.title)
    if not title:
        raise UsageError("the finding has no title", hint="Say in one sentence what is wrong.")

    now, severity = app.clock.now(), Severity(args.severity)
    owners = (services[name].owner for name in args.service)
    finding = Finding(
        title=title,
        detail=plain(args.detail or ""),
        severity=severity,
        services=tuple(dict.fromkeys(args.service)),
        owner=plain(args.owner or "") or next((owner for owner in owners if owner), None),
        due=_date(args.due) or now.date() + dt.timedelta(days=DUE_WITHIN[severity]),
        opened=now,
        by=user(),
        run_id=app.store.find(args.run) if args.run else None,
    )

    entry = app.register.append(EntryKind.FINDING, finding, now)
    numbered = [f for f in app.findings() if f.opened == finding.opened and f.by == finding.by]
    return numbered[-1], f"{numbered[-1].finding} is open, entry {entry.number} of the register"


def _close(app: StateReader, args: Namespace) -> tuple[Finding, str]:
    """Close a finding, if the run named proves that it may be. Raises UsageError."""
    finding = _finding(app, args.finding)
    run_id, text = app.store.find(args.run), plain(args.text or "")
    record, content = read_record(app.store.runs / run_id / RECORD)
    run = next(
        (
            RunEntry.model_validate(entry.body)
            for entry in app.register.entries()
            if entry.kind is EntryKind.RUN and entry.body.get("run_id") == run_id
        ),
        None,
    )

    because = why_not_closed(finding, run)
    if run is not None and run.record_sha256 != line_hash(content):
        because = f"the record of {run_id} is not the one that was sealed"

    if app.why_doubted() is not None:
        because = "the register does not verify, and proves nothing"
    if because is not None:
        raise UsageError(
            f"{finding.finding} cannot be closed: {because}",
            hint="Name a later run of its services that PASSED: pradrill runs.",
        )

    doubt = unproved(finding, record)
    if doubt is not None and not text:
        raise UsageError(
            f"{finding.finding} is not closed: the run {run_id} does not show by itself that the "
            f"problem is gone: {doubt}",
            hint="Say with --text why it proves it all the same, or name another run.",
        )

    now = app.clock.now()
    closure = Closure(finding=finding.finding, run_id=run_id, at=now, by=user(), text=text)
    app.register.append(EntryKind.CLOSURE, closure, now)
    closed = finding.model_copy(update={"closure": closure})
    return closed, f"{finding.finding} is closed, proved by the run {run_id}"


def _finding(app: StateReader, name: str) -> Finding:
    findings = {finding.finding: finding for finding in app.findings()}
    if name.upper() not in findings:
        raise UsageError(f"no finding is called {name}", hint="List them: pradrill findings --all.")
    return findings[name.upper()]


def _date(text: str | None) -> dt.date | None:
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        raise UsageError(f'"{text}" is not a date', hint="Write it as 2026-03-31.") from None
