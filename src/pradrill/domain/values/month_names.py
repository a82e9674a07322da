"""Read the French and German words in dates: jobs write names as their own locale has them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

_MONTHS = (
    ("January", "janvier janv januar janner"),
    ("February", "fevrier fevr februar"),
    ("March", "mars marz mrz maerz"),
    ("April", "avril avr"),
    ("May", "mai"),
    ("June", "juin juni"),
    ("July", "juillet juil juli"),
    ("August", "aout"),
    ("September", "septembre sept"),
    ("October", "octobre oktober okt"),
    ("November", "novembre"),
    ("December", "decembre dezember dez"),
)
_DAYS = (
    ("Monday", "lundi lun montag mo"),
    ("Tuesday", "mardi mar dienstag di"),
    ("Wednesday", "mercredi mer mittwoch mi"),
    ("Thursday", "jeudi jeu donnerstag do"),
    ("Friday", "vendredi ven freitag fr"),
    ("Saturday", "samedi sam samstag sonnabend sa"),
    ("Sunday", "dimanche dim sonntag son so"),
)
_SHORT = 3


class AmbiguousMonthError(ValueError):
    """A month that is another one elsewhere."""


def in_english(word: str, directive: str) -> str:
    """Return a month or a day as strptime reads it by this directive; what is none stays.

    Raises AmbiguousMonthError: jui is July in glibc's fr_CH, and June where juin was cut.
    """
    plain = _plain(word.rstrip("."))
    if directive in "bB" and plain == "jui":
        msg = f"{word} is June on one system and July on another: let its job write %m"
        raise AmbiguousMonthError(msg)
    return _table(directive).get(plain, word)


@lru_cache
def _table(directive: str) -> dict[str, str]:
    """Return each word without its accents → the English one.

    Three letters are short for any but two that begin alike: jui is June on one system, July on
    another.
    """
    table = {
        english: others.split() for english, others in (_MONTHS if directive in "bB" else _DAYS)
    }
    beginnings = {english: {each[:_SHORT] for each in words} for english, words in table.items()}
    counts = Counter(each for its in beginnings.values() for each in its)
    size = _SHORT if directive in "ab" else None
    words = {
        each: english[:size]
        for english, its in beginnings.items()
        for each in its
        if counts[each] == 1
    }
    return words | {each: english[:size] for english, its in table.items() for each in its}


def _plain(word: str) -> str:
    apart = unicodedata.normalize("NFD", word.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
