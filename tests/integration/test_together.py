"""Restores that run side by side on a real standby: killed in both, and ended by one of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import beside, edit, pradrill, write
from tests.integration.test_leases import until
from tests.integration.test_resuming import facts, journal_of, lines_of

from pradrill.register.runs.genuine import why_not_genuine

SLOW = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put {name} back, slowly
      ansible.builtin.raw: >-
        sleep 300 & echo $! >> /srv/cut; echo $$ >> /srv/begun-{name};
        for i in $(seq 600); do [ ! -e /srv/go ] || break; sleep 0.1; done;
        mkdir -p /srv/restored; echo data > /srv/restored/{file}
"""
FAILS = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the database back
      ansible.builtin.raw: >-
        until [ -e /srv/begun-files ]; do sleep 0.1; done; echo the dump was cut short >&2; exit 1
"""


def a_house(hosts: TwoHosts, folder: Path) -> Path:
    """Write a house whose drill restores files and a database side by side."""
    house = hosts.house(folder)
    words = "deadline: 2m, repeatable: true, together: data"
    edit(
        house,
        "drills/shop.yml",
        "restore: [{playbook: ../playbooks/restore.yml, deadline: 2m}]",
        f"restore: [{{playbook: ../playbooks/files.yml, {words}}}, "
        f"{{playbook: ../playbooks/database.yml, {words}}}]",
    )
    edit(house, "playbooks/teardown.yml", "raw: ", "raw: kill $(cat /srv/cut); ")
    write(house, "playbooks/files.yml", SLOW.format(name="files", file="data"))
    write(house, "playbooks/database.yml", SLOW.format(name="database", file="more"))
    return house


@pytest.mark.nightly
def test_a_run_killed_in_two_steps_goes_on_with_both(hosts: TwoHosts, tmp_path: Path) -> None:
    """Neither goes on beside its second try; the last end is T4, and all is put back."""
    house = a_house(hosts, tmp_path)
    with beside(house, "run", "shop"):
        for name in ("files", "database"):
            until(lambda: len(lines_of(hosts, f"begun-{name}")) == 1, "it has not begun")  # noqa: B023
    cut = lines_of(hosts, "cut")
    listing = pradrill(house, "runs")
    assert "can go on: pradrill resume" in listing.stderr, listing.stderr
    (hosts.standby.srv / "go").touch()
    result = pradrill(house, "resume", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    assert not any(map(hosts.standby.goes_on, cut))
    assert [len(lines_of(hosts, f"begun-{name}")) for name in ("files", "database")] == [2, 2]

    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert (record["verdict"], record["residue"]) == ("PASSED", [])
    restores = [step for step in record["steps"] if step["phase"] == "restore"]
    assert {step["name"] for step in restores} == {"files", "database"}
    assert max(step["started"] for step in restores) < min(step["ended"] for step in restores)
    last = max(step["work_ended"] for step in restores)
    assert record["recovery"]["marks"]["T4"]["at"] == last
    assert {fact.get("step") for fact in facts(house, "news")} >= {"files", "database"}
    assert why_not_genuine(journal_of(house).parent, None) is None
    assert pradrill(house, "register", "verify").returncode == 0
    played = pradrill(house, "watch", "shop")
    assert "files: " in played.stdout + played.stderr, played


@pytest.mark.nightly
def test_a_step_that_fails_ends_the_one_beside_it(hosts: TwoHosts, tmp_path: Path) -> None:
    """What that has begun on the standby is ended at once; both outcomes are told."""
    house = a_house(hosts, tmp_path)
    write(house, "playbooks/database.yml", FAILS)
    result = pradrill(house, "run", "shop")
    assert result.returncode == 10, result.stdout + result.stderr
    assert not any(map(hosts.standby.goes_on, lines_of(hosts, "cut")))
    record = json.loads(pradrill(house, "show", "--json").stdout)
    ends = {s["name"]: s for s in record["steps"] if s["phase"] == "restore"}
    assert {name: end["outcome"] for name, end in ends.items()} == {
        "files": "cancelled",
        "database": "failed",
    }
    assert ends["files"]["detail"]["text"] == 'ended, because "database" beside it did not pass'
    assert ends["files"]["seconds"] < 60, ends["files"]
    assert "the dump was cut short" in json.dumps(ends["database"])
    assert (record["residue"], "T4" in record["recovery"]["marks"]) == ([], False)
    page = tmp_path / "report.html"
    pradrill(house, "report", "--format", "html", "--lang", "fr", "--output", str(page))
    assert "menée en parallèle, n\u2019a pas réussi" in page.read_text("utf-8")
