"""Find what is shipped beside the program: example drills, playbooks, inventories."""

from __future__ import annotations

from pathlib import Path

import pradrill


def shipped() -> Path:
    """Return the folder of the shipped examples: in the wheel, or in the repository."""
    package = Path(pradrill.__file__).parent
    share = package / "share"
    return share if share.is_dir() else package.parents[1]


def monitoring() -> Path:
    """Return the folder of what is shipped for Prometheus and Grafana."""
    return Path(pradrill.__file__).parent / "monitoring"
