"""Read what an entry of the register holds."""

from __future__ import annotations

from typing import TypeVar

from pydantic import ValidationError

from pradrill.domain.register.entry import Entry
from pradrill.domain.values.model import Model
from pradrill.errors import RecordError

_Model = TypeVar("_Model", bound=Model)


def body_of(entry: Entry, model: type[_Model], what: str = "") -> _Model:
    """Return an entry's body; raises RecordError, which names it by its kind or as `what`."""
    try:
        return model.model_validate(entry.body)
    except ValidationError as error:
        raise RecordError(
            f"entry {entry.number} of the register holds no {what or entry.kind.value}",
            hint="See what else is wrong with it: pradrill register verify.",
        ) from error
