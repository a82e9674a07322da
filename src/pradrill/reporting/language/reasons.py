"""Translate reasons of the record: the form of their code, with values.

What has no code was written by others and is quoted as it is, or it was written by the engine when
records had sentences only: those are the business of `old_sentences`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, Phase, StepOutcome
from pradrill.domain.run.question import CallStage, SlaStanding
from pradrill.domain.run.standby_inventory import InventoryKind
from pradrill.domain.values.reason import ENGLISH, Reason, ReasonOrText, as_reason, conjunction
from pradrill.domain.values.reason_code import Code
from pradrill.reporting.language import formats, old_sentences, quotations
from pradrill.reporting.language.formats import respelt
from pradrill.reporting.language.i18n import _, decimal, language
from pradrill.reporting.language.terms import step_name, word

ENUMS: Mapping[str, type[StrEnum]] = {
    "phase": Phase,
    "ended": StepOutcome,
    "answered": CheckOutcome,
    "seen": GuardOutcome,
    "stage": CallStage,
    "kept": SlaStanding,
    "kind": InventoryKind,
}
"""Values that are words of the domain, by their names in the forms."""

_QUOTES = {"because", "left", "who", "holder"}
"""Values that may be texts of an old record's."""

_DAMAGED = (ArithmeticError, AttributeError, KeyError, RecursionError, TypeError, ValueError)
"""What saying a reason raises whose values are not those of its code: its text is left."""


def is_translated(reason: ReasonOrText) -> bool:
    """Tell whether the report's language has words for a reason of the record."""
    return language() == "en" or _spoken(as_reason(reason)) is not None


def spoken(reason: ReasonOrText) -> str:
    """Say a reason of the record in the report's language; as it is, if it has no words."""
    if language() == "en":
        return str(reason)
    words = _spoken(as_reason(reason))
    return str(reason) if words is None else words


def _spoken(reason: Reason) -> str | None:
    if not reason.code:
        return old_sentences.spoken(reason.text) or quotations.spoken(reason.text)

    code = Code.lookup(reason.code)
    if code is None:  # of a later version
        return None

    try:
        values = {name: _value(name, value) for name, value in reason.values.items()}
        return _(code.form(reason.values)) % values
    except _DAMAGED:
        return None


def _value(name: str, value: Any) -> str:
    """Say a value; a list of values, and a reason among them, too."""
    if isinstance(value, list):
        between = conjunction(name)
        between = formats.semicolon() if between == "; " else between
        return between.join(_value(name, each) for each in value)
    if isinstance(value, dict) or name in _QUOTES:
        return spoken(as_reason(value))
    if name in ENGLISH:
        return _measure(name, value)
    if name in ENUMS:
        return word(ENUMS[name](value))

    return step_name(value) if name == "step" else str(value)


def _measure(name: str, value: Any) -> str:
    if name == "instant":
        return formats.at(datetime.fromisoformat(value))
    if name == "every":
        return formats.every(value)
    text = ENGLISH[name](value)
    return decimal(text).replace(" ", "\u00a0") if name == "seconds" else respelt(text)
