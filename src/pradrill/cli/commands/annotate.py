"""`pradrill annotate`: what people say of a run, appended to the register; the record stays."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

from pradrill.app.author import user
from pradrill.app.composition import App
from pradrill.app.settle import swept
from pradrill.cli.json_output import json_argument, print_json
from pradrill.cli.typed import plain
from pradrill.config.loader import Document, read_document, validate
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.domain.register.annotation import STATED
from pradrill.domain.register.annotation_file import Notes, ParticipantRole, note_problems
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.run.record import RunRecord
from pradrill.errors import ExitCode, PradrillError, UsageError
from pradrill.reporting.language import formats as wording
from pradrill.reporting.run import page as view

_LINE = Path("command line")
_TEMPLATE = """\
# Notes on the run {run_id}
# {what}
#
# Uncomment what you want to say. Nothing is entered while every line begins with #.
# What is entered stays: it is dated, named and chained in the register. More can be added later.
#
# marks:                                # instants with their zone
#   T1: {t0}         # the loss was detected
#   T2: {t0}         # the recovery was declared
#   T6: {end}         # the owner accepted the service
# people:                               # requester, operator, observer, approver, reviewer
#   - {{name: A. Martin, role: operator, first_time: true}}
#   - {{name: B. Durand, role: reviewer, independent: true}}
# deviations: [what went otherwise than planned]
# workarounds: [what was done instead]
# rex:
#   well: [what went well]
#   badly: [what did not]
#   plan: [what it changes in the plan]
# sign_off:
#   - {{name: C. Petit, role: head of IT, date: {day}}}
# management_report: {day}          # the day that it was reported to the management
#
# Where the run measured nothing, or more than it measured; each is one text, or a list:
# planned: {day}                    # the day that had been agreed on
# site: where the primary and the standby are
# network: segment, routes and filters of the standby's network
# backup: which copy was restored, from where, its size and checksum
# sampled: how much was looked at, of how much
# negative_control: what was tried and must not work
# erased: data of the drill that was erased, and how
# revoked: credentials of the drill that were revoked
# retention: how long the record is kept, and where
"""


EXAMPLE = 'pradrill annotate 20260310T0200 --t1 2026-03-10T02:05Z --operator "A. Martin"'


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run", help="a run's id, or any part of it that is unique")
    parser.add_argument(
        "--file", type=Path, metavar="FILE", help="YAML or JSON (default: an editor opens)"
    )
    for mark, meaning in (("t1", "detected"), ("t2", "recovery declared"), ("t6", "accepted")):
        parser.add_argument(f"--{mark}", metavar="INSTANT", help=f"{meaning}, with its zone")

    for option, metavar, meaning in (
        ("requester", "NAME", "who asked for the drill"),
        ("operator", "NAME", "who carried it out"),
        ("observer", "NAME", "who watched it"),
        ("approver", "NAME", "who approved it"),
        ("reviewer", "NAME", "who reviews it"),
        ("first-time", "NAME", "one of them had never done it before"),
        ("independent", "NAME", "one of them did not operate the recovery"),
        ("deviation", "TEXT", "what went otherwise than planned"),
        ("workaround", "TEXT", "what was done instead"),
        ("well", "TEXT", "lessons: what went well"),
        ("badly", "TEXT", "lessons: what did not"),
        ("plan", "TEXT", "lessons: the effect on the plan"),
        ("sign-off", "NAME,ROLE[,DATE]", "who signs it off (default: today)"),
        ("site", "TEXT", "where the primary and the standby are"),
        ("network", "TEXT", "the standby's network: segment, routes, filters"),
        ("backup", "TEXT", "which copy was restored, from where; its size and checksum"),
        ("sampled", "TEXT", "how much was looked at, of how much"),
        ("negative-control", "TEXT", "what was tried and must not work"),
        ("erased", "TEXT", "data of the drill that was erased, and how"),
        ("revoked", "TEXT", "credentials of the drill that were revoked"),
        ("retention", "TEXT", "how long the record is kept, and where"),
    ):
        parser.add_argument(
            f"--{option}", action="append", default=[], metavar=metavar, help=meaning
        )

    parser.add_argument(
        "--management-report", metavar="DATE", help="when it was reported to the management"
    )
    parser.add_argument("--planned", metavar="DATE", help="the day that had been agreed on")
    json_argument(parser, "say for programs what was entered")


def run(args: Namespace) -> int:
    """Enter the notes: from the command line, a file, or an editor."""
    app = swept(App(args))
    app.must_sign()
    record = app.store.read(app.store.find(args.run))
    options = _from_options(args, app)
    if options and args.file:
        raise UsageError(
            "notes come from a file or from the command line, not from both",
            hint="Leave out --file, or the other options.",
        )

    if options:
        notes = _from_line(options, record, app)
    else:
        notes = _from_file(args.file, record, app) if args.file else _edited(record, app)

    now = app.clock.now()
    annotations = notes.annotations(record.run_id, now, user())
    if not annotations:
        raise UsageError("nothing was entered", hint="Read pradrill annotate --help.")

    bodies = [(EntryKind.ANNOTATION, annotation) for annotation in annotations]
    entries = app.register.append_all(bodies, now)
    if args.json:
        numbers = [entry.number for entry in entries]
        print_json(args, {"run_id": record.run_id, "entries": numbers})
    else:
        last = f" to {entries[-1].number}" if len(entries) > 1 else ""
        print(f"run {record.run_id}: entered in the register, entry {entries[0].number}{last}")

    return ExitCode.PASSED


def _from_options(args: Namespace, app: App) -> dict[str, Any]:
    """Return what the options say, as a file would; empty when they say nothing."""
    marks = {name: getattr(args, name.lower()) for name in ("T1", "T2", "T6")}
    first, independent = ([plain(n) for n in v] for v in (args.first_time, args.independent))
    people = [
        {"name": plain(name), "role": role.value}
        | ({"first_time": True} if plain(name) in first else {})
        | ({"independent": True} if plain(name) in independent else {})
        for role in ParticipantRole
        for name in getattr(args, role.value)
    ]

    strangers = {*first, *independent} - {str(person["name"]) for person in people}
    if strangers:
        raise UsageError(
            f"{', '.join(sorted(strangers))} did not take part",
            hint='Say as what: --reviewer "B. Durand" --independent "B. Durand".',
        )

    rex = {"well": args.well, "badly": args.badly, "plan": args.plan}
    options: dict[str, Any] = {
        "marks": {name: at for name, at in marks.items() if at},
        "people": people,
        "deviations": [plain(text) for text in args.deviation],
        "workarounds": [plain(text) for text in args.workaround],
        "rex": {key: [plain(text) for text in texts] for key, texts in rex.items() if texts},
        "sign_off": [_signed(text, app) for text in args.sign_off],
        "management_report": args.management_report,
        "planned": args.planned,
        **{kind.value: [plain(text) for text in getattr(args, kind.value)] for kind in STATED},
    }

    return {key: value for key, value in options.items() if value}


def _signed(text: str, app: App) -> dict[str, str]:
    name, _, rest = plain(text).partition(",")
    role, _, date = rest.partition(",")
    today = app.clock.now().date().isoformat()
    return {"name": name.strip(), "role": role.strip(), "date": date.strip() or today}


def _from_line(options: dict[str, Any], record: RunRecord, app: App) -> Notes:
    try:
        return _checked(Document(_LINE, options, {}), record, app)
    except ConfigurationProblemsError as error:
        lines = (f"{p.path}: {p.message}" for p in error.problems)
        raise UsageError("\n".join(lines), hint="Read pradrill annotate --help.") from error


def _from_file(path: Path, record: RunRecord, app: App) -> Notes:
    return _checked(read_document(path), record, app)


def _checked(document: Document, record: RunRecord, app: App) -> Notes:
    """Return the notes; raises ConfigurationProblemsError with every problem and its line."""
    notes = validate(document, Notes)
    problems = [
        document.problem(where, message)
        for where, message in note_problems(notes, record, app.clock.now())
    ]
    if problems:
        raise ConfigurationProblemsError(problems)
    return notes


def _edited(record: RunRecord, app: App) -> Notes:
    """Let a person write the notes in an editor; what cannot be entered is kept."""
    editor = _editor()
    handle, name = tempfile.mkstemp(prefix="pradrill-notes-", suffix=".yml")
    path = Path(name)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(_template(record))
    process = subprocess.run([*editor, path], check=False)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    if not any(line.strip() and not line.lstrip().startswith("#") for line in lines):
        path.unlink()
        raise UsageError(
            "nothing was entered: every line is a comment", hint="Uncomment what you want to say."
        )

    try:
        if process.returncode != 0:
            raise UsageError(f"the editor ended with {process.returncode}: nothing was entered")

        notes = _from_file(path, record, app)
    except PradrillError as error:
        again = f"pradrill annotate {record.run_id} --file {path}"
        print(f"your text is kept: mend it, then {again}", file=sys.stderr)
        raise error from None

    path.unlink()
    return notes


def _editor() -> list[str]:
    preference = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    command = preference or next(filter(shutil.which, ("sensible-editor", "nano", "vi")), None)
    if command is None or (not preference and not sys.stdin.isatty()):
        raise UsageError(
            "nothing is said, and no editor is known",
            hint="Set EDITOR, name a file with --file, or use the options of annotate.",
        )
    return shlex.split(command)


def _template(record: RunRecord) -> str:
    what = f"{record.plan.drill.drill}, {view.headline(record)}, {wording.at(record.started)}"
    return _TEMPLATE.format(
        run_id=record.run_id,
        what=wording.line(what),
        t0=f"{record.started:%Y-%m-%dT%H:%M:%SZ}",
        end=f"{record.ended:%Y-%m-%dT%H:%M:%SZ}",
        day=record.ended.date().isoformat(),
    )
