"""Dumps behind SFTP as they are in the field: what OpenSSH takes is taken, and nothing else."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.sshd import Sshd

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.inventory import InventoryHosts
from pradrill.app.backups import source_of
from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.domain.run.backup_catalogue import RecoveryPoint
from pradrill.domain.run.backup_integrity import IntegrityPart, Soundness
from pradrill.domain.run.host import Inventory
from pradrill.ports import Bounds, RecoveryPointSource

BOUNDS = Bounds(60.0)
DUMP = "moodle-20260310-010000.sql"


def source(folder: Path, sshd: Sshd, known_hosts: Path, host: str = "") -> RecoveryPointSource:
    """Return a folder of dumps behind an sshd, as a drill declares it."""
    place = host or f"{sshd.address}:{sshd.port}"
    dumps = {
        "folder": f"sftp://{place}{folder}",
        "names": "moodle-%Y%m%d-%H%M%S.sql",
        "timezone": "UTC",
        "quiet": "0s",
        "ssh": {"known_hosts": str(known_hosts), "private_key": str(sshd.key)},
    }
    spec = RecoveryPointSpec.model_validate({"dumps": dumps}, context={"folder": folder})
    return source_of(spec, SteadyClock(), lambda name: name)


def read(dumps: RecoveryPointSource) -> tuple[RecoveryPoint, ...]:
    """Return the points, having read each to its end."""
    points = dumps.catalogue(BOUNDS).points
    for point in points:
        assert dumps.check(point, IntegrityPart(1, 1), BOUNDS).soundness is not Soundness.DAMAGED
    return points


def test_a_certificate_of_a_pinned_authority_opens_dumps_and_is_named_for_a_standby(
    another_sshd: Any, tmp_path: Path
) -> None:
    """For dumps it is enough; a standby's own key has to be pinned, and is asked for."""
    certificate = tmp_path / "host-cert.pub"
    server = another_sshd(f"HostCertificate {certificate}", name="backup")
    run = ["ssh-keygen", "-q"]
    subprocess.run([*run, "-t", "ed25519", "-N", "", "-f", tmp_path / "ca"], check=True)
    public = tmp_path / "host.pub"
    public.write_text(f"{server.host_key}\n")
    subprocess.run(
        [*run, "-s", tmp_path / "ca", "-I", "backup", "-h", "-n", "127.0.0.1", public], check=True
    )
    server.restart()
    pins = tmp_path / "pins"
    pins.write_text(f"@cert-authority 127.0.0.* {(tmp_path / 'ca.pub').read_text()}")
    (tmp_path / DUMP).write_text("CREATE TABLE t (n int);\n")
    assert [point.id for point in read(source(tmp_path, server, pins))] == [DUMP]
    (problem,) = InventoryHosts([server.host], Inventory(content={}), pins).problems()
    assert "only a certificate authority: add the host's own key" in problem.what


def test_an_alias_and_a_jump_host_of_ssh_lead_to_dumps(
    sshd: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the user's ssh configuration says of a host counts for dumps as it does for restic."""
    wrapper = tmp_path / "bin/ssh"
    wrapper.parent.mkdir()
    config, pins = tmp_path / "config", tmp_path / "pins"
    login = f"HostName 127.0.0.1\n Port {sshd.port}\n IdentityFile {sshd.key}\n HostKeyAlias it\n"
    config.write_text(
        f"Host store\n {login} ProxyJump jump\nHost jump\n {login} UserKnownHostsFile {pins}\n"
    )
    wrapper.write_text(f'#!/bin/sh\nexec /usr/bin/ssh -F {config} "$@"\n')
    wrapper.chmod(0o755)
    monkeypatch.setenv("PATH", f"{wrapper.parent}:{os.environ['PATH']}")
    pins.write_text(f"it {sshd.host_key}\n")
    (tmp_path / DUMP).write_text("CREATE TABLE t (n int);\n")
    assert [point.id for point in read(source(tmp_path, sshd, pins, "store"))] == [DUMP]


def test_a_name_that_is_no_utf_8_and_a_link_to_nowhere_are_neighbours_like_others(
    sshd: Sshd, tmp_path: Path
) -> None:
    """Latin-1 names lie beside dumps, and in folders of them, for twenty years already."""
    (tmp_path / DUMP).write_text("CREATE TABLE t (n int);\n")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/sauvegard\xe9e.sql")).write_text("x")
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/r\xe9seau")).symlink_to("nowhere")
    folder = tmp_path / "moodle-20260311-010000.sql"
    folder.mkdir()
    Path(os.fsdecode(os.fsencode(folder) + b"/\xe9t\xe9.sql")).write_text("-- x\n")
    Path(os.fsdecode(os.fsencode(folder) + b"/vide\xe9.sql.gz")).write_bytes(b"\x1f\x8bx")
    dumps = source(tmp_path, sshd, sshd.known_hosts)
    points = dumps.catalogue(BOUNDS).points
    assert [point.id for point in points] == [DUMP, folder.name]
    checked = dumps.check(points[1], IntegrityPart(1, 1), BOUNDS)
    assert (checked.soundness, checked.detail[:12]) == (Soundness.DAMAGED, "vide?.sql.gz")


def test_an_address_of_ipv6_is_an_address(another_sshd: Any, tmp_path: Path) -> None:
    """sftp://[::1]:port/ is valid, so it is read."""
    server = another_sshd("ListenAddress ::1", name="backup")
    pins = tmp_path / "pins"
    pins.write_text(f"[::1]:{server.port} {server.host_key}\n")
    (tmp_path / DUMP).write_text("CREATE TABLE t (n int);\n")
    dumps = source(tmp_path, server, pins, f"[::1]:{server.port}")
    assert [point.id for point in read(dumps)] == [DUMP]
