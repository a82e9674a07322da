"""Write a proposal's files into a project; what is there already is a person's and stays."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import NamedTuple

from pradrill.app.proposal.checks import checks_text
from pradrill.app.proposal.proposal import Proposal
from pradrill.app.proposal.texts import drill_text, inventory_text, plan_text
from pradrill.app.shipped import shipped

_TAKEN_IN = ("tasks", "files", "templates")
"""Folders that the shipped playbooks take in."""


class Outcome(NamedTuple):
    """What was done with the files of a project."""

    fresh: tuple[Path, ...]
    there: tuple[Path, ...]


def write_project(proposal: Proposal, folder: Path) -> Outcome:
    """Write what is not there yet, and say what was."""
    name = proposal.service
    texts = {
        "drills/plan.yml": plan_text(proposal),
        f"drills/{name}.yml": drill_text(proposal),
        f"inventories/{name}.yml": inventory_text(proposal),
        f"drills/checks/{name}/test_{name.replace('-', '_')}.py": checks_text(proposal),
    }
    fresh: list[Path] = []
    there: list[Path] = []
    for place, text in texts.items():
        path = folder / place
        (there if path.exists() else fresh).append(path)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")

    playbooks = shipped() / "playbooks"
    sources = [playbooks / each for each in (proposal.restore, proposal.teardown)]
    sources.append(playbooks / "mark_standby.yml")
    for part in _TAKEN_IN:
        sources += sorted(path for path in (playbooks / part).rglob("*") if path.is_file())
    for source in sources:
        path = folder / "playbooks" / source.relative_to(playbooks)
        (there if path.exists() else fresh).append(path)
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, path)

    return Outcome(tuple(fresh), tuple(there))
