"""A wait for a person, as a record holds it."""

from __future__ import annotations

from typing import Any

from pradrill.domain.declared.manual_step import Confirm
from pradrill.domain.run.outcome import Phase
from pradrill.domain.run.question import Wait
from pradrill.testing import after, an_answer


def a_wait(**changes: Any) -> Wait:
    """Return the wait for a DNS switch, done after ten minutes."""
    fields: dict[str, Any] = {
        "phase": Phase.RESTORE,
        "step": "switch the DNS",
        "who": "operator",
        "confirm": Confirm.DONE,
        "asked": after(0),
        "ended": after(600),
        "seconds": 600.0,
        "answer": an_answer(),
    }
    return Wait.model_validate({**fields, **changes})
