"""Check who answers for what: a topic that nobody owns, or two do, or that no drill can show.

Only `validate` asks: what is wrong in the table keeps no recovery from being drilled.
"""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.config.loader import Document, Loc, suggestion
from pradrill.config.problems import Problem
from pradrill.config.project import Project
from pradrill.domain.declared.plan import Plan, Service
from pradrill.domain.declared.responsibility import REQUIRED, Topic, is_same_line, owned, owners_of

_HINT = "Say who answers for it, under responsibilities of the plan or of the service."


def has_gaps(plan: Plan) -> bool:
    """Tell whether a table that was begun names nobody for a topic or a line."""
    return any(
        not {*REQUIRED} <= owned(table) or not all(table.values())
        for service in plan.services.values()
        if (table := service.responsibilities)
    )


def gap_problems(document: Document, plan: Plan) -> Iterator[Problem]:
    """Find topics of a table that was begun for which nobody answers, and lines without a name."""
    problems: dict[tuple[Loc, str], Problem] = {}
    for name, service in plan.services.items():
        table = service.responsibilities
        for line in (line for line, owners in table.items() if not owners):
            loc = _place(document, name, line)
            problems[loc, line] = document.problem(loc, "nobody answers for it", _HINT)

        topics = {Topic.of(line) for line in table}
        missing = [topic for topic in REQUIRED if topic not in topics]
        if table and missing:
            loc = _place(document, name)
            message = f"nobody answers for {', '.join(missing)}"
            problems[loc, message] = document.problem(loc, message, _HINT)
    yield from problems.values()


def _place(document: Document, service: str, *line: str) -> Loc:
    """Return where a table, or its line, is written: at the service, or for the whole plan."""
    at_the_service: Loc = ("services", service, "responsibilities", *line)
    if at_the_service in document.lines:
        return at_the_service
    return ("responsibilities", *line)


def responsibility_remarks(project: Project) -> Iterator[str]:
    """Say what is no error, and is to be known: no table, two owners, no drill that shows it."""
    services = project.plan.services
    silent = [
        name for name, each in services.items() if each.provider and not each.responsibilities
    ]
    if silent:
        yield (
            f"{', '.join(silent)}: hosted, and the plan does not say who answers for what: a "
            "provider takes care of what its contract names, and of nothing else"
        )
    for remarks in (_shared(project.plan), _unshown(project)):
        services_of: dict[str, list[str]] = {}
        for name, remark in remarks:
            services_of.setdefault(remark, []).append(name)
        yield from (f"{', '.join(names)}: {remark}" for remark, names in services_of.items())


def _shared(plan: Plan) -> Iterator[tuple[str, str]]:
    """Yield services, and what to know of lines with more than one owner."""
    for name, service in plan.services.items():
        yield from ((name, remark) for remark in _shared_lines(plan, service))


def _shared_lines(plan: Plan, service: Service) -> Iterator[str]:
    """Say which lines have more than one owner, named one by one or in one text."""
    lines: list[str] = []
    for line in service.responsibilities:
        if any(is_same_line(line, each) for each in lines):
            continue
        lines.append(line)
        owners = owners_of(service.responsibilities, line)
        parties = owners if len(owners) > 1 else _parties(plan, "".join(owners))
        if len(parties) > 1:
            yield (
                f"{' and '.join(parties)} answer for {line}: when two do, nobody does. "
                "Name one, and the other's part as a line of its own."
            )


def _parties(plan: Plan, owners: str) -> tuple[str, ...]:
    """Return whom of those that the plan knows one text names."""
    names = {name.casefold(): name for name in (plan.organisation, *plan.providers)}
    padded = f" {_words(owners)} "
    return tuple(name for key, name in names.items() if f" {_words(key)} " in padded)


def _words(text: str) -> str:
    return " ".join("".join(c if c.isalnum() else " " for c in text.casefold()).split())


def _unshown(project: Project) -> Iterator[tuple[str, str]]:
    """Yield services, and lines that are no topic and that no manual step names: no proof."""
    steps = [
        step.responsibility
        for loaded in project.drills.values()
        for _, step in loaded.drill.manual()
        if step.responsibility is not None
    ]
    for name, service in project.plan.services.items():
        for line in service.responsibilities:
            if Topic.of(line) is None and not any(is_same_line(line, each) for each in steps):
                remark = (
                    f'no drill shows who did "{line}": it is no topic, and no manual step '
                    f"names it. {suggestion(line, list(Topic))}"
                )
                yield name, remark
