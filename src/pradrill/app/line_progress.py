"""Say line by line what is done, for whoever has no terminal to watch."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from copy import copy
from datetime import datetime
from typing import TextIO

from pradrill.domain.run.outcome import StepKey, StepOutcome, StepResult
from pradrill.domain.run.question import Question
from pradrill.domain.run.run_plan import RunPlan
from pradrill.ports import Progress
from pradrill.reporting.language.formats import colon, line, short
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.text.questions import question_lines

_LONGEST = 200


class LineProgress:
    """Prints each thing as it comes, with the time since the start; never raises."""

    def __init__(self, now: Callable[[], datetime], out: TextIO | None = None) -> None:
        self._now = now
        self._start = now()
        self._out = out or sys.stderr

    def of(self, service: str | None, step: str | None = None) -> Progress:  # noqa: ARG002
        """Return the same lines."""
        return self

    def begin(self, run_id: str, plan: RunPlan) -> None:
        """Leave a run to its steps."""

    def phase(self, name: str) -> None:
        """Leave a phase to its steps."""

    def step(self, name: str, deadline: float) -> None:  # noqa: ARG002 not shown
        """Begin a step."""
        self.say(name)

    def say(self, line: str) -> None:
        """Print a line."""
        self._print(line)

    def checks(self, green: int, total: int) -> None:
        """Leave the checks to what comes of them."""

    def ask(self, question: Question) -> None:
        """Leave questions to those who are asked."""

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
            rto = short(plan.objectives.rto)
            self._print(f"drill {plan.drill.drill}: {len(plan.steps)} steps, RTO {rto}")

    def of(self, service: str | None, step: str | None = None) -> RunLines:
        """Return the lines of one branch, or of a step beside others: each names it."""
        view = copy(self)
        view._service, view._step = service, step  # noqa: SLF001 a copy of our own
        return view

    def begin(self, run_id: str, plan: RunPlan) -> None:
        """Name the run, where it can be watched, answered and stopped from."""
        hosts = ", ".join(host.name for host in plan.hosts)
        self._print(f"run {run_id} on {hosts}")

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
        where = (
            f"step {self._keys.index(key) + 1} of {len(self._keys)}, " if key in self._keys else ""
        )
        self._print(f"{where}{phase}: {self._branch}{name}, at most {short(deadline)}")

    def say(self, line: str) -> None:
        """Tell what is going on inside the step."""
        beside = f"{self._step}{colon()}" if self._step else ""
        self._print(f"{self._branch}{beside}{line}", inside=True)

    def checks(self, green: int, total: int) -> None:
        """Tell how many checks are green, whenever that is another number."""
        if self._green.get(self._service) != (green, total):
            self._green[self._service] = (green, total)
            self.say(f"{green} of {total} checks green")

    def ask(self, question: Question) -> None:
        """Show what a person is asked for."""
        with speaking(self._language):
            for each in question_lines(question):
                self._print(each, inside=True)

    def finish(self, step: StepResult) -> None:
        """Tell how a step ended, and why if it did not pass."""
        passed = step.outcome is StepOutcome.PASSED
        why = f"{colon()}{step.detail.text}" if step.detail and not passed else ""
        self.say(f"{step.outcome} after {short(step.seconds)}{why}")

    @property
    def _branch(self) -> str:
        return f"{self._service}{colon()}" if self._service else ""
