"""Choose the language of a report: every fixed word that people read in one comes through here.

English is the source; the other catalogues are `locale/*.po`, read as they are, so that there is
no build step to forget. The only module that imports Babel.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache
from gettext import GNUTranslations, NullTranslations
from pathlib import Path

LANGUAGES = ("en", "fr")
LOCALE = Path(__file__).parents[1] / "locale"

_SPACES = (
    (re.compile("(?<=[^ ]) (?=[;!?](?!\\w))"), "\u202f"),
    (re.compile("(?<=[^ ]) (?=:(?: |$))|(?<=«) | (?=[»%](?![(]))"), "\u00a0"),
)
"""Where a French translation has a space, and what it must be: fine before ; ! ?"""

_speaking: ContextVar[str] = ContextVar("language", default="en")


@contextmanager
def speaking(code: str) -> Iterator[None]:
    """Have everything that is worded inside say it in that language."""
    token = _speaking.set(code)
    try:
        yield
    finally:
        _speaking.reset(token)


def language() -> str:
    """Return the code of the language being spoken."""
    return _speaking.get()


def _(text: str, /, **values: object) -> str:
    """Say a text; `%(name)s` in it stands for a value."""
    return _filled(_catalogue(language()).gettext(text), values)


def pgettext(context: str, text: str, /, **values: object) -> str:
    """Say a text that another language words differently in another context."""
    return _filled(_catalogue(language()).pgettext(context, text), values)


def ngettext(one: str, many: str, count: int, /, **values: object) -> str:
    """Say a text about a number of things; `%(n)s` is that number."""
    message = _catalogue(language()).ngettext(one, many, count)
    return _filled(message, {"n": whole(count), **values})


def N_(text: str) -> str:  # noqa: N802 gettext's own name
    """Mark a text that is said later."""
    return text


def whole(number: int) -> str:
    """Write a whole number with its thousands apart."""
    return f"{number:,}".replace(",", "\u202f" if language() == "fr" else ",")


def decimal(text: str) -> str:
    """Give a number that is already written the decimal mark of the language."""
    return text.replace(".", ",") if language() == "fr" else text


def _filled(message: str, values: dict[str, object]) -> str:
    return message % values if values else message


def _typeset(message: str) -> str:
    """Put the spaces that no line may break at before and after French marks."""
    for pattern, spaced in _SPACES:
        message = pattern.sub(spaced, message)
    return message


@cache
def _catalogue(code: str) -> NullTranslations:
    if code == "en":
        return NullTranslations()

    from babel.messages.mofile import write_mo  # noqa: PLC0415 only a translated report needs it
    from babel.messages.pofile import read_po  # noqa: PLC0415 same

    with (LOCALE / f"{code}.po").open("rb") as file:
        catalogue = read_po(file, locale=code)
    for message in catalogue:
        strings = message.string
        message.string = (
            _typeset(strings) if isinstance(strings, str) else (*map(_typeset, strings or ()),)
        )
    compiled = io.BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)

    return GNUTranslations(compiled)
