"""`pradrill status` and `proven`: each service in one word, and what wants attention."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from contextlib import closing
from datetime import timedelta
from pathlib import Path
from typing import Any
from unicodedata import normalize

import pytest
from pydantic import ValidationError
from tests.benchmarks.dossier import plans
from tests.support.status_house import TODAY, StatusHouse, answer

from pradrill.app import killed_runs
from pradrill.config.project import open_house
from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.sabotage import SabotageEntry
from pradrill.domain.run.event import Event
from pradrill.domain.run.lease import LEASE_TERM
from pradrill.domain.values.severity import Severity
from pradrill.register.runs import derived_file
from pradrill.register.runs.status_index import INDEX
from pradrill.register.runs.store import FileRunStore
from pradrill.register.sealing.publishing import push_head
from pradrill.system.tools import ToolError
from pradrill.testing import a_launch, a_start

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> StatusHouse:
    """Return services of every standing; nothing in it is changed by a test."""
    services = ("ldap", "mail", "moodle", "erp", "files", "archives")
    house = StatusHouse(tmp_path_factory.mktemp("year"), services)
    house.run("ldap", "P", 20)
    house.run("mail", "P", 300)
    house.run("mail", "F", 10)
    house.run("moodle", "P", 100)
    house.run("moodle", "M", 5)
    house.run("erp", "P", 200)
    house.run("files", "P", 30)
    house.run("files", "I", 3)
    house.run("archives", "F", 40, launch=a_launch(rehearsal=True))
    return house


def test_each_service_has_one_word_by_tier_and_the_worst_first(
    year: StatusHouse, capsys: Capture
) -> None:
    """Failed, never tested, missed, expired, proven; a rehearsal is no test."""
    status = answer(year, capsys, "status", "--json")
    assert status.code == 0
    assert status.data["format"] == 1
    words = [(each["tier"], each["service"], each["word"]) for each in status.data["services"]]
    assert words == [
        (1, "mail", "failed"),
        (1, "ldap", "proven"),
        (2, "moodle", "missed"),
        (2, "erp", "expired"),
        (3, "archives", "never tested"),
        (3, "files", "proven"),
    ]
    assert status.service("erp")["expiry"] == ["old"]
    archives = status.service("archives")
    assert (archives["due"], archives["is_due"]) == (None, True)
    assert status.data["counts"]["proven"] == 2


def test_what_was_measured_is_there_with_what_is_left_of_the_objective(
    year: StatusHouse, capsys: Capture
) -> None:
    """Upper bounds against today's objectives, the proof with its age, when the next is due."""
    ldap = answer(year, capsys, "status", "--json").service("ldap")
    assert ldap["proof"]["verdict"] == "PASSED"
    assert ldap["proof_age"] == pytest.approx(20 * 86_400, abs=3_600)
    assert ldap["rta_margin"] == pytest.approx(4 * 3_600 - ldap["rta"])
    assert ldap["rpa_margin"] == pytest.approx(24 * 3_600 - ldap["rpa"])
    assert ldap["due"] > f"{TODAY:%Y-%m-%d}"
    assert not ldap["is_due"]


def test_what_is_silent_is_told(year: StatusHouse, capsys: Capture) -> None:
    """A date that passed without an attempt, though nobody entered it; what proved nothing."""
    alarms = answer(year, capsys, "status", "--json").data["alarms"]
    by_service = {(alarm["service"], alarm["kind"]) for alarm in alarms}
    assert ("erp", "missed_date") in by_service
    assert ("archives", "overdue") in by_service
    assert ("files", "last_attempt_inconclusive") in by_service
    assert alarms[0]["level"] == 2


def test_the_screen_is_80_columns_wide_and_says_all_of_it(
    year: StatusHouse, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the plan's words are made of: no control character reaches the terminal."""
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((80, 24)))
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True, raising=False)
    monkeypatch.setenv("NO_COLOR", "1")
    out = answer(year, capsys, "status").out
    assert max(map(len, out.splitlines())) <= 80
    assert "\x1b" not in out
    for words in ("6 services: 1 failed", "never tested", "100d/3mo", "20d/3mo", "does cron still"):
        assert words.replace("100d", "20d") in out or words in out
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "xterm")
    assert "\x1b[31mfailed" in answer(year, capsys, "status").out


def test_hostile_words_stay_words(tmp_path: Path, capsys: Capture) -> None:
    """An escape sequence in a title, a very long one, and a bar in a name."""
    house = StatusHouse(tmp_path, ("shop",))
    house.rewrite(
        "drills/plan.yml",
        "    tier: 1",
        '    tier: 1\n    title: "\\e[31m|\\u202e ' + "名" * 200 + '"',
    )
    out = answer(house, capsys, "status").out
    assert "\x1b" not in out
    assert "\u202e" not in out
    first, *_ = answer(house, capsys, "status", "--monitor").out.splitlines()
    assert first.count("|") == 1


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> float:
    """Have files be settled soon; return after how many seconds."""
    monkeypatch.setattr(derived_file, "_UNSETTLED", timedelta(seconds=0.1))
    return 0.15


def test_a_proof_expires_with_what_it_rests_on(
    tmp_path: Path, capsys: Capture, soon: float
) -> None:
    """A changed playbook, another objective, a new check; put back, the proof holds again."""
    house = StatusHouse(tmp_path, ("shop", "mail"))
    house.run("shop", "P", 2)
    house.run("mail", "P", 2)

    def word() -> tuple[str, list[str]]:
        shop = answer(house, capsys, "status", "--json").service("shop")
        return shop["word"], shop["changes"]

    assert word() == ("proven", [])
    time.sleep(soon)  # what was derived is kept from now on
    assert word() == ("proven", [])
    house.rewrite("playbooks/restore_shop.yml", "restore\n", "restore --fast\n")
    expired = ("expired", ["playbook ../playbooks/restore_shop.yml"])
    assert word() == expired
    assert word() == expired
    house.rewrite("playbooks/restore_shop.yml", "restore --fast\n", "restore\n")
    assert word() == ("proven", [])

    check = house.drills / "checks" / "shop" / "test_more.py"
    check.write_text((check.parent / "test_shop.py").read_text())
    assert word() == ("expired", ["check checks/shop/test_more.py"])
    check.unlink()

    house.rewrite("drills/plan.yml", "rto: 14400s", "rto: 60s")
    assert word() == ("expired", ["objective rto"])
    assert answer(house, capsys, "status", "--json").service("mail")["word"] == "expired"


def test_what_is_kept_turns_no_verdict(tmp_path: Path, capsys: Capture, soon: float) -> None:
    """Whoever writes the index anew, with its checksum, makes of a failed run no proof."""
    house = StatusHouse(tmp_path, ("shop",))
    house.run("shop", "F", 2)
    time.sleep(soon)
    assert answer(house, capsys, "status", "--json").service("shop")["word"] == "failed"
    path = house.state / INDEX
    header, rows = path.read_bytes().split(b"\n", 1)
    forged = rows.replace(b'"verdict":"FAILED"', b'"verdict":"PASSED"')
    assert forged != rows
    words = [*header.split()[:-1], hashlib.sha256(forged).hexdigest().encode()]
    path.write_bytes(b" ".join(words) + b"\n" + forged)
    assert answer(house, capsys, "status", "--json").service("shop")["word"] == "failed"
    path.write_bytes(header + b"\n" + b"rubbish")
    assert answer(house, capsys, "status", "--json").service("shop")["word"] == "failed"


def test_a_record_that_was_changed_proves_nothing(tmp_path: Path, capsys: Capture) -> None:
    """It is told on top, ends with 14, and is critical for a monitor; so is one that is gone."""
    house = StatusHouse(tmp_path, ("shop",))
    run = house.run("shop", "P", 2)
    record = house.state / "runs" / run.run_id / "record.json"
    record.write_bytes(record.read_bytes() + b"\n")
    status = answer(house, capsys, "status")
    assert status.code == 14
    assert status.out.startswith("!! the register does not verify: the run ")
    assert answer(house, capsys, "status", "--json").service("shop")["word"] == "never tested"
    proven = answer(house, capsys, "proven", "--json")
    assert (proven.code, proven.data["services"]) == (14, [])
    assert "Keep older backups" in proven.err
    record.unlink()
    monitor = answer(house, capsys, "status", "--monitor")
    assert monitor.code == 2
    assert "its record is gone" in monitor.out


def test_a_register_that_cannot_be_read_is_told(tmp_path: Path, capsys: Capture) -> None:
    """The command ends with 14, a monitor is critical."""
    house = StatusHouse(tmp_path, ("shop",))
    house.run("shop", "P", 2)
    with (house.state / "register").open("ab") as file:
        file.write(b"rubbish\n")
    status = answer(house, capsys, "status")
    assert status.code == 14
    assert "no entry of a register" in status.err
    assert answer(house, capsys, "status", "--monitor").code == 2


def test_a_wrong_drill_hides_no_other(tmp_path: Path, capsys: Capture) -> None:
    """What it had proven is not known to hold; a wrong plan is unknown to a monitor."""
    house = StatusHouse(tmp_path, ("shop", "mail"))
    house.run("shop", "P", 2)
    house.run("mail", "P", 2)
    house.rewrite("drills/shop.yml", "scenario:", "scenarioo:")
    status = answer(house, capsys, "status", "--json")
    assert status.service("mail")["word"] == "proven"
    assert status.service("shop")["word"] == "expired"
    assert status.service("shop")["expiry"] == ["unknown"]
    assert "drills_unreadable" in status.kinds()

    house.rewrite("drills/plan.yml", "plan: 7", "plan: x")
    assert answer(house, capsys, "status").code == 3
    monitor = answer(house, capsys, "status", "--monitor")
    assert monitor.code == 3
    assert monitor.out.startswith("PRADRILL UNKNOWN: ")
    assert len(monitor.out.splitlines()) == 1


def test_a_drill_with_another_name_keeps_its_proof(tmp_path: Path, capsys: Capture) -> None:
    """The same service, scenario and standby; one that is gone leaves an expired proof."""
    house = StatusHouse(tmp_path, ("shop",))
    house.run("shop", "P", 2)
    house.rewrite("drills/shop.yml", "drill: shop", "drill: shop-again")
    assert answer(house, capsys, "status", "--json").service("shop")["word"] == "proven"
    (house.drills / "shop.yml").unlink()
    shop = answer(house, capsys, "status", "--json").service("shop")
    assert (shop["word"], shop["expiry"]) == ("expired", ["uncovered"])


def test_findings_sabotage_and_ends_of_contracts_are_there(tmp_path: Path, capsys: Capture) -> None:
    """Counted by severity, overdue apart; a score whose drill has changed says so."""
    house = StatusHouse(tmp_path, ("shop",))
    run = house.run("shop", "P", 2)
    house.register.append(EntryKind.FINDING, _finding(-3), TODAY)
    house.register.append(EntryKind.SABOTAGE, _sabotage(run.plan), TODAY)
    ends = (TODAY + timedelta(days=30)).date()
    house.rewrite(
        "drills/plan.yml",
        "services:",
        f"providers: {{hexanet: {{contract: {{ends: {ends}}}}}}}\nservices:",
    )
    status = answer(house, capsys, "status", "--json")
    shop = status.service("shop")
    assert shop["findings_open"]["critical"] == 1
    assert shop["findings_overdue"] == 1
    assert shop["sabotage"] == {
        "drill": "shop",
        "score": 0.5,
        "at": shop["sabotage"]["at"],
        "expired": True,
    }
    assert {"finding_overdue", "commitment_ends"} <= set(status.kinds())
    out = answer(house, capsys, "status").out
    assert "50%?" in out
    assert f"provider hexanet: the contract ends on {ends}, in" in out


def test_runs_that_are_alive_killed_or_cut_off_are_told(tmp_path: Path, capsys: Capture) -> None:
    """Longer than ever, nobody finished it, a lock older than its lease; nothing is torn down."""
    house = StatusHouse(tmp_path, ("shop",))
    house.run("shop", "P", 20)
    alive = _unsealed(house, hours_ago=5)
    killed = _unsealed(house, hours_ago=30)
    lease = house.state / "locks" / f"{alive.name}.lease"
    lease.parent.mkdir(exist_ok=True)
    lease.touch()
    long_ago = time.time() - LEASE_TERM.total_seconds() - 60
    holder = subprocess.Popen(
        [sys.executable, "-c", _HOLD, str(alive / "alive")], stdout=subprocess.PIPE, text=True
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        status = answer(house, capsys, "status", "--json")
        by_kind = {alarm["kind"]: alarm for alarm in status.data["alarms"]}
        assert by_kind["unfinished_run"]["run_id"] == killed.name
        assert by_kind["running"]["run_id"] == alive.name
        assert by_kind["longer_than_ever"]["seconds"] > 5 * 3_600 - 60
        assert "lock_older_than_lease" not in by_kind
        os.utime(lease, (long_ago, long_ago))
        assert "lock_older_than_lease" in answer(house, capsys, "status", "--json").kinds()
        out = answer(house, capsys, "status", "--monitor").out
        assert f"nobody has finished the run {killed.name}" in out
        assert "it cannot go on: pradrill teardown" in out
        assert "pradrill resume" not in out
    finally:
        holder.kill()
        holder.communicate()
    assert killed.is_dir()
    assert not (killed / "record.json").exists()


def test_what_a_killed_run_may_come_to_is_kept_while_its_files_are_as_they_were(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its journal is read once; a wish that it ends, or another fact, has it read again."""
    house = StatusHouse(tmp_path, ("shop",))
    house.run("shop", "P", 20)
    with closing(FileRunStore(house.state).open("shop", TODAY)) as journal:
        journal.append(Event.STARTED, TODAY, a_start().model_dump(mode="json"))
    killed = journal.folder
    (killed / "people").mkdir()
    reads: list[str] = []
    real = killed_runs.prospect

    def prospect(store: FileRunStore, run_id: str) -> killed_runs.Prospect:
        reads.append(run_id)
        return real(store, run_id)

    monkeypatch.setattr(killed_runs, "prospect", prospect)
    monkeypatch.setattr(derived_file, "_UNSETTLED", timedelta())
    for _ in range(2):
        assert "unfinished_run" in answer(house, capsys, "status", "--json").kinds()
        time.sleep(0.05)
    assert reads == [killed.name]
    (killed / "people" / "abort.json").write_text("{}")
    answer(house, capsys, "status")
    with (killed / "journal.jsonl").open("a", encoding="utf-8") as more:
        more.write("{}\n")
    answer(house, capsys, "status")
    assert reads == [killed.name] * 3


def test_a_head_that_was_not_published_is_told(tmp_path: Path, capsys: Capture) -> None:
    """The plan's log ends with an older head, as when its disk was away."""
    house = StatusHouse(tmp_path, ("shop",))
    house.run("shop", "P", 20)
    log = tmp_path / "heads"
    house.rewrite("drills/plan.yml", "services:", f"sealing: {{head_log: {log}}}\nservices:")
    head = house.register.head()
    log.write_text(f"2026-01-01T00:00:00Z {head}\n")
    assert "head_not_published" not in answer(house, capsys, "status", "--json").kinds()
    house.run("shop", "P", 1)
    assert "head_not_published" in answer(house, capsys, "status", "--json").kinds()


def test_a_head_that_was_not_pushed_is_told(tmp_path: Path, capsys: Capture) -> None:
    """The plan's git repository was away when the last head was to go there."""
    house = StatusHouse(tmp_path, ("shop",))
    house.run("shop", "P", 20)
    house.rewrite("drills/plan.yml", "services:", "sealing: {head_git: /nowhere.git}\nservices:")
    head, remote = house.register.head(), tmp_path / "remote.git"
    assert head is not None
    with pytest.raises(ToolError):
        push_head(head, TODAY, house.state / "heads.git", str(remote))
    status = answer(house, capsys, "status").out
    assert "has not got the register's head" in status
    subprocess.run(["git", "init", "-q", "--bare", remote], check=True)
    push_head(head, TODAY, house.state / "heads.git", str(remote))
    assert "head_not_published" not in answer(house, capsys, "status", "--json").kinds()


def test_of_one_service_only_that_is_told(year: StatusHouse, capsys: Capture) -> None:
    """A monitor has a check for each service; an unknown one is a wrong command line."""
    only = answer(year, capsys, "status", "--monitor", "--service", "ldap")
    assert only.code == 0
    assert only.out.startswith("PRADRILL OK: 1 of 1 proven | ")
    assert "mail" not in only.out
    wrong = answer(year, capsys, "status", "--service", "ldpa")
    assert wrong.code == 2
    assert 'Did you mean "ldap"?' in wrong.err


def test_the_last_proven_recovery_points_are_named(year: StatusHouse, capsys: Capture) -> None:
    """Of each service the backup that the last passing run restored; others can be deleted."""
    proven = answer(year, capsys, "proven", "--json")
    assert proven.code == 0
    assert proven.data["format"] == 1
    points = {each["service"]: each for each in proven.data["services"]}
    assert set(points) == {"ldap", "mail", "moodle", "erp", "files"}
    assert points["mail"]["recovery_point"]["backup_id"] == "b2"
    assert points["mail"]["recovery_point"]["at"]
    assert points["mail"]["run_id"].endswith("-mail-000002")
    only = answer(year, capsys, "proven", "--service", "ldap")
    assert only.out.count("\n") == 1
    assert "backup b1" in only.out
    typo = answer(year, capsys, "proven", "--service", "ldpa")
    assert (typo.code, "no proof of ldpa is on record" in typo.err) == (4, True)


_HOLD = """
import fcntl, sys, time
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


def _unsealed(house: StatusHouse, *, hours_ago: int) -> Path:
    """Leave the folder of a run that began and has no record."""
    at = TODAY - timedelta(hours=hours_ago)
    folder = house.state / "runs" / f"{at:%Y%m%dT%H%M%SZ}-shop-{hours_ago:06x}"
    (folder / "evidence").mkdir(parents=True)
    (folder / "alive").touch()
    event: dict[str, Any] = {"event": "note", "at": at.isoformat()}
    (folder / "journal.jsonl").write_text(json.dumps(event) + "\n")
    return folder


def _finding(days: int) -> Finding:
    return Finding(
        title="the restore is slow",
        severity=Severity.CRITICAL,
        services=("shop",),
        due=(TODAY + timedelta(days=days)).date(),
        opened=TODAY - timedelta(days=10),
        by="C. Petit",
    )


def _sabotage(plan: Any) -> SabotageEntry:
    files = {str(file.path): file.meaning or file.sha256 for file in plan.files}
    assert files
    faults: list[dict[str, Any]] = [
        {"fault": "stop", "stands_for": "x", "outcome": "caught", "caught_by": ["t@h"]},
        {"fault": "empty", "stands_for": "y", "outcome": "missed"},
    ]
    return SabotageEntry.model_validate(
        {
            "sabotage_id": "s",
            "drill": "shop",
            "services": ["shop"],
            "by": "ops",
            "began": TODAY,
            "ended": TODAY,
            "standby": "standby",
            "files": files,
            "faults_sha256": "0" * 64,
            "checks": ["t@h"],
            "faults": [{**fault, "seconds": 1.0} for fault in faults],
        }
    )


def test_a_name_stays_as_it_is_written(tmp_path: Path, capsys: Capture) -> None:
    """A service whose letters are apart in plan, drill and records keeps its history."""
    name = normalize("NFD", "réserve")
    house = StatusHouse(tmp_path, ("shop",))
    for file in ("drills/plan.yml", "drills/shop.yml"):
        house.rewrite(file, "shop", name)
    (house.drills / "checks/shop").rename(house.drills / f"checks/{name}")
    (tmp_path / "playbooks/restore_shop.yml").rename(tmp_path / f"playbooks/restore_{name}.yml")
    house.rewrite("drills/shop.yml", f"drill: {name}", "drill: shop")
    house.plans = plans(open_house(house.drills, now=TODAY))
    house.run("shop", "P", 10)
    status = answer(house, capsys, "status", "--json", "--service", name)
    assert [(each["service"], each["word"]) for each in status.data["services"]] == [
        (name, "proven")
    ]


def test_a_record_of_before_a_rule_is_read(tmp_path: Path, capsys: Capture) -> None:
    """What is refused in a drill now was written down once: it is shown, and the register holds."""
    house = StatusHouse(tmp_path, ("shop",))
    sources: tuple[dict[str, Any], ...] = (
        {"dumps": {"folder": "/d", "names": "%G%m%d.sql", "timezone": "UTC"}},
        {"dumps": {"folder": "/d", "names": "%G%V/%Y%m%d.sql", "timezone": "UTC"}},
        {"restic": {"repository": "../restic", "password": "env:P"}},
        {"borg": {"repository": "borg"}},
    )
    for source in sources:
        with pytest.raises(ValidationError):
            RecoveryPointSpec.model_validate(source, context={"folder": tmp_path})
        plan = house.plans["shop"]
        spec = RecoveryPointSpec.model_validate(source)
        drill = plan.drill.model_copy(update={"recovery_point": spec})
        record = house.run("shop", "P", 10, plan=plan.model_copy(update={"drill": drill}))
        assert "PASSED" in answer(house, capsys, "show", record.run_id).out
    assert answer(house, capsys, "register", "verify").code == 0
