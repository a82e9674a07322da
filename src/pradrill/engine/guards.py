"""Guards: what must be proven of a host before it is touched, and before data is restored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pradrill.domain.outcome import GuardOutcome, GuardResult
from pradrill.domain.plan import PrimaryIdentity
from pradrill.domain.target import MARKER, Host, HostFacts


def identity_guards(
    host: Host, facts: HostFacts, primaries: Mapping[str, PrimaryIdentity]
) -> list[GuardResult]:
    """Prove that the host is declared a standby and is no service's primary."""
    declared = host.dr_role == "standby"
    results = [
        _result(
            "dr_role",
            host.name,
            proven=declared,
            detail=f"the inventory says dr_role: {host.dr_role}",
        ),
        _result("host-key", host.name, proven=True, detail=f"pinned: {facts.host_key[:40]}…"),
    ]
    for service, primary in primaries.items():
        seen = {
            "host key": (_key(facts.host_key), {_key(key) for key in primary.host_keys}),
            "machine-id": (facts.machine_id, set(primary.machine_ids)),
        }
        hits = [what for what, (value, known) in seen.items() if value in known]
        known_addresses = set(primary.addresses)
        hits += [
            f"address {address}"
            for address in (host.address, *facts.addresses)
            if address in known_addresses
        ]
        detail = f"shares its {', '.join(hits)} with the primary" if hits else "differs"
        results.append(
            _result(f"not-primary-of-{service}", host.name, proven=not hits, detail=detail)
        )
    if not facts.machine_id:
        results.append(_unproven("machine-id", host.name, "the host has no machine-id"))
    return results


def isolation_guards(
    facts: HostFacts, endpoints: Sequence[str], reached: Mapping[str, str]
) -> list[GuardResult]:
    """Prove the marker on the machine itself, and that production is out of its reach."""
    results = [_marker(facts)]
    for endpoint in endpoints:
        answer = reached.get(endpoint, "unknown: not tried")
        guard = f"must-not-reach {endpoint}"
        if answer.startswith("closed"):
            results.append(_result(guard, facts.host, proven=True, detail=answer))
        elif answer.startswith("open"):
            results.append(
                _result(guard, facts.host, proven=False, detail="production answers: open")
            )
        else:
            results.append(_unproven(guard, facts.host, answer))
    return results


def _marker(facts: HostFacts) -> GuardResult:
    if facts.marker is None:
        detail = f"{MARKER} is missing: place it once with playbooks/mark_standby.yml"
        return _result("marker", facts.host, proven=False, detail=detail)
    first = facts.marker.splitlines()[0].strip() if facts.marker.strip() else ""
    proven = first == facts.machine_id != ""
    detail = "carries this machine's id" if proven else "names another machine: it was copied here"
    return _result("marker", facts.host, proven=proven, detail=detail)


def _key(line: str) -> str:
    """Return type and key without the comment."""
    return " ".join(line.split()[:2])


def _result(guard: str, host: str, *, proven: bool, detail: str) -> GuardResult:
    outcome = GuardOutcome.PROVEN if proven else GuardOutcome.REFUSED
    return GuardResult(guard=guard, host=host, outcome=outcome, detail=detail)


def _unproven(guard: str, host: str, detail: str) -> GuardResult:
    return GuardResult(guard=guard, host=host, outcome=GuardOutcome.UNPROVEN, detail=detail)
