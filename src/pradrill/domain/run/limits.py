"""List what a run did not prove, beside what it did."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.domain.run.egress import HostEgress
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.file_map import FileMap, FileOrigin
from pradrill.domain.run.primary_clock import is_of_primary
from pradrill.domain.values.quotas import CHECKS_KEPT, megabytes
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Mark


def limits(facts: Facts) -> tuple[Reason, ...]:
    """Return what it is, in the order in which it is read."""
    drill = facts.plan.drill
    limits = [reason(Code.REHEARSAL)] if facts.started.launch.rehearsal else []
    limits += [reason(Code.CHECKS_ALONE), reason(Code.NO_SWITCHOVER)]
    if drill.scenario.disruption == "launch":
        before = _disrupted_before_launch(facts)
        limits.append(reason(Code.NO_TIME_BEFORE) if before else reason(Code.T0_IS_LAUNCH))

    limits += [
        reason(Code.PRIMARY_NONE, service=service)
        for service, primary in facts.plan.primaries.items()
        if service in facts.plan.services and primary.waived
    ]

    limits += drill.standby.limits
    limits += [reason(Code.CAME_RUNNING)] if facts.brought_data else []
    inventories = {host: state.inventory for host, state in facts.baseline.items()}
    limits += [
        unseen
        for host, inventory in inventories.items()
        if inventory is not None and (unseen := inventory.limit(host)) is not None
    ]
    limits += facts.unseen
    for host, egress in facts.egress.items():
        limits += _of_egress(host, egress)
    for host, file_map in facts.files.items():
        limits += _of_files(host, file_map)
    if surplus := sum(branch.surplus for branch in facts.branches()):
        limits.append(reason(Code.PASSES_UNKEPT, count=surplus, limit=megabytes(CHECKS_KEPT)))
    if any(wait.call is not None for wait in facts.waits):
        limits.append(reason(Code.DIALLING))
    limits += [
        reason(Code.ASSUMED_AVAILABLE, other=other, needing=needing)
        for other, needing in facts.plan.assumed.items()
    ]
    if not any(map(is_of_primary, facts.skew)):
        limits.append(reason(Code.PRIMARY_CLOCK))

    for reading in (branch.reading for branch in facts.branches() if branch.reading is not None):
        limits += reading.remarks
        limits += [reason(Code.CONTRADICTION, because=each.text) for each in reading.contradictions]

    return tuple(limits)


def _of_egress(host: str, egress: HostEgress) -> Iterator[Reason]:
    """Yield what is not known of what wanted to leave a host."""
    if egress.nameless:
        yield reason(Code.EGRESS_NAMELESS, host=host)
    if egress.gap:
        yield reason(Code.EGRESS_GAP, host=host)
    if more := egress.unkept + egress.names_unkept:
        yield reason(Code.EGRESS_FULL, host=host, count=more)
    if egress.mail is not None and egress.mail.gap:
        yield reason(Code.MAIL_SINK_GAP, host=host)
    if egress.mail is not None and (more := egress.mail.unkept + egress.mail.turned_away):
        yield reason(Code.MAIL_SINK_FULL, host=host, count=more)


def _of_files(host: str, file_map: FileMap) -> Iterator[Reason]:
    """Yield what is not known of the files that a host's services opened."""
    if not file_map.complete:
        because = file_map.because or reason(Code.FILES_NOT_READ)
        yield reason(Code.FILES_UNKNOWN, host=host, because=because)
    elif file_map.unkept or file_map.overflow or file_map.untold:
        yield reason(Code.FILES_MORE, host=host)
    if file_map.unmarked:
        yield reason(Code.FILES_UNMARKED, host=host, places=file_map.unmarked)
    if file_map.counts.get(FileOrigin.UNKNOWN):
        yield reason(Code.FILES_OF_NOBODY, host=host)


def _disrupted_before_launch(facts: Facts) -> bool:
    disrupted, declared = facts.marks.get(Mark.DISRUPTION), facts.marks.get(Mark.DECLARED)
    return disrupted is not None and declared is not None and disrupted.at < declared.at
