"""pgBackRest and Barman: what they answer in text while their exit code says nothing."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import PASSWORD, BarmanShelf, PgBackRestShelf, Shelf, run, secret

from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.adapters.backups.pgbackrest_stanza import absent_log
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
def test_an_unknown_stanza_is_told_as_such(shelf: PgBackRestShelf) -> None:
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
def test_a_list_that_is_newer_or_damaged_is_refused(
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
def test_an_unknown_server_is_told_as_such(shelf: BarmanShelf) -> None:
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


PRINTED = {
    "pgbackrest": "WARN: option 'repo9-path' is not valid\n[warn] once more\n",
    "barman": "WARNING: No backup strategy set for server 'moodle' (using default)\n{note}\n",
    "restic": "using parent snapshot 0badcafe\n",
    "borg": "Remote: Warning: it is late\n",
}


@pytest.mark.parametrize("shelf", list(PRINTED), indirect=True)
def test_what_a_tool_prints_before_its_answer_is_no_part_of_it(
    shelf: Shelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A wrapper, a login and a library print lines of their own; the document behind counts."""
    shelf.stock()
    tool, real = tmp_path / "bin" / shelf.name, shutil.which(shelf.name)
    tool.parent.mkdir()
    (tmp_path / "words").write_text(PRINTED[shelf.name])
    tool.write_text(f'#!/bin/sh\ncat {tmp_path}/words\nexec {real} "$@"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    points = shelf.source().catalogue(BOUNDS).points
    assert sorted(point.id for point in points) == sorted(shelf.ids)


@pgbackrest
def test_a_backup_whose_parent_or_logs_are_gone_is_not_usable(
    shelf: PgBackRestShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The list goes on telling of a differential one, and of one that no log makes consistent."""
    shelf.stock()
    full, diff = shelf.ids
    tool, real = tmp_path / "bin/pgbackrest", shutil.which("pgbackrest")
    tool.parent.mkdir()
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")

    def problems(change: str) -> dict[str, str]:
        script = f"import json, sys; s = json.load(sys.stdin)[0]; {change}; print(json.dumps([s]))"
        tool.write_text(f'#!/bin/sh\n{real} "$@" | {sys.executable} -c "{script}"\n')
        tool.chmod(0o755)
        return {each.id: each.problem for each in shelf.source().catalogue(BOUNDS).points}

    assert problems("pass") == {full: "", diff: ""}
    alone = problems("s['backup'] = s['backup'][1:]")
    assert alone == {diff: f"it rests on {full}, which is not in the repository"}
    short = problems("s['archive'][0]['max'] = s['backup'][0]['archive']['stop']")
    assert short[full] == ""
    assert short[diff].startswith("not every log that makes it consistent is in the archive: 0000")
    late = problems("s['archive'][0]['min'] = s['backup'][1]['archive']['start']")
    assert [bool(late[each]) for each in (full, diff)] == [True, False]
    assert all(problems("s['archive'][0].update(min=None, max=None)").values())


@pgbackrest
def test_a_backup_without_a_log_that_makes_it_consistent_is_not_sound(
    shelf: PgBackRestShelf,
) -> None:
    """Pgbackrest verify says ok and valid: it reads the logs that are there."""
    shelf.stock()
    points = shelf.source().catalogue(BOUNDS).points
    logs = sorted((shelf.folder / "repo/archive").rglob("0*-*"))
    problems = {}
    for log in logs[1:4]:
        content = log.read_bytes()
        log.unlink()
        checks = [shelf.source().check(point, WHOLE, BOUNDS) for point in points]
        problems[log.name[:24]] = [check.soundness.value for check in checks]
        log.write_bytes(content)
    assert list(problems.values()) == [
        ["damaged", "sound"], ["sound", "sound"], ["sound", "damaged"],
    ], problems  # fmt: skip


def test_each_log_of_a_backup_is_looked_for() -> None:
    """From its first to its last, whatever the size of a server's logs makes of their numbers."""
    first, last = "0000000100000001000000FE", "000000010000000200000001"
    between = ["0000000100000001000000FF", "000000010000000200000000"]
    for number in ("FF", "3F", "07"):  # the last one before the next number
        begin = f"0000000100000001000000{number}"
        assert absent_log({begin, between[1], last}, begin, last) == ""
        assert absent_log({begin, last}, begin, last) != ""
    assert absent_log({first, *between, last}, first, last) == ""
    for each in (first, *between, last):
        assert absent_log({first, *between, last} - {each}, first, last) != ""
    assert absent_log({first}, first, first) == ""


@pgbackrest
def test_one_repository_is_read_where_another_is_broken(
    shelf: PgBackRestShelf, tmp_path: Path
) -> None:
    """Of several, each with its own password, the one that the drill names decides."""
    shelf.stock()
    broken = tmp_path / "broken/backup/moodle"
    broken.mkdir(parents=True)
    (broken / "backup.info").write_text("rotten")
    config = tmp_path / "pgbackrest.conf"
    config.write_text(
        f"[global]\nrepo1-path={tmp_path}/broken\nrepo2-path={shelf.folder}/repo\n"
        "repo2-cipher-type=aes-256-cbc\n[moodle]\npg1-path=/var/lib/postgresql/x\n"
    )
    for number, refusal in (
        (2, ""),
        (1, "moodle (is not there|does not open|cannot be read|is damaged)"),
    ):
        declared = PgBackRestSource(
            stanza="moodle", config=config, number=number,
            password=secret(shelf.folder, PASSWORD) if number == 2 else None,
        )  # fmt: skip
        reader = PgBackRest(declared, resolve, SteadyClock())
        if refusal:
            with pytest.raises(NotReadyError, match=refusal):
                reader.catalogue(BOUNDS)
        else:
            assert [point.id for point in reader.catalogue(BOUNDS).points] == shelf.ids


@barman
def test_why_barman_lists_nothing_is_told(shelf: BarmanShelf) -> None:
    """A server that is not active, and a description that is broken, each with Barman's words."""
    shelf.stock()
    config = shelf.folder / "barman.conf"
    text = config.read_text()
    config.write_text(f"{text}active = false\n")
    with pytest.raises(NotReadyError, match=r"cannot be read: Skipping inactive server 'moodle'\n"):
        shelf.source().catalogue(BOUNDS)
    config.write_text(text)
    shelf.info().write_text("garbage")
    with pytest.raises(NotReadyError, match="cannot be read: invalid line garbage in file"):
        shelf.source().catalogue(BOUNDS)


@barman
def test_what_barman_warns_of_beside_its_answer_is_no_server(
    shelf: BarmanShelf, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its messages stand in the same document as its servers, under names of their own."""
    shelf.stock()
    tool, real = tmp_path / "bin/barman", shutil.which("barman")
    tool.parent.mkdir()
    change = 'print(\'{\\"_WARNING\\": [\\"it is late\\"], \' + sys.stdin.read()[1:])'
    tool.write_text(f'#!/bin/sh\n{real} "$@" | {sys.executable} -c "import sys; {change}"\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tool.parent}:{os.environ['PATH']}")
    points = shelf.source().catalogue(BOUNDS).points
    assert sorted(point.id for point in points) == sorted(shelf.ids)


@barman
def test_a_backup_without_its_manifest_proves_nothing(shelf: BarmanShelf) -> None:
    """Where there is nothing to compare with, the check does not call it sound."""
    shelf.stock()
    (shelf.folder / "home/moodle/base" / shelf.ids[-1] / "data/backup_manifest").unlink()
    point = max(shelf.source().catalogue(BOUNDS).points, key=lambda point: point.id)
    assert shelf.source().check(point, WHOLE, BOUNDS).soundness is Soundness.UNPROVEN


@barman
def test_a_backup_of_barmans_without_a_log_is_not_sound(shelf: BarmanShelf) -> None:
    """Barman verify-backup looks at the backup alone; the logs that make it consistent are lost."""
    shelf.stock()
    newest, older = sorted(
        shelf.source().catalogue(BOUNDS).points, key=lambda p: p.id, reverse=True
    )
    assert shelf.source().check(newest, WHOLE, BOUNDS).soundness is Soundness.SOUND
    words = ["barman", "-c", f"{shelf.folder}/barman.conf", "list-files", "--target", "standalone"]
    files = run([*words, "moodle", newest.id], env={}).split()
    log = Path(next(each for each in reversed(files) if "/wals/" in each))
    log.unlink()
    its = shelf.source().check(newest, WHOLE, BOUNDS)
    assert (its.soundness, log.name in its.detail) == (Soundness.DAMAGED, True), its
    assert shelf.source().check(older, WHOLE, BOUNDS).soundness is Soundness.SOUND


@barman
def test_a_backup_that_is_gone_is_never_sound(shelf: BarmanShelf) -> None:
    """Between the choice and the check a backup may be removed."""
    shelf.stock()
    point = max(shelf.source().catalogue(BOUNDS).points, key=lambda point: point.id)
    shutil.rmtree(shelf.folder / "home/moodle/base" / point.id)
    assert shelf.source().check(point, WHOLE, BOUNDS).soundness is not Soundness.SOUND
