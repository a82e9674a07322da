"""Read how the services stand. What must be derived from records and drills is kept beside them."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from pradrill import __version__
from pradrill.app.reading import StateReader
from pradrill.app.status.watched import KeptProspects, watched
from pradrill.domain.dossier.alarms_of import alarms_of
from pradrill.domain.dossier.calendar import StatusCalendar
from pradrill.domain.dossier.project_facts import ProjectFacts
from pradrill.domain.dossier.proven_points import ProvenServices, proven_services
from pradrill.domain.dossier.register_facts import RegisterFacts
from pradrill.domain.dossier.run_parts import RunParts
from pradrill.domain.dossier.status import Status
from pradrill.domain.dossier.status_of import (
    Grounds,
    by_severity,
    counts_of,
    is_overdue,
    services_of,
)
from pradrill.domain.dossier.tests_of_services import ServiceTest, tests_of
from pradrill.domain.register.entry import RunEntry
from pradrill.domain.register.finding_history import all_findings
from pradrill.domain.register.schedule import Instants
from pradrill.errors import PradrillError, RecordError
from pradrill.register.runs.derived_file import stamp_of
from pradrill.register.runs.entries import changed, lost
from pradrill.register.runs.folders import RECORD
from pradrill.register.runs.status_index import (
    KeptParts,
    KeptProject,
    StatusIndex,
    lasting,
    read_index,
    write_index,
)

if TYPE_CHECKING:
    from pradrill.app.status.project import ProjectReader


class StatusReading(NamedTuple):
    """How the services stand, and what could not be read of it."""

    status: Status
    damaged: tuple[RecordError, ...]


def read_status(app: StateReader, damage: str | None = None) -> StatusReading:
    """Look at everything and change nothing but what a crash kept out of the register.

    A killed run is told of, and left: whoever only looks must not lose a restore by it. Raises
    PradrillError when the plan or the register cannot be read. `damage`: what is wrong with the
    register, whose lines that are no entries are then passed over.
    """
    start = app.clock.now()
    index = read_index(app.state, __version__)
    project = _KeptProject(app, index.project)
    register = RegisterFacts(list(app.register.legible())) if damage else _register(app)
    doubt = damage or app.why_doubted()
    app.in_doubt = doubt is not None

    parts = _KeptRuns(app, index, register)
    prospects = KeptProspects(app, index)
    now = app.clock.now()
    grounds = Grounds(
        facts=project.facts,
        register=register,
        tests=tests_of(register, parts.of),
        findings=[each for each in all_findings(register.entries) if each.open],
        changes_of=project.changes_since,
        calendar=StatusCalendar(
            project.facts.services, register.entries, _instants(project.facts), now
        ),
        now=now,
    )
    services = services_of(grounds)
    damage = doubt or next((error.message for error in parts.damaged), None)
    head = app.register.head()
    status = Status(
        made=now,
        organisation=project.facts.organisation,
        services=tuple(services),
        counts=counts_of(services),
        alarms=alarms_of(grounds, services, watched(app, register, prospects, damage, now)),
        findings_open=by_severity(grounds.findings),
        findings_overdue=sum(is_overdue(each, now) for each in grounds.findings),
        damage=damage,
        head=None if head is None else str(head),
        entries=len(register.entries),
    )
    fresh = lasting(project.row(), parts.rows(), prospects.rows(), start)
    if fresh != index:
        write_index(app.state, fresh, __version__)
    return StatusReading(status, tuple(parts.damaged))


def read_proven(app: StateReader) -> ProvenServices:
    """Return the last proven recovery point of each service; the plan is not asked.

    Raises RecordError when the register cannot be read.
    """
    index = read_index(app.state, __version__)
    register = _register(app)
    doubt = app.why_doubted()
    parts = _KeptRuns(app, index, register)
    services = proven_services(tests_of(register, parts.of))
    damage = doubt or next((error.message for error in parts.damaged), None)
    return ProvenServices(made=app.clock.now(), services=services, damage=damage)


def _instants(facts: ProjectFacts) -> Instants | None:
    """Return what knows calendars, where a service needs one."""
    if not any(service.on for service in facts.services.values()):
        return None
    from pradrill.config.cron import instants  # noqa: PLC0415 most plans have no such rule

    return instants


def _register(app: StateReader) -> RegisterFacts:
    """Return what the register tells, with what a crash had kept out of it."""
    register = RegisterFacts(list(app.register.entries()))
    if app.folders.writable() and app.enter_late(register.run_ids):
        register = RegisterFacts(list(app.register.entries()))
    return register


class _KeptRuns:
    """What records tell: from the index, or read now."""

    def __init__(self, app: StateReader, index: StatusIndex, register: RegisterFacts) -> None:
        self.damaged: list[RecordError] = []
        self._app = app
        self._before = index.runs
        self._hashes = register.hashes
        self._fresh: dict[str, KeptParts] = {}
        self._bad: set[str] = set()

    def of(self, run: RunEntry) -> RunParts | None:
        """Return what a run's record tells; None when it is gone, or not what was recorded."""
        if run.run_id in self._bad:
            return None
        if run.run_id not in self._fresh:
            try:
                self._fresh[run.run_id] = self._read(run)
            except RecordError as error:
                self.damaged.append(error)
                self._bad.add(run.run_id)
                return None
        return self._fresh[run.run_id].parts

    def rows(self) -> dict[str, KeptParts]:
        """Return those that were asked for."""
        return self._fresh

    def _read(self, run: RunEntry) -> KeptParts:
        path = self._app.folders.runs / run.run_id / RECORD
        stamp, entered = stamp_of(str(path)), self._hashes.get(run.run_id)
        before = self._before.get(run.run_id)
        if before is not None and before.stamp == stamp and _is_entered(before, run, entered):
            return before
        if stamp is None:
            raise lost(run.run_id)
        from pradrill.app.status.records import derived_parts  # noqa: PLC0415 with all its models

        parts, sha256 = derived_parts(path)
        row = KeptParts(stamp=stamp, sha256=sha256, parts=parts)
        if not _is_entered(row, run, entered):
            raise changed(run.run_id)
        return row


def _is_entered(row: KeptParts, run: RunEntry, entered: tuple[str, str] | None) -> bool:
    """Tell whether the register holds that record with that verdict, whatever the index says."""
    parts = row.parts
    alone = len(parts.parts) == 1
    consistent = parts.run_id == run.run_id and (
        not alone or parts.parts[0].verdict in {None, parts.verdict}
    )
    return consistent and entered == (row.sha256, parts.verdict.value)


class _KeptProject:
    """The plan and its drills, and what has changed since proofs: from the index, or read now."""

    def __init__(self, app: StateReader, row: KeptProject | None) -> None:
        self._app = app
        self._fresh: dict[str, dict[str, tuple[str, ...]]] = {}
        current = row is not None and row.is_current(app.drills)
        self._project = row if row is not None and current else self._reader.derived()
        self.facts = self._project.facts

    @cached_property
    def _reader(self) -> ProjectReader:
        from pradrill.app.status.project import ProjectReader  # noqa: PLC0415 with all of Ansible

        return ProjectReader(self._app)

    def changes_since(self, test: ServiceTest) -> tuple[str, ...] | None:
        """Return what has changed since a proof; None when its drill cannot be read."""
        run_id, service = test.run.run_id, test.place.service
        changes = self._project.changes.get(run_id, {}).get(service)
        if changes is None:
            try:
                changes = self._reader.changes_since(test, self.facts)
            except PradrillError:
                return None
        self._fresh.setdefault(run_id, {})[service] = changes
        return changes

    def row(self) -> KeptProject:
        """Return it with the comparisons that were asked for."""
        return self._project.model_copy(update={"changes": self._fresh})
