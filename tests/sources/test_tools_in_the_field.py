"""Backup tools as they are set up in the field: what they say, and what decides."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
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
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.declared.backup_source import BorgSource, PgBackRestSource
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
