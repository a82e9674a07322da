"""A run, from top to bottom: readiness → prepare → restore → verify → teardown → record."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import closing
from datetime import datetime

from pradrill.domain.conclusion import record_of
from pradrill.domain.events import Event, Started
from pradrill.domain.facts import Facts
from pradrill.domain.outcome import Phase, StepKind, StepOutcome, StepResult
from pradrill.domain.record import Refusal, RunRecord
from pradrill.domain.run_plan import Branch, PlannedStep
from pradrill.domain.timeline import Mark
from pradrill.engine.branches import GoOn, side_by_side
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Came, Context, Disruption, Stop, Tools
from pradrill.engine.holding import hold_standby
from pradrill.engine.steps import TAKE
from pradrill.errors import BusyError, PradrillError, UnreachableError


def run_drill(
    started: Started, tools: Tools, cancelled: Cancellation, *, disruption: Disruption | None
) -> RunRecord:
    """Carry the plan out and return its sealed record. Raises RecordError, after teardown."""
    began = tools.clock.now()
    with closing(tools.store.open(started.plan.drill.drill, began)) as journal:
        run = Run(Context(journal, Facts(started=started, began=began), tools, cancelled))
        run.context.note(Event.STARTED, **started.model_dump(mode="json"))
        try:
            with hold_standby(tools.store, started.plan, journal.run_id):
                run.carry_out(disruption)
        except BusyError as busy:
            run.refuse(Refusal.BUSY, str(busy.message))
        return run.seal()


class Run:
    """One execution: which step comes when, and what becomes of the run when one does not pass."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._ended: set[str | None] = set()
        """Branches that a step which did not pass has ended."""

    def carry_out(self, disruption: Disruption | None) -> None:
        """Take every step in order, branches side by side; teardown on every path."""
        self.context.begin()
        try:
            self._mark_disruption(disruption)
            self._all(Phase.READINESS)
            self._each(Phase.PREPARE, in_order=False)
            self._all(Phase.PREPARE)
            self._each(Phase.RESTORE, Phase.VERIFY, in_order=True)
            self._all(Phase.VERIFY)
        except Stop:
            pass
        finally:
            self.tear_down()

    def tear_down(self) -> None:
        """Put the standby back; nothing cancels this, and every step is tried."""
        context = self.context
        context.end()
        context.tools.progress.phase(Phase.TEARDOWN)
        if ended := context.tools.runner.reap(context.journal.run_id):
            context.tools.progress.say(f"{ended} left-over processes were ended")
        for step in context.facts.plan.steps_of(Phase.TEARDOWN):
            if step.kind is StepKind.STOP or (context.facts.touched and context.site is not None):
                known = context.facts.residue
                result = self._step(step)
                if result.outcome is not StepOutcome.PASSED and context.facts.residue == known:
                    context.left([f"{step.name} ended {result.outcome}: {result.detail}"])
        context.forget_folder()

    def reconnect(self) -> None:
        """Reach the standby of a run that crashed, for its teardown; a lab machine is not kept."""
        if self.context.facts.touched and not self.context.facts.plan.drill.standby.machines:
            try:
                self.context.connect()
                self.context.identify_again()
            except PradrillError as error:
                self.context.left([f"the standby was not torn down: {error.message}"])

    def refuse(self, why: Refusal, *because: str) -> None:
        """Note that the run does not start."""
        self.context.note(Event.REFUSED, refusal=why, because=list(because))

    def seal(self) -> RunRecord:
        """Write the record; raises RecordError when it, or a fact before it, was not written."""
        context = self.context
        if context.signal is not None:
            context.note(Event.SIGNAL, signal=context.signal)
        context.note(Event.CLOCK, seconds=context.tools.clock.stepped())
        if context.unwritten is not None:
            raise context.unwritten
        journal = context.journal
        record = record_of(
            context.facts, journal.run_id, context.tools.clock.now(), journal.evidence()
        )
        journal.seal(record)
        return record

    def _all(self, phase: Phase) -> None:
        """Take a phase's steps that concern every branch; one that does not pass ends the run."""
        self.context.tools.progress.phase(phase)
        for step in self.context.facts.plan.shared(phase):
            if self._nothing_to_accept(step):
                raise Stop
            result = self._step(step)
            if self.context.cancelled():
                raise Stop
            if result.outcome is not StepOutcome.PASSED:
                if phase is Phase.READINESS:
                    self.refuse(Refusal.NOT_READY, *result.detail.splitlines())
                raise Stop

    def _each(self, *phases: Phase, in_order: bool) -> None:
        """Take the branches' own steps: all at once, or each after those that it depends on."""
        branches = {branch.service: branch for branch in self.context.facts.plan.branches}

        def take(service: str | None, go_on: GoOn) -> None:
            try:
                if service not in self._ended and not self.context.cancelled():
                    self._branch(branches[service], phases, go_on)
            except Stop:
                self._ended.add(service)
            except BaseException:
                self.context.abandon()
                raise

        side_by_side({s: b.after if in_order else () for s, b in branches.items()}, take)
        if self.context.cancelled() or len(self._ended) == len(branches):
            raise Stop

    def _branch(self, branch: Branch, phases: Collection[Phase], go_on: GoOn) -> None:
        """Take a branch's own steps in turn; those after it go on once its service is verified."""
        context = self.context.of(branch.service)
        for phase in phases:
            context.tools.progress.phase(phase)
            for step in context.facts.plan.own(phase, branch):
                result = self._step(step)
                if context.cancelled():
                    raise Stop
                if result.outcome is StepOutcome.PASSED and step.kind is StepKind.CHECKS:
                    go_on()
                elif result.outcome is not StepOutcome.PASSED and phase is not Phase.VERIFY:
                    raise Stop  # what is seen in verification does not rest on one another
            if phase is Phase.RESTORE:
                context.mark(Mark.DATA_RESTORED, self._restore_end(branch))

    def _nothing_to_accept(self, step: PlannedStep) -> bool:
        facts = self.context.facts
        stable = all(facts.of(branch.service).stable for branch in facts.plan.branches)
        return step.phase is Phase.VERIFY and not stable

    def _step(self, step: PlannedStep) -> StepResult:
        context = self.context.of(step.service)
        clock, progress = context.tools.clock, context.tools.progress
        deadline = step.deadline.total_seconds()
        progress.step(step.name, deadline)
        phase, name, service = step.key
        context.note(Event.STEP_STARTED, phase=phase, name=name, service=service)
        started = clock.now()
        came = self._take(context, step)
        ended = clock.now()
        result = StepResult(
            phase=step.phase,
            name=step.name,
            kind=step.kind,
            outcome=came.outcome,
            started=started,
            ended=ended,
            seconds=(ended - started).total_seconds(),
            deadline=deadline,
            hosts=step.hosts,
            service=service,
            detail=came.detail,
            **came.more,
        )
        context.note(Event.STEP_ENDED, **result.model_dump(mode="json"))
        progress.done(result)
        return result

    def _take(self, context: Context, step: PlannedStep) -> Came:
        try:
            return TAKE[step.kind](context, step)
        except UnreachableError as error:
            return Came(StepOutcome.UNREACHABLE, error.message)
        except PradrillError as error:
            return Came(StepOutcome.UNKNOWN, error.message)
        except Stop:
            raise
        except Exception as error:  # noqa: BLE001 a tool that breaks must not break the teardown
            return Came(StepOutcome.UNKNOWN, f"{type(error).__name__}: {error}")

    def _restore_end(self, branch: Branch) -> datetime:
        steps = self.context.facts.steps
        mine = [s for s in steps if s.service == branch.service and s.phase is Phase.RESTORE]
        ends = [step.work_ended for step in mine if step.work_ended]
        ends += [step.ended for step in mine if step.kind is StepKind.MANUAL]
        return max(ends, default=self.context.tools.clock.now())

    def _mark_disruption(self, disruption: Disruption | None) -> None:
        context = self.context
        if disruption is None:
            context.mark(Mark.DISRUPTION, context.facts.began)
        else:
            context.mark_instant(Mark.DISRUPTION, disruption.instant)
            if disruption.primary_skew is not None:
                known = disruption.primary_skew.model_dump(mode="json")
                context.note(Event.SKEW, host="primary", skew=known)
        for service, skew in context.facts.started.primaries.items():
            known = skew.model_dump(mode="json")
            context.note(Event.SKEW, host=f"primary of {service}", skew=known)
        context.mark(Mark.DECLARED, context.facts.began)
