"""What a page of pradrill web says when there is nothing else to see."""

from __future__ import annotations

from pradrill.domain.register.symptom import Symptom
from pradrill.reporting.web.pages import Look, message_page

LOOK = Look("fr", "Exemple SAS")


def test_damage_is_told_in_the_pages_language() -> None:
    """With its hint; an error of the plan stays in English, and is marked as that."""
    page = message_page(LOOK, "Titre", Symptom.RECORD_CHANGED.text(run="r1"), "Wait.")
    assert "pas ce qui a été enregistré" in page
    assert '<p class="said">' in page
    assert '<p class="muted" lang="en">Wait.</p>' in page


def test_a_page_that_there_is_not_says_so_in_its_own_words() -> None:
    """What was worded already is not marked as another language's."""
    page = message_page(LOOK, "Titre", "aucune exécution", "La liste.", worded=True)
    assert '<p class="said">aucune exécution</p>' in page
    assert 'lang="en"' not in page
