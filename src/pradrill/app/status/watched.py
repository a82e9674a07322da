"""Look at what the state directory shows beside the register: runs alive and killed, the head."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from pradrill.app.notifications.outbox_file import failures_of
from pradrill.app.reading import StateReader
from pradrill.domain.dossier.alarms_of import LivingRun, Watched
from pradrill.domain.dossier.outbox import ChannelFailure
from pradrill.domain.dossier.register_facts import RegisterFacts
from pradrill.domain.run.abort import WISH
from pradrill.domain.run.lease import LEASE_TERM
from pradrill.errors import ConfigurationError, PradrillError
from pradrill.register.runs.derived_file import stamp_of
from pradrill.register.runs.draft import JOURNAL
from pradrill.register.runs.folders import is_locked, is_sealed
from pradrill.register.runs.ownership import lease_of
from pradrill.register.runs.status_index import KeptProspect, StatusIndex
from pradrill.register.sealing.publishing import REPOSITORY, newest_logged, newest_pushed

_RUN_ID = re.compile(r"(\d{8}T\d{6})Z-(.*)-[0-9a-f]{6}")


class KeptProspects:
    """Which killed runs may go on: from the index, or read now."""

    def __init__(self, app: StateReader, index: StatusIndex) -> None:
        self._app = app
        self._before = index.killed
        self._fresh: dict[str, KeptProspect] = {}

    def may_go_on(self, run_id: str) -> bool:
        """Tell whether nothing forbids that a run goes on."""
        folder = self._app.folders.runs / run_id
        journal = stamp_of(str(folder / JOURNAL))
        wish = stamp_of(str(folder / WISH))
        row = self._before.get(run_id)
        if row is None or (row.journal, row.wish) != (journal, wish):
            from pradrill.app.killed_runs import prospect  # noqa: PLC0415 with a journal's models

            may_go_on, lasts = prospect(self._app.store, run_id)
            if journal is None or not lasts:
                return may_go_on
            row = KeptProspect(journal=journal, wish=wish, may_go_on=may_go_on)
        self._fresh[run_id] = row
        return row.may_go_on

    def rows(self) -> dict[str, KeptProspect]:
        """Return those that were asked for and last."""
        return self._fresh


def watched(
    app: StateReader,
    register: RegisterFacts,
    prospects: KeptProspects,
    damage: str | None,
    now: datetime,
) -> Watched:
    """Return what there is beside the register."""
    strangers = app.folders.strangers(register.run_ids)
    others = [each for each in strangers if _RUN_ID.fullmatch(each.name) and not is_sealed(each)]
    living = [folder for folder in others if is_locked(folder)]
    killed = app.folders.killed() if len(living) < len(others) else []
    return Watched(
        living=[run for folder in living for run in _living(app.state, folder.name, now)],
        killed={run_id: prospects.may_go_on(run_id) for run_id in killed},
        damage=damage,
        unpublished=_unpublished(app),
        silent=_silent(app),
    )


def _silent(app: StateReader) -> dict[str, ChannelFailure]:
    """Return the channels of the plan that tell nobody; of a plan that cannot be read all."""
    failures = failures_of(app.state)
    if not failures:
        return {}
    from pradrill.config.channels import read_channels  # noqa: PLC0415 with all of YAML

    try:
        names = {each.name for each in read_channels(app.drills).notifications}
    except PradrillError:  # told by whoever reads it
        return failures
    return {name: each for name, each in failures.items() if name in names}


def _living(state: Path, run_id: str, now: datetime) -> Iterator[LivingRun]:
    match = _RUN_ID.fullmatch(run_id)
    if match is None:
        return
    try:
        began = datetime.strptime(match[1], "%Y%m%dT%H%M%S").replace(tzinfo=UTC)
    except ValueError:  # no run of ours has such a name
        return
    seconds = max(0.0, (now - began).total_seconds())
    yield LivingRun(run_id, match[2], seconds, _unrenewed(lease_of(state, run_id), now))


def _unrenewed(lease: Path, now: datetime) -> float | None:
    """Return since when leases were not renewed, once they have run out; None while they hold."""
    try:
        renewed = datetime.fromtimestamp(lease.stat().st_mtime, UTC)
    except OSError:  # a standby without leases, or a disk that was full
        return None
    return (now - renewed).total_seconds() if now - renewed > LEASE_TERM else None


def _unpublished(app: StateReader) -> str | None:
    """Say why the newest head is not where the plan publishes it; None when it is, or need not."""
    try:
        log, heads = app.published()
        head = app.register.head()
    except ConfigurationError as error:
        return error.message
    except PradrillError:  # the damage is told of
        return None
    if head is None:
        return None
    if log is not None and newest_logged(heads) != head.sha256:
        return f"{log} does not end with the register's head {head.number}"
    in_git = app.publishing().head_git is not None
    if in_git and newest_pushed(app.state / REPOSITORY) != head.sha256:
        return f"the git repository of head_git has not got the register's head {head.number}"
    return None
