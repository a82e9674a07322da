"""Nothing goes out from a standby whose way out is denied, and what tried is told by name."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from tests.integration.hosts.two_hosts import TwoHosts
from tests.integration.house import edit, pradrill, write
from tests.integration.test_leases import last_record

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
_RESTORE = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back
      ansible.builtin.raw: mkdir -p /srv/restored && echo data > /srv/restored/data
    - name: start the service
      ansible.builtin.raw: {command}
"""
AS_SERVICE = "setpriv --reuid=nobody --clear-groups python3 /srv/service.py"


def nft(hosts: TwoHosts) -> str:
    """Return every table of the standby."""
    return hosts.standby.run("nft", "-s", "list", "ruleset").stdout


def denied(hosts: TwoHosts, folder: Path, *, allow: str = "denied", command: str = "true") -> Path:
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
    """By name, port, user and count; the allowed goes through; the standby's own tables stay."""
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
            'needs: [{to: "203.0.113.9:389", why: people sign in}]\n    drill_every: 3 months',
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
    assert not any("389" in key or controller in key for key in keys)
    for language, sentence in (
        ("en", "5 are in neither plan nor drill"),
        ("fr", "5 ne figurent ni dans le plan ni dans le test"),
    ):
        report = tmp_path / f"{language}.html"
        pradrill(house, "report", "--format", "html", "--lang", language, "--output", str(report))
        page = report.read_text(encoding="utf-8")
        assert sentence in page
        assert "smtp.exemple.test:25" in page


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
