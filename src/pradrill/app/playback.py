"""Show a run from what its journal tells: what its own process showed is what is shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from pradrill.domain.run.event import CheckPass, Event, Started
from pradrill.domain.run.outcome import CheckKey, CheckOutcome, Phase, StepResult
from pradrill.domain.run.question import Question, Wait
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.timeline import Instant, Mark
from pradrill.errors import UNREADABLE
from pradrill.ports import Progress
from pradrill.register.runs.genuine import JournalLine
from pradrill.reporting.language.i18n import _


class Playback:
    """Plays a run's facts, one after the other, to a view of runs.

    `view` makes it, once the run's plan is known. `at` is when the fact happened that is played.
    """

    def __init__(self, run_id: str, view: Callable[[RunPlan, datetime], Progress]) -> None:
        self.at = datetime.min.replace(tzinfo=UTC)
        self.plan: RunPlan | None = None
        self.disruption: datetime | None = None
        self.strange = 0
        """How many facts this version could not understand."""
        self._run_id = run_id
        self._make = view
        self._view: Progress | None = None
        self._phases: dict[str | None, Phase] = {}
        self._answers: dict[str | None, dict[CheckKey, CheckOutcome]] = {}
        """Branch → what each of its mandatory checks has said last."""

    def play(self, fact: JournalLine) -> None:
        """Show a fact; one that cannot be understood is counted."""
        event, self.at, facts = fact
        try:
            if event == Event.STARTED and self._view is None:
                self._begin(Started.model_validate(facts))
            elif self._view is not None:
                self._show(event, facts, self._view)
        except UNREADABLE:
            self.strange += 1

    def _begin(self, started: Started) -> None:
        self.plan = started.plan
        self._view = self._make(started.plan, self.at)
        self._view.begin(self._run_id, started.plan)

    def _show(self, event: str, facts: dict[str, Any], view: Progress) -> None:
        service = self._service(facts)
        name = facts.get("step" if event == Event.NEWS else "name")
        branch = view.of(service, self._beside(service, name))
        match event:
            case Event.MARK if facts["mark"] == Mark.DISRUPTION:
                self.disruption = Instant.model_validate(facts["instant"]).at
            case Event.STEP_STARTED:
                self._step(Phase(facts["phase"]), str(facts["name"]), service, view)
            case Event.STEP_ENDED:
                branch.finish(StepResult.model_validate(facts))
            case Event.NEWS:
                branch.say(str(facts["line"]))
            case Event.CHECK_PASS:
                self._count(facts, service, branch)
            case Event.ASKED:
                view.ask(self._question(Wait.model_validate(facts)))
            case Event.ABORTED:
                view.say(_("aborted by %(who)s: it is torn down first", who=facts["by"]))
            case Event.RESUMED:
                view.say(_("resumed by %(who)s, in another process", who=facts["by"]))
            case Event.LOST:
                view.say(_("its process was killed: another one tears it down"))

    def _step(self, phase: Phase, name: str, service: str | None, view: Progress) -> None:
        assert self.plan is not None  # noqa: S101 the view was made for it
        planned = (step for step in self.plan.steps if step.key == (phase, name, service))
        deadline = next((step.deadline.total_seconds() for step in planned), 0.0)
        if phase is Phase.TEARDOWN:  # it is the whole run's, whose ever the step is
            self._enter(phase, None, view)
        self._enter(phase, service, view)
        self._answers.pop(service, None)
        view.of(service, self._beside(service, name)).step(name, deadline)

    def _beside(self, service: str | None, name: object) -> str | None:
        """Return the name of a step that runs beside others; nothing for all else."""
        steps = self.plan.steps if self.plan is not None else ()
        ours = (step.name for step in steps if step.together and step.service == service)
        return next((each for each in ours if each == name), None)

    def _enter(self, phase: Phase, service: str | None, view: Progress) -> None:
        if self._phases.get(service) is not phase:
            self._phases[service] = phase
            view.of(service).phase(phase)

    def _count(self, facts: dict[str, Any], service: str | None, branch: Progress) -> None:
        """Tell how many mandatory checks are green; a pass may have asked the red ones alone."""
        body = {name: value for name, value in facts.items() if name != "service"}
        answers = self._answers.setdefault(service, {})
        for result in CheckPass.model_validate(body).results:
            if result.mandatory:
                answers[result.key] = result.outcome
        green = sum(outcome is CheckOutcome.PASSED for outcome in answers.values())
        branch.checks(green, len(answers))

    def _question(self, wait: Wait) -> Question:
        assert self.plan is not None  # noqa: S101 the view was made for it
        key = (wait.phase, wait.step, wait.service)
        step = next((step for step in self.plan.steps if step.key == key), None)
        if step is None:
            raise LookupError(key)
        manual = getattr(step, "manual", None)
        return Question(
            run_id=self._run_id,
            phase=wait.phase,
            step=wait.step if wait.service is None else f"{wait.service}: {wait.step}",
            who=wait.who,
            instruction=manual.instruction if manual is not None else "",
            confirm=wait.confirm,
            asked=wait.asked,
            until=wait.asked + step.deadline,
            call=wait.call,
        )

    def _service(self, facts: dict[str, Any]) -> str | None:
        """Return whose branch a fact is of; one that the plan does not know has none."""
        service = facts.get("service")
        branches = self.plan.apart if self.plan is not None else ()
        return next((each.service for each in branches if each.service == service), None)
