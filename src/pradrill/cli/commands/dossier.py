"""`pradrill dossier`: every attempt of a period, what is proved by them, and what is not."""

from __future__ import annotations

import datetime as dt
import os
from argparse import ArgumentParser, Namespace
from pathlib import Path
from urllib.parse import quote

from pradrill.app.composition import App
from pradrill.app.dossier import compiled_dossier
from pradrill.app.letterhead import letterhead
from pradrill.app.settle import swept
from pradrill.cli.commands.report import write_file
from pradrill.cli.commands.sheet import write_sheet
from pradrill.cli.json_output import json_argument, print_json
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.period import Period, a_year_before
from pradrill.errors import ExitCode, RecordError, UsageError
from pradrill.reporting.dossier.files import dossier_csv, dossier_html, dossier_json, dossier_pdf

EXAMPLE = "pradrill dossier --from 2026-01-01 --to 2026-12-31 --lang fr --format pdf"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--from",
        dest="first",
        metavar="DAY",
        help="first day, in UTC (default: a year before --to)",
    )

    parser.add_argument("--to", dest="last", metavar="DAY", help="last day (default: today)")
    parser.add_argument(
        "--service",
        dest="services",
        metavar="NAME",
        action="append",
        default=[],
        help="this service only; may be given several times (default: all)",
    )

    parser.add_argument(
        "--lang", choices=("fr", "en"), help="default: the plan's language, else that of $LANG"
    )
    parser.add_argument(
        "--format", choices=("html", "pdf", "json", "csv"), default="html", help="default: html"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: a file in STATE/dossiers"
    )
    json_argument(parser, "say for programs where it is")


def run(args: Namespace) -> int:
    """Write the dossier and print where it is; records that cannot be read are an error too."""
    app = App(args)
    period = _period(args, app.clock.now().date())
    project = app.project()
    dossier = compiled_dossier(swept(app), project, period, tuple(dict.fromkeys(args.services)))
    name = "-".join(("dossier", str(period.first), str(period.last), *dossier.only))
    path = args.output or app.state / "dossiers" / f"{name[:200]}.{args.format}"
    content = _rendered(app, dossier, args, path)
    write_file(path, content)
    if args.json:
        print_json(args, {"file": path, "complete": dossier.complete})
    else:
        print(path)
    if args.format in {"html", "pdf"} and not args.services:
        # The sheet ages with what a dossier tells.
        write_sheet(app, project, Namespace(**{**vars(args), "output": None}))

    return ExitCode.PASSED if dossier.complete else RecordError.exit_code


def _rendered(app: App, dossier: Dossier, args: Namespace, path: Path) -> bytes:
    if args.format == "csv":
        return dossier_csv(dossier).encode()
    if args.format == "json":
        return dossier_json(dossier).encode()
    if args.format == "pdf":
        return dossier_pdf(dossier, letterhead(app, args.lang))
    links = _reports(app, dossier, path)
    return dossier_html(dossier, letterhead(app, args.lang), reports=links).encode()


def _reports(app: App, dossier: Dossier, path: Path) -> dict[str, str]:
    """Return run → its report, where one was written, as the dossier's page sees it."""
    folder = path.absolute().parent
    reports = {
        attempt.run_id: app.store.runs / attempt.run_id / "reports"
        for attempt in dossier.attempts
        if attempt.run_id is not None
    }
    return {
        run_id: quote(os.path.relpath(report, folder))
        for run_id, place in reports.items()
        if (report := _newest(place)) is not None
    }


def _newest(folder: Path) -> Path | None:
    try:
        pages = [entry for entry in os.scandir(folder) if entry.name.endswith(".html")]
    except OSError:
        return None
    newest = max(pages, key=lambda entry: entry.stat().st_mtime, default=None)
    return None if newest is None else Path(newest.path)


def _period(args: Namespace, today: dt.date) -> Period:
    last = _day(args.last, "--to") or today
    first = _day(args.first, "--from") or a_year_before(last)
    if first > last:
        raise UsageError(
            f"the period is upside down: it begins on {first} and ends on {last}",
            hint="Give the earlier day with --from, the later one with --to.",
        )
    return Period(first=first, last=last)


def _day(text: str | None, option: str) -> dt.date | None:
    if text is None:
        return None
    try:
        return dt.datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 a day has no zone
    except ValueError as error:
        raise UsageError(
            f'{option}: "{text[:40]}" is not a day', hint="Write it as in 2026-12-31."
        ) from error
