"""Prove what must be true of a host before it is touched, and before data is restored.

A guard without evidence is unproven. All that a host says of itself is its own word: these guards
keep an honest mistake from production, not a machine that is made to lie.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from pradrill.domain.declared.plan import PrimaryIdentity
from pradrill.domain.run.guard import Guard, GuardKind, Reach, Reached
from pradrill.domain.run.host import MARKER, Host, HostFacts, MarkerFault, SeenHost
from pradrill.domain.run.outcome import GuardOutcome, GuardResult
from pradrill.domain.values import identity
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code

_FAULTS = {
    MarkerFault.LINK: Code.MARKER_LINK,
    MarkerFault.NOT_A_FILE: Code.MARKER_NO_FILE,
    MarkerFault.OWNER: Code.MARKER_OWNER,
    MarkerFault.WRITABLE: Code.MARKER_WRITABLE,
    MarkerFault.SHARED: Code.MARKER_SHARED,
    MarkerFault.UNREADABLE: Code.MARKER_UNREADABLE,
}
_REACHES = {
    Reach.OPEN: GuardOutcome.REFUSED,
    Reach.CLOSED: GuardOutcome.PROVEN,
    Reach.UNRESOLVED: GuardOutcome.UNPROVEN,
    Reach.ITSELF: GuardOutcome.UNPROVEN,
    Reach.UNKNOWN: GuardOutcome.UNPROVEN,
}
NOT_TRIED = Reached(reach=Reach.UNKNOWN, detail=reason(Code.REACH_NOT_TRIED))


def identity_guards(
    host: Host,
    facts: HostFacts,
    primaries: Mapping[str, PrimaryIdentity],
    *,
    services: Collection[str] | None = None,
    known_by_name: bool = False,
) -> list[GuardResult]:
    """Prove that the host is declared a standby and is not a service's primary.

    It must be told apart from the primary of each of the drill's `services` (default: of all); of
    the others in the plan, where that says what their primary is.
    """
    demanded = primaries if services is None else services
    declared = host.dr_role == "standby"
    key = identity.print_of(facts.host_key)

    results = [
        _result(
            GuardKind.DR_ROLE,
            host.name,
            proven=declared,
            detail=reason(Code.INVENTORY_SAYS, role=str(host.dr_role)),
        ),
        _result(
            GuardKind.HOST_KEY,
            host.name,
            proven=True,
            detail=reason(Code.KEY_PINNED, key=f"{facts.host_key[:40]}…"),
        )
        if key
        else _unproven(GuardKind.HOST_KEY, host.name, reason(Code.KEY_UNREADABLE)),
    ]
    for service in dict.fromkeys((*demanded, *primaries)):
        primary = primaries.get(service, PrimaryIdentity())
        result = _not_primary(service, primary, host, facts, known_by_name=known_by_name)
        if service in demanded or result.outcome in {GuardOutcome.PROVEN, GuardOutcome.REFUSED}:
            results.append(result)

    if not facts.machine_id:
        results.append(_unproven(GuardKind.MACHINE_ID, host.name, reason(Code.NO_MACHINE_ID)))

    return results


def _not_primary(
    service: str, primary: PrimaryIdentity, host: Host, facts: HostFacts, *, known_by_name: bool
) -> GuardResult:
    guard = Guard(kind=GuardKind.NOT_PRIMARY_OF, of=service)
    if primary.waived:
        detail = reason(Code.PRIMARY_WAIVED)
        return _guard_result(guard, host.name, GuardOutcome.WAIVED, detail)

    compared = dict(_comparisons(primary, host, facts, known_by_name=known_by_name))
    hits = [hit for each in compared.values() for hit in each or ()]
    if hits:
        detail = reason(Code.PRIMARY_SHARED, what=hits)
        return _guard_result(guard, host.name, GuardOutcome.REFUSED, detail)
    if all(each is None for each in compared.values()):
        unknown = reason(Code.PRIMARY_UNKNOWN)
        if primary.addresses and not _is_address_known(host):
            unknown = reason(Code.PRIMARY_BY_NAME, name=host.address)
        return _guard_result(guard, host.name, GuardOutcome.UNPROVEN, unknown)

    left_out = [what for what, each in compared.items() if each is None]
    in_part = left_out and not known_by_name
    detail = reason(Code.DIFFERS_IN_PART, what=left_out) if in_part else reason(Code.DIFFERS)

    return _guard_result(guard, host.name, GuardOutcome.PROVEN, detail)


def _comparisons(
    primary: PrimaryIdentity, host: Host, facts: HostFacts, *, known_by_name: bool
) -> Iterator[tuple[str, list[str] | None]]:
    """Yield each kind of identity with what both have in common; None: it cannot be compared.

    A key of another type says nothing: one machine has a key of each. So those that the host has
    beside the one that it showed are compared too.
    """
    host_keys = [facts.host_key, *facts.other_keys]
    ours = {key for key in map(identity.print_of, host_keys) if key}
    comparable = {*(each.partition(" ")[0] for each in host_keys), None}
    keys = {
        identity.print_of(each)
        for each in identity.valid(identity.host_key, primary.host_keys)
        if identity.type_of(each) in comparable
    }

    yield "host key", (["host key"] * bool(keys & ours) if keys and ours else None)

    ids = set(identity.valid(identity.machine_id, primary.machine_ids))
    same = ["machine-id"] * (facts.machine_id.lower() in ids)
    yield "machine-id", (same if ids and facts.machine_id else None)

    valid_addresses = identity.valid(identity.address, primary.addresses)
    theirs = {identity.plain_address(each) for each in valid_addresses}
    here = _addresses(host, facts)
    shared = [f"address {text}" for text, each in here.items() if each in theirs]
    telling = [each for each in theirs if not identity.is_everybodys(each)]
    comparable_too = telling and here and _is_address_known(host)
    yield "addresses", (shared if shared or comparable_too else None)

    if known_by_name:
        yield "name", (["name"] * (host.name == primary.vm) if primary.vm else None)


def _is_address_known(host: Host) -> bool:
    """Tell whether it is known which address leads to the host.

    Where a name leads is known to its jump host alone: behind NAT the machine itself does not
    know it either, and what it has differs from the primary's address also on the primary.
    """
    if host.via is None:
        return True
    try:
        identity.plain_address(host.address)
    except ValueError:
        return False
    return True


def _addresses(host: Host, facts: HostFacts) -> dict[str, object]:
    """Return the addresses that lead to the host, and those that it has: as told → as compared."""
    addresses: dict[str, object] = {}
    for text in (host.address, facts.peer, *facts.addresses):
        try:
            addresses[text] = identity.plain_address(text.strip("[]"))
        except ValueError:  # a name: `peer` is the address that it led to
            continue

    return addresses


def same_machine_guard(host: Host, facts: HostFacts, before: SeenHost | None) -> GuardResult:
    """Prove that the host is the one that a killed run worked on."""
    if before is None or not before.host_key:
        return _unproven(GuardKind.SAME_MACHINE, host.name, reason(Code.NOT_NOTED))
    if identity.print_of(facts.host_key) != before.host_key:
        detail = reason(Code.OTHER_KEY)
        return _result(GuardKind.SAME_MACHINE, host.name, proven=False, detail=detail)
    if (
        before.machine and facts.for_record().machine != before.machine
    ):  # copies of one image share keys
        detail = reason(Code.OTHER_MACHINE_ID)
        return _result(GuardKind.SAME_MACHINE, host.name, proven=False, detail=detail)

    return _result(GuardKind.SAME_MACHINE, host.name, proven=True, detail=reason(Code.SAME_KEY))


def marker_guard(facts: HostFacts, line: str | None = None) -> GuardResult:
    """Prove the marker: a file that this machine alone has, with its own id in it.

    Of a machine that the run has made it is known what else stands there: its second `line`. An
    image that was a standby's before brings a marker, too.
    """
    if facts.marker_fault is not None:
        detail = reason(_FAULTS[facts.marker_fault], path=facts.marker_fault_at or MARKER)
        return _result(GuardKind.MARKER, facts.host, proven=False, detail=detail)
    if facts.marker is None:
        detail = reason(Code.MARKER_MISSING, path=MARKER)
        return _result(GuardKind.MARKER, facts.host, proven=False, detail=detail)

    lines = facts.marker.splitlines() if facts.marker.strip() else [""]
    proven = lines[0].strip() == facts.machine_id != ""
    if proven and line is not None:
        is_ours = lines[1:2] == [line]
        detail = reason(Code.MARKER_OF_RUN if is_ours else Code.MARKER_OF_ANOTHER)
        return _result(GuardKind.MARKER, facts.host, proven=is_ours, detail=detail)
    detail = reason(Code.MARKER_OWN) if proven else reason(Code.MARKER_COPIED)

    return _result(GuardKind.MARKER, facts.host, proven=proven, detail=detail)


def isolation_guards(
    facts: HostFacts,
    endpoints: Sequence[str],
    reached: Mapping[str, Reached],
    line: str | None = None,
) -> list[GuardResult]:
    """Prove the marker on the machine itself, and that production is out of its reach."""
    return [marker_guard(facts, line), *reach_guards(facts.host, endpoints, reached)]


def reach_guards(
    host: str, endpoints: Sequence[str], reached: Mapping[str, Reached]
) -> list[GuardResult]:
    """Prove that production is out of a host's reach.

    A name that does not resolve proves nothing: a misspelt one looks the same. The controller's
    own answer is not taken instead: it may see another network than the standby.
    """
    return [_reach_guard(host, each, reached.get(each, NOT_TRIED)) for each in endpoints]


def _reach_guard(host: str, endpoint: str, answer: Reached) -> GuardResult:
    guard = Guard(kind=GuardKind.MUST_NOT_REACH, of=endpoint)
    return _guard_result(guard, host, _REACHES[answer.reach], answer.detail)


def _result(kind: GuardKind, host: str, *, proven: bool, detail: Reason) -> GuardResult:
    outcome = GuardOutcome.PROVEN if proven else GuardOutcome.REFUSED
    return _guard_result(Guard(kind=kind), host, outcome, detail)


def _unproven(kind: GuardKind, host: str, detail: Reason) -> GuardResult:
    return _guard_result(Guard(kind=kind), host, GuardOutcome.UNPROVEN, detail)


def _guard_result(guard: Guard, host: str, outcome: GuardOutcome, detail: Reason) -> GuardResult:
    return GuardResult(guard=guard, host=host, outcome=outcome, detail=detail)
