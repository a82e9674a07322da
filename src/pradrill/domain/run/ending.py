"""Name how runs end, in single words. Many name them who need nothing else of a record."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    """What a run proved."""

    PASSED = "PASSED"
    MISSED = "MISSED"
    FAILED = "FAILED"
    INCONCLUSIVE = "INCONCLUSIVE"


class RunState(StrEnum):
    """Where an execution stands, apart from what it proved."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    FINISHED = "FINISHED"
    INTERRUPTED = "INTERRUPTED"
    CRASHED = "CRASHED"


class Refusal(StrEnum):
    """Why a run never started."""

    NOT_READY = "not_ready"
    BUSY = "busy"


def is_finished(state: object, refusal: object) -> bool:
    """Tell whether a run went to its end by itself: it was neither cut off, nor refused before."""
    return state == RunState.FINISHED.value and refusal is None
