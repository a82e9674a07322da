"""Find lines of the plan's responsibilities of which no drill can ever show anything."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.config.loader import suggestion
from pradrill.config.project import Project
from pradrill.domain.declared.responsibility import Topic


def unshown_lines(project: Project) -> Iterator[str]:
    """Say which lines are no topic and are named by no manual step: no error, but no proof."""
    lines = {
        step.responsibility
        for loaded in project.drills.values()
        for _, step in loaded.drill.manual()
    }
    for name, service in project.plan.services.items():
        for line in service.responsibilities:
            if Topic.of(line) is None and line not in lines:
                yield (
                    f'{name}: no drill shows who did "{line}": it is no topic, and no manual step '
                    f"names it. {suggestion(line, list(Topic))}"
                )
