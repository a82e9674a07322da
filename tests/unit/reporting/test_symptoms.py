"""Damage is told in the report's language: every symptom, with every value, where it is shown."""

from __future__ import annotations

import re
from itertools import product

import pytest

from pradrill.domain.register.entry import Wrong
from pradrill.domain.register.symptom import Symptom
from pradrill.domain.report.case_file import RecordIntegrity
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.language.symptoms import damage, symptom
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.testing import a_case

AWKWARD = ("5", "a\nb", "100 %", "%(x)s", "/srv/x, y; and z", "")


@pytest.mark.parametrize("form", Symptom)
@pytest.mark.parametrize("value", AWKWARD)
def test_every_symptom_is_said_in_french_with_its_values(form: Symptom, value: str) -> None:
    """What was made from a form is found again, whatever its values, and they stand in it."""
    names = re.findall(r"%\((\w+)\)s", form)
    text = form.text(**dict.fromkeys(names, value))
    with speaking("fr"):
        words = symptom(text)
    assert words != text
    assert words.count(value) >= len(names)
    assert symptom(text) == text


def test_no_symptom_is_taken_for_another() -> None:
    """No form without values is found in another one: the first that fits is the right one."""
    for one, other in product(Symptom, Symptom):
        if one is not other and "%(" not in one:
            pattern = re.sub(r"%\\\((\w+)\\\)s", ".*", re.escape(other))
            assert "%(" in other or not re.fullmatch(pattern, one)


def test_a_symptom_within_a_symptom_is_said_too() -> None:
    """A signature's trouble, and where it stands, are in French; what others say is quoted."""
    inner = Symptom.SIGNATURE.text(problem=Symptom.SIGNATURE_OTHER.text())
    with speaking("fr"):
        words = damage(Wrong(where="register: entry 7", what=inner))
        assert words == "register, entrée 7\u00a0: la signature ne correspond pas au contenu"
        assert symptom("something of a later version") == "something of a later version"


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "record.json: is missing"), ("fr", "record.json\u00a0: a disparu")],
)
def test_a_report_tells_its_damage_in_its_language(language: str, words: str) -> None:
    """What a verification finds wrong today stands above the verdict, in the reader's language."""
    wrong = Wrong(where="runs/x/record.json", what=Symptom.FILE_MISSING.text())
    case = a_case(integrity=RecordIntegrity(record_sha256="5d" * 32, wrong=(wrong,)))
    page = render_html(case, Letterhead(language=language))
    assert words in page[: page.index('id="verdict"')]
