"""Read Barman servers of this machine. Barman changes to its own user itself when root calls it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from pradrill.adapters.backups.postgresql_logs import absence, absent_log
from pradrill.domain.declared.backup_source import BarmanSource
from pradrill.domain.run.backup_catalogue import LATEST, Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.domain.run.host_answers import document_in, last_line
from pradrill.errors import UNREADABLE, NotReadyError
from pradrill.ports import Bounds, Clock
from pradrill.system.command import CompletedCommand, run

_WORKS = "DONE"
_SAYINGS = ("_ERROR", "_EXCEPTION", "_WARNING", "_INFO")
"""What Barman has to say beside its answer, the gravest first."""
_LOG = re.compile(r"(?m)^(/.*/([0-9A-F]{16})/(\2[0-9A-F]{8})(?:\.(?:gz|bz2|xz|zst|lz4))?)$")
"""As Barman keeps them, whatever its wals_directory is called; not one in a backup's own pg_wal."""
_MORE = "See log file for more details."
_MEANS = {
    "WAITING_FOR_WALS": "not every log that makes it consistent has been archived",
    "STARTED": "it is under way",
    "SYNCING": "it is still being copied",
}
"""Why a backup of that status does not count; a restore of the first ends in an invalid cluster."""


class _Backup(BaseModel):
    backup_id: str
    status: str
    end_time_timestamp: int | None = Field(default=None, ge=0, le=LATEST)
    size_bytes: int | None = Field(default=None, ge=0)
    backup_name: str | None = None


class _Span(BaseModel):
    begin_wal: str = Field(pattern="^[0-9A-F]{24}$")
    end_wal: str = Field(pattern="^[0-9A-F]{24}$")


_ANSWER = TypeAdapter(dict[str, Any])
"""Server -> what was asked of it; beside them, as _WARNING, what Barman has to say."""
_BACKUPS = TypeAdapter(list[_Backup])


class Barman:
    """A server as `BarmanSource` declares it."""

    def __init__(self, declared: BarmanSource, clock: Clock) -> None:
        self._declared = declared
        self._clock = clock

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return the server's backups. A physical one can be recovered from its end on."""
        bounds = bounds.ending(self._clock.now())
        answer = self._call(["list-backups", self._declared.server], bounds)
        if answer.code is None:
            raise NotReadyError(f"{self._name} {answer.late(bounds.deadline)}")
        if answer.code != 0:
            raise self._refusal(answer)

        now = self._clock.now()
        try:
            document = _ANSWER.validate_json(document_in(answer.out))
            if document and document.keys() <= {*_SAYINGS}:
                raise self._refusal(answer)  # of a server that is not active
            listed = _BACKUPS.validate_python(document[self._declared.server])
            points = [_point(backup, now) for backup in listed]
        except (ValidationError, KeyError) as error:
            raise NotReadyError(
                f"what barman says of {self._name} is not what barman says",
                hint="Run barman -f json list-backups by hand and see what it prints.",
            ) from error

        return Catalogue(
            source=self._declared.name,
            location=self._location,
            read_at=now,
            points=tuple(self._with_newest_logs(points, bounds)),
            continuous=True,
        )

    def check(self, point: RecoveryPoint, part: IntegrityPart, bounds: Bounds) -> Checked:
        """Let pg_verifybackup read the backup's files against its manifest."""
        del part  # pg_verifybackup reads everything
        bounds = bounds.ending(self._clock.now())
        method = "barman verify-backup (pg_verifybackup)"
        answer = self._call(["verify-backup", self._declared.server, point.id], bounds, json=False)
        if answer.code is None:
            return Checked(Soundness.UNPROVEN, method, f"not done in {bounds.deadline:g} s")

        output = answer.out + answer.err
        if answer.code == 0 and "backup successfully verified" in output:
            return self._with_its_logs(point, method, bounds)

        failed = [line for line in output.splitlines() if "pg_verifybackup: error" in line]
        if any("could not open file" in line and "backup_manifest" in line for line in failed):
            why = "it has no backup_manifest; run barman generate-manifest after a backup"
            return Checked(Soundness.UNPROVEN, method, why)
        if failed:
            return Checked(Soundness.DAMAGED, method, last_line(failed[0].partition("error: ")[2]))

        return Checked(Soundness.UNPROVEN, method, _reason(answer))

    def _with_its_logs(self, point: RecoveryPoint, method: str, bounds: Bounds) -> Checked:
        """Look for the logs that make a backup consistent.

        Barman lists those of its xlog.db: they may be gone, or were when that was built anew.
        """
        words = ["list-files", "--target", "standalone", self._declared.server, point.id]
        answer = self._call(words, bounds, json=False)
        if answer.code != 0:
            return Checked(Soundness.UNPROVEN, method, _reason(answer))
        logs = {each[2]: Path(each[0]) for each in _LOG.findall(answer.out)}
        if not logs:  # every backup needs one
            why = "Barman lists none of the logs that make it consistent"
            return Checked(Soundness.UNPROVEN, method, why)
        try:
            names = {name for name, path in logs.items() if _is_there(path)}
        except PermissionError:
            why = "this user may not see whether the logs that make it consistent are there"
            return Checked(Soundness.UNPROVEN, method, why)

        span = self._span(point, bounds)
        absent = min(logs.keys() - names, default="")
        if absent := absent or (absent_log(names, *span) if span else ""):
            return Checked(Soundness.DAMAGED, method, absence(absent))
        if span is None:
            why = "Barman does not tell which logs make it consistent"
            return Checked(Soundness.UNPROVEN, method, why)
        return Checked(Soundness.SOUND, method)

    def _span(self, point: RecoveryPoint, bounds: Bounds) -> tuple[str, str] | None:
        """Return the first and the last log that make a backup consistent; None: not told."""
        answer = self._call(["show-backup", self._declared.server, point.id], bounds)
        if answer.code != 0:
            return None
        try:
            document = json.loads(document_in(answer.out))[self._declared.server]
            its = _Span.model_validate(document["base_backup_information"])
        except (*UNREADABLE, ValidationError):
            return None
        return its.begin_wal, its.end_wal

    def _with_newest_logs(
        self, points: Sequence[RecoveryPoint], bounds: Bounds
    ) -> Iterator[RecoveryPoint]:
        """Return backups; of the newest ones that a drill may use, until one lacks no log.

        Each costs two calls of Barman's: what is older is not asked for.
        """
        is_asked = True
        for point in sorted(points, key=lambda point: point.data_time, reverse=True):
            if point.problem or not is_asked:
                yield point
                continue

            logs = self._with_its_logs(point, "", bounds)
            is_asked = logs.soundness is Soundness.DAMAGED
            yield point.model_copy(update={"problem": logs.detail}) if is_asked else point

    @property
    def _location(self) -> str:
        config = f" of {self._declared.config}" if self._declared.config else ""
        return f"server {self._declared.server}{config}"

    @property
    def _name(self) -> str:
        return f"the Barman {self._location}"

    def _refusal(self, answer: CompletedCommand) -> NotReadyError:
        reason = _reason(answer)
        if "Unknown server" in reason:
            return NotReadyError(f"{self._name} is not there", hint="Run: barman list-servers.")
        if "lock" in reason.lower():
            return NotReadyError(f"{self._name} is locked: {reason}")
        return NotReadyError(
            f"{self._name} cannot be read: {reason}",
            hint="Run barman list-backups by hand as the same user.",
        )

    def _call(self, words: Sequence[str], bounds: Bounds, *, json: bool = True) -> CompletedCommand:
        config = ["-c", str(self._declared.config)] if self._declared.config else []
        output = ["-f", "json"] if json else []
        return run(
            ["barman", *config, *output, *self._declared.options, *words],
            bounds.left(self._clock.now()),
            extra={},
            package="barman",
        )


def _point(backup: _Backup, now: datetime) -> RecoveryPoint:
    """Return a backup; one that is under way or failed has no end and cannot be used."""
    ended = backup.end_time_timestamp
    end = datetime.fromtimestamp(ended, UTC) if ended is not None else None
    means = f": {_MEANS[backup.status]}" if backup.status in _MEANS else ""
    works = backup.status == _WORKS and end is not None
    return RecoveryPoint(
        id=backup.backup_id,
        data_time=end or now,
        end_time=end,
        size=backup.size_bytes,
        tags=(backup.backup_name,) if backup.backup_name else (),
        integrity="a checksum of every file in its backup_manifest",
        problem="" if works else f"Barman calls it {last_line(backup.status)}{means}",
    )


def _is_there(path: Path) -> bool:
    """Tell whether a file is there; raises PermissionError when that may not be seen."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return True


def _reason(answer: CompletedCommand) -> str:
    """Return what Barman complains of: in JSON on its output, or as text on either stream."""
    try:
        document: Any = json.loads(document_in(answer.out))
        words = next(str(document[each][0]) for each in _SAYINGS if document.get(each))
        return last_line(words.replace(_MORE, ""))
    except (*UNREADABLE, StopIteration):
        return last_line(answer.err if answer.err.strip() else answer.out)
