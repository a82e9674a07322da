"""What lies where a lease should: the script that takes it, run by logins of this machine."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).parents[2] / "src/pradrill/adapters/ssh/remote_lease.py"
MACHINE_ID = "5" * 32
DEPLOY, OTHER = 54321, 54322
"""Logins without a name."""


class Machine:
    """The folders of a machine that a lease can lie in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.beside = root / "etc/lease"
        self.shared = [root / "lock", root / "tmp"]
        for folder in (root / "etc", *self.shared):
            folder.mkdir()
        for folder in self.shared:
            folder.chmod(0o1777)
        for name in ("machine-id", "etc/standby"):
            (root / name).write_text(f"{MACHINE_ID}\n")

    def ask(self, do: str, run: str, login: int = 0, umask: int = 0o022) -> dict[str, Any]:
        """Run the script as a login, with its own places put to this machine's."""
        text = SCRIPT.read_text("utf-8")
        shared = tuple(map(str, self.shared))
        for old, new in (
            ('"/etc/machine-id"', repr(str(self.root / "machine-id"))),
            ('"/etc/pradrill/standby"', repr(str(self.root / "etc/standby"))),
            ('"/etc/pradrill/lease"', repr(str(self.beside))),
            ('("/run/lock", "/tmp")', repr(shared)),
            ("LOCK_TRIES, LOCK_PAUSE = 30, 0.1", "LOCK_TRIES, LOCK_PAUSE = 2, 0.1"),
        ):
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        request = {"do": do, "run": run, "controller": "ctl", "state": "/s", "term": 300}
        request |= {"machine_id": MACHINE_ID, "over": [], "lapsed": False}
        result = subprocess.run(
            ["/usr/bin/python3", "-I", "-c", text, json.dumps(request)],
            user=login,
            group=login,
            extra_groups=[],
            umask=umask,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        answer: dict[str, Any] = json.loads(result.stdout)
        return answer

    def holds_one_only(self, login: int = 0) -> None:
        """Take, hold on and give back a lease, and see that another run is kept off meanwhile."""
        before = self.files()
        assert self.ask("take", "run-a", login)["came"] == "held"
        assert self.ask("renew", "run-a", login)["came"] == "held"
        assert self.ask("take", "run-b", OTHER)["came"] == "busy"
        assert self.ask("release", "run-a", login)["came"] == "released"
        assert self.files() <= before

    def files(self) -> set[str]:
        """Return all that lies there."""
        return {str(path.relative_to(self.root)) for path in self.root.rglob("*")}


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Return a machine in a folder that every login may look into."""
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        root = Path(folder)
        root.chmod(0o755)
        yield Machine(root)


def _taken_names(machine: Machine) -> None:
    """Make what another user can: folders under the names of the login's leases."""
    for folder in machine.shared:
        path = folder / f"pradrill-{MACHINE_ID}-{DEPLOY}"
        path.mkdir()
        os.chown(path, OTHER, OTHER)


HOSTILE: dict[str, Callable[[Machine], object]] = {
    "a link": lambda m: m.beside.symlink_to("/etc/passwd"),
    "a pipe": lambda m: os.mkfifo(m.beside),
    "a folder": lambda m: m.beside.mkdir(),
    "garbage": lambda m: m.beside.write_text("{{{"),
    "a huge file": lambda m: m.beside.write_text(json.dumps({"run": "x" * 100_000, "until": 1e9})),
    "nested without end": lambda m: m.beside.write_text("[" * 100_000),
    "no number": lambda m: m.beside.write_text('{"run": "x", "until": NaN}'),
}


@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
def test_a_lease_is_one_whatever_lies_in_its_place(
    machine: Machine, hostile: Callable[[Machine], object]
) -> None:
    """It is taken there or beside it, seen by other logins, held on, and given back."""
    hostile(machine)
    machine.holds_one_only(0)


def test_a_login_gets_its_lease_whoever_took_its_name(machine: Machine) -> None:
    """In a folder for all anybody can make a file of any name first: another name is used."""
    _taken_names(machine)
    machine.holds_one_only(DEPLOY)


def test_a_lease_is_seen_whatever_the_logins_umask(machine: Machine) -> None:
    """Another login's controller is kept off by a lease that root wrote with umask 077."""
    assert machine.ask("take", "run-a", 0, umask=0o077)["came"] == "held"
    assert machine.ask("take", "run-b", DEPLOY, umask=0o077)["came"] == "busy"


def test_a_lock_that_is_held_on_to_keeps_nobody_off(machine: Machine) -> None:
    """A user who locks the lease of a run does not take its standby, nor its teardown, from it."""
    assert machine.ask("take", "run-a")["came"] == "held"
    with machine.beside.open() as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        assert machine.ask("renew", "run-a")["came"] == "held"
        assert machine.ask("take", "run-b")["came"] == "busy"
