"""The script that keeps the lease on the standby, run here: stale, lost and taken back."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pradrill.adapters.ssh import remote_lease as lease

ID = "5f" * 16


class Machine:
    """A machine with a marker, whose lease lies in a folder of the test."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.beside = folder / "etc" / "lease"
        self.shared = folder / "shared"
        for each in (self.beside.parent, self.shared):
            each.mkdir()
        for name, value in (
            ("MARKER", str(folder / "marker")),
            ("MACHINE_ID", str(folder / "marker")),
            ("BESIDE_MARKER", str(self.beside)),
            ("SHARED", (str(self.shared),)),
        ):
            monkeypatch.setattr(lease, name, value)
        (folder / "marker").write_text(f"{ID}\n")
        self.marker = folder / "marker"

    def ask(self, do: str, run: str, **words: Any) -> dict[str, Any]:
        """Ask as a controller does."""
        request = {
            "run": run, "controller": "ctl", "state": "/s", "term": 600, "machine_id": ID,
            "over": [], "lapsed": False, **words,
        }  # fmt: skip
        answer: dict[str, Any] = getattr(lease, do)(request)
        return answer

    def change(self, **words: Any) -> None:
        """Change what the lease says."""
        self.beside.write_text(json.dumps({**json.loads(self.beside.read_text()), **words}))


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Return a machine that nobody holds."""
    return Machine(tmp_path, monkeypatch)


def test_one_run_holds_a_machine(machine: Machine) -> None:
    """A second one is told whose it is and how long; once it is given back it is free."""
    assert machine.ask("take", "a")["came"] == "held"
    busy = machine.ask("take", "b")
    assert (busy["came"], busy["other"]["run"]) == ("busy", "a")
    assert 590 < busy["left"] <= 600
    assert machine.ask("take", "a") == {"came": "held", "other": None, "because": ""}
    machine.ask("release", "b")
    assert machine.beside.exists()
    machine.ask("release", "a")
    assert not machine.beside.exists()


@pytest.mark.parametrize(
    ("words", "over", "why"),
    [
        ({"until": 0.0}, [], "expired"),
        ({"boot": "another"}, [], "rebooted"),
        ({}, ["a"], "ended"),
        ({"until": 1e12}, [], "impossible"),
        ({"until": float("inf")}, [], "impossible"),
        ({"until": float("nan")}, [], "impossible"),
    ],
)
def test_a_stale_lease_is_taken_over(
    machine: Machine, words: dict[str, Any], over: list[str], why: str
) -> None:
    """It ran out, is from before a reboot, of a run that has ended, or claims more than a term."""
    machine.ask("take", "a")
    machine.change(**words)
    answer = machine.ask("take", "b", over=over)
    assert (answer["came"], answer["other"]["run"], answer["because"]) == ("held", "a", why)
    assert machine.ask("renew", "a")["came"] == "lost"


@pytest.mark.parametrize(
    "content", ["[" * 3_000, '{"run": "a", "until": 1' + "0" * 400 + "}", "[1]"]
)
def test_a_lease_that_cannot_be_read_blocks_nobody(machine: Machine, content: str) -> None:
    """Whatever lies there, in whoever's place, the script answers and the lease is taken."""
    machine.beside.write_text(content)
    assert machine.ask("take", "b") == {"came": "held", "other": None, "because": ""}


def test_a_lease_that_the_restore_removed_is_taken_back(machine: Machine) -> None:
    """Unless it could have run out meanwhile: another run may have come and gone then."""
    machine.ask("take", "a")
    machine.beside.unlink()
    assert machine.ask("renew", "a")["came"] == "held"
    machine.beside.unlink()
    assert machine.ask("renew", "a", lapsed=True) == {"came": "lost", "other": None}
    assert not machine.beside.exists()


def test_a_reboot_in_the_middle_does_not_end_the_lease(machine: Machine) -> None:
    """A playbook may start the standby anew; the lease on disk is still the run's."""
    machine.ask("take", "a")
    machine.change(boot="the one before")
    assert machine.ask("renew", "a")["came"] == "held"
    assert machine.ask("take", "b")["came"] == "busy"


def test_logins_see_each_other_wherever_they_can_write(machine: Machine) -> None:
    """Without root a lease lies in a shared folder, and holds root off all the same."""
    other = machine.shared / f"pradrill-{ID}-1000"
    machine.ask("take", "a")
    machine.beside.rename(other)
    assert machine.ask("take", "b")["came"] == "busy"
    other.write_text("{")
    machine.beside.mkdir()
    assert machine.ask("take", "b")["came"] == "held"
    assert (machine.shared / f"pradrill-{ID}-{os.geteuid()}").exists()


def test_nothing_is_written_beside_a_wrong_marker(machine: Machine) -> None:
    """A machine that changed its identity since it was proven gets no lease."""
    machine.marker.write_text("another\n")
    assert machine.ask("take", "a")["came"] == "unproven"
    assert not machine.beside.exists()


def test_a_link_is_not_followed(machine: Machine, tmp_path: Path) -> None:
    """Whatever lies where a lease would, nothing but our own file is written to."""
    victim = tmp_path / "victim"
    victim.write_text("precious")
    machine.beside.symlink_to(victim)
    (machine.shared / f"pradrill-{ID}-{os.geteuid()}").symlink_to(victim)
    for do in ("take", "renew"):
        assert machine.ask(do, "a")["came"] == "held"
    assert machine.ask("take", "b")["came"] == "busy"
    assert machine.ask("release", "a")["came"] == "released"
    assert victim.read_text() == "precious"
