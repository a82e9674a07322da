"""Poll until every mandatory check is green and stays so, or the deadline."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from typing import NamedTuple

from pradrill.domain.declared.drill import Verify
from pradrill.domain.run.outcome import CheckKey, CheckOutcome, CheckResult, StepOutcome
from pradrill.domain.values.reason import Reason, ReasonOrText, reason
from pradrill.domain.values.reason_code import Code
from pradrill.engine.clock_steps import Stretch
from pradrill.ports import Cancelled, Clock, Verification


class VerificationEnd(NamedTuple):
    """How verification ended. `first_green` is None unless the service was seen stable."""

    outcome: StepOutcome
    detail: ReasonOrText
    first_green: datetime | None = None
    last_red: datetime | None = None


class _Watch:
    """What is known of each mandatory check: green since when, last red when (steady UTC)."""

    def __init__(self) -> None:
        self.latest: dict[CheckKey, CheckOutcome] = {}
        self.green_since: dict[CheckKey, datetime] = {}
        self.last_red: dict[CheckKey, datetime] = {}

    def see_all(
        self,
        results: tuple[CheckResult, ...],
        keys: Collection[CheckKey],
        during: Stretch,
        *,
        cut_off: bool,
    ) -> tuple[CheckResult, ...]:
        """Take in a pass over the checks `asked`; return what it told.

        A check that it says nothing about is not green. When the deadline cut the pass off, a
        check that had failed and now has no answer is still known to have failed.
        """
        for key in {*keys} - {result.key for result in results}:
            self.latest[key] = CheckOutcome.ERRORED
            self.green_since.pop(key, None)

        if cut_off:
            results = tuple(result for result in results if not self._was_red_already(result))

        for result in results:
            self._see(result, during)

        return results

    def red(self) -> list[CheckKey]:
        """Return the checks that are not green."""
        return [key for key, outcome in self.latest.items() if outcome is not CheckOutcome.PASSED]

    def hopeless(self) -> Reason | None:
        """Say why no further pass can turn everything green; None when one may."""
        if not self.latest:
            return reason(Code.NO_MANDATORY_IN_SUITE)

        red = self.red()
        if red and all(self.latest[key] is CheckOutcome.SKIPPED for key in red):
            return reason(Code.CHECKS_SKIPPED, count=len(red))
        return None

    def _was_red_already(self, result: CheckResult) -> bool:
        before = self.latest.get(result.key)
        return result.outcome is CheckOutcome.ERRORED and before is CheckOutcome.FAILED

    def _see(self, result: CheckResult, during: Stretch) -> None:
        key = result.key
        if not result.mandatory:
            self.latest.pop(key, None)
            return

        self.latest[key] = result.outcome
        if result.outcome is CheckOutcome.PASSED:
            self.green_since.setdefault(key, during.instant(result.ended).latest)
        else:
            self.green_since.pop(key, None)
            self.last_red[key] = during.instant(result.started).earliest


def verify_until_stable(  # noqa: PLR0913 the ports and callbacks of one loop
    verification: Verification,
    spec: Verify,
    *,
    clock: Clock,
    cancelled: Cancelled,
    on_pass: Callable[[tuple[CheckResult, ...]], None],
    on_count: Callable[[int, int], None],
) -> VerificationEnd:
    """Run passes of checks; red checks alone are asked again quickly, then all of them.

    The service is verified from when the last check turned green, once a pass over all the
    checks, begun at least `stable_for` later, has found every mandatory one still green. Passes
    that end before that time look on meanwhile; one that would begin too early to prove anything,
    and end after it, is not begun.
    """
    if not verification.checks():
        return VerificationEnd(StepOutcome.UNKNOWN, reason(Code.NO_CHECK_IN_SUITE))

    watch = _Watch()
    end = clock.now() + spec.deadline
    only: list[CheckKey] | None = None
    while not cancelled():
        left = (end - clock.now()).total_seconds()
        if left <= 0:
            return _at_deadline(watch, spec)

        start, during = clock.now(), Stretch(clock)
        results = verification.run(only, deadline=left, cancelled=cancelled)
        keys, cut_off = only or verification.checks(), clock.now() >= end

        on_pass(watch.see_all(results, keys, during, cut_off=cut_off))
        red = watch.red()
        on_count(len(watch.latest) - len(red), len(watch.latest))
        if hopeless := watch.hopeless():
            return VerificationEnd(StepOutcome.UNKNOWN, hopeless)

        # Only a pass over all the checks proves that they were green at the same time.
        if not red and only is None:
            first_green = max(watch.green_since.values())
            proving = first_green + spec.stable_for
            if start >= proving or spec.stable_for == timedelta(0):
                last_red = max(watch.last_red.values(), default=None)
                return VerificationEnd(StepOutcome.PASSED, "", first_green, last_red)

            ended = clock.now()
            if ended + spec.poll + (ended - start) > proving and proving < end:
                while not cancelled() and clock.now() + spec.poll < proving:
                    _pause(clock, spec.poll, end)

        # When the last red check turned green, all are asked at once, without a pause.
        if red or only is None:
            _pause(clock, spec.poll, end)
        only = red or None

    return VerificationEnd(StepOutcome.CANCELLED, reason(Code.INTERRUPTED))


def _pause(clock: Clock, poll: timedelta, end: datetime) -> None:
    clock.sleep(max(0.0, min(poll, end - clock.now()).total_seconds()))


def _at_deadline(watch: _Watch, spec: Verify) -> VerificationEnd:
    seconds = spec.deadline.total_seconds()
    red = watch.red()
    if any(watch.latest[key] is CheckOutcome.FAILED for key in red):
        why = reason(Code.CHECKS_RED, count=len(red), seconds=seconds)
        return VerificationEnd(StepOutcome.FAILED, why)
    if red:
        why = reason(Code.CHECKS_SILENT, count=len(red), seconds=seconds)
        return VerificationEnd(StepOutcome.UNKNOWN, why)

    return VerificationEnd(StepOutcome.TIMED_OUT, reason(Code.CHECKS_NOT_STABLE, seconds=seconds))
