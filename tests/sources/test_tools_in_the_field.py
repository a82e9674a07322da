"""Backup tools as they are set up in the field: what they say, and what decides."""

from __future__ import annotations

import json
import os
import socket
import subprocess
from pathlib import Path

import pytest
from tests.integration.hosts.sshd import Sshd
from tests.sources.conftest import (
    PASSWORD,
    WRONG,
    PgBackRestShelf,
    ResticShelf,
    mostly_nightly,
    secret,
)

from pradrill.adapters.backups.borg import Borg
from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.adapters.backups.restic import Restic
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.declared.backup_source import BorgSource, PgBackRestSource, ResticSource
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds

BOUNDS = Bounds(60.0)


@pytest.mark.parametrize("shelf", ["restic"], indirect=True)
def test_what_restic_says_beside_its_answer_is_no_refusal(
    shelf: ResticShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request that was tried again is words; a snapshot that is not listed is a refusal."""
    shelf.stock()
    tool = tmp_path / "bin/restic"
    tool.parent.mkdir()
    real = "/usr/bin/restic"
    words = "List(snapshot) returned error, retrying after 1s: Get: 503 Service Unavailable"
    tool.write_text(f'#!/bin/sh\necho "{words}" >&2\nexec {real} "$@"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    assert [point.id for point in shelf.source().catalogue(BOUNDS).points] == shelf.ids

    one = shelf.folder / "repo/snapshots" / shelf.ids[0]
    one.chmod(0o600)
    one.write_bytes(one.read_bytes()[:-20])
    with pytest.raises(NotReadyError):
        shelf.source().catalogue(BOUNDS)


BORG = {
    ("authenticated", PASSWORD): "",
    ("authenticated-blake2", PASSWORD): "",
    ("authenticated", WRONG): "does not open with this password",
    ("authenticated", None): "does not open with this password",
    ("none", None): "",
    ("none", PASSWORD): "is not encrypted, and the drill names a password",
    ("repokey", PASSWORD): "",
    ("repokey", None): "does not open with this password",
}


BY_DAY = (("authenticated", PASSWORD), ("none", PASSWORD))


@pytest.mark.parametrize(("mode", "password"), mostly_nightly(BORG, *BY_DAY))
def test_each_encryption_of_borgs_opens_with_its_password_alone(
    tmp_path: Path, mode: str, password: str | None
) -> None:
    """A password that opens a key is one, whether or not the data is encrypted with it."""
    its = {**os.environ, "BORG_PASSPHRASE": PASSWORD, "BORG_BASE_DIR": f"{tmp_path}/base"}
    repository = f"{tmp_path}/repo"
    (tmp_path / "file").write_text("x")
    for words in (["init", "-e", mode, repository], ["create", f"{repository}::n1", "file"]):
        subprocess.run(["borg", *words], env=its, cwd=tmp_path, check=True, capture_output=True)
    declared = BorgSource.model_validate(
        {
            "repository": repository,
            "password": secret(tmp_path, password) if password else None,
            "options": ["--umask=0077"],
        }
    )
    borg = Borg(declared, resolve, SteadyClock())
    refusal = BORG[mode, password]
    if refusal:
        with pytest.raises(NotReadyError, match=refusal):
            borg.catalogue(BOUNDS)
        return
    (point,) = borg.catalogue(BOUNDS).points
    assert point.id == "n1"
    assert borg.check(point, IntegrityPart(1, 1), BOUNDS).soundness is Soundness.SOUND


@pytest.mark.parametrize("shelf", ["pgbackrest"], indirect=True)
@pytest.mark.parametrize(
    "how",
    mostly_nightly(
        ["beside the declared configuration", "its own configuration"], "its own configuration"
    ),
)
def test_a_stanza_in_conf_d_is_found(shelf: PgBackRestShelf, tmp_path: Path, how: str) -> None:
    """PgBackRest is called as its users do; what is elsewhere yet, the drill says by options."""
    shelf.stock()
    (tmp_path / "conf.d").mkdir()
    (tmp_path / "pgbackrest.conf").write_text(
        f"[global]\nrepo1-path={shelf.folder}/repo\nrepo1-cipher-type=aes-256-cbc\n"
    )
    (tmp_path / "conf.d/moodle.conf").write_text("[moodle]\npg1-path=/var/lib/postgresql/x\n")
    config = {"config": tmp_path / "pgbackrest.conf"} if how.startswith("beside") else {}
    declared = PgBackRestSource.model_validate(
        {
            "stanza": "moodle",
            "password": secret(tmp_path, PASSWORD),
            "options": [] if config else [f"--config-path={tmp_path}"],
            **config,
        },
        context={"folder": tmp_path},
    )
    points = PgBackRest(declared, resolve, SteadyClock()).catalogue(BOUNDS).points
    assert [point.id for point in points] == shelf.ids


HOSTS = {
    "nobody there": (
        "127.0.0.1",
        9,
        "cannot be reached: ssh: connect to host 127.0.0.1 port 9: Conn",
    ),
    "no such name": ("nowhere.invalid", 22, "cannot be reached: ssh: Could not resolve hostname"),
    "a key that is not pinned": ("127.0.0.1", 0, "whose key is not the pinned one: Host key verif"),
    "nobody answers": (
        "127.0.0.1",
        -1,
        "did not answer in 1 s: ssh is still connected with 127.0.0.1:",
    ),
}


@pytest.mark.parametrize("title", HOSTS)
def test_what_keeps_pgbackrests_own_ssh_from_a_host_is_the_reason(sshd: Sshd, title: str) -> None:
    """Its words and what the kernel has of it tell, and no more than they do."""
    host, port, reason = HOSTS[title]
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        port = {0: sshd.port, -1: silent.getsockname()[1]}.get(port, port)
        options = [f"--repo1-host={host}", f"--repo1-host-port={port}"]
        declared = PgBackRestSource.model_validate({"stanza": "moodle", "options": options})
        with pytest.raises(NotReadyError) as refusal:
            PgBackRest(declared, resolve, SteadyClock()).catalogue(Bounds(1.0))
    assert reason in refusal.value.message


def test_a_configuration_that_is_missing_is_told_as_that() -> None:
    """It is no host that cannot be reached."""
    declared = PgBackRestSource.model_validate(
        {"stanza": "moodle", "config": "/nowhere.conf"}, context={"folder": Path("/")}
    )
    with pytest.raises(NotReadyError, match=r"is not there: its configuration /nowhere\.conf"):
        PgBackRest(declared, resolve, SteadyClock()).catalogue(BOUNDS)


ENDS = {
    10: "Fatal: repository does not exist: unable to open config file: stat /r/config",
    12: "Fatal: wrong password or no key found",
}
"""How restic 0.18 ends with --json."""


@pytest.mark.parametrize("code", ENDS)
def test_the_last_word_of_a_new_restic_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    """With --json it is an object; what it says is the reason, and not its braces."""
    tool = tmp_path / "bin/restic"
    tool.parent.mkdir()
    end = json.dumps({"message_type": "exit_error", "code": code, "message": ENDS[code]})
    tool.write_text(f"#!/bin/sh\necho '{end}' >&2\nexit {code}\n")
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    declared = ResticSource.model_validate(
        {"repository": "/r", "password": secret(tmp_path, PASSWORD)}
    )
    with pytest.raises(NotReadyError) as refusal:
        Restic(declared, resolve, SteadyClock()).catalogue(BOUNDS)
    assert refusal.value.message.endswith(f": {ENDS[code].removeprefix('Fatal: ')}")


def test_a_snapshot_is_no_newer_than_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A time that somebody gave (--time, rewrite --new-time) makes no data newer, but older."""
    tool = tmp_path / "bin/restic"
    tool.parent.mkdir()
    read_at = "2026-03-10T01:00:00Z"
    listing = [
        {"id": f"{number}" * 64, "time": at, "summary": {"backup_start": read_at}}
        for number, at in enumerate(("2026-03-10T23:00:00Z", "2026-03-09T23:00:00Z"))
    ]
    tool.write_text(
        f"#!/bin/sh\ncase $* in *list*) exit 0;; esac\ncat <<'END'\n{json.dumps(listing)}\nEND\n"
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    declared = ResticSource.model_validate(
        {"repository": "/r", "password": secret(tmp_path, PASSWORD)}
    )
    points = Restic(declared, resolve, SteadyClock()).catalogue(BOUNDS).points
    assert [f"{point.data_time:%d %H}" for point in points] == ["10 01", "09 23"]
