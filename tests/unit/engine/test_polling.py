"""When a service counts as verified, to the second."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.declared.drill import Verify
from pradrill.domain.run.outcome import CheckKey, CheckOutcome, CheckResult, StepOutcome
from pradrill.engine.polling import VerificationEnd, verify_until_stable
from pradrill.ports import Cancelled
from pradrill.testing import FakeClock, FakeVerification, a_check, after

GREEN, RED = CheckOutcome.PASSED, CheckOutcome.FAILED
DARK, SKIPPED = CheckOutcome.ERRORED, CheckOutcome.SKIPPED
WEB, DATA = a_check(check="t.py::web"), a_check(check="t.py::data")
PAGE, ROWS = WEB.key, DATA.key


class Watcher:
    """Runs a verification on a fake clock and keeps what it told."""

    def __init__(self, *passes: Any, seconds: float = 1.0, **options: Any) -> None:
        self.clock = FakeClock()
        self.verification = FakeVerification(
            self.clock, passes, suite=options.pop("suite", (WEB, DATA)), seconds=seconds
        )
        self.passes_told: list[tuple[CheckResult, ...]] = []
        self.counts: list[tuple[int, int]] = []
        self.options = options

    def verified(self, cancelled: Cancelled = lambda: False) -> VerificationEnd:
        """Return how the verification ended."""
        spec = {"stable_for": "10s", "poll": "1s", "deadline": "60s", **self.options}
        return verify_until_stable(
            self.verification,
            Verify.model_validate(
                {
                    "checks": "checks",
                    "newest_data": {"command": "newest"},
                    "must_not_reach": ["db.prod:3306"],
                    **spec,
                }
            ),
            clock=self.clock,
            cancelled=cancelled,
            on_pass=self.passes_told.append,
            on_count=lambda green, total: self.counts.append((green, total)),
        )

    def seconds(self) -> float:
        """Return how long it all took."""
        return (self.clock.now() - after(0)).total_seconds()


def test_green_from_the_start_is_verified_at_the_first_answer() -> None:
    """T5 is the end of the first green pass, not that of the pass which proved it stable."""
    watcher = Watcher(GREEN)
    verified = watcher.verified()
    assert verified == VerificationEnd(StepOutcome.PASSED, "", after(1), None)
    assert 11 <= watcher.seconds() <= 14


def test_stability_takes_as_long_as_it_was_asked_to() -> None:
    """The proving pass begins no earlier than `stable_for` after the first green."""
    watcher = Watcher(GREEN, stable_for="30s")
    watcher.verified()
    assert watcher.passes_told[-1][0].started >= after(31)
    assert watcher.seconds() <= 34


def test_a_pass_longer_than_the_stable_time_is_run_twice_not_three_times() -> None:
    """Begun before `stable_for` it would prove nothing, and it takes minutes."""
    watcher = Watcher(GREEN, seconds=360, poll="500ms", deadline="1h")
    assert watcher.verified() == VerificationEnd(StepOutcome.PASSED, "", after(360), None)
    assert len(watcher.passes_told) == 2
    assert 730 <= watcher.seconds() <= 731


def test_who_waits_for_the_stable_time_can_be_interrupted() -> None:
    """A cancelled run does not wait until a long pass may begin."""
    watcher = Watcher(GREEN, seconds=30, stable_for="10m", deadline="1h")
    verified = watcher.verified(lambda: watcher.seconds() > 40)
    assert verified.outcome is StepOutcome.CANCELLED
    assert watcher.seconds() < 75


def test_no_stability_asked_is_one_green_pass() -> None:
    """With stable_for: 0s the first pass that is green over all checks is enough."""
    watcher = Watcher(GREEN, stable_for="0s")
    assert watcher.verified().first_green == after(1)
    assert len(watcher.passes_told) == 1


def test_the_last_check_to_turn_green_decides() -> None:
    """T5 is bounded by the last red question and the first green answer of the slowest check."""
    watcher = Watcher({ROWS: RED}, {ROWS: RED}, GREEN)
    verified = watcher.verified()
    # passes begin at 0 and 2; the second asks for the rows alone, as does the third, at 4
    assert verified.last_red == after(2)
    assert verified.first_green == after(5)
    assert watcher.verification.requests[1] == [ROWS]


def test_checks_that_turn_green_one_by_one_are_bounded_by_the_last() -> None:
    """An early check's last red says nothing about when the late one turned green."""
    watcher = Watcher(RED, {ROWS: RED}, GREEN)
    verified = watcher.verified()
    assert (verified.last_red, verified.first_green) == (after(2), after(5))


def test_one_green_pass_is_one_over_all_checks() -> None:
    """Even with stable_for: 0s, checks that were green earlier are asked together with the last."""
    watcher = Watcher({ROWS: RED}, GREEN, {PAGE: RED}, GREEN, stable_for="0s")
    assert watcher.verified().first_green == after(6)
    assert watcher.verification.requests == [None, [ROWS], None, [PAGE], None]


def test_a_flapping_service_is_verified_from_its_last_green_period() -> None:
    """A check that turns red again starts its green period anew."""
    watcher = Watcher(GREEN, GREEN, {PAGE: RED}, GREEN)
    verified = watcher.verified()
    assert verified.outcome is StepOutcome.PASSED
    assert verified.last_red == after(4)
    assert verified.first_green == after(7)


def test_a_check_that_was_green_while_others_were_red_is_asked_again() -> None:
    """Green beside red counts for nothing until a pass over all the checks is green."""
    watcher = Watcher({ROWS: RED}, GREEN, {PAGE: RED}, GREEN)
    verified = watcher.verified()
    assert verified.first_green == after(6)
    assert verified.last_red is not None
    assert verified.last_red < verified.first_green


def test_a_service_that_flaps_for_ever_is_not_stable() -> None:
    """Green now and then until the deadline is not green long enough."""
    watcher = Watcher(*[GREEN, GREEN, {PAGE: RED}] * 40)
    verified = watcher.verified()
    assert verified.outcome in {StepOutcome.TIMED_OUT, StepOutcome.FAILED}
    assert verified.first_green is None
    assert watcher.seconds() == 60


def test_never_green_fails_at_the_deadline() -> None:
    """A service that keeps answering wrongly has failed, at the deadline and not later."""
    watcher = Watcher(RED)
    verified = watcher.verified()
    assert verified.outcome is StepOutcome.FAILED
    assert verified.first_green is None
    assert watcher.seconds() == 60


@pytest.mark.parametrize("seconds", [1.0, 0.7, 7.0, 45.0])
def test_the_deadline_cutting_a_pass_off_hides_no_failure(seconds: float) -> None:
    """A check known to have failed is not excused by the last pass having no time to end."""
    watcher = Watcher(RED, seconds=seconds)
    assert watcher.verified().outcome is StepOutcome.FAILED
    last = {result.key: result.outcome for answers in watcher.passes_told for result in answers}
    assert set(last.values()) == {RED}


def test_the_deadline_cutting_a_green_service_off_proves_nothing() -> None:
    """A pass without answers after green ones is no stability."""
    watcher = Watcher(GREEN, seconds=25.0, stable_for="40s")
    verified = watcher.verified()
    assert verified.outcome is StepOutcome.UNKNOWN
    assert verified.first_green is None


def test_checks_without_an_answer_are_no_failure() -> None:
    """Until the deadline nothing was heard: nothing is known of the service."""
    watcher = Watcher(DARK)
    assert watcher.verified().outcome is StepOutcome.UNKNOWN
    assert watcher.seconds() == 60


def test_too_late_for_stability_is_timed_out() -> None:
    """Green, but for less than `stable_for` at the deadline: not seen stable."""
    watcher = Watcher(*[RED] * 26, GREEN)
    assert watcher.verified().outcome is StepOutcome.TIMED_OUT


def test_a_suite_without_checks_proves_nothing() -> None:
    """Zero checks are never green."""
    watcher = Watcher(GREEN, suite=())
    assert watcher.verified().outcome is StepOutcome.UNKNOWN
    assert watcher.passes_told == []


def test_a_suite_without_a_mandatory_check_proves_nothing() -> None:
    """Optional checks alone are never green."""
    watcher = Watcher(GREEN, suite=(a_check(mandatory=False),))
    assert watcher.verified().outcome is StepOutcome.UNKNOWN


def test_an_optional_check_is_shown_and_not_waited_for() -> None:
    """A red check that is not mandatory holds nothing up."""
    optional = a_check(check="t.py::nice", mandatory=False)
    watcher = Watcher({optional.key: RED}, suite=(WEB, optional))
    assert watcher.verified().first_green == after(1)
    assert watcher.counts[0] == (1, 1)
    assert len(watcher.passes_told[0]) == 2


def test_only_skipped_checks_left_ends_the_wait() -> None:
    """A skipped mandatory check will not turn green by waiting for it."""
    watcher = Watcher({ROWS: SKIPPED})
    assert watcher.verified().outcome is StepOutcome.UNKNOWN
    assert watcher.seconds() < 5


def test_cancelled_before_the_first_pass_asks_nothing() -> None:
    """An interruption stops at once."""
    watcher = Watcher(GREEN)
    assert watcher.verified(lambda: True).outcome is StepOutcome.CANCELLED
    assert watcher.passes_told == []


def test_cancelled_while_green_is_not_verified() -> None:
    """An interruption just before stability leaves it unproven."""
    watcher = Watcher(GREEN)
    verified = watcher.verified(lambda: watcher.seconds() > 10)
    assert verified.outcome is StepOutcome.CANCELLED
    assert verified.first_green is None


def test_a_wall_clock_that_is_set_moves_nothing() -> None:
    """NTP moving the controller's clock in between changes neither T5 nor its bounds."""
    watcher = Watcher({ROWS: RED}, GREEN)
    watcher.clock.step(3_600)
    verified = watcher.verified()
    assert verified.last_red == after(0)
    assert verified.first_green == after(3)


class Forgetful(FakeVerification):
    """Breaks the port's promise: from the second pass on it says nothing at all."""

    def run(
        self, only: Sequence[CheckKey] | None, *, deadline: float, cancelled: Cancelled
    ) -> tuple[CheckResult, ...]:
        """Answer once."""
        answers = super().run(only, deadline=deadline, cancelled=cancelled)
        return answers if len(self.requests) == 1 else ()


def test_an_empty_pass_does_not_prove_stability() -> None:
    """A pass that says nothing is no evidence that green stayed green."""
    watcher = Watcher(GREEN)
    watcher.verification = Forgetful(watcher.clock, (GREEN,), suite=(WEB, DATA))
    assert watcher.verified().outcome is StepOutcome.UNKNOWN


class Service(FakeVerification):
    """A service that is healthy in given periods, in seconds after the start."""

    healthy: tuple[tuple[float, float], ...] = ()

    def run(
        self, only: Sequence[CheckKey] | None, *, deadline: float, cancelled: Cancelled
    ) -> tuple[CheckResult, ...]:
        """Answer what is true when the pass begins."""
        now = (self._clock.now() - after(0)).total_seconds()
        up = any(begin <= now < end for begin, end in self.healthy)
        self._passes: list[CheckOutcome | Mapping[CheckKey, CheckOutcome]] = [GREEN if up else RED]
        return super().run(only, deadline=deadline, cancelled=cancelled)


@given(
    healthy_at=st.floats(min_value=0, max_value=40),
    seconds=st.floats(min_value=0.05, max_value=3),
    poll=st.integers(min_value=50, max_value=2_000),
)
def test_the_truth_lies_between_last_red_and_first_green(
    healthy_at: float, seconds: float, poll: int
) -> None:
    """Whenever the service turns healthy, T5's bounds contain that instant, and are tight."""
    watcher = Watcher(poll=f"{poll}ms", stable_for="5s")
    watcher.verification = Service(watcher.clock, suite=(WEB, DATA), seconds=seconds)
    watcher.verification.healthy = ((healthy_at, 1e6),)
    verified = watcher.verified()
    assert verified.outcome is StepOutcome.PASSED
    assert verified.first_green is not None
    low, high, truth = verified.last_red or after(0), verified.first_green, after(healthy_at)
    assert low <= truth <= high
    assert high - low <= timedelta(seconds=2 * seconds, milliseconds=poll + 1)


@given(st.lists(st.floats(min_value=0.5, max_value=20), min_size=2, max_size=8))
def test_verified_means_healthy_for_as_long_as_asked(lengths: list[float]) -> None:
    """However it flaps, a service is verified only in a period that spans `stable_for`."""
    edges = [sum(lengths[:number]) for number in range(len(lengths) + 1)]
    watcher = Watcher(poll="100ms", stable_for="6s")
    watcher.verification = Service(watcher.clock, suite=(WEB,), seconds=0.1)
    watcher.verification.healthy = tuple(zip(edges[::2], edges[1::2], strict=False))
    verified = watcher.verified()
    long_enough = [(b, e) for b, e in watcher.verification.healthy if e - b >= 5.5]
    if verified.outcome is StepOutcome.PASSED:
        assert verified.first_green is not None
        at = (verified.first_green - after(0)).total_seconds()
        assert any(begin <= at <= end for begin, end in long_enough)
    else:
        assert not any(end - begin >= 7 for begin, end in long_enough if end < 60)
