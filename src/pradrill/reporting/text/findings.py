"""Describe findings in plain words, for a terminal and for a mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pradrill.domain.register.finding import Finding
from pradrill.domain.register.finding_history import open_findings
from pradrill.reporting.language import formats as wording


def finding_line(finding: Finding, now: datetime) -> str:
    """Say in a line what is open, how grave, since when, whose, until when."""
    parts = [
        finding.finding,
        finding.severity.value,
        ", ".join(finding.services),
        wording.line(finding.title, 120),
        _since(finding, now),
        f"owner {wording.line(finding.owner, 60)}" if finding.owner else "no owner",
        _until(finding, now),
    ]
    return "  ".join(part for part in parts if part)


def finding_lines(finding: Finding, now: datetime) -> Iterator[str]:
    """Say all that is known of a finding."""
    yield finding_line(finding, now)
    for line in wording.clean(finding.detail).splitlines():
        yield f"    {line}"
    yield f"    opened {wording.at(finding.opened)} by {wording.line(finding.by)}" + (
        f", run {finding.run_id}" if finding.run_id else ""
    )
    for sighting in finding.seen:
        yield f"    seen again {wording.at(sighting.at)}, run {sighting.run_id}"

    if (closure := finding.closure) is not None:
        remark = f": {wording.line(closure.text)}" if closure.text else ""
        yield (
            f"    closed {wording.at(closure.at)} by {wording.line(closure.by)}, proved by the run "
            f"{closure.run_id}{remark}"
        )


def open_line(findings: Sequence[Finding], now: datetime) -> str:
    """Say in a line how many are open; empty when none is."""
    still = open_findings(findings)
    if not still:
        return ""

    overdue = sum(finding.due is not None and finding.due < now.date() for finding in still)
    late = f", {overdue} overdue" if overdue else ""

    return f"Open findings: {len(still)}{late}, the oldest {_since(still[0], now)}"


def _since(finding: Finding, now: datetime) -> str:
    if finding.closure is not None:
        return "closed"
    days = max(0, (now - finding.opened).days)
    return f"open for {days} day{'s' if days != 1 else ''}"


def _until(finding: Finding, now: datetime) -> str:
    if finding.due is None or finding.closure is not None:
        return ""
    late = (now.date() - finding.due).days
    return f"due {finding.due}" + (f", {late} days late" if late > 0 else "")
