"""Check manual steps, and whose loss is played, against the drill and the plan's providers."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.config.loader import Document, suggestion
from pradrill.config.problems import Problem
from pradrill.domain.declared.drill import Drill, Kind
from pradrill.domain.declared.manual_step import ManualStep
from pradrill.domain.declared.plan import Plan
from pradrill.domain.declared.responsibility import is_same_line


def manual_problems(document: Document, drill: Drill, plan: Plan | None) -> Iterator[Problem]:
    """Find what manual steps and the scenario contradict, each with its line."""
    lost = drill.scenario.provider_lost
    if lost is not None and plan is not None and lost not in plan.providers:
        yield document.problem(
            ("scenario", "provider_lost"),
            f'the plan has no provider "{lost}"',
            suggestion(lost, list(plan.providers)),
        )

    steps = list(drill.manual())
    for where, step in steps:
        if drill.unattended:
            yield document.problem(
                where,
                f'nobody is there to answer "{step.title}" when unattended is true',
                "Leave the step out, or write unattended: false and launch the drill by hand.",
            )

        if step.call is not None and plan is not None and step.call not in plan.providers:
            yield document.problem(
                (*where, "call"),
                f'the plan has no provider "{step.call}"',
                suggestion(step.call, list(plan.providers)),
            )
        yield from _unknown_line(document, where, step, drill, plan)

    if steps and drill.kind is Kind.TEST:
        where, _ = steps[0]
        place = ("kind",) if ("kind",) in document.lines else where
        yield document.problem(
            place, "a drill with manual steps is no technical test", "Write kind: exercise."
        )

    if not steps and drill.kind is Kind.EXERCISE:
        yield document.problem(
            ("kind",),
            "an exercise has people in it, and this drill asks nobody",
            "Add a manual step, or write kind: test.",
        )


def _unknown_line(
    document: Document,
    where: tuple[str | int, ...],
    step: ManualStep,
    drill: Drill,
    plan: Plan | None,
) -> Iterator[Problem]:
    """Find a step that exercises a responsibility that no service of the drill declares."""
    if step.responsibility is None or plan is None:
        return
    services = [plan.services[name] for name in drill.services if name in plan.services]
    lines = [line for service in services for line in service.responsibilities]
    if not any(is_same_line(step.responsibility, line) for line in lines):
        yield document.problem(
            (*where, "responsibility"),
            f'no service of the drill has the responsibility "{step.responsibility}" in the plan',
            suggestion(step.responsibility, lines),
        )
