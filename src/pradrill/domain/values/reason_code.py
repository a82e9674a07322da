"""The reasons that the engine gives: each has a code, which is for ever, and an English form.

A form is what reports translate; `%(name)s` in it stands for a value. Two names are two kinds of
value: a `length` is rounded, a `bound` is exact (`reason.ENGLISH` tells which is which).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Self

from pradrill.errors import N_


class Code(StrEnum):
    """What a reason means."""

    many: str
    one: str

    def __new__(cls, code: str, form: str, one: str = "") -> Self:
        """Give the code its form, and another one for a `count` of one."""
        member = str.__new__(cls, code)
        member._value_ = code
        member.many, member.one = form, one
        return member

    @classmethod
    def known(cls, code: str) -> Code | None:
        """Return the member of that value; None for one of another version."""
        return next((member for member in cls if member.value == code), None)

    def form(self, values: Mapping[str, object]) -> str:
        """Return the form that goes with the values."""
        return self.one if self.one and values["count"] == 1 else self.many

    JOINED = "joined", N_("%(parts)s")
    LINES = "lines", N_("%(lines)s")
    OF_SERVICES = "of-services", N_("%(whose)s: %(because)s")

    # reasons of a verdict
    STAYED_GREEN = (
        "stayed-green",
        N_("%(count)s mandatory checks stayed green, both objectives are met with upper bounds"),
        N_("1 mandatory check stayed green, both objectives are met with upper bounds"),
    )
    STEP_FAILED = "step-failed", N_("%(phase)s step %(step)s failed")
    STEP_FAILED_BECAUSE = "step-failed-because", N_("%(phase)s step %(step)s failed: %(because)s")
    STEP_LATE = "step-late", N_("%(phase)s step %(step)s was not done at its deadline")
    STEP_LATE_BECAUSE = (
        "step-late-because",
        N_("%(phase)s step %(step)s was not done at its deadline: %(because)s"),
    )
    STEP_ENDED = "step-ended", N_("%(phase)s step %(step)s: %(ended)s")
    STEP_ENDED_BECAUSE = (
        "step-ended-because",
        N_("%(phase)s step %(step)s: %(ended)s: %(because)s"),
    )
    CHECK_FAILED = "check-failed", N_("check %(check)s failed on %(host)s: %(title)s")
    CHECK_UNANSWERED = (
        "check-unanswered",
        N_("check %(check)s on %(host)s was %(answered)s: %(because)s"),
    )
    GUARD_NOT_HELD = "guard-not-held", N_("guard %(guard)s on %(host)s is %(seen)s: %(because)s")
    PRODUCTION_REACHED = (
        "production-reached",
        N_("production was within reach of %(host)s once its data was restored: %(guard)s"),
    )
    GUARD_NOT_LOOKED_AT = (
        "guard-not-looked-at",
        N_("guard %(guard)s was not looked at on %(host)s in %(phase)s"),
    )
    RUN_NOT_ENDED = "run-not-ended", N_("the run did not come to its end")
    NO_HOST = "no-host", N_("no host took part")
    STEP_NOT_EXECUTED = "step-not-executed", N_("step %(step)s was not executed")
    NOT_RECOVERED = (
        "not-recovered",
        N_("it was not recovered: %(other)s, which it depends on, was not verified"),
    )
    NO_SERVICE = "no-service", N_("no service was to be recovered")
    NOTHING_RESTORED = "nothing-restored", N_("nothing was restored")
    NO_GUARD = "no-guard", N_("no guard was proven on %(host)s")
    NO_MANDATORY_CHECK = "no-mandatory-check", N_("no mandatory check was carried out")
    NO_CHECK_ON_HOST = "no-check-on-host", N_("no check was carried out on %(host)s")
    NOT_STABLE = "not-stable", N_("the service was not seen stable")
    RPA_NOT_TRUSTED = "rpa-not-trusted", N_("the RPA cannot be trusted: %(because)s")
    NOT_MEASURED = "not-measured", N_("the %(actual)s could not be measured")
    OUT_OF_BOUNDS = (
        "out-of-bounds",
        N_("the %(actual)s is negative, or not within its bounds: instants contradict each other"),
    )
    ASSUMED = "assumed", N_("the %(actual)s rests on an assumption, not on a measurement")
    OBJECTIVE_MISSED = (
        "objective-missed",
        N_("the %(actual)s is %(length)s, at most %(bound)s; the objective is %(objective)s"),
    )
    KILLED = (
        "killed",
        N_("the run's process ended without a word (killed, or the machine went down)"),
    )
    STOPPED_BY_SIGNAL = "stopped-by-signal", N_("the run was interrupted by signal %(number)s")
