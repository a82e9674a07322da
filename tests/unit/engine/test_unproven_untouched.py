"""What was not proven is not touched: every cause on every path, on fakes, and in any order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.domain.run.test_facts import fold, whole

from pradrill.domain.declared.plan import PrimaryIdentity
from pradrill.domain.declared.standby import LabStandby
from pradrill.domain.register.findings_of_run import findings_of
from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.guard import Guard, Reach, Reached
from pradrill.domain.run.host import Host, HostFacts, MarkerFault, Site
from pradrill.domain.run.outcome import GuardOutcome, GuardResult, Phase, StepKind, StepOutcome
from pradrill.domain.run.proof import demanded, workable
from pradrill.domain.run.record import RunRecord, RunState
from pradrill.domain.run.run_plan import NotRun, RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Mark
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.crashed_runs import recover_crashed
from pradrill.engine.run import run_drill
from pradrill.errors import UnreachableError
from pradrill.testing import (
    HOST,
    START,
    FakeClock,
    FakeJournal,
    FakeProbe,
    FakeProgress,
    FakeRunner,
    FakeStandby,
    FakeStore,
    FakeVerifier,
    a_guard,
    a_run_plan,
    a_start,
    after,
    an_estate,
    as_reached,
    estate_hosts,
    estate_verifications,
    fake_tools,
    host_facts,
    proven_guards,
)
from pradrill.testing.reasons import texts

ENDPOINT = "smtp.exemple.fr:25"
OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0rYPuAh3qaMxIhlgU4hzQWIgWsl3/fkUvCtqLL8lZC"
PLAN = a_run_plan()


def without(*phases: Phase) -> RunPlan:
    """Return the builders' plan without its playbooks of some phases."""
    kept = [s for s in PLAN.steps if s.kind is not StepKind.PLAYBOOK or s.phase not in phases]
    return PLAN.model_copy(update={"steps": tuple(kept)})


class Reaches(FakeProbe):
    """Answers for isolation as scripted, one answer a look; the last one again and again."""

    def __init__(self, *answers: Reach | Exception, endpoint: str = ENDPOINT) -> None:
        super().__init__()
        self.looks = list(answers)
        self.endpoint = endpoint

    def reaches(self, host: Host, site: Site, endpoints: Sequence[str]) -> Mapping[str, Reached]:
        """Give the next answer."""
        answer = self.looks.pop(0) if len(self.looks) > 1 else self.looks[0]
        if isinstance(answer, Exception):
            raise answer
        return {**super().reaches(host, site, endpoints), self.endpoint: as_reached(answer)}


class Run:
    """A run on fakes, and what it played."""

    def __init__(self, probe: FakeProbe, plan: RunPlan = PLAN, **does: Any) -> None:
        self.clock = FakeClock()
        self.runner = FakeRunner(self.clock, does)
        self.store = FakeStore()
        tools = fake_tools(self.clock, runner=self.runner, store=self.store, probe=probe)
        self.record: RunRecord = run_drill(
            a_start(plan=plan), tools, Cancellation(), disruption=None
        )

    @property
    def not_run(self) -> dict[str, NotRun | None]:
        """Return the playbooks that never began, and why."""
        left = (step for step in self.record.not_executed if step.kind is StepKind.PLAYBOOK)
        return {step.name: step.not_run for step in left}


# ---------------------------------------------------------------- before anything is touched

UNPROVEN: dict[str, HostFacts] = {
    "no marker": host_facts(marker=None),
    "an empty marker": host_facts(marker=""),
    "a copied marker": host_facts(marker="f0" * 16),
    **{f"a marker: {fault}": host_facts(marker_fault=fault) for fault in MarkerFault},
    "no machine-id": host_facts(machine_id=""),
    "a primary's address": host_facts(addresses=("192.0.2.10",)),
    "led to a primary": host_facts(peer="192.0.2.10"),
    "a key that is none": host_facts(host_key="ssh-ed25519 x"),
}


@pytest.mark.parametrize("cause", UNPROVEN)
def test_a_host_that_is_not_proven_is_not_played_at(cause: str) -> None:
    """Neither prepare nor restore nor teardown, and each says why."""
    run = Run(FakeProbe(facts=UNPROVEN[cause]))
    assert run.record.exit_code == 4
    assert run.runner.plays == []
    assert run.not_run == dict.fromkeys(
        ("prepare", "restore_moodle", "teardown"), NotRun.NEVER_PROVEN
    )


@pytest.mark.parametrize("answer", [Reach.OPEN, Reach.UNRESOLVED, Reach.UNKNOWN])
def test_a_host_that_only_guards_have_seen_is_not_torn_down(answer: Reach) -> None:
    """With production in reach and nothing begun, the teardown playbook stays away."""
    run = Run(Reaches(answer), without(Phase.PREPARE))
    assert run.record.verdict is Verdict.INCONCLUSIVE
    assert run.runner.plays == []
    assert run.not_run == dict.fromkeys(("restore_moodle", "teardown"), NotRun.NEVER_PROVEN)


def test_what_was_prepared_is_put_back_with_production_in_reach() -> None:
    """It was proven a standby when the prepare playbook ran: that is put back, and no more."""
    run = Run(Reaches(Reach.OPEN))
    assert run.runner.plays == ["prepare", "teardown"]
    assert run.not_run == {"restore_moodle": NotRun.NEVER_PROVEN}


class Unmarked(FakeProbe):
    """Has its marker at first, and not when it is looked at again."""

    looks = 0

    def facts(self, host: Host, site: Site) -> HostFacts:
        """Answer, the second time without a marker."""
        self.looks += 1
        update = {"marker": None} if self.looks > 1 else {}
        return super().facts(host, site).model_copy(update=update)


def test_a_marker_that_went_is_the_last_word() -> None:
    """A host that is no proven standby any more is left alone, and that is told as residue."""
    run = Run(Unmarked())
    assert run.runner.plays == ["prepare"]
    assert run.not_run["teardown"] is NotRun.NEVER_PROVEN
    assert texts(run.record.residue) == (f"{HOST}: not torn down: never proven",)


def test_a_lab_machine_is_marked_by_its_prepare_step() -> None:
    """Its marker is proven after it; without one, nothing is restored and nothing torn down."""
    drill = PLAN.drill.model_copy(update={"standby": LabStandby(vm="lab")})
    lab = PLAN.model_copy(update={"drill": drill})
    assert Run(FakeProbe(), lab).record.verdict is Verdict.PASSED
    unmarked = Run(FakeProbe(facts=host_facts(marker=None)), lab)
    assert unmarked.runner.plays == ["prepare"]
    assert unmarked.record.verdict is Verdict.INCONCLUSIVE


# ---------------------------------------------------------------- isolation, looked at again


@pytest.mark.parametrize(
    ("looks", "verdict", "seen"),
    [
        ([Reach.CLOSED], Verdict.PASSED, ["proven", "proven", "proven"]),
        ([Reach.CLOSED, Reach.OPEN], Verdict.FAILED, ["proven", "refused", "refused"]),
        ([Reach.CLOSED, Reach.OPEN, Reach.CLOSED], Verdict.FAILED, ["proven", "refused", "proven"]),
        ([Reach.CLOSED, Reach.CLOSED, Reach.OPEN], Verdict.FAILED, ["proven", "proven", "refused"]),
        ([Reach.CLOSED, Reach.UNKNOWN], Verdict.INCONCLUSIVE, ["proven", "unproven", "unproven"]),
        (
            [Reach.CLOSED, UnreachableError("it is gone"), Reach.CLOSED],
            Verdict.INCONCLUSIVE,
            ["proven", "unproven", "proven"],
        ),
        (
            [Reach.CLOSED, Reach.CLOSED, UnreachableError("it is gone")],
            Verdict.INCONCLUSIVE,
            ["proven", "proven", "unproven"],
        ),
    ],
)
def test_isolation_is_proven_three_times(
    looks: list[Any], verdict: Verdict, seen: list[str]
) -> None:
    """Before the restore, once services run, before the teardown: one opening is FAILED."""
    run = Run(Reaches(*looks))
    record = run.record
    assert record.verdict is verdict
    guards = [g for g in record.guards if str(g.guard) == f"must-not-reach {ENDPOINT}"]
    assert [g.phase for g in guards] == [Phase.PREPARE, Phase.VERIFY, Phase.TEARDOWN]
    assert [g.outcome for g in guards] == seen
    assert run.runner.plays == ["prepare", "restore_moodle", "teardown"]
    assert record.residue == ()
    assert record.recovery.marks[Mark.SERVICE_VERIFIED].at == after(121)  # as without the looks
    found = {each.key: each.severity for each in findings_of(record)}
    opened = f"guard/moodle/must-not-reach {ENDPOINT}"
    assert (found.get(opened) is Severity.CRITICAL) is (verdict is Verdict.FAILED)


@pytest.mark.parametrize("restored", [StepOutcome.FAILED, StepOutcome.UNREACHABLE])
def test_a_restore_that_ends_badly_is_looked_at_before_its_teardown(restored: StepOutcome) -> None:
    """An opening is FAILED with a finding, whatever the restore came to."""
    run = Run(Reaches(Reach.CLOSED, Reach.OPEN), restore_moodle=restored)
    assert run.record.verdict is Verdict.FAILED
    assert run.runner.plays[-1] == "teardown"
    assert any(Phase.TEARDOWN is g.phase and not g.holds for g in run.record.guards)


# ---------------------------------------------------------------- after kill -9


class Killed(BaseException):
    """What kill -9 does, as far as the code after it is concerned."""


def before_its_teardown(journal: FakeJournal) -> None:
    """Cut a journal as that of a process that was killed: a living one's goes on."""
    first = next(n for n, x in enumerate(journal._lines[1:], 1) if '"phase": "teardown"' in x)
    del journal._lines[first:]
    journal.record = None
    journal.close()


def killed(plan: RunPlan = PLAN) -> FakeStore:
    """Return a store with a run whose process was killed while its checks ran."""
    store, clock = FakeStore(), FakeClock()

    def kill(name: str) -> None:
        if name == "check the service":
            raise Killed

    tools = fake_tools(clock, store=store, progress=FakeProgress(kill))
    with pytest.raises(Killed):
        run_drill(a_start(plan=plan), tools, Cancellation(), disruption=None)
    (journal,) = store.journals
    before_its_teardown(journal)
    return store


def recovered(store: FakeStore, probe: FakeProbe) -> tuple[RunRecord, list[str]]:
    """Recover it; return its record and what was played."""
    clock = FakeClock()
    runner = FakeRunner(clock)
    tools = fake_tools(clock, store=store, runner=runner, probe=probe)
    (record,) = recover_crashed(store, lambda _plan: tools).records
    return record, runner.plays


def test_a_killed_run_is_torn_down_once_its_host_is_proven_anew() -> None:
    """Identity, marker and machine are looked at by the recovering process itself."""
    record, plays = recovered(killed(), FakeProbe())
    assert plays == ["teardown"]
    anew = {str(guard.guard) for guard in record.guards if guard.phase is Phase.TEARDOWN}
    assert anew >= {"dr_role", "host-key", "not-primary-of-moodle", "marker", "same-machine"}
    assert (record.state, record.residue) == (RunState.CRASHED, ())


def silent() -> FakeProbe:
    """Return a probe of a host that does not answer."""
    probe = FakeProbe()
    probe.unreachable = True
    return probe


@pytest.mark.parametrize(
    "probe",
    [
        *(FakeProbe(facts=facts) for facts in UNPROVEN.values()),
        FakeProbe(facts=host_facts(host_key=OTHER_KEY)),
        silent(),
    ],
)
def test_a_killed_runs_host_that_is_not_proven_anew_is_left_alone(probe: FakeProbe) -> None:
    """The journal's guards are the past: no playbook, and the record says what was not done."""
    record, plays = recovered(killed(), probe)
    assert plays == []
    assert texts(record.residue) == (f"{HOST}: not torn down: never proven",)
    (left,) = [step for step in record.not_executed if step.name == "teardown"]
    assert left.not_run is NotRun.NEVER_PROVEN
    assert record.verdict is Verdict.INCONCLUSIVE


# ---------------------------------------------------------------- several hosts


class OneUnmarked(FakeProbe):
    """One host of an estate has lost its marker."""

    def facts(self, host: Host, site: Site) -> HostFacts:
        """Answer for it."""
        facts = super().facts(host, site)
        gone = host.name == "database-standby"
        return facts.model_copy(update={"marker": None}) if gone else facts


def test_one_host_that_is_not_proven_keeps_the_estate_from_beginning() -> None:
    """Nothing is played anywhere: all were to be proven before the first is touched."""
    plan, clock = an_estate(), FakeClock()
    runner = FakeRunner(clock)
    standby = FakeStandby(*estate_hosts())
    verifier = FakeVerifier(estate_verifications(clock))
    tools = fake_tools(
        clock, runner=runner, standby=standby, verifier=verifier, probe=OneUnmarked()
    )
    record = run_drill(a_start(plan=plan), tools, Cancellation(), disruption=None)
    assert record.exit_code == 4
    assert runner.plays == []


def test_of_a_killed_estate_only_what_is_proven_anew_is_torn_down() -> None:
    """The host that lost its marker keeps what it has, and is told; the others are put back."""
    plan, clock, store = an_estate(), FakeClock(), FakeStore()
    checks = estate_verifications(clock)
    standby = FakeStandby(*estate_hosts())
    verifier = FakeVerifier(checks)
    tools = fake_tools(clock, store=store, standby=standby, verifier=verifier)
    run_drill(a_start(plan=plan), tools, Cancellation(), disruption=None)
    (journal,) = store.journals
    before_its_teardown(journal)
    runner = FakeRunner(clock)
    again = fake_tools(clock, store=store, standby=standby, runner=runner, probe=OneUnmarked())
    (record,) = recover_crashed(store, lambda _plan: again).records
    assert runner.plays == ["teardown_application", "teardown_directory"]
    assert texts(record.residue) == ("database-standby: not torn down: never proven",)


# ---------------------------------------------------------------- whatever the journal tells

GUARDS = [(Event.GUARD, guard.model_dump(mode="json")) for guard in proven_guards(PLAN)]
_OF_IDENTITY = [guard for guard in proven_guards(PLAN) if not guard.of_isolation]


@given(st.integers(0, len(GUARDS) - 1), st.sampled_from(["gone", *GuardOutcome]))
def test_no_fold_without_proven_guards_is_passed(which: int, how: str) -> None:
    """Take any one guard away, or let it find something else: PASSED rests on every one."""
    gone = GUARDS[which]
    told = []
    for event, what in whole():
        if (event, what) != gone:
            told.append((event, what))
        elif how != "gone":
            told.append((event, {**what, "outcome": how}))
    record = record_of(fold(told), "a-run", after(60), ())
    good = how in {GuardOutcome.PROVEN, GuardOutcome.WAIVED}
    assert (record.verdict is Verdict.PASSED) is good


GUARD_KEYS = {str(guard) for _, guard in demanded(PLAN)} | {"machine-id", "same-machine"}
results = st.builds(
    lambda guard, outcome, phase: a_guard(guard=guard, outcome=outcome, phase=phase),
    st.sampled_from(sorted(GUARD_KEYS)),
    st.sampled_from([GuardOutcome.PROVEN] * 4 + list(GuardOutcome)),
    st.sampled_from(Phase),
)
events = st.one_of(
    results.map(lambda result: (Event.GUARD, result.model_dump(mode="json"))),
    st.just((Event.LOST, {})),
    st.sampled_from(PLAN.steps).map(
        lambda step: (Event.STEP_STARTED, {"phase": step.phase, "name": step.name})
    ),
)


@given(st.lists(events, max_size=40), st.sampled_from([*Phase]))
def test_no_fold_without_proven_guards_lets_a_playbook_work(
    told: list[tuple[Event, dict[str, Any]]], phase: Phase
) -> None:
    """In any order of events: who may be worked on has proven, since the last crash, what it is."""
    facts = Facts(started=a_start(plan=PLAN), began=START)
    last: dict[Guard, GuardResult] = {}
    for event, what in told:
        facts = facts.after(event, what)
        if event is Event.LOST:
            last = {}
        elif event is Event.GUARD:
            result = GuardResult.model_validate(what)
            last[result.guard] = result
    if workable(facts, phase, (HOST,)):
        assert {guard.guard for guard in _OF_IDENTITY} <= set(last)
        assert all(guard.holds for guard in last.values() if not guard.of_isolation)


def test_a_drill_without_a_comparison_says_so() -> None:
    """`primary: none` passes, and the record tells what it does not prove."""
    plan = PLAN.model_copy(update={"primaries": {"moodle": PrimaryIdentity(waived=True)}})
    record = Run(FakeProbe(), plan).record
    assert record.verdict is Verdict.PASSED
    (guard,) = [each for each in record.guards if str(each.guard) == "not-primary-of-moodle"]
    assert guard.outcome is GuardOutcome.WAIVED
    assert any(
        "primary of moodle: the plan says primary: none" in each for each in texts(record.limits)
    )


def test_a_plan_that_does_not_name_its_primary_is_not_drilled() -> None:
    """Nothing declared is nothing proven: exit 4, with what to write."""
    run = Run(FakeProbe(), PLAN.model_copy(update={"primaries": {}}))
    assert run.record.exit_code == 4
    assert run.runner.plays == []
    assert "or write primary: none" in run.record.reasons[0].text
