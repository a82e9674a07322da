"""Show, for each access that the plan declares, whether a run used it and what proves it gone.

A run logs in to its standby, and a playbook may open a way in of its own: of each, what the
teardown saw is the proof. What nothing shows was not withdrawn, as far as anybody knows.
"""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.domain.declared.flow import Access
from pradrill.domain.report.line_evidence import LineEvidence, Proof
from pradrill.domain.run.outcome import Phase, StepKind, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.standby_inventory import WAYS_IN
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, as_reason, reason
from pradrill.domain.values.reason_code import Code

_ENDS = {
    Code.ERASED_DISK,
    Code.MACHINES_GONE,
    Code.MACHINES_CLEAN,
    Code.ACCOUNTS_AS_BEFORE,
}
"""What shows, of what a run has erased, that the ways in are gone, too."""


class AccessShown(Model):
    """An access of a service's plan, and what a run showed of its end."""

    service: str
    access: Access
    evidence: tuple[LineEvidence, ...]


def accesses(record: RunRecord) -> tuple[AccessShown, ...]:
    """Return every access that the plan declares for the run's services."""
    return tuple(
        AccessShown(service=name, access=access, evidence=tuple(_evidence(record, access)))
        for name, service in record.plan.services.items()
        for access in service.accesses
    )


def _evidence(record: RunRecord, access: Access) -> Iterator[LineEvidence]:
    if not is_used(record, access):
        yield LineEvidence(proof=Proof.NOT_EXERCISED, text=reason(Code.ACCESS_UNUSED))
        return

    left = list(_ways_in_left(record))
    if left:
        yield from (LineEvidence(proof=Proof.FAILED, text=each) for each in left)
        return

    opens = _opens_standby(record, access)
    proofs = [each for each in _proofs(record) if opens or each.text.code == Code.ACCESS_REVOKED]
    yield from proofs
    if not proofs:
        yield LineEvidence(proof=Proof.UNKNOWN, text=reason(Code.ACCESS_END_UNKNOWN))


def is_used(record: RunRecord, access: Access) -> bool:
    """Tell whether a run used an access: the plan says so, or it opens the standby itself."""
    began = any(step.kind is StepKind.START for step in record.steps)
    return began and (access.drill or _opens_standby(record, access))


def _opens_standby(record: RunRecord, access: Access) -> bool:
    """Tell whether it opens the standby itself: of that the teardown has seen the end."""
    hosts = {host.name for host in record.plan.hosts} | {
        (host.address or "").rpartition(":")[0] for host in record.plan.hosts
    }
    return access.to.casefold() in {name.casefold() for name in hosts if name}


def _proofs(record: RunRecord) -> Iterator[LineEvidence]:
    """Yield what shows that the run's ways in are gone."""
    for each in record.erased:
        if each.code in _ENDS:
            yield LineEvidence(proof=Proof.SHOWN, text=each)

    for step in record.steps:
        value = step.values.get("pradrill_revoked")
        if step.phase is not Phase.TEARDOWN or step.outcome is not StepOutcome.PASSED:
            continue
        for each in value if isinstance(value, list) else [value] if value else []:
            text = reason(Code.ACCESS_REVOKED, step=step.name, what=str(each)[:300])
            yield LineEvidence(proof=Proof.SHOWN, text=text)


def _ways_in_left(record: RunRecord) -> Iterator[Reason]:
    """Yield what the teardown saw of ways in that were not there before, or not so."""
    for each in record.residue:
        left = as_reason(each.values["left"]) if each.code == Code.ON_HOST else each
        is_way_in = left.values.get("kind") in WAYS_IN
        if left.code in {Code.INVENTORY_NEW, Code.INVENTORY_CHANGED} and is_way_in:
            yield each
