"""Write the service and the timer that a package ships: python systemd_units.py FOLDER."""

from __future__ import annotations

import sys
from pathlib import Path

from pradrill.adapters.schedules.systemd import packaged_units


def main() -> None:
    """Write both files into the folder that is named."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True)
    for name, content in packaged_units().items():
        (folder / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
