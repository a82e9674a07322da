"""Derive a finding from a backup that is not like those before it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from pradrill.domain.register.finding import BY_THE_CATALOGUE, DUE_WITHIN, Finding
from pradrill.domain.register.finding_key import About, FindingKey
from pradrill.domain.run.backup_watch import (
    LateBackup,
    ShrunkBackup,
    SlowBackup,
    Suspicion,
    suspicion_text,
)
from pradrill.domain.values.severity import Severity

_LONGEST = 200


def finding_of_backup(
    suspicion: Suspicion,
    drill: str,
    services: Sequence[str],
    owner: str | None,
    now: datetime,
) -> Finding:
    """Return the finding that it is. Its key names the backup: another one is another finding."""
    backup = suspicion.backup_id
    match suspicion:
        case ShrunkBackup():
            about, severity = About.BACKUP_SHRUNK, Severity.MAJOR
            title = f"the backup {backup} of {drill} is less than half as large as those before"
        case SlowBackup():
            about, severity = About.BACKUP_SLOW, Severity.MINOR
            title = f"the backup {backup} of {drill} took more than twice as long as those before"
        case LateBackup():
            about, severity = About.BACKUP_LATE, Severity.MAJOR
            title = f"no backup of {drill} followed on {backup} when it was due"

    return Finding(
        key=FindingKey(about, drill, backup).text,
        title=title[:_LONGEST],
        detail=suspicion_text(suspicion),
        severity=severity,
        services=tuple(services),
        owner=owner,
        due=now.date() + timedelta(days=DUE_WITHIN[severity]),
        opened=now,
        by=BY_THE_CATALOGUE,
    )
