"""Tell on a terminal what a run's services tried to reach, and which files they lack elsewhere."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.domain.report.sections import Section
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.run import inward, mail_sink, outward

_LINES = 20


def dependency_lines(record: RunRecord) -> Iterator[tuple[str, str, list[str]]]:
    """Yield a heading, a sentence, and a line for each thing; nothing of what nobody looked at."""
    if record.egress:
        lines = [
            f"{each.host}: {each.where} {each.protocol}, {each.times} ({each.expectation})"
            for each in outward.rows(record)
        ]
        lines += [
            f"{each.host}: mail for {each.where}: {each.mails} ({each.domains or each.remarks})"
            for each in mail_sink.rows(record)
        ]
        sentences = filter(None, (outward.summary(record), mail_sink.summary(record)))
        yield Section.EGRESS.heading, " ".join(sentences), _first(lines)
    if record.files:
        lines = [
            f"{each.host}: {', '.join((*each.paths, each.more)).rstrip(', ')} ({each.expectation})"
            for each in inward.rows(record)
        ]
        yield Section.FILES.heading, inward.summary(record), _first(lines)


def _first(lines: list[str]) -> list[str]:
    """Return the first lines, and how many more the record has."""
    more = len(lines) - _LINES
    return [*lines[:_LINES], f"{more} more, in the record"] if more > 0 else lines
