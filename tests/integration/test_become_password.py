"""Where sudo asks for a password, the drill's secret reaches all that becomes another user."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from tests.integration.hosts.sudo_host import LOGIN, PASSWORD, RESTORE, SudoHost, sudo_host
from tests.integration.house import edit, pradrill, write

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.ssh.probe import SshProbe
from pradrill.errors import NotReadyError

_PARTS = [PASSWORD.encode(), "Gué {{".encode()]


@pytest.fixture(scope="module")
def sudo_machine() -> Iterator[SudoHost]:
    """Make the host for this file's tests."""
    with sudo_host() as host:
        yield host


@pytest.fixture
def ops(sudo_machine: SudoHost) -> SudoHost:
    """Return the host as it was made."""
    sudo_machine.set_password(PASSWORD)
    sudo_machine.host.empty()
    return sudo_machine


_RULES = {
    "a terminal": (
        f"Defaults requiretty\n{LOGIN} ALL=(ALL:ALL) NOPASSWD: ALL", "must have a tty", "requiretty"
    ),
    "a password": (f"{LOGIN} ALL=(ALL:ALL) ALL", "a password is required", "become_password"),
    "another path": (
        f"Defaults secure_path=/opt/none\n{LOGIN} ALL=(ALL:ALL) NOPASSWD: ALL",
        "command not found", "by hand",
    ),
    "a password, in French": (
        f"{LOGIN} ALL=(ALL:ALL) ALL", "a password is required", "become_password",
    ),
    "a lecture": (f"Defaults lecture=always\n{LOGIN} ALL=(ALL:ALL) NOPASSWD: ALL", "", ""),
}  # fmt: skip


@pytest.mark.parametrize("rule", _RULES)
def test_what_sudo_wants_is_told_with_what_mends_it(
    ops: SudoHost, tmp_path: Path, control_folder: Path, rule: str
) -> None:
    """A drill has no terminal and no password: the reason is sudo's own, and the hint fits it."""
    lines, reason, remedy = _RULES[rule]
    sudoers = ops.host.home / "etc/sudoers"
    usual = sudoers.read_text()
    server = ops.host.server
    words = "export LANGUAGE=fr LC_ALL=C.UTF-8\n" if "French" in rule else ""
    (server.folder / ".bashrc").write_text(words)
    host = server.host.model_copy(update={"user": LOGIN, "become": "root"})
    site = server.site(tmp_path, control_folder).model_copy(update={"hosts": (host,)})
    probe = SshProbe(SteadyClock(), lambda name: name)
    sudoers.write_text(f"{usual.partition(LOGIN)[0]}{lines}\n")
    try:
        if not reason:
            probe.check_become(host, site)
            return
        with pytest.raises(NotReadyError) as refusal:
            probe.check_become(host, site)
    finally:
        sudoers.write_text(usual)
        (server.folder / ".bashrc").unlink()
        probe.close()
    assert reason in refusal.value.message
    assert remedy in str(refusal.value.hint)
    assert all("visudo" in line for line in refusal.value.mend)


@contextmanager
def watched_processes() -> Iterator[list[str]]:
    """Give the command lines and environments in which the password was seen meanwhile."""
    places: list[str] = []
    over = Event()

    def watch() -> None:
        while not over.wait(0.01):
            for path in [
                *Path("/proc").glob("[0-9]*/cmdline"),
                *Path("/proc").glob("[0-9]*/environ"),
            ]:
                with suppress(OSError):
                    content = path.read_bytes()
                    places.extend(str(content) for part in _PARTS if part in content)

    thread = Thread(target=watch)
    thread.start()
    try:
        yield places
    finally:
        over.set()
        thread.join()


def last_record(house: Path) -> dict[str, Any]:
    """Return the record of the last run."""
    (path,) = sorted((house / "state/runs").glob("*/record.json"))[-1:]
    return dict(json.loads(path.read_text("utf-8")))


def test_a_password_reaches_all_that_becomes_root(ops: SudoHost, tmp_path: Path) -> None:
    """Playbooks, checks, readings, canary, egress, files, residue; it is to be read nowhere."""
    house = ops.house(tmp_path)
    beside = "hosts: standby, egress: denied, watch_files: true,"
    edit(house, "drills/shop.yml", "hosts: standby,", beside)
    (house / "planted").write_text("a" * 64)
    (house / "planted").chmod(0o600)
    edit(
        house, "drills/shop.yml", "  must_not",
        "  canary: {command: 'test $(id -u) = 0 && cat && printf %064d 0 | tr 0 a', "
        f"expect: 'file:{house}/planted'}}\n  must_not",
    )  # fmt: skip
    with watched_processes() as places:
        result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    assert not places
    assert "password" not in result.stdout.lower() + result.stderr.lower()
    for path in (house / "state").rglob("*"):
        content = path.read_bytes() if path.is_file() else b""
        assert not any(part in content for part in _PARTS), path
    record = last_record(house)
    assert "only root sees" not in json.dumps(record)
    assert [each["complete"] for each in record["files"].values()] == [True], record["files"]


def test_the_doctor_finds_a_wrong_password(ops: SudoHost, tmp_path: Path) -> None:
    """It says as whom a login does not become whom."""
    house = ops.house(tmp_path)
    (house / "sudo").write_text("wrong-password\n")
    result = pradrill(house, "doctor", "shop")
    assert result.returncode == 4
    assert "pd-deploy does not become root on ops-dr" in " ".join(result.stdout.split())
    assert not ops.host.touched()


@pytest.mark.nightly
def test_a_wrong_password_is_found_before_anything_is_touched(
    ops: SudoHost, tmp_path: Path
) -> None:
    """The run is not ready, and says what is given to sudo, and what it answers."""
    house = ops.house(tmp_path)
    result = pradrill(house, "doctor", "shop")
    assert f"as root, by sudo, which is given file:{house}/sudo" in " ".join(result.stdout.split())
    (house / "sudo").write_text("wrong-password\n")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 4, result.stdout + result.stderr
    why = " ".join((result.stdout + result.stderr).split())
    assert "pd-deploy does not become root on ops-dr: sudo: 1 incorrect password attempt" in why
    assert "by hand on the standby: sudo -k -u root id" in why
    assert not ops.host.touched()


@pytest.mark.nightly
def test_a_password_that_expires_in_the_middle_is_told(ops: SudoHost, tmp_path: Path) -> None:
    """What sudo does not start proves nothing, and nothing false: a check has errored."""
    house = ops.house(tmp_path)
    ops.offer_password("another-one")
    change = "put the data back\n      ansible.builtin.shell: cat /srv/shadow > /etc/shadow\n"
    write(house, "playbooks/restore.yml", RESTORE.split("put the data back")[0] + change)
    edit(house, "drills/shop.yml", "deadline: 1m", "deadline: 5s")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 12, result.stdout + result.stderr
    record = last_record(house)
    refusal = "sudo refuses the password that it was given"
    (restore,) = (step for step in record["steps"] if step["name"] == "restore")
    assert restore["detail"]["text"].endswith(f"after the playbook: {refusal}")
    assert refusal in str(record["residue"])


CHANGES = '''\
def test_first(host):
    """Another password is asked for from here on."""
    assert host.run("cat /srv/shadow > /etc/shadow").rc == 0


def test_then(host):
    """Sudo does not start this."""
    assert host.run("false").rc != 0
'''


@pytest.mark.nightly
def test_what_sudo_does_not_start_is_no_answer(ops: SudoHost, tmp_path: Path) -> None:
    """A check that expects a failure has errored when sudo refuses, and what is left is unknown."""
    house = ops.house(tmp_path)
    ops.offer_password("another-one")
    write(house, "drills/checks/shop/test_shop.py", CHANGES)
    edit(house, "drills/shop.yml", "deadline: 1m", "deadline: 5s")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 12, result.stdout + result.stderr
    checks = {check["title"]: check for check in last_record(house)["checks"]}
    refused = checks["Sudo does not start this."]
    assert refused["outcome"] == "errored"
    assert "sudo did not start it: sudo: 1 incorrect password attempt" in refused["detail"]
