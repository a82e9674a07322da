"""Describe what a list of runs shows of each."""

from __future__ import annotations

from typing import NamedTuple


class RunLine(NamedTuple):
    """A run in a list: one line, as people read it."""

    run_id: str
    began: str
    verdict: str
    headline: str
    """The verdict with what qualifies it, as in "PASSED (residue)"."""
    rta: str
    rpa: str
