"""Tell which files a run's services opened that neither backup, package nor playbook brings."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.domain.declared.plan import FileNeed
from pradrill.domain.run.file_map import ForeignFiles, foreign_files
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import Branch


def foreign(record: RunRecord, branch: Branch | None = None) -> list[ForeignFiles]:
    """Return what a branch, or all, opened and no drill brings, the unexpected first."""
    every = [
        each
        for host, file_map in record.files.items()
        if branch is None or host in branch.hosts
        for each in foreign_files(file_map, _needs(record, host), host)
    ]
    return sorted(every, key=lambda each: each.is_expected)


def missing_files(record: RunRecord, branch: Branch) -> list[ForeignFiles]:
    """Return the files that a branch needs, that it would lack, and that no plan speaks of."""
    return [each for each in foreign(record, branch) if not each.is_expected]


def _needs(record: RunRecord, host: str) -> Iterator[FileNeed]:
    """Yield what the plan says that the services of a host open beside their backups."""
    for service in record.plan.services_on(host).values():
        yield from service.needs_files
