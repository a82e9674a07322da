"""Read restic repositories without a lock: nothing is written to them.

Nor is a cache kept. What walks through folders has one of its own for that time: without it each
folder costs round trips.
"""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from tempfile import TemporaryDirectory
from urllib.parse import quote, unquote

from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from pradrill.adapters.backups.deletion import refuse_deletion, rest_login
from pradrill.domain.declared.backup_source import ResticSource, Ssh
from pradrill.domain.run.backup_catalogue import Catalogue, RecoveryPoint
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.domain.run.host_answers import document_in, last_line
from pradrill.domain.values.model import Utc
from pradrill.domain.values.ssh_place import ssh_place
from pradrill.errors import UNREADABLE, NotReadyError
from pradrill.ports import Bounds, Clock
from pradrill.system import scratch
from pradrill.system.command import OF_SSH, CompletedCommand, cause_of_ssh, run, ssh_command

_LOCKS_READ = 20
_CACERT = "--cacert="
_CACERTS = "RESTIC_CACERT"
_SSH_ENDED = r"sftp session|unexpectedly closed|file already closed|connection lost"
_DAMAGE = re.compile(
    r"repository contains errors|LoadIndex returned errors|ciphertext verification failed"
    r"|does not match|invalid data returned|ID mismatch|unexpected EOF|data seems to have changed"
    r"|invalid character|file has no valid header|size is invalid|not found in (?:the )?index"
)
_LET_IN = (
    "Name them under environment: RESTIC_REST_USERNAME and RESTIC_REST_PASSWORD, or "
    "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
)
_OUR_END = "context canceled"  # what it says once we have ended it
_MEANS = (
    (r"wrong password or no key found", "does not open with this password", None),
    (r"unsupported repository version", "is in a newer format than this restic reads",
     "Install the restic that the backup job uses, or a newer one."),
    (r"Host key verification failed|REMOTE HOST IDENTIFICATION",
     "is behind a host whose key is not the pinned one",
     "Compare its key with the server's own record, then pin it. Try: {ssh}."),
    ((r"Permission denied|Connection refused|No route to host|timed out|Could not resolve"
     r"|server unexpectedly closed|file already closed|no such host|connection reset|i/o timeout"
     r"|unable to start the sftp session"),  # ssh ended before it was heard
     "cannot be reached", "The host must be up, its key the pinned one. Try: {ssh}."),
    (r"x509: ", "is behind a certificate that is not trusted here",
     "Name its authority: options: [--cacert=/etc/ssl/backup.pem]."),
    (r"\((?:401|403)\)|Access ?Denied|Access Key Id|signature we calculated|_KEY\w*\) is empty",
     "does not let these credentials in", _LET_IN),
    (r"repository does not exist|config file: .*(?:does not exist|no such file)",
     "is not there", "Check repository; the backup job prints the one that it uses."),
    (r"unable to open config file", "cannot be opened",
     "Check repository; the backup job prints the one that it uses."),
)  # fmt: skip


class _Summary(BaseModel):
    backup_start: Utc | None = None
    backup_end: Utc | None = None
    total_bytes_processed: int | None = None


class _Snapshot(BaseModel):
    id: str = Field(pattern=r"^[0-9a-f]{64}$")
    time: Utc
    hostname: str = ""
    paths: list[str] | None = None
    tags: list[str] | None = None
    summary: _Summary = _Summary()


class _Lock(BaseModel):
    time: Utc
    exclusive: bool
    hostname: str = ""
    pid: int = 0


_SNAPSHOTS = TypeAdapter(list[_Snapshot] | None)


class Restic:
    """A repository as `ResticSource` declares it."""

    def __init__(self, declared: ResticSource, secret: Callable[[str], str], clock: Clock) -> None:
        self._declared = declared
        self._secret = secret
        self._clock = clock

    def catalogue(self, bounds: Bounds) -> Catalogue:
        """Return the snapshots that host, tag and path leave."""
        declared = self._declared
        path = posixpath.normpath(declared.path) if declared.path else None  # as restic keeps it
        filters = (("--tag", declared.tag), ("--host", declared.host), ("--path", path))
        words = [word for name, value in filters if value for word in (name, value)]
        answer = self._ask(["snapshots", "--json", *words], bounds)
        if answer.err.strip() and self._passed_over(bounds):  # with exit code 0
            raise self._refusal(answer)
        if lock := self._lock(bounds):
            since = f"{lock.time:%Y-%m-%d %H:%M} UTC"
            raise self._locked(f"{last_line(lock.hostname)}, pid {lock.pid}, since {since}")

        try:
            snapshots = _SNAPSHOTS.validate_json(document_in(answer.out)) or []
            points = tuple(_point(snapshot) for snapshot in snapshots)
        except ValidationError as error:
            raise self._nonsense() from error

        if declared.append_only:  # once it was read with the same credentials
            secrets = self._environment()
            refuse_deletion(
                declared.repository, secrets, self._cacerts(secrets), self._clock.now(), bounds
            )
        return Catalogue(
            source=declared.name,
            location=declared.repository,
            read_at=self._clock.now(),
            points=points,
            append_only=declared.append_only,
        )

    def check(self, point: RecoveryPoint, part: IntegrityPart, bounds: Bounds) -> Checked:
        """Check the repository's structure, and read one part of its data."""
        del point  # restic divides the repository, not a snapshot
        subset = f"{part.number}/{part.of}"
        method = f"restic check --read-data-subset {subset}"
        words = ["check", f"--read-data-subset={subset}"]
        prefix, base = scratch.prefix(bounds.marker), scratch.base()
        with TemporaryDirectory(prefix=prefix, dir=base) as cache:
            answer = self._call(words, bounds, cache=("--cache-dir", cache))
        if answer.code == 0:
            return Checked(Soundness.SOUND, method)
        if answer.code is None:
            return Checked(Soundness.UNPROVEN, method, f"not done in {bounds.deadline:g} s")

        damage = [line for line in answer.err.splitlines() if _DAMAGE.search(line)]
        if not damage:
            return Checked(Soundness.UNPROVEN, method, self._refusal(answer).message)
        if self._locks(bounds):  # without a lock of ours, a prune looks like damage
            return Checked(Soundness.UNPROVEN, method, "the repository was changed meanwhile")

        return Checked(Soundness.DAMAGED, method, last_line(damage[0]))

    @property
    def _name(self) -> str:
        return f"the restic repository {self._declared.repository}"

    def _passed_over(self, bounds: Bounds) -> bool:
        """Tell whether snapshots lie there that restic does not list: it could not load them.

        What else it says on its error stream (a request that was tried again) is no refusal.
        """
        ids = set(re.findall(r"(?m)^[0-9a-f]{64}$", self._ask(["list", "snapshots"], bounds).out))
        try:
            loaded = _SNAPSHOTS.validate_json(self._ask(["snapshots", "--json"], bounds).out) or []
        except ValidationError as error:
            raise self._nonsense() from error
        return not ids <= {snapshot.id for snapshot in loaded}

    def _lock(self, bounds: Bounds) -> _Lock | None:
        """Return a lock of a process that may remove what we read (prune, rebuild-index)."""
        for lock in self._locks(bounds):
            answer = self._call(["cat", "lock", lock], bounds)
            if answer.code != 0:
                self._refuse_exclusive(answer)
                continue  # released in the meantime

            try:
                content = _Lock.model_validate_json(answer.out)
            except ValidationError as error:
                raise self._nonsense() from error
            if content.exclusive:
                return content

        return None

    def _refuse_exclusive(self, answer: CompletedCommand) -> None:
        """Raise NotReadyError where restic before 0.12 locks what it reads a lock of."""
        if match := re.search(r"already locked exclusively by (.+)", answer.err):
            raise self._locked(last_line(match[1]))

    def _locked(self, who: str) -> NotReadyError:
        return NotReadyError(
            f"{self._name} is locked by a process that changes it: {who}",
            hint="Wait for its end; if it has died, run restic unlock there.",
        )

    def _locks(self, bounds: Bounds) -> list[str]:
        words = self._ask(["list", "locks"], bounds).out.split()
        return [word for word in words if re.fullmatch(r"[0-9a-f]{64}", word)][:_LOCKS_READ]

    def _ask(self, words: Sequence[str], bounds: Bounds) -> CompletedCommand:
        answer = self._call(words, bounds)
        if answer.code == 0:
            return answer
        raise self._refusal(answer, bounds.deadline)

    def _call(
        self, words: Sequence[str], bounds: Bounds, cache: Sequence[str] = ("--no-cache",)
    ) -> CompletedCommand:
        declared, secrets = self._declared, self._environment()
        way = over_ssh(declared.repository, declared.ssh)
        answer = run(
            ["restic", *cache, "--no-lock", *way, *declared.options, *words],
            bounds,
            extra={
                **secrets,
                "RESTIC_REPOSITORY": _with_login(declared.repository, secrets),
                "RESTIC_PASSWORD": self._secret(declared.password),
            },
            package="restic",
        )
        return answer._replace(err=_in_text(answer.err))

    def _environment(self) -> dict[str, str]:
        return {name: self._secret(where) for name, where in self._declared.environment.items()}

    def _cacerts(self, secrets: Mapping[str, str]) -> list[str]:
        """Return the files of authorities that restic is given; without any it trusts its own."""
        options = self._declared.options
        lists = [each.removeprefix(_CACERT) for each in options if each.startswith(_CACERT)]
        return [
            file
            for each in lists or [secrets.get(_CACERTS, "")]
            for file in each.split(",")
            if file
        ]

    def _refusal(self, answer: CompletedCommand, deadline: float = 0) -> NotReadyError:
        if answer.code is not None:
            return restic_refusal(self._declared.repository, answer.err)

        # Since 0.17 it tries again for minutes, and says each time what stands in the way.
        words = [each for each in answer.err.splitlines() if _OUR_END not in each]
        if causes := [each for each in words if _means(each) is not None]:
            return restic_refusal(self._declared.repository, causes[-1])
        return NotReadyError(f"{self._name} {answer.late(deadline)}")

    def _nonsense(self) -> NotReadyError:
        return NotReadyError(
            f"what restic says of {self._name} is not what restic says",
            hint="Run restic snapshots --json by hand and see what it prints.",
        )


def over_ssh(repository: str, ssh: Ssh) -> list[str]:
    """Say how ssh is called, so that only pinned host keys count."""
    if not repository.startswith("sftp:"):
        return []

    port, host = _login(repository)
    words = [*ssh_command(ssh.known_hosts, ssh.private_key), "-s", *port, "--", host, "sftp"]
    quoted = shlex.join(words).replace('"', '""')  # restic reads options as CSV
    return ["-o", f'"sftp.command={quoted}"']


def restic_refusal(repository: str, err: str) -> NotReadyError:
    """Say what keeps a repository from being read, by what restic says on its error stream."""
    name, reason = f"the restic repository {repository}", _reason(err)
    if (meaning := _means(err)) is not None:
        means, hint = meaning
        return NotReadyError(f"{name} {means}: {reason}", hint=_hint(hint, repository))
    if _DAMAGE.search(err):
        return NotReadyError(f"{name} is damaged: {reason}")
    return NotReadyError(f"{name} cannot be read: {reason}")


def _means(err: str) -> tuple[str, str | None] | None:
    """Return what restic's words mean, and what mends it; nothing of words without a meaning."""
    meanings = (each[1:] for each in _MEANS if re.search(each[0], err, re.IGNORECASE))
    return next(meanings, None)


def _hint(hint: str | None, repository: str) -> str | None:
    """Return a hint with ssh's command by hand, where there is one for the repository."""
    if hint is None or "{ssh}" not in hint:
        return hint
    if not repository.startswith("sftp:"):
        return "See that it can be reached from here, and read by this user."
    port, host = _login(repository)
    return hint.format(ssh=shlex.join(["ssh", *port, host]))


def _login(repository: str) -> tuple[list[str], str]:
    """Return the option with the port, if any, and the login that an sftp: repository names."""
    place = ssh_place(repository)
    if place is None:
        return [], repository.removeprefix("sftp:").partition(":")[0]
    return [*place.port_option], unquote(place.login)  # restic takes it for a URL


def _with_login(repository: str, secrets: Mapping[str, str]) -> str:
    """Return a rest: address with its login in it, as restic's environment before 0.16 wants it."""
    if not repository.startswith("rest:"):
        return repository
    url, user, password = rest_login(repository.removeprefix("rest:"), secrets)
    if not user:
        return repository
    login = f"{quote(user, safe='')}:{quote(password, safe='')}@"
    return f"rest:{url.replace('://', f'://{login}', 1)}"


def _point(snapshot: _Snapshot) -> RecoveryPoint:
    """Return a snapshot; it holds nothing newer than what was read, whatever --time says."""
    start = snapshot.summary.backup_start or snapshot.time
    return RecoveryPoint(
        id=snapshot.id,
        data_time=min(snapshot.time, start),
        end_time=snapshot.summary.backup_end,
        size=snapshot.summary.total_bytes_processed,
        host=snapshot.hostname,
        paths=tuple(snapshot.paths or ()),
        tags=tuple(snapshot.tags or ()),
        integrity="every piece is named by its SHA-256",
    )


def _in_text(err: str) -> str:
    """Return what restic says as text: with --json it ends with an object since 0.18."""
    return "".join(f"{_message(line)}\n" for line in err.splitlines())


def _message(line: str) -> str:
    if not line.startswith("{"):
        return line
    try:
        message = json.loads(line)["message"]
    except UNREADABLE:
        return line
    return message if isinstance(message, str) else line


def _reason(err: str) -> str:
    """Return the line that tells most: ssh's own, where restic saw only that ssh ended."""
    lines = err.splitlines()
    of_ssh = [line.removeprefix(OF_SSH) for line in lines if line.startswith(OF_SSH)]
    if of_ssh and re.search(_SSH_ENDED, err):
        return cause_of_ssh(of_ssh)
    fatal = [line for line in err.splitlines() if line.startswith("Fatal:")]
    return last_line(fatal[0].removeprefix("Fatal:") if fatal else err)
