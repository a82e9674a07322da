"""Look at every drill's newest backups, and open a finding for each that is suspicious."""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from pradrill.app.composition import App
from pradrill.app.reading import warn
from pradrill.app.tools import source
from pradrill.config.project import Project
from pradrill.domain.declared.backup_source import RecoveryPointSpec
from pradrill.domain.declared.drill import Drill
from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.finding_of_backup import finding_of_backup
from pradrill.domain.run.backup_catalogue import Catalogue
from pradrill.domain.run.backup_watch import suspicions
from pradrill.errors import ExitCode, PradrillError
from pradrill.ports import Bounds
from pradrill.reporting.language.formats import line
from pradrill.system.durable_files import write_whole

_LAST_LOOK = "locks/catalogue"
_A_DAY = timedelta(hours=20)
"""Between two looks of a schedule; less than a day: a late one moves no other."""


def watch_backups(app: App, project: Project, say: Callable[[str], None]) -> int:
    """Open a finding for each backup that is suspicious; one that could be read hides no other."""
    keys = app.finding_keys()
    codes: list[int] = [ExitCode.PASSED]
    for name, loaded in project.drills.items():
        for service, spec in points_of(loaded.drill).items():
            services = loaded.drill.services if service is None else (service,)
            owners = (project.plan.services[each].owner for each in services)
            owner = next((each for each in owners if each), None)
            try:
                catalogue = catalogue_of(app, spec)
            except PradrillError as error:
                warn(app.secrets.masker.text(f"{name}: {error}"))
                codes.append(error.exit_code)
                continue

            now = app.clock.now()
            for each in suspicions(catalogue, spec.promised):
                finding = finding_of_backup(each, name, services, owner, now)
                if finding.key not in keys:
                    app.register.append(EntryKind.FINDING, finding, now)
                    keys.add(finding.key)
                    say(line(f"{finding.title}: {finding.detail}", 400))

    return ExitCode.worst(codes)


def watch_daily(app: App, project: Project, say: Callable[[str], None]) -> int:
    """Watch the backups once a day, however often a schedule calls; a failure is a look, too."""
    last = app.state / _LAST_LOOK
    now = app.clock.now()
    try:
        # What is to come is of a clock that was wrong.
        if timedelta() <= now - datetime.fromtimestamp(last.stat().st_mtime, UTC) < _A_DAY:
            return ExitCode.PASSED
    except OSError:  # the first time
        pass
    try:
        write_whole(last, b"", 0o600)
        os.utime(last, (now.timestamp(), now.timestamp()))
        return watch_backups(app, project, say)
    except PradrillError as error:
        warn(f"the backups cannot be watched: {error}")
        return error.exit_code
    except OSError as error:  # a full disk is told by the run
        warn(f"the backups cannot be watched: {last}: {error.strerror}")
        return ExitCode.RECORD


def points_of(drill: Drill) -> dict[str | None, RecoveryPointSpec]:
    """Return where a drill's backups are, by service; None for all as one."""
    ways = drill.ways.items()
    return {service: way.recovery_point for service, way in ways if way.recovery_point}


def catalogue_of(app: App, spec: RecoveryPointSpec) -> Catalogue:
    """Read a catalogue, without what is secret in it. Raises PradrillError."""
    catalogue = source(app, spec).catalogue(Bounds(spec.deadline.total_seconds()))
    return Catalogue.model_validate(app.secrets.masker.facts(catalogue.model_dump(mode="json")))
