"""Check manual steps against the rest of the drill, and against the plan's providers."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

from pradrill.config.loader import Document, suggestion
from pradrill.config.problems import Problem
from pradrill.domain.declared.drill import Drill, Kind
from pradrill.domain.declared.plan import Plan


def manual_problems(document: Document, drill: Drill, plan: Plan | None) -> Iterator[Problem]:
    """Find what the drill's manual steps contradict, each with its line."""
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

    if steps and plan is not None and plan.notify and shutil.which(plan.notify[0]) is None:
        where, step = steps[0]
        yield document.problem(
            where,
            f'nobody would be told of "{step.title}": the plan\'s notify names '
            f'"{plan.notify[0]}", and there is no such program',
            "Install it, or write its whole path.",
        )

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
