"""A run, from top to bottom: readiness → prepare → restore → verify → teardown → record."""

from __future__ import annotations

from contextlib import closing
from datetime import datetime
from shutil import rmtree

from pradrill.domain.facts import Event, Facts, Started
from pradrill.domain.outcome import Phase, StepKind, StepOutcome, StepResult
from pradrill.domain.record import Refusal, RunRecord
from pradrill.domain.run_plan import PlannedStep
from pradrill.domain.timeline import Mark
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Came, Context, Disruption, Stop, Tools
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
            with tools.store.hold(started.plan.standby_key, journal.run_id):
                run.carry_out(disruption)
        except BusyError as busy:
            run.refuse(Refusal.BUSY, str(busy.message))
        return run.seal()


class Run:
    """One execution: which step comes when, and what becomes of the run when one does not pass."""

    def __init__(self, context: Context) -> None:
        self.context = context

    def carry_out(self, disruption: Disruption | None) -> None:
        """Take every step in order; teardown on every path."""
        self.context.under_way = True
        try:
            self._mark_disruption(disruption)
            for phase in (Phase.READINESS, Phase.PREPARE, Phase.RESTORE, Phase.VERIFY):
                self._phase(phase)
        except Stop:
            pass
        finally:
            self.tear_down()

    def tear_down(self) -> None:
        """Put the standby back; nothing cancels this, and every step is tried."""
        context = self.context
        context.under_way = False
        context.tools.progress.phase(Phase.TEARDOWN)
        if ended := context.tools.runner.reap(context.journal.run_id):
            context.tools.progress.say(f"{ended} left-over processes were ended")
        for step in context.facts.plan.steps_of(Phase.TEARDOWN):
            if step.kind is StepKind.STOP or (context.facts.touched and context.site is not None):
                known = context.facts.residue
                result = self._step(step)
                if result.outcome is not StepOutcome.PASSED and context.facts.residue == known:
                    context.left([f"{step.name} ended {result.outcome}: {result.detail}"])
        if context.folder is not None:
            rmtree(context.folder, ignore_errors=True)

    def reconnect(self) -> None:
        """Reach the standby of a run that crashed, for its teardown; a lab machine is not kept."""
        if self.context.facts.touched and self.context.facts.plan.drill.standby.vm is None:
            try:
                self.context.connect()
            except PradrillError as error:
                self.context.left([f"the standby was not torn down: {error.message}"])

    def refuse(self, why: Refusal, *because: str) -> None:
        """Note that the run does not start."""
        self.context.note(Event.REFUSED, refusal=why, because=list(because))

    def seal(self) -> RunRecord:
        """Write the record; raises RecordError when it, or a fact before it, was not written."""
        context = self.context
        if context.cancelled.signal is not None:
            context.note(Event.SIGNAL, signal=context.cancelled.signal)
        context.note(Event.CLOCK, seconds=context.tools.clock.stepped())
        if context.unwritten is not None:
            raise context.unwritten
        journal = context.journal
        record = context.facts.record(journal.run_id, context.tools.clock.now(), journal.evidence())
        journal.seal(record)
        return record

    def _phase(self, phase: Phase) -> None:
        self.context.tools.progress.phase(phase)
        for step in self.context.facts.plan.steps_of(phase):
            result = self._step(step)
            if self.context.cancelled():
                raise Stop
            if result.outcome is not StepOutcome.PASSED:
                if phase is Phase.READINESS:
                    self.refuse(Refusal.NOT_READY, *result.detail.splitlines())
                if phase is not Phase.VERIFY:  # what is seen there does not rest on one another
                    raise Stop
        if phase is Phase.RESTORE:
            self.context.mark(Mark.DATA_RESTORED, self._restore_end())

    def _step(self, step: PlannedStep) -> StepResult:
        clock, progress = self.context.tools.clock, self.context.tools.progress
        deadline = step.deadline.total_seconds()
        progress.step(step.name, deadline)
        self.context.note(Event.STEP_STARTED, phase=step.phase, name=step.name)
        started = clock.now()
        came = self._take(step)
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
            detail=came.detail,
            **came.more,
        )
        self.context.note(Event.STEP_ENDED, **result.model_dump(mode="json"))
        progress.done(result)
        return result

    def _take(self, step: PlannedStep) -> Came:
        try:
            return TAKE[step.kind](self.context, step)
        except UnreachableError as error:
            return Came(StepOutcome.UNREACHABLE, error.message)
        except PradrillError as error:
            return Came(StepOutcome.UNKNOWN, error.message)
        except Stop:
            raise
        except Exception as error:  # noqa: BLE001 a tool that breaks must not break the teardown
            return Came(StepOutcome.UNKNOWN, f"{type(error).__name__}: {error}")

    def _restore_end(self) -> datetime:
        steps = self.context.facts.steps
        ends = [s.work_ended for s in steps if s.phase is Phase.RESTORE and s.work_ended]
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
