"""`pradrill gc`: machines of runs that are over end as their own drill says, or not at all."""

from __future__ import annotations

from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest
from tests.support.status_house import StatusHouse

from pradrill.app import made_machines as gc
from pradrill.app.composition import App
from pradrill.app.tools import tools_for
from pradrill.domain.run.machine import LISTING, MachineAddress, tag_of
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.ports import Play
from pradrill.testing import FakeClock, FakeProgress, FakeRunner, FakeStandby, fake_tools, played
from pradrill.testing.fake_machines import PROVISIONED, a_provisioned_plan

THEIRS = "pradrill-0123456789ab"
LISTED_BY = "/etc/pradrill/playbooks/listing.yml"
PAST = "2020-01-01T00:00:00+00:00"
SNAPSHOT: dict[str, Any] = {"destroy": None, "revert": PROVISIONED["destroy"]}
SNAPSHOT["revert"] = {"playbook": "/etc/pradrill/playbooks/revert.yml", "deadline": "5m"}


class Hypervisor:
    """Lists machines by their tag, and keeps which playbook was to end which tag."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tags: list[str] = []
        self.ends: list[tuple[str, str]] = []
        self.looks = 0
        clock = FakeClock()
        does = {"listing": self._listing, "destroy": self._end, "revert": self._end}
        runner = FakeRunner(clock, does)
        tools = fake_tools(clock, runner=runner, hypervisors=FakeStandby())
        monkeypatch.setattr(gc, "tools_for", lambda *_: tools)
        self._result = played(clock, StepOutcome.PASSED)

    def _listing(self, _play: Play) -> PlaybookResult:
        self.looks += 1
        machines = [{"machine": f"m-{tag}", "tag": tag, "expires": PAST} for tag in self.tags]
        return self._result.model_copy(update={"values": {LISTING: machines}})

    def _end(self, play: Play) -> PlaybookResult:
        tag = play.vars["pradrill_tag"]
        self.ends.append((play.playbook.stem, tag))
        self.tags.remove(tag)
        return self._result


@pytest.fixture
def house(tmp_path: Path) -> StatusHouse:
    """Return a house without runs."""
    return StatusHouse(tmp_path, ["moodle"])


@pytest.fixture
def hypervisor(monkeypatch: pytest.MonkeyPatch) -> Hypervisor:
    """Return where every drill's machines are."""
    return Hypervisor(monkeypatch)


def sweep(house: StatusHouse) -> list[str]:
    """End all that is over; return what is still there."""
    app = App(Namespace(drills=house.drills, state=house.state, log=None))
    records = app.store.readable()[0]
    leftovers = list(gc.made_machines(app, records, set(), FakeProgress()))
    return [line for each in leftovers for line in each.end()]


def a_run(house: StatusHouse, days_ago: float, **standby: Any) -> RunRecord:
    """Enter a run on machines that were made for it."""
    return house.run("moodle", "P", days_ago, plan=a_provisioned_plan(**standby))


def test_each_runs_machines_end_by_its_own_drills_playbook(
    house: StatusHouse, hypervisor: Hypervisor
) -> None:
    """A clone and a reverted snapshot are listed by one playbook, and end by two."""
    spare, clone = a_run(house, 9, **SNAPSHOT), a_run(house, 5)
    hypervisor.tags = [tag_of(spare.run_id), tag_of(clone.run_id)]
    expected = list(zip(("revert", "destroy"), hypervisor.tags, strict=True))
    assert sweep(house) == []
    assert hypervisor.ends == expected


def test_what_another_controller_made_ends_only_where_there_is_one_way(
    house: StatusHouse, hypervisor: Hypervisor
) -> None:
    """By destroy.yml a spare machine would be gone that was to be reverted: it is shown."""
    a_run(house, 9)
    hypervisor.tags = [THEIRS]
    assert sweep(house) == []
    assert hypervisor.ends == [("destroy", THEIRS)]

    a_run(house, 5, **SNAPSHOT)
    hypervisor.tags = [THEIRS]
    assert f"no record here says how what is tagged {THEIRS} is to end" in sweep(house)
    assert hypervisor.tags == [THEIRS]


def test_no_playbook_of_a_changed_record_is_played(
    house: StatusHouse, hypervisor: Hypervisor, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its listing runs on the controller, before any question: whoever writes there would rule."""
    record = a_run(house, 9)
    path = house.state / "runs" / record.run_id / "record.json"
    path.write_text(path.read_text().replace("playbooks/listing.yml", "elsewhere/listing.yml"))
    hypervisor.tags = [tag_of(record.run_id)]
    assert sweep(house) == []
    assert hypervisor.looks == 0
    assert f"the run {record.run_id} is not what was recorded" in capsys.readouterr().err


def test_two_clouds_that_one_playbook_lists_are_both_looked_at(
    house: StatusHouse, hypervisor: Hypervisor
) -> None:
    """The playbook's variables say which; drills of one and the same are asked once."""
    for days_ago, cloud in ((9, "here"), (7, "there"), (5, "here")):
        a_run(house, days_ago, listing={"playbook": LISTED_BY, "vars": {"cloud": cloud}})
    sweep(house)
    assert hypervisor.looks == len({"here", "there"})


@pytest.mark.parametrize("watch", [True, False])
def test_what_the_drill_starts_on_a_machine_is_marked_where_files_are_watched(
    house: StatusHouse, tmp_path: Path, watch: bool
) -> None:
    """Below sshd nothing else tells a service that the restore began from somebody's login."""
    app = App(Namespace(drills=house.drills, state=house.state, log=None))
    tools = tools_for(app, a_provisioned_plan(watch_files=watch), FakeProgress())
    assert tools.seeds is not None
    (seed,) = tools.seeds.sow(tmp_path, "a-run")
    tools.seeds.settle({seed.name: MachineAddress(address="192.0.2.20")})
    site = tools.standby.start(tmp_path, "a-run", lambda _line: None)
    tools.standby.stop("a-run")
    assert site.run_id == ("a-run" if watch else "")
