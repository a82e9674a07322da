"""Read what remote_reach.py prints as data: nothing but its own answers counts as closed."""

from __future__ import annotations

import json
from collections.abc import Sequence

from pradrill.domain.run import host_answers as host_words
from pradrill.domain.run.guard import Reach, Reached
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code


def answers_of(endpoints: Sequence[str], output: str) -> dict[str, Reached]:
    """Return what came of each endpoint, as the script printed it."""
    try:
        answers = dict(json.loads(output))
        control = _answer(answers["control"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return dict.fromkeys(endpoints, unknown("the host's answer cannot be read"))
    if control.reach is not Reach.OPEN:
        why = reason(Code.OWN_PORT_CLOSED, because=control.detail)
        return dict.fromkeys(endpoints, Reached(reach=Reach.UNKNOWN, detail=why))
    return {each: _answer(answers[each]) for each in endpoints if each in answers}


def _answer(payload: object) -> Reached:
    """Read one answer of remote_reach.py: what came of it, a code for why, and words for why."""
    match payload:
        case ["open", "", ""]:
            reach, detail = Reach.OPEN, reason(Code.PRODUCTION_ANSWERS)
        case ["closed", "refused", ""]:
            reach, detail = Reach.CLOSED, reason(Code.CLOSED_REFUSED)
        case ["closed", "silent", int(seconds)] if seconds in range(1, 100):
            reach, detail = Reach.CLOSED, reason(Code.CLOSED_SILENT, seconds=seconds)
        case ["closed", "error", str(words)]:
            because = host_words.last_line(words)
            reach, detail = Reach.CLOSED, reason(Code.CLOSED_BECAUSE, because=because)
        case ["unresolved", "", ""]:
            reach, detail = Reach.UNRESOLVED, reason(Code.NAME_UNRESOLVED)
        case ["itself", _, _]:
            reach, detail = Reach.ITSELF, reason(Code.LEADS_TO_ITSELF)
        case ["unknown", "", str(words)]:
            return unknown(host_words.last_line(words))
        case _:
            return unknown("the host's answer cannot be read")
    return Reached(reach=reach, detail=detail)


def unknown(because: str) -> Reached:
    """Return the answer of which nothing is known but why."""
    return Reached(reach=Reach.UNKNOWN, detail=reason(Code.REACH_UNKNOWN, because=because))
