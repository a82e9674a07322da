"""Say which commitments of providers end, for a terminal."""

from __future__ import annotations

import datetime as dt

from pradrill.domain.declared.provider import CommitmentEnd
from pradrill.reporting.language import formats as wording


def ending_line(ending: CommitmentEnd, today: dt.date) -> str:
    """Say in a line what ends, and when."""
    days = (ending.day - today).days
    many = "" if abs(days) == 1 else "s"
    when = f"ends on {ending.day}, in {days} day{many}"
    if days < 0:
        when = f"ended on {ending.day}, {-days} day{many} ago"
    return f"provider {wording.line(ending.provider, 60)}: {commitment(ending)} {when}"


def commitment(ending: CommitmentEnd) -> str:
    """Name it."""
    return f"the certification {wording.line(ending.what, 60)}" if ending.what else "the contract"
