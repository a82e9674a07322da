"""Which files a service opens is told, and which of them nothing that a drill does would bring."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, write
from tests.integration.test_egress import severities
from tests.integration.test_leases import last_record, slow_run

from pradrill.testing.reasons import texts

_SERVICE = """\
import os, pathlib, time
for path in {paths!r}:
    pathlib.Path(path).read_text(errors="replace")
pathlib.Path("/srv/state").write_text(str(os.getpid()))
pathlib.Path("/srv/green").read_text()
time.sleep(300)
"""
_RESTORE = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back
      ansible.builtin.raw: >-
        mkdir -p /srv/restored; echo data > /srv/restored/data; echo x > /srv/settings;
        cat /srv/of-the-drill > /srv/green;
        setsid python3 -I -S /srv/service.py > /dev/null 2>&1 < /dev/null &
        for n in 1 2 3 4 5 6 7 8 9; do test -e /srv/state && break; sleep 0.2; done
"""
_TEARDOWN = "kill $(cat /srv/state); rm -rf /srv/restored /srv/settings /srv/state /srv/green"


def house_of(hosts: TwoHosts, folder: Path) -> Path:
    """Write a house that watches files, whose service opens one of each origin."""
    house = hosts.house(folder)
    edit(house, "drills/shop.yml", "hosts: standby,", "hosts: standby, watch_files: true,")
    write(house, "playbooks/restore.yml", _RESTORE)
    edit(house, "playbooks/teardown.yml", "rm -rf /srv/restored", _TEARDOWN)
    srv = hosts.standby.srv
    (srv / "secret\x1b[31m.key").write_text("put there by hand, once")
    (srv / "license").write_text("likewise, and the plan says so")
    (srv / "of-the-drill").write_text("opened by the drill's own command alone")
    paths = ("secret\x1b[31m.key", "license", "restored/data", "settings")
    texts = [*(f"/srv/{each}" for each in paths), "/etc/debian_version"]
    (srv / "service.py").write_text(_SERVICE.format(paths=texts))
    needs = "needs_files: [{path: /srv/license, why: from the safe}]\n    drill_every: 3 months"
    edit(house, "drills/plan.yml", "drill_every: 3 months", needs)
    return house


def watchers(house: Path) -> set[str]:
    """Return the processes that watch files for a house's runs; other tests have their own."""
    names = [each.name.replace("-", "_") for each in (house / "state" / "runs").glob("2*")]
    pattern = "|".join(f"{name}_files" for name in names)
    result = subprocess.run(["pgrep", "-f", pattern], capture_output=True, text=True, check=False)
    return set(result.stdout.split())


def test_a_file_that_no_drill_brings_is_a_finding(hosts: TwoHosts, tmp_path: Path) -> None:
    """Packages', restored, written and declared ones are none; nor is what a command opens."""
    house = house_of(hosts, tmp_path / "house")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    record = last_record(house)
    file_map = record["files"]["web-dr"]
    assert file_map["complete"], file_map
    origins = {each["path"]: each["origin"] for each in file_map["files"]}
    assert origins.get("/srv/secret\\x1b[31m.key") == "neither", file_map
    assert origins["/srv/license"] == "neither"
    assert origins["/srv/settings"] == "written"
    assert origins["/etc/debian_version"] == "package"
    assert "/srv/of-the-drill" not in origins
    assert file_map["counts"]["package"] > 3
    keys = severities(house)
    assert [each for each in keys if each.startswith("file/")] == ["file/shop//srv/"]
    assert not watchers(house)
    screen = pradrill(house, "show").stdout
    assert "2 files that the service opened come from neither" in screen
    assert "/srv/secret\\x1b[31m.key, /srv/service.py (no, and a finding)" in screen
    report = tmp_path / "fr.html"
    pradrill(house, "report", "--format", "html", "--lang", "fr", "--output", str(report))
    page = report.read_text("utf-8")
    assert "2 fichiers ouverts par le service" in page
    assert "from the safe" in page


@pytest.mark.nightly
def test_a_killed_run_leaves_nothing_that_watches(hosts: TwoHosts, tmp_path: Path) -> None:
    """The next command ends it, and the record tells what was opened until then."""
    house = hosts.house(tmp_path / "house")
    edit(house, "drills/shop.yml", "hosts: standby,", "hosts: standby, watch_files: true,")
    with slow_run(hosts, house, tmp_path / "tmp") as process:
        assert len(watchers(house)) == 1
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert len(watchers(house)) == 1
    result = pradrill(house, "runs")
    assert "was killed; its standby was torn down" in result.stderr, result.stderr
    (hosts.standby.srv / "go").touch()
    assert not watchers(house)
    assert last_record(house)["files"]["web-dr"]["complete"]


@pytest.mark.nightly
def test_a_watch_that_is_ended_is_a_limit(hosts: TwoHosts, tmp_path: Path) -> None:
    """What it had seen is not known: the report does not say that nothing is missing."""
    house = hosts.house(tmp_path / "house")
    edit(house, "drills/shop.yml", "hosts: standby,", "hosts: standby, watch_files: true,")
    with slow_run(hosts, house, tmp_path / "tmp") as process:
        (pid,) = watchers(house)
        os.kill(int(pid), signal.SIGKILL)
        (hosts.standby.srv / "go").touch()
        process.wait(60)
    record = last_record(house)
    assert not record["files"]["web-dr"]["complete"]
    assert any("what watched had ended" in each for each in texts(record["limits"]))
    report = pradrill(house, "report", "--format", "html", "--output", str(tmp_path / "r.html"))
    assert report.returncode == 0, report.stderr
    assert "Not known: the files could not be watched" in (tmp_path / "r.html").read_text("utf-8")
