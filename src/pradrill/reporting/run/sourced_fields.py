"""Collect fields of an audit that have several sources: each answer says where it comes from.

What an instrument saw comes first, then what plan, drill or a playbook declare, then what people
entered after the run. No answer takes the place of another: a reader sees where they differ.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from pradrill.domain.register.annotation import Annotation, AnnotationKind
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.guard import GuardKind
from pradrill.domain.run.outcome import GuardOutcome, Phase, Sample, StepKind, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.timeline import Provenance
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import N_, _, decimal, language, ngettext, whole
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.language.terms import step_name, word

_IN_PLAN = N_("declared in the plan")
_IN_DRILL = N_("declared in the drill")


class SourcedAnswer(NamedTuple):
    """An answer, and where it comes from."""

    text: str
    source: str


def planned(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say for which day the drill was planned."""
    record = case.record
    if record.plan.drill.planned is not None:
        yield SourcedAnswer(wording.day(record.plan.drill.planned), _(_IN_DRILL))

    if record.launch.due is not None:
        yield SourcedAnswer(wording.day(record.launch.due), _("due by the plan's drill_every"))

    for note in case.annotations:
        if note.kind is AnnotationKind.PLANNED and note.date is not None:
            yield SourcedAnswer(wording.day(note.date), entered(note))


def sites(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say where the primaries and the standby are."""
    plan = case.record.plan
    for name, service in plan.services.items():
        if service.site is not None:
            text = _("primary of %(service)s: %(site)s", service=name, site=service.site)
            yield SourcedAnswer(text, _(_IN_PLAN))

    if plan.drill.environment.site is not None:
        yield SourcedAnswer(_("standby: %(site)s", site=plan.drill.environment.site), _(_IN_DRILL))
    yield from _entered(case, AnnotationKind.SITE)


def network(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say what is known of the standby's network, beside the proof of isolation."""
    record, standby = case.record, case.record.plan.drill.standby
    for host, facts in record.seen.items():
        if facts.addresses:
            text = f"{host}{wording.colon()}{', '.join(facts.addresses)}"
            yield SourcedAnswer(text, _("measured on the host itself"))

    if standby.leads_to is not None:
        reached = ", ".join(f"{here} → {there}" for here, there in standby.leads_to.items())
        text = _("the lab's closed network; it leads to: %(links)s", links=reached or _("nothing"))
        yield SourcedAnswer(text, _(_IN_DRILL))

    if record.plan.drill.environment.network is not None:
        yield SourcedAnswer(record.plan.drill.environment.network, _(_IN_DRILL))
    yield from _entered(case, AnnotationKind.NETWORK)


def host_keys(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say to whom the run spoke."""
    for host, facts in case.record.seen.items():
        if facts.host_key:
            yield SourcedAnswer(
                f"{host}{wording.colon()}{facts.host_key}", word(Provenance.MEASURED)
            )


def backup(case: CaseFile, service: str | None) -> Iterator[SourcedAnswer]:
    """Say which copy was restored, from where, where the run's own catalogue does not tell."""
    record = case.record
    reading = record.recovery_of(service).catalogue
    declared = record.plan.drill.ways[service].recovery_point
    if reading is not None:
        yield SourcedAnswer(f"{reading.source}, {reading.location}", _("read in the catalogue"))

    if declared is not None and declared.kept_at is not None:
        yield SourcedAnswer(declared.kept_at, _(_IN_DRILL))
    yield from _handed_back(case, Phase.RESTORE, "pradrill_backup_location", service)
    yield from _entered(case, AnnotationKind.BACKUP)


def backup_size(case: CaseFile, service: str | None) -> Iterator[SourcedAnswer]:
    """Say how large the backup is, and what it can be compared with."""
    reading = case.record.recovery_of(service).catalogue
    if reading is not None:
        size = wording.size(reading.selected.size) or _("size not told")
        checksum = spoken(reading.selected.integrity) or _("no checksum told")
        yield SourcedAnswer(f"{size}, {checksum}", _("read in the catalogue"))

    for answer in _handed_back(case, Phase.RESTORE, "pradrill_backup_size", service):
        number = int(answer.text) if answer.text.isascii() and answer.text.isdigit() else None
        yield answer._replace(text=wording.size(number) or answer.text)

    yield from _handed_back(case, Phase.RESTORE, "pradrill_backup_checksum", service)


def samples(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say how much the checks looked at, of how much there is."""
    for check in case.record.checks:
        if check.sample is not None:
            text = f"{check.title}{wording.colon()}{share(check.sample)}"
            yield SourcedAnswer(text, _("measured by the check"))
    yield from _entered(case, AnnotationKind.SAMPLED)


def share(sample: Sample) -> str:
    """Write a sample with the part that it is, rounded down: almost all is not all."""
    part, every = whole(sample.looked), whole(sample.of)
    if not sample.of:
        return _("%(looked)s of %(all)s", looked=part, all=every)

    tenths = math.floor(1_000 * sample.looked / sample.of)
    text = "100" if sample.looked == sample.of else f"{tenths / 10:.1f}"
    percent = decimal(text) + ("\u00a0%" if language() == "fr" else "%")

    return _("%(looked)s of %(all)s (%(share)s)", looked=part, all=every, share=percent)


def negative_controls(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say what was tried that must not work: proof that the checks and guards can say no."""
    record = case.record
    tries = [guard for guard in record.guards if guard.guard.kind is GuardKind.MUST_NOT_REACH]
    if tries:
        failed = sum(guard.outcome is GuardOutcome.PROVEN for guard in tries)
        what = ngettext(
            "%(n)s attempt to reach production from inside the standby",
            "%(n)s attempts to reach production from inside the standby",
            len(tries),
        )
        if failed == len(tries):
            text = _("%(tries)s: each failed, as it must", tries=what)
        else:
            text = _("%(tries)s: %(failed)s failed, as they must", tries=what, failed=failed)

        yield SourcedAnswer(text, word(Provenance.MEASURED))

    for guard in record.guards:
        if guard.outcome is GuardOutcome.REFUSED:
            text = _("the guard %(guard)s refused %(host)s", guard=guard.guard, host=guard.host)
            yield SourcedAnswer(text, word(Provenance.MEASURED))

    for check in record.checks:
        if check.negative:
            yield SourcedAnswer(
                f"{check.title}{wording.colon()}{word(check.outcome)}", word(Provenance.MEASURED)
            )

    yield from _entered(case, AnnotationKind.NEGATIVE_CONTROL)


def erased(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say which data of the drill is known to be gone, and how."""
    of_data = [each for each in case.record.erased if each.code != Code.ACCOUNTS_AS_BEFORE]
    for each in of_data:
        yield SourcedAnswer(wording.line(spoken(each)), word(Provenance.MEASURED))
    if not of_data:
        yield from _erased_without_proof(case.record)

    yield from _handed_back(case, Phase.TEARDOWN, "pradrill_erased")
    yield from _entered(case, AnnotationKind.ERASED)


def _erased_without_proof(record: RunRecord) -> Iterator[SourcedAnswer]:
    """Say what follows from the steps of a record that does not say what is erased."""
    standby = record.plan.drill.standby
    ended = {step.kind: step.outcome for step in record.steps if step.phase is Phase.TEARDOWN}
    if ended.get(StepKind.RESIDUE) is StepOutcome.PASSED and standby.absent_after_teardown:
        paths = ", ".join(standby.absent_after_teardown)
        yield SourcedAnswer(_("gone: %(paths)s", paths=paths), _("looked for after the teardown"))

    is_made = standby.provisioning is not None  # such a record says what is erased
    if ended.get(StepKind.STOP) is StepOutcome.PASSED and standby.throw_away and not is_made:
        text = _("thrown away with its disk: %(names)s", names=standby.where)
        yield SourcedAnswer(text, word(Provenance.MEASURED))


def revoked(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say which credentials of the drill are worth nothing any more."""
    for each in case.record.erased:
        if each.code == Code.ACCOUNTS_AS_BEFORE:
            yield SourcedAnswer(wording.line(spoken(each)), word(Provenance.MEASURED))
    yield from _handed_back(case, Phase.TEARDOWN, "pradrill_revoked")
    yield from _entered(case, AnnotationKind.REVOKED)


def retention(case: CaseFile) -> Iterator[SourcedAnswer]:
    """Say how long the record is kept."""
    if case.record.plan.retention is not None:
        yield SourcedAnswer(case.record.plan.retention, _(_IN_PLAN))
    yield from _entered(case, AnnotationKind.RETENTION)


def entered(note: Annotation) -> str:
    """Say when and by whom a note was entered."""
    return _(
        "entered %(at)s by %(by)s", at=wording.at(note.at), by=wording.line(spoken(note.by), 80)
    )


def _entered(case: CaseFile, kind: AnnotationKind) -> Iterator[SourcedAnswer]:
    for note in case.annotations:
        if note.kind is kind:
            yield SourcedAnswer(note.text, entered(note))


def _handed_back(
    case: CaseFile, phase: Phase, name: str, service: str | None = None
) -> Iterator[SourcedAnswer]:
    """Return what playbooks said with set_stats: of one service's steps, or of all."""
    for step in case.record.steps:
        value = step.values.get(name)
        if value in (None, "", []) or step.phase is not phase:
            continue
        if service is not None and step.service != service:
            continue

        source = _("handed back by %(step)s", step=wording.line(step_name(step.name), 120))
        for each in value if isinstance(value, list) else [value]:
            yield SourcedAnswer(wording.line(each), source)
