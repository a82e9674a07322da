"""Define the base of every domain model: frozen, and hostile to unknown keys."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, ValidationInfo


class Model(BaseModel):
    """A value: compared by content, never changed, no key beyond those declared."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, defer_build=True)


def _to_utc(value: datetime) -> datetime:
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        msg = "its instant in UTC lies outside of the years 1 to 9999"
        raise ValueError(msg) from error


def when_written(check: Callable[[str], str]) -> AfterValidator:
    """Hold what a person writes to a rule that records of before the rule need not keep.

    A file of the user's is read with its folder in the context; a record is read without.
    """

    def apply(value: str, info: ValidationInfo) -> str:
        return check(value) if info.context else value

    return AfterValidator(apply)


def or_form(form: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """Let an editor take a form of a part, too, that is resolved in what is recorded."""

    def extend(schema: dict[str, Any]) -> None:
        if "$ref" in schema:
            schema["anyOf"] = [{"$ref": schema.pop("$ref")}]
        if "anyOf" in schema:
            schema["anyOf"] = [*schema["anyOf"], form]

    return extend


def _anchor(value: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return value if folder is None else Path(folder, value.expanduser()).resolve()


Utc = Annotated[AwareDatetime, AfterValidator(_to_utc)]
"""An instant with its zone, always in UTC."""

RelativePath = Annotated[Path, AfterValidator(_anchor)]
"""A path written relative to the file that names it (validation context key `folder`)."""
