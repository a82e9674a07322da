"""Judge how each service stands today, from its plan, its drills and what the register holds."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from pradrill.domain.dossier.calendar import StatusCalendar
from pradrill.domain.dossier.project_facts import DeclaredDrill, DeclaredService, ProjectFacts
from pradrill.domain.dossier.register_facts import RegisterFacts
from pradrill.domain.dossier.status import (
    ConclusiveRun,
    Expiry,
    SabotageScore,
    ServiceStatus,
    Standing,
    Status,
)
from pradrill.domain.dossier.tests_of_services import DrillTests, ServiceTest, declared_tests
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.sabotage import sabotages
from pradrill.domain.run.ending import Verdict
from pradrill.domain.values.duration import next_due
from pradrill.domain.values.severity import Severity

ChangesOf = Callable[[ServiceTest], tuple[str, ...] | None]
"""Returns what has changed since a proof that its recovery depends on; None: nobody can tell."""


class Grounds(NamedTuple):
    """What a status is judged by."""

    facts: ProjectFacts
    register: RegisterFacts
    tests: Sequence[DrillTests]
    findings: Sequence[Finding]
    """The open ones."""
    changes_of: ChangesOf
    calendar: StatusCalendar
    now: datetime


def services_of(grounds: Grounds) -> list[ServiceStatus]:
    """Return each service of the plan: by tier, the worst first in each."""
    finished = grounds.register.last_finished()
    scores = _scores(grounds)
    statuses = [
        _service(name, service, grounds, finished.get(name), scores)
        for name, service in grounds.facts.services.items()
    ]
    return sorted(statuses, key=_place)


def _service(
    name: str,
    service: DeclaredService,
    grounds: Grounds,
    finished: datetime | None,
    scores: Mapping[str, SabotageScore],
) -> ServiceStatus:
    drills = [(key, each) for key, each in grounds.facts.drills.items() if name in each.services]
    declared = list(declared_tests(name, drills, grounds.tests))
    every = [each for each in grounds.tests if each.service == name]
    word, expiry, changes = _judged(declared, every, (name, service), grounds)

    # Whoever asks how far a service can be trusted asks for the newest of all, whatever drill.
    latest = _newest(each.latest for each in (declared or every))
    proof = _newest(each.proof for each in (declared or every))
    telling = _telling(word, declared, latest, proof)
    rta = telling.part.rta if telling else None
    rpa = telling.part.rpa if telling else None
    view = grounds.calendar.of(name)
    due = next_due(service.every, finished) if view is None else view.due
    is_due = service.every is not None and (finished is None or _is_past(due, grounds.now))
    findings = [each for each in grounds.findings if name in each.services]
    sabotage = [scores[key] for key, _ in drills if key in scores]

    return ServiceStatus(
        service=name,
        title=service.title,
        tier=service.tier,
        word=word,
        expiry=expiry,
        changes=changes,
        untested_drills=tuple(each.drill for each in declared if each.latest is None),
        proof=_run(proof),
        proof_age=(grounds.now - proof.run.started).total_seconds() if proof else None,
        latest=_run(latest),
        drill_every=service.every,
        drill_on=service.on,
        due=due,
        is_due=is_due if view is None else view.is_due,
        rto=service.rto,
        rpo=service.rpo,
        rta=rta,
        rpa=rpa,
        rta_margin=None if rta is None else service.rto - rta,
        rpa_margin=None if rpa is None else service.rpo - rpa,
        sabotage=min(sabotage, key=lambda each: each.score or 0.0, default=None),
        findings_open=by_severity(findings),
        findings_overdue=sum(is_overdue(each, grounds.now) for each in findings),
    )


def by_severity(findings: Iterable[Finding]) -> dict[Severity, int]:
    """Count findings; a severity that none has is nought."""
    counts = Counter(each.severity for each in findings)
    return {severity: counts[severity] for severity in Severity}


def is_overdue(finding: Finding, now: datetime) -> bool:
    """Tell whether an open finding's date is past."""
    return finding.due is not None and finding.due < now.date()


def _judged(
    declared: Sequence[DrillTests],
    every: Sequence[DrillTests],
    service: tuple[str, DeclaredService],
    grounds: Grounds,
) -> tuple[Standing, tuple[Expiry, ...], tuple[str, ...]]:
    """Return the word: a drill that fails outweighs one that passes.

    Of several proofs one that holds suffices. A service that no drill of today covers was once
    tested, or never.
    """
    tested = [each for each in declared if each.latest is not None]
    if not declared and any(each.latest for each in every):
        unknown = bool(grounds.facts.unreadable)
        return Standing.EXPIRED, (Expiry.UNKNOWN if unknown else Expiry.UNCOVERED,), ()
    if not tested:
        return Standing.NEVER_TESTED, (), ()

    verdicts = {each.latest.verdict for each in tested if each.latest}
    for verdict, word in _BAD.items():
        if verdict in verdicts:
            return word, (), ()

    judged = [(*_expiry(each.proof, service, grounds), each.proof) for each in tested if each.proof]
    if any(not expiry for expiry, _, _ in judged):
        return Standing.PROVEN, (), ()

    expiry, changes, _ = max(judged, key=lambda each: each[2].run.started)
    return Standing.EXPIRED, expiry, changes


_BAD = {Verdict.FAILED: Standing.FAILED, Verdict.MISSED: Standing.MISSED}


def _expiry(
    proof: ServiceTest, service: tuple[str, DeclaredService], grounds: Grounds
) -> tuple[tuple[Expiry, ...], tuple[str, ...]]:
    name, declared = service
    changes = grounds.changes_of(proof)
    if declared.every is None:
        is_old = grounds.calendar.outdates(name, proof.run.started)
    else:
        is_old = _is_past(next_due(declared.every, proof.run.started), grounds.now)
    reasons = (
        (Expiry.OLD, is_old),
        (Expiry.UNKNOWN, changes is None),
        (Expiry.CHANGED, bool(changes)),
    )
    return tuple(reason for reason, holds in reasons if holds), changes or ()


def _telling(
    word: Standing,
    declared: Sequence[DrillTests],
    latest: ServiceTest | None,
    proof: ServiceTest | None,
) -> ServiceTest | None:
    """Return the test whose figures are shown: the one that the word is about."""
    bad = {word: verdict for verdict, word in _BAD.items()}.get(word)
    if bad is not None:
        return _newest(
            each.latest for each in declared if each.latest and each.latest.verdict is bad
        )
    return proof or latest


def _newest(tests: Iterable[ServiceTest | None]) -> ServiceTest | None:
    return max((each for each in tests if each), key=lambda each: each.run.started, default=None)


def _run(test: ServiceTest | None) -> ConclusiveRun | None:
    if test is None:
        return None
    run = test.run
    return ConclusiveRun(run_id=run.run_id, drill=run.drill, at=run.started, verdict=test.verdict)


def _scores(grounds: Grounds) -> dict[str, SabotageScore]:
    return {
        drill: SabotageScore(
            drill=drill,
            score=entry.score,
            at=entry.ended,
            expired=not _says(grounds.facts.drills.get(drill), digest_of(entry.files)),
        )
        for drill, entry in sabotages(grounds.register.entries).items()
    }


def _says(drill: DeclaredDrill | None, digest: str) -> bool:
    return drill is not None and drill.says == digest


def digest_of(files: Mapping[str, str]) -> str:
    """Return one hash of what files say."""
    text = "\n".join(f"{path} {says}" for path, says in sorted(files.items()))
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def _is_past(due: datetime | None, now: datetime) -> bool:
    return due is not None and due <= now


def _place(status: ServiceStatus) -> tuple[float, int, str]:
    tier = float("inf") if status.tier is None else status.tier
    return tier, list(Standing).index(status.word), status.service


def counts_of(services: Iterable[ServiceStatus]) -> dict[Standing, int]:
    """Count the words; a word that none has is nought."""
    counts = Counter(each.word for each in services)
    return {word: counts[word] for word in Standing}


def narrowed(status: Status, names: Sequence[str]) -> Status:
    """Return a status of some services only; all of it when none is named.

    What is wrong with the whole, as a damaged register, stays in it.
    """
    if not names:
        return status
    services = tuple(each for each in status.services if each.service in names)
    alarms = tuple(
        alarm
        for alarm in status.alarms
        if alarm.service is None or not set(names).isdisjoint(alarm.service.split(", "))
    )
    findings = Counter[Severity]()
    for each in services:
        findings.update(each.findings_open)
    update = {
        "services": services,
        "alarms": alarms,
        "counts": counts_of(services),
        "findings_open": {severity: findings[severity] for severity in Severity},
        "findings_overdue": sum(each.findings_overdue for each in services),
    }
    return status.model_copy(update=update)
