"""Read BorgBackup 1.x repositories. Listing takes borg's shared lock for as long as it lasts."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, Field, ValidationError

from pradrill.adapters.backups.borg_deletion import refuse_deletion
from pradrill.domain.declared.backup_source import BorgSource
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.domain.run.host_answers import document_in, last_line
from pradrill.errors import UNREADABLE, NotReadyError
from pradrill.ports import Bounds, Clock
from pradrill.system import scratch
from pradrill.system.command import OF_SSH, CompletedCommand, cause_of_ssh, run, ssh_command

_LISTED = {0, 1}  # 1 is a warning: what was listed counts
_BROKE_OFF = 2
_NOT_ENCRYPTED = "Cache.CacheInitAbortedError"
_LEVELS = {"ERROR", "CRITICAL", "WARNING"}
_LOCK_WAIT = "5"
_LOCK = "lock.exclusive"
_HOLDER = re.compile(r"(?P<host>.+)@\d+\.(?P<pid>\d+)-\d+")
_SSH = "Try ssh to its host as the same user; its key must be pinned."
_MEANS = {
    "PassphraseWrong": ("does not open with this password", None),
    "PasscommandFailure": ("does not open with this password", None),
    "NoPassphraseFailure": ("is encrypted and the drill names no password", None),
    "LockTimeout": ("is locked", "Wait for the backup job; if it has died, run borg break-lock."),
    "LockError": ("is locked", "Wait for the backup job; if it has died, run borg break-lock."),
    "LockErrorT": ("is locked", "Wait for the backup job; if it has died, run borg break-lock."),
    "LockFailed": ("cannot be locked for reading", "See that this user may write there."),
    "Repository.DoesNotExist": ("is not there", "Check repository."),
    "Repository.InvalidRepository": ("is no borg repository, or one in a newer format", None),
    "Repository.InvalidRepositoryConfig": ("is no borg repository that this borg reads", None),
    "Repository.AtticRepository": ("is an Attic repository, which is not read here", None),
    "UnsupportedManifestError": ("is in a newer format than this borg reads", None),
    "UnsupportedPayloadError": ("is in a newer format than this borg reads", None),
    "MandatoryFeatureUnsupported": ("is in a newer format than this borg reads", None),
    "KeyfileNotFoundError": ("needs a key file that is not here", "Set key_file."),
    "KeyfileMismatchError": ("needs another key file", "Set key_file."),
    "ConnectionClosed": (
        "cannot be reached",
        _SSH,
    ),
    "ConnectionClosedWithHint": (
        "cannot be reached",
        _SSH,
    ),
    "IntegrityError": ("is damaged", None),
    "Cache.RepositoryAccessAborted": ("is not the one that was expected", None),
    "Cache.EncryptionMethodMismatch": ("changed its encryption", None),
    "Cache.CacheInitAbortedError": (
        "is not encrypted, and the drill names a password for it",
        "Someone may have put another repository in its place.",
    ),
}


def _utc(value: Any) -> Any:
    """Read borg's local times, which carry no zone: TZ is UTC in its environment."""
    if isinstance(value, str):
        try:
            read = datetime.fromisoformat(value)
        except ValueError:
            return value

        return read if read.tzinfo else read.replace(tzinfo=UTC)

    return value


_Time = Annotated[datetime, BeforeValidator(_utc)]


class _Archive(BaseModel):
    name: str
    id: str = Field(pattern=r"^[0-9a-f]{64}$")
    start: _Time
    end: _Time
    hostname: str = ""
    comment: str = ""


class _Listing(BaseModel):
    archives: list[_Archive]


class Borg:
    """A repository as `BorgSource` declares it."""

    def __init__(self, declared: BorgSource, secret: Callable[[str], str], clock: Clock) -> None:
        self._declared = declared
        self._secret = secret
        self._clock = clock

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return the archives that the prefix leaves; a comment's words are their tags."""
        chosen = ["--glob-archives", f"{_literal(self._declared.prefix or '')}*"]
        words = ["list", "--json", "--format", "{hostname}{end}{comment}", *chosen]
        answer = self._call(words, bounds)
        if answer.code not in _LISTED:
            raise self._refusal(answer, bounds.deadline)

        try:
            archives = _Listing.model_validate(
                json.loads(document_in(answer.out), strict=False)
            ).archives
            points = tuple(_point(archive) for archive in archives)
        except (*UNREADABLE, ValidationError) as error:
            raise NotReadyError(
                f"what borg says of {self._name} is not what borg 1.x says",
                hint="Run borg list --json by hand and see what it prints.",
            ) from error

        if self._declared.append_only:  # once it was read with the same login
            refuse_deletion(self._declared, bounds)
        return Catalogue(
            source=self._declared.name,
            location=self._declared.repository,
            read_at=self._clock.now(),
            points=points,
            append_only=self._declared.append_only,
        )

    def check(self, point: RecoveryPoint, part: IntegrityPart, bounds: Bounds) -> Checked:
        """Check the repository and read every piece of the archive's data."""
        del part  # borg reads everything
        method = "borg check --verify-data"
        chosen = ["--glob-archives", _literal(point.id)]
        for words in (["--repository-only"], ["--archives-only", "--verify-data", *chosen]):
            answer = self._call(["check", *words], bounds)
            if answer.code is None:
                return Checked(Soundness.UNPROVEN, method, f"not done in {bounds.deadline:g} s")
            if answer.code == 0:
                continue

            messages = _messages(answer)
            refused = [name for name, _ in messages if name in _MEANS and name != "IntegrityError"]
            # 1 is what borg's check found. With 2 it broke off, whatever kept it from reading:
            # only its own word of damage is one then. A signal's end is below 0.
            is_found = answer.code == 1 or (answer.code == _BROKE_OFF and _is_damage(messages))
            if refused or not is_found:
                return Checked(Soundness.UNPROVEN, method, self._refusal(answer, 0).message)

            return Checked(Soundness.DAMAGED, method, _reason(messages, answer))

        return Checked(Soundness.SOUND, method)

    @property
    def _name(self) -> str:
        return f"the borg repository {self._declared.repository}"

    def _call(self, words: Sequence[str], bounds: Bounds) -> CompletedCommand:
        answer = self._run(words, bounds, unencrypted=self._declared.password is None)
        names = {name for name, _ in _messages(answer)}
        if answer.code and _NOT_ENCRYPTED in names and self._is_authenticated(bounds):
            return self._run(words, bounds, unencrypted=True)
        return answer

    def _is_authenticated(self, bounds: Bounds) -> bool:
        """Tell whether the password opens a key, though the data is not encrypted with it."""
        answer = self._run(["info", "--json"], bounds, unencrypted=True)
        try:
            mode = json.loads(answer.out)["encryption"]["mode"]
        except UNREADABLE:
            return False
        return answer.code == 0 and str(mode).startswith("authenticated")

    def _run(self, words: Sequence[str], bounds: Bounds, *, unencrypted: bool) -> CompletedCommand:
        declared, ssh = self._declared, self._declared.ssh
        extra = {
            "BORG_REPO": declared.repository,
            "BORG_RSH": shlex.join(ssh_command(ssh.known_hosts, ssh.private_key)),
            "BORG_RELOCATED_REPO_ACCESS_IS_OK": "no",
            "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes" if unencrypted else "no",
            "BORG_PASSPHRASE": self._secret(declared.password) if declared.password else "",
        }
        if declared.key_file is not None:
            extra["BORG_KEY_FILE"] = str(declared.key_file)
        prefix, base = scratch.prefix(bounds.marker), scratch.base()
        with TemporaryDirectory(prefix=prefix, dir=base) as folder:  # borg's caches and its memory
            extra["BORG_BASE_DIR"] = folder
            command, *rest = words
            options = ["--log-json", "--lock-wait", _LOCK_WAIT, *declared.options]
            argv = ["borg", *options, command, *rest]

            return run(argv, bounds, extra=extra, package="borgbackup")

    def _holders(self) -> list[str]:
        """Return who has locked a repository of this machine, as borg's lock itself tells it."""
        if not self._declared.repository.startswith("/"):
            return []
        with suppress(OSError):
            locks = [each.name for each in Path(self._declared.repository, _LOCK).iterdir()]
            holders = [match for each in sorted(locks) if (match := _HOLDER.fullmatch(each))]
            return [last_line(f"process {each['pid']} of {each['host']}") for each in holders]
        return []

    def _refusal(self, answer: CompletedCommand, deadline: float) -> NotReadyError:
        if answer.code is None:
            return NotReadyError(f"{self._name} {answer.late(deadline)}")

        messages = _messages(answer)
        reason = _reason(messages, answer)
        if re.search(r"Host key verification failed|IDENTIFICATION HAS CHANGED", answer.err):
            return NotReadyError(
                f"{self._name} is behind a host whose key is not the pinned one",
                hint="Compare the keys, then pin it in known_hosts.",
            )
        if "not supported by this borg version" in answer.err:
            return NotReadyError(f"{self._name} is in a newer format than this borg reads")

        of_ssh = [line.removeprefix(OF_SSH) for line in answer.err.splitlines() if OF_SSH in line]
        for name, _ in messages:
            if name in _MEANS:
                means, hint = _MEANS[name]
                if of_ssh and name.startswith("ConnectionClosed"):
                    reason = cause_of_ssh(of_ssh)
                if name.startswith("Lock"):
                    holders = (f"; {each} holds it" for each in self._holders())
                    reason = reason.rstrip(".") + "".join(holders)
                return NotReadyError(f"{self._name} {means}: {reason}", hint=hint)

        return NotReadyError(f"{self._name} cannot be read: {reason}")


def _point(archive: _Archive) -> RecoveryPoint:
    return RecoveryPoint(
        id=archive.name,
        data_time=archive.start,
        end_time=archive.end,
        host=archive.hostname,
        tags=tuple(archive.comment.split()),
        integrity="every piece is authenticated by its key",
    )


def _literal(text: str) -> str:
    """Quote what a shell pattern would take for more than itself."""
    return re.sub(r"([*?\[])", r"[\1]", text)


def _messages(answer: CompletedCommand) -> list[tuple[str, str]]:
    """Return (message id, text) of each error and warning in borg's JSON log."""
    messages = []
    for line in answer.err.splitlines():
        try:
            message = json.loads(line)
        except UNREADABLE:
            continue

        if isinstance(message, dict) and str(message.get("levelname")) in _LEVELS:
            messages.append((str(message.get("msgid", "")), str(message.get("message", ""))))

    return messages


def _is_damage(messages: list[tuple[str, str]]) -> bool:
    return any(name.endswith("IntegrityError") for name, _ in messages)


def _reason(messages: list[tuple[str, str]], answer: CompletedCommand) -> str:
    texts = [text for _, text in messages if text.strip()]
    traceback = next((text for text in texts if text.startswith("Traceback ")), "")
    if traceback:  # of an unforeseen end it ends with the cause; before it stands a heading
        return last_line(traceback.partition("\nPlatform: ")[0])
    if not texts and answer.code is not None and answer.code < 0:
        return f"borg was ended by signal {-answer.code}"
    return last_line(texts[0].splitlines()[0] if texts else answer.err)
