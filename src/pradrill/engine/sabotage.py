"""Sabotage a drill: restore once, damage copies of what was restored, see which checks notice."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from signal import SIGTERM
from typing import NamedTuple

from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.fault import DeclaredFault
from pradrill.domain.register.sabotage import FaultOutcome, TriedFault
from pradrill.domain.run.event import Started
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.outcome import CheckKey, CheckOutcome, Phase, StepKind, StepOutcome
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context, Stop, Tools, planned
from pradrill.engine.questioning import Answers, question, red
from pradrill.engine.run import Run
from pradrill.engine.standby_lock import hold_standby
from pradrill.engine.steps.standby import prove_identity_again, prove_isolation_again
from pradrill.errors import ConfigurationError, ExitCode, NotReadyError, PradrillError
from pradrill.ports import Journal, Standby

_WAKING = (3.0, 5.0, 10.0, 10.0)
"""Seconds before what is red on an undamaged copy is asked again: it may be slow to wake."""

_PATIENCE = (sum(_WAKING),)
"""The same time for what is red on a damaged copy, at one time: what mends itself is no catch.
Meanwhile the next fault is tried on a copy beside it."""

_GLANCE = 1.0  # seconds between two looks whether a signal ends a pause
_LONGEST = 300

Faults = Mapping[str | None, Sequence[DeclaredFault]]
"""Branch (its service) → the faults that fit it."""


class NoScoreError(PradrillError):
    """The undamaged service is not green: nothing could be concluded from a red check."""

    exit_code = ExitCode.INCONCLUSIVE


class SabotageStoppedError(PradrillError):
    """A signal ended the sabotage; its machines are gone."""

    def __init__(self, signal: int | None) -> None:
        super().__init__("the sabotage was stopped: it has no score")
        self.exit_code = ExitCode.TERMINATED if signal == SIGTERM else ExitCode.INTERRUPTED


class Sabotaged(NamedTuple):
    """Every mandatory check, and what became of each fault."""

    checks: tuple[CheckKey, ...]
    faults: tuple[TriedFault, ...]


def plan_sabotage(plan: RunPlan) -> RunPlan:
    """Return what is done before anything is damaged: the drill without what only measures it.

    Its machines are thrown away: there is nothing to put back. That it stays green is seen of the
    undamaged copies.
    """
    only = {
        Phase.READINESS: set(StepKind) - {StepKind.FILES},
        Phase.VERIFY: {StepKind.CHECKS, StepKind.ISOLATION_AGAIN},
        Phase.TEARDOWN: {StepKind.STOP},
    }
    steps = (step for step in plan.steps if step.kind in only.get(step.phase, {step.kind}))
    return plan.model_copy(update={"steps": tuple(steps), "drill": _until_green(plan.drill)})


def _until_green(drill: Drill) -> Drill:
    """Return a drill whose checks need to be green once."""
    at_once = {"stable_for": timedelta(0)}
    if drill.verify is not None:
        return drill.model_copy(update={"verify": drill.verify.model_copy(update=at_once)})
    ways = {
        service: way.model_copy(update={"verify": way.verify.model_copy(update=at_once)})
        for service, way in drill.recover.items()
    }
    return drill.model_copy(update={"recover": ways})


def sabotage_drill(
    started: Started, journal: Journal, tools: Tools, cancelled: Cancellation, faults: Faults
) -> Sabotaged:
    """Restore, save the restored hosts, and try each fault on a copy of its own.

    Raises PradrillError when there is no score: not ready, not restored, not green undamaged, a
    guard that does not hold on a copy, or stopped. Nothing is left of its hosts on any path.
    """
    facts = Facts(started=started, began=tools.clock.now())
    run = Run(Context(journal, facts, tools, cancelled))
    with hold_standby(tools.store, started.plan, journal.run_id):
        run.context.begin()
        try:
            run.mark_disruption(None)
            _restore(run)
            return _Sabotage(run.context, cancelled).carry_out(faults)
        finally:
            run.tear_down()
            for left in run.context.facts.residue:
                tools.progress.say(f"left behind: {left}")


def _restore(run: Run) -> None:
    """Take the drill's steps up to green checks. Raises PradrillError when that does not come."""
    context = run.context
    with suppress(Stop):
        run.recover()

    if context.cancelled():
        raise SabotageStoppedError(context.signal)
    wrong = [step for step in context.facts.steps if step.outcome is not StepOutcome.PASSED]
    if wrong and wrong[0].phase is Phase.READINESS:
        hint = "Nothing was damaged. Mend it, then launch it again."
        raise NotReadyError(f"{wrong[0].name}: {wrong[0].detail}", hint=hint)
    stable = all(context.facts.of(branch.service).stable for branch in context.facts.plan.branches)
    if wrong or not stable:
        what = f"{wrong[0].name}: {wrong[0].detail}" if wrong else "its checks were not stable"
        raise NoScoreError(
            f"undamaged, the drill does not pass: {what}",
            hint="Run it first, until it passes: pradrill run DRILL.",
        )


@dataclass
class _Trial:
    """One fault in work on one copy."""

    number: int
    place: Standby
    steps: Generator[float, None, TriedFault]
    """Each pause in which the copy is left alone; then what became of the fault."""
    until: datetime
    """When its pause ends."""
    spent: timedelta = timedelta(0)


class _Sabotage:
    """The copies of one restored standby, and what checks say on each."""

    def __init__(self, restored: Context, cancelled: Cancellation) -> None:
        self._restored = restored
        self._cancelled = cancelled
        self._tools = restored.tools
        self._clock = restored.tools.clock
        self._say = restored.tools.progress.say
        self._run_id = restored.journal.run_id
        self._looks = 0
        self._copies = 0

    def carry_out(self, faults: Faults) -> Sabotaged:
        """Look at an undamaged copy, at one for each fault, and at an undamaged one again."""
        copies = planned(self._tools.copies, "a standby that can be copied")
        self._tools.probe.close()  # what it is connected to ends now
        places = copies.save(self._say)

        self._say("checking an undamaged copy")
        checks = self._look_undamaged(places[0])
        if lapsed := red(checks):
            raise _not_green(lapsed)

        pairs = [(service, fault) for service, each in faults.items() for fault in each]
        tried = self._try_all(places, pairs)

        self._say("checking an undamaged copy again")
        lapsed = red(self._look_undamaged(places[0]))

        return Sabotaged(tuple(checks), tuple(_without(each, {*lapsed}) for each in tried))

    def _look_undamaged(self, place: Standby) -> Answers:
        """Return what the checks say on a copy that nothing was done to."""
        with self._copy(place) as copy:
            look = self._look(copy, _WAKING)
            while True:
                try:
                    self._wait(self._clock.now() + timedelta(seconds=next(look)))
                except StopIteration as end:
                    answers: Answers = end.value
                    return answers

    def _try_all(
        self, places: Sequence[Standby], pairs: Sequence[tuple[str | None, DeclaredFault]]
    ) -> list[TriedFault]:
        """Try each fault on a copy of its own: while one is left alone, the next is worked on."""
        ahead, free = deque(enumerate(pairs)), deque(places)
        paused: list[_Trial] = []
        tried: dict[int, TriedFault] = {}
        try:
            while ahead or paused:
                begin = self._clock.now()
                if ahead and free:
                    number, pair = ahead.popleft()
                    place = free.popleft()
                    trial = _Trial(number, place, self._try(place, *pair), begin)
                else:
                    trial = min(paused, key=lambda each: each.until)
                    paused.remove(trial)
                    self._wait(trial.until)

                try:
                    pause = next(trial.steps)
                except StopIteration as end:
                    trial.spent += self._clock.now() - begin
                    update = {"seconds": trial.spent.total_seconds()}
                    tried[trial.number] = end.value.model_copy(update=update)
                    free.append(trial.place)
                    self._say(f"{len(tried)}/{len(pairs)}  {_line(tried[trial.number])}")
                else:
                    trial.spent += self._clock.now() - begin
                    trial.until = self._clock.now() + timedelta(seconds=pause)
                    paused.append(trial)
        finally:
            for trial in paused:
                trial.steps.close()

        return [tried[number] for number in range(len(pairs))]

    def _wait(self, until: datetime) -> None:
        """Wait, unless a signal ends it."""
        while not self._restored.cancelled():
            left = (until - self._clock.now()).total_seconds()
            if left <= 0:
                break
            self._clock.sleep(min(left, _GLANCE))

    def _try(
        self, place: Standby, service: str | None, fault: DeclaredFault
    ) -> Generator[float, None, TriedFault]:
        """Damage a new copy, and ask the checks; yield each pause in which it is left alone."""

        def outcome(outcome: FaultOutcome, detail: str = "", *keys: CheckKey) -> TriedFault:
            return TriedFault(
                fault=fault.fault,
                stands_for=fault.stands_for,
                service=service,
                outcome=outcome,
                caught_by=tuple(map(str, keys)),
                detail=detail[:_LONGEST],
                seconds=0,  # whoever takes the pauses knows
            )

        with self._copy(place) as copy:
            try:
                self._damage(copy.of(service), fault)
            except PradrillError as error:
                return outcome(FaultOutcome.NOT_TRIED, error.message)

            answers = yield from self._look(copy, _PATIENCE)

        failed = [key for key, each in answers.items() if each.outcome is CheckOutcome.FAILED]
        if failed:
            return outcome(FaultOutcome.CAUGHT, answers[failed[0]].detail, *failed)
        if silent := red(answers):
            detail = f"{silent[0]} gave no answer: {answers[silent[0]].detail}"
            return outcome(FaultOutcome.UNCLEAR, detail)
        return outcome(FaultOutcome.MISSED)

    def _damage(self, copy: Context, fault: DeclaredFault) -> None:
        """Do a fault's damage on the first host of its branch. Raises PradrillError if it fails."""
        damager = planned(self._tools.damager, "something that damages")
        host, site = copy.there().hosts[0], copy.there()
        sabotage = copy.way.sabotage
        given = dict(sabotage.parameters) if sabotage is not None else {}
        values = {name: given[name] for name in fault.parameters}
        deadline = fault.deadline.total_seconds()

        for name, command in fault.discover.items():
            try:
                values[name] = given.get(name) or damager.ask(host, site, command, values, deadline)
            except PradrillError as error:
                raise PradrillError(f"its {name} was not discovered: {error.message}") from error

        end = damager.damage(host, site, fault.command, values, deadline)
        if end.code != 0:
            raise PradrillError(f"it could not be done: {end.reason}")

    @contextmanager
    def _copy(self, place: Standby) -> Iterator[Context]:
        """Give a copy, proven to be what was restored, and isolated. Raises NotReadyError."""
        self._go_on()
        tools = self._tools._replace(standby=place)
        unproven = self._restored.facts.model_copy(update={"standing": {}})
        context = Context(self._restored.journal, unproven, tools, self._cancelled)
        self._copies += 1
        try:
            context.connect()
            hosts = context.there().hosts
            machines = [tools.probe.facts(host, context.there()) for host in hosts]
            prove_identity_again(context, machines)
            prove_isolation_again(context, machines)
            yield context
        finally:
            tools.probe.close()
            for left in place.stop(self._run_id):
                self._say(f"left behind: {left}")
            self._copies -= 1
            if not self._copies:  # the folders of one beside it are among them
                context.forget_folders()

        self._go_on()

    def _go_on(self) -> None:
        """Raise when a signal ends it, or when its files are no longer those of its score."""
        if self._restored.cancelled():
            raise SabotageStoppedError(self._restored.signal)
        if edited := self._restored.edited():
            raise ConfigurationError(
                f"edited since the sabotage began: {', '.join(edited)}",
                hint="Leave plan, drill, playbooks and checks alone, and launch it again.",
            )

    def _look(self, copy: Context, pauses: Sequence[float]) -> Generator[float, None, Answers]:
        """Ask a copy's checks, with evidence of their own."""
        self._looks += 1
        evidence = copy.journal.folder / "evidence" / f"{self._looks:03d}"
        return (yield from question(copy, pauses, evidence))


def _not_green(lapsed: Sequence[CheckKey]) -> NoScoreError:
    return NoScoreError(
        f"on an undamaged copy {', '.join(map(str, lapsed))} did not pass: there is no score",
        hint="Mend the checks that do not survive a pause of their machine.",
    )


def _without(tried: TriedFault, lapsed: set[CheckKey]) -> TriedFault:
    """Return a fault without the catches of checks that fail undamaged by now, too."""
    names = {str(key) for key in lapsed}
    if names.isdisjoint(tried.caught_by):
        return tried
    caught_by = tuple(name for name in tried.caught_by if name not in names)
    outcome = FaultOutcome.CAUGHT if caught_by else FaultOutcome.UNCLEAR
    detail = tried.detail if caught_by else "what failed fails undamaged, too"
    return tried.model_copy(update={"caught_by": caught_by, "outcome": outcome, "detail": detail})


def _line(tried: TriedFault) -> str:
    if tried.caught_by:
        more = f" and {len(tried.caught_by) - 1} more" if len(tried.caught_by) > 1 else ""
        return f"{tried.fault}: caught by {tried.caught_by[0]}{more}"
    why = f": {tried.detail}" if tried.detail else ""
    return f"{tried.fault}: {tried.outcome}{why}"
