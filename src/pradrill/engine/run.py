"""Run a drill from top to bottom: readiness → prepare → restore → verify → teardown → record."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import closing
from datetime import timedelta

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import Event, Started
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.guard import GuardKind
from pradrill.domain.run.outcome import Phase, StepKey, StepKind, StepOutcome, StepResult
from pradrill.domain.run.primary_clock import clock_of_primary
from pradrill.domain.run.proof import is_standby, worked_on
from pradrill.domain.run.record import Refusal, RunRecord
from pradrill.domain.run.run_plan import Branch, PlannedStep, in_turn
from pradrill.domain.run.verdict import opened
from pradrill.domain.values.reason import (
    Reason,
    ReasonOrText,
    as_json,
    as_reason,
    reason,
    reason_of,
    with_hint,
)
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Instant, Mark, Provenance
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context, Disruption, StepEnd, Stop, Tools
from pradrill.engine.parallel import GoOn, Halt, side_by_side
from pradrill.engine.standby_lock import hold_standby
from pradrill.engine.steps.checks import prepare_checks
from pradrill.engine.steps.handlers import take
from pradrill.engine.steps.standby import end_commands, prove_anew
from pradrill.errors import BusyError, PradrillError, UnreachableError, of_disk
from pradrill.ports import Journal

_WAITS = tuple(timedelta(seconds=seconds) for seconds in (2, 4, 8, 16, 30))
"""Before a teardown that did not reach its host is tried again."""
_SECOND = 2


def run_drill(
    started: Started, tools: Tools, cancelled: Cancellation, *, disruption: Disruption | None
) -> RunRecord:
    """Carry the plan out and return its sealed record. Raises RecordError, after teardown."""
    start = tools.clock.now()
    with closing(tools.store.open(started.plan.drill.drill, start)) as journal:
        run = Run(Context(journal, Facts(started=started, began=start), tools, cancelled))
        run.context.note(Event.STARTED, started)
        tools.progress.begin(journal.run_id, started.plan)

        try:
            with hold_standby(tools.store, started.plan, journal.run_id):
                run.carry_out(disruption)
        except BusyError as busy:
            run.refuse(Refusal.BUSY, str(busy.message))

        return run.seal()


def seal(journal: Journal, facts: Facts) -> RunRecord:
    """Write the record of a run that has ended; raises RecordError."""
    assert facts.ended is not None  # noqa: S101 its last fact says so
    record = record_of(facts, journal.run_id, facts.ended, journal.evidence())
    journal.seal(record)
    return record


class Run:
    """One execution: which step comes when, and what becomes of the run when one does not pass."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._ended: set[str | None] = set()
        """Branches that a step which did not pass has ended."""
        self._past: dict[StepKey, StepOutcome] = {}
        """What steps came to in a process before; none is taken again that has ended."""

    def carry_out(self, disruption: Disruption | None) -> None:
        """Take every step in order, branches side by side; teardown on every path."""
        self.context.begin()
        try:
            self.mark_disruption(disruption)
            self.recover()
        except Stop:
            pass
        finally:
            self.tear_down()

    def carry_on(self) -> None:
        """Take the steps that a process before has not ended; teardown on every path."""
        self._past = {step.key: step.outcome for step in self.context.facts.steps}
        self.context.begin()
        try:
            self.recover()
        except Stop:
            pass
        finally:
            self.tear_down()

    def recover(self) -> None:
        """Take every step before the teardown. Raises Stop."""
        self._all(Phase.READINESS)
        self._each(Phase.PREPARE, in_order=False)
        self._all(Phase.PREPARE)
        self._each(Phase.RESTORE, Phase.VERIFY, in_order=True)
        self._all(Phase.VERIFY)

    def tear_down(self) -> None:
        """Put the standby back; nothing cancels this, and every step is tried."""
        context = self.context
        context.end()
        if (abort := context.aborted) is not None:
            context.note(Event.ABORTED, abort)
        context.tools.progress.phase(Phase.TEARDOWN)

        if not context.facts.touched:
            context.tools.runner.dismiss()
        if ended := context.tools.runner.reap(context.journal.run_id):
            context.say(f"{ended} left-over processes were ended")

        self._tell_unproven()
        if self._is_held() and context.facts.touched:
            end_commands(context)

        for step in context.facts.plan.steps_of(Phase.TEARDOWN):
            if self._is_due(step):
                residue = context.facts.residue
                result = self._step(step)
                passed = result.outcome is StepOutcome.PASSED
                # Its guards say it, or nobody asked it of the standby.
                of_standby = step.kind not in {StepKind.ISOLATION_AGAIN, StepKind.CAPTURE}
                if of_standby and not passed and context.facts.residue == residue:
                    context.left([_ended(result)])

        context.tools.runner.dismiss()
        context.forget_folders()

    def _is_due(self, step: PlannedStep) -> bool:
        """Tell whether a step of the teardown has anything to do, on hosts that were proven."""
        context = self.context.of(step.service)
        facts, is_worked_on = context.facts, self._is_held() and context.facts.touched
        match step.kind:
            case StepKind.STOP:
                is_due = True
            case StepKind.DESTROY:
                is_due = facts.provisioned
            case StepKind.EGRESS_AGAIN:
                is_due = self._is_held() and bool(facts.egress)
            case StepKind.FILES_AGAIN:
                is_due = self._is_held() and any(each.watched for each in facts.files.values())
            case StepKind.ISOLATION_AGAIN:
                is_restored = any(phase is Phase.RESTORE for phase, _, _ in facts.begun)
                is_due = (is_worked_on and is_restored) or (self._is_held() and facts.brought_data)
            case StepKind.PLAYBOOK:
                is_due = is_worked_on and context.workable(step.phase) is not None
            case _:
                is_due = is_worked_on

        return is_due

    def _is_held(self) -> bool:
        """Tell whether the standby was reached, and is not another run's."""
        return self.context.site is not None and self.context.facts.refusal is not Refusal.BUSY

    def _tell_unproven(self) -> None:
        """Say which hosts were worked on, or watched, and are not proven now: none is touched."""
        context = self.context
        facts = context.facts
        hosts = [host.name for host in context.site.hosts] if context.site is not None else []
        context.left(
            [
                reason(Code.ON_HOST, host=host, left=reason(Code.HOST_NOT_TORN_DOWN))
                for host in hosts
                if not is_standby(facts, host) and (worked_on(facts, host) or host in facts.watches)
            ]
        )

    def reconnect(self) -> None:
        """Reach the standby of a run that crashed, for its teardown; a throw-away one is gone.

        The proofs in its journal are the past: what is reached now is proven anew, or left alone.
        Raises BusyError when another run has taken it meanwhile.
        """
        context = self.context
        facts = context.facts
        leased = any(guard.guard.kind is GuardKind.LEASE for guard in facts.guards)
        changed = facts.has_effects
        if not (changed or leased) or facts.plan.drill.standby.throw_away:
            return

        try:
            context.connect()
            prove_anew(context)
        except BusyError:
            if changed:
                self._let_go()
                raise
        except PradrillError as error:
            context.tenancy.lose(reason_of(error))
            if changed:
                context.left([reason(Code.NOT_TORN_DOWN, because=reason_of(error))])

    def _let_go(self) -> None:
        """Leave the standby to the run that holds it; this one's teardown comes later."""
        for line in self.context.tenancy.give_back():
            self.context.say(line)
        self.context.tools.standby.stop(self.context.journal.run_id)
        self.context.forget_folders()

    def refuse(self, why: Refusal, *because: ReasonOrText) -> None:
        """Note that the run does not start."""
        self.context.note(Event.REFUSED, refusal=why, because=as_json(because))

    def seal(self) -> RunRecord:
        """Write the record; raises RecordError when it, or a fact before it, was not written."""
        context = self.context
        context.fall_silent()
        if context.signal is not None:
            context.note(Event.SIGNAL, signal=context.signal)
        context.note(Event.CLOCK, seconds=context.tools.clock.stepped())
        if context.unwritten is None:
            context.note(Event.ENDED, ended=context.tools.clock.now().isoformat())
        if context.unwritten is not None:
            raise context.unwritten

        facts = context.facts
        payload = context.as_written(facts.started.model_dump(mode="json"))
        started = Started.model_validate(payload)  # as the journal has it

        return seal(context.journal, facts.model_copy(update={"started": started}))

    def _all(self, phase: Phase) -> None:
        """Take a phase's steps that concern every branch; one that does not pass ends the run."""
        self.context.tools.progress.phase(phase)
        for step in self.context.facts.plan.shared(phase):
            if step.key in self._past:
                continue
            if self._nothing_to_accept(step):
                raise Stop

            result = self._step(step)
            if self.context.cancelled():
                raise Stop
            if result.outcome is not StepOutcome.PASSED:
                facts = self.context.facts
                has_begun = _is_of_recovery(result) or facts.brought_data  # the data is there
                if phase is Phase.READINESS and not has_begun and facts.refusal is None:
                    self.refuse(Refusal.NOT_READY, *result.detail.lines())
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
            if phase is Phase.RESTORE:
                prepare_checks(context)
            for turn in in_turn(context.facts.plan.steps_of_branch(phase, branch)):
                outcomes = self._turn(turn)
                if context.cancelled():
                    raise Stop

                passed = all(outcome is StepOutcome.PASSED for outcome in outcomes)
                if passed and turn[0].kind is StepKind.CHECKS:
                    go_on()
                elif not passed and phase is not Phase.VERIFY:
                    raise Stop  # what is seen in verification does not rest on one another

            if phase is Phase.RESTORE and Mark.DATA_RESTORED not in context.branch_facts.marks:
                context.mark_instant(Mark.DATA_RESTORED, self._restore_end(branch))

    def _turn(self, steps: Sequence[PlannedStep]) -> list[StepOutcome]:
        """Take a step, or several side by side; one that does not pass ends the others."""
        if len(steps) == 1:
            return [self._past.get(step.key) or self._step(step).outcome for step in steps]

        halt = Halt()
        left = {step.name: step for step in steps if step.key not in self._past}

        def take_one(name: str | None, _: GoOn) -> None:
            try:
                if self._step(left[str(name)], halt).outcome is not StepOutcome.PASSED:
                    halt.pull(str(name))
            except BaseException:
                halt.pull(str(name))
                raise

        side_by_side(dict.fromkeys(left, ()), take_one)
        outcomes = {step.key: step.outcome for step in self.context.facts.steps}
        return [outcomes.get(step.key, StepOutcome.UNKNOWN) for step in steps]

    def _nothing_to_accept(self, step: PlannedStep) -> bool:
        """Tell whether people are not to be asked: nothing works, or production is in reach."""
        facts = self.context.facts
        stable = all(facts.of(branch.service).stable for branch in facts.plan.branches)
        return step.phase is Phase.VERIFY and (not stable or any(map(opened, facts.guards)))

    def _step(self, step: PlannedStep, halt: Halt | None = None) -> StepResult:
        context = self.context.of(step.service)
        if halt is not None:
            context = context.beside(step.name, halt)
        clock, progress = context.tools.clock, context.tools.progress
        deadline = step.deadline.total_seconds()
        progress.step(step.name, deadline)

        phase, name, service = step.key
        context.note(Event.STEP_STARTED, phase=phase, name=name, service=service)

        started = clock.now()
        end = self._take(context, step)
        if step.phase is Phase.TEARDOWN and step.kind in {StepKind.PLAYBOOK, StepKind.DESTROY}:
            end = self._until_reached(context, step, end)
        cause = halt.by if halt is not None and not self.context.cancelled() else None
        if cause is not None and end.outcome is StepOutcome.CANCELLED:
            end = end._replace(detail=reason(Code.ENDED_BESIDE, step=cause))
        ended = clock.now()

        result = StepResult(
            phase=step.phase,
            name=step.name,
            kind=step.kind,
            outcome=end.outcome,
            started=started,
            ended=ended,
            seconds=(ended - started).total_seconds(),
            deadline=deadline,
            hosts=step.hosts,
            service=service,
            detail=as_reason(end.detail),
            **end.more,
        )

        context.note(Event.STEP_ENDED, result)
        progress.finish(result)

        return result

    def _until_reached(self, context: Context, step: PlannedStep, end: StepEnd) -> StepEnd:
        """Take a step again, each time later, while its host is not reached and time is left.

        Once where nothing is known of it: somebody may have ended Ansible, for want of memory too.
        """
        clock = context.tools.clock
        deadline = clock.now() + step.deadline
        for number, wait in enumerate(_WAITS, 2):
            left = deadline - clock.now() - wait
            is_lost = step.kind is StepKind.PLAYBOOK and end.outcome is StepOutcome.UNKNOWN
            if end.outcome is not StepOutcome.UNREACHABLE and not (is_lost and number == _SECOND):
                break
            if left <= timedelta():
                break

            why = "not known what came of it" if is_lost else "not reached"
            context.say(f"{why}, tried again in {wait.total_seconds():g} s: {end.detail}")
            clock.sleep(wait.total_seconds())
            if step.kind is StepKind.PLAYBOOK:  # a hypervisor is not the standby
                end_commands(context)
            again = step.model_copy(update={"deadline": left})
            end = self._take(context.again(number), again)

        return end

    def _take(self, context: Context, step: PlannedStep) -> StepEnd:
        try:
            return take(context, step)
        except UnreachableError as error:
            return StepEnd(StepOutcome.UNREACHABLE, _why(step, error))
        except BusyError as busy:
            self.refuse(Refusal.BUSY, busy.message)
            return StepEnd(StepOutcome.UNKNOWN, busy.message)
        except PradrillError as error:
            return StepEnd(StepOutcome.UNKNOWN, _why(step, error))
        except Stop:
            raise
        except Exception as error:  # noqa: BLE001 a tool that breaks must not break the teardown
            full = isinstance(error, OSError) and of_disk(error) is not None
            if full and step.phase is Phase.TEARDOWN and context.keep_elsewhere():
                return self._take(context, step)  # it needs no disk
            return StepEnd(StepOutcome.UNKNOWN, f"{type(error).__name__}: {error}")

    def _restore_end(self, branch: Branch) -> Instant:
        steps = self.context.facts.steps
        results = [s for s in steps if s.service == branch.service and s.phase is Phase.RESTORE]
        ends = [(step.work_ended, step.work_earlier) for step in results if step.work_ended]
        ends += [(step.ended, 0.0) for step in results if step.kind is StepKind.MANUAL]
        if not ends:  # the machines came with the data
            ends = [(step.ended, 0.0) for step in steps if step.kind is StepKind.PROVISION]
        at, earlier = max(ends, default=(self.context.tools.clock.now(), 0.0))
        return Instant(
            at=at,
            earliest=at - timedelta(seconds=earlier),
            latest=at,
            provenance=Provenance.MEASURED,
        )

    def mark_disruption(self, disruption: Disruption | None) -> None:
        """Note T0, T2, and what is known of the primaries' clocks."""
        context = self.context
        if disruption is None:
            context.mark(Mark.DISRUPTION, context.facts.began)
        else:
            context.mark_instant(Mark.DISRUPTION, disruption.instant)
            if disruption.primary_skew is not None:
                context.note(Event.SKEW, host=clock_of_primary(), skew=disruption.primary_skew)

        for service, skew in context.facts.started.primaries.items():
            context.note(Event.SKEW, host=clock_of_primary(service), skew=skew)
        context.mark(Mark.DECLARED, context.facts.began)


def _why(step: PlannedStep, error: PradrillError) -> Reason:
    """Say why a step ended; while nothing was touched yet, also what mends it."""
    hint = error.hint if step.phase is Phase.READINESS else None
    return with_hint(reason_of(error), hint)


def _is_of_recovery(step: StepResult) -> bool:
    """Tell whether the recovery itself did not work: making its machines is a part of it."""
    failing = {StepOutcome.FAILED, StepOutcome.TIMED_OUT}
    return step.kind is StepKind.PROVISION and step.outcome in failing


def _ended(step: StepResult) -> Reason:
    """Say how a step of the teardown ended that did not pass."""
    ended = step.outcome.value
    return reason(Code.TEARDOWN_ENDED, step=step.name, ended=ended, because=step.detail)
