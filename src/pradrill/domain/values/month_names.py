"""Read dates' words of some languages: jobs write names as their own locale has them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from functools import lru_cache

_MONTHS = (
    ("January", "janvier janv januar janner enero gennaio januari janeiro"),
    ("February", "fevrier fevr februar febrero febbraio februari fevereiro"),
    ("March", "mars marz mrz maerz marzo maart mrt marco"),
    ("April", "avril avr abril aprile"),
    ("May", "mai mayo maggio mei maio"),
    ("June", "juin juni junio giugno junho"),
    ("July", "juillet juil juli julio luglio julho"),
    ("August", "aout agosto augustus"),
    ("September", "septembre sept septiembre setiembre settembre setembro"),
    ("October", "octobre oktober okt octubre ottobre outubro"),
    ("November", "novembre noviembre novembro"),
    ("December", "decembre dezember dez diciembre dicembre dezembro"),
)
_DAYS = (
    ("Monday", "lundi lun montag mo lunes lunedi maandag ma segunda"),
    ("Tuesday", "mardi mar dienstag di martes martedi dinsdag terca"),
    ("Wednesday", "mercredi mer mittwoch mi miercoles mercoledi woensdag wo quarta"),
    ("Thursday", "jeudi jeu donnerstag do jueves giovedi donderdag quinta"),
    ("Friday", "vendredi ven freitag fr viernes venerdi vrijdag vr sexta"),
    ("Saturday", "samedi sam samstag sonnabend sa sabado sabato zaterdag za"),
    ("Sunday", "dimanche dim sonntag son so domingo domenica zondag zo"),
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
