"""Verification: poll until every mandatory check is green and stays so, or the deadline."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import NamedTuple

from pradrill.domain.drill import Verify
from pradrill.domain.facts import check_key
from pradrill.domain.outcome import CheckOutcome, CheckResult, StepOutcome
from pradrill.ports import Cancelled, Clock, Verification


class Verified(NamedTuple):
    """How verification ended. `first_green` is None unless the service was seen stable."""

    outcome: StepOutcome
    detail: str
    first_green: datetime | None = None
    last_red: datetime | None = None


class _Watch:
    """What is known of each mandatory check: green since when, last red when (steady UTC)."""

    def __init__(self) -> None:
        self.latest: dict[str, CheckOutcome] = {}
        self.green_since: dict[str, datetime] = {}
        self.last_red: dict[str, datetime] = {}

    def see(self, result: CheckResult, started: datetime, ended: datetime) -> None:
        if not result.mandatory:
            return
        key = check_key(result)
        self.latest[key] = result.outcome
        if result.outcome is CheckOutcome.PASSED:
            self.green_since.setdefault(key, ended)
        else:
            self.green_since.pop(key, None)
            self.last_red[key] = started

    def red(self) -> list[str]:
        return [key for key, outcome in self.latest.items() if outcome is not CheckOutcome.PASSED]


def verify_until_stable(  # noqa: PLR0913 the ports and callbacks of one loop
    verification: Verification,
    spec: Verify,
    *,
    clock: Clock,
    cancelled: Cancelled,
    on_pass: Callable[[tuple[CheckResult, ...]], None],
    on_count: Callable[[int, int], None],
) -> Verified:
    """Run passes of checks; red checks alone are asked again quickly, then all of them.

    The service is verified from when the last check turned green, once a pass over all the
    checks has ended at least `stable_for` later with every mandatory one still green.
    """
    if not verification.checks():
        return Verified(StepOutcome.UNKNOWN, "the suite holds no check")
    watch = _Watch()
    end = clock.now() + spec.deadline
    only: list[str] | None = None
    while not cancelled():
        left = (end - clock.now()).total_seconds()
        if left <= 0:
            return _at_deadline(watch, spec)
        asked = clock.now()
        results = verification.run(only, deadline=left, cancelled=cancelled)
        for result in results:
            watch.see(result, clock.from_wall(result.started), clock.from_wall(result.ended))
        on_pass(results)
        red = watch.red()
        on_count(len(watch.latest) - len(red), len(watch.latest))
        if not watch.latest:
            return Verified(StepOutcome.UNKNOWN, "the suite holds no mandatory check")
        if red and all(watch.latest[key] is CheckOutcome.SKIPPED for key in red):
            return Verified(StepOutcome.UNKNOWN, f"{len(red)} mandatory checks were skipped")
        if not red and only is None:
            first_green = max(watch.green_since.values())
            if asked >= first_green + spec.stable_for or spec.stable_for == timedelta(0):
                last_red = max(watch.last_red.values(), default=None)
                return Verified(StepOutcome.PASSED, "", first_green, last_red)
        if red or only is None:
            _pause(clock, spec.poll, end)
        only = red or None
    return Verified(StepOutcome.CANCELLED, "interrupted")


def _pause(clock: Clock, poll: timedelta, end: datetime) -> None:
    clock.sleep(max(0.0, min(poll, end - clock.now()).total_seconds()))


def _at_deadline(watch: _Watch, spec: Verify) -> Verified:
    within = f"within {spec.deadline.total_seconds():g} s"
    red = watch.red()
    if any(watch.latest[key] is CheckOutcome.FAILED for key in red):
        return Verified(StepOutcome.FAILED, f"{len(red)} checks did not turn green {within}")
    if red:
        return Verified(StepOutcome.UNKNOWN, f"{len(red)} checks gave no answer {within}")
    return Verified(StepOutcome.TIMED_OUT, f"the checks were not green long enough {within}")
