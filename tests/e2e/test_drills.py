"""Whole drills on real machines: one that passes, and what each way of failing comes to."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from argparse import Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.e2e.command_line import command, pradrill
from tests.e2e.scenes.place import REPOSITORY, Place, own_copy
from tests.e2e.scenes.scene import say

from pradrill.adapters.standbys.lab import Lab
from pradrill.app.composition import App
from pradrill.app.demo_lab import demo_lab
from pradrill.system import processes

pytestmark = pytest.mark.e2e
# tests/integration has the same ends on real hosts (test_ends_of_a_drill, test_leases,
# test_teardown_again), tests/sources the same rot of the same tools.
_BY_DAY_ON_HOSTS = pytest.mark.nightly
PACK = "$(ls -S $(find /srv/restic/wordpress/data -type f) | head -1)"
KEPT_DEMO = Path(__file__).parent / "scenes/kept_demo.py"
FIRST = ("nice", "-n", "-5")
"""Of all tests the demo takes longest: before the others, not as one of five."""


class DemoScene(NamedTuple):
    """A primary that was destroyed, its backup server, and the demo that left them."""

    lab: Lab
    demo: subprocess.CompletedProcess[str]
    secrets: dict[str, str]


@pytest.fixture(scope="module")
def scene(lab: Lab, state: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[DemoScene]:
    """Run the demo, and keep its backup server and its secrets for the other drills."""
    secrets_file = tmp_path_factory.mktemp("scene") / "secrets.json"
    demo = subprocess.run(
        [*FIRST, sys.executable, KEPT_DEMO, secrets_file, "--state", state, "demo", "--keep"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=2700,
        check=False,
    )
    secrets = json.loads(secrets_file.read_text(encoding="utf-8"))
    secrets["PRADRILL_DEMO_BACKUP_HOST_KEY"] = lab.machine("backup").host_key
    yield DemoScene(lab, demo, secrets)
    lab.machine("backup").down()


@pytest.fixture
def place(
    scene: DemoScene, state: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Place]:
    """Return a copy of the drills for one test."""
    with own_copy(tmp_path, scene.lab, scene.secrets, monkeypatch):
        yield Place(scene.lab, state, tmp_path)


def step(record: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a step of a record."""
    (match,) = [each for each in record["steps"] if each["name"] == name]
    return dict(match)


def test_the_demo_recovers_a_wordpress_whose_machine_was_destroyed(
    scene: DemoScene, state: Path
) -> None:
    """`pradrill demo` passes, with a measured T0, a real loss, a record and a report."""
    result = scene.demo
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(r"^PASSED  wordpress  RTA \S+ \(RTO 30m00s\)  RPA \S+ \(RPO", result.stdout)
    record = json.loads(pradrill("show", "--json", state=state).stdout)
    assert record["recovery"]["marks"]["T0"]["provenance"] == "measured"
    loss = record["recovery"]["rpa"]
    assert loss["seconds"] > 10, "rows were written after the backup, and lost"
    assert loss["low"] <= loss["seconds"] <= loss["high"]
    assert not record["residue"]
    assert not any(scene.lab.machine(name).running for name in ("primary", "standby"))
    page = state / "runs" / record["run_id"] / "reports" / "report.html"
    assert "PASSED" in page.read_text(encoding="utf-8")
    journal = (page.parents[1] / "journal.jsonl").read_text(encoding="utf-8")
    assert "PRIVATE KEY" not in journal


@_BY_DAY_ON_HOSTS
def test_a_corrupt_backup_fails_the_drill(place: Place) -> None:
    """A backup whose bytes rotted cannot be restored: FAILED, with restic's own words."""
    backup = place.lab.machine("backup").ssh_command()
    rot = f"f={PACK}; cp -p $f /root/pack; head -c 4000 /dev/urandom | dd of=$f seek=2 conv=notrunc"
    subprocess.run([*backup, rot], check=True, capture_output=True)
    try:
        result, record = place.run("wordpress")
    finally:
        subprocess.run([*backup, f"f={PACK}; cat /root/pack > $f"], check=True)
    assert result.returncode == 10
    assert record["verdict"] == "FAILED"
    assert step(record, "restore WordPress")["outcome"] == "failed"
    assert record["recovery"]["rta"] is None
    assert [each["name"] for each in record["not_executed"]]
    assert result.stdout.startswith("FAILED  wordpress  RTA not measured")
    assert place.nothing_is_left()


@_BY_DAY_ON_HOSTS
def test_a_service_that_never_comes_up_fails_at_the_deadline(place: Place) -> None:
    """Everything is restored and the web server stays down: FAILED when the deadline is over."""
    (place.folder / "playbooks" / "stop_web.yml").write_text(
        "- hosts: all\n  gather_facts: false\n  tasks:\n"
        "    - ansible.builtin.command: systemctl stop apache2\n",
        encoding="utf-8",
    )
    place.edit(
        "wordpress",
        ("verify:\n", "  - playbook: ../playbooks/stop_web.yml\n\nverify:\n"),
        ("deadline: 15m  ", "deadline: 20s  "),
    )
    result, record = place.run("wordpress")
    assert result.returncode == 10
    checks = step(record, "check the service")
    assert checks["outcome"] == "failed"
    assert 20 <= checks["seconds"] < 40
    assert (
        "the web server runs" in result.stdout.replace("_", " ").lower()
        or "Apache" in result.stdout
    )
    assert record["recovery"]["rta"] is None
    assert place.nothing_is_left()


@_BY_DAY_ON_HOSTS
def test_data_older_than_the_rpo_misses_the_objective(place: Place) -> None:
    """The service works and its newest data is too old for the plan: MISSED, exit code 11."""
    place.edit("plan", ("rpo: 1h ", "rpo: 1s "))
    result, record = place.run("wordpress")
    assert result.returncode == 11, result.stdout + result.stderr
    assert record["verdict"] == "MISSED"
    assert record["recovery"]["rta"]["seconds"] < 900
    assert record["recovery"]["rpa"]["low"] > 1
    assert result.stdout.startswith("MISSED  wordpress")


def begin(place: Place) -> tuple[subprocess.Popen[str], set[str]]:
    """Start a drill and return once its restore is under way."""
    before = set(place.runs())
    running = subprocess.Popen(
        command("run", "wordpress", state=place.state, drills=place.drills),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    until(lambda: any(restoring(place.state / "runs" / run) for run in set(place.runs()) - before))
    return running, before


def restoring(run: Path) -> bool:
    """Tell whether restic works on the standby for this run."""
    events = list(run.glob("evidence/*restore*/events.jsonl"))
    return any("Restore the snapshot's folders" in file.read_text("utf-8") for file in events)


def until(true: Callable[[], bool], deadline: float = 90) -> None:
    """Wait until something is true."""
    end = time.monotonic() + deadline
    while not true():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.1)


@_BY_DAY_ON_HOSTS
def test_a_standby_that_vanishes_leaves_the_drill_inconclusive(place: Place) -> None:
    """A standby lost half-way says nothing about the plan: INCONCLUSIVE, exit code 12."""
    running, before = begin(place)
    place.standby.kill()
    printed, _ = running.communicate(timeout=180)
    record = place.record(before)
    assert running.returncode == 12, printed
    assert record["verdict"] == "INCONCLUSIVE"
    assert step(record, "restore WordPress")["outcome"] == "unreachable"
    assert place.nothing_is_left()


@_BY_DAY_ON_HOSTS
def test_ctrl_c_during_the_restore_tears_down_first(place: Place) -> None:
    """Ctrl-C ends a run through its teardown: 130 and no residue; meanwhile others are refused."""
    running, before = begin(place)
    second = pradrill("run", "wordpress", state=place.state, drills=place.drills)
    assert second.returncode == 5, second.stderr
    running.send_signal(signal.SIGINT)
    printed, _ = running.communicate(timeout=120)
    assert running.returncode == 130, printed
    new = [place.record(set(place.runs()) - {run}) for run in set(place.runs()) - before]
    stopped, refused = sorted(new, key=lambda record: record["refusal"] is not None)
    assert stopped["verdict"] != "PASSED"
    assert step(stopped, "restore WordPress")["outcome"] == "cancelled"
    assert not stopped["residue"]
    assert refused["exit_code"] == 5
    assert place.nothing_is_left()


@_BY_DAY_ON_HOSTS
def test_a_killed_run_is_found_and_torn_down_by_the_next_command(place: Place) -> None:
    """After kill -9 the standby still runs; the next command ends it and records CRASHED."""
    running, before = begin(place)
    running.kill()
    running.communicate()
    assert place.standby.running
    (run_id,) = set(place.runs()) - before
    listed = pradrill("runs", state=place.state)
    assert listed.returncode == 0, listed.stderr
    assert re.search(rf"{run_id} .*INCONCLUSIVE \(crashed\)", listed.stdout)
    assert place.record(before)["state"] == "CRASHED"
    assert place.nothing_is_left()
    assert not [pid for pid in processes.carrying(run_id) if pid != os.getpid()]


OWN_FAULTS = """faults:
  - {fault: office-flipped, stands_for: rot, command: "printf x | dd of=$(find $uploads -name
     office.png) seek=9000 bs=1 conv=notrunc", discover: {uploads: echo /var/lib/wordpress}}
  - {fault: nothing-done, stands_for: nothing, command: "true"}
  - {fault: cannot-be, stands_for: nothing, command: "echo no such thing >&2; exit 7"}
"""


def own_faults(place: Place) -> None:
    """Give the drill three faults of its own, and none of those that ship."""
    path = place.drills / "wordpress.yml"
    text = path.read_text(encoding="utf-8").partition("\nsabotage:")[0]
    path.write_text(f"{text}\nsabotage: {{faults: [own.faults]}}\n", encoding="utf-8")
    (place.drills / "own.faults").write_text(OWN_FAULTS, encoding="utf-8")


@pytest.mark.nightly
def test_a_sabotage_tells_what_the_checks_notice(place: Place) -> None:
    """Of three faults one is caught, one missed, one not done; its score is entered, and no run."""
    own_faults(place)
    runs = place.runs()
    result = pradrill("sabotage", "wordpress", state=place.state, drills=place.drills)
    assert result.returncode == 0, result.stdout + result.stderr
    assert result.stdout.startswith("50 %  wordpress  1 of 2 faults caught, 20")
    assert "No check noticed:\n  nothing-done: nothing\n" in result.stdout
    assert "cannot-be: nothing (it could not be done: no such thing)" in result.stdout
    assert place.runs() == runs
    assert place.nothing_is_left()
    verified = pradrill("register", "verify", state=place.state, drills=place.drills)
    assert verified.returncode == 0, verified.stdout + verified.stderr
    listed = pradrill("sabotage", state=place.state, drills=place.drills)
    assert listed.stdout.startswith("50 %  wordpress  1 of 2 faults caught, 20")
    assert "have changed since" not in listed.stdout


@pytest.mark.nightly
def test_the_next_command_removes_what_a_killed_sabotage_has_left(place: Place) -> None:
    """After kill -9 on a copy the next command ends machine and processes, and drops what is there.

    Neither a run nor a score comes of it.
    """
    own_faults(place)
    runs = place.runs()
    running = subprocess.Popen(
        command("sabotage", "wordpress", state=place.state, drills=place.drills),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    saved = place.standby.folder / "saved" / "disk.qcow2"
    until(lambda: saved.exists() and place.standby.running, deadline=300)
    running.kill()
    running.communicate()
    (folder,) = (place.state / "sabotages").iterdir()
    listed = pradrill("runs", state=place.state)
    assert f"the sabotage {folder.name} was killed" in listed.stderr
    assert place.runs() == runs
    assert not folder.exists()
    assert not saved.exists()
    assert not place.standby.running
    assert not [pid for pid in processes.carrying(folder.name) if pid != os.getpid()]


def test_a_demo_that_is_not_kept_leaves_no_machine(scene: DemoScene, state: Path) -> None:
    """Without --keep the stage is cleared when it closes: the last test of this scene."""
    app = App(Namespace(state=state, log=None, drills=REPOSITORY / "drills"))
    assert scene.lab.machine("backup").running
    with demo_lab(app, REPOSITORY / "playbooks", say, keep=False):
        pass
    assert not scene.lab.down(), "a machine was left running"
