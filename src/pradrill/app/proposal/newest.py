"""Look into the newest backup of a place, with the tool that made it."""

from __future__ import annotations

import gzip
import json
import lzma
import shlex
import shutil
import subprocess
import tarfile
import zlib
from collections.abc import Callable
from io import StringIO
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import BaseModel

from pradrill.adapters.backups.dumps.kinds import of_folder
from pradrill.adapters.backups.dumps.local_folder import LocalFolder
from pradrill.adapters.backups.restic import over_ssh, restic_refusal
from pradrill.app.proposal.contents import (
    Contents,
    InstantColumn,
    Software,
    instant_column,
    of_dump,
    of_listing,
)
from pradrill.app.proposal.place import Place, dumps_among
from pradrill.domain.declared.backup_source import Ssh
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import UNREADABLE, NotReadyError
from pradrill.ports import Bounds
from pradrill.system import scratch
from pradrill.system.command import OF_SSH, run, ssh_command

_SECONDS = 120.0
_HEAD = 4 << 20  # bytes of a dump: its first tables
_MOST_NAMES = 20_000

_DAMAGED = (OSError, EOFError, zlib.error, lzma.LZMAError, tarfile.TarError, ValueError)
"""What reading raises of what is packed, and cut or no such thing at all."""


class _Node(BaseModel):
    """A line of `restic ls --json`: the snapshot, then each file and folder in it."""

    type: str = ""
    path: str = ""
    paths: list[str] | None = None


Resolve = Callable[[str], str]


def contents_of(place: Place, resolve: Resolve) -> Contents:
    """Return what the newest backup holds. Raises NotReadyError when the place cannot be read."""
    match place.tool:
        case "restic":
            return _of_restic(place, resolve)
        case "borg":
            return _of_borg(place, resolve)
        case "pgbackrest" | "barman":
            return Contents(Software.POSTGRESQL)
        case _ if place.server is not None:
            return Contents(Software.FILES)
        case _:
            return _of_dumps(Path(place.declared["folder"]))


def _of_restic(place: Place, resolve: Resolve) -> Contents:
    extra = {
        "RESTIC_REPOSITORY": str(place.declared["repository"]),
        "RESTIC_PASSWORD": resolve(place.declared["password"]),
    }
    prefix, base = scratch.prefix(""), scratch.base()
    with TemporaryDirectory(prefix=prefix, dir=base) as cache:  # else each folder is asked for
        way = over_ssh(place.declared["repository"], Ssh())
        command = ["restic", "--cache-dir", cache, "--no-lock", *way, "ls", "--json", "latest"]
        answer = run(command, Bounds(_SECONDS), extra=extra, package="restic")
    if answer.code != 0:
        raise restic_refusal(place.declared["repository"], answer.err)
    try:
        lines = islice(StringIO(answer.out, newline="\n"), _MOST_NAMES)
        nodes = [_Node.model_validate(json.loads(line)) for line in lines]
    except UNREADABLE as error:
        raise NotReadyError(
            f"the newest snapshot in {place.declared['repository']} cannot be listed: "
            "what restic prints is no listing",
            hint="Try restic ls --json latest by hand.",
        ) from error
    files = [node.path for node in nodes if node.type == "file" and node.path]
    return of_listing(files, nodes[0].paths or () if nodes else ())


def _of_borg(place: Place, resolve: Resolve) -> Contents:
    secret = place.declared.get("password")
    extra = {
        "BORG_REPO": str(place.declared["repository"]),
        "BORG_RSH": shlex.join(ssh_command(None, None)),
        "BORG_PASSPHRASE": resolve(secret) if secret else "",
        "BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK": "yes",
        "BORG_RELOCATED_REPO_ACCESS_IS_OK": "yes",
    }
    bounds = Bounds(_SECONDS)
    last = run(
        ["borg", "list", "--last", "1", "--short"], bounds, extra=extra, package="borgbackup"
    )
    name = last.out.strip()
    if last.code != 0 or not name:
        raise _borg_refusal(place, last.err)
    words = ["borg", "list", "--format", "{type} {path}{NL}", f"::{name}"]
    lines = run(words, bounds, extra=extra, package="borgbackup").out.splitlines()[:_MOST_NAMES]
    return of_listing([f"/{line[2:]}" for line in lines if line.startswith("-")])


def _borg_refusal(place: Place, err: str) -> NotReadyError:
    """Say what keeps an archive from being listed: what ssh says, before what borg makes of it."""
    of_ssh = [line for line in err.splitlines() if line.startswith(OF_SSH)]
    reason = last_line(of_ssh[-1].removeprefix(OF_SSH) if of_ssh else err or "there is none")
    hint = "Try borg list by hand. Where it is encrypted: --password file:PATH."
    if of_ssh and place.server is not None:
        port = "" if place.server.port == 22 else f"-p {place.server.port} "  # noqa: PLR2004 SSH's own
        hint = (
            f"Its host key must be pinned. Try: ssh {port}{place.server.user}@{place.server.host}."
        )
    return NotReadyError(
        f"the newest archive in {place.declared['repository']} cannot be listed: {reason}",
        hint=hint,
    )


def _of_dumps(folder: Path) -> Contents:
    entries = dumps_among(list(LocalFolder().entries(str(folder))))
    if not entries:
        return Contents(Software.FILES)
    newest = folder / entries[-1].name
    if newest.is_dir():
        return _of_dump_folder(newest)
    if newest.name.endswith((".tar", ".tar.gz", ".tgz", ".tar.zst", ".tar.xz")):
        return _of_archive(newest)
    contents = of_dump(_head(newest))
    if contents is None:
        raise NotReadyError(
            f"{newest} is neither a dump of MariaDB or PostgreSQL nor an archive of files",
            hint="Begin with a drill of your own: drills/README.md of pradrill.",
        )
    if contents.kind is Software.POSTGRESQL and contents.newest is None:
        return contents._replace(newest=_schema_column(newest))
    return contents


def _of_dump_folder(folder: Path) -> Contents:
    names = {path.name for path in folder.iterdir()}
    kind = of_folder(names)
    if kind.maker == "pg_dump":
        contents = of_dump((folder / "toc.dat").read_bytes()[:_HEAD])
        database = contents.database if contents else None
        return Contents(Software.POSTGRESQL, database=database)._replace(
            newest=_schema_column(folder)
        )
    if kind.maker == "mydumper":
        parts = (name.partition("-schema-create") for name in names)
        databases = sorted(before for before, word, _ in parts if word)
        return Contents(Software.MARIADB, database=next(iter(databases), None))
    what = kind.problem or f"it is a backup of {kind.maker}, for which no first drill is proposed"
    raise NotReadyError(
        f"{folder}: {what}",
        hint="playbooks/README.md of pradrill lists the restores that ship.",
    )


def _of_archive(path: Path) -> Contents:
    try:
        with tarfile.open(path) as archive:
            names = [each.name for each in islice(archive, _MOST_NAMES) if each.isfile()]
    except _DAMAGED as error:
        raise _unreadable(f"the archive {path}", error) from error
    return of_listing([f"/{name.removeprefix('./')}" for name in names])._replace(archive=True)


def _head(path: Path) -> bytes:
    """Return a dump's first bytes, unpacked. Raises NotReadyError."""
    try:
        if path.suffix == ".gz":
            with gzip.open(path) as file:
                return file.read(_HEAD)
        if path.suffix == ".zst":
            return _unpacked(path)
        with path.open("rb") as file:
            return file.read(_HEAD)
    except _DAMAGED as error:
        raise _unreadable(f"the dump {path}", error) from error


def _unreadable(what: str, error: Exception) -> NotReadyError:
    return NotReadyError(
        f"{what} cannot be read: {error}",
        hint="It may be cut, or not what its name says: see what file says of it.",
    )


def _unpacked(path: Path) -> bytes:
    command = ["zstd", "-dcq", str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        content = process.stdout.read(_HEAD) if process.stdout is not None else b""
        process.kill()
        return content


def _schema_column(dump: Path) -> InstantColumn | None:
    """Return the column that dates a dump of pg_dump's newest row, where pg_restore is at hand."""
    if shutil.which("pg_restore") is None:
        return None
    command = ["pg_restore", "--schema-only", "-f", "-", str(dump)]
    try:
        answer = subprocess.run(command, capture_output=True, timeout=_SECONDS, check=False)
    except subprocess.TimeoutExpired:  # a large one: a column of your own can be named
        return None
    return instant_column(answer.stdout.decode("utf-8", "replace"))
