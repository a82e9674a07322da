"""A run, from top to bottom: readiness → prepare → restore → verify → teardown → record."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import datetime
from pathlib import Path
from shutil import rmtree
from typing import Any, NamedTuple

from pradrill.domain.actuals import recovery_point, service_verified
from pradrill.domain.facts import CheckPass, Event, Facts, Reading, Started
from pradrill.domain.instants import parse_instant
from pradrill.domain.outcome import (
    CheckResult,
    GuardOutcome,
    GuardResult,
    Phase,
    StepKind,
    StepOutcome,
    StepResult,
)
from pradrill.domain.record import Refusal, RunRecord
from pradrill.domain.run_plan import PlannedStep
from pradrill.domain.target import Site
from pradrill.domain.timeline import Instant, Mark, Provenance, Skew
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.guards import identity_guards, isolation_guards
from pradrill.engine.verification import verify_until_stable
from pradrill.errors import BusyError, PradrillError, RecordError, UnreachableError
from pradrill.ports import (
    Cancelled,
    Clock,
    HostProbe,
    Journal,
    Play,
    PlaybookRunner,
    Progress,
    RunStore,
    ServiceVerifier,
    Standby,
)

BACKUP_ID = "pradrill_backup_id"
CATALOGUE_TIME = "pradrill_catalogue_time"


class Tools(NamedTuple):
    """The ports that a run works through."""

    clock: Clock
    store: RunStore
    standby: Standby
    probe: HostProbe
    runner: PlaybookRunner
    verifier: ServiceVerifier
    progress: Progress


class Disruption(NamedTuple):
    """T0, and what is known of the primary's clock at that time."""

    instant: Instant
    primary_skew: Skew | None = None


class Came(NamedTuple):
    """What a step came to."""

    outcome: StepOutcome
    detail: str = ""
    more: Mapping[str, Any] = {}


class _Stop(Exception):  # noqa: N818 not an error: the sequence ends here
    """A step did not pass: nothing after it but teardown makes sense."""


def run_drill(
    started: Started, tools: Tools, cancelled: Cancellation, *, disruption: Disruption | None
) -> RunRecord:
    """Carry the plan out and return its sealed record. Raises RecordError, after teardown."""
    began = tools.clock.now()
    with closing(tools.store.open(started.plan.drill.drill, began)) as journal:
        run = Run(journal, Facts(started=started, began=began), tools, cancelled)
        run.note(Event.STARTED, **started.model_dump(mode="json"))
        try:
            with tools.store.hold(started.plan.standby_key, journal.run_id):
                run.carry_out(disruption)
        except BusyError as busy:
            run.refuse(Refusal.BUSY, str(busy.message))
        return run.seal()


class Run:
    """One execution. Its state is what its journal says, folded into `facts`."""

    def __init__(
        self, journal: Journal, facts: Facts, tools: Tools, cancelled: Cancellation
    ) -> None:
        self.journal = journal
        self.facts = facts
        self.tools = tools
        self.cancelled = cancelled
        self.site: Site | None = None
        self.unwritten: RecordError | None = None
        self._under_way = False
        self._folder: Path | None = None
        self._take: dict[StepKind, Callable[[PlannedStep], Came]] = {
            StepKind.PRECONDITIONS: self._preconditions,
            StepKind.START: self._start,
            StepKind.IDENTITY: self._identity,
            StepKind.PLAYBOOK: self._playbook,
            StepKind.ISOLATION: self._isolation,
            StepKind.CHECKS: self._checks,
            StepKind.NEWEST_DATA: self._newest_data,
            StepKind.RESIDUE: self._residue,
            StepKind.STOP: self._release,
        }

    # The run itself

    def carry_out(self, disruption: Disruption | None) -> None:
        """Take every step in order; teardown on every path."""
        self._under_way = True
        try:
            self._mark_disruption(disruption)
            for phase in (Phase.READINESS, Phase.PREPARE, Phase.RESTORE, Phase.VERIFY):
                self._phase(phase)
        except _Stop:
            pass
        finally:
            self.tear_down()

    def tear_down(self) -> None:
        """Put the standby back; nothing cancels this, and every step is tried."""
        self._under_way = False
        self.tools.progress.phase(Phase.TEARDOWN)
        if ended := self.tools.runner.reap(self.journal.run_id):
            self.tools.progress.say(f"{ended} left-over processes were ended")
        for step in self.facts.plan.steps_of(Phase.TEARDOWN):
            if step.kind is StepKind.STOP or (self.facts.touched and self.site is not None):
                known = self.facts.residue
                result = self._step(step)
                if result.outcome is not StepOutcome.PASSED and self.facts.residue == known:
                    self._left([f"{step.name} ended {result.outcome}: {result.detail}"])
        if self._folder is not None:
            rmtree(self._folder, ignore_errors=True)

    def reconnect(self) -> None:
        """Reach the standby of a run that crashed, for its teardown; a lab machine is not kept."""
        if self.facts.touched and self.facts.plan.drill.standby.vm is None:
            try:
                self._connect()
            except PradrillError as error:
                self._left([f"the standby was not torn down: {error.message}"])

    def refuse(self, why: Refusal, *because: str) -> None:
        """Note that the run does not start."""
        self.note(Event.REFUSED, refusal=why, because=list(because))

    def seal(self) -> RunRecord:
        """Write the record; raises RecordError when it, or a fact before it, was not written."""
        if self.cancelled.signal is not None:
            self.note(Event.SIGNAL, signal=self.cancelled.signal)
        self.note(Event.CLOCK, seconds=self.tools.clock.stepped())
        if self.unwritten is not None:
            raise self.unwritten
        record = self.facts.record(
            self.journal.run_id, self.tools.clock.now(), self.journal.evidence()
        )
        self.journal.seal(record)
        return record

    def note(self, event: Event, **facts: Any) -> None:
        """Put a fact into the journal and into `facts`; a full disk stops the run."""
        try:
            self.journal.append(event, self.tools.clock.now(), facts)
        except RecordError as error:
            self.unwritten = self.unwritten or error
        self.facts = self.facts.after(event, facts)
        if self.unwritten is not None and self._under_way:  # teardown goes on without a journal
            raise _Stop

    # Phases and steps

    def _phase(self, phase: Phase) -> None:
        self.tools.progress.phase(phase)
        for step in self.facts.plan.steps_of(phase):
            result = self._step(step)
            if self.cancelled():
                raise _Stop
            if result.outcome is not StepOutcome.PASSED:
                if phase is Phase.READINESS:
                    self.refuse(Refusal.NOT_READY, *result.detail.splitlines())
                if step.kind is not StepKind.CHECKS:
                    raise _Stop
        if phase is Phase.RESTORE:
            self._mark(Mark.DATA_RESTORED, self._restore_end())

    def _step(self, step: PlannedStep) -> StepResult:
        clock, progress = self.tools.clock, self.tools.progress
        deadline = step.deadline.total_seconds()
        progress.step(step.name, deadline)
        self.note(Event.STEP_STARTED, phase=step.phase, name=step.name)
        started = clock.now()
        try:
            came = self._take[step.kind](step)
        except UnreachableError as error:
            came = Came(StepOutcome.UNREACHABLE, error.message)
        except PradrillError as error:
            came = Came(StepOutcome.UNKNOWN, error.message)
        except _Stop:
            raise
        except Exception as error:  # noqa: BLE001 a tool that breaks must not break the teardown
            came = Came(StepOutcome.UNKNOWN, f"{type(error).__name__}: {error}")
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
        self.note(Event.STEP_ENDED, **result.model_dump(mode="json"))
        progress.done(result)
        return result

    # What each kind of step does

    def _preconditions(self, _step: PlannedStep) -> Came:
        problems = self.tools.standby.problems()
        if problems:
            return Came(StepOutcome.FAILED, "\n".join(problems))
        return Came(StepOutcome.PASSED)

    def _start(self, _step: PlannedStep) -> Came:
        self._mark(Mark.RECOVERY_STARTS, self.tools.clock.now())
        self._connect()
        return Came(StepOutcome.PASSED)

    def _identity(self, _step: PlannedStep) -> Came:
        paths = self.facts.plan.drill.standby.absent_after_teardown
        refused: list[GuardResult] = []
        for host in self._there().hosts:
            facts = self.tools.probe.facts(host, self._there())
            self.note(Event.SKEW, host=host.name, skew=facts.skew.model_dump(mode="json"))
            refused += self._guard(identity_guards(host, facts, self.facts.plan.primaries))
            state = self.tools.probe.state(host, self._there(), paths)
            self.note(Event.BASELINE, host=host.name, state=state.model_dump(mode="json"))
        return _guarded(refused)

    def _isolation(self, _step: PlannedStep) -> Came:
        endpoints = self.facts.plan.drill.verify.must_not_reach
        refused: list[GuardResult] = []
        for host in self._there().hosts:
            facts = self.tools.probe.facts(host, self._there())
            reached = self.tools.probe.reaches(host, self._there(), endpoints)
            refused += self._guard(isolation_guards(facts, endpoints, reached))
        return _guarded(refused)

    def _playbook(self, step: PlannedStep) -> Came:
        assert step.playbook is not None  # noqa: S101 planning gives every playbook step one
        never: Cancelled = lambda: False  # noqa: E731 teardown cannot be cancelled
        result = self.tools.runner.run(
            Play(step.playbook, self._there(), step.vars, step.secrets, self.journal.run_id),
            deadline=step.deadline.total_seconds(),
            cancelled=never if step.phase is Phase.TEARDOWN else self.cancelled,
            say=self.tools.progress.say,
            evidence=self._evidence(step),
        )
        more = {
            "failures": result.failures,
            "values": result.values,
            "work_started": result.started and self.tools.clock.from_wall(result.started),
            "work_ended": result.ended and self.tools.clock.from_wall(result.ended),
        }
        return Came(result.outcome, result.detail, more)

    def _checks(self, step: PlannedStep) -> Came:
        spec = self.facts.plan.drill.verify

        def on_pass(results: tuple[CheckResult, ...]) -> None:
            done = CheckPass(number=self.facts.passes + 1, results=results)
            self.note(Event.CHECK_PASS, **done.model_dump(mode="json"))

        with self.tools.verifier.open(
            spec.checks, self._there(), marker=self.journal.run_id, evidence=self._evidence(step)
        ) as verification:
            verified = verify_until_stable(
                verification,
                spec,
                clock=self.tools.clock,
                cancelled=self.cancelled,
                on_pass=on_pass,
                on_count=self.tools.progress.checks,
            )
        if verified.first_green is not None:
            restored = self.facts.marks[Mark.DATA_RESTORED]
            t5 = service_verified(verified.first_green, verified.last_red, restored)
            self._mark_instant(Mark.SERVICE_VERIFIED, t5)
            self.note(Event.STABLE)
        return Came(verified.outcome, verified.detail)

    def _newest_data(self, _step: PlannedStep) -> Came:
        newest = self.facts.plan.drill.verify.newest_data
        values = self._values()
        if newest.command is not None:
            at = self.tools.probe.read_instant(self._there().hosts[0], self._there(), newest)
            source = newest.command
        else:
            text = str(values.get(newest.value or "", ""))
            at = parse_instant(text, newest.format, newest.timezone)
            source = f"value {newest.value} of the restore playbook"
        catalogue = values.get(CATALOGUE_TIME)
        dated = parse_instant(str(catalogue), "iso", None) if catalogue else None
        skew = max((skew.worst for skew in self.facts.skew.values()), default=0.0)
        reading = Reading(
            point=recovery_point(at, interval=newest.interval, skew=skew, catalogue=dated),
            source=source,
            catalogue=Instant.known(dated, Provenance.MEASURED) if dated else None,
            backup_id=str(values[BACKUP_ID])[:128] if BACKUP_ID in values else None,
        )
        self.note(Event.READING, **reading.model_dump(mode="json"))
        return Came(StepOutcome.PASSED)

    def _residue(self, _step: PlannedStep) -> Came:
        paths = self.facts.plan.drill.standby.absent_after_teardown
        left: list[str] = []
        for host in self._there().hosts:
            try:
                now = self.tools.probe.state(host, self._there(), paths)
            except PradrillError as error:
                left.append(f"{host.name}: not verified, {error.message}")
                continue
            before = self.facts.baseline.get(host.name)
            if before is None:
                left.append(f"{host.name}: not verified, its state before is not known")
            else:
                left += [f"{host.name}: {what}" for what in now.left_by(before)]
        return self._left(left)

    def _release(self, _step: PlannedStep) -> Came:
        return self._left(list(self.tools.standby.stop()))

    # Helpers

    def _connect(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="pradrill-"))
        self.site = self.tools.standby.start(self._folder, self.tools.progress.say)

    def _there(self) -> Site:
        assert self.site is not None  # noqa: S101 the start step passed before
        return self.site

    def _left(self, left: list[str]) -> Came:
        if left:
            self.note(Event.RESIDUE, left=left)
            return Came(StepOutcome.FAILED, "; ".join(left))
        return Came(StepOutcome.PASSED)

    def _guard(self, results: list[GuardResult]) -> list[GuardResult]:
        for result in results:
            self.note(Event.GUARD, **result.model_dump(mode="json"))
        return [result for result in results if result.outcome is not GuardOutcome.PROVEN]

    def _values(self) -> dict[str, Any]:
        return {key: value for step in self.facts.steps for key, value in step.values.items()}

    def _evidence(self, step: PlannedStep) -> Path:
        number = len(self.facts.begun)
        name = "".join(c if c.isalnum() else "-" for c in step.name)
        return self.journal.folder / "evidence" / f"{number:02d}-{name}"

    def _restore_end(self) -> datetime:
        ends = [s.work_ended for s in self.facts.steps if s.phase is Phase.RESTORE and s.work_ended]
        return max(ends, default=self.tools.clock.now())

    def _mark_disruption(self, disruption: Disruption | None) -> None:
        if disruption is None:
            self._mark(Mark.DISRUPTION, self.facts.began)
        else:
            self._mark_instant(Mark.DISRUPTION, disruption.instant)
            if disruption.primary_skew is not None:
                skew = disruption.primary_skew.model_dump(mode="json")
                self.note(Event.SKEW, host="primary", skew=skew)
        self._mark(Mark.DECLARED, self.facts.began)

    def _mark(self, mark: Mark, at: datetime) -> None:
        self._mark_instant(mark, Instant.known(at, Provenance.MEASURED))

    def _mark_instant(self, mark: Mark, instant: Instant) -> None:
        self.note(Event.MARK, mark=mark, instant=instant.model_dump(mode="json"))


def _guarded(refused: list[GuardResult]) -> Came:
    if not refused:
        return Came(StepOutcome.PASSED)
    lines = (f"{guard.host}: {guard.guard}: {guard.detail}" for guard in refused)
    return Came(StepOutcome.UNKNOWN, "\n".join(lines))
