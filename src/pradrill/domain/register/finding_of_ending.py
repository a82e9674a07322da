"""Derive a finding from a commitment of a provider that ends soon."""

from __future__ import annotations

from datetime import datetime

from pradrill.domain.declared.provider import CommitmentEnd
from pradrill.domain.register.finding import BY_THE_PLAN, Finding
from pradrill.domain.register.finding_key import About, FindingKey
from pradrill.domain.values.severity import Severity


def finding_of_ending(ending: CommitmentEnd, now: datetime) -> Finding:
    """Return the finding that it ends; its date makes it another one once it was renewed."""
    what = f"certification {ending.what}" if ending.what else "contract"
    key = FindingKey(About.COMMITMENT, ending.provider, f"{what} {ending.day}")
    return Finding(
        key=key.text,
        title=f"the {what} of {ending.provider} ends on {ending.day}",
        severity=Severity.MAJOR,
        due=ending.day,
        opened=now,
        by=BY_THE_PLAN,
    )
