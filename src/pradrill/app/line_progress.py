"""Say line by line what is done, for whoever has no terminal to watch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime
from typing import Self, TextIO

from pradrill.app.silent_progress import SilentProgress
from pradrill.domain.run.outcome import StepKey, StepOutcome, StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan
from pradrill.reporting.language.formats import colon, line, short
from pradrill.reporting.language.i18n import _, ngettext, speaking, whole
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.language.terms import phase_name, step_name, word
from pradrill.reporting.text.questions import question_lines

_LONGEST = 200


class LineProgress(SilentProgress):
    """Prints each thing as it comes, with the time since the start; never raises."""

    def __init__(self, now: Callable[[], datetime], out: TextIO | None = None) -> None:
        self._now = now
        self._start = now()
        self._out = out or sys.stderr

    def step(self, name: str, deadline: float) -> None:  # noqa: ARG002 not shown
        """Begin a step."""
        self.say(name)

    def say(self, line: str) -> None:
        """Print a line."""
        self._print(line)

    def finish(self, step: StepResult) -> None:
        """Tell a step that did not pass."""
        if step.outcome is not StepOutcome.PASSED:
            self.say(f"{step.name}: {step.outcome}")

    def _print(self, text: str, *, inside: bool = False) -> None:
        """Print a line; `inside`: of what is going on in the step before."""
        seconds = int((self._now() - self._start).total_seconds())
        indent = " " * (6 if inside else 2)
        words = f"{seconds // 60:02d}:{seconds % 60:02d}{indent}{line(text, _LONGEST)}"
        with suppress(OSError, ValueError):  # a terminal that went away ends nothing
            print(words, file=self._out, flush=True)


class RunLines(LineProgress):
    """Says where a run is, as in "step 4 of 13, restore: import the dump, at most 1h00m"."""

    def __init__(
        self,
        now: Callable[[], datetime],
        plan: RunPlan | None,
        language: str = "en",
        out: TextIO | None = None,
    ) -> None:
        super().__init__(now, out)
        self._language = language
        self._keys: Sequence[StepKey] = [step.key for step in plan.steps] if plan else []
        self._service: str | None = None
        self._step: str | None = None
        self._phases: dict[str | None, str] = {}
        self._green: dict[str | None, tuple[int, int]] = {}
        """The last of each branch: all views of a run share both."""
        if plan is not None:
            with speaking(language):
                name, steps, rto = plan.drill.drill, len(plan.steps), short(plan.objectives.rto)
                says = _(
                    "drill %(drill)s: %(steps)s steps, RTO %(rto)s",
                    drill=name,
                    steps=steps,
                    rto=rto,
                )
                self._print(says)

    def of(self, service: str | None, step: str | None = None) -> Self:
        """Return the lines of one branch, or of a step beside others: each names it."""
        view = copy(self)
        view._service, view._step = service, step  # noqa: SLF001 a copy of our own
        return view

    def begin(self, run_id: str, plan: RunPlan, before: Sequence[StepResult] = ()) -> None:
        """Name the run, where it can be watched, answered and stopped from."""
        hosts = ", ".join(host.name for host in plan.hosts)
        with speaking(self._language):
            self._print(_("run %(run)s on %(hosts)s", run=run_id, hosts=hosts))
            if before:
                self._print(
                    ngettext(
                        "one of its %(steps)s steps has ended already",
                        "%(n)s of its %(steps)s steps have ended already",
                        len(before),
                        steps=whole(len(plan.steps)),
                    )
                )

    def phase(self, name: str) -> None:
        """Begin a phase: its name stands before those of its steps."""
        if self._service is None:  # the branches' own are over
            self._phases.clear()
        self._phases[self._service] = str(name)

    def step(self, name: str, deadline: float) -> None:
        """Begin a step: the how manieth of how many, and how long it may take."""
        self._green.pop(self._service, None)
        phase = self._phases.get(self._service) or self._phases.get(None, "")
        key = (phase, name, self._service)
        with speaking(self._language):
            title = f"{phase_name(phase)}{colon()}{self._branch}{step_name(name)}"
            if key in self._keys:
                step, steps = self._keys.index(key) + 1, len(self._keys)
                number = _("step %(step)s of %(steps)s", step=step, steps=steps)
                title = f"{number}, {title}"
            limit = short(deadline)
            self._print(_("%(step)s, at most %(time)s", step=title, time=limit))

    def say(self, line: str) -> None:
        """Tell what is going on inside the step."""
        beside = f"{self._step}{colon()}" if self._step else ""
        self._print(f"{self._branch}{beside}{line}", inside=True)

    def checks(self, green: int, total: int) -> None:
        """Tell how many checks are green, whenever that is another number."""
        if self._green.get(self._service) != (green, total):
            self._green[self._service] = (green, total)
            with speaking(self._language):
                self.say(_("%(green)s of %(total)s checks green", green=green, total=total))

    def ask(self, question: Question) -> None:
        """Show what a person is asked for."""
        with speaking(self._language):
            for each in question_lines(question):
                self._print(each, inside=True)

    def finish(self, step: StepResult) -> None:
        """Tell how a step ended, and why if it did not pass."""
        with speaking(self._language):
            end, length = word(step.outcome), short(step.seconds)
            end = _("%(outcome)s after %(time)s", outcome=end, time=length)
            passed = step.outcome is StepOutcome.PASSED
            why = f"{colon()}{spoken(step.detail)}" if step.detail and not passed else ""
            self.say(f"{end}{why}")

    @property
    def _branch(self) -> str:
        return f"{self._service}{colon()}" if self._service else ""
