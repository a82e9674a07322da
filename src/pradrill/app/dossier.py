"""Compile the dossier of a period from the register, the records, and the plan of today."""

from __future__ import annotations

from collections.abc import Iterator

from pradrill.app.composition import App
from pradrill.config.cron import instants
from pradrill.config.loader import suggestion
from pradrill.config.project import Project
from pradrill.domain.dossier.build import Damaged, Sealed, Sources, compile_dossier
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.period import Period
from pradrill.domain.register.finding_history import all_findings
from pradrill.domain.register.symptom import Symptom
from pradrill.errors import UsageError
from pradrill.register.runs.entries import record_hashes
from pradrill.register.runs.sealed import sealed_records


def compiled_dossier(
    app: App, project: Project, period: Period, only: tuple[str, ...] = ()
) -> Dossier:
    """Gather what a period's dossier is made from, and compile it. Raises PradrillError."""
    entries = list(app.register.entries())
    head = app.register.head()
    dossier = compile_dossier(
        period,
        Sources(
            records=_records(app),
            plan=project.plan,
            drills={name: app.plan(project, loaded) for name, loaded in project.drills.items()},
            entries=entries,
            findings=all_findings(entries),
            head=None if head is None else str(head),
            instants=instants,
        ),
        now=app.clock.now(),
        only=only,
    )

    tried = {service for attempt in dossier.attempts for service in attempt.services}
    services = {*project.plan.services, *tried}
    for name in only:
        if name not in services:
            raise UsageError(
                f'neither the plan nor a run of the period knows the service "{name}"',
                hint=suggestion(name, list(project.plan.services)),
            )

    return dossier


def _records(app: App) -> Iterator[Sealed | Damaged]:
    """Return the records that were entered; whatever else is there proves nothing."""
    doubt = app.why_doubted()
    if doubt is not None:
        yield Damaged(Symptom.REGISTER_IN_DOUBT.text(problem=doubt))
    registered = record_hashes(app.register)
    for source in sealed_records(app.store.runs):
        if source.record is None:
            yield Damaged(source.why)
        elif source.sha256 not in registered.get(source.record.run_id, ()):
            yield Damaged(Symptom.RECORD_NOT_ENTERED.text(run=source.record.run_id))
        else:
            yield Sealed(source.record, source.sha256)
