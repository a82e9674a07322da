"""The verdict: no evidence is never good news."""

import signal
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pradrill.domain.run.outcome import (
    CheckOutcome,
    CheckResult,
    GuardOutcome,
    GuardResult,
    Phase,
    StepKind,
    StepOutcome,
    StepResult,
)
from pradrill.domain.run.verdict import Evidence, Verdict, exit_code, judge
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.errors import ExitCode
from pradrill.testing import a_check, a_guard, a_step
from pradrill.testing.reasons import texts

HOSTS = ("web", "db")
RTO, RPO = timedelta(hours=4), timedelta(hours=24)
WORSE = [Verdict.PASSED, Verdict.MISSED, Verdict.INCONCLUSIVE, Verdict.FAILED]
BAD_STEPS = [outcome for outcome in StepOutcome if outcome is not StepOutcome.PASSED]
BAD_CHECKS = [outcome for outcome in CheckOutcome if outcome is not CheckOutcome.PASSED]
BAD_GUARDS = [GuardOutcome.REFUSED, GuardOutcome.UNPROVEN]


def an_actual(seconds: float, within: float = 0.0, provenance: str = "measured") -> Elapsed:
    """Return an actual and its bounds."""
    return Elapsed(
        seconds=seconds,
        low=seconds - within,
        high=seconds + within,
        provenance=Provenance(provenance),
    )


def whole(**changes: Any) -> Evidence:
    """Return evidence that lacks nothing."""
    fields: dict[str, Any] = {
        "completed": True,
        "hosts": HOSTS,
        "steps": (a_step(), a_step(phase=Phase.VERIFY, name="check", kind=StepKind.CHECKS)),
        "not_executed": (),
        "held_by": (),
        "brought_data": False,
        "guards": tuple(a_guard(host=host) for host in HOSTS),
        "unlooked": (),
        "checks": tuple(a_check(host=host) for host in HOSTS),
        "stable": True,
        "rto": RTO,
        "rpo": RPO,
        "rta": an_actual(2_530, 0.4),
        "rpa": an_actual(11_100, 2.5),
        "contradictions": (),
    }
    return Evidence.model_validate({**fields, **changes})


# ---------------------------------------------------------------- whatever the evidence

names = st.sampled_from(HOSTS)
bounds = st.floats(min_value=0, max_value=200_000)


@st.composite
def actuals(draw: st.DrawFn) -> Elapsed | None:
    """Draw an actual, coherent or not, or its absence."""
    if draw(st.booleans()):
        return None
    low, seconds, high = (draw(st.floats(-200_000, 200_000)) for _ in range(3))
    return Elapsed(
        seconds=seconds,
        low=low,
        high=high,
        provenance=draw(st.sampled_from(Provenance)),
    )


def mostly(good: Any, every: Any) -> st.SearchStrategy[Any]:
    """Draw good news often enough for PASSED to be met too."""
    return st.sampled_from([good] * 8 + list(every))


steps = st.builds(
    lambda phase, kind, outcome: a_step(phase=phase, kind=kind, outcome=outcome),
    st.sampled_from([phase for phase in Phase if phase is not Phase.TEARDOWN]),
    st.sampled_from(StepKind),
    mostly(StepOutcome.PASSED, StepOutcome),
)
checks = st.builds(
    lambda number, host, mandatory, outcome: a_check(
        check=f"t.py::{number}", host=host, mandatory=mandatory, outcome=outcome
    ),
    st.integers(0, 3),
    names,
    st.booleans(),
    mostly(CheckOutcome.PASSED, CheckOutcome),
)
guards = st.builds(
    lambda host, outcome: a_guard(host=host, outcome=outcome),
    names,
    mostly(GuardOutcome.PROVEN, GuardOutcome),
)
anything = st.builds(
    Evidence,
    completed=mostly(True, [False]),
    hosts=mostly(("web",), [(), HOSTS]),
    steps=st.lists(steps, max_size=5).map(tuple),
    not_executed=mostly((), [("restore",)]),
    held_by=mostly((), [("directory",)]),
    guards=st.lists(guards, max_size=4).map(tuple),
    unlooked=mostly((), [(("web", Phase.VERIFY, "must-not-reach db:3306"),)]),
    checks=st.lists(checks, max_size=5).map(tuple),
    stable=mostly(True, [False]),
    rto=st.just(RTO),
    rpo=st.just(RPO),
    rta=mostly(an_actual(60), []) | actuals(),
    rpa=mostly(an_actual(60), []) | actuals(),
    contradictions=mostly((), [("heartbeat is in the future",)]),
)


@given(anything)
@example(whole())
@example(whole(hosts=(), steps=(), guards=(), checks=()))
def test_passed_rests_on_every_kind_of_evidence(evidence: Evidence) -> None:
    """Whatever is missing, doubtful or wrong, in any combination, PASSED is not the answer."""
    if judge(evidence).verdict is not Verdict.PASSED:
        return
    mandatory = [check for check in evidence.checks if check.mandatory]
    assert evidence.completed
    assert evidence.stable
    assert evidence.hosts
    assert not evidence.not_executed
    assert not evidence.held_by
    assert not evidence.contradictions
    assert any(step.phase is Phase.RESTORE for step in evidence.steps)
    assert {step.outcome for step in evidence.steps} == {StepOutcome.PASSED}
    assert {check.outcome for check in mandatory} == {CheckOutcome.PASSED}
    assert all(guard.holds for guard in evidence.guards)
    assert not evidence.unlooked
    assert {check.host for check in mandatory} >= set(evidence.hosts)
    assert {guard.host for guard in evidence.guards} >= set(evidence.hosts)
    for actual, objective in ((evidence.rta, RTO), (evidence.rpa, RPO)):
        assert actual is not None
        assert 0 <= actual.high <= objective.total_seconds()
        assert actual.low <= actual.seconds <= actual.high
        assert actual.provenance is not Provenance.ASSUMED


@given(
    anything,
    st.sampled_from(["step", "check", "guard", "not executed", "half-way", "contradiction"]),
    st.data(),
)
def test_bad_news_never_improves_a_verdict(
    evidence: Evidence, kind: str, data: st.DataObject
) -> None:
    """One more failure, gap or doubt leaves the verdict as it is or makes it worse."""
    draw = data.draw
    changes: dict[str, dict[str, Any]] = {
        "step": {"steps": (*evidence.steps, a_step(outcome=draw(st.sampled_from(BAD_STEPS))))},
        "check": {"checks": (*evidence.checks, a_check(outcome=draw(st.sampled_from(BAD_CHECKS))))},
        "guard": {"guards": (*evidence.guards, a_guard(outcome=draw(st.sampled_from(BAD_GUARDS))))},
        "not executed": {"not_executed": (*evidence.not_executed, "restore")},
        "half-way": {"completed": False},
        "contradiction": {"contradictions": (*evidence.contradictions, "data in the future")},
    }
    worse = evidence.model_copy(update=changes[kind])
    before, after = judge(evidence).verdict, judge(worse).verdict
    assert WORSE.index(after) >= WORSE.index(before)
    assert after is not Verdict.PASSED


@given(anything)
def test_a_verdict_always_says_why(evidence: Evidence) -> None:
    """Every verdict has reasons, and the same evidence has the same one."""
    judgement = judge(evidence)
    assert all(judgement.reasons)
    assert judge(evidence) == judgement


# ---------------------------------------------------------------- from whole evidence

REMOVALS: dict[str, Callable[[Evidence], dict[str, Any]]] = {
    "not completed": lambda _: {"completed": False},
    "no host": lambda _: {"hosts": ()},
    "no step": lambda _: {"steps": ()},
    "no restore": lambda e: {"steps": tuple(s for s in e.steps if s.phase is not Phase.RESTORE)},
    "not executed": lambda _: {"not_executed": ("restore",)},
    "held": lambda _: {"held_by": ("directory",)},
    "a guard not looked at": lambda _: {"unlooked": (("db", Phase.VERIFY, "must-not-reach x:1"),)},
    "no guard": lambda _: {"guards": ()},
    "no guard on one host": lambda e: {"guards": tuple(g for g in e.guards if g.host != "db")},
    "no check": lambda _: {"checks": ()},
    "no check on one host": lambda e: {"checks": tuple(c for c in e.checks if c.host != "db")},
    "no mandatory check": lambda e: {
        "checks": tuple(c.model_copy(update={"mandatory": False}) for c in e.checks)
    },
    "not stable": lambda _: {"stable": False},
    "no RTA": lambda _: {"rta": None},
    "no RPA": lambda _: {"rpa": None},
    "RTA assumed": lambda _: {"rta": an_actual(60, 0, "assumed")},
    "RPA before its backup": lambda _: {"rpa": an_actual(-60)},
    "instants that contradict": lambda _: {"contradictions": ("a heartbeat is in the future",)},
}


def test_whole_evidence_passes() -> None:
    """The removals below are what changes the verdict: with nothing removed it is PASSED."""
    assert judge(whole()).verdict is Verdict.PASSED


@given(st.lists(st.sampled_from(sorted(REMOVALS)), min_size=1, unique=True))
def test_missing_evidence_is_inconclusive(removed: list[str]) -> None:
    """Every combination of missing evidence, a single one too, is INCONCLUSIVE."""
    evidence = whole()
    for name in removed:
        evidence = evidence.model_copy(update=REMOVALS[name](evidence))
    assert judge(evidence).verdict is Verdict.INCONCLUSIVE


@pytest.mark.parametrize("name", sorted(REMOVALS))
def test_each_gap_is_seen_alone(name: str) -> None:
    """No gap needs another one to be noticed."""
    evidence = whole()
    evidence = evidence.model_copy(update=REMOVALS[name](evidence))
    assert judge(evidence).verdict is Verdict.INCONCLUSIVE


@given(bounds, bounds, bounds, bounds)
@example(RTO.total_seconds(), 0.0, RPO.total_seconds(), 0.0)
@example(RTO.total_seconds(), 0.001, 0.0, 0.0)
@example(0.0, 0.0, RPO.total_seconds(), 0.001)
def test_only_the_upper_bound_meets_an_objective(
    rta: float, rta_within: float, rpa: float, rpa_within: float
) -> None:
    """An objective is met when its actual plus all its uncertainty is, and only then."""
    evidence = whole(rta=an_actual(rta, rta_within), rpa=an_actual(rpa, rpa_within))
    met = rta + rta_within <= RTO.total_seconds() and rpa + rpa_within <= RPO.total_seconds()
    assert judge(evidence).verdict is (Verdict.PASSED if met else Verdict.MISSED)


def test_a_missed_objective_is_told_with_its_bound() -> None:
    """A bound just above the objective is not rounded onto it."""
    (reason,) = texts(judge(whole(rta=an_actual(14_399.9, 0.3))).reasons)
    assert reason == "the RTA is 4h00m, at most 4h200ms; the objective is 4h"


@pytest.mark.parametrize("outcome", [StepOutcome.FAILED, StepOutcome.TIMED_OUT])
def test_a_step_that_failed_is_a_failed_recovery(outcome: StepOutcome) -> None:
    """A restore that fails, or is not done at its deadline, shows that recovery does not work."""
    judgement = judge(whole(steps=(a_step(outcome=outcome, detail="no space left"),)))
    assert judgement.verdict is Verdict.FAILED
    assert "no space left" in judgement.reasons[0].text


@pytest.mark.parametrize("outcome", [o for o in StepOutcome if o not in {"failed", "timed_out"}])
def test_a_step_that_says_nothing_of_the_recovery_is_no_failure(outcome: StepOutcome) -> None:
    """A host that went away or a cancelled step proves nothing either way."""
    expected = Verdict.PASSED if outcome is StepOutcome.PASSED else Verdict.INCONCLUSIVE
    assert judge(whole(steps=(a_step(outcome=outcome),))).verdict is expected


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (CheckOutcome.PASSED, Verdict.PASSED),
        (CheckOutcome.FAILED, Verdict.FAILED),
        (CheckOutcome.ERRORED, Verdict.INCONCLUSIVE),
        (CheckOutcome.SKIPPED, Verdict.INCONCLUSIVE),
    ],
)
def test_a_mandatory_checks_last_answer_decides(outcome: CheckOutcome, verdict: Verdict) -> None:
    """Wrong answers fail the recovery; absent ones leave it unproven."""
    extra = a_check(check="t.py::extra", outcome=outcome)
    assert judge(whole(checks=(*whole().checks, extra))).verdict is verdict


@given(st.lists(st.sampled_from(CheckOutcome), max_size=4))
def test_an_optional_check_decides_nothing(outcomes: list[CheckOutcome]) -> None:
    """Checks that are not mandatory neither save nor fail a run."""
    extra = tuple(
        a_check(check=f"t.py::{number}", mandatory=False, outcome=outcome)
        for number, outcome in enumerate(outcomes)
    )
    assert judge(whole(checks=(*whole().checks, *extra))).verdict is Verdict.PASSED


def test_a_failure_is_told_before_a_gap() -> None:
    """With a wrong answer seen, what is missing besides does not soften the verdict."""
    failed = a_check(outcome=CheckOutcome.FAILED)
    assert judge(whole(checks=(failed,), rpa=None, stable=False)).verdict is Verdict.FAILED


# ---------------------------------------------------------------- exit codes

CODES = {
    Verdict.PASSED: 0,
    Verdict.FAILED: 10,
    Verdict.MISSED: 11,
    Verdict.INCONCLUSIVE: 12,
}


@pytest.mark.parametrize("verdict", Verdict)
@pytest.mark.parametrize("residue", [False, True])
@pytest.mark.parametrize("number", [None, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_exit_codes_have_one_precedence(
    verdict: Verdict, residue: bool, number: int | None
) -> None:
    """Interrupted comes before the verdict, and the verdict before residue."""
    code = exit_code(verdict, residue=residue, signal=number)
    if number is not None:
        assert code == (143 if number == signal.SIGTERM else 130)
    elif verdict is Verdict.PASSED and residue:
        assert code == 13
    else:
        assert code == CODES[verdict]


def test_zero_means_passed_and_nothing_else() -> None:
    """Only one combination in all of them gives a shell's good news."""
    answers = [
        (verdict, residue, number)
        for verdict in Verdict
        for residue in (False, True)
        for number in (None, signal.SIGINT, signal.SIGTERM)
        if exit_code(verdict, residue=residue, signal=number) == ExitCode.PASSED
    ]
    assert answers == [(Verdict.PASSED, False, None)]


def test_evidence_knows_no_default() -> None:
    """Nothing in the evidence is filled in: leaving a field out is an error."""
    for model in (Evidence, GuardResult):
        fields = {name for name, field in model.model_fields.items() if not field.is_required()}
        assert fields <= {"phase"}  # of a guard: records of before do not tell it
    for model_with_outcome in (CheckResult, StepResult):
        assert model_with_outcome.model_fields["outcome"].is_required()
