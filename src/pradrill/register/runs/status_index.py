"""Keep in `STATE/status.index` what a status is made of beside the register.

A run's part is taken from it only while the record's file is the one that it was made from, and
while the register holds that record with the same verdict; what was made of plan and drills, only
while none of their files is another. All else is read anew. It proves nothing, and may be lost.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import ValidationError

from pradrill.domain.dossier.project_facts import ProjectFacts
from pradrill.domain.dossier.run_parts import RunParts
from pradrill.domain.values.model import Model
from pradrill.register.runs.derived_file import (
    FileStamp,
    is_settled,
    read_derived,
    stamp_of,
    write_derived,
)

INDEX = "status.index"
_FORMAT = "status 1"


class KeptParts(Model):
    """What was made of a record, and of which file."""

    stamp: FileStamp
    sha256: str
    parts: RunParts


class KeptProject(Model):
    """What was made of a folder of drills, and of which files and folders."""

    folder: str
    stamps: dict[str, FileStamp | None]
    facts: ProjectFacts
    changes: dict[str, dict[str, tuple[str, ...]]] = {}
    """Run → service → what has changed since that proof."""

    def is_current(self, folder: Path) -> bool:
        """Tell whether all that it was made of is as it was."""
        return self.folder == str(folder) and all(
            stamp_of(path) == stamp for path, stamp in self.stamps.items()
        )


class KeptProspect(Model):
    """Whether a killed run may go on, and of which files that was made."""

    journal: FileStamp
    wish: FileStamp | None
    """That somebody wants it to end; none: nobody has said so."""
    may_go_on: bool


class StatusIndex(Model):
    """All that is kept."""

    project: KeptProject | None = None
    runs: dict[str, KeptParts] = {}
    killed: dict[str, KeptProspect] = {}


def read_index(state: Path, version: str) -> StatusIndex:
    """Return what is kept; nothing when it cannot be read."""
    content = read_derived(state / INDEX, _FORMAT, version)
    if content is None:
        return StatusIndex()
    try:
        return StatusIndex.model_validate_json(content)
    except ValidationError:
        return StatusIndex()


def write_index(state: Path, index: StatusIndex, version: str) -> None:
    """Keep it for the next reader."""
    write_derived(state / INDEX, index.model_dump_json().encode(), _FORMAT, version)


def lasting(
    project: KeptProject | None,
    runs: Mapping[str, KeptParts],
    killed: Mapping[str, KeptProspect],
    now: datetime,
) -> StatusIndex:
    """Return what can be kept: a file that has just changed could change again unseen."""
    if project is not None:
        stamps = [stamp for stamp in project.stamps.values() if stamp is not None]
        if project.facts.unreadable or not all(is_settled(stamp, now) for stamp in stamps):
            project = None
    return StatusIndex(
        project=project,
        runs={run_id: row for run_id, row in runs.items() if is_settled(row.stamp, now)},
        killed={run_id: row for run_id, row in killed.items() if is_settled(row.journal, now)},
    )
