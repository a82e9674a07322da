"""Check that names of dumps date them: strptime takes what is missing for 1 January or midnight."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.config.loader import Document
from pradrill.config.problems import Problem
from pradrill.domain.declared.backup_source import DumpsSource
from pradrill.domain.declared.drill import Drill
from pradrill.domain.values.dated_text import lack_of


def dated_name_problems(document: Document, drill: Drill) -> Iterator[Problem]:
    """Find forms of names that would give every dump the same date, or a wrong one."""
    for service, way in drill.ways.items():
        source = way.recovery_point.source if way.recovery_point else None
        lack = lack_of(source.names) if isinstance(source, DumpsSource) else None
        if lack is not None:
            above = () if service is None else ("recover", service)
            what, directive = lack
            yield document.problem(
                (*above, "recovery_point", "dumps", "names"),
                f"the names tell {what}: their dates would be wrong",
                f"Add {directive}, as the backup job writes it; a week alone is its first day.",
            )
