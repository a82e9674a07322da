"""pgBackRest and Barman: what they answer in text while their exit code says nothing."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.sources.conftest import PASSWORD, BarmanShelf, PgBackRestShelf, Shelf, run, secret

from pradrill.adapters.backups.barman import Barman
from pradrill.adapters.backups.pgbackrest import PgBackRest
from pradrill.adapters.backups.postgresql_logs import absent_log
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.secrets import resolve
from pradrill.domain.declared.backup_source import BarmanSource, PgBackRestSource
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, Soundness
from pradrill.errors import NotReadyError
from pradrill.ports import Bounds, RecoveryPointSource
from pradrill.system.command import CompletedCommand
from pradrill.testing import a_point

BOUNDS = Bounds(60.0)
WHOLE = IntegrityPart(1, 1)
LOG = "000000010000000000000002"

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
        changed = f'{real} "$@" | {sys.executable} -c "{script}"'
        tool.write_text(
            f'#!/bin/sh\ncase "$*" in *info*) {changed} ;; *) exec {real} "$@" ;; esac\n'
        )
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
    """Pgbackrest verify says ok and valid: it reads the logs that are there.

    The catalogue knows, too, so that nothing is chosen and counted that does not start.
    """
    shelf.stock()
    points = shelf.source().catalogue(BOUNDS).points
    assert not any(point.problem for point in points)
    logs = sorted((shelf.folder / "repo/archive").rglob("0*-*"))
    problems = {}
    for log in logs[1:4]:
        content = log.read_bytes()
        log.unlink()
        checks = [shelf.source().check(point, WHOLE, BOUNDS) for point in points]
        problems[log.name[:24]] = [check.soundness.value for check in checks]
        lacks = [point.problem for point in shelf.source().catalogue(BOUNDS).points]
        assert [log.name[:24] in lack for lack in lacks] == [
            check.soundness is Soundness.DAMAGED for check in checks
        ]
        log.write_bytes(content)
    assert list(problems.values()) == [
        ["damaged", "sound"], ["sound", "sound"], ["sound", "damaged"],
    ], problems  # fmt: skip


@pgbackrest
def test_a_backup_that_holds_its_logs_needs_no_archive(
    shelf: PgBackRestShelf, cluster: Any
) -> None:
    """Of those that were made with archive-copy none is passed over for a log that is lost."""
    shutil.rmtree(shelf.folder / "repo")
    shutil.copytree(cluster.folder / "repo-copied", shelf.folder / "repo", symlinks=True)
    points = shelf.source().catalogue(BOUNDS).points
    its = next(point for point in points if point.id not in cluster.labels)
    for log in (shelf.folder / "repo/archive").rglob("0*-*"):
        log.unlink()
    lacks = {each.id: each.problem for each in shelf.source().catalogue(BOUNDS).points}
    assert [bool(lacks[each]) for each in (*cluster.labels, its.id)] == [True, True, False]
    for log in (shelf.folder / "repo/backup/moodle" / its.id / "pg_data/pg_wal").glob("0*"):
        log.unlink()
    assert all(each.problem for each in shelf.source().catalogue(BOUNDS).points)


@pytest.mark.parametrize("tool", ["barman", "pgbackrest"])
def test_the_calls_of_a_reading_have_one_deadline_together(
    tool: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many a catalogue takes, it is as late as its deadline says, and no later."""
    backup = {"backup_id": "1", "status": "DONE", "end_time_timestamp": 1}
    backups = [{**backup, "backup_id": str(number)} for number in range(9)]
    stanza = {
        "name": "moodle",
        "backup": [
            {"label": str(number), "info": {"size": 1}, "timestamp": {"start": 1, "stop": 1},
             "type": "full", "database": {"id": 1, "repo-key": 1},
             "archive": {"start": LOG, "stop": LOG}}
            for number in range(9)
        ],
        "archive": [],
        "repo": [{"key": 1, "cipher": "none", "status": {"code": 0, "message": "ok"}}],
        "status": {"code": 0, "message": "ok"},
    }  # fmt: skip
    stanza["archive"] = [{"id": "15-1", "database": {"id": 1, "repo-key": 1}}]
    answer = {"barman": {"moodle": backups}, "pgbackrest": [stanza]}[tool]
    (tmp_path / "answer").write_text(json.dumps(answer))
    (tmp_path / "begun").touch()  # on a busy machine the first call may not come so far
    path = tmp_path / tool
    path.write_text(
        f'#!/bin/sh\ncase "$*" in *list-backups*|*info*) cat {tmp_path}/answer; exit ;; esac\n'
        f'echo "$*" >> {tmp_path}/begun; sleep 0.4\n'
        f'case "$*" in *list-files*) echo {tmp_path}/{LOG[:16]}/{LOG} ;; esac\n'
    )
    path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    source: RecoveryPointSource = PgBackRest(
        PgBackRestSource(stanza="moodle"), resolve, SteadyClock()
    )
    if tool == "barman":
        source = Barman(BarmanSource(server="moodle"), SteadyClock())
    points = source.catalogue(Bounds(1.0)).points
    starts = (tmp_path / "begun").read_text().splitlines()
    assert len(starts) <= 4, "what has no time left is not begun"
    assert [bool(each.problem) for each in points].count(False) > 3


def test_a_restore_of_pgbackrests_that_fails_tells_why(tmp_path: Path) -> None:
    """By the options of the playbook, also where stderr is off by default, as since 2.53."""
    playbook = Path(__file__).parents[2] / "playbooks/restore_postgresql_pgbackrest.yml"
    (options,) = re.findall(r"--pg1-path=\{\{ data \}\} (.+)", playbook.read_text("utf-8"))
    command = (
        "PGBACKREST_LOG_LEVEL_STDERR=off pgbackrest --config=/dev/null --stanza=none "
        f"--repo1-path={tmp_path} --lock-path={tmp_path} --log-level-file=off restore "
        f"--pg1-path={tmp_path} {options}"
    )
    answer = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)
    assert answer.returncode != 0
    assert ("ERROR" in answer.stderr, answer.stdout) == (True, ""), answer


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


@pytest.mark.parametrize("gap", [0x01, 0x02, 0x04, 0x08, 0x10, 0x20, 0x40, 0x80, 0xFF])
def test_a_gap_is_not_the_end_of_a_number(gap: int) -> None:
    """A number is as long as any is there, and no shorter because one of its logs is lost."""
    names = {f"00000001{number:08X}{part:08X}" for number in (1, 2) for part in range(256)}
    first, last = "000000010000000100000000", "000000010000000200000005"
    hole = f"0000000100000001000000{gap:02X}"
    assert absent_log(names, first, last) == ""
    assert absent_log(names - {hole}, first, last) == hole


def stanza_of(first: str, last: str, lsn: str | None) -> str:
    """Return what pgBackRest tells of a stanza with one backup."""
    its = {"label": "F1", "type": "full", "info": {"size": 1}, "database": {"id": 1, "repo-key": 1}}
    place = {"lsn": {"start": lsn, "stop": lsn}} if lsn else {}
    status = {"code": 0, "message": "ok"}
    logs = {"archive": {"start": first, "stop": last}, "timestamp": {"start": 1, "stop": 2}}
    archive = {"id": "15-1", "database": {"id": 1, "repo-key": 1}, "min": first, "max": last}
    stanza = {
        "name": "main", "backup": [its | logs | place], "archive": [archive],
        "repo": [{"key": 1, "cipher": "none", "status": status}],
        "status": status | {"lock": {"backup": {"held": False}}},
    }  # fmt: skip
    return json.dumps([stanza])


def verdict_of(
    names: set[str], first: str, last: str, lsn: str | None, monkeypatch: pytest.MonkeyPatch
) -> Checked:
    """Return what is said of a backup whose archive holds those logs and no others.

    After "!" stands a folder that cannot be listed.
    """

    def answers(words: Sequence[str], *_: Any, **__: Any) -> CompletedCommand:
        out = stanza_of(first, last, lsn)
        if "verify" in words:
            out = "status: ok\n  backup: F1, status: valid, total files checked: 1\n  x\n"
        if "repo-ls" in words:
            folder = Path(words[-1]).name
            if f"!{folder}" in names:
                return CompletedCommand(41, "", "ERROR: [041]: unable to list")
            out = "".join(f"{each}-0badcafe.gz\n" for each in sorted(names) if each[:16] == folder)
        return CompletedCommand(0, out, "")

    monkeypatch.setattr("pradrill.adapters.backups.pgbackrest.run", answers)
    declared = PgBackRestSource(stanza="main", repository=Path("/r"))
    source = PgBackRest(declared, resolve, SteadyClock())
    (point,) = source.catalogue(BOUNDS).points
    return source.check(point, WHOLE, BOUNDS)


def test_a_backup_over_many_numbers_is_sound_with_all_its_logs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """During a long one more is written than two numbers hold: those between are looked at, too."""
    names = {f"00000001{number:08X}{part:08X}" for number in (1, 2, 3) for part in range(256)}
    first, last = "0000000100000001000000F0", "000000010000000300000005"
    for lsn in (None, "1/F0000028"):
        its = verdict_of(names, first, last, lsn, monkeypatch)
        assert its.soundness is Soundness.SOUND, its
        hole = "000000010000000200000080"
        its = verdict_of(names - {hole}, first, last, lsn, monkeypatch)
        assert (its.soundness, hole in its.detail) == (Soundness.DAMAGED, True), its
        its = verdict_of(
            {each for each in names if each[8:16] != "00000002"}, first, last, lsn, monkeypatch
        )
        assert its.soundness is Soundness.DAMAGED, its
    its = verdict_of(names, first, "00000001FFFFFFFF00000005", None, monkeypatch)
    assert its.soundness is Soundness.UNPROVEN, its


def test_a_backup_whose_own_logs_could_not_be_listed_is_not_damaged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It may hold the log that the archive lacks: nobody looked."""
    first, last = "000000010000000100000001", "000000010000000100000003"
    for closed, says in (("!none", Soundness.DAMAGED), ("!pg_wal", Soundness.UNPROVEN)):
        its = verdict_of({first, last, closed}, first, last, "1/1000028", monkeypatch)
        assert its.soundness is says, its


def test_where_a_backup_begins_tells_how_many_logs_make_a_number(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Half of each number lost looks as logs of twice the size do; a place in them does not."""
    names = {f"00000001{number:08X}{part:08X}" for number in (1, 2) for part in range(128)}
    first, last = "000000010000000100000070", "000000010000000200000005"
    for lsn, says in (("1/70000028", "damaged"), ("1/E0000028", "sound"), ("x", "sound")):
        its = verdict_of(names, first, last, lsn, monkeypatch)
        assert its.soundness.value == says, (lsn, its)


@pytest.mark.parametrize("folder", ["moodle/wals", "xlog"])
def test_barmans_logs_are_known_wherever_they_are_kept(
    folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its wals_directory is a setting; where it lists no log, nothing is proven."""
    logs = tmp_path / folder / "0000000100000000"
    logs.mkdir(parents=True)
    there, hole = (logs / f"00000001000000000000000{each}" for each in (2, 3))
    there.touch()
    inside = tmp_path / "base/1/data/pg_wal" / there.name
    files: list[Path] = []

    def answers(words: Sequence[str], *_: Any, **__: Any) -> CompletedCommand:
        if "list-files" in words:
            return CompletedCommand(0, "".join(f"{each}\n" for each in (inside, *files)), "")
        if "show-backup" in words:
            its = {"begin_wal": there.name, "end_wal": files[-1].name if files else there.name}
            document = {"moodle": {"base_backup_information": its}}
            return CompletedCommand(0, json.dumps(document), "")
        return CompletedCommand(0, "backup successfully verified", "")

    monkeypatch.setattr("pradrill.adapters.backups.barman.run", answers)
    source = Barman(BarmanSource(server="moodle"), SteadyClock())
    verdicts = {}
    for each in ([], [there], [there, hole]):
        files[:] = each
        verdicts[len(each)] = source.check(a_point(id="1"), WHOLE, BOUNDS).soundness.value
    assert verdicts == {0: "unproven", 1: "sound", 2: "damaged"}


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
    for words in (["list-backups"], ["rebuild-xlogdb"]):  # then it lists what is left
        run(["barman", "-c", f"{shelf.folder}/barman.conf", *words, "moodle"], env={})
        problems = {each.id: each.problem for each in shelf.source().catalogue(BOUNDS).points}
        assert log.name in problems[newest.id], words
        assert not problems[older.id]
    its = shelf.source().check(newest, WHOLE, BOUNDS)
    assert (its.soundness, log.name in its.detail) == (Soundness.DAMAGED, True), its


@barman
def test_a_backup_that_is_gone_is_never_sound(shelf: BarmanShelf) -> None:
    """Between the choice and the check a backup may be removed."""
    shelf.stock()
    point = max(shelf.source().catalogue(BOUNDS).points, key=lambda point: point.id)
    shutil.rmtree(shelf.folder / "home/moodle/base" / point.id)
    assert shelf.source().check(point, WHOLE, BOUNDS).soundness is not Soundness.SOUND
