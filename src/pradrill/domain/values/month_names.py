"""Read the French and German words in dates: jobs write names as their own locale has them."""

from __future__ import annotations

import re
import unicodedata

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
    ("Sunday", "dimanche dim sonntag so"),
)
_SHORT = 3
_WORD = re.compile(r"([^\W\d_]+)(\.(?=[-_ 0-9]))?")


def in_english(text: str, directives: frozenset[str]) -> str:
    """Return a text with its months and days as strptime reads them by these directives."""
    words: dict[str, str] = {}
    for table, short, full in ((_MONTHS, "b", "B"), (_DAYS, "a", "A")):
        if directives & {short, full}:
            words |= _table(table, is_short=full not in directives)
    return _WORD.sub(lambda match: words.get(_plain(match[1]), match[0]), text)


def _table(table: tuple[tuple[str, str], ...], *, is_short: bool) -> dict[str, str]:
    """Return each word without its accents → the English one; three letters are short for any."""
    words: dict[str, str] = {}
    for english, others in table:
        theirs = others.split()
        for word in (*theirs, *(each[:_SHORT] for each in theirs if len(each) > _SHORT)):
            words.setdefault(word, english[:_SHORT] if is_short else english)
    return words


def _plain(word: str) -> str:
    apart = unicodedata.normalize("NFD", word.casefold())
    return "".join(sign for sign in apart if not unicodedata.combining(sign))
