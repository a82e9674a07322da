"""From a declared source of backups to the adapter that reads it."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import urlsplit

from pradrill.adapters.barman import Barman
from pradrill.adapters.borg import Borg
from pradrill.adapters.dumps import Dumps
from pradrill.adapters.dumps.here import LocalFolder
from pradrill.adapters.pgbackrest import PgBackRest
from pradrill.adapters.restic import Restic
from pradrill.adapters.secrets import resolve
from pradrill.adapters.ssh.sftp import SftpFolder
from pradrill.domain.integrity import IntegrityResult
from pradrill.domain.recovery_source import (
    BarmanSource,
    BorgSource,
    DumpsSource,
    PgBackRestSource,
    RecoveryPointSpec,
    ResticSource,
    Source,
)
from pradrill.domain.target import Host
from pradrill.ports import Clock, Folder, RecoveryPointSource
from pradrill.register.store import FileRunStore


def source_of(declared: Source, clock: Clock) -> RecoveryPointSource:
    """Return what reads the declared source; it connects when it is first asked."""
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
            return Dumps(declared, _folder(declared), clock)


def checked_before(spec: RecoveryPointSpec, store: FileRunStore) -> tuple[IntegrityResult, ...]:
    """Return what earlier runs found when they checked the same backups."""
    if spec.integrity is None:
        return ()
    earlier = (
        (way.recovery_point, record.recovery_of(service).integrity)
        for record in store.readable()[0]
        for service, way in record.plan.drill.ways.items()
    )
    return tuple(found for then, found in earlier if then and found and then.source == spec.source)


def _folder(declared: DumpsSource) -> Folder:
    if not declared.folder.startswith("sftp://"):
        return LocalFolder()
    url = urlsplit(declared.folder)
    host = Host(
        name=url.hostname or "",
        address=url.hostname or "",
        port=url.port or 22,
        user=url.username,
        private_key=declared.ssh.private_key,
    )
    secret = declared.password
    known_hosts = declared.ssh.known_hosts or Path("~/.ssh/known_hosts").expanduser()
    return SftpFolder(host, known_hosts, (lambda: resolve(secret)) if secret else None)
