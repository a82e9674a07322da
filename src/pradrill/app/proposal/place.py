"""Recognise where backups are: which tool made them, and how the drill names the place."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from pydantic import ValidationError

from pradrill.adapters.backups.dumps import checksums
from pradrill.adapters.backups.dumps.local_folder import LocalFolder
from pradrill.adapters.standbys.pinned_keys import PinnedKeys
from pradrill.adapters.standbys.ssh_route import route
from pradrill.domain.declared.backup_source import RecoveryPointSpec, listed
from pradrill.domain.run.host import Host
from pradrill.domain.values.ssh_place import ssh_place
from pradrill.errors import NotReadyError, UsageError
from pradrill.ports import FolderEntry

_PREFIXES = ("restic", "borg", "pgbackrest", "barman", "dumps")
_REMOTE_RESTIC = ("sftp:", "rest:", "s3:", "b2:", "azure:", "gs:", "swift:", "rclone:")
_SIDE = re.compile(r"\.(manifest\.json|log|part|tmp)$|^\.")
_DATES = (
    (r"\d{4}-\d{2}-\d{2}", "%Y-%m-%d"),
    (r"(?<!\d)\d{4}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])(?=\D|\d{4}(?:\d\d)?(?!\d))", "%Y%m%d"),
)
_TIMES = (
    (r"\d{2}[-:h]\d{2}[-:m]\d{2}", None),
    (r"\d{6}", "%H%M%S"),
    (r"\d{2}[-:h]\d{2}(?!\d)", None),
    (r"\d{4}(?!\d)", "%H%M"),
)


class NoPasswordError(UsageError):
    """A repository is encrypted, and nobody said where its password is."""


class BackupServer(NamedTuple):
    """The host of backups that are reached over SSH, as the standby logs in there."""

    host: str
    user: str
    port: int
    path: str


class Place(NamedTuple):
    """Where backups are."""

    tool: str
    declared: dict[str, Any]
    """What stands below `recovery_point.TOOL`."""
    server: BackupServer | None = None
    """None: the place is reached as a path, or the tool's own address says it all."""

    @property
    def spec(self) -> RecoveryPointSpec:
        """Return it as a drill's recovery_point. Raises ValidationError."""
        here = {"folder": Path()}
        return RecoveryPointSpec.model_validate({self.tool: self.declared}, context=here)


def recognise_place(where: str, password: str | None, time_zone: str) -> Place:
    """Look at a repository or folder; raises UsageError when nobody made it that we know."""
    tool, _, rest = where.partition(":")
    explicit = tool if tool in _PREFIXES and rest else None
    place = rest if explicit else where
    tool = explicit or _tool_of(place)
    match tool:
        case "restic":
            secret = password or _needs_password(place)
            return Place(tool, {"repository": place, "password": secret}, _server_of(place))
        case "borg":
            keys = {"repository": place, **({"password": password} if password else {})}
            return Place(tool, keys, _server_of(place))
        case "pgbackrest":
            return Place(tool, _pgbackrest(place, password))
        case "barman":
            return Place(tool, {"server": place})
        case _:
            return _dumps(place, time_zone)


def _tool_of(place: str) -> str:
    schemes = {**dict.fromkeys(_REMOTE_RESTIC, "restic"), "ssh://": "borg", "sftp://": "dumps"}
    for scheme in sorted(schemes, key=len, reverse=True):
        if place.startswith(scheme):
            return schemes[scheme]

    path = Path(place).expanduser()
    if path.is_file() and "pgbackrest" in path.name:
        return "pgbackrest"
    if not path.is_dir():
        raise UsageError(
            f"there is no repository and no folder {place} here",
            hint=f"Say which tool made it, as in restic:{place}; tools: {listed('or')}.",
        )
    return _tool_of_folder(path)


def _tool_of_folder(path: Path) -> str:
    names = {each.name for each in path.iterdir()}
    if {"config", "keys", "snapshots"} <= names:
        return "restic"
    if {"config", "data"} <= names:
        of_borg = "[repository]" in (path / "config").read_text("utf-8", "replace")
        return "borg" if of_borg else "dumps"
    return "pgbackrest" if {"archive", "backup"} <= names else "dumps"


def _needs_password(place: str) -> str:
    folder = Path("/etc/pradrill")
    if os.geteuid() != 0:
        folder = Path("~/.config/pradrill").expanduser()
    raise NoPasswordError(
        f"the restic repository {place} is encrypted, and no password is named",
        hint=f"Keep it in a file (chmod 600) and add: --password file:{folder}/restic.",
    )


def _server_of(place: str) -> BackupServer | None:
    """Return the server in sftp:USER@HOST:PATH, sftp://… or ssh://…, if there is one."""
    if re.match(r"(sftp|ssh)://", place) and (its := ssh_place(place)) is not None:
        path = re.sub(r"^//", "/", its.path)
        return BackupServer(its.host, its.user or "root", its.port or 22, path)
    match = re.fullmatch(r"sftp:(?!-)(?:([^@:]+)@)?([^:]+):(.+)", place)
    return BackupServer(match[2], match[1] or "root", 22, match[3]) if match else None


def host_key_of(server: BackupServer, known_hosts: Sequence[Path] = ()) -> str:
    """Return the server's host key, if this machine has pinned one: "TYPE BASE64", or nothing.

    Without files given it is looked for where ssh itself would.
    """
    try:
        host = route(Host(name="server", address=server.host, port=server.port))
        keys = PinnedKeys(known_hosts or host.pin_files).of(host)
    except (ValidationError, NotReadyError, OSError):
        return ""
    return next((key for key in keys if key.startswith("ssh-ed25519 ")), next(iter(keys), ""))


def _pgbackrest(place: str, password: str | None) -> dict[str, Any]:
    path = Path(place).expanduser()
    secret = {"password": password} if password else {}
    if path.is_file():
        stanzas = re.findall(r"(?m)^\[(?!global)([^\]:\n]+)\]", path.read_text("utf-8", "replace"))
        return {"config": str(path), "stanza": next(iter(stanzas), "main"), **secret}
    stanzas = sorted(each.name for each in (path / "backup").glob("*/"))
    return {"repository": str(path), "stanza": next(iter(stanzas), "main"), **secret}


def _dumps(place: str, time_zone: str) -> Place:
    server = _server_of(place) if place.startswith("sftp://") else None
    if server is not None:
        pattern = "dump-%Y-%m-%d.sql.gz"  # nobody looks there before the login is known
    else:
        place = str(Path(place).expanduser().absolute())
        pattern = names_pattern(LocalFolder().entries(place), place)
    zone = {} if "%z" in pattern else {"timezone": time_zone}
    return Place("dumps", {"folder": place, "names": pattern, **zone}, server)


def dumps_among(entries: list[FolderEntry]) -> list[FolderEntry]:
    """Return what may be dumps in a folder, oldest first by name."""
    aside = (each for each in entries if _SIDE.search(each.name) or checksums.is_sums(each.name))
    return sorted(set(entries) - set(aside), key=lambda each: each.name)


def names_pattern(entries: Any, place: str) -> str:
    """Return how the newest dump's name is written, with strptime's directives."""
    for entry in reversed(dumps_among(list(entries))):
        if (pattern := pattern_of(entry.name)) is not None:
            return pattern
    raise UsageError(
        f"{place} holds no backup whose name carries its date",
        hint="Dumps are told apart by a date in their names, as in shop-2026-11-28.sql.gz.",
    )


def pattern_of(name: str) -> str | None:
    """Return a name with its date and time as directives; None without a date."""
    for date, directive in _DATES:
        match = re.search(date, name)
        if match is None:
            continue
        before, after = name[: match.start()], name[match.end() :]
        separator = re.match(r"[-_T ]?", after)
        gap = separator[0] if separator else ""
        clock, rest = _clock(after[len(gap) :])
        tail = f"{gap}{clock}{_plain(rest)}" if clock else _plain(after)
        return f"{_plain(before)}{directive}{tail}"
    return None


def _clock(text: str) -> tuple[str, str]:
    """Return the directives of a time of day that a text begins with, and the rest of it."""
    for pattern, directive in _TIMES:
        match = re.match(pattern, text)
        if match:
            return directive or _spelt(match[0]), text[match.end() :]
    return "", text


def _spelt(clock: str) -> str:
    for directive in ("%H", "%M", "%S"):
        clock = re.sub(r"\d{2}", directive, clock, count=1)
    return clock


def _plain(text: str) -> str:
    return text.replace("%", "%%")
