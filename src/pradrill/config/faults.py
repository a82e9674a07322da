"""Read faults: those that come with pradrill, and those that a drill names."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

from pradrill.config.loader import Document, Loc, read_document, suggestion, validate
from pradrill.config.once import once
from pradrill.config.problems import ConfigurationProblemsError, Problem
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.fault import DeclaredFault, FaultFile, Sabotage

_SHIPPED = Path(__file__).with_name("faults")


def faults_of(drill: Drill) -> dict[str | None, tuple[DeclaredFault, ...]]:
    """Return branch (its service) → the faults that fit it. Raises ConfigurationProblemsError.

    A fault of the drill's takes the place of the shipped one of that name.
    """
    return {
        service: tuple(
            fault
            for fault in _every(way.sabotage or Sabotage()).values()
            if fault.fits(
                drill.services if service is None else (service,),
                (way.sabotage or Sabotage()).parameters,
            )
        )
        for service, way in drill.ways.items()
    }


def fault_problems(document: Document, drill: Drill) -> Iterator[Problem]:
    """Look at every file of faults that a drill names, and for parameters that no fault has."""
    for service, way in drill.ways.items():
        if way.sabotage is None:
            continue
        above: Loc = ("sabotage",) if service is None else ("recover", service, "sabotage")
        broken = False
        for path in way.sabotage.faults:
            try:
                _read(path)
            except ConfigurationProblemsError as error:
                broken = True
                yield from error.problems
        if broken:
            continue

        every = _every(way.sabotage).values()
        names = {name for fault in every for name in (*fault.parameters, *fault.discover)}
        for name in way.sabotage.parameters.keys() - names:
            hint = suggestion(name, sorted(names))
            where = (*above, "parameters", name)
            yield document.problem(where, f'no fault has a parameter "{name}"', hint)


def _every(declared: Sabotage) -> dict[str, DeclaredFault]:
    """Return name → fault, in the order in which they are tried."""
    files = [each for path in declared.faults for each in _read(path)]
    return {fault.fault: fault for fault in (*shipped(), *files)}


@cache
def shipped() -> tuple[DeclaredFault, ...]:
    """Return the faults that come with pradrill."""
    return tuple(fault for path in sorted(_SHIPPED.glob("*.yml")) for fault in _read(path))


@once
def _read(path: Path) -> tuple[DeclaredFault, ...]:
    """Read a file of faults. Raises ConfigurationProblemsError."""
    document = read_document(path)
    file = validate(document, FaultFile)
    faults = tuple(fault.after(file.prelude) for fault in file.faults)
    first: dict[str, int] = {}
    problems = []
    for number, fault in enumerate(faults):
        if fault.fault in first:
            line = document.line(("faults", first[fault.fault], "fault"))
            message = f'"{fault.fault}" is already on line {line}'
            problems.append(document.problem(("faults", number, "fault"), message))
        first.setdefault(fault.fault, number)
    if problems:
        raise ConfigurationProblemsError(problems)

    return faults
