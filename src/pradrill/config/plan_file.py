"""Find the plan, and read the part that every command asks for: who seals the register."""

from __future__ import annotations

from pathlib import Path

from pradrill.domain.declared.sealing import Sealing
from pradrill.errors import ConfigurationError

PLAN = "plan.yml"
PLANS = (PLAN, "plan.yaml")
"""What a plan's file may be called."""


def plan_file(folder: Path) -> Path:
    """Return the plan of a folder; its usual name when there is none.

    Raises ConfigurationError when there are two: nobody would know which one counts.
    """
    present = [path for name in PLANS if (path := folder / name).is_file()]
    if len(present) > 1:
        raise ConfigurationError(
            f"{folder} holds {' and '.join(PLANS)}", hint="Keep the one that counts."
        )
    return present[0] if present else folder / PLAN


def find_drills_folder(start: Path) -> Path:
    """Return the nearest folder with a plan: here, in ./drills, or further up."""
    for folder in (start, *start.parents):
        for candidate in (folder, folder / "drills"):
            if any((candidate / name).is_file() for name in PLANS):
                return candidate
    raise ConfigurationError(
        f"no {PLAN} was found in {start}, in its drills folder, or above",
        hint="Go to the folder that holds drills/plan.yml, or name it with --drills.",
    )


def read_sealing(folder: Path) -> Sealing:
    """Return the plan's `sealing` alone, however wrong the rest is; raises ConfigurationError."""
    from pradrill.config.loader import read_document, validate  # noqa: PLC0415 with all of YAML

    document = read_document(plan_file(folder))
    alone = document._replace(content=document.content.get("sealing") or {})
    return validate(alone, Sealing)


def may_name_sealing(folder: Path) -> bool:
    """Tell whether the plan may have a key `sealing`, without reading its YAML.

    An escape could spell it otherwise.
    """
    return _may_hold(folder, b"sealing")


def may_name_channels(folder: Path) -> bool:
    """Tell likewise whether the plan may name somebody to be told."""
    return _may_hold(folder, b"notifications")


def _may_hold(folder: Path, key: bytes) -> bool:
    try:
        content = plan_file(folder).read_bytes()
    except (OSError, ConfigurationError):  # told by whoever reads it
        return False
    return key in content or b"\\" in content
