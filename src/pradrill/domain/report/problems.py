"""Put findings together that are one problem: a check that fails in two drills is one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from pradrill.domain.register.finding import Finding
from pradrill.domain.register.finding_key import FindingKey
from pradrill.domain.values.severity import worst


def problems(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return one finding for each problem, under all its names, where the first of it stood."""
    merged: dict[Hashable, Finding] = {}
    for finding in findings:
        same = _same(finding)
        merged[same] = _joined(merged[same], finding) if same in merged else finding

    return tuple(merged.values())


def _same(finding: Finding) -> Hashable:
    """Return what two findings share that are one problem: all of the key but the drill's name."""
    key = FindingKey.read(finding.key)
    if not finding.open or not key.of_a_drill or key.which is None:
        return finding.finding or id(finding)
    return key.about, key.which, finding.title, frozenset(finding.services)


def _joined(one: Finding, other: Finding) -> Finding:
    dates = [date for date in (one.due, other.due) if date is not None]
    return one.model_copy(
        update={
            "finding": f"{one.finding}, {other.finding}",
            "detail": "\n".join(dict.fromkeys(filter(None, (one.detail, other.detail)))),
            "severity": worst(one.severity, other.severity),
            "owner": one.owner or other.owner,
            "due": min(dates, default=None),
            "opened": min(one.opened, other.opened),
            "seen": tuple(sorted((*one.seen, *other.seen), key=lambda sighting: sighting.at)),
        }
    )
