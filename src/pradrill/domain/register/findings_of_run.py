"""Derive findings from a run's record: those that it opens by itself.

A key names a problem and not its appearance: the same one at the next run has the same key.
Critical is what a real recovery would die of, major what would make it late or doubtful, minor
what is beside the recovery. An attempt that was interrupted or killed shows nothing by that: it
is to be made again, which the schedule sees to.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from pradrill.domain.register.finding import BY_A_RUN, DUE_WITHIN, Finding
from pradrill.domain.register.finding_key import About, FindingKey
from pradrill.domain.run.backup_integrity import Soundness
from pradrill.domain.run.egress import Destination
from pradrill.domain.run.file_map import ForeignFiles
from pradrill.domain.run.hidden_dependencies import hidden_dependencies
from pradrill.domain.run.missing_files import missing_files
from pradrill.domain.run.outcome import (
    CheckOutcome,
    CheckResult,
    GuardOutcome,
    Phase,
    StepKind,
    StepOutcome,
    StepResult,
)
from pradrill.domain.run.question import SlaMeasure, SlaStanding
from pradrill.domain.run.record import Recovery, Refusal, RunRecord, RunState
from pradrill.domain.run.run_plan import Branch
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.duration import approximate, format_duration
from pradrill.domain.values.severity import Severity, worst
from pradrill.domain.values.timeline import Elapsed, Provenance

_GUARDING = {StepKind.IDENTITY, StepKind.ISOLATION, StepKind.ISOLATION_AGAIN}
_TITLE, _DETAIL = 200, 2_000
_DESTINATIONS = 20
"""Of a service so many unexpected destinations are findings of their own."""
_FOLDERS = 20
"""Of a service so many folders, likewise."""
_MINUTE = 60.0


def findings_of(record: RunRecord) -> tuple[Finding, ...]:
    """Return what the run showed to be wrong, one finding a key; none for a run that was busy.

    A rehearsal is there to find it: it opens none.
    """
    if record.launch.rehearsal:
        return ()

    findings: dict[str, Finding] = {}
    for finding in _each_finding(record):
        key = finding.key or ""
        findings[key] = _joined(findings[key], finding) if key in findings else finding

    if not findings and _unexplained(record):
        drill, detail = record.plan.drill.drill, "\n".join(map(str, record.reasons))
        title = f"the drill {drill} is {record.verdict}"
        finding = _finding(record, FindingKey(About.VERDICT, drill), title, detail)
        findings[finding.key or ""] = finding

    return tuple(findings.values())


def _each_finding(record: RunRecord) -> Iterator[Finding]:
    drill = record.plan.drill.drill
    if record.refusal is Refusal.NOT_READY:
        detail = "\n".join(map(str, record.reasons))
        title = f"the drill {drill} was not ready"
        yield _finding(record, FindingKey(About.NOT_READY, drill), title, detail)

    if record.refusal is None:
        guards = list(_guards(record))
        yield from guards
        yield from _steps(record, guarded=bool(guards))
        yield from _checks(record)

        for services, recovery in _recoveries(record):
            yield from _objectives(record, services, recovery)
            yield from _data(record, services, recovery)

    yield from _clock(record)
    yield from _egress(record)
    yield from _files(record)
    if record.residue:
        title = f"the standby was not left as declared by {drill}"
        key = FindingKey(About.RESIDUE, drill)
        yield _finding(record, key, title, "\n".join(map(str, record.residue)))

    for measure in record.sla:
        if measure.standing is SlaStanding.NOT_MET:
            yield _promise(record, measure)


def _clock(record: RunRecord) -> Iterator[Finding]:
    """Find that the controller's clock was set: its instants fit no other clock's any more."""
    steps = record.recovery.clock_steps
    if steps:
        worst_step = max(abs(step.seconds) for step in steps)
        yield _finding(
            record,
            FindingKey(About.CLOCK, record.plan.drill.drill),
            "the controller's clock was set during the run",
            "\n".join(f"{step.seconds:+.3g} s, seen at {step.at:%H:%M:%S} UTC" for step in steps),
            severity=Severity.MAJOR if worst_step >= _MINUTE else Severity.MINOR,
        )


def _egress(record: RunRecord) -> Iterator[Finding]:
    """Find what the services tried to reach and the plan does not know: hidden dependencies.

    Of each service the most tried ones are findings of their own; the rest is one together.
    """
    for branch in record.plan.branches:
        services = (branch.service,) if branch.service else tuple(record.plan.services)
        unexpected = hidden_dependencies(record, branch)
        for each in unexpected[:_DESTINATIONS]:
            yield _finding(
                record,
                _egress_key(record, branch, each),
                f"{_whose(branch.service)}{each.where} was tried, and the plan does not say so",
                _tried(each),
                services=services,
            )
        if more := unexpected[_DESTINATIONS:]:
            key = FindingKey(About.EGRESS, record.plan.drill.drill, f"{_whose(branch.service)}more")
            title = f"{_whose(branch.service)}{len(more)} more destinations were tried"
            detail = ", ".join(each.where for each in more)
            yield _finding(record, key, title, detail, services=services)


def _egress_key(record: RunRecord, branch: Branch, destination: Destination) -> FindingKey:
    which = "/".join(filter(None, (destination.where, destination.protocol)))
    return FindingKey(About.EGRESS, record.plan.drill.drill, f"{_whose(branch.service)}{which}")


def _tried(each: Destination) -> str:
    """Say who tried a destination, and how often."""
    whose = ", ".join(each.whose)
    by = f" by {whose}" if whose else ""
    often = "once" if each.times == 1 else f"{each.times} times"
    where = ", ".join(address for address in each.addresses if address not in each.where)
    at = f" ({where})" if where else ""
    if not each.protocol:
        return f"{each.standby}: asked for by name {often}{by}"
    return f"{each.standby}: {each.protocol} {each.where}{at} tried {often}{by}{_mail(each)}"


def _mail(each: Destination) -> str:
    """Say what a sink took in the place of a destination; nothing where none did."""
    if not each.mail:
        return ""
    count = sum(server.mails for server in each.mail)
    domains = {d.domain: None for server in each.mail for d in server.domains if d.domain}
    to = f", to {', '.join(domains)}" if domains else ""
    return f"; the mail sink took {count} {'mail' if count == 1 else 'mails'}{to}"


def _files(record: RunRecord) -> Iterator[Finding]:
    """Find which files services opened that no backup, package or playbook brings.

    Those of one folder are one finding; of each service the first folders, the rest together.
    """
    drill = record.plan.drill.drill
    for branch in record.plan.branches:
        services = (branch.service,) if branch.service else tuple(record.plan.services)
        missing = missing_files(record, branch)
        for each in missing[:_FOLDERS]:
            yield _finding(
                record,
                FindingKey(About.FILE, drill, f"{_whose(branch.service)}{each.folder}"),
                f"{_whose(branch.service)}{each.where} is needed, and the drill does not bring it",
                _opened(each),
                services=services,
            )
        more = missing[_FOLDERS:]
        untold = sum(record.files[h].untold for h in branch.hosts if h in record.files)
        if more or untold:
            yield _finding(
                record,
                FindingKey(About.FILE, drill, f"{_whose(branch.service)}more"),
                f"{_whose(branch.service)}{_more_files(len(more), untold)}",
                ", ".join(each.where for each in more),
                services=services,
            )


def _more_files(folders: int, untold: int) -> str:
    """Say how many folders are needed as well, and how many files are only counted."""
    parts = []
    if folders:
        parts.append(f"files of {folders} more folders are needed")
    if untold:
        parts.append(f"files were opened that the drill does not bring, only counted: {untold}")
    return "; ".join(parts)


def _opened(each: ForeignFiles) -> str:
    """Say which files were opened, by what."""
    paths = ", ".join(
        f"{use.path} (of a package, altered)" if use.altered else use.path for use in each.files
    )
    by = f" by {', '.join(each.programs)}" if each.programs else ""
    return f"{each.standby}: opened{by}, there before the drill: {paths}"


def _guards(record: RunRecord) -> Iterator[Finding]:
    for guard in record.guards:
        refused = guard.outcome is GuardOutcome.REFUSED
        if refused or (guard.outcome is GuardOutcome.UNPROVEN and _ended(record)):
            yield _finding(
                record,
                FindingKey(About.GUARD, record.plan.drill.drill, str(guard.guard)),
                f"the guard {guard.guard} is {guard.outcome}",
                f"{guard.host}: {guard.detail}",
                severity=Severity.CRITICAL if refused else Severity.MAJOR,
            )


def _steps(record: RunRecord, *, guarded: bool) -> Iterator[Finding]:
    red = {
        check.service
        for check in record.checks
        if check.mandatory and check.outcome is not CheckOutcome.PASSED
    }
    for step in record.steps:
        by_check = (step.kind is StepKind.CHECKS and step.service in red) or (
            step.kind in _GUARDING and guarded
        )
        if step.phase is Phase.TEARDOWN or by_check or not _went_wrong(record, step):
            continue

        critical = step.outcome is StepOutcome.FAILED and step.phase is Phase.RESTORE
        failures = (f"{f.host}, {f.task}: {f.message}" for f in step.failures)
        yield _finding(
            record,
            FindingKey(
                About.STEP,
                record.plan.drill.drill,
                f"{_whose(step.service)}{step.phase}/{step.name}",
            ),
            f"{step.phase} step {step.name}: {step.outcome.value.replace('_', ' ')}",
            "\n".join([*([step.detail.text] if step.detail else []), *failures]),
            severity=Severity.CRITICAL if critical else Severity.MAJOR,
            services=_affected(step.service),
        )


def _went_wrong(record: RunRecord, step: StepResult) -> bool:
    """Tell whether the step itself showed a problem: an interruption shows none."""
    if step.outcome in {StepOutcome.PASSED, StepOutcome.CANCELLED}:
        return False
    return step.outcome is StepOutcome.FAILED or _ended(record)


def _checks(record: RunRecord) -> Iterator[Finding]:
    for check in record.checks:
        severity = _severity(check)
        if severity is None or (check.outcome is not CheckOutcome.FAILED and not _ended(record)):
            continue
        yield _finding(
            record,
            _check_key(record, check),
            f"check {check.outcome}: {check.title}",
            f"{check.host}: {check.detail or 'no detail'}",
            severity=severity,
            services=_affected(check.service),
        )


def _severity(check: CheckResult) -> Severity | None:
    if check.outcome is CheckOutcome.PASSED:
        return None
    if not check.mandatory:
        return None if check.outcome is CheckOutcome.SKIPPED else Severity.MINOR
    return Severity.CRITICAL if check.outcome is CheckOutcome.FAILED else Severity.MAJOR


def _recoveries(record: RunRecord) -> Iterator[tuple[tuple[str, ...], Recovery]]:
    """Return what was measured, and of which services: of each that was recovered apart."""
    if not record.plan.apart:
        yield tuple(record.plan.services), record.recovery
    for branch in record.plan.apart:
        if branch.service is not None:
            yield (branch.service,), record.recovery_of(branch.service)


def _objectives(
    record: RunRecord, services: tuple[str, ...], recovery: Recovery
) -> Iterator[Finding]:
    drill = record.plan.drill.drill
    for name, objective, actual in (("RTA", "RTO", recovery.rta), ("RPA", "RPO", recovery.rpa)):
        if actual is None or actual.provenance is Provenance.ASSUMED:
            continue

        if actual.high < 0 or not actual.low <= actual.seconds <= actual.high:
            title = f"the {name} of {drill} is negative or outside its bounds"
            detail = "the instants that it is made of contradict each other"
            key = FindingKey(About.CONTRADICTION, drill, name)
            yield _finding(record, key, title, detail, services=services)
            continue

        for service in services:
            goals = record.plan.services[service].objectives
            goal = goals.rto if name == "RTA" else goals.rpo
            if not actual.meets(goal):
                title = f"the {objective} of {service} was not met"
                detail = _exceeded(name, actual, objective, goal)
                key = FindingKey(About.OBJECTIVE, objective, service)
                yield _finding(record, key, title, detail, services=(service,))


def _data(record: RunRecord, services: tuple[str, ...], recovery: Recovery) -> Iterator[Finding]:
    """Find what the data and the backups showed beside the objectives."""
    drill = record.plan.drill.drill
    for each in recovery.contradictions:
        yield _finding(
            record,
            FindingKey(About.CONTRADICTION, drill, each.contradiction),
            f"instants contradict each other: {each.contradiction}",
            each.text.text,
            severity=each.severity,
            services=services,
        )

    integrity = recovery.integrity
    if integrity is not None and integrity.soundness is Soundness.DAMAGED:
        yield _finding(
            record,
            FindingKey(About.INTEGRITY, drill, integrity.location),
            f"backups in {integrity.location} are damaged",
            f"{integrity.method}: {integrity.detail}",
            severity=Severity.CRITICAL,
            services=services,
        )

    worst_case = recovery.catalogue.worst_case if recovery.catalogue else None
    for service in services:
        rpo = record.plan.services[service].objectives.rpo
        if worst_case is not None and worst_case.seconds > rpo.total_seconds():
            detail = (
                f"up to {approximate(worst_case.seconds)} could have been lost at "
                f"{worst_case.struck:%Y-%m-%d %H:%M:%S} UTC; the RPO is {format_duration(rpo)}"
            )

            title = f"the backups of {service} have allowed a loss beyond its RPO"
            key = FindingKey(About.WORST_CASE, "RPO", service)
            yield _finding(record, key, title, detail, services=(service,))


def _exceeded(name: str, actual: Elapsed, objective: str, goal: timedelta) -> str:
    measure = f"{approximate(actual.seconds)}, at most {format_duration(actual.high)}"
    return f"{name} {measure}; {objective} {format_duration(goal)}"


def _promise(record: RunRecord, measure: SlaMeasure) -> Finding:
    served = (n for n, s in record.plan.services.items() if s.provider == measure.provider)
    promised = format_duration(measure.promised) if measure.promised is not None else "none"
    length = approximate(measure.waited)
    answered = (
        f"came after {length}" if measure.seconds is not None else f"had not come in {length}"
    )
    return _finding(
        record,
        _sla_key(measure),
        f"{measure.provider} did not keep its SLA for {measure.stage}",
        f"the {measure.stage} {answered}; the SLA promises {promised}",
        services=tuple(served) or record.plan.drill.services,
    )


def unproved(finding: Finding, record: RunRecord) -> str | None:
    """Say what keeps a passing run from showing by itself that the problem is gone.

    A person may still say why it does: a check may have been renamed, a drill replaced.
    """
    key = FindingKey.read(finding.key)
    if key.about == About.SLA:
        if not any(
            measure.standing is SlaStanding.MET and _sla_key(measure) == key
            for measure in record.sla
        ):
            return f"it did not measure that {key.of} kept its SLA for {key.which}"
    elif key.about == About.COMMITMENT:
        return f"no run shows what binds {key.of}"
    elif key.of_a_drill:
        if record.plan.drill.drill != key.of:
            return f"it is a run of the drill {record.plan.drill.drill}, not of {key.of}"

        passed = {
            _check_key(record, check)
            for check in record.checks
            if check.outcome is CheckOutcome.PASSED
        }
        if key.about == About.CHECK and key not in passed:
            return f"it has no check {key.which} that passed"
        still = {About.EGRESS: _still_tried, About.FILE: _still_opened}
        if key.about in still:
            return still[About(key.about)](key, record)

    return None


def _still_tried(key: FindingKey, record: RunRecord) -> str | None:
    """Say what keeps a run from showing that a destination is not tried, or not unexpected."""
    if not record.egress:
        return "it did not look at what its service tries to reach"
    again = any(FindingKey.read(each.key) == key for each in _egress(record))
    return f"{key.which} was tried in it, too" if again else None


def _still_opened(key: FindingKey, record: RunRecord) -> str | None:
    """Say what keeps a run from showing that files are not opened, or not unexpected."""
    if not record.files or not all(each.is_whole for each in record.files.values()):
        return "it does not know all the files that its services opened"
    again = any(FindingKey.read(each.key) == key for each in _files(record))
    return f"files of {key.which} were opened in it, too" if again else None


def _check_key(record: RunRecord, check: CheckResult) -> FindingKey:
    name = f"{_whose(check.service)}{check.check}"
    return FindingKey(About.CHECK, record.plan.drill.drill, name)


def _sla_key(measure: SlaMeasure) -> FindingKey:
    return FindingKey(About.SLA, measure.provider, measure.stage)


def _ended(record: RunRecord) -> bool:
    """Tell whether the run came to its end: otherwise what has no answer was cut off."""
    return record.state is RunState.FINISHED


def _unexplained(record: RunRecord) -> bool:
    """Tell whether the verdict is bad and nothing says why; a decision to stop says it."""
    stopped = any(step.outcome is StepOutcome.CANCELLED for step in record.steps)
    bad = record.verdict is not Verdict.PASSED and record.refusal is None
    return bad and _ended(record) and not stopped


def _finding(  # noqa: PLR0913 the parts of a finding
    record: RunRecord,
    key: FindingKey,
    title: str,
    detail: str = "",
    *,
    severity: Severity = Severity.MAJOR,
    services: tuple[str, ...] | None = None,
) -> Finding:
    affected = record.plan.drill.services if services is None else services
    owners = (record.plan.services[name].owner for name in affected if name in record.plan.services)
    return Finding(
        key=key.text,
        title=_cut(title, _TITLE),
        detail=_cut(detail, _DETAIL),
        severity=severity,
        services=affected,
        owner=next((owner for owner in owners if owner), None),
        due=record.ended.date() + timedelta(days=DUE_WITHIN[severity]),
        opened=record.ended,
        by=BY_A_RUN,
        run_id=record.run_id,
    )


def _whose(service: str | None) -> str:
    return "" if service is None else f"{service}/"


def _affected(service: str | None) -> tuple[str, ...] | None:
    return None if service is None else (service,)


def _joined(first: Finding, second: Finding) -> Finding:
    """Return one finding of two with the same key: the worse severity, both details."""
    worse = first if worst(first.severity, second.severity) is first.severity else second
    detail = "\n".join(dict.fromkeys((first.detail, second.detail)))
    services = tuple(dict.fromkeys((*first.services, *second.services)))
    return worse.model_copy(update={"detail": _cut(detail, _DETAIL), "services": services})


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"
