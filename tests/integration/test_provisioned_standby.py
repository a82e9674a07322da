"""A machine that is made for the run: a real host in a namespace, by playbooks, end to end."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests.integration.hosts.namespace_cloud import make, remove_all, write_cloud
from tests.integration.house import beside, build, edit, pradrill
from tests.support.living import goes_on

from pradrill.adapters.standbys.provisioned import ProvisionedHosts
from pradrill.domain.run.machine import MachineAddress, addresses_in, tag_of
from pradrill.errors import ExitCode
from pradrill.ports import Bounds

RUN = "20261130T020000Z-shop-a1b2c3"


@pytest.fixture
def cloud(tmp_path: Path) -> Iterator[Path]:
    """Return where the machines of a house are; none is left at the end."""
    machines = write_cloud(build(tmp_path))
    yield machines
    remove_all(machines)


def test_a_machine_has_the_key_that_was_pinned_before_it_was(cloud: Path, tmp_path: Path) -> None:
    """From cloud-init's files alone: SSH accepts it by that key, and its marker names the run."""
    hosts = ProvisionedHosts(["web-dr"])
    (tmp_path / "keys").mkdir(mode=0o700)
    (seed,) = hosts.sow(tmp_path / "keys", RUN)
    machines = json.dumps([seed.model_dump(mode="json")])
    addresses = make(cloud, tag_of(RUN), "2999-01-01T00:00:00+00:00", machines)
    hosts.settle(addresses_in({"pradrill_addresses": addresses}, ["web-dr"]))
    wait_until(lambda: not hosts.silent(Bounds(60)), 60)
    (login,) = cloud.glob("*/authorized_keys")
    away = login.rename(tmp_path / "away")
    assert hosts.silent(Bounds(60)) == ["web-dr"], "a server that lets nobody in yet is not up"
    away.rename(login)
    assert hosts.silent(Bounds(60)) == []
    strangers = ProvisionedHosts(["web-dr"])
    (tmp_path / "others").mkdir(mode=0o700)
    strangers.sow(tmp_path / "others", RUN)
    strangers.settle(addresses_in({"pradrill_addresses": addresses}, ["web-dr"]))
    assert strangers.silent(Bounds(60)) == [], "another key is told at once, and not waited for"

    site = hosts.start(tmp_path, RUN, lambda _line: None)
    try:
        command = [
            "ssh",
            "-F",
            str(site.ssh_config),
            "web-dr",
            "cat /etc/machine-id /etc/pradrill/standby",
        ]
        lines = subprocess.run(
            command, capture_output=True, text=True, check=True
        ).stdout.splitlines()
        assert lines[1:] == [lines[0], f"{RUN} web-dr"]
    finally:
        assert hosts.stop(RUN) == []


def test_machines_that_greet_and_hang_hold_up_neither_ctrl_c_nor_the_deadline(
    tmp_path: Path,
) -> None:
    """All are asked at one time, within what is left, and no longer than somebody wants it."""
    names = ["web-dr", "db-dr"]
    hosts = ProvisionedHosts(names)
    hosts.sow(tmp_path, RUN)
    with ExitStack() as stack:
        servers = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in names]
        greeted: list[socket.socket] = []

        def greet(server: socket.socket) -> None:
            with suppress(OSError):
                while True:
                    connection, _ = server.accept()
                    connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
                    greeted.append(connection)

        for server in servers:
            threading.Thread(target=greet, args=(server,), daemon=True).start()
            stack.callback(server.shutdown, socket.SHUT_RDWR)
        hosts.settle(
            {
                name: MachineAddress(address="127.0.0.1", port=server.getsockname()[1])
                for name, server in zip(names, servers, strict=True)
            }
        )
        start = time.monotonic()
        assert hosts.silent(Bounds(1.0)) == names
        assert len(greeted) == 4
        assert hosts.silent(Bounds(600, lambda: len(greeted) >= 8)) == names
        assert time.monotonic() - start < 10


@pytest.mark.nightly
def test_where_machines_are_made_may_be_a_variable(cloud: Path, tmp_path: Path) -> None:
    """What the drill hands over counts in `hosts` as in a run; what nobody hands over does not."""
    assert list(cloud.iterdir()) == []
    make, drill = tmp_path / "playbooks/make.yml", tmp_path / "drills/shop.yml"
    make.write_text(make.read_text().replace("hosts: localhost", 'hosts: "{{ kvm }}"'))
    result = pradrill(tmp_path, "validate")
    assert (result.returncode, "kvm" in result.stderr) == (3, True)
    text = drill.read_text()
    drill.write_text(text.replace("make.yml,", "make.yml, vars: {kvm: localhost},"))
    result = pradrill(tmp_path, "validate")
    assert result.returncode == 0, result.stderr


@pytest.mark.nightly
def test_a_drill_on_a_machine_of_its_own(cloud: Path, tmp_path: Path) -> None:
    """Made with keys that were known before, restored on, verified, destroyed, listed no more."""
    result = pradrill(tmp_path, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    record = json.loads(pradrill(tmp_path, "show", "--json").stdout)
    assert record["verdict"] == "PASSED"
    assert record["recovery"]["provisioning"] > 0
    assert list(cloud.iterdir()) == []
    journal = "".join(path.read_text() for path in tmp_path.glob("state/runs/*/journal.jsonl"))
    assert "pradrill_addresses" in journal
    assert "PRIVATE KEY" not in journal


@pytest.mark.nightly
def test_gc_ends_machines_that_are_over_and_no_other(cloud: Path, tmp_path: Path) -> None:
    """Past its expiry or of a run that has ended: shown first, then destroyed by the playbook."""
    run_id = json.loads(pradrill(tmp_path, "run", "shop", "--json").stdout)["run_id"]
    machines = {
        "ours": (tag_of(run_id), "2999-01-01T00:00:00+00:00"),
        "past": ("pradrill-0123456789ab", "2020-01-01T00:00:00+00:00"),
        "theirs": ("pradrill-ba9876543210", "2999-01-01T00:00:00+00:00"),
    }
    for name, (tag, expires) in machines.items():
        (cloud / name).mkdir()
        (cloud / name / "tag").write_text(tag)
        (cloud / name / "expires").write_text(expires)

    listing = pradrill(tmp_path, "gc")
    assert f"machine ours of run {run_id}\n" in listing.stdout
    assert "machine past tagged pradrill-0123456789ab, over since 2020-01-01" in listing.stdout
    assert "theirs" not in listing.stdout
    assert len(list(cloud.iterdir())) == 3

    assert pradrill(tmp_path, "gc", "--yes").returncode == 0
    assert [each.name for each in cloud.iterdir()] == ["theirs"]


@pytest.mark.nightly
@pytest.mark.parametrize("moment", ["defined", "started", "restoring"])
def test_the_next_command_after_kill_9_destroys_the_machine(
    moment: str, cloud: Path, tmp_path: Path
) -> None:
    """Killed when it was defined, when it was started, and in the restore: none is left."""
    there = tmp_path / "reached"
    (tmp_path / "pause").write_text(moment)
    if moment == "restoring":
        task = {"ansible.builtin.raw": f"touch {there} && sleep 600"}
        play = {"hosts": "all", "gather_facts": False, "tasks": [task]}
        (tmp_path / "playbooks/restore.yml").write_text(json.dumps([play]))
    with beside(tmp_path, "run", "shop") as run:
        wait_until(there.exists, 600)
        run.send_signal(signal.SIGKILL)
        run.wait()
    assert len(list(cloud.iterdir())) == 1
    (tmp_path / "pause").unlink()

    result = pradrill(tmp_path, "runs")
    assert "was killed" in result.stderr
    assert list(cloud.iterdir()) == []
    record = json.loads(pradrill(tmp_path, "show", "--json").stdout)
    assert (record["state"], record["residue"]) == ("CRASHED", [])


SLOW = """\
- hosts: all
  gather_facts: false
  tasks:
    - name: put the data back, slowly
      ansible.builtin.raw: >-
        echo $$ >> /srv/begun; echo $$ >> {log};
        timeout 300 sh -c "until [ -e {go} ]; do sleep 0.1; done"
"""


@pytest.mark.nightly
def test_a_killed_run_goes_on_on_the_machine_that_was_made_for_it(
    cloud: Path, tmp_path: Path
) -> None:
    """By the keys that it was given, which stay when it could not go on; at the end it is gone."""
    log, go = tmp_path / "begun", tmp_path / "go"
    edit(
        tmp_path,
        "drills/shop.yml",
        "restore.yml, deadline: 2m}",
        "restore.yml, repeatable: true, deadline: 4m}",
    )
    (tmp_path / "playbooks/restore.yml").write_text(SLOW.format(log=log, go=go))
    with beside(tmp_path, "run", "shop") as run:
        wait_until(log.exists, 600)
        run.send_signal(signal.SIGKILL)
        run.wait()
    (run_id,) = (path.name for path in (tmp_path / "state/runs").glob("2*"))
    assert f"can go on: pradrill resume {run_id}" in pradrill(tmp_path, "runs").stderr
    (pid,) = log.read_text().split()
    assert goes_on(pid)
    assert run_id not in pradrill(tmp_path, "gc").stdout

    (machine,) = cloud.iterdir()
    machine.rename(tmp_path / "away")
    refusal = pradrill(tmp_path, "resume", run_id)
    assert refusal.returncode == 4, refusal.stderr
    assert "no machine carries the run's tag" in refusal.stderr
    (tmp_path / "away").rename(machine)

    go.touch()
    result = pradrill(tmp_path, "resume", run_id)
    assert result.returncode == 0, result.stdout + result.stderr
    assert not goes_on(pid), "it goes on beside another"
    assert len(log.read_text().split()) == 2
    assert list(cloud.iterdir()) == []
    record = json.loads(pradrill(tmp_path, "show", "--json").stdout)
    assert (record["verdict"], record["residue"]) == ("PASSED", [])
    assert [step["name"] for step in record["steps"]].count("provision the standby") == 1


@pytest.mark.nightly
@pytest.mark.parametrize("moment", ["defined", "started"])
def test_ctrl_c_while_a_machine_is_made_destroys_it(
    moment: str, cloud: Path, tmp_path: Path
) -> None:
    """It is stopped through its teardown, and nothing is left."""
    (tmp_path / "pause").write_text(moment)
    with beside(tmp_path, "run", "shop") as run:
        wait_until((tmp_path / "reached").exists, 300)
        run.send_signal(signal.SIGINT)
        assert run.wait(300) == ExitCode.INTERRUPTED
    assert list(cloud.iterdir()) == []


def wait_until(there: Callable[[], bool], seconds: float) -> None:
    """Return once something is so."""
    end = time.monotonic() + seconds
    while not there():
        assert time.monotonic() < end, "it did not come to that"
        time.sleep(0.1)
