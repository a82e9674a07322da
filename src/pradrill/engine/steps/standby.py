"""Reach the standby, prove what it is and what it reaches, and see what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from pradrill.domain.run.event import Event
from pradrill.domain.run.guard import Guard, GuardKind, Reach, Reached
from pradrill.domain.run.host import Host, HostFacts, HostState
from pradrill.domain.run.machine import marker_line
from pradrill.domain.run.outcome import GuardOutcome, GuardResult, Phase, StepOutcome
from pradrill.domain.run.proof import is_standby, was_cut
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.run.scope import Strays
from pradrill.domain.values.reason import (
    Reason,
    ReasonOrText,
    as_reason,
    in_lines,
    reason,
    reason_of,
    with_hint,
)
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark
from pradrill.engine.backup_access import keyless_impediments, opened_paths
from pradrill.engine.context import Context, StepEnd
from pradrill.engine.guards import (
    identity_guards,
    isolation_guards,
    marker_guard,
    reach_guards,
    same_machine_guard,
)
from pradrill.engine.steps.egress import egress_guards, reached
from pradrill.engine.steps.playbook import expect_playbook
from pradrill.errors import NotReadyError, PradrillError
from pradrill.ports import Impediment

_APART = 3.0
"""Seconds between two looks at what is left."""


def preconditions(context: Context, _step: PlannedStep) -> StepEnd:
    """Collect every precondition that does not hold; touch nothing."""
    tools = context.tools
    servers = keyless_impediments(context.facts.plan)
    problems = [*tools.unusable, *servers, *tools.standby.problems()]
    problems += tools.hypervisors.problems() if tools.hypervisors is not None else ()
    if problems:
        return StepEnd(StepOutcome.FAILED, in_lines(each.reason() for each in problems))
    return StepEnd(StepOutcome.PASSED)


def start(context: Context, _step: PlannedStep) -> StepEnd:
    """Make the standby reachable: the recovery starts here."""
    if Mark.RECOVERY_STARTS not in context.facts.marks:  # a resumed run has started before
        context.mark(Mark.RECOVERY_STARTS, context.tools.clock.now())
    context.connect()
    expect_playbook(context, Phase.PREPARE, Phase.RESTORE)
    return StepEnd(StepOutcome.PASSED)


def identity(context: Context, step: PlannedStep) -> StepEnd:
    """Prove that every host is a standby and no primary; note what it is like before."""
    refused: list[GuardResult] = []
    identified: list[HostFacts] = []
    for host in context.there().hosts:
        facts = context.tools.probe.facts(host, context.there())
        identified.append(facts)
        context.note(Event.SKEW, host=host.name, skew=facts.skew)
        context.note(Event.HOST, host=host.name, seen=facts.for_record())
        refused += _guard(context, step.phase, _identified(context, host, facts))
    if refused:
        return _guarded(refused)

    context.bind(identified)
    faults = [each.login_fault for each in identified if each.login_fault is not None]
    if faults:  # what is asked below would be answered by such a login
        return StepEnd(
            StepOutcome.FAILED, in_lines(with_hint(each.what, each.hint) for each in faults)
        )
    if problems := [*_becoming_nobody(context), *_missing_backups(context)]:
        return StepEnd(StepOutcome.FAILED, in_lines(each.reason() for each in problems))
    context.tools.runner.prepare(context.there(), marker=context.journal.run_id)
    for host in context.there().hosts:
        context.note(Event.BASELINE, host=host.name, state=_state(context, host))
    for facts in identified:
        context.tenancy.take(context.there(), facts)

    return StepEnd(StepOutcome.PASSED)


def _becoming_nobody(context: Context) -> Iterator[Impediment]:
    """Yield why a login does not become as whom all is carried out on its host.

    That may take a password, which goes to no host before that was identified.
    """
    for host in context.there().hosts:
        try:
            context.tools.probe.check_become(host, context.there())
        except NotReadyError as error:
            yield Impediment(error.message, error.hint, error.mend)


def _missing_backups(context: Context) -> Iterator[Impediment]:
    """Yield what a restore would open on its host, and is on the controller alone."""
    for host in context.there().hosts:
        plan, probe = context.facts.plan, context.tools.probe
        for each in opened_paths(plan, probe, host, context.there()):
            if each.impediment is not None:
                yield each.impediment


def prove_anew(context: Context) -> None:
    """Prove after a crash what the hosts are that are reached now, and hold on to their leases.

    What was proven is the past. Raises BusyError when another run holds one of them.
    """
    proven: list[HostFacts] = []
    for host in context.there().hosts:
        try:
            facts = context.tools.probe.facts(host, context.there())
        except PradrillError as error:
            outcome = GuardOutcome.UNPROVEN
            unknown = GuardResult(
                guard=Guard(kind=GuardKind.SAME_MACHINE),
                host=host.name,
                outcome=outcome,
                detail=reason_of(error),
            )
            _guard(context, Phase.TEARDOWN, [unknown])
            continue

        same = same_machine_guard(host, facts, context.facts.seen.get(host.name))
        _guard(context, Phase.TEARDOWN, [same, *_identified(context, host, facts)])
        if is_standby(context.facts, host.name):
            proven.append(facts)

    context.bind(proven)
    for facts in proven:
        context.tenancy.resume(context.there(), facts)


def prove_identity_again(context: Context, machines: Sequence[HostFacts]) -> None:
    """Prove that hosts are the machines of before, standbys and no primaries. Raises NotReadyError.

    What they were like before anything was changed stays as it was noted then.
    """
    refused: list[GuardResult] = []
    for facts in machines:
        host = context.host(facts.host)
        context.note(Event.SKEW, host=host.name, skew=facts.skew)
        same = same_machine_guard(host, facts, context.facts.seen.get(host.name))
        refused += _guard(context, Phase.READINESS, [same, *_identified(context, host, facts)])
    _refuse(refused)
    if machines:
        context.bind(machines)


def prove_isolation_again(context: Context, machines: Sequence[HostFacts]) -> None:
    """Prove the marker, and that production is out of reach, as before. Raises NotReadyError."""
    endpoints = context.facts.plan.drill.must_not_reach()
    refused: list[GuardResult] = []
    for facts in machines:
        host = context.host(facts.host)
        line = _marker_line(context, host)
        guards = isolation_guards(facts, endpoints, reached(context, host, endpoints), line)
        refused += _guard(context, Phase.PREPARE, [*egress_guards(context, host), *guards])
    _refuse(refused)


def _refuse(refused: Sequence[GuardResult]) -> None:
    if refused:
        raise NotReadyError(
            "; ".join(str(each) for each in as_reason(_guarded(list(refused)).detail).lines()),
            hint="See why; a run goes on only where all is as it was.",
        )


def end_commands_surely(context: Context, cut: Mapping[str, float]) -> None:
    """End what the process before has begun on its hosts, before anything is begun there again.

    `cut`: host → for how many seconds the step has gone on that was cut there. What is younger is
    that step's, also without its shell or in the background; what is older may be the service, of
    steps that ended. Raises NotReadyError when something stays.
    """
    for host in context.there().hosts:
        before = context.facts.baseline.get(host.name)
        strays = context.tools.probe.end_strays(
            host, context.there(), before, commands=True, younger=cut.get(host.name, 0.0)
        )
        for each in strays.ours:
            context.say(f"{host.name}: ended what was still going on: {each}")
        if strays.stayed:
            stayed = ", ".join(map(str, strays.stayed))
            raise NotReadyError(
                f"on {host.name} goes on, and cannot be ended, what the run had begun: {stayed}",
                hint="End it by hand, then resume again.",
            )


def isolation(context: Context, step: PlannedStep) -> StepEnd:
    """Prove the marker on each machine, and that production is out of its reach."""
    endpoints = context.facts.plan.drill.must_not_reach()
    refused: list[GuardResult] = []
    for host in context.there().hosts:
        facts = context.tools.probe.facts(host, context.there())
        line = _marker_line(context, host)
        guards = isolation_guards(facts, endpoints, reached(context, host, endpoints), line)
        refused += _guard(context, step.phase, [*egress_guards(context, host), *guards])

    return _guarded(refused)


def isolation_again(context: Context, step: PlannedStep) -> StepEnd:
    """Prove once more that production is out of reach: a restore may have opened a way to it.

    A host that does not answer leaves it unproven, and the others are looked at all the same.
    """
    endpoints = context.facts.plan.drill.must_not_reach()
    refused: list[GuardResult] = []
    for host in context.there().hosts:
        if not is_standby(context.facts, host.name):
            continue  # not even looked at: it was not proven to this process

        try:
            answers = reached(context, host, endpoints)
        except PradrillError as error:
            unknown = reason(Code.REACH_UNKNOWN, because=reason_of(error))
            silent = Reached(reach=Reach.UNKNOWN, detail=unknown)
            answers = dict.fromkeys(endpoints, silent)

        guards = reach_guards(host.name, endpoints, answers)
        refused += _guard(context, step.phase, [*egress_guards(context, host), *guards])

    end = _guarded(refused)
    if any(guard.outcome is GuardOutcome.REFUSED for guard in refused):
        return end._replace(outcome=StepOutcome.FAILED)

    return end


def residue(context: Context, _step: PlannedStep) -> StepEnd:
    """Compare every host with what it was before, once nothing of the run goes on there.

    Where something did, or the run was cut, it is looked at twice, some seconds apart: what goes
    on unseen shows itself by then. A quiet drill does not wait.
    """
    context.tenancy.confirm()  # what another run does there is not what this one left
    left: list[ReasonOrText] = []
    strays: dict[str, Strays] = {}
    for host in _standbys(context):  # that another was not torn down is told already
        before = context.facts.baseline.get(host.name)
        try:
            strays[host.name] = _end_strays(context, host, before)
        except PradrillError as error:
            unseen = reason(Code.NOT_VERIFIED, because=reason_of(error))
            left.append(reason(Code.ON_HOST, host=host.name, left=unseen))

    if was_cut(context.facts) or any(state.any for state in strays.values()):
        context.tools.clock.sleep(_APART)

    hosts = [host for host in _standbys(context) if host.name in strays]
    first = {host.name: _left(context, host, strays[host.name]) for host in hosts}
    if any(each.may_go for each in first.values()):
        context.tools.clock.sleep(_APART)

    for host in hosts:
        left += [
            reason(Code.ON_HOST, host=host.name, left=each)
            for each in _stayed(context, host, first[host.name])
        ]

    uncompared, erased = _seen_again(context, first)
    return context.left(left, unseen=uncompared, erased=erased)


def _seen_again(context: Context, looks: Mapping[str, _Left]) -> tuple[list[Reason], list[Reason]]:
    """Say what could not be compared any more, and which data of the drill is gone, and how."""
    paths = context.facts.plan.drill.standby.absent_after_teardown
    unseen: list[Reason] = []
    erased: list[Reason] = []
    for host, look in looks.items():
        before = context.facts.baseline.get(host)
        if look.state is None or before is None:
            continue

        limit = look.state.limit(host, before)
        unseen += [limit] if limit is not None else []
        erased += look.state.erasure(host, before, paths)

    of_data = [each for each in erased if each.code != Code.ACCOUNTS_AS_BEFORE]
    return unseen, [*erased, reason(Code.NOT_OVERWRITTEN)] if of_data else erased


def end_commands(context: Context) -> None:
    """End what the run has begun on its hosts and what still goes on: its teardown comes now.

    What it has put into the background may be the service itself: the teardown stops it.
    """
    if not context.there().run_id:
        return

    for host in _standbys(context):
        before = context.facts.baseline.get(host.name)
        try:
            context.tenancy.confirm()
            strays = context.tools.probe.end_strays(host, context.there(), before, commands=True)
        except PradrillError as error:
            context.say(error.message)  # the residue is looked at later
            continue

        if strays.ours:
            ended = ", ".join(map(str, strays.ours))
            context.say(f"{host.name}: ended what was still going on: {ended}")


def _standbys(context: Context) -> list[Host]:
    """Return the hosts that this process has proven; the others are not even looked at."""
    return [host for host in context.there().hosts if is_standby(context.facts, host.name)]


def _end_strays(context: Context, host: Host, before: HostState | None) -> Strays:
    return context.tools.probe.end_strays(host, context.there(), before, commands=False)


class _Left(NamedTuple):
    """What one look at a host has shown: what is left in any case, and what may yet go."""

    surely: Sequence[Reason]
    may_go: Sequence[Reason] = ()
    state: HostState | None = None


def _left(context: Context, host: Host, strays: Strays) -> _Left:
    """Say what is left on a host, whose processes were looked at before."""
    before = context.facts.baseline.get(host.name)
    later = strays
    try:
        if strays.any or was_cut(context.facts):
            later = _end_strays(context, host, before)
        now = _state(context, host)
    except PradrillError as error:
        return _Left([reason(Code.NOT_VERIFIED, because=reason_of(error))])
    if before is None:
        return _Left([reason(Code.STATE_NOT_KNOWN), *strays.leaves(later)])

    return _Left([*now.paths_left(), *strays.leaves(later)], now.left_by(before), now)


def _stayed(context: Context, host: Host, first: _Left) -> Sequence[Reason]:
    """Look again where something may have gone meanwhile: what a second look has too is left."""
    before = context.facts.baseline.get(host.name)
    if not first.may_go or before is None:
        return first.surely
    try:
        again = set(_state(context, host).left_by(before))
    except PradrillError as error:
        return [*first.surely, *first.may_go, reason(Code.NOT_VERIFIED, because=reason_of(error))]
    return [*(each for each in first.may_go if each in again), *first.surely]


def _state(context: Context, host: Host) -> HostState:
    """Look at a host, and tell it as it is noted: without the run's secrets."""
    standby, site = context.facts.plan.drill.standby, context.there()
    if not standby.leaves_residue:
        site = site.model_copy(update={"run_id": ""})  # no list of all that is on the host
    state = context.tools.probe.state(
        host, site, standby.absent_after_teardown, standby.unchanged_after_teardown
    )
    return HostState.model_validate(context.tools.masked(state.model_dump(mode="json")))


def release(context: Context, _step: PlannedStep) -> StepEnd:
    """Leave nothing of what reaching the standby took."""
    for line in context.tenancy.give_back():
        context.say(line)
    left = list(context.tools.standby.stop(context.journal.run_id))
    standby = context.facts.plan.drill.standby
    erasure = [reason(Code.ERASED_DISK, names=standby.where), reason(Code.NOT_OVERWRITTEN)]
    is_gone = standby.throw_away and standby.provisioning is None and not left
    return context.left(left, erased=erasure if is_gone else ())


def _identified(context: Context, host: Host, facts: HostFacts) -> list[GuardResult]:
    """Look at what a host is, and at its marker unless the run's own prepare step places it."""
    plan = context.facts.plan
    guards = identity_guards(
        host,
        facts,
        plan.primaries,
        services=plan.services,
        known_by_name=plan.drill.standby.known_by_name,
    )
    if plan.drill.standby.marked_by_prepare:
        return guards
    return [*guards, marker_guard(facts, _marker_line(context, host))]


def _marker_line(context: Context, host: Host) -> str | None:
    """Return what the marker of a machine says that this run makes; None of any other."""
    if context.facts.plan.drill.standby.provisioning is None:
        return None
    return marker_line(context.journal.run_id, host.name)


def _guard(context: Context, phase: Phase, results: list[GuardResult]) -> list[GuardResult]:
    """Note what guards found in a phase; return those that a run may not rest on."""
    for result in results:
        context.note_guard(result.model_copy(update={"phase": phase}))
    return [result for result in results if not result.holds]


def _guarded(refused: list[GuardResult]) -> StepEnd:
    if not refused:
        return StepEnd(StepOutcome.PASSED)
    lines = (
        reason(Code.GUARD_ON_HOST, host=each.host, guard=each.guard, because=each.detail)
        for each in refused
    )
    return StepEnd(StepOutcome.UNKNOWN, in_lines(lines))
