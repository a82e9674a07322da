"""Say why something ended as it did, as data that any language can express.

A reason of the engine's is a code, which never changes its meaning, with its values; its English
sentence stands beside them for whoever reads the file without this program. What others wrote (a
tool's error, a person's answer) is quoted: a text without a code, and a plain string in the file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

from pydantic import Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from pradrill.domain.values.duration import approximate, format_duration
from pradrill.domain.values.model import Model
from pradrill.domain.values.reason_code import Code
from pradrill.errors import PradrillError


class Reason(Model):
    """A code with its values, and what that says in English; or the words of others."""

    code: str = Field(default="", description="stable key; none: the words of others")
    values: dict[str, Any] = Field(
        default={}, description="texts, numbers, seconds, ISO instants, lists, reasons"
    )
    text: str = Field(default="", description="the English sentence")

    def __str__(self) -> str:
        """Say it in English."""
        return self.text

    def __bool__(self) -> bool:
        """Tell whether it says anything."""
        return bool(self.text)

    def __hash__(self) -> int:
        """Let reasons be members of a set; equal ones say the same."""
        return hash((self.code, self.text))

    @model_validator(mode="before")
    @classmethod
    def _from_text(cls, data: object) -> object:
        return {"text": data} if isinstance(data, str) else data

    @model_serializer(mode="wrap")
    def _to_text(self, handler: SerializerFunctionWrapHandler) -> Any:
        return handler(self) if self.code else self.text

    def lines(self) -> tuple[Reason, ...]:
        """Return the reasons that it is made of, or the lines of a text of others."""
        if self.code == Code.LINES:
            parts = (as_reason(part) for part in self.values["lines"])
            return tuple(line for part in parts for line in part.lines())
        return (self,) if self.code else tuple(map(quoted, self.text.splitlines()))


ReasonOrText = Reason | str
"""A reason of the engine's, or words of others."""

_CONJUNCTIONS = {"parts": "; ", "lines": "\n"}


def quoted(text: object) -> Reason:
    """Return the words of others as a reason."""
    return Reason(text=str(text))


def reason(code: Code, **values: object) -> Reason:
    """Return a reason of the engine's; a length of time may be seconds or a timedelta."""
    plain = {name: _plain(value) for name, value in values.items()}
    english = {name: _english(name, value) for name, value in values.items()}
    return Reason(code=code.value, values=plain, text=code.form(plain) % english)


def joined(reasons: Iterable[ReasonOrText]) -> Reason:
    """Return several reasons as one, said in one sentence."""
    return _together(Code.JOINED, "parts", reasons)


def in_lines(reasons: Iterable[ReasonOrText]) -> Reason:
    """Return several reasons as one, each on a line of its own."""
    return _together(Code.LINES, "lines", reasons)


def with_hint(because: ReasonOrText, hint: str | None) -> Reason:
    """Return a reason with what mends it, where something is known to."""
    return reason(Code.WITH_HINT, because=because, hint=hint) if hint else as_reason(because)


def _together(code: Code, name: str, reasons: Iterable[ReasonOrText]) -> Reason:
    parts = [as_reason(each) for each in reasons]
    if len(parts) <= 1:
        return parts[0] if parts else Reason()
    return reason(code, **{name: parts})


def as_reason(value: object) -> Reason:
    """Return a reason that stands among another one's values."""
    return value if isinstance(value, Reason) else Reason.model_validate(value)


def as_json(reasons: Iterable[ReasonOrText]) -> list[Any]:
    """Return reasons as JSON has them."""
    return [as_reason(each).model_dump(mode="json") for each in reasons]


def conjunction(name: str) -> str:
    """Return what stands between the members of a list of that name."""
    return _CONJUNCTIONS.get(name, ", ")


class ReasonError(PradrillError):
    """An error of ours that ends up in a record: its message is a reason."""

    def __init__(self, reason: Reason, *, hint: str | None = None) -> None:
        super().__init__(reason.text, hint=hint)
        self.reason = reason


def reason_of(error: PradrillError) -> Reason:
    """Return an error's reason; most errors are texts, which are quoted."""
    return error.reason if isinstance(error, ReasonError) else quoted(error.message)


def _plain(value: object) -> object:
    """Return a value as JSON has it."""
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Reason):
        return value.model_dump(mode="json")
    if isinstance(value, timedelta):
        return value.total_seconds()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()

    return value if isinstance(value, bool | int | float) or value is None else str(value)


def _english(name: str, value: object) -> str:
    """Write a value in English."""
    if isinstance(value, list | tuple):
        return conjunction(name).join(_english(name, each) for each in value)
    if isinstance(value, StrEnum):
        return value.value.replace("_", " ")
    return ENGLISH[name](value) if name in ENGLISH else str(value)


def in_seconds(value: float) -> str:
    """Write a length of time in seconds, as a deadline of a tool is."""
    return f"{value:g} s"


def in_utc(value: datetime) -> str:
    """Write an instant to the second."""
    return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


ENGLISH: Mapping[str, Callable[[Any], str]] = {
    "length": approximate,
    "allowed": approximate,
    "every": format_duration,
    "bound": format_duration,
    "objective": format_duration,
    "seconds": in_seconds,
    "instant": in_utc,
}
"""How the values are written that are not written as they are, by their names in the forms."""
