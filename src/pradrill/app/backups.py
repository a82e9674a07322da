"""Choose the adapter that reads a declared source of backups."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from pradrill.adapters.backups.barman import Barman
from pradrill.adapters.backups.borg import Borg
from pradrill.adapters.backups.dumps.local_folder import LocalFolder
from pradrill.adapters.backups.dumps.source import Dumps
from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.adapters.backups.restic import Restic
from pradrill.adapters.ssh.sftp import SftpFolder
from pradrill.config import cron
from pradrill.domain.declared.backup_source import (
    BarmanSource,
    BorgSource,
    DumpsSource,
    PgBackRestSource,
    RecoveryPointSpec,
    ResticSource,
    Source,
)
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, IntegrityResult
from pradrill.domain.values.ssh_place import ssh_place
from pradrill.ports import Bounds, Clock, Folder, RecoveryPointSource
from pradrill.register.runs.store import FileRunStore


class Promising(NamedTuple):
    """A source whose catalogue also says when the declared cron schedule promised backups."""

    source: RecoveryPointSource
    spec: RecoveryPointSpec

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return every backup, and the due times from the oldest one on."""
        catalogue = self.source.catalogue(bounds)
        promised = self.spec.promised
        if promised is None or promised.cron is None or not catalogue.points:
            return catalogue

        oldest = min(point.data_time for point in catalogue.points)
        start = max(oldest, catalogue.read_at - self.spec.window)
        due = cron.due(promised.cron, promised.timezone, start, catalogue.read_at)

        return catalogue.model_copy(update={"due": tuple(due)})

    def check(self, point: RecoveryPoint, part: IntegrityPart, bounds: Bounds) -> Checked:
        """Read the backups themselves."""
        return self.source.check(point, part, bounds)


Resolve = Callable[[str], str]
"""Fetches a secret by its name."""


def source_of(spec: RecoveryPointSpec, clock: Clock, resolve: Resolve) -> RecoveryPointSource:
    """Return what reads the declared source; it connects when it is first asked."""
    return Promising(_reader(spec.source, clock, resolve), spec)


def _reader(declared: Source, clock: Clock, resolve: Resolve) -> RecoveryPointSource:
    match declared:
        case ResticSource():
            return Restic(declared, resolve, clock)
        case BorgSource():
            return Borg(declared, resolve, clock)
        case PgBackRestSource():
            return PgBackRest(declared, resolve, clock)
        case BarmanSource():
            return Barman(declared, clock)
        case DumpsSource():
            return Dumps(declared, _folder(declared, resolve), clock)


def checked_before(spec: RecoveryPointSpec, store: FileRunStore) -> tuple[IntegrityResult, ...]:
    """Return what earlier runs found when they checked the same backups."""
    if spec.integrity is None:
        return ()
    earlier = (
        (way.recovery_point, record.recovery_of(service).integrity)
        for record in store.readable()[0]
        if not record.launch.rehearsal
        for service, way in record.plan.drill.ways.items()
    )
    same = (integrity for then, integrity in earlier if then and then.source == spec.source)
    return tuple(integrity for integrity in same if integrity is not None)


def _folder(declared: DumpsSource, resolve: Resolve) -> Folder:
    place, secret = ssh_place(declared.folder), declared.password
    if place is None:
        return LocalFolder()

    return SftpFolder(place, declared.ssh, (lambda: resolve(secret)) if secret else None)
