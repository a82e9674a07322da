"""Bound how much of anything is taken in or kept: what is longer is cut or ended, and says so."""

from __future__ import annotations

_MB = 1_000_000

CHECK_PRINTS = 8 * _MB
"""What one command of a check may print; more ends it, and the check is errored."""

CHECK_FILE = 256 * _MB
"""The largest file that a check may write, pytest's own captured output among them."""

CHECKS_KEPT = 32 * _MB
"""What all checks of a run may tell, in its evidence and once more in its journal.

Later passes are judged and counted; of their answers the journal holds each check's last one.
"""

NEWS_KEPT = 2_000
"""Lines of what goes on inside its steps that a run's journal has room for, and a line's length."""
NEWS_LINE = 200

PLAY_PRINTS = 32 * _MB
"""What a playbook's events and output may come to; more ends the play, without a result."""

PLAY_KEPT = 1 * _MB
"""Evidence of one play's output, and as much of its events."""

VALUES = 1 * _MB
"""What one play may hand back by set_stats."""

ANSWER = 8 * _MB
"""What a command over SSH may print: a probe, newest_data, a canary; more ends it."""

TOOL_PRINTS = 64 * _MB
"""What a tool that reads a catalogue may print; more ends it."""


def megabytes(limit: int) -> str:
    """Say a limit as people read it."""
    return f"{limit // _MB} MB"


def amount(count: int) -> str:
    """Say a number of bytes as people read it."""
    if count < _MB:
        return f"{count:,} bytes"
    return f"{count / _MB:.1f} MB" if count < 1_000 * _MB else f"{count / (1_000 * _MB):.1f} GB"
