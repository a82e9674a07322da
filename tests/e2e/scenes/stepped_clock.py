"""Run pradrill with a clock that is three hours back once a file is there: HOURS_BACK names it.

Only what pradrill itself reads of the system's clock is set. Other processes read the machine's,
which a test must not set.
"""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, tzinfo
from pathlib import Path

from pradrill.adapters import clock
from pradrill.cli import main

_SET = Path(os.environ["HOURS_BACK"])


class _Stepped(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> _Stepped:
        """Return the machine's time, or three hours before it."""
        now = super().now(tz)
        return now - timedelta(hours=3) if _SET.exists() else now


setattr(clock, "datetime", _Stepped)  # noqa: B010 the module exports it to nobody
sys.exit(main(sys.argv[1:]))
