"""`pradrill demo` as a user runs it, with its keys and passwords kept for the drills after it.

Its first word names the file that they go to; the others are the command line's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from pradrill.app import demo_lab
from pradrill.cli import main

make_secrets = demo_lab._secrets


def make_and_keep(folder: Path) -> dict[str, str]:
    """Make the demo's secrets, and keep them in the file."""
    secrets = make_secrets(folder)
    Path(sys.argv[1]).write_text(json.dumps(secrets), encoding="utf-8")
    return secrets


demo_lab._secrets = make_and_keep
sys.exit(main(sys.argv[2:]))
