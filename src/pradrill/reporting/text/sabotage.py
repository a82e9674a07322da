"""Describe what a sabotage found, for people."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime

from pradrill.domain.declared.fault import DeclaredFault
from pradrill.domain.register.sabotage import FaultOutcome, SabotageEntry, TriedFault
from pradrill.reporting.language.formats import at, at_minute, line, percent, short

_WIDTH = 160


def score_line(entry: SabotageEntry) -> str:
    """Return a score with what it is of, in one line."""
    part = f"{len(entry.of(FaultOutcome.CAUGHT))} of {entry.tried}"
    if entry.score is None:
        return f"no score  {entry.drill}  none of {len(entry.faults)} faults could be tried"
    return f"{percent(entry.score)}  {entry.drill}  {part} faults caught"


def sabotage_lines(entry: SabotageEntry, *, whole: bool) -> Iterator[str]:
    """Yield the score, what nothing caught, what could not be tried, and idle checks."""
    yield f"{score_line(entry)}, {at(entry.ended)}, in {short(entry.ended - entry.began)}"
    headings = {
        FaultOutcome.MISSED: "No check noticed:",
        FaultOutcome.UNCLEAR: "Checks gave no answer, which is no catch:",
        FaultOutcome.NOT_TRIED: "Not tried, and not counted:",
    }
    for outcome, heading in headings.items():
        faults = entry.of(outcome)
        if faults:
            yield f"\n{heading}"
            yield from map(_fault, faults)
    if entry.never_failed:
        yield "\nChecks that no fault has made fail:"
        yield from (f"  {line(check, _WIDTH)}" for check in entry.never_failed)
    yield ""
    if whole:
        yield "A score is no drill and proves no recovery; it is entered in the register."
    else:
        yield "A part of the faults: no score, and nothing is entered in the register."


def fault_lines(faults: Sequence[DeclaredFault]) -> Iterator[str]:
    """Yield one line a fault: its name, and what it stands for."""
    width = max((len(fault.fault) for fault in faults), default=0)
    for fault in faults:
        yield f"{fault.fault:<{width}}  {line(fault.stands_for, _WIDTH)}"


def last_lines(last: Sequence[SabotageEntry], stale: Sequence[str], now: datetime) -> Iterator[str]:
    """Yield one line a drill: its last score, how old it is, and whether it still holds."""
    if not last:
        yield "no drill has been sabotaged yet: pradrill sabotage DRILL"
    for entry in last:
        changed = "; its files have changed since" if entry.drill in stale else ""
        age = f"{at_minute(entry.ended)}, {short(now - entry.ended)} ago"
        yield f"{score_line(entry)}, {age}{changed}"


def _fault(tried: TriedFault) -> str:
    why = f" ({line(tried.detail, _WIDTH)})" if tried.detail else ""
    of = f"{tried.service}: " if tried.service else ""
    return f"  {of}{tried.fault}: {line(tried.stands_for, _WIDTH)}{why}"
