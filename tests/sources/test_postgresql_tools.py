"""pgBackRest and Barman: what they answer in text while their exit code says nothing."""

from __future__ import annotations

import hashlib
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import PASSWORD, BarmanShelf, PgBackRestShelf, secret

from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.declared.backup_source import PgBackRestSource
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds

BOUNDS = Bounds(60.0)
WHOLE = IntegrityPart(1, 1)

pgbackrest = pytest.mark.parametrize("shelf", ["pgbackrest"], indirect=True)
barman = pytest.mark.parametrize("shelf", ["barman"], indirect=True)


@pgbackrest
def test_a_backup_tells_type_annotation_and_size(shelf: PgBackRestShelf) -> None:
    """What pgBackRest knows of a backup is there to select by."""
    shelf.stock()
    catalogue = shelf.source().catalogue(BOUNDS)
    full, diff = catalogue.points
    assert full.tags == ("full", "nightly=yes")
    assert diff.tags == ("diff",)
    assert full.size
    assert full.size > 1_000_000
    assert catalogue.continuous


@pgbackrest
def test_the_tools_own_configuration_works_too(shelf: PgBackRestShelf, cluster: Any) -> None:
    """A controller that has pgbackrest.conf names it, and no password."""
    del shelf
    declared = PgBackRestSource(stanza="moodle", config=cluster.folder / "pgbackrest.conf")
    points = PgBackRest(declared, resolve, SteadyClock()).catalogue(BOUNDS).points
    assert [point.id for point in points] == cluster.labels


@pgbackrest
def test_an_unknown_stanza_is_told(shelf: PgBackRestShelf) -> None:
    """A stanza without its folder is not an empty one."""
    declared = PgBackRestSource(
        stanza="other",
        repository=shelf.folder / "repo",
        password=secret(shelf.folder, PASSWORD),
    )
    with pytest.raises(NotReadyError, match=r"stanza other is not there"):
        PgBackRest(declared, resolve, SteadyClock()).catalogue(BOUNDS)


@pgbackrest
@pytest.mark.parametrize("which", ["newer", "flip"])
def test_a_list_that_is_newer_or_damaged_is_told(
    shelf: PgBackRestShelf, cluster: Any, which: str, tmp_path: Path
) -> None:
    """backup.info carries its format and its own checksum; neither is passed over."""
    del cluster, shelf
    folder = tmp_path / "repo/backup/moodle"
    folder.mkdir(parents=True)
    (tmp_path / "repo/archive/moodle").mkdir(parents=True)
    text = (
        '[backrest]\nbackrest-format=99\nbackrest-version="9.9"\n\n'
        "[db]\ndb-catalog-version=202209061\ndb-control-version=1300\ndb-id=1\n"
        'db-system-id=7711842064060441413\ndb-version="15"\n\n'
        "[db:history]\n"
        '1={"db-catalog-version":202209061,"db-control-version":1300,'
        '"db-system-id":7711842064060441413,"db-version":"15"}\n'
    )
    sections: dict[str, dict[str, str]] = {}
    name = ""
    for line in text.splitlines():
        if match := re.fullmatch(r"\[(.+)\]", line):
            name = match[1]
        elif line:
            key, _, value = line.partition("=")
            sections.setdefault(name, {})[key] = value
    body = ",".join(
        f'"{section}":{{' + ",".join(f'"{k}":{v}' for k, v in sorted(values.items())) + "}"
        for section, values in sorted(sections.items())
    )
    digest = hashlib.sha1(f"{{{body}}}".encode(), usedforsecurity=False).hexdigest()
    if which == "flip":
        text, digest = text.replace("=99", "=5"), "0" * 40
    text = text.replace("[backrest]\n", f'[backrest]\nbackrest-checksum="{digest}"\n')
    for file in ("backup.info", "backup.info.copy"):
        (folder / file).write_text(text)
    declared = PgBackRestSource(stanza="moodle", repository=tmp_path / "repo")
    with pytest.raises(NotReadyError, match={"newer": "newer format", "flip": "damaged"}[which]):
        PgBackRest(declared, resolve, SteadyClock()).catalogue(BOUNDS)


@pgbackrest
def test_damage_of_what_a_backup_rests_on_is_damage(shelf: PgBackRestShelf) -> None:
    """A differential backup without its full one restores nothing."""
    shelf.stock()
    full, diff = shelf.source().catalogue(BOUNDS).points
    shelf.ids = [full.id]
    shelf.flip()
    assert shelf.source().check(diff, WHOLE, BOUNDS).soundness is Soundness.DAMAGED


@pgbackrest
def test_a_wrong_password_proves_nothing_of_the_data(shelf: PgBackRestShelf) -> None:
    """Pgbackrest verify ends with 0 and "error" then: it is neither sound nor damaged."""
    shelf.stock()
    (_, point) = shelf.source().catalogue(BOUNDS).points
    wrong = shelf.source(password="wrong")  # noqa: S106
    assert wrong.check(point, WHOLE, BOUNDS).soundness is Soundness.UNPROVEN


@barman
def test_an_unknown_server_is_told(shelf: BarmanShelf) -> None:
    """A server that the configuration lacks is not an empty one."""
    config = shelf.folder / "barman.conf"
    config.write_text(config.read_text().replace("[moodle]", "[other]"))
    with pytest.raises(NotReadyError, match=r"server moodle .* is not there"):
        shelf.source().catalogue(BOUNDS)


@barman
@pytest.mark.parametrize("status", ["FAILED", "STARTED", "SYNCING", "WAITING_FOR_WALS"])
def test_a_backup_that_did_not_end_well_is_not_usable(shelf: BarmanShelf, status: str) -> None:
    """Barman lists it; a drill never takes it, and says what Barman calls it."""
    shelf.stock()
    info = shelf.info()
    info.write_text(re.sub(r"status=DONE", f"status={status}", info.read_text()))
    catalogue = shelf.source().catalogue(BOUNDS)
    assert [point.id for point in catalogue.usable()] == shelf.ids[:1]
    assert status in "".join(catalogue.unusable()) or status == "FAILED"


@barman
def test_a_backup_without_its_manifest_proves_nothing(shelf: BarmanShelf) -> None:
    """Where there is nothing to compare with, the check does not call it sound."""
    shelf.stock()
    (shelf.folder / "home/moodle/base" / shelf.ids[-1] / "data/backup_manifest").unlink()
    point = max(shelf.source().catalogue(BOUNDS).points, key=lambda point: point.id)
    assert shelf.source().check(point, WHOLE, BOUNDS).soundness is Soundness.UNPROVEN


@barman
def test_a_backup_that_is_gone_is_never_sound(shelf: BarmanShelf) -> None:
    """Between the choice and the check a backup may be removed."""
    shelf.stock()
    point = max(shelf.source().catalogue(BOUNDS).points, key=lambda point: point.id)
    shutil.rmtree(shelf.folder / "home/moodle/base" / point.id)
    assert shelf.source().check(point, WHOLE, BOUNDS).soundness is not Soundness.SOUND
