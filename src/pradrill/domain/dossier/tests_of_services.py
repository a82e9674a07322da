"""Find of each service and drill the latest test, and the last one that passed.

Of a run that recovered one service the register tells how it ended; of one with several, its
record. So few records are looked at, however many there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from pradrill.domain.dossier.project_facts import DeclaredDrill, ProofPlace
from pradrill.domain.dossier.register_facts import RegisterFacts, is_conclusive, run_of
from pradrill.domain.dossier.run_parts import RunPart, RunParts
from pradrill.domain.register.entry import Entry, RunEntry
from pradrill.domain.run.ending import Verdict

PartsOf = Callable[[RunEntry], RunParts | None]
"""Returns what a run's record tells; None when it cannot be read, or is another."""


class ServiceTest(NamedTuple):
    """A run that came to a conclusion about a service."""

    run: RunEntry
    place: ProofPlace
    verdict: Verdict
    part: RunPart


class DrillTests(NamedTuple):
    """What the runs of one drill showed of one service."""

    service: str
    drill: str
    latest: ServiceTest | None
    proof: ServiceTest | None


def tests_of(register: RegisterFacts, parts_of: PartsOf) -> list[DrillTests]:
    """Return what the runs of each drill showed of each of its services."""
    return [
        _tests(service, drill, entries, parts_of)
        for (service, drill), entries in register.runs.items()
    ]


def declared_tests(
    service: str, drills: Iterable[tuple[str, DeclaredDrill]], tests: Iterable[DrillTests]
) -> Iterator[DrillTests]:
    """Yield what there is of each drill of today; of one with another name, by what it recovers."""
    of_service = [each for each in tests if each.service == service]
    by_drill = {each.drill: each for each in of_service}
    for name, drill in drills:
        of_drill = by_drill.get(name)
        if of_drill is not None and of_drill.latest is not None:
            yield of_drill
            continue

        renamed = [
            each
            for each in of_service
            if each.latest is not None and each.latest.place in drill.places
        ]
        newest = max(renamed, key=lambda each: _began(each.latest), default=None)
        yield newest or DrillTests(service, name, None, None)


def _tests(service: str, drill: str, entries: Sequence[Entry], parts_of: PartsOf) -> DrillTests:
    latest = next(_conclusive(service, entries, parts_of), None)
    if latest is None or latest.verdict is Verdict.PASSED:
        return DrillTests(service, drill, latest, latest)

    may_prove = [entry for entry in entries if not _alone(entry) or _passed(entry)]
    tests = _conclusive(service, may_prove, parts_of)
    proof = next((test for test in tests if test.verdict is Verdict.PASSED), None)
    return DrillTests(service, drill, latest, proof)


def _conclusive(service: str, entries: Iterable[Entry], parts_of: PartsOf) -> Iterator[ServiceTest]:
    for entry in entries:
        if _alone(entry) and not is_conclusive(entry.body):
            continue

        run = run_of(entry)
        parts = None if run is None else parts_of(run)
        part = None if parts is None else parts.of(service)
        if run is not None and part is not None and part.verdict is not None:
            yield ServiceTest(run, part.place, part.verdict, part)


def _alone(entry: Entry) -> bool:
    return len(entry.body.get("services") or ()) == 1


def _passed(entry: Entry) -> bool:
    return entry.body.get("verdict") == Verdict.PASSED.value


def _began(test: ServiceTest | None) -> float:
    return test.run.started.timestamp() if test is not None else 0.0
