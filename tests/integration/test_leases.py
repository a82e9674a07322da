"""The lock that lies on the standby itself: two state directories, kill -9, a lost lease."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import beside, pradrill, write

from pradrill.domain.values.run_names import folder_prefix
from pradrill.system.ssh_sockets import folder_for
from pradrill.testing.reasons import texts

SLOW = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back, slowly
      ansible.builtin.raw: >-
        touch /srv/begun; timeout 60 sh -c "until [ -e /srv/go ]; do sleep 0.1; done"
"""

MEMORY = Path("/dev/shm")


def until(is_so: Callable[[], bool], what: str) -> None:
    """Wait for it, not for ever."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end, what
        time.sleep(0.05)


@contextmanager
def slow_run(hosts: TwoHosts, house: Path, tmpdir: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a drill beside the test, from its restore on."""
    write(house, "playbooks/restore.yml", SLOW)
    tmpdir.mkdir()
    with beside(house, "run", "shop", environment={**os.environ, "TMPDIR": str(tmpdir)}) as process:
        until((hosts.standby.srv / "begun").exists, "the restore has not begun")
        yield process


def last_record(house: Path) -> dict[str, Any]:
    """Return the last record."""
    record: dict[str, Any] = json.loads(pradrill(house, "show", "--json").stdout)
    return record


def leases(record: dict[str, Any]) -> list[str]:
    """Return what a record says of leases."""
    return [*texts(guard["detail"] for guard in record["guards"] if guard["guard"] == "lease")]


def lease(hosts: TwoHosts) -> Path:
    """Return where the standby's lease lies, as the test sees it."""
    return hosts.standby.etc_pradrill / "lease"


def signed(hosts: TwoHosts, run: str, *, seconds: float) -> None:
    """Put another controller's lease onto the standby."""
    boot_id = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    words = {"run": run, "controller": "ctl02", "state": "/var/lib/pradrill"}
    lease(hosts).write_text(json.dumps({**words, "boot": boot_id, "until": uptime + seconds}))


@pytest.mark.nightly
def test_two_state_directories_do_not_meet_on_one_standby(hosts: TwoHosts, tmp_path: Path) -> None:
    """The second run is busy, told by whom and until when; the first one passes undisturbed."""
    first, second = hosts.house(_folder(tmp_path / "a")), hosts.house(_folder(tmp_path / "b"))
    with slow_run(hosts, first, tmp_path / "tmp") as process:
        result = pradrill(second, "run", "shop")
        output = result.stdout + result.stderr
        assert result.returncode == 5, output
        assert "is held by run" in output
        assert str(first / "state") in "".join(output.split())  # a long line is wrapped
        assert "until" in output
        assert "torn-down" not in hosts.standby.touched()
        (hosts.standby.srv / "go").touch()
        assert process.wait(60) == 0, process.stdout and process.stdout.read()
    assert last_record(second)["refusal"] == "busy"
    assert leases(last_record(first)) == ["no other run holds this machine"]
    assert last_record(first)["residue"] == []
    assert not lease(hosts).exists()


def test_a_killed_run_is_torn_down_by_the_next_command_which_leaves_nothing(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """Its lease, its connections and its temporary folders are gone; another state waited."""
    house, other = hosts.house(_folder(tmp_path / "a")), hosts.house(_folder(tmp_path / "b"))
    tmpdir = tmp_path / "tmp"
    with slow_run(hosts, house, tmpdir) as process:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    run_id = json.loads(lease(hosts).read_text())["run"]
    assert list(MEMORY.glob(f"{folder_prefix(run_id)}*"))
    assert folder_for(run_id).exists()
    assert pradrill(other, "run", "shop").returncode == 5
    result = pradrill(house, "runs", environment={**os.environ, "TMPDIR": str(tmpdir)})
    assert "was killed; its standby was torn down" in result.stderr, result.stderr
    assert hosts.standby.touched() == ["begun", "torn-down"]
    (hosts.standby.srv / "go").touch()  # what the killed run's command waits for
    assert list(MEMORY.glob(f"{folder_prefix(run_id)}*")) == []
    assert list(tmpdir.glob("pradrill-*")) == []
    assert not folder_for(run_id).exists()
    assert not lease(hosts).exists()


def test_a_stale_lease_is_taken_over_with_a_word_in_the_record(
    hosts: TwoHosts, tmp_path: Path
) -> None:
    """One that ran out holds nobody off, and the record says whose it was, also in French."""
    house = hosts.house(tmp_path)
    signed(hosts, "20261101T020000Z-shop-aaaaaa", seconds=-1)
    assert pradrill(house, "run", "shop").returncode == 0
    whose = "run 20261101T020000Z-shop-aaaaaa of ctl02 (/var/lib/pradrill)"
    assert leases(last_record(house)) == [f"taken over from {whose}, which had run out"]
    page = tmp_path / "report.html"
    pradrill(house, "report", "--format", "html", "--lang", "fr", "--output", str(page))
    assert "dont le bail avait expiré" in page.read_text("utf-8")


def test_a_run_that_loses_its_lease_touches_nothing_more(hosts: TwoHosts, tmp_path: Path) -> None:
    """Another took it during the restore: no teardown on what is now the other's, exit 12."""
    house = hosts.house(_folder(tmp_path / "a"))
    with slow_run(hosts, house, tmp_path / "tmp") as process:
        signed(hosts, "20261128T020000Z-shop-bbbbbb", seconds=300)
        content = lease(hosts).read_text()
        (hosts.standby.srv / "go").touch()
        assert process.wait(60) == 12
    record = last_record(house)
    whose = "run 20261128T020000Z-shop-bbbbbb of ctl02 (/var/lib/pradrill)"
    assert leases(record)[1:] == [f"{whose} has taken its lease"]
    assert "torn-down" not in hosts.standby.touched()
    assert any("not this run's any more" in left for left in texts(record["residue"]))
    assert lease(hosts).read_text() == content


def test_nothing_is_written_on_a_host_that_is_not_proven(hosts: TwoHosts, tmp_path: Path) -> None:
    """Without its marker a machine gets no lease either."""
    house = hosts.house(tmp_path)
    hosts.standby.marker.write_text("0" * 32 + "\n")
    assert pradrill(house, "run", "shop").returncode != 0
    assert sorted(path.name for path in hosts.standby.etc_pradrill.iterdir()) == ["standby"]


def _folder(path: Path) -> Path:
    path.mkdir()
    return path
