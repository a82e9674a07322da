"""Derive from the plan and its drills what a status needs, and compare proofs with them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from pradrill.app.composition import App
from pradrill.app.reading import StateReader
from pradrill.config.branding import CLAUSES
from pradrill.config.checks.schedule import load_dated_plan
from pradrill.config.plan_file import PLANS, plan_file
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.config.project import Project
from pradrill.domain.declared.plan import Plan, Service
from pradrill.domain.declared.provider import endings
from pradrill.domain.dossier.expiry import changes_since
from pradrill.domain.dossier.parts_of_run import places_of
from pradrill.domain.dossier.project_facts import (
    DatedCommitment,
    DeclaredDrill,
    DeclaredService,
    ProjectFacts,
)
from pradrill.domain.dossier.status_of import digest_of
from pradrill.domain.dossier.tests_of_services import ServiceTest
from pradrill.domain.run.run_plan import RunPlan
from pradrill.errors import PradrillError
from pradrill.register.runs.derived_file import stamp_of
from pradrill.register.runs.enter import read_record
from pradrill.register.runs.folders import RECORD
from pradrill.register.runs.status_index import KeptProject

_OTHERS = {"__pycache__", ".git"}
"""Folders that tools write into."""


class ProjectReader:
    """Reads a project once for a whole status."""

    def __init__(self, reader: StateReader) -> None:
        self._app = reader if isinstance(reader, App) else App(reader.args)
        self._resolved: dict[str, RunPlan] = {}
        """Each drill of today, as far as it was asked for."""

    def derived(self) -> KeptProject:
        """Return the plan's services and its drills; one that is wrong does not hide the others.

        Raises ConfigurationProblemsError when the plan itself is wrong.
        """
        folder = self._app.drills
        plan = load_dated_plan(plan_file(folder))
        unreadable = self._resolve_all()
        drills = self._resolved
        inputs = _inputs(folder, drills.values())
        return KeptProject(
            folder=str(folder),
            stamps={str(path): stamp_of(str(path)) for path in inputs},
            facts=ProjectFacts(
                organisation=plan.organisation,
                services={name: _service(each) for name, each in plan.services.items()},
                drills={name: _declared(run) for name, run in drills.items()},
                commitments=tuple(_commitments(plan)),
                unreadable=tuple(unreadable),
            ),
        )

    def changes_since(self, test: ServiceTest, facts: ProjectFacts) -> tuple[str, ...]:
        """Return what a proof's recovery depends on that is another today. Raises PradrillError."""
        record, _ = read_record(self._app.folders.runs / test.run.run_id / RECORD)
        service = test.place.service
        recovery = record.recovery_of(service)
        present = self._present(_drill_of_today(test, facts))
        changes = changes_since(record.plan, present, service, recovery.rta, recovery.rpa)
        return tuple(
            f"{change.subject.value.replace('_', ' ')} {change.what}"
            for change in changes
            if change.material
        )

    def _present(self, drill: str) -> RunPlan:
        if drill not in self._resolved:
            project = self._app.project(drill)
            self._resolved[drill] = self._app.plan(project, project.drills[drill])
        return self._resolved[drill]

    def _resolve_all(self) -> list[str]:
        """Resolve the drills of today; return what is wrong with those that cannot be."""
        try:
            self._resolve(self._app.project())
        except ConfigurationProblemsError as error:
            for path in _drill_files(self._app.drills):
                with suppress(PradrillError):  # the problems tell of it
                    self._resolve(self._app.project(str(path)))
            return [str(problem) for problem in error.problems]
        return []

    def _resolve(self, project: Project) -> None:
        for name, loaded in project.drills.items():
            self._resolved[name] = self._app.plan(project, loaded)


def _drill_files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*.y*ml") if path.name not in {*PLANS, CLAUSES})


def _service(service: Service) -> DeclaredService:
    return DeclaredService(
        title=service.title,
        tier=service.tier,
        rto=service.objectives.rto.total_seconds(),
        rpo=service.objectives.rpo.total_seconds(),
        every=service.drill_every,
        on=service.drill_on,
        window=service.drill_window,
        quiet=service.no_drills,
    )


def _drill_of_today(test: ServiceTest, facts: ProjectFacts) -> str:
    """Return the drill that would prove it again: of the same name, or else of the same place."""
    if test.run.drill in facts.drills:
        return test.run.drill
    same = (name for name, drill in facts.drills.items() if test.place in drill.places)
    return next(same, test.run.drill)


def _declared(run: RunPlan) -> DeclaredDrill:
    return DeclaredDrill(
        places=tuple(places_of(run)),
        unattended=run.drill.unattended,
        says=digest_of({str(file.path): file.meaning or file.sha256 for file in run.files}),
    )


def _commitments(plan: Plan) -> Iterator[DatedCommitment]:
    for each in endings(plan.providers, dt.date.max):  # seen from then, all have ended
        yield DatedCommitment(provider=each.provider, what=each.what, day=each.day)


def _inputs(folder: Path, runs: Iterable[RunPlan]) -> Iterator[Path]:
    """Yield every file that counts, and the folders in which another could appear."""
    files = {
        file.path
        for run in runs
        for file in (*run.files, *(run.around.files if run.around else ()))
    }
    yield plan_file(folder)
    yield from sorted(files)

    bases = {folder, *(path.parent for path in files)}
    folders = {parent for path in files for parent in _up_to(path, bases)} | bases
    yield from sorted(folders | {below for each in folders for below in _subfolders(each)})


def _up_to(path: Path, bases: set[Path]) -> Iterator[Path]:
    """Yield the folders from a file's own up to the highest that holds another of the files."""
    parents = list(path.parents)
    highest = max((place for place, each in enumerate(parents) if each in bases), default=0)
    yield from parents[: highest + 1]


def _subfolders(folder: Path) -> Iterator[Path]:
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False) and entry.name not in _OTHERS:
                yield Path(entry)
