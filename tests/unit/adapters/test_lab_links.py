"""The addresses under which machines of the lab reach each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from pradrill.adapters.standbys.lab import Lab, LabMachines, Machine
from pradrill.adapters.standbys.lab.links import read_links, write_links
from pradrill.cli import main
from pradrill.errors import NotReadyError, UsageError
from pradrill.testing import FakeClock


@pytest.fixture
def lab(tmp_path: Path) -> Lab:
    """Return a lab that has no image yet."""
    return Lab(tmp_path / "lab", FakeClock())


def test_a_machine_keeps_its_address_on_whichever_machine_it_is_linked_to(lab: Lab) -> None:
    """The second process, another machine and another order see the address of the first."""
    first = lab.links(lab.machine("primary"), ["backup", "standby", "backup"])
    again = lab.links(lab.machine("spare"), ["standby", "backup"])
    assert {near: m.name for near, m in first.items()} == {
        "10.0.2.100:22": "backup",
        "10.0.2.101:22": "standby",
    }
    assert {near: m.name for near, m in again.items()} == {
        "10.0.2.101:22": "standby",
        "10.0.2.100:22": "backup",
    }


def test_a_machine_is_not_linked_to_itself_nor_to_what_is_no_name(lab: Lab) -> None:
    """Such links are refused before anything starts."""
    for other in ("primary", "../primary", "-x"):
        with pytest.raises(UsageError):
            lab.links(lab.machine("primary"), [other])


def test_the_lab_says_when_it_has_no_address_left(lab: Lab) -> None:
    """The hundred-and-first machine is refused by name."""
    primary = lab.machine("primary")
    lab.links(primary, [f"m{n}" for n in range(100)])
    with pytest.raises(NotReadyError, match="no address left for late"):
        lab.links(primary, ["late"])


def test_a_capture_wants_more_programs_than_a_lab(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What keeps its file small is looked for before anything starts, by doctor too."""
    standbys = [LabMachines(lab, ["standby"], {}, capture=each) for each in (False, True)]
    monkeypatch.setenv("PATH", str(tmp_path))
    for capture, standby in enumerate(standbys):
        problems = standby.problems()
        missing = [each.what for each in problems if "util-linux" in each.what]
        assert missing == ["the Debian package util-linux is not installed"] * capture


def test_where_links_lead_is_read_from_what_the_start_noted(tmp_path: Path) -> None:
    """Each process tells it; a note that is torn or gone says nothing."""
    machines, run = tmp_path / "machines", tmp_path / "machines/primary/run"
    run.mkdir(parents=True)
    assert read_links(run) == {}
    write_links(run, {"10.0.2.100:22": machines / "backup/run/port-22"}, machines)
    assert read_links(run) == {"10.0.2.100:22": "backup"}
    (run / "links.json").write_text("[", encoding="utf-8")
    assert read_links(run) == {}


def test_other_links_of_a_machine_that_runs_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """They are given at its start; the hint says how it is ended."""
    monkeypatch.setattr(Machine, "pid", 4711)
    assert main(["--state", str(tmp_path), "lab", "up", "primary", "--link", "backup"]) == 4
    message = capsys.readouterr().err
    assert "the machine primary is up already, with other links" in message
    assert "pradrill lab down primary" in message
