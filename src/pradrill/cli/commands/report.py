"""`pradrill report`: a sealed record, and what is known beside it, for people and for programs."""

from __future__ import annotations

import hashlib
from argparse import ArgumentParser, Namespace
from contextlib import suppress
from pathlib import Path

from pradrill.app.case_file import casefile, sealed
from pradrill.app.composition import App
from pradrill.app.damage import wrongs
from pradrill.app.letterhead import letterhead
from pradrill.app.reading import warn
from pradrill.app.settle import swept
from pradrill.cli.arguments import run_argument
from pradrill.cli.json_output import json_argument, print_json
from pradrill.domain.report.case_file import CaseFile
from pradrill.errors import ExitCode, RecordError
from pradrill.register.runs.folders import RECORD
from pradrill.reporting.pdf import Attached, render_pdf
from pradrill.reporting.run.csv import render_csv
from pradrill.reporting.run.doubt import doubts
from pradrill.reporting.run.html import render_html
from pradrill.reporting.run.in_toto import render_test_result
from pradrill.reporting.run.junit import render_junit
from pradrill.reporting.run.oscal import render_oscal

_SUFFIX = {
    "html": "html",
    "pdf": "pdf",
    "junit": "xml",
    "csv": "csv",
    "json": "json",
    "in-toto": "intoto.json",
    "oscal": "oscal.json",
}


EXAMPLE = "pradrill report --format pdf --lang fr --output /tmp/report.pdf"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    run_argument(parser)
    parser.add_argument(
        "--format",
        choices=tuple(_SUFFIX),
        default="html",
        help="html: one self-contained page; pdf: PDF/A with the record inside; the others are "
        "for programs (default: html)",
    )
    parser.add_argument(
        "--lang", choices=("fr", "en"), help="default: the plan's language, else that of $LANG"
    )
    parser.add_argument(
        "--output", type=Path, metavar="FILE", help="default: reports/report.FORMAT in the run"
    )
    json_argument(parser, "say for programs where it is")


def run(args: Namespace) -> int:
    """Write the report and print where it is."""
    app = swept(App(args))
    run_id = app.store.find(args.run)
    path = write_report(app, run_id, args.output, form=args.format, language=args.lang)
    if args.json:
        print_json(args, {"run_id": run_id, "file": path})
    else:
        print(path)
    wrong = wrongs(app, run_id)
    for line in doubts(run_id, wrong):
        warn(line)

    return ExitCode.RECORD if wrong else ExitCode.PASSED


def write_report(
    app: App,
    run_id: str,
    output: Path | None = None,
    *,
    form: str = "html",
    language: str | None = None,
) -> Path:
    """Write a run's report, beside its record unless told otherwise. Raises PradrillError."""
    name = f"report.{language}" if language else "report"
    path = output or app.store.runs / run_id / "reports" / f"{name}.{_SUFFIX[form]}"
    content = _rendered(app, casefile(app, run_id), form, language)
    if output is None:  # what lies there already could be a link to any file of ours
        with suppress(OSError):
            path.unlink()
    write_file(path, content)
    return path


def write_file(path: Path, content: bytes) -> None:
    """Write what the user asked for, in a folder that only they can read. Raises RecordError."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise RecordError(
            f"cannot write {path}: {error.strerror}", hint="Name another file with --output."
        ) from error


def _rendered(app: App, case: CaseFile, form: str, language: str | None) -> bytes:
    if form not in {"html", "pdf"}:
        return _as_data(app, case, form, language).encode()

    page = render_html(case, letterhead(app, language))
    if form == "html":
        return page.encode()

    record = case.record
    whole = Attached(RECORD, sealed(app, record.run_id), record.run_id, record.ended)

    return render_pdf(page, [whole])


def _as_data(app: App, case: CaseFile, form: str, language: str | None) -> str:
    if form == "junit":
        return render_junit(case)
    if form == "csv":
        return render_csv(case)
    if form == "json":
        return case.model_dump_json(indent=1) + "\n"

    sha256 = hashlib.sha256(sealed(app, case.record.run_id)).hexdigest()
    if form == "in-toto":
        return render_test_result(case, sha256)
    return render_oscal(case, sha256, letterhead(app, language).clauses)
