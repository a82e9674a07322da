"""Where the plan is, and the part of it that every command asks for: who seals the register."""

from __future__ import annotations

from pathlib import Path

from pradrill.config.loader import read_document, validate
from pradrill.domain.declared.sealing import Sealing
from pradrill.errors import ConfigurationError

PLAN = "plan.yml"


def find_drills_folder(start: Path) -> Path:
    """Return the nearest folder with a plan: here, in ./drills, or further up."""
    for folder in (start, *start.parents):
        for candidate in (folder, folder / "drills"):
            if (candidate / PLAN).is_file():
                return candidate
    raise ConfigurationError(
        f"no {PLAN} was found in {start}, in its drills folder, or above",
        hint="Go to the folder that holds drills/plan.yml, or name it with --drills.",
    )


def read_sealing(folder: Path) -> Sealing:
    """Return the plan's `sealing` alone, however wrong the rest is; raises ConfigurationError."""
    document = read_document(folder / PLAN)
    alone = document._replace(content=document.content.get("sealing") or {})
    return validate(alone, Sealing)
