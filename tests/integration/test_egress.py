"""Nothing goes out from a standby whose way out is denied, and what tried is told by name."""

from __future__ import annotations

import json
import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.integration.hosts.two_hosts import TEARDOWN, TwoHosts
from tests.integration.house import edit, pradrill, write
from tests.integration.test_leases import last_record, slow_run, until
from tests.integration.test_residue_inventory import inside

from pradrill.testing.reasons import texts

_TRIES = """\
import socket
def tries(host, port, kind=socket.SOCK_STREAM, family=socket.AF_INET):
    try:
        with socket.socket(family, kind) as one:
            one.settimeout(5)
            one.connect((host, port))
            one.send(b"hello")
    except OSError:
        pass
for _ in range(2):
    tries("203.0.113.7", 5432)
tries("203.0.113.9", 389)
tries("203.0.113.8", 514, socket.SOCK_DGRAM)
tries("2001:db8::7", 443, family=socket.AF_INET6)
tries("smtp.exemple.test", 25)
tries("{controller}", {port})
tries("{production}", {production_port})
"""
_PLAN = """\
needs: [{to: "203.0.113.9:389", why: people sign in}]
    flows:
      - {from: shop, to: 203.0.113.8, port: 514/udp, why: logs}
      - {from: shop, to: api.exemple.test, port: 443, why: payments}
    accesses: [{who: pradrill, to: web-dr, by: SSH and a key, withdrawn: nothing is left of it}]
    drill_every: 3 months"""
_RESTORE = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back
      ansible.builtin.raw: mkdir -p /srv/restored && echo data > /srv/restored/data
    - name: start the service
      ansible.builtin.raw: {command}
"""
_FLOWS_AND_ACCESSES = {
    "en": ("never tried", "nothing is left of it"),
    "fr": ("jamais tenté", "nothing is left of it"),
}
AS_SERVICE = "setpriv --reuid=nobody --clear-groups python3 /srv/service.py"


def nft(hosts: TwoHosts) -> str:
    """Return every table of the standby."""
    return hosts.standby.run("nft", "-s", "list", "ruleset").stdout


def denied(
    hosts: TwoHosts, folder: Path, *, allow: str = "denied", command: str = "/bin/true"
) -> Path:
    """Write a house whose standby's way out is denied, and whose restore runs a command."""
    house = hosts.house(folder)
    edit(house, "drills/shop.yml", "hosts: standby,", f"hosts: standby, egress: {allow},")
    write(house, "playbooks/restore.yml", _RESTORE.format(command=command))
    return house


@contextmanager
def backup_server(address: str) -> Iterator[tuple[int, list[bytes]]]:
    """Listen on this machine as a backup server does; give its port and what reached it."""
    received: list[bytes] = []
    with closing(socket.create_server((address, 0))) as server:

        def serve() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    received.append(connection.recv(100))

        Thread(target=serve, daemon=True).start()
        yield server.getsockname()[1], received
        server.shutdown(socket.SHUT_RDWR)


@pytest.fixture
def clean(hosts: TwoHosts) -> Iterator[TwoHosts]:
    """Give the hosts with a packet filter of the standby's own, and put it back."""
    hosts.standby.run("nft", "add table inet own; add chain inet own in; add rule inet own in drop")
    yield hosts
    hosts.standby.run("nft", "flush", "ruleset")


def where(record: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return what was tried on the standby, by destination."""
    return {
        f"{each['name'] or each['address']} {each['port']}": each
        for each in record["egress"]["web-dr"]["attempts"]
    }


def severities(house: Path) -> dict[str, str]:
    """Return the findings' severities, by key."""
    lines = pradrill(house, "findings", "--json").stdout.splitlines()
    return {each["key"]: each["severity"] for each in map(json.loads, lines)}


def test_what_a_service_tries_to_reach_is_refused_and_told(clean: TwoHosts, tmp_path: Path) -> None:
    """By name, port, user and count; beside the plan's flows, and what proves an access gone."""
    controller = clean.standby.server.address.rpartition(".")[0] + ".1"
    before = nft(clean)
    clean.open_way()  # a wrong route: the table stands before it
    with backup_server(controller) as (port, received):
        house = denied(
            clean,
            tmp_path / "house",
            allow=f'{{allow: ["{controller}:{port}"]}}',
            command=AS_SERVICE,
        )
        (clean.standby.srv / "service.py").write_text(
            _TRIES.format(
                controller=controller,
                port=port,
                production=clean.way,
                production_port=clean.production.server.port,
            )
        )
        edit(
            house,
            "drills/plan.yml",
            "drill_every: 3 months",
            _PLAN,
        )
        result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    assert received == [b"hello"]
    assert nft(clean) == before
    assert "pd" not in clean.standby.run("ip", "-o", "link", "show", "type", "dummy").stdout

    record = last_record(house)
    tried = where(record)
    assert {name: each["count"] for name, each in tried.items()} == {
        "203.0.113.7 5432": 2,
        "203.0.113.9 389": 1,
        "203.0.113.8 514": 1,
        "2001:db8::7 443": 1,
        "smtp.exemple.test 25": 1,
        f"{controller} {port}": 1,
        f"{clean.way} {clean.production.server.port}": 1,
    }
    assert tried["203.0.113.7 5432"]["user"] == "nobody"
    assert tried["smtp.exemple.test 25"]["process"] == "python3"
    assert tried["203.0.113.8 514"]["protocol"] == "udp"
    assert [name for name, each in tried.items() if each["let_through"]] == [f"{controller} {port}"]
    egress = record["egress"]["web-dr"]
    assert egress["removed"]
    assert egress["routes"]
    assert f"{controller}" in egress["listing"]
    assert [each["name"] for each in egress["names"]] == ["smtp.exemple.test"]
    assert not record["residue"]

    keys = set(severities(house))
    assert "egress/shop/203.0.113.7:5432/tcp" in keys
    assert "egress/shop/smtp.exemple.test:25/tcp" in keys
    assert "egress/shop/[2001:db8::7]:443/tcp" in keys
    assert not any("389" in key or "514" in key or controller in key for key in keys)
    for language, sentence in (
        ("en", "4 are in neither plan nor drill"),
        ("fr", "4 ne figurent ni dans le plan ni dans le test"),
    ):
        report = tmp_path / f"{language}.html"
        pradrill(house, "report", "--format", "html", "--lang", language, "--output", str(report))
        page = report.read_text(encoding="utf-8")
        assert sentence in page
        assert "smtp.exemple.test:25" in page
        for words in _FLOWS_AND_ACCESSES[language]:
            assert words in page


def test_a_restore_that_opens_the_way_out_fails(clean: TwoHosts, tmp_path: Path) -> None:
    """As one that flushes the packet filter: FAILED, with a critical finding."""
    house = denied(clean, tmp_path / "house", command="nft flush ruleset")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 10, result.stdout + result.stderr
    record = last_record(house)
    assert any("is gone: what goes out is not refused" in each for each in texts(record["reasons"]))
    assert severities(house)["guard/shop/egress"] == "critical"
    assert "pradrill" not in nft(clean)
    assert all("firewall inet own" in each for each in texts(record["residue"]))


@pytest.mark.nightly
@pytest.mark.parametrize("chain", ["out", "out_again", "leave", "refuse"])
def test_an_emptied_chain_opens_nothing_and_shuts_nobody_out(
    clean: TwoHosts, tmp_path: Path, chain: str
) -> None:
    """The run is told at once that the table is not what it was, and production stays away."""
    clean.open_way()
    table = "$(nft list tables | grep -o pradrill_.*)"
    production = f"{clean.way}/{clean.production.server.port}"
    command = (
        f"nft flush chain inet {table} {chain}; "
        f"timeout 3 bash -c ': > /dev/tcp/{production}' && touch /srv/reached; true"
    )
    house = denied(clean, tmp_path / "house", command=json.dumps(f"bash -c {shlex.quote(command)}"))
    result = pradrill(house, "run", "shop")
    assert result.returncode == 10, result.stdout + result.stderr  # shut out, it would be 12
    assert any("is not as it was loaded" in each for each in texts(last_record(house)["reasons"]))
    assert "reached" not in clean.standby.touched()
    assert "pradrill" not in nft(clean)


@contextmanager
def without_nft(hosts: TwoHosts) -> Iterator[None]:
    """Take nft from the standby, as where it was never installed."""
    inside(hosts, "mount --bind /dev/null /usr/sbin/nft")
    try:
        yield
    finally:
        inside(hosts, "umount /usr/sbin/nft")


@pytest.mark.nightly
def test_a_standby_without_nft_is_not_ready(clean: TwoHosts, tmp_path: Path) -> None:
    """It is refused before anything is restored, and it is said what to install; so for doctor."""
    house = denied(clean, tmp_path / "house")
    with without_nft(clean):
        result = pradrill(house, "run", "shop")
        assert result.returncode == 4, result.stdout + result.stderr
        output = " ".join((result.stdout + result.stderr).split())
        assert "nft is not installed there. HINT: Install it there: apt-get install" in output
        looked_at = pradrill(house, "doctor", "shop")
        assert looked_at.returncode == 4, looked_at.stdout
        assert "nft is not installed there" in " ".join(looked_at.stdout.split())
    assert clean.standby.touched() == []
    assert pradrill(house, "doctor", "shop").returncode == 0


@pytest.mark.nightly
def test_an_allowed_name_that_leads_nowhere_is_not_ready(clean: TwoHosts, tmp_path: Path) -> None:
    """Nothing of the run is left on the standby then, either."""
    before = nft(clean)
    house = denied(clean, tmp_path / "house", allow='{allow: ["backup.invalid:22"]}')
    result = pradrill(house, "run", "shop")
    assert result.returncode == 4, result.stdout + result.stderr
    assert "no address is known there of backup.invalid" in " ".join(result.stdout.split())
    assert nft(clean) == before
    assert last_record(house)["residue"] == []


@pytest.mark.nightly
def test_a_killed_run_leaves_no_table(clean: TwoHosts, tmp_path: Path) -> None:
    """The next command removes it, with what was counted until then in the record."""
    before = nft(clean)
    house = denied(clean, tmp_path / "house")
    with slow_run(clean, house, tmp_path / "tmp") as process:
        assert "table inet pradrill_" in nft(clean)
        service = ("setpriv", "--reuid=nobody", "--clear-groups")
        tries = ("timeout", "5", "bash", "-c", "echo > /dev/tcp/203.0.113.7/5432")
        clean.standby.run(*service, *tries)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert "table inet pradrill_" in nft(clean)
    inside_net = ("nsenter", f"--net=/proc/{clean.standby.network}/ns/net")
    with subprocess.Popen([*inside_net, *service, "sleep", "300"]) as running:
        result = pradrill(house, "runs")
        running.kill()
    assert "was killed; its standby was torn down" in result.stderr, result.stderr
    (clean.standby.srv / "go").touch()
    assert nft(clean) == before
    record = last_record(house)
    attempt = where(record)["203.0.113.7 5432"]
    assert attempt["count"] == 1
    assert (attempt["user"], attempt["process"], attempt["programs"]) == ("nobody", None, ["sleep"])
    assert record["egress"]["web-dr"]["removed"]


@pytest.mark.nightly
def test_a_table_that_cannot_be_removed_is_residue_until_it_is(
    clean: TwoHosts, tmp_path: Path
) -> None:
    """Exit 13 says so, gc shows it, and the teardown that is repeated removes it."""
    before = nft(clean)
    house = denied(clean, tmp_path / "house")
    edit(
        house,
        "playbooks/teardown.yml",
        "rm -rf /srv/restored",
        "mount --bind /dev/null /usr/sbin/nft && rm -rf /srv/restored",
    )
    try:
        result = pradrill(house, "run", "shop")
    finally:
        inside(clean, "umount /usr/sbin/nft")
    assert result.returncode == 13, result.stdout + result.stderr
    record = last_record(house)
    assert any(
        "what denied the way out is still there" in each for each in texts(record["residue"])
    )
    assert not record["egress"]["web-dr"]["removed"]
    table = record["egress"]["web-dr"]["table"]
    run_id = record["run_id"]
    assert f"web-dr: table inet {table} of run {run_id}" in pradrill(house, "gc").stdout
    write(house, "playbooks/teardown.yml", TEARDOWN)
    again = pradrill(house, "gc", "--yes")
    assert again.returncode == 0, again.stdout + again.stderr
    assert nft(clean) == before


@pytest.mark.nightly
def test_thousands_of_destinations_are_bounded_and_said_to_be(
    clean: TwoHosts, tmp_path: Path
) -> None:
    """What there is no room for is refused all the same, counted, and a limit of the report."""
    scan = (
        "python3 -c 'import socket\n"
        "for n in range(10_000):\n"
        "    s = socket.socket(); s.settimeout(1)\n"
        '    s.connect_ex((f"203.0.{n // 250}.{n % 250 + 1}", 80)); s.close()\''
    )
    house = denied(clean, tmp_path / "house")
    play = [
        {
            "hosts": "standby",
            "gather_facts": False,
            "tasks": [{"ansible.builtin.raw": f"mkdir -p /srv/restored; {scan}"}],
        }
    ]
    (house / "playbooks/restore.yml").write_text(json.dumps(play))
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    record = last_record(house)
    egress = record["egress"]["web-dr"]
    assert 256 <= len(egress["attempts"]) <= 512
    assert sum(each["count"] for each in egress["attempts"]) + egress["unkept"] == 10_000
    assert any("more was tried than there is room for" in each for each in texts(record["limits"]))
    assert len(severities(house)) == 21


@pytest.mark.nightly
def test_a_table_that_is_changed_or_a_resolver_that_is_ended_is_seen(
    clean: TwoHosts, tmp_path: Path
) -> None:
    """A rule before the others is as good as no table; names that are not known are a limit."""
    table = "$(nft list tables | grep -o pradrill_.*)"
    command = f"nft insert rule inet {table} out accept; pkill pradrill-names"
    house = denied(clean, tmp_path / "house", command=command)
    result = pradrill(house, "run", "shop")
    assert result.returncode == 10, result.stdout + result.stderr
    record = last_record(house)
    assert any("is not as it was loaded" in each for each in texts(record["reasons"]))
    assert any("what writes names down had ended" in each for each in texts(record["limits"]))
    assert "pradrill" not in nft(clean)


@pytest.mark.nightly
def test_a_killed_run_goes_on_behind_its_table(clean: TwoHosts, tmp_path: Path) -> None:
    """It is proven again that nothing goes out; with the table gone the run does not go on."""
    house = denied(clean, tmp_path / "house")
    edit(house, "drills/shop.yml", "deadline: 2m}]", "deadline: 2m, repeatable: true}]")
    with slow_run(clean, house, tmp_path / "tmp") as process:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    (run_id,) = (each.name for each in (house / "state/runs").glob("2*"))
    (clean.standby.srv / "go").touch()
    rules = nft(clean)
    clean.standby.run("nft", "flush", "ruleset")
    refused = pradrill(house, "resume", run_id)
    assert refused.returncode == 4, refused.stdout + refused.stderr
    assert "is gone: what goes out is not refused" in " ".join(refused.stderr.split())
    (tmp_path / "rules.nft").write_text(rules)
    clean.standby.run("nft", "-f", str(tmp_path / "rules.nft"))
    result = pradrill(house, "resume", run_id)
    assert result.returncode == 0, result.stdout + result.stderr
    assert "pradrill" not in nft(clean)


_FIREWALLD = """\
table inet firewalld {
    chain mangle_PREROUTING { type filter hook prerouting priority -140; policy accept; }
    chain filter_INPUT {
        type filter hook input priority 10; policy accept;
        ct state { established, related } accept
        iifname "lo" accept
    }
    chain filter_FORWARD {
        type filter hook forward priority 10; policy accept;
        ct state { established, related } accept
        ct status dnat accept
    }
    chain filter_OUTPUT {
        type filter hook output priority 10; policy accept;
        ct state { established, related } accept
        oifname "lo" accept
    }
}
"""
_DOCKER = """\
table ip nat {
    chain DOCKER {
        iifname "docker0" return
        iifname != "docker0" tcp dport 8080 dnat to 172.17.0.2:80
    }
    chain PREROUTING {
        type nat hook prerouting priority -100; policy accept;
        fib daddr type local jump DOCKER
    }
    chain OUTPUT {
        type nat hook output priority -100; policy accept;
        ip daddr != 127.0.0.0/8 fib daddr type local jump DOCKER
    }
    chain POSTROUTING {
        type nat hook postrouting priority 100; policy accept;
        oifname != "docker0" ip saddr 172.17.0.0/16 masquerade
    }
}
table ip filter {
    chain DOCKER { iifname != "docker0" oifname "docker0" ip daddr 172.17.0.2 tcp dport 80 accept; }
    chain FORWARD {
        type filter hook forward priority 0; policy drop;
        oifname "docker0" ct state related,established accept
        oifname "docker0" jump DOCKER
        iifname "docker0" oifname != "docker0" accept
        iifname "docker0" oifname "docker0" accept
    }
}
"""
"""As firewalld 1.3 and Docker 20.10 (by iptables-nft) write them, without what is empty."""


def load(hosts: TwoHosts, folder: Path, *, first: str = "") -> None:
    """Load what firewalld and Docker load when they are started."""
    (folder / "others.nft").write_text(first + _FIREWALLD + _DOCKER)
    result = hosts.standby.run("nft", "-f", str(folder / "others.nft"))
    assert result.returncode == 0, result.stderr


@contextmanager
def container(hosts: TwoHosts) -> Iterator[tuple[str, ...]]:
    """Give what runs a command in a network behind docker0, as Docker makes one."""
    with subprocess.Popen(["unshare", "--net", "sleep", "600"]) as holder:
        inside = ("nsenter", f"--net=/proc/{holder.pid}/ns/net")
        theirs, ours = Path(f"/proc/{holder.pid}/ns/net"), Path("/proc/self/ns/net")
        until(lambda: theirs.readlink() != ours.readlink(), "it has no network of its own")
        here = [
            "ip link add docker0 type bridge",
            "ip address add 172.17.0.1/16 dev docker0",
            "ip link set docker0 up",
            f"ip link add pdveth type veth peer name eth0 netns {holder.pid}",
            "ip link set pdveth master docker0 up",
            "sysctl -qw net.ipv4.ip_forward=1",
        ]
        there = [
            "ip address add 172.17.0.2/16 dev eth0",
            "ip link set eth0 up",
            "ip route add default via 172.17.0.1",
        ]
        try:
            for line in here:
                hosts.standby.run(*line.split())
            for line in there:
                subprocess.run([*inside, *line.split()], check=True)
            yield inside
        finally:
            hosts.standby.run("ip", "link", "delete", "docker0")
            holder.kill()


@pytest.mark.nightly
def test_firewalld_and_docker_stay_beside_the_table(clean: TwoHosts, tmp_path: Path) -> None:
    """A container's way out is denied too, a published port is served, and a reload is no loss."""
    load(clean, tmp_path)
    again = "delete table inet firewalld\ndelete table ip nat\ndelete table ip filter\n"
    serve = "import socket; s = socket.create_server(('0.0.0.0', 80)); s.accept()[0].send(b'page')"
    house = denied(clean, tmp_path / "house")
    with container(clean) as inside:
        before = nft(clean)
        with (
            subprocess.Popen([*inside, "python3", "-c", serve]) as server,
            slow_run(clean, house, tmp_path / "tmp") as process,
        ):
            load(clean, tmp_path, first=again)  # as both do when they are started again
            address = (clean.standby.server.address, 8080)
            with socket.create_connection(address, timeout=10) as client:
                assert client.recv(4) == b"page"
            tries = ["timeout", "5", "bash", "-c", "echo > /dev/tcp/203.0.113.7/5432"]
            assert subprocess.run([*inside, *tries], check=False).returncode == 1  # refused at once
            (clean.standby.srv / "go").touch()
            assert process.wait(120) == 0
            server.wait(10)
        assert nft(clean) == before
    attempt = where(last_record(house))["203.0.113.7 5432"]
    assert attempt["count"] >= 1
    assert (attempt["user"], attempt["let_through"]) == (None, False)
