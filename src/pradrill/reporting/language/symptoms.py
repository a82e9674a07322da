"""Say in the report's language what is wrong with a register: a text that was made from a form.

Damage that somebody answers for is kept as a text, so the form is found again by the text. Each
form stands once, in domain/register/symptom.py.
"""

from __future__ import annotations

import re
from functools import cache

from pradrill.domain.register.entry import Wrong
from pradrill.domain.register.symptom import Symptom
from pradrill.reporting.language import formats, quotations
from pradrill.reporting.language.i18n import N_, _, language

_VALUE = re.compile(r"%\\\((\w+)\\\)s")
_ENTRY = re.compile(r"(?P<file>\S+): entry (?P<entry>\d+)")
_AT_ENTRY = N_("%(file)s, entry %(entry)s")


def damage(wrong: Wrong) -> str:
    """Say where something is wrong, and what."""
    return f"{_place(wrong.where)}{formats.colon()}{symptom(wrong.what)}"


def symptom(text: str) -> str:
    """Say what is wrong in the report's language; as it is, if it was made from no form."""
    if language() == "en":
        return text
    for form, pattern in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            values = match.groupdict()
            if "problem" in values:
                values["problem"] = symptom(values["problem"])
            return _(form, **values)

    return quotations.spoken(text) or text


def _place(where: str) -> str:
    match = _ENTRY.fullmatch(where)
    return where if match is None or language() == "en" else _(_AT_ENTRY, **match.groupdict())


@cache
def _patterns() -> tuple[tuple[Symptom, re.Pattern[str]], ...]:
    """Return each form with what finds it: those with the fewest values first."""
    forms = sorted(Symptom, key=lambda form: form.count("%("))
    return tuple(
        (form, re.compile(_VALUE.sub(r"(?P<\1>.*)", re.escape(form)), re.DOTALL)) for form in forms
    )
