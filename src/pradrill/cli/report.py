"""`pradrill report`: one self-contained HTML page from a sealed record."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path

from pradrill.cli.sweeping import swept
from pradrill.cli.workplace import Workplace
from pradrill.domain.casefile import CaseFile
from pradrill.errors import ExitCode, RecordError
from pradrill.reporting.html import render_html


def run(args: Namespace) -> int:
    """Write the page and print where it is."""
    place = swept(Workplace(args))
    print(write_report(place, place.store.find(args.run), args.output))
    return ExitCode.PASSED


def casefile(place: Workplace, run_id: str) -> CaseFile:
    """Return what is known of a run. Raises RecordError."""
    return CaseFile(record=place.store.read(run_id))


def write_report(place: Workplace, run_id: str, output: Path | None = None) -> Path:
    """Write a run's page, beside its record unless told otherwise. Raises RecordError."""
    page = render_html(casefile(place, run_id))
    path = output or place.store.runs / run_id / "reports" / "report.html"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise RecordError(
            f"cannot write {path}: {error.strerror}", hint="Name another file with --output."
        ) from error
    return path
