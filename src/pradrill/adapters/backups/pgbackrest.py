"""Read pgBackRest stanzas: `info` and `verify` answer in text what their exit code leaves out."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from pradrill.adapters.backups.pgbackrest_stanza import (
    StanzaAnswer,
    StanzaBackup,
    absent_parent,
    logs_of_a_number,
    logs_outside,
)
from pradrill.adapters.backups.postgresql_logs import absence, absent_log, log_folders
from pradrill.domain.declared.backup_source import PgBackRestSource
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.domain.run.host_answers import document_in, last_line
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, Clock
from pradrill.system.command import CompletedCommand, run

_OK, _NO_BACKUP = 0, 2  # pgBackRest's stanza states
_MISSING = {1: "has no stanza of that name", 3: "has no stanza of that name"}
_RAW = re.compile(r"[\x00-\x1f\x7f]")
_LOG = re.compile(r"(?m)^([0-9A-F]{24})-")
_COPIED_LOG = re.compile(r"(?m)^([0-9A-F]{24})(?:\.\w+)?$")
"""As one lies in a backup, without the checksum that the archive's names have."""

_OF_SSH = re.compile(
    r"remote-\d+ process on '(?P<host>[^'\n]*)' terminated unexpectedly \[255\](?:: (?P<words>.*))?"
)
_MEANS = (
    ("expected format", "is in a newer format than this pgbackrest reads: {}",
     "Install the pgBackRest that the backup job uses, or a newer one."),
    ("unable to acquire lock", "is locked: {}", None),
    ("CryptoError|cipher|outside of section",
     "does not open with this password, or is damaged",
     "Compare the password with repo1-cipher-pass of the backup job."),
    ("ChecksumError|invalid checksum|FormatError", "is damaged: {}", None),
    ("HostConnectError|HostInvalid|unable to open|Permission denied",
     "cannot be reached: {}", None),
)  # fmt: skip
_Listed = dict[str, set[str] | None]
"""Folder of an archive → the logs in it; None: that was not told."""
_STANZAS = TypeAdapter(list[StanzaAnswer])


class PgBackRest:
    """A stanza as `PgBackRestSource` declares it."""

    def __init__(
        self, declared: PgBackRestSource, secret: Callable[[str], str], clock: Clock
    ) -> None:
        self._declared = declared
        self._secret = secret
        self._clock = clock

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return the backups of the stanza in the repository chosen.

        A physical backup can be recovered from its end on: that is its data's time.
        """
        bounds = bounds.ending(self._clock.now())
        stanza = self._stanza(bounds)
        return Catalogue(
            source=self._declared.name,
            location=self._location,
            read_at=self._clock.now(),
            points=tuple(self._points(stanza, bounds)),
            continuous=True,
        )

    def check(self, point: RecoveryPoint, part: IntegrityPart, bounds: Bounds) -> Checked:
        """Verify the checksum of every file of the stanza's repository."""
        del part  # pgBackRest reads everything
        bounds = bounds.ending(self._clock.now())
        method = "pgbackrest verify"
        try:
            stanza = self._stanza(bounds)  # verify takes a wrong password for damage
        except NotReadyError as error:
            return Checked(Soundness.UNPROVEN, method, error.message)

        answer = self._call(["verify", "--output=text", "--verbose"], bounds)
        if answer.code is None:
            return Checked(Soundness.UNPROVEN, method, f"not done in {bounds.deadline:g} s")

        state = re.search(r"^status: (\w+)", answer.out, re.MULTILINE)
        its = re.search(
            rf"^ *backup: {re.escape(point.id)}, status: (\w+).*\n(.*)", answer.out, re.MULTILINE
        )
        if answer.code == 0 and state and state[1] == "ok" and its and its[1] == "valid":
            return self._with_its_logs(point, stanza, method, bounds)
        if (
            answer.code == 0
            and state
            and state[1] == "error"
            and (its is None or its[1] != "valid")
        ):
            line = its[2].strip() if its else answer.out.splitlines()[-1].strip()
            return Checked(Soundness.DAMAGED, method, f"{point.id}: {last_line(line)}")
        if answer.code == 0 and state and state[1] == "error":
            return Checked(Soundness.DAMAGED, method, _invalid(answer.out))

        why = "this pgbackrest does not tell; verify needs 2.45 or newer" if not answer.err else ""
        return Checked(Soundness.UNPROVEN, method, why or last_line(answer.err))

    def _with_its_logs(
        self, point: RecoveryPoint, stanza: StanzaAnswer, method: str, bounds: Bounds
    ) -> Checked:
        """Look for the logs that make a backup consistent: verify reads those that are there."""
        backup = next((each for each in stanza.backup if each.label == point.id), None)
        if backup is None:
            return Checked(Soundness.UNPROVEN, method, f"{point.id} is gone")
        lack = self._lack(backup, stanza, {}, bounds)
        if lack is None:
            why = "whether the logs that make it consistent are there was not told"
            return Checked(Soundness.UNPROVEN, method, why)
        return Checked(Soundness.DAMAGED if lack else Soundness.SOUND, method, lack)

    def _points(self, stanza: StanzaAnswer, bounds: Bounds) -> Iterator[RecoveryPoint]:
        """Return the backups of the repository chosen, each with what it lacks."""
        listed: _Listed = {}
        for backup in stanza.backup:
            if backup.database.repository == self._declared.number:
                yield _point(backup, self._lack(backup, stanza, listed, bounds) or "")

    def _lack(
        self, backup: StanzaBackup, stanza: StanzaAnswer, listed: _Listed, bounds: Bounds
    ) -> str | None:
        """Say what a backup cannot be restored without; empty: nothing, None: not known."""
        if parent := absent_parent(backup, stanza):
            return parent
        lost = logs_outside(backup, stanza) or self._lost_log(backup, stanza, listed, bounds)
        return self._unless_held(lost, backup, stanza, bounds) if lost else lost

    def _unless_held(
        self, lost: str, backup: StanzaBackup, stanza: StanzaAnswer, bounds: Bounds
    ) -> str | None:
        """Say so, unless the backup holds its logs itself: it was made with archive-copy=y."""
        folder = f"backup/{stanza.name}/{backup.label}/pg_data/pg_wal"
        answer = self._call(["repo-ls", folder], bounds)
        if answer.code != 0:
            return None
        logs = {*_COPIED_LOG.findall(answer.out)}
        first, last = backup.archive.start or "", backup.archive.stop or ""
        return lost if absent_log(logs, first, last, logs_of_a_number(backup)) else ""

    def _lost_log(
        self, backup: StanzaBackup, stanza: StanzaAnswer, listed: _Listed, bounds: Bounds
    ) -> str | None:
        """Say which log that makes a backup consistent is lost; empty: none, None: not known.

        `listed` are the folders that were looked at before; after one that cannot be, none is.
        """
        first, last = backup.archive.start, backup.archive.stop
        ids = [each.id for each in stanza.archive if each.database == backup.database]
        if first is None or last is None or not ids:
            return ""

        archive = f"archive/{stanza.name}/{ids[0]}"
        folders = [f"{archive}/{each}" for each in log_folders(first, last)]
        for folder in folders:
            if folder not in listed and None not in listed.values():
                answer = self._call(["repo-ls", folder], bounds)
                listed[folder] = {*_LOG.findall(answer.out)} if answer.code == 0 else None

        logs = [listed.get(folder) for folder in folders]
        if not logs or None in logs:
            return None
        names = {name for each in logs for name in each or ()}
        absent = absent_log(names, first, last, logs_of_a_number(backup))
        return absence(absent) if absent else ""

    @property
    def _location(self) -> str:
        declared = self._declared
        if declared.repository is not None:
            return f"{declared.repository}, stanza {declared.stanza}"
        config = declared.config or "its own configuration"
        return f"repository {declared.number} of {config}, stanza {declared.stanza}"

    @property
    def _name(self) -> str:
        return f"the pgBackRest {self._location}"

    def _stanza(self, bounds: Bounds) -> StanzaAnswer:
        answer = self._call(["info", "--output=json"], bounds)
        if answer.code is None:
            raise NotReadyError(f"{self._name} {answer.late(bounds.deadline)}")
        if answer.code != 0:
            raise self._refusal(answer.err)

        try:
            stanzas = _STANZAS.validate_json(_RAW.sub(" ", document_in(answer.out)))
        except ValidationError as error:
            if "unable to load info file" in answer.out:  # it quotes what it decrypted wrongly
                raise self._refusal(answer.out) from error
            raise NotReadyError(
                f"what pgbackrest says of {self._name} is not what pgbackrest says",
                hint="Run pgbackrest info --output=json by hand; 2.32 or newer is needed.",
            ) from error

        matches = [stanza for stanza in stanzas if stanza.name == self._declared.stanza]
        repos = [r for stanza in matches for r in stanza.repo if r.key == self._declared.number]
        if len(matches) != 1 or len(repos) != 1:
            raise NotReadyError(f"{self._name} is not there")

        status = repos[0].status
        if status.code in _MISSING:
            raise NotReadyError(
                f"{self._name} is not there: {last_line(status.message)}",
                hint="Check repository, number and stanza, and that this user may read the folder.",
            )
        if status.code not in {_OK, _NO_BACKUP}:
            raise self._refusal(status.message)
        if matches[0].status.lock.restore.held:
            raise NotReadyError(f"{self._name} is locked by a restore")

        return matches[0]

    def _refusal(self, message: str) -> NotReadyError:
        reason = _first(message)
        if match := _OF_SSH.search(message):
            return self._unreached(match["host"], last_line(match["words"] or reason))
        if self._declared.config and _is_missing(Path(self._declared.config)):
            return NotReadyError(
                f"{self._name} is not there: its configuration {self._declared.config} is missing",
                hint="Check config; without it pgbackrest's own counts.",
            )
        for pattern, means, hint in _MEANS:
            if re.search(pattern, message):
                return NotReadyError(f"{self._name} {means.format(reason)}", hint=hint)
        return NotReadyError(f"{self._name} cannot be read: {reason}")

    def _unreached(self, host: str, words: str) -> NotReadyError:
        """Say what keeps pgbackrest's own ssh from the host of a repository."""
        hint = f"Try ssh to {host} as the same user, who must be let in without a question."
        if re.search(r"Host key verification failed|IDENTIFICATION HAS CHANGED", words):
            return NotReadyError(
                f"{self._name} is behind a host whose key is not the pinned one: {words}",
                hint="Compare the keys, then pin it in known_hosts of the user who runs this.",
            )
        return NotReadyError(f"{self._name} cannot be reached: {words}", hint=hint)

    def _configuration(self) -> list[str]:
        """Return which configuration counts: its own, as its users call it, or the declared one."""
        declared = self._declared
        if declared.repository is not None:
            return [f"--config={os.devnull}"]
        if declared.config is None:
            return []

        beside = declared.config.parent / "conf.d"
        include = [f"--config-include-path={beside}"] if beside.is_dir() else []
        return [f"--config={declared.config}", *include]

    def _call(self, words: Sequence[str], bounds: Bounds) -> CompletedCommand:
        declared, number = self._declared, self._declared.number
        command, *rest = words
        argv = ["pgbackrest", f"--stanza={declared.stanza}", f"--repo={number}"]
        argv += self._configuration()
        argv += ["--log-level-file=off", "--log-level-console=off", "--log-level-stderr=error"]
        extra = {}

        if declared.repository is not None:
            argv.append(f"--repo{number}-path={declared.repository}")
            if declared.password is not None:
                argv.append(f"--repo{number}-cipher-type=aes-256-cbc")

        if declared.password is not None:
            extra[f"PGBACKREST_REPO{number}_CIPHER_PASS"] = self._secret(declared.password)

        return run(
            [*argv, *declared.options, command, *rest],
            bounds.left(self._clock.now()),
            extra=extra,
            package="pgbackrest",
        )


def _is_missing(path: Path) -> bool:
    """Tell whether there is no such file: a later pgbackrest ends without a word then."""
    try:
        path.stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError)
    return False


def _point(backup: StanzaBackup, lack: str) -> RecoveryPoint:
    stop = datetime.fromtimestamp(backup.timestamp.stop, UTC)
    damaged = "page checksums failed while it was made" if backup.error else lack
    return RecoveryPoint(
        id=backup.label,
        data_time=stop,
        end_time=stop,
        size=backup.info.size,
        tags=(backup.type, *(f"{key}={value}" for key, value in backup.annotation.items())),
        integrity="a SHA-1 of every file in its manifest",
        problem=damaged,
    )


def _invalid(text: str) -> str:
    bad = [line.strip() for line in text.splitlines() if re.search(r"status: invalid", line)]
    return last_line(bad[0] if bad else "its archive of logs is incomplete or damaged")


def _first(message: str) -> str:
    """Return an error's first line, no warning's; what it quotes of a damaged file is dropped."""
    lines = [line for line in message.splitlines() if line.strip()]
    errors = [line for line in lines if "ERROR: " in line]
    return last_line((errors or lines or [""])[0])
