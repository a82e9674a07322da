"""Take a killed run up again: its plan is read anew, and must be what it was."""

from __future__ import annotations

import platform
from datetime import datetime

from pradrill.adapters.questions.files import FilePeople
from pradrill.app.author import user
from pradrill.app.composition import App
from pradrill.app.discreet_progress import DiscreetProgress
from pradrill.app.killed_runs import here
from pradrill.app.launch import versions
from pradrill.app.reading import warn
from pradrill.app.tools import closing, tools_for
from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.outcome import Phase
from pradrill.domain.run.owner import Doing
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.resumable import obstacle
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.cancellation import Cancellation, signals_to
from pradrill.engine.context import Tools
from pradrill.engine.crashed_runs import replay
from pradrill.engine.resuming import Resumer, resume_run
from pradrill.engine.run import seal
from pradrill.errors import ConfigurationError, RecordError, UsageError
from pradrill.ports import Journal, Progress

_HASHES = ("files", "around")


class Resuming:
    """A killed run that this process has taken, and what its journal tells."""

    def __init__(self, app: App, run: str) -> None:
        self._app = app
        self.journal: Journal = app.store.claim(run, Doing.RESUME)
        try:
            self.facts, self._last = _read(self.journal)
            self._refuse()
            if (plan_file := self.facts.plan.plan_file) is not None:
                app.prefer_drills(plan_file.parent)
            clock = self.facts.clock
            self._steady = clock is not None and app.clock.follow(clock)
        except BaseException:
            self.journal.close()
            raise

    def go_on(self, progress: Progress) -> RunRecord:
        """Go on with it; SIGINT, SIGTERM and SIGHUP stop it through its teardown."""
        app = self._app
        try:
            if self.facts.ended is not None:  # killed just before its record
                warn(f"run {self.journal.run_id} had come to its end: it is recorded as it ended")
                return seal(self.journal, self.facts)
            progress = DiscreetProgress(progress, app.secrets.masker)
            plan = self._plan()
            cancellation = Cancellation(progress.say)
            tools = tools_for(app, plan, progress)
            with signals_to(cancellation, last=True), closing(tools):
                _refuse_changed(self.facts.plan, plan, tools)
                started = self.facts.started.model_copy(update={"plan": plan})
                facts = self.facts.model_copy(update={"started": started})
                return resume_run(self.journal, facts, tools, cancellation, self._resumer())
        finally:
            self.journal.close()

    def _refuse(self) -> None:
        """Raise UsageError, or RecordError, when nothing can make it go on."""
        if self.facts.ended is not None:
            return
        run_id = self.journal.run_id
        if (wish := FilePeople().aborted(self.journal.folder)) is not None:
            raise UsageError(
                f"the run {run_id} was aborted by {wish.by}: it does not go on",
                hint=f"Tear it down: pradrill teardown {run_id}.",
            )
        name, there = platform.node() or "unknown", self._controller()
        if name != there:
            raise UsageError(
                f"the run {run_id} went on on {there}, and this is {name}: that one may still live",
                hint=f"Resume it on {there}, or tear it down: pradrill teardown {run_id}.",
            )
        if (why := self._app.store.why_unvouched(run_id)) is not None:
            raise RecordError(
                f"the run {run_id} does not go on from facts that nobody vouches for: {why}",
                hint=f"Tear it down: pradrill teardown {run_id}.",
            )
        if (reason := obstacle(self.facts, run_id, here())) is not None:
            raise UsageError(f"the run {run_id} cannot go on: {reason.why}", hint=reason.hint)

    def _controller(self) -> str:
        resumptions = self.facts.resumptions
        return resumptions[-1].controller if resumptions else self.facts.started.launch.controller

    def _plan(self) -> RunPlan:
        """Read again what the run was planned with: its journal keeps no password.

        The hashes are those of when it began: what runs is compared with them.
        """
        before = self.facts.plan
        project = self._app.project(str(before.drill_file))
        (loaded,) = project.drills.values()
        now = self._app.plan(project, loaded)
        return now.model_copy(update={key: getattr(before, key) for key in _HASHES})

    def _resumer(self) -> Resumer:
        return Resumer(
            by=user(),
            controller=platform.node() or "unknown",
            last=self._last,
            cut_since=self._cut_since(),
            steady=self._steady,
            clock=self._app.clock.base(),
            versions=versions(),
        )

    def _cut_since(self) -> dict[str, datetime]:
        """Return host → when the first of its steps began that were cut in their middle."""
        began = {
            (Phase(fact["phase"]), fact["name"], fact.get("service")): at
            for event, at, fact in self.journal.events()
            if event == Event.STEP_STARTED
        }
        since: dict[str, datetime] = {}
        for step in self.facts.cut():
            for host in step.hosts if step.works else ():
                since[host] = min(began[step.key], since.get(host, began[step.key]))
        return since


def _read(journal: Journal) -> tuple[Facts, datetime]:
    """Return what a journal tells, and when its last fact was. Raises RecordError."""
    facts = replay(journal)
    assert facts is not None  # noqa: S101 it has begun
    return facts, max(at for _, at, _ in journal.events())


def _refuse_changed(before: RunPlan, now: RunPlan, tools: Tools) -> None:
    """Raise ConfigurationError when plan or drill say something else than when the run began."""
    then, today = before.model_dump(mode="json"), tools.masked(now.model_dump(mode="json"))
    changed = [key for key in then if then[key] != today.get(key)]
    if changed:
        raise ConfigurationError(
            f"{now.drill_file} or its plan has changed since the run began: {', '.join(changed)}",
            hint="Put back what the run began with, then resume it again.",
        )
