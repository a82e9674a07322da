"""Send one notification by Apprise, in a process of its own that can be ended at any time.

It is run by path, and imports nothing of pradrill. Address, subject and text come as JSON on
standard input, so that no token stands on a command line; what came of it goes out as JSON.
"""

from __future__ import annotations

import json
import logging
import sys
from importlib.util import find_spec

MISSING = 3
"""The exit code when Apprise is not installed."""


class _Remarks(logging.Handler):
    """Keeps what Apprise says of a failure."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines = [*self.lines[-2:], record.getMessage()[:500]]


def send(address: str, subject: str, text: str) -> dict[str, object]:
    """Send it, and return whether it was delivered, and what was said if not."""
    import apprise  # noqa: PLC0415 an extra, and large

    remarks = _Remarks()
    logger = logging.getLogger("apprise")
    logger.handlers = [remarks]
    logger.propagate = False

    asset = apprise.AppriseAsset(
        app_id="pradrill",
        app_desc="recovery drills",
        plugin_paths=[],
        storage_mode=apprise.PersistentStoreMode.MEMORY,
    )
    services = apprise.Apprise(asset=asset)
    if not services.add(address) or not len(services):
        return {"delivered": False, "remarks": remarks.lines, "address": False}
    delivered = bool(
        services.notify(title=subject, body=text, body_format=apprise.NotifyFormat.TEXT)
    )
    return {"delivered": delivered, "remarks": remarks.lines, "address": True}


def main() -> int:
    """Read what to send, send it, and print what came of it."""
    if find_spec("apprise") is None:
        return MISSING
    given = json.load(sys.stdin)
    answer = send(given["address"], given["subject"], given["text"])
    sys.stdout.write(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
