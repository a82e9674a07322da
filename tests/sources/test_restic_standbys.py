"""Whole drills that restore from a server of HTTP onto a standby that reaches nothing else."""

from __future__ import annotations

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from secrets import token_urlsafe
from threading import Event, Thread
from typing import NamedTuple
from urllib.parse import quote

import pytest
from tests.integration.hosts.daemon_hosts import REPOSITORY, daemon_host, give_own_files
from tests.integration.hosts.machines import propagation
from tests.integration.hosts.sshd import descendants
from tests.integration.hosts.two_hosts import NamespaceHost, free_number
from tests.integration.house import build, pradrill, write
from tests.sources.conftest import run
from tests.sources.restic_servers import LOGIN, Keys, moto, rclone, with_login

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="hosts in namespaces take root")

PASSWORD, REST_PASSWORD = (f"{token_urlsafe(9)} é/@:'" for _ in range(2))
"""Of no other test: they are looked for in all that runs on this machine."""

FILES = REPOSITORY / "playbooks/files/manifest-files"
PRIMARY = """
exec 9< "$2"; mount --bind "$1" /srv; mkdir -p /srv/files/pradrill-heartbeat /srv/manifest
head -c 300000 /dev/urandom > /srv/files/letter; chmod 640 /srv/files/letter; chown 7:8 /srv/files
date -u +%FT%TZ > /srv/files/pradrill-heartbeat/heartbeat
python3 /dev/fd/9 write /srv/files > /srv/manifest/manifest.jsonl
restic --no-cache init -q; restic --no-cache backup -q --host files1 /srv/files /srv/manifest
"""
DRILL = """\
drill: shop
services: [shop]
scenario: {{name: loss of the file server}}
standby:
  inventory: ../inventory.yml
  hosts: standby
  known_hosts: ../known_hosts
  egress: {{allow: ["{server}"]}}
  absent_after_teardown: [/var/lib/pradrill-restore, /srv/files, /srv/manifest]
recovery_point:
  restic: {{repository: "{place}", password: env:P, environment: {names}, append_only: true}}
restore:
  - playbook: ../playbooks/restore_files.yml
    deadline: 2m
    vars:
      files_folders: [/srv/files]
      files_manifest: /srv/manifest/manifest.jsonl
      restic_repository: "{place}"
      restic_environment: {templates}
    secrets: {{restic_password: env:P, {secrets}}}
verify:
  checks: checks/shop
  deadline: 1m
  stable_for: 100ms
  newest_data: {{command: cat /srv/files/pradrill-heartbeat/heartbeat}}
  must_not_reach: ["[100::1]:9"]
teardown:
  - playbook: ../playbooks/teardown_files.yml
    vars: {{files_folders: [/srv/files], files_manifest: /srv/manifest/manifest.jsonl}}
unattended: true
"""


class Server(NamedTuple):
    """A server of backups: where it is, the keeper's login, and the backup job's."""

    place: str
    keeper: dict[str, str]
    job: tuple[str, dict[str, str]]


@contextmanager
def served(kind: str, folder: Path, address: str) -> Iterator[Server]:
    """Serve a repository by one of the two protocols."""
    if kind == "rest":
        (folder / "served").mkdir()
        options = {"address": address, "password": REST_PASSWORD}
        with rclone(folder, "--append-only", **options) as place:
            login = {**LOGIN, "RESTIC_REST_PASSWORD": REST_PASSWORD}
            yield Server(place, login, (with_login(place, REST_PASSWORD), {}))
        return
    keys: Keys
    with moto(folder, address) as (place, keys):
        yield Server(place, keys["keeper"], (place, keys["all"]))


@pytest.fixture
def standby() -> Iterator[NamespaceHost]:
    """Return a marked standby with a /var/lib of its own."""
    with ExitStack() as undo:
        # Not below /tmp: it has another one.
        name = undo.enter_context(tempfile.TemporaryDirectory(prefix="pd-rest-", dir="/var/tmp"))
        Path(name).chmod(0o755)
        home = Path(name) / "files-dr"
        (home / "srv").mkdir(parents=True)
        give_own_files(home, empty=["var/lib/dpkg"])
        host = daemon_host(undo, home, free_number(), 1)
        host.marker.write_text(f"{host.machine_id}\n")
        yield host


def house_of(folder: Path, standby: NamespaceHost, server: Server) -> Path:
    """Write the drill, with the shipped playbooks and checks."""
    build(folder)
    shutil.rmtree(folder / "playbooks")
    shutil.copytree(REPOSITORY / "playbooks", folder / "playbooks")
    checks = (REPOSITORY / "drills/checks/files/test_files.py").read_text("utf-8")
    assert '"/var/backups/files/' in checks
    write(
        folder,
        "drills/checks/shop/test_shop.py",
        checks.replace("/var/backups/files", "/srv/manifest"),
    )
    names = {name: f"value_{number}" for number, name in enumerate(server.keeper)}
    write(folder, "drills/shop.yml", DRILL.format(
        server=server.place.split("/")[2],
        place=server.place,
        names=json.dumps({name: f"env:{value.upper()}" for name, value in names.items()}),
        templates=json.dumps({name: f"{{{{ {value} }}}}" for name, value in names.items()}),
        secrets=", ".join(f"{value}: env:{value.upper()}" for value in names.values()),
    ))  # fmt: skip
    standby.server.serve(folder, "files-dr")
    return folder


def spellings(secret: str) -> set[bytes]:
    """Return how a secret would stand in a log, an address, or an encoded line."""
    plain = {secret, quote(secret, safe=""), json.dumps(secret)[1:-1]}
    return {each.encode() for each in plain} | {base64.b64encode(secret.encode())}


def holding(folders: list[Path], secrets: set[bytes]) -> list[str]:
    """Return the files below folders that hold a secret."""
    return [
        str(path)
        for folder in folders
        for path in folder.rglob("*")
        if path.is_file() and not path.is_symlink()
        if any(each in path.read_bytes() for each in secrets)
    ]


@contextmanager
def command_lines() -> Iterator[set[bytes]]:
    """Gather what every process of this machine, the standby's among them, is called with."""
    lines: set[bytes] = set()
    over = Event()

    def look() -> None:
        while not over.wait(0.1):
            for process in Path("/proc").glob("[0-9]*/cmdline"):
                with suppress(OSError):  # it has ended
                    lines.add(process.read_bytes())

    thread = Thread(target=look)
    thread.start()
    try:
        yield lines
    finally:
        over.set()
        thread.join()


def lies_on(standby: NamespaceHost) -> dict[str, set[str]]:
    """Return what lies in each place of the standby's that lasts, or that a restore may use."""
    process = standby.server._process
    assert process is not None
    root = Path(f"/proc/{descendants(process.pid)[0]}/root")
    return {
        name: {str(path.relative_to(root)) for path in (root / name).rglob("*")}
        for name in ("srv", "var/lib", "tmp", "run")
    }


@pytest.mark.parametrize("kind", ["rest", pytest.param("s3", marks=pytest.mark.nightly)])
def test_a_standby_that_reaches_its_backup_server_alone_is_restored(
    standby: NamespaceHost, tmp_path: Path, kind: str
) -> None:
    """PASSED with its way out denied but there; no secret is left, shown or on a command line."""
    controller = standby.server.address.rpartition(".")[0] + ".1"
    (tmp_path / "server").mkdir()
    (tmp_path / "primary").mkdir()
    before = lies_on(standby)
    with served(kind, tmp_path / "server", controller) as server:
        place, login = server.job
        run(["unshare", "--mount", *propagation(), "sh", "-ec", PRIMARY, "sh",
             str(tmp_path / "primary"), str(FILES)],
            env={**login, "RESTIC_REPOSITORY": place, "RESTIC_PASSWORD": PASSWORD})  # fmt: skip
        house = house_of(tmp_path / "house", standby, server)
        its = {f"VALUE_{number}": value for number, value in enumerate(server.keeper.values())}
        with command_lines() as lines:
            result = pradrill(
                house, "run", "shop", environment={**os.environ, **its, "P": PASSWORD}
            )
    output = result.stdout + result.stderr
    assert result.returncode == 0, output
    (path,) = house.glob("state/runs/*/record.json")
    record = json.loads(path.read_text())
    assert record["verdict"] == "PASSED"
    assert not record["residue"]
    assert record["egress"]["files-dr"]["removed"]
    attempts = record["egress"]["files-dr"]["attempts"]
    assert {each["let_through"] for each in attempts} <= {True}, attempts
    assert '"append_only": true' in path.read_text()

    report = pradrill(house, "report", "--format", "html", "--output", str(house / "state/r.html"))
    assert report.returncode == 0, report.stderr
    assert "nothing goes for good: it was tried" in (house / "state/r.html").read_text()
    values = [PASSWORD, *(its[name] for name in its if its[name] != "keeper")]
    secrets = {each for value in values for each in spellings(value)}
    assert not [each for each in secrets if each in output.encode()]
    assert not [line for line in lines if any(each in line for each in secrets)]
    assert any(b"restore" in line and b"restic" in line for line in lines)
    assert holding([house, standby.home], secrets) == []
    assert lies_on(standby) == before
