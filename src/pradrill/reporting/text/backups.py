"""Describe backups: the one chosen, the worst case, the gaps, the checks."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.domain.run import backup_catalogue as catalogue
from pradrill.domain.run.backup_catalogue import CatalogueReading, WorstCase
from pradrill.domain.run.backup_integrity import IntegrityResult
from pradrill.domain.values.duration import format_duration
from pradrill.reporting.language.formats import at, size

_NAMED = 10


def reading_facts(reading: CatalogueReading) -> Iterator[tuple[str, str]]:
    """Return name and text of each thing that the catalogue told."""
    point = reading.selected
    yield "backup", f"{point.id}, {reading.rule}: {reading.why}"
    yield "made", f"data of {at(point.data_time)}, complete {at(point.available)}"
    details = [size(point.size), f"host {point.host}" if point.host else "", ", ".join(point.tags)]
    yield "described as", "; ".join(word for word in details if word)
    yield "copy", f"{reading.source}, {reading.location}"
    others = f", {reading.beside} of other machines or folders" if reading.beside else ""
    yield "in the catalogue", f"{reading.points} backups, {len(reading.unusable)} unusable{others}"
    if reading.append_only:
        yield "deletion", "nothing goes for good with these credentials: it was tried"
    yield from worst_facts(reading.worst_case)


def worst_facts(worst: WorstCase) -> Iterator[tuple[str, str]]:
    """Return the worst-case RPA, and what the schedule promised."""
    yield "worst-case RPA", catalogue.worst_case_text(worst)
    short = "; too short to prove that an RPO is met" if worst.is_short else ""
    yield "history", f"from {at(worst.since)}, at most {format_duration(worst.window)} back{short}"

    if worst.promised:
        dates = ", ".join(at(due) for due in worst.missing[:_NAMED])
        more = worst.missing_count - len(worst.missing[:_NAMED])
        text = f"{worst.missing_count}: {dates}" if dates else "none"
        yield f"missing, of {worst.promised}", text + (f" and {more} more" if more else "")


def integrity_facts(result: IntegrityResult) -> Iterator[tuple[str, str]]:
    """Return what a check of the backups came to, and what all of them cover."""
    yield (
        "integrity",
        f"{result.soundness}, by {result.method}" + (f": {result.detail}" if result.detail else ""),
    )
    if result.parts > 1:
        full = f"last complete {at(result.full_on)}" if result.full_on else "never complete yet"
        yield "read so far", f"{result.covered:.0%} since the last full coverage; {full}"
