"""The crisis sheet: a page a service, whom to call, and nothing that the plan does not say."""

from __future__ import annotations

import re

import pytest
from tests.support.crisis_sheets import PLAN, a_crisis_sheet

from pradrill.domain.declared.plan import Plan
from pradrill.domain.report.crisis_sheet import crisis_sheet
from pradrill.domain.run.question import CallStage
from pradrill.reporting.crisis_sheet import sheet_html
from pradrill.reporting.run.html import Letterhead
from pradrill.testing import START


def text(language: str, only: str | None = None) -> str:
    """Return what a person reads of the page."""
    page = sheet_html(a_crisis_sheet(only), Letterhead(language=language))
    body = page[page.index("<body>") :]
    return " ".join(re.sub(r"<[^>]+>", " ", body).split())


def test_the_most_urgent_service_comes_first() -> None:
    """By its tier; each has what it depends on, its drills and its last proof."""
    services = a_crisis_sheet().services
    assert [each.name for each in services] == ["ldap", "moodle"]
    assert [each.drills for each in services] == [(), ("moodle",)]
    assert [each.proof is None for each in services] == [True, False]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_page_says_whom_to_call_and_what_to_type(language: str) -> None:
    """Number, contract, promises, escalation, the six steps with their commands."""
    page = text(language, "moodle")
    for words in (
        "+33 3 26 00 00 00",
        "HX-1234",
        "after 30 min: the manager",
        "pradrill run moodle",
        "20260310T020000Z-moodle-a3f9c1",
        *(f"pradrill incident {verb}" for verb in ("open", "qualify", "call", "inform", "close")),
    ):
        assert words in page
    assert "+33 1" not in page  # another service's provider


def test_what_was_never_shown_is_said() -> None:
    """A service without a drill, a proof or a provider says so in its place."""
    page = text("en", "ldap")
    for words in (
        "never proven: no drill of it has passed",
        "No drill recovers this service",
        "The plan names no provider of this service.",
    ):
        assert words in page
    assert "pradrill run" not in page


def test_what_the_plan_says_is_text() -> None:
    """Nothing in it can become a part of the page."""
    assert "Exemple &lt;SAS&gt;" in sheet_html(a_crisis_sheet(), Letterhead())


HOSTILE = "<script>alert(1)</script> \x1b[31m \u202e {{ 7*7 }}"


def hosted() -> Plan:
    """Return the plan with another provider's parts, flows and accesses, each hostile."""
    payload = PLAN.model_dump(mode="json", exclude_defaults=True)
    payload["services"]["moodle"] |= {
        "run_by": {"primary": "Hexanet", "backups": "other", "dns": HOSTILE},
        "flows": [{"from": "moodle", "to": HOSTILE, "port": 587, "why": HOSTILE}],
        "accesses": [{"who": HOSTILE, "to": HOSTILE, "by": HOSTILE, "withdrawn": HOSTILE}],
    }
    return Plan.model_validate(payload)


def test_what_else_is_needed_stands_on_the_page() -> None:
    """Who runs other parts, flows to open, who may enter, what was promised and never measured."""
    unmeasured = {"hexanet": (CallStage.RESPONSE,)}
    whole = crisis_sheet(hosted(), {}, {}, now=START, unmeasured=unmeasured, only="moodle")
    assert list(whole.providers) == ["hexanet", "other"]
    for language, words in {
        "en": ("never measured: response", "backups : other, +33 1", "587"),
        "fr": ("jamais mesuré : réponse", "sauvegardes : other, +33 1", "587"),
    }.items():
        page = sheet_html(whole, Letterhead(language=language))
        body = re.sub(r"<[^>]+>", " ", page[page.index("<body>") :])
        plain = " ".join(body.split()).replace(" :", ":")
        for word in words:
            assert word.replace(" :", ":") in plain, (language, word)
        assert "<script>" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        assert "49" not in body


def test_a_page_has_its_date_large() -> None:
    """On the front and on each service's page."""
    page = sheet_html(a_crisis_sheet(), Letterhead(language="en"))
    assert page.count('<p class="made">') == 1 + len(a_crisis_sheet().services)
