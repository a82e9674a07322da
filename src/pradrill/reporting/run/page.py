"""Derive what every report needs from a record: objectives against actuals, order, statements."""

from __future__ import annotations

import signal
from collections import Counter
from collections.abc import Iterator
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from pradrill.domain.run.backup_catalogue import CatalogueReading
from pradrill.domain.run.backup_integrity import IntegrityResult
from pradrill.domain.run.guard import GuardKind
from pradrill.domain.run.outcome import (
    CheckOutcome,
    CheckResult,
    GuardOutcome,
    GuardResult,
    Phase,
    StepKind,
    StepOutcome,
    StepResult,
)
from pradrill.domain.run.record import RunRecord, RunState
from pradrill.domain.run.resumption import outage_inside_rta
from pradrill.domain.run.run_plan import NotExecuted, NotRun, PlannedStep, RunPlan
from pradrill.domain.run.verdict import Verdict, opened
from pradrill.domain.values.reason import Reason
from pradrill.domain.values.timeline import Elapsed, Instant, Mark, Provenance
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, decimal, ngettext, pgettext
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.language.terms import step_name, word


class ObjectiveStanding(StrEnum):
    """How an actual stands against its objective."""

    MET = "met"
    NOT_MET = "not met"
    UNKNOWN = "unknown"


class Comparison(NamedTuple):
    """An actual beside its objective, ready to be shown."""

    actual_name: str
    objective_name: str
    actual: Elapsed | None
    objective: timedelta
    parts: tuple[Comparison, ...] = ()
    """Of the whole: each service's own. They decide, for the whole has no objective in the plan."""
    rehearsal: bool = False

    @property
    def standing(self) -> ObjectiveStanding:
        """Tell whether the objective is met; an assumed or contradictory actual tells nothing."""
        if self.parts:
            standings = {part.standing for part in self.parts}
            order = (ObjectiveStanding.NOT_MET, ObjectiveStanding.UNKNOWN, ObjectiveStanding.MET)
            return next(standing for standing in order if standing in standings)
        if self.actual is None or self.actual.high < 0:
            return ObjectiveStanding.UNKNOWN
        if self.actual.provenance is Provenance.ASSUMED:
            return ObjectiveStanding.UNKNOWN

        return (
            ObjectiveStanding.MET
            if self.actual.meets(self.objective)
            else ObjectiveStanding.NOT_MET
        )

    @property
    def standing_text(self) -> str:
        """Write the standing; what is met in a rehearsal is met in rehearsal."""
        if self.rehearsal and self.standing is ObjectiveStanding.MET:
            return pgettext("objective", "met in rehearsal")
        return standing(self.standing)

    @property
    def actual_text(self) -> str:
        """Write the actual; more finely when it would read the same as its objective."""
        if self.actual is None:
            return _(wording.NOT_MEASURED)

        text = wording.short(self.actual.seconds)
        alike = text == self.objective_text and not self.parts
        if not alike or self.actual.seconds == self.objective.total_seconds():
            return text
        return wording.tenth(self.actual.seconds, up=self.standing is ObjectiveStanding.NOT_MET)

    @property
    def objective_text(self) -> str:
        """Write the objective; of the whole, the strictest and the widest."""
        goals = sorted({part.objective for part in self.parts} or {self.objective})
        if goals[0] == goals[-1]:
            return wording.short(goals[0])
        low, high = wording.short(goals[0]), wording.short(goals[-1])
        return _("%(low)s to %(high)s", low=low, high=high)

    @property
    def interval(self) -> str:
        """Write the bounds between which the true value lies, rounded outwards."""
        if self.actual is None:
            return _(wording.NOT_MEASURED)
        low, high = self.actual.low, self.actual.high
        return between(low, high)

    @property
    def margin(self) -> str:
        """Write what the upper bound leaves of the objective; negative when exceeded.

        Of the whole, what it leaves of the one that is nearest to being exceeded.
        """
        if self.actual is None:
            return _(wording.NOT_MEASURED)
        return wording.bound(min(_left(each) for each in self.parts or (self,)), up=False)


def _left(comparison: Comparison) -> float:
    high = float("inf") if comparison.actual is None else comparison.actual.high
    return comparison.objective.total_seconds() - high


def between(low: float, high: float) -> str:
    """Write the bounds of a duration, rounded outwards."""
    return _(
        "%(low)s to %(high)s", low=wording.bound(low, up=False), high=wording.bound(high, up=True)
    )


def comparisons(record: RunRecord) -> tuple[Comparison, Comparison]:
    """Return RTA against RTO, then RPA against RPO."""
    goals = record.plan.objectives
    rows = services(record)
    rtas, rpas = (tuple(row.comparisons[which] for row in rows) for which in (0, 1))
    rehearsal = record.launch.rehearsal
    return (
        Comparison("RTA", "RTO", record.recovery.rta, goals.rto, rtas, rehearsal),
        Comparison("RPA", "RPO", record.recovery.rpa, goals.rpo, rpas, rehearsal),
    )


class ServiceRow(NamedTuple):
    """One of several services that were recovered apart, ready to be shown."""

    name: str
    verdict: Verdict
    comparisons: tuple[Comparison, Comparison]
    verified: Instant | None
    reasons: tuple[Reason, ...]


def services(record: RunRecord) -> tuple[ServiceRow, ...]:
    """Return one row per service, dependencies first; none when all were recovered as one."""
    rows = []
    for branch in record.plan.apart:
        name = str(branch.service)
        result = record.services.get(name)
        if result is None:
            continue

        goals, recovery = record.plan.services[name].objectives, result.recovery
        pair = (
            Comparison("RTA", "RTO", recovery.rta, goals.rto),
            Comparison("RPA", "RPO", recovery.rpa, goals.rpo),
        )

        verified = recovery.marks.get(Mark.SERVICE_VERIFIED)
        rows.append(ServiceRow(name, result.verdict, pair, verified, result.reasons))

    return tuple(rows)


class WorstRow(NamedTuple):
    """The worst case of a backup catalogue, against the RPO of whatever it is the backup of."""

    service: str | None
    reading: CatalogueReading | None
    integrity: IntegrityResult | None
    objective: timedelta

    @property
    def standing(self) -> ObjectiveStanding:
        """Tell whether even the worst case meets the RPO."""
        if self.reading is None:
            return ObjectiveStanding.UNKNOWN
        if self.reading.worst_case.seconds > self.objective.total_seconds():
            return ObjectiveStanding.NOT_MET
        short = self.reading.worst_case.is_short
        return ObjectiveStanding.UNKNOWN if short else ObjectiveStanding.MET

    @property
    def margin(self) -> str:
        """Write what the worst case leaves of the RPO."""
        if self.reading is None:
            return _(wording.NOT_MEASURED)
        left = self.objective.total_seconds() - self.reading.worst_case.seconds
        return wording.bound(left, up=False)


def worst_rows(record: RunRecord) -> tuple[WorstRow, ...]:
    """Return what the catalogues say: one row per service where services are recovered apart."""
    whole = record.plan.objectives.rpo
    rows = []
    for branch in record.plan.branches:
        recovery = record.recovery_of(branch.service)
        service = branch.service
        goal = whole if service is None else record.plan.services[service].objectives.rpo
        rows.append(WorstRow(service, recovery.catalogue, recovery.integrity, goal))

    return tuple(rows)


def standing(value: ObjectiveStanding) -> str:
    """Say how an actual stands against its objective."""
    return {
        ObjectiveStanding.MET: pgettext("objective", "met"),
        ObjectiveStanding.NOT_MET: pgettext("objective", "not met"),
        ObjectiveStanding.UNKNOWN: pgettext("objective", "unknown"),
    }[value]


def branches_not_tried(record: RunRecord) -> tuple[str, ...]:
    """Say which services were not tried because of others, and of which."""
    return tuple(
        _(
            "%(service)s was not recovered: it depends on what was not verified (%(others)s)",
            service=name,
            others=", ".join(result.held_by),
        )
        for name, result in record.services.items()
        if result.held_by
    )


def step_title(step: StepResult | PlannedStep) -> str:
    """Return a step's name with its service's, where services are recovered apart."""
    name = step_name(step.name)
    if step.service is None:
        return name
    return f"{step.service}{wording.colon()}{name}"


def left_out(step: NotExecuted) -> str:
    """Return the name of a step that never began, with what kept it, where that is known."""
    return step_title(step) if step.not_run is None else f"{step_title(step)} ({not_run(step)})"


def not_run(step: NotExecuted) -> str:
    """Say what kept a step from running; nothing where the run had just ended."""
    return "" if step.not_run is None else _("not run: %(why)s", why=word(step.not_run))


def guard_name(guard: GuardResult) -> str:
    """Return a guard's name with the phase in which it was looked at, where that is known."""
    return str(guard.guard) if guard.phase is None else f"{guard.guard} ({word(guard.phase)})"


def figure_name(short: str) -> str:
    """Say what RTA, RTO, RPA or RPO is called."""
    return {
        "RTA": pgettext("figure", "RTA"),
        "RTO": pgettext("figure", "RTO"),
        "RPA": pgettext("figure", "RPA"),
        "RPO": pgettext("figure", "RPO"),
    }[short]


def actual_label(comparison: Comparison) -> str:
    """Return the name of an actual for people."""
    return figure_name(comparison.actual_name)


def actual_meaning(comparison: Comparison) -> str:
    """Say in a few words what an actual is, for a reader who does not know its letters."""
    return {
        "RTA": _("from the disruption to the verified service"),
        "RPA": _("how much data was lost, as a time"),
    }[comparison.actual_name]


def objective_label(comparison: Comparison) -> str:
    """Return the name of an objective for people."""
    return figure_name(comparison.objective_name)


def providers(plan: RunPlan) -> tuple[str, ...]:
    """Return the providers of the drill's services, each once."""
    names = (service.provider for service in plan.services.values())
    return tuple(dict.fromkeys(name for name in names if name))


def untouched(record: RunRecord) -> str:
    """Say what is known of production's isolation, and no more."""
    guards = [guard for guard in record.guards if guard.of_isolation]
    if not guards:
        return _("not proven: whether production could be reached was not tried")
    broken = {guard.guard.kind for guard in guards if opened(guard)}
    if GuardKind.MUST_NOT_REACH in broken:
        return _("not untouched for certain: production was within reach while services ran")
    if broken:
        return _("not untouched for certain: the way out was not denied while services ran")
    if all(guard.outcome is GuardOutcome.PROVEN for guard in guards):
        if {Phase.VERIFY, Phase.TEARDOWN} <= {guard.phase for guard in guards}:
            return _(
                "proven before the restore, once the services ran, and before the teardown, from "
                "inside the standby: no endpoint answered"
            )

        return _("proven before the restore, from inside the standby: no endpoint answered")

    return _("not proven: see the guards above")


def headline(record: RunRecord) -> str:
    """Return the verdict in one short phrase, with what qualifies it."""
    return as_rehearsed(record, _headline(record))


def as_rehearsed(record: RunRecord, text: str) -> str:
    """Return a phrase for a verdict; in a rehearsal, none stands without saying so."""
    return _("%(verdict)s (rehearsal)", verdict=text) if record.launch.rehearsal else text


def meaning(record: RunRecord) -> str:
    """Say in one sentence what the verdict means."""
    meanings = wording.REHEARSED if record.launch.rehearsal else wording.MEANING
    return _(meanings[record.verdict])


def _headline(record: RunRecord) -> str:
    verdict = word(record.verdict)
    if record.refusal is not None:
        return _("%(verdict)s (refused: %(why)s)", verdict=verdict, why=word(record.refusal))
    if record.state is not RunState.FINISHED:
        return f"{verdict} ({word(record.state)})"
    if record.residue and record.verdict is Verdict.PASSED:
        return _("%(verdict)s (residue)", verdict=verdict)

    return verdict


def whole_of(record: RunRecord) -> str:
    """Say how long the whole estate took; its services' objectives are their own."""
    rta = record.recovery.rta
    if rta is None:
        return _("The whole was not recovered: there is no RTA of all services together.")
    return _(
        "All services together: %(length)s from the disruption to the last verified one "
        "(%(interval)s).",
        length=wording.short(rta.seconds),
        interval=between(rta.low, rta.high),
    )


def notes(record: RunRecord) -> tuple[str, ...]:
    """Return the sentences that a reader of the verdict must not miss."""
    texts = []
    if record.launch.dry_run:
        texts.append(_("Dry run: nothing was carried out."))
    if record.launch.rehearsal:
        texts.append(_("Rehearsal: it proves nothing, opens no finding, and no date is kept."))

    texts += _unfinished(record)
    texts += _resumed(record)

    broken = {guard.guard.kind for guard in record.guards if opened(guard)}
    if GuardKind.MUST_NOT_REACH in broken:
        texts.append(_("Production was within reach of the standby while its services ran."))
    if GuardKind.EGRESS in broken:
        texts.append(_("What denied the standby's way out was gone while its services ran."))

    if any(step.not_run is NotRun.NEVER_PROVEN for step in record.not_executed):
        texts.append(_("A guard was not proven: no playbook ran on its host from there on."))

    waived = [guard for guard in record.guards if guard.outcome is GuardOutcome.WAIVED]
    if waived:
        texts.append(
            _("Nothing told the standby apart from its primary: the plan says primary: none.")
        )

    if record.residue:
        texts.append(_("The standby was not left as declared: see the teardown."))

    if record.recovery.clock_steps:
        steps = ", ".join(
            f"{decimal(f'{step.seconds:+.3g}')} s {wording.at_tenth(step.at)}"
            for step in record.recovery.clock_steps
        )

        texts.append(
            _(
                "The controller's clock was set during the run; intervals say so: %(steps)s.",
                steps=steps,
            )
        )

    return tuple(texts)


def _unfinished(record: RunRecord) -> Iterator[str]:
    """Say why a run did not come to its end, if it did not."""
    if record.refusal is not None:
        if any(step.kind is StepKind.PROVISION for step in record.steps):
            yield _(wording.MADE_IN_VAIN)
        else:
            yield _(wording.REFUSED[record.refusal])
    elif record.state in wording.UNFINISHED:
        text = _(wording.UNFINISHED[record.state])
        if record.signal is not None:
            text += " " + _("Signal: %(name)s.", name=signal_name(record.signal))
        yield text
    if record.aborted is not None:
        who = wording.line(spoken(record.aborted.by), 100)
        yield _("Aborted by %(who)s, %(at)s.", who=who, at=wording.at(record.aborted.asked))


def _resumed(record: RunRecord) -> Iterator[str]:
    """Say who went on with the run, after how long without a controller."""
    marks = record.recovery.marks
    for each in record.resumptions:
        yield _(
            "Resumed by %(who)s, %(at)s, after %(length)s without a controller (%(inside)s of it "
            "inside the RTA).",
            who=wording.line(spoken(each.by), 100),
            at=wording.at(each.resumed),
            length=wording.short(each.seconds),
            inside=wording.short(outage_inside_rta([each], marks)),
        )
        if not each.steady:
            yield _(
                "The controller was restarted in between: that time is known to within "
                "%(within)s, and the intervals say so.",
                within=wording.bound(each.within, up=True),
            )


def signal_name(number: int) -> str:
    """Name a signal, as in "SIGTERM (15)"."""
    try:
        return f"{signal.Signals(number).name} ({number})"
    except ValueError:
        return str(number)


def clock_rule(record: RunRecord) -> str:
    """Say in two sentences what the figures mean and when an objective is met."""
    return _(
        "RTA = T5 - T0: from the disruption to the start of the first period in which every "
        "mandatory check is green and stays so for %(stable)s; RPA = T0 - recovery point: the "
        "age, at the disruption, of the newest data proved present after the restore. "
        "An objective is met only if the upper bound of the interval meets it.",
        stable=stable_for(record.plan),
    )


def stable_for(plan: RunPlan) -> str:
    """Write how long checks must stay green; each length once, where services differ."""
    lengths = (wording.exact(way.verify.stable_for) for way in plan.drill.ways.values())
    return " / ".join(dict.fromkeys(lengths))


def teardown(record: RunRecord) -> str:
    """Say what is known of the teardown, and no more."""
    return _(wording.TEARDOWN[_teardown_key(record)])


def _teardown_key(record: RunRecord) -> str:
    if record.residue:
        return "residue"

    reached = {step.phase for step in record.steps} - {Phase.READINESS, Phase.TEARDOWN}
    if record.refusal is not None or (not reached and record.state is not RunState.CRASHED):
        ended = any(s.kind is StepKind.DESTROY and _passed(s, Phase.TEARDOWN) for s in record.steps)
        return "ended" if ended else "untouched"

    passed = {step.key for step in record.steps if _passed(step, Phase.TEARDOWN)}
    planned = {
        step.key
        for step in record.plan.steps_of(Phase.TEARDOWN)
        if step.kind is not StepKind.ISOLATION_AGAIN  # which looks, and puts nothing back
    }

    return "clean" if planned and planned <= passed else "unknown"


def _passed(step: StepResult, phase: Phase) -> bool:
    return step.phase is phase and step.outcome is StepOutcome.PASSED


def unended(record: RunRecord) -> tuple[PlannedStep, ...]:
    """Return the planned steps that began and whose end is not on record."""
    keys = {step.key for step in record.steps} | {step.key for step in record.not_executed}
    return tuple(step for step in record.plan.steps if step.key not in keys)


def sorted_checks(record: RunRecord) -> tuple[CheckResult, ...]:
    """Return the checks, those without a green answer first."""
    return tuple(sorted(record.checks, key=lambda check: check.outcome is CheckOutcome.PASSED))


def red_checks(record: RunRecord) -> tuple[CheckResult, ...]:
    """Return the checks that did not pass, mandatory ones first."""
    red = [check for check in record.checks if check.outcome is not CheckOutcome.PASSED]
    return tuple(sorted(red, key=lambda check: not check.mandatory))


def red_steps(record: RunRecord) -> tuple[StepResult, ...]:
    """Return the steps that did not pass."""
    return tuple(step for step in record.steps if step.outcome is not StepOutcome.PASSED)


def counted(record: RunRecord) -> str:
    """Count the checks by outcome, as in "12 checks: 10 passed, 2 failed"."""
    if not record.checks:
        return _("No check was carried out.")
    tally = Counter(check.outcome for check in record.checks)
    return _(
        "%(checks)s: %(parts)s (last answers of %(passes)s).",
        checks=ngettext("%(n)s check", "%(n)s checks", len(record.checks)),
        parts=", ".join(_tallied(kind, tally[kind]) for kind in CheckOutcome if tally[kind]),
        passes=ngettext("%(n)s pass", "%(n)s passes", record.passes),
    )


def _tallied(kind: CheckOutcome, count: int) -> str:
    """Say how many checks came to that; French has a plural of it."""
    return {
        CheckOutcome.PASSED: ngettext("%(n)s passed", "%(n)s passed", count),
        CheckOutcome.FAILED: ngettext("%(n)s failed", "%(n)s failed", count),
        CheckOutcome.ERRORED: ngettext("%(n)s errored", "%(n)s errored", count),
        CheckOutcome.SKIPPED: ngettext("%(n)s skipped", "%(n)s skipped", count),
    }[kind]
