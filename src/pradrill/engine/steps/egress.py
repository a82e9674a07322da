"""Deny the standby's way out, look who tried it, and open it again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pradrill.domain.run.egress import EgressLook, HostEgress, table_of
from pradrill.domain.run.event import Event
from pradrill.domain.run.guard import Guard, GuardKind, Reach, Reached
from pradrill.domain.run.host import Host
from pradrill.domain.run.outcome import GuardOutcome, GuardResult, StepOutcome
from pradrill.domain.run.proof import is_standby
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.endpoint import host_of
from pradrill.domain.values.reason import Reason, in_lines, reason, reason_of, with_hint
from pradrill.domain.values.reason_code import Code
from pradrill.engine.context import Context, StepEnd, planned
from pradrill.engine.guards import NOT_TRIED
from pradrill.errors import NotReadyError, PradrillError
from pradrill.ports import EgressDenial

_WORST_FIRST = (Reach.OPEN, Reach.UNKNOWN, Reach.UNRESOLVED, Reach.ITSELF, Reach.CLOSED)


def deny(context: Context, step: PlannedStep) -> StepEnd:
    """Load a table of the run's own on every host: nothing goes out but what is allowed."""
    egress = _egress(context)
    drill = context.facts.plan.drill
    denied = planned(drill.standby.denied, "what of its way out is denied")
    names = [host_of(endpoint) for endpoint in drill.must_not_reach()]
    problems: list[Reason] = []
    for host in context.there().hosts:
        context.tenancy.confirm()
        context.note(Event.EGRESS, host=host.name, egress=_about_to(context))
        try:
            others = _others(context, host)
            loaded = egress.deny(host, context.there(), denied, names, others)
        except PradrillError as error:
            problems.append(with_hint(reason_of(error), error.hint))
            continue

        context.note(Event.EGRESS, host=host.name, egress=loaded)
        detail = reason(Code.EGRESS_DENIED, table=loaded.table)
        result = _guard(host, GuardOutcome.PROVEN, detail)
        context.note_guard(result.model_copy(update={"phase": step.phase}))

    if problems:
        return StepEnd(StepOutcome.FAILED, in_lines(problems))
    return StepEnd(StepOutcome.PASSED)


def egress_guards(context: Context, host: Host) -> list[GuardResult]:
    """Look at what tried to go out; prove that the table has the rules that were loaded.

    None where the drill denies nothing.
    """
    if context.facts.plan.drill.standby.denied is None:
        return []
    before = context.facts.egress.get(host.name)
    if before is None or not before.loaded:
        return [_guard(host, GuardOutcome.UNPROVEN, reason(Code.EGRESS_NOT_LOADED))]
    try:
        look = _look(context, host)
    except PradrillError as error:
        unknown = reason(Code.EGRESS_UNKNOWN, because=reason_of(error))
        return [_guard(host, GuardOutcome.UNPROVEN, unknown)]

    context.note(Event.EGRESS, host=host.name, egress=before.after(look))
    if before.is_as_loaded(look):
        detail = reason(Code.EGRESS_AS_LOADED, table=before.table)
        return [_guard(host, GuardOutcome.PROVEN, detail)]
    code = Code.EGRESS_CHANGED if look.listing else Code.EGRESS_GONE
    return [_guard(host, GuardOutcome.REFUSED, reason(code, table=before.table))]


def open_again(context: Context, _step: PlannedStep) -> StepEnd:
    """Read for the last time what tried to go out, remove the table, and see that it is gone."""
    left: list[Reason] = []
    for host in context.there().hosts:
        before = context.facts.egress.get(host.name)
        if before is None:
            continue
        if not is_standby(context.facts, host.name):
            unproven = reason(Code.EGRESS_KEPT, table=before.table)
            left.append(reason(Code.ON_HOST, host=host.name, left=unproven))
            continue
        left += [
            reason(Code.ON_HOST, host=host.name, left=each)
            for each in _removed(context, host, before)
        ]
    return context.left(left)


def read_capture(context: Context, _step: PlannedStep) -> StepEnd:
    """Read what the hosts have sent, as it was written down outside of them."""
    capture = planned(context.tools.capture, "what the network has seen")
    for host in context.there().hosts:
        look = capture.attempts(host)
        masked = EgressLook.model_validate(context.tools.masked(look.model_dump(mode="json")))
        egress = HostEgress(table="", captured=True, loaded=True, removed=True)
        context.note(Event.EGRESS, host=host.name, egress=egress.after(masked))
    return StepEnd(StepOutcome.PASSED)


def _removed(context: Context, host: Host, before: HostEgress) -> Sequence[Reason]:
    """Remove a host's table; say what is left of it."""
    egress, site = _egress(context), context.there()
    try:
        context.tenancy.confirm()
        if before.loaded:
            before = _looked_once_more(context, host, before)
        leftovers = egress.remove(host, site)
    except PradrillError as error:
        if isinstance(error, NotReadyError) and not before.loaded:
            return []  # which is why nothing was loaded
        return [reason(Code.EGRESS_NOT_REMOVED, table=before.table, because=reason_of(error))]

    removed = before.model_copy(update={"removed": not leftovers})
    context.note(Event.EGRESS, host=host.name, egress=removed)
    return [reason(Code.EGRESS_STAYED, what=each) for each in leftovers]


def _looked_once_more(context: Context, host: Host, before: HostEgress) -> HostEgress:
    """Return what is known after a last look; what cannot be read hinders no removal."""
    try:
        look = _look(context, host)
    except PradrillError:
        look = EgressLook()
    if look.listing:
        return before.after(look)
    return before.model_copy(update={"mail": before.mail_after(look)})


def reached(context: Context, host: Host, endpoints: Sequence[str]) -> Mapping[str, Reached]:
    """Try from inside a host what it must not reach; by address where names lead nowhere now.

    What a name led to before its way out was denied is tried, and not written down as an attempt.
    """
    probe, site = context.tools.probe, context.there()
    egress = context.facts.egress.get(host.name)
    if egress is None or not egress.loaded:
        return probe.reaches(host, site, endpoints)

    tries = {endpoint: _addresses(egress, endpoint) for endpoint in endpoints}
    every = tuple(dict.fromkeys(each for addresses in tries.values() for each in addresses))
    answers = probe.reaches(host, site.model_copy(update={"counted": True}), every)
    return {
        endpoint: min(
            (answers.get(each, NOT_TRIED) for each in addresses),
            key=lambda answer: _WORST_FIRST.index(answer.reach),
        )
        for endpoint, addresses in tries.items()
    }


def _addresses(egress: HostEgress, endpoint: str) -> tuple[str, ...]:
    """Return an endpoint with each address of its name in the name's place."""
    port = endpoint.rpartition(":")[2]
    addresses = egress.known.get(host_of(endpoint), ())
    return tuple(f"[{each}]:{port}" if ":" in each else f"{each}:{port}" for each in addresses) or (
        endpoint,
    )


def _others(context: Context, host: Host) -> tuple[str, ...]:
    """Return the addresses of the standby's other hosts, as they were seen and are reached."""
    every = [other for other in context.there().hosts if other != host]
    addresses = [
        each
        for other in every
        if other.name in context.facts.seen
        for each in context.facts.seen[other.name].addresses
    ]
    return tuple(dict.fromkeys([*(other.address for other in every), *addresses]))


def _look(context: Context, host: Host) -> EgressLook:
    """Look at a host's table, and tell it as it is noted: without the run's secrets."""
    look = _egress(context).look(host, context.there())
    return EgressLook.model_validate(context.tools.masked(look.model_dump(mode="json")))


def _about_to(context: Context) -> HostEgress:
    """Return what is noted before a table is loaded: whoever finds the run killed looks for it."""
    return HostEgress(table=table_of(context.there().run_id))


def _guard(host: Host, outcome: GuardOutcome, detail: Reason) -> GuardResult:
    guard = Guard(kind=GuardKind.EGRESS)
    return GuardResult(guard=guard, host=host.name, outcome=outcome, detail=detail)


def _egress(context: Context) -> EgressDenial:
    return planned(context.tools.egress, "what denies the standby's way out")
