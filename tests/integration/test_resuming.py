"""A killed run goes on in another process once all is proven again, or it is told why not."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import beside, edit, pradrill, seal_with_a_key, write
from tests.integration.test_leases import until

from pradrill.app.author import user
from pradrill.register.runs.genuine import why_not_genuine

ONCE = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: what may not be done twice
      ansible.builtin.raw: >-
        mkdir -p /srv/restored; echo once >> /srv/once;
        setsid sleep 301 >/dev/null 2>&1 & echo $! > /srv/service; sleep 0.2
"""
SLOW = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back, slowly
      ansible.builtin.raw: >-
        sleep 300 & echo $! >> /srv/cut; echo $$ >> /srv/begun;
        timeout 60 sh -c "until [ -e /srv/go ]; do sleep 0.1; done";
        echo data > /srv/restored/data
"""


def a_house(hosts: TwoHosts, folder: Path, *, repeatable: bool = True) -> Path:
    """Write a house whose second restore is slow, and says so if it may be taken again."""
    house = hosts.house(folder)
    declared = ", repeatable: true" if repeatable else ""
    edit(
        house,
        "drills/shop.yml",
        "restore: [{playbook: ../playbooks/restore.yml, deadline: 2m}]",
        "restore: [{playbook: ../playbooks/restore.yml}, "
        f"{{playbook: ../playbooks/fill.yml, deadline: 2m{declared}}}]",
    )
    edit(house, "playbooks/teardown.yml", "raw: ", "raw: kill $(cat /srv/service /srv/cut); ")
    write(house, "playbooks/restore.yml", ONCE)
    write(house, "playbooks/fill.yml", SLOW)
    return house


def journal_of(house: Path) -> Path:
    """Return the journal of the only run."""
    (path,) = house.glob("state/runs/2*/journal.jsonl")
    return path


def facts(house: Path, event: str) -> list[dict[str, Any]]:
    """Return what a journal tells of a kind of event."""
    lines = map(json.loads, journal_of(house).read_text().splitlines())
    return [line for line in lines if line["event"] == event]


def lines_of(hosts: TwoHosts, name: str) -> list[str]:
    """Return the lines of a file in the standby's /srv."""
    path = hosts.standby.srv / name
    return path.read_text().split() if path.exists() else []


def test_a_killed_run_goes_on_where_its_drill_says_so(  # noqa: PLR0915 one run, many facts
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """Twice killed in a repeatable step, it passes: T0 stays, the outage is told, and by whom.

    What has changed meanwhile stops it, and then nothing is written or touched; of two who want it
    one has it.
    """
    house = a_house(hosts, tmp_path)
    seal_with_a_key(house)
    with beside(house, "run", "shop"):
        until(lambda: len(lines_of(hosts, "begun")) == 1, "the slow step has not begun")
        living = pradrill(house, "resume", "shop")
        assert living.returncode == 5, living.stderr
        assert "is held by pradrill run of " in living.stderr
    run_id = journal_of(house).parent.name
    listing = pradrill(house, "runs")
    assert f"can go on: pradrill resume {run_id}" in listing.stderr
    (service,) = lines_of(hosts, "service")
    assert hosts.standby.goes_on(service)
    before, touched = journal_of(house).read_bytes(), hosts.standby.touched()
    aborted = pradrill(house, "abort", run_id)
    assert (aborted.returncode, "was killed" in aborted.stderr) == (2, True), aborted.stderr

    marker, away = hosts.standby.marker, hosts.standby.marker.with_name("away")
    marker.rename(away)
    unmarked = pradrill(house, "resume", run_id)
    assert (unmarked.returncode, "standby is missing" in unmarked.stderr) == (4, True), unmarked
    away.rename(marker)
    hosts.open_way()
    reached = pradrill(house, "resume", run_id)
    assert (reached.returncode, "must-not-reach" in reached.stderr) == (4, True), reached.stderr
    hosts.close_way()
    text = (house / "playbooks/fill.yml").read_text()
    write(house, "playbooks/fill.yml", text + "# edited\n")
    edited = pradrill(house, "resume", run_id)
    assert (edited.returncode, "fill.yml" in edited.stderr) == (3, True), edited.stderr
    write(house, "playbooks/fill.yml", text)
    journal_of(house).write_bytes(before.replace(b'"outcome": "passed"', b'"outcome":"passed"', 1))
    forged = pradrill(house, "resume", run_id)
    assert (forged.returncode, "nobody vouches" in forged.stderr) == (14, True), forged.stderr
    journal_of(house).write_bytes(before)
    assert (journal_of(house).read_bytes(), hosts.standby.touched()) == (before, touched)

    with beside(house, "resume", run_id) as first:
        until(lambda: len(lines_of(hosts, "begun")) == 2, "the step was not taken again")
        second = pradrill(house, "resume", run_id)
        assert second.returncode == 5, second.stderr
        assert f"is held by pradrill resume of root (pid {first.pid}, started" in second.stderr
    cut = [*lines_of(hosts, "begun")[:1], *lines_of(hosts, "cut")[:1]]
    assert not any(map(hosts.standby.goes_on, cut)), "it goes on beside another"
    assert hosts.standby.goes_on(service), "the step before had ended"
    (hosts.standby.srv / "go").touch()
    result = pradrill(house, "resume", run_id)
    assert result.returncode == 0, result.stdout + result.stderr
    assert lines_of(hosts, "once") == ["once"]
    assert len(lines_of(hosts, "begun")) == 3

    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert (record["state"], record["verdict"], record["residue"]) == ("FINISHED", "PASSED", [])
    assert [each["by"] for each in record["resumptions"]] == [user()] * 2
    assert {(each["steady"], each["within"]) for each in record["resumptions"]} == {(True, 0.0)}
    (t0,) = (each["instant"] for each in facts(house, "mark") if each["mark"] == "T0")
    recovery = record["recovery"]
    assert recovery["marks"]["T0"]["at"] == t0["at"]
    assert 0 < recovery["outage"] < recovery["rta"]["seconds"]
    assert why_not_genuine(journal_of(house).parent, None) is None
    assert "without a controller" in " ".join(pradrill(house, "show").stdout.split())
    page = tmp_path / "report.html"
    pradrill(house, "report", "--format", "html", "--lang", "fr", "--output", str(page))
    assert f"Reprise par {user()}" in page.read_text("utf-8")
    assert pradrill(house, "register", "verify").returncode == 0
    sealed = pradrill(house, "resume", run_id)
    assert (sealed.returncode, "has ended" in sealed.stderr) == (2, True), sealed.stderr


@pytest.mark.nightly
def test_a_run_killed_after_its_restore_is_verified_across_a_restart(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """Nothing is restored again; the time across the restart is known as well as clocks tell it.

    A step that was cut and does not say repeatable is not taken twice: it is told why.
    """
    house = a_house(hosts, tmp_path, repeatable=False)
    edit(house, "drills/shop.yml", "stable_for: 100ms", "stable_for: 4s")
    (hosts.standby.srv / "go").touch()
    with beside(house, "run", "shop"):
        until(
            lambda: any(
                '"check_pass"' in path.read_text()
                for path in house.glob("state/runs/2*/journal.jsonl")
            ),
            "no check was asked",
        )
    whole = journal_of(house).read_bytes()
    lines = whole.splitlines(keepends=True)
    started = b'"step_started", "phase": "restore", "name": "fill"'
    cut = b"".join(lines[: 1 + next(n for n, line in enumerate(lines) if started in line)])
    journal_of(house).write_bytes(cut)
    refused = pradrill(house, "resume", "shop")
    assert refused.returncode == 2, refused.stderr
    assert "does not say repeatable: true" in refused.stderr
    assert journal_of(house).read_bytes() == cut
    journal_of(house).write_bytes(whole)

    boot = facts(house, "run_started")[0]["clock"]["boot"]
    text = journal_of(house).read_text()
    journal_of(house).write_text(text.replace(boot, "0" * 36))
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    result = pradrill(elsewhere, "--state", str(house / "state"), "resume", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    assert (lines_of(hosts, "once"), len(lines_of(hosts, "begun"))) == (["once"], 1)
    record = json.loads(pradrill(house, "show", "--json").stdout)
    (resumption,) = record["resumptions"]
    assert (resumption["steady"], 0 < resumption["within"] < 1) == (False, True)
    rta = record["recovery"]["rta"]
    assert rta["high"] - rta["seconds"] > 0.99 * resumption["within"]
    assert "restarted in between" in " ".join(pradrill(house, "show").stdout.split())
