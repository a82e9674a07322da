"""A standby for the run: its machines are made, proven, and gone on every path."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from tests.support.bench import Bench
from tests.support.killed import Killed

from pradrill.domain.declared.plan import Plan
from pradrill.domain.register.findings_of_run import findings_of
from pradrill.domain.run.host import Host, HostState, Site
from pradrill.domain.run.machine import ADDRESSES, LISTING, addresses_in, listing_in, tag_of
from pradrill.domain.run.outcome import GuardOutcome, PlaybookResult, StepKind, StepOutcome
from pradrill.domain.run.record import Refusal, RunRecord, RunState
from pradrill.domain.run.scope import Stray, Strays
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.reason import Reason, ReasonError
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark
from pradrill.engine.crashed_runs import recover_crashed
from pradrill.engine.planning import plan_run
from pradrill.engine.repeated_teardown import repeat_teardown
from pradrill.engine.steps.backups import POINT
from pradrill.errors import ExitCode, UnreachableError
from pradrill.ports import Play, Say
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.run import page
from pradrill.reporting.text.plan import plan_lines
from pradrill.testing import FakeClock, FakeProbe, FakeProgress, FakeRunner, FakeStandby, played
from pradrill.testing.builders import HOST, START, a_drill, a_service, after
from pradrill.testing.fake_machines import (
    PROVISIONED,
    FakeCloud,
    FakeSeeds,
    a_made_machine,
    a_provisioned_plan,
)
from pradrill.testing.fake_source import FakeSource, a_point

RUN = f"{START:%Y%m%dT%H%M%SZ}-moodle-000000"


def bench(
    does: dict[str, Any] | None = None, *, stubborn: int = 0, silences: int = 0, **fakes: Any
) -> tuple[Bench, FakeCloud]:
    """Return a run on a machine that is made for it, and where that is made."""
    clock = FakeClock()
    cloud = FakeCloud(clock, stubborn=stubborn)
    seeds = FakeSeeds(silences=silences)
    usual: dict[str, Any] = {
        "probe": FakeProbe(facts=a_made_machine(RUN)),
        "standby": seeds,
        "seeds": seeds,
        "hypervisors": FakeStandby(),
    }
    playbooks = {**cloud.playbooks, **(does or {})}
    usual["plan"] = a_provisioned_plan()
    return Bench(playbooks, clock=clock, **{**usual, **fakes}), cloud


def codes(record: RunRecord) -> list[str]:
    """Return the codes of what is left."""
    return [each.code for each in record.residue]


def test_a_drill_on_a_machine_of_its_own_passes_and_leaves_none() -> None:
    """Made, proven, restored on, destroyed and listed no more: the verdict is PASSED."""
    drill, cloud = bench()
    record = drill.run()
    assert (record.verdict, record.exit_code, record.residue) == (Verdict.PASSED, 0, ())
    assert cloud.machines == {}
    assert drill.runner.plays == ["make", "prepare", "restore_moodle", "destroy", "listing"]
    assert Code.MACHINES_GONE in [each.code for each in record.erased]
    assert cloud.given["pradrill_tag"] == tag_of(RUN)


def test_the_time_in_which_machines_are_made_is_inside_the_rta_and_shown_apart() -> None:
    """The technical RTA counts from where making them began."""
    drill, _ = bench(silences=30)
    record = drill.run()
    (step,) = [s for s in record.steps if s.name == "provision the standby"]
    assert record.recovery.provisioning == step.seconds == 90.0
    assert record.recovery.rta is not None
    assert record.recovery.rta.seconds > step.seconds
    assert record.recovery.marks[Mark.RECOVERY_STARTS].at == step.started


def test_a_look_at_machines_takes_no_longer_than_the_step_may() -> None:
    """Each is given what is left of the deadline."""
    seeds = FakeSeeds(silences=10_000)
    drill, _ = bench(seeds=seeds, standby=seeds)
    record = drill.run()
    (step,) = [s for s in record.steps if s.name == "provision the standby"]
    assert step.outcome is StepOutcome.TIMED_OUT
    assert seeds.deadlines[0] < 600
    assert seeds.deadlines == sorted(seeds.deadlines, reverse=True)
    assert seeds.deadlines[-1] == 1.0


FAILED = played(FakeClock(), StepOutcome.FAILED)


@pytest.mark.parametrize(
    ("does", "fakes"),
    [
        ({"make": StepOutcome.TIMED_OUT}, {}),
        ({"make": FAILED}, {}),
        ({"make": StepOutcome.PASSED}, {}),  # no address was handed back
        ({}, {"silences": 10_000}),
        ({}, {"probe": FakeProbe(facts=a_made_machine("another-run"))}),
        ({"restore_moodle": StepOutcome.FAILED}, {}),
    ],
)
def test_machines_are_destroyed_whatever_becomes_of_the_run(
    does: dict[str, Any], fakes: dict[str, Any]
) -> None:
    """Refused, failed, late: the last that a run does is to end what it has made."""
    drill, cloud = bench(does, **fakes)
    cloud.machines["theirs"] = "pradrill-0123456789ab"
    cloud.machines["ours"] = tag_of(RUN)  # what the playbook had begun
    record = drill.run()
    assert record.verdict is not Verdict.PASSED
    assert cloud.machines == {"theirs": "pradrill-0123456789ab"}
    assert record.residue == ()
    assert record.steps[-1].name == "destroy the machines"


@pytest.mark.parametrize(
    "address", ["machine.example", "-oProxyCommand=x", "192.0.2.1 -o x", "fe80::1%x y", 7]
)
def test_what_is_no_address_is_told_as_the_playbooks_answer(address: object) -> None:
    """A zone may hold anything: what ssh would read as more than a word is none."""

    def make(_play: object) -> PlaybookResult:
        values = {ADDRESSES: {HOST: address}}
        return played(FakeClock(), StepOutcome.PASSED).model_copy(update={"values": values})

    drill, _ = bench({"make": make})
    record = drill.run()
    details = [step.detail.code for step in record.steps if step.name == "provision the standby"]
    assert details == [Code.ADDRESSES_UNREADABLE]


@pytest.mark.parametrize("address", ["192.0.2.10", "::ffff:192.0.2.10"])
def test_nothing_is_connected_to_where_a_primary_is(address: str) -> None:
    """A playbook that hands back production's address, in whatever spelling."""

    def make(_play: object) -> PlaybookResult:
        values = {ADDRESSES: {HOST: address}}
        return played(FakeClock(), StepOutcome.PASSED).model_copy(update={"values": values})

    seeds = FakeSeeds()
    drill, _ = bench({"make": make}, standby=seeds, seeds=seeds)
    record = drill.run()
    (step,) = [each for each in record.steps if each.name == "provision the standby"]
    assert step.detail.text.startswith(f"{HOST}: shares its address ")
    assert (record.refusal, seeds.addresses) == (Refusal.NOT_READY, {})
    assert "start" not in seeds.calls


@pytest.mark.parametrize("outcome", [StepOutcome.FAILED, StepOutcome.TIMED_OUT])
def test_machines_that_cannot_be_made_are_a_recovery_that_failed(outcome: StepOutcome) -> None:
    """Making them is inside the RTA: it is no precondition, and machines may have been touched."""
    drill, _ = bench({"make": played(FakeClock(), outcome)})
    record = drill.run()
    assert (record.refusal, record.verdict) == (None, Verdict.FAILED)
    assert record.exit_code == ExitCode.FAILED
    (finding,) = findings_of(record)
    assert "provision the standby" in finding.title
    assert not any("Refused" in note for note in page.notes(record))
    assert page.teardown(record).startswith("The machines that the run had made were ended")


class MarkedSeeds(FakeSeeds):
    """A machine where what the run starts carries its mark: its files are watched."""

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Mark it."""
        return super().start(folder, run_id, say).model_copy(update={"run_id": run_id})


class ListProbe(FakeProbe):
    """Keeps for which run all that is on a host was to be listed."""

    runs: tuple[str, ...] = ()

    def state(self, host: Host, site: Site, *paths: Sequence[str]) -> HostState:
        """Keep it."""
        self.runs += (site.run_id,)
        return super().state(host, site, *paths)


def test_what_is_on_a_machine_that_goes_is_not_listed_to_be_compared() -> None:
    """Nobody looks for residue there: what could not be compared is no limit of the proof."""
    probe, seeds = ListProbe(facts=a_made_machine(RUN)), MarkedSeeds()
    drill, _ = bench(probe=probe, standby=seeds, seeds=seeds)
    assert drill.run().exit_code == 0
    assert set(probe.runs) == {""}


def test_a_marker_that_names_another_run_is_refused() -> None:
    """An image that was a standby's once brings a marker: it is not this run's machine."""
    drill, _ = bench(probe=FakeProbe(facts=a_made_machine("20200101T000000Z-moodle-ffffff")))
    record = drill.run()
    refused = [each for each in record.guards if each.outcome is GuardOutcome.REFUSED]
    assert [each.detail.code for each in refused] == [Code.MARKER_OF_ANOTHER]
    assert (record.refusal, record.exit_code) == (Refusal.NOT_READY, ExitCode.NOT_READY)


def test_a_run_that_is_stopped_destroys_its_machines() -> None:
    """Ctrl-C while they are made: what the playbook had begun by then goes."""
    drills: list[Bench] = []

    def stop(name: str) -> None:
        if name == "provision the standby":
            drills[0].cancellation.stop(2)

    drill, cloud = bench(progress=FakeProgress(stop))
    drills.append(drill)
    cloud.machines["ours"] = tag_of(RUN)
    assert drill.run().exit_code == ExitCode.INTERRUPTED
    assert cloud.machines == {}


def test_a_machine_that_stays_is_residue() -> None:
    """Twice told to go and still listed: exit 13, by its name."""
    drill, _ = bench(stubborn=2)
    record = drill.run()
    assert (record.verdict, record.exit_code) == (Verdict.PASSED, ExitCode.RESIDUE)
    assert codes(record) == [Code.MACHINE_LEFT]


def test_a_machine_that_goes_at_the_second_time_is_none() -> None:
    """A hypervisor that was busy for a moment costs no finding."""
    drill, cloud = bench(stubborn=1)
    assert (drill.run().exit_code, cloud.machines) == (0, {})


@pytest.mark.parametrize(
    ("does", "left"),
    [
        ({"listing": StepOutcome.PASSED}, [Code.MACHINES_UNKNOWN]),
        ({"listing": StepOutcome.FAILED}, [Code.MACHINES_UNKNOWN]),
        ({"destroy": StepOutcome.FAILED}, [Code.MACHINES_NOT_ENDED, Code.MACHINE_LEFT]),
        ({"destroy": UnreachableError("kvm does not answer")}, [Code.TEARDOWN_ENDED]),
    ],
)
def test_what_is_not_known_to_be_gone_is_left(does: dict[str, Any], left: list[Code]) -> None:
    """No list is no empty list, and what did not end is not believed to have ended."""
    drill, _ = bench(does)
    record = drill.run()
    assert (record.exit_code, codes(record)) == (ExitCode.RESIDUE, left)


def test_what_makes_machines_may_be_edited_before_they_are_ended() -> None:
    """Somebody mends it while the drill runs: what ends them is still as it was planned."""
    edits: list[Path] = []

    def edit(name: str) -> None:
        if name == "check the service":
            edits.append(Path("/etc/pradrill/playbooks/make.yml"))

    def edited(_plan: object, playbooks: Collection[Path] | None = None) -> Sequence[Path]:
        return [each for each in edits if playbooks is None or each in playbooks]

    drill, cloud = bench(edits=edited, progress=FakeProgress(edit))
    drill.run()
    assert (edits != [], cloud.machines) == (True, {})


AWAY = UnreachableError("kvm does not answer")


def test_a_hypervisor_that_is_away_leaves_a_record_where_no_standby_was_reached() -> None:
    """Nothing was started on: what was begun on a standby is not looked for, and all is told."""
    drill, _ = bench({"make": FAILED, "destroy": AWAY})
    assert codes(drill.run()) == [Code.TEARDOWN_ENDED]
    assert repeat_teardown(drill.journal, drill.tools) != ()


def test_a_refused_run_that_leaves_a_machine_does_not_say_that_nothing_was_touched() -> None:
    """Exit 4 means nothing touched: it is 12 with a machine that is still there."""
    none = {"make": StepOutcome.PASSED}  # no address was handed back
    drill, _ = bench(none, stubborn=9)
    record = drill.run()
    assert (record.exit_code, codes(record)) == (ExitCode.NOT_READY, [])

    drill, cloud = bench(none, stubborn=9)
    cloud.machines["ours"] = tag_of(RUN)
    record = drill.run()
    assert (record.exit_code, codes(record)) == (ExitCode.INCONCLUSIVE, [Code.MACHINE_LEFT])


@pytest.mark.parametrize(
    "step", ["make", "start the standby", "restore_moodle", "check the service"]
)
def test_the_next_command_destroys_the_machines_of_a_killed_run(step: str) -> None:
    """Its journal says that making them was begun; their tag follows from its id."""

    def kill(name: str) -> None:
        if name == step:
            raise Killed

    does = {"make": lambda _play: kill("make")} if step == "make" else {}
    drill, cloud = bench(does, progress=FakeProgress(kill))
    with pytest.raises(Killed):
        drill.run()
    tear_off(drill)
    cloud.machines = {"ours": tag_of(RUN), "theirs": "pradrill-0123456789ab"}

    tools = drill.tools._replace(progress=FakeProgress())
    (record,) = recover_crashed(drill.store, lambda _plan: tools).records
    assert (record.state, record.residue) == (RunState.CRASHED, ())
    assert cloud.machines == {"theirs": "pradrill-0123456789ab"}


def test_the_next_command_ends_what_a_run_killed_while_it_destroyed_had_left() -> None:
    """The playbook was under way: it is played again, and what is listed counts."""

    def kill(_play: object) -> None:
        raise Killed

    drill, cloud = bench({"destroy": kill})
    with pytest.raises(Killed):
        drill.run()
    drill.journal.close()
    assert list(cloud.machines.values()) == [tag_of(RUN)]
    tools = drill.tools._replace(runner=FakeRunner(drill.clock, cloud.playbooks))
    (record,) = recover_crashed(drill.store, lambda _plan: tools).records
    assert (record.state, record.residue, cloud.machines) == (RunState.CRASHED, (), {})


def test_the_next_command_seals_a_killed_run_whose_hypervisor_is_away() -> None:
    """What it could not end is residue, and the record says so."""

    def kill(_play: object) -> None:
        raise Killed

    drill, _ = bench({"make": kill, "destroy": AWAY})
    with pytest.raises(Killed):
        drill.run()
    tear_off(drill)
    (record,) = recover_crashed(drill.store, lambda _plan: drill.tools).records
    assert (record.state, codes(record)) == (RunState.CRASHED, [Code.TEARDOWN_ENDED])


def tear_off(drill: Bench) -> None:
    """Leave out of a run's journal what came after its teardown began: it was killed before."""
    journal = drill.journal
    events = list(journal.events())
    names = [facts.get("name") for event, _, facts in events if event == "step_started"]
    cut = names.index("release the standby")
    starts = [n for n, (event, _, _) in enumerate(events) if event == "step_started"]
    del journal._lines[starts[cut] :]  # a killed process has not torn down
    journal.close()


def test_a_hypervisor_that_is_a_primary_is_not_touched() -> None:
    """A name that was mistaken in an inventory: no playbook runs there, not even to destroy."""
    production = FakeProbe(facts=a_made_machine(RUN, addresses=("192.0.2.10",)))
    drill, _ = bench(probe=production)
    record = drill.run()
    assert drill.untouched()
    assert record.refusal is Refusal.NOT_READY


def test_a_report_does_not_say_that_nothing_was_touched() -> None:
    """A refused run on a machine that was made and ended says both, in each language."""
    drill, _ = bench({"make": StepOutcome.PASSED})
    record = drill.run()
    notes = " ".join(page.notes(record))
    assert "Nothing was touched" not in notes
    assert "nothing was restored" in notes
    assert page.teardown(record).startswith("The machines that the run had made were ended")
    with speaking("fr"):
        assert page.teardown(record).startswith("Les machines que l")


def test_the_teardown_of_a_sealed_run_can_be_repeated_for_its_machines() -> None:
    """`pradrill teardown RUN` ends by its tag what stayed, also where nothing was restored."""
    drill, cloud = bench({"make": FAILED}, stubborn=2)
    cloud.machines["ours"] = tag_of(RUN)
    assert codes(drill.run()) == [Code.MACHINE_LEFT]
    assert repeat_teardown(drill.journal, drill.tools) == ()
    assert cloud.machines == {}


class BusyProbe(FakeProbe):
    """A hypervisor where a command of a playbook goes on, until it is ended."""

    def end_strays(self, *_: Any, commands: bool, **__: Any) -> Strays:
        """End it, and tell."""
        return Strays(ours=(Stray(pid=7, name="qemu-img", start=1.0),) if commands else ())


def test_what_a_cut_playbook_still_does_on_the_hypervisor_is_ended_first() -> None:
    """Else a clone that was under way would come once all was destroyed, under no name."""
    hypervisor = {"inventory": "/etc/pradrill/hypervisor.yml", "hosts": "kvm"}
    plan = a_provisioned_plan(hypervisor=hypervisor)
    drill, _ = bench({"make": FAILED}, probe=BusyProbe(facts=a_made_machine(RUN)), plan=plan)
    drill.run()
    lines = [line for what, line in drill.progress.lines if what == "say"]
    ended = next(n for n, line in enumerate(lines) if "qemu-img" in line)
    assert ended < lines.index("playing destroy")


CATALOGUE_TIME = "2026-03-10T01:00:00+00:00"


def with_data(**fakes: Any) -> tuple[Bench, FakeCloud]:
    """Return a run on a machine that is made from an archive, without a restore step."""
    clock = FakeClock()
    cloud = FakeCloud(clock)

    def make(play: Play) -> PlaybookResult:
        result: PlaybookResult = cloud.playbooks["make"](play)
        more = {"pradrill_catalogue_time": CATALOGUE_TIME, "pradrill_backup_id": "vzdump-qemu-101"}
        return result.model_copy(update={"values": {**result.values, **more}})

    plan = a_provisioned_plan(restores=True)
    steps = tuple(step for step in plan.steps if step.kind is not StepKind.PLAYBOOK)
    usual: dict[str, Any] = {"probe": FakeProbe(facts=a_made_machine(RUN))}
    usual |= dict.fromkeys(("standby", "seeds"), FakeSeeds())
    drill = Bench(
        {**cloud.playbooks, "make": make},
        plan=plan.model_copy(update={"steps": steps}),
        clock=clock,
        hypervisors=FakeStandby(),
        **{**usual, **fakes},
    )
    return drill, cloud


def test_machines_that_come_with_the_data_need_no_restore() -> None:
    """The data is there when they are made: the archive's time is the catalogue's, beside it."""
    drill, cloud = with_data()
    assert any("this is the restore" in line.text for line in plan_lines(drill.plan))
    record = drill.run()
    assert (record.verdict, record.residue) == (Verdict.PASSED, ()), record.reasons
    recovery = record.recovery
    (step,) = [each for each in record.steps if each.name == "provision the standby"]
    assert recovery.marks[Mark.DATA_RESTORED].at == step.ended
    assert recovery.backup_id == "vzdump-qemu-101"
    assert recovery.catalogue_time is not None
    assert recovery.catalogue_time.at.isoformat() == CATALOGUE_TIME
    assert Code.CAME_RUNNING in [each.code for each in record.limits]
    assert cloud.machines == {}


def test_a_copy_of_production_that_was_there_is_not_nothing_touched() -> None:
    """Refused after it was made: its data was restored, and what ran there may have gone out."""
    drill, cloud = with_data(probe=FakeProbe(facts=a_made_machine("another-run")))
    record = drill.run()
    assert (record.refusal, record.exit_code) == (None, ExitCode.INCONCLUSIVE)
    assert not any("nothing was restored" in note for note in page.notes(record))
    assert cloud.machines == {}


@pytest.mark.parametrize(
    "step", ["start the standby", "prove marker and isolation", "check the service"]
)
def test_a_killed_run_leaves_no_copy_of_production(step: str) -> None:
    """The next command ends it, whether or not it was proven."""

    def kill(name: str) -> None:
        if name == step:
            raise Killed

    drill, cloud = with_data(progress=FakeProgress(kill))
    with pytest.raises(Killed):
        drill.run()
    tear_off(drill)
    cloud.machines = {"ours": tag_of(RUN), "theirs": "pradrill-0123456789ab"}
    tools = drill.tools._replace(progress=FakeProgress())
    (record,) = recover_crashed(drill.store, lambda _plan: tools).records
    assert (record.residue, cloud.machines) == ((), {"theirs": "pradrill-0123456789ab"})


@pytest.mark.parametrize(("other", "code"), [("", ""), ("another", Code.OTHER_BACKUP)])
def test_what_makes_machines_of_a_backup_gets_the_one_that_was_chosen(
    other: str, code: str
) -> None:
    """And says so when it took another: no recovery rests on a backup that nobody chose."""
    clock = FakeClock()
    cloud = FakeCloud(clock)

    def make(play: Play) -> PlaybookResult:
        result: PlaybookResult = cloud.playbooks["make"](play)
        values = {**result.values, "pradrill_backup_id": other or play.vars[POINT]}
        return result.model_copy(update={"values": values})

    services = {"moodle": a_service()}
    plan = Plan.model_validate(
        {"plan": 1, "organisation": "Exemple", "services": services, "providers": {"hexanet": {}}}
    )
    making = {"standby": {**PROVISIONED, "restores": True}, "restore": (), "teardown": ()}
    restic = {"repository": "sftp:backup:/srv/restic", "password": "env:RESTIC_PASSWORD"}
    drill = Bench(
        {**cloud.playbooks, "make": make},
        plan=plan_run(
            a_drill(**making, recovery_point={"restic": restic}),
            drill_file=Path("/etc/pradrill/drills/moodle.yml"),
            plan=plan,
            hosts=[],
            primaries={"moodle": a_service().primary},
            files=[],
        ),
        clock=clock,
        probe=FakeProbe(facts=a_made_machine(RUN), newest=after(-10_800)),
        hypervisors=FakeStandby(),
        sources={None: FakeSource()},
        **dict.fromkeys(("standby", "seeds"), FakeSeeds()),
    )
    record = drill.run()
    assert cloud.given[POINT] == a_point().id
    (step,) = [each for each in record.steps if each.name == "provision the standby"]
    assert step.detail.code == code
    assert (record.verdict is Verdict.PASSED) == (not code), record.reasons


def test_only_machines_that_come_with_the_data_need_no_restore() -> None:
    """A drill that forgot it is told so."""
    drill = a_drill(standby={**PROVISIONED, "restores": True}, restore=(), teardown=())
    assert drill.restore == ()
    with pytest.raises(ValidationError, match="restore is missing"):
        a_drill(standby=PROVISIONED, restore=(), teardown=())


class CountingProbe(BusyProbe):
    """Counts how often what goes on there was to be ended."""

    times = 0

    def end_strays(self, *args: Any, commands: bool, **more: Any) -> Strays:
        """Count it; of a hypervisor nobody knows what it was like before."""
        self.times += commands and args[2] is None
        return super().end_strays(*args, commands=commands, **more)


def on_a_hypervisor(does: dict[str, Any]) -> tuple[Bench, FakeCloud, CountingProbe]:
    """Return a run on a machine that is made by commands on a hypervisor."""
    hypervisor = {"inventory": "/etc/pradrill/hypervisor.yml", "hosts": "kvm"}
    probe = CountingProbe(facts=a_made_machine(RUN))
    drill, cloud = bench(does, probe=probe, plan=a_provisioned_plan(hypervisor=hypervisor))
    return drill, cloud, probe


def test_what_a_cut_end_still_does_is_ended_before_the_next() -> None:
    """A revert that goes on there would take the tag from the next run's machine."""
    drill, cloud, probe = on_a_hypervisor({})
    drill.run()
    assert (probe.times, cloud.machines) == (0, {})  # nothing was cut

    drill, cloud, probe = on_a_hypervisor({"destroy": StepOutcome.TIMED_OUT})
    drill.run()
    assert probe.times == 1

    def kill(_play: object) -> None:
        raise Killed

    drill, cloud, probe = on_a_hypervisor({"destroy": kill})
    with pytest.raises(Killed):
        drill.run()
    drill.journal.close()
    assert probe.times == 0
    tools = drill.tools._replace(runner=FakeRunner(drill.clock, cloud.playbooks))
    recover_crashed(drill.store, lambda _plan: tools)
    assert (probe.times, cloud.machines) == (1, {})


def test_an_end_that_lost_its_hypervisor_in_its_middle_is_ended_there_first() -> None:
    """What the lost connection has left goes on beside the next try."""
    tries: list[str] = []

    def end(play: Play) -> PlaybookResult:
        tries.append(play.playbook.stem)
        if len(tries) == 1:
            return played(FakeClock(), StepOutcome.UNREACHABLE)
        result: PlaybookResult = drill_cloud.playbooks["destroy"](play)
        return result

    drill, drill_cloud, probe = on_a_hypervisor({"destroy": end})
    drill.run()
    assert (len(tries), probe.times, drill_cloud.machines) == (2, 1, {})


def test_one_address_for_two_machines_is_none() -> None:
    """Each would be proven by the other's key: it is told as what the playbook has done."""
    names = ["web-dr", "db-dr"]
    for one, other in (
        ("192.0.2.20", "::ffff:192.0.2.20"),
        ("2001:db8::1", {"address": "2001:0db8::1", "port": 22}),
    ):
        with pytest.raises(ReasonError) as error:
            addresses_in({ADDRESSES: {"web-dr": one, "db-dr": other}}, names)
        assert error.value.reason.code == Code.ADDRESS_SHARED
    for one, other in (
        ("fe80::1%br0", "fe80::1%br1"),
        ("192.0.2.20", {"address": "192.0.2.20", "port": 2222}),
    ):
        assert len(addresses_in({ADDRESSES: {"web-dr": one, "db-dr": other}}, names)) == 2
    for nobodys in ("0.0.0.0", "::", "224.0.0.1", "255.255.255.255"):  # noqa: S104 none is listened on
        with pytest.raises(ReasonError):
            addresses_in({ADDRESSES: {"web-dr": nobodys}}, ["web-dr"])


@pytest.mark.parametrize("count", [1, 10_000])
def test_other_runs_machines_keep_nobody_from_seeing_that_his_are_gone(count: int) -> None:
    """However many they are, and whatever somebody has called them there."""
    name = "-oProxyCommand=x\n{{ 7 * 7 }} \x1b[31mé"
    others = [{"machine": f"{name}{n}", "tag": "pradrill-0123456789ab"} for n in range(count)]
    listing = played(FakeClock(), StepOutcome.PASSED).model_copy(
        update={"values": {LISTING: [*others, *others]}}
    )
    drill, _ = bench({"listing": listing})
    record = drill.run()
    assert (record.exit_code, record.residue) == (0, ())

    (label,) = {each.machine[:24] for each in listing_in(listing.values, Path("list.yml"))}
    assert label == "-oProxyCommand_x____7___"


def test_a_listing_that_is_late_says_so() -> None:
    """What is left is not known, and the report says why."""
    late = played(FakeClock(), StepOutcome.TIMED_OUT).model_copy(update={"detail": Reason()})
    drill, _ = bench({"listing": late, "destroy": late})
    not_ended, unknown = drill.run().residue
    assert not_ended.text.endswith("were not ended: destroy.yml: timed out")
    assert unknown.text.endswith("not known: listing.yml: timed out")
    with speaking("fr"):
        assert spoken(unknown).endswith("listing.yml\xa0:\xa0échéance dépassée")
