"""Declare where a drill's backups are, and which one it takes: the key `recovery_point`."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    WithJsonSchema,
    create_model,
    field_validator,
    model_validator,
)

from pradrill.domain.values.dated_text import (
    DIRECTIVE,
    SOME_DAY,
    directives_of,
    is_dated,
    read_date,
    sample_of,
    spelled_out,
    texts_of,
    without_short,
)
from pradrill.domain.values.duration import Deadline, Duration, PositiveDuration
from pradrill.domain.values.model import Model, RelativePath, Utc, when_written
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.secret import SecretName
from pradrill.domain.values.ssh_place import ssh_place

_WITH_PASSWORD = re.compile(r"//[^/@:]*:[^/@]*@")
_CADENCE = timedelta(minutes=1)
_MOST_PARTS = 256  # restic's own limit
_SECRET_OPTION = re.compile(r"(?i)(pass|secret|token)[^=]*=")
_VARIABLE = r"^[A-Z][A-Z0-9_]*$"


def _place(value: str) -> str:
    if _WITH_PASSWORD.search(value):
        msg = "a password in an address is read by others; name it with environment or ssh"
        raise ValueError(msg)
    if re.match(r"sftp:(?!//)[^/]*\[", value):
        msg = "an IPv6 address goes into sftp://user@[address]:port//path, as restic reads it"
        raise ValueError(msg)
    if value.startswith(("-", "sftp:-")) or not value.isprintable() or not _has_host(value):
        msg = f'"{value}" is not the place of a repository'
        raise ValueError(msg)

    return value


def _from_root(value: str) -> str:
    if re.match(r"(?:local:|file:)?(?!/)[^:]*$", value):
        msg = f'"{value}" is not an absolute path, as a folder of this machine must be'
        raise ValueError(msg)
    return value


def _has_host(place: str) -> bool:
    """Tell whether an address of SSH's names a host, and a port that there can be."""
    return not place.startswith(("sftp://", "ssh://")) or ssh_place(place) is not None


def _word(value: str) -> str:
    if value.startswith("-") or not value.isprintable():
        msg = "must be printable and not begin with a dash"
        raise ValueError(msg)
    return value


def _time_zone(value: str) -> str:
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        msg = f'"{value}" is not a time zone; write one like Europe/Paris or UTC'
        raise ValueError(msg) from error
    return value


def _option(value: str) -> str:
    if not re.match(r"--?[a-z]", value) or not value.isprintable():
        msg = f'"{value}" is not an option: write one word each, as in --name=value'
        raise ValueError(msg)
    if _SECRET_OPTION.search(value):
        msg = "a secret in an option is read by others; name it with password or environment"
        raise ValueError(msg)
    return value


RepositoryPlace = Annotated[
    str, Field(min_length=1, max_length=1000), AfterValidator(_place), when_written(_from_root)
]
Word = Annotated[str, Field(min_length=1, max_length=200), AfterValidator(_word)]
Options = tuple[Annotated[str, Field(max_length=1000), AfterValidator(_option)], ...]
EnvironmentNames = dict[Annotated[str, Field(pattern=_VARIABLE)], SecretName]


class Ssh(Model):
    """How a repository behind SSH is reached: pinned host keys, no prompt."""

    known_hosts: RelativePath | None = Field(
        default=None,
        description="the pinned host keys; default: where ssh itself looks for them",
        examples=["../known_hosts"],
    )
    private_key: RelativePath | None = Field(
        default=None,
        description="the login's; default: the agent's or ~/.ssh/id_*",
        examples=["/etc/pradrill/backup_key"],
    )


class BackupSource(Model):
    """What every source says of itself; its fields are the keys below `recovery_point.<name>`."""

    name: ClassVar[str]
    """The tool, and the key below `recovery_point`."""

    what: ClassVar[str]
    """What it is, for the table of keys."""

    in_parts: ClassVar[bool] = False
    """Its integrity can be checked a part at a time."""

    @property
    def writes(self) -> tuple[Path, ...]:
        """Return the folders of this machine into which its tool writes while it only reads."""
        return ()


class ResticSource(BackupSource):
    """A restic repository, on any of restic's backends."""

    name = "restic"
    what = "a restic repository"
    in_parts = True
    repository: RepositoryPlace = Field(
        description='as restic takes it: /path, "sftp:…", "rest:…", "s3:…"',
        examples=["sftp://backup@host//srv/restic"],
    )
    password: SecretName = Field(
        description="the repository's", examples=["file:/etc/pradrill/restic"]
    )
    tag: Word | None = Field(
        default=None, description="only snapshots with this tag", examples=["moodle"]
    )
    host: Word | None = Field(
        default=None, description="only snapshots of this host", examples=["web1"]
    )
    path: Word | None = Field(
        default=None, description="only snapshots of this path", examples=["/srv/files"]
    )
    environment: EnvironmentNames = Field(
        default={},
        description="restic's variables → secrets",
        examples=[{"AWS_SECRET_ACCESS_KEY": "file:/etc/pradrill/s3"}],
    )
    options: Options = Field(
        default=(),
        description="restic's own options, before its command",
        examples=[["--cacert=/etc/ssl/backup.pem"]],
    )
    append_only: bool = Field(
        default=False,
        description="the drill's credentials must not be able to delete: its server is asked to, "
        "of what is not there; rest: and s3: only",
        examples=[True],
    )
    ssh: Ssh = Field(default=Ssh(), description="how a repository behind SSH is reached")

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.append_only and not re.match(r"rest:https?://|s3:", self.repository):
            msg = "append_only can be tried of a rest:http… or s3: repository only"
            raise ValueError(msg)
        return self


class BorgSource(BackupSource):
    """A BorgBackup 1.x repository, local or behind SSH."""

    name = "borg"
    what = "a BorgBackup repository"
    repository: RepositoryPlace = Field(
        description="as borg takes it: /path or ssh://user@host/path",
        examples=["ssh://backup@host/srv/borg"],
    )
    password: SecretName | None = Field(
        default=None, description="none: not encrypted", examples=["file:/etc/pradrill/borg"]
    )
    key_file: RelativePath | None = Field(
        default=None, description="for keyfile repositories", examples=["/etc/pradrill/borg.key"]
    )
    prefix: Word | None = Field(
        default=None, description="only archives whose name begins so", examples=["moodle-"]
    )
    options: Options = Field(
        default=(),
        description="borg's own options, before its command",
        examples=[["--remote-path=borg1"]],
    )
    append_only: bool = Field(
        default=False,
        description="the drill's login must not be able to delete for good: borg serve "
        "--append-only is all that it opens; it is asked to, of what is not there; ssh:// only",
        examples=[True],
    )
    ssh: Ssh = Field(default=Ssh(), description="how a repository behind SSH is reached")

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if self.append_only and not self.repository.startswith("ssh://"):
            msg = "append_only can be tried of an ssh:// repository only"
            raise ValueError(msg)
        return self

    @property
    def writes(self) -> tuple[Path, ...]:
        """Return its repository, if it is a folder here: borg's lock goes there."""
        return (Path(self.repository),) if self.repository.startswith("/") else ()


class PgBackRestSource(BackupSource):
    """A pgBackRest stanza, from its configuration file or from a repository's folder."""

    name = "pgbackrest"
    what = "a pgBackRest stanza"
    stanza: Word = Field(description="the stanza's name", examples=["main"])
    config: RelativePath | None = Field(
        default=None,
        description="pgbackrest.conf; with neither this nor repository: its own, with conf.d",
        examples=["/etc/pgbackrest.conf"],
    )
    repository: RelativePath | None = Field(
        default=None, description="a repository's folder", examples=["/srv/pgbackrest"]
    )
    number: int = Field(
        default=1, ge=1, le=256, description="which of its repositories", examples=[2]
    )
    password: SecretName | None = Field(
        default=None, description="the repository's cipher pass", examples=["file:/etc/pradrill/pg"]
    )
    options: Options = Field(
        default=(),
        description="pgbackrest's own options, before its command",
        examples=[["--repo1-host-user=backup"]],
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if self.config is not None and self.repository is not None:
            msg = "give either config or repository, or neither"
            raise ValueError(msg)
        return self


class BarmanSource(BackupSource):
    """A server of a Barman installation on this machine."""

    name = "barman"
    what = "a server of Barman"
    server: Word = Field(description="the server's name in Barman", examples=["pg1"])
    config: RelativePath | None = Field(
        default=None,
        description="its configuration; default: /etc/barman.conf",
        examples=["/etc/barman.conf"],
    )
    options: Options = Field(
        default=(),
        description="barman's own options, before its command",
        examples=[["--log-level=ERROR"]],
    )

    @property
    def writes(self) -> tuple[Path, ...]:
        """Return where Barman keeps its locks and its log by itself."""
        return (Path("/var/lib/barman"), Path("/var/log/barman"))


class DumpsSource(BackupSource):
    """A folder of dumps whose names carry their date, here or over SFTP."""

    name = "dumps"
    what = "a folder of dumps"
    folder: RepositoryPlace = Field(
        description="an absolute path, or sftp://user@host[:port]/path",
        examples=["sftp://backup@host/srv/dumps"],
    )
    names: Word = Field(
        description="what the names look like, with the directives of strptime and date(1); "
        "one / for a folder; a week or month without a day is dated at its beginning",
        examples=["moodle-%Y%m%d.sql.gz", "%Y-%m-%d/moodle.sql.gz"],
    )
    timezone: str | None = Field(
        default=None, description="zone of the dates in the names", examples=["Europe/Paris"]
    )
    quiet: Duration = Field(
        default=timedelta(minutes=5),
        description="a dump is complete when it was not written to for so long, or its checksum "
        "or manifest was written after it; not while NAME.lock lies beside it",
        examples=["30m"],
    )
    password: SecretName | None = Field(
        default=None,
        description="the SFTP login's, if no key",
        examples=["file:/etc/pradrill/sftp"],
    )
    ssh: Ssh = Field(default=Ssh(), description="how a repository behind SSH is reached")

    @field_validator("folder")
    @classmethod
    def _absolute(cls, value: str) -> str:
        if not re.match(r"/|sftp://[^/@]+(@[^/@]+)?/", value):
            msg = "must be an absolute path, or sftp://user@host[:port]/path"
            raise ValueError(msg)
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str | None) -> str | None:
        return value if value is None else _time_zone(value)

    @model_validator(mode="after")
    def _dated(self, info: ValidationInfo) -> Self:
        if not info.context:  # a record's names may be of before these rules
            return self

        folder, _, name = self.names.rpartition("/")
        one_folder = "/" not in folder and name and not self.names.startswith("/")
        if not one_folder or not is_dated(self.names):
            msg = (
                "names is one name with a date in it, as in moodle-%Y%m%d-%H%M.sql.gz, "
                "in one folder at most, as in %Y-%m-%d/moodle.sql.gz"
            )
            raise ValueError(msg)
        directives = directives_of(self.names)
        if "Z" in directives:
            msg = "names reads a zone's name with %Z, which does not fix its offset: write it by %z"
            raise ValueError(msg)

        try:
            form = within(folder, name, SOME_DAY)
            read_date(sample_of(form), form)
        except (ValueError, re.error) as error:
            msg = f"names cannot be read as dates: {error}"
            raise ValueError(msg) from error
        if self.timezone is None and not directives & set("zs"):
            msg = "timezone is missing: the names do not say in which zone their dates are"
            raise ValueError(msg)

        return self


Source = ResticSource | BorgSource | PgBackRestSource | BarmanSource | DumpsSource
"""A declared source of any kind; keys, messages, hints and descriptions follow from these."""

SOURCES: tuple[type[Source], ...] = get_args(Source)


def within(folder: str, name: str, at: datetime, title: str = "") -> str:
    """Return the form of a name together with its folder's; what both date is dated once.

    strptime takes no directive twice: those of the folder stand in the name as that folder, whose
    date is `at`, has them in its own name `title`.
    """
    if not folder:
        return spelled_out(name)
    in_folder, texts = directives_of(folder), texts_of(title, folder) if title else {}

    def text(match: re.Match[str]) -> str:
        if match[0] in texts:
            return texts[match[0]].replace("%", "%%")
        return at.strftime(match[0]) if match[0][-1] in in_folder else match[0]

    name = re.sub(DIRECTIVE, text, without_short(name))
    return f"{spelled_out(folder)}/{spelled_out(name)}"


def listed(word: str) -> str:
    """Return the names of all sources: "restic, borg or dumps" for "or"."""
    *most, last = (source.name for source in SOURCES)
    return f"{', '.join(most)} {word} {last}"


_IN_PARTS = ", ".join(source.name for source in SOURCES if source.in_parts)

if TYPE_CHECKING:
    _OneKeyEach = Model
else:
    _OneKeyEach = create_model(
        "_OneKeyEach",
        __base__=Model,
        **{
            source.name: (source | None, Field(default=None, description=source.what))
            for source in SOURCES
        },
    )


class Select(Model):
    """Which recovery point is meant: the latest of those that match, or one by its id."""

    before: Utc | None = Field(
        default=None,
        description="complete before this instant",
        examples=["2026-03-10T01:00:00Z"],
    )
    tag: Word | None = Field(
        default=None, description="the newest with this tag", examples=["monthly"]
    )
    id: Word | None = Field(
        default=None, description="one point, whatever its age", examples=["4f2a9c1e"]
    )

    @model_validator(mode="after")
    def _id_alone(self) -> Self:
        if self.id is not None and (self.before is not None or self.tag is not None):
            msg = "an id names one point: it goes without before and tag"
            raise ValueError(msg)
        return self

    @property
    def in_words(self) -> Reason:
        """Return the rule in words."""
        if self.id is not None:
            return reason(Code.BY_ID, name=self.id)
        if self.tag is not None and self.before is not None:
            return reason(Code.LATEST_TAGGED_BEFORE, tag=self.tag, instant=self.before)
        if self.tag is not None:
            return reason(Code.LATEST_TAGGED, tag=self.tag)
        if self.before is not None:
            return reason(Code.LATEST_BEFORE, instant=self.before)

        return reason(Code.LATEST)


def _latest(value: Any) -> Any:
    if isinstance(value, str):
        if value != "latest":
            msg = 'write latest, {before: "an instant"}, {tag: …} or {id: …}'
            raise ValueError(msg)
        return {}
    return value


class Promised(Model):
    """When the backup job is meant to run: a period, or cron's own words."""

    every: PositiveDuration | None = Field(
        default=None, description="how often; either this or cron", examples=["24h"]
    )
    cron: str | None = Field(default=None, description="five fields", examples=["30 1 * * *"])
    timezone: str = Field(
        default="UTC", description="the zone in which cron runs", examples=["Europe/Paris"]
    )
    tolerance: Duration = Field(
        default=timedelta(hours=1), description="how late it may be", examples=["2h"]
    )

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if (self.every is None) == (self.cron is None):
            msg = "give either every or cron"
            raise ValueError(msg)
        return self

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        return _time_zone(value)

    @field_validator("every")
    @classmethod
    def _not_too_often(cls, value: timedelta | None) -> timedelta | None:
        if value is not None and value < _CADENCE:
            msg = "must be at least 1m"
            raise ValueError(msg)
        return value

    @property
    def in_words(self) -> Reason:
        """Return the promise in words."""
        if self.every is not None:
            return reason(Code.PROMISED_EVERY, every=self.every, bound=self.tolerance)
        return reason(Code.PROMISED_CRON, cron=self.cron, zone=self.timezone, bound=self.tolerance)


class Integrity(Model):
    """How the backups themselves are checked, after the service was verified."""

    parts: int = Field(
        default=1,
        ge=1,
        le=_MOST_PARTS,
        description=f"{_IN_PARTS} only: read one part of so many a run, the next one each time",
        examples=[20],
    )
    deadline: Deadline = Field(
        default=timedelta(hours=1), description="how long it may take", examples=["30m"]
    )


class RecoveryPointSpec(_OneKeyEach):
    """One source of backups, and which of them the drill restores."""

    select: Annotated[
        Select,
        BeforeValidator(_latest),
        WithJsonSchema(
            {"anyOf": [{"type": "string", "const": "latest"}, Select.model_json_schema()]}
        ),
    ] = Field(
        default=Select(),
        description="which one: latest, or by an instant, tag or id",
        examples=["latest", {"before": "2026-03-10T01:00:00Z"}],
    )
    kept_at: str | None = Field(
        default=None,
        description="which copy of the backups this is, and where it is kept",
        examples=["second copy, in Lille"],
    )
    window: PositiveDuration = Field(
        default=timedelta(days=90),
        description="history looked at for the worst-case RPA",
        examples=["1w"],
    )
    promised: Promised | None = Field(default=None, description="when the backup job is to run")
    integrity: Integrity | None = Field(
        default=None, description="whether the backups themselves are checked, after the service"
    )
    deadline: Deadline = Field(
        default=timedelta(minutes=2),
        description="how long reading the catalogue may take",
        examples=["5m"],
    )

    @property
    def source(self) -> Source:
        """Return the one source that is declared."""
        (one,) = self._declared()
        return one

    def _declared(self) -> list[Source]:
        each = (getattr(self, source.name) for source in SOURCES)
        return [source for source in each if source is not None]

    @model_validator(mode="after")
    def _one_of(self) -> Self:
        if len(self._declared()) != 1:
            msg = f"give exactly one of {listed('and')}"
            raise ValueError(msg)
        if self.integrity is not None and self.integrity.parts > 1 and not self.source.in_parts:
            msg = f"integrity.parts is for {_IN_PARTS}; the other tools read everything"
            raise ValueError(msg)

        return self
