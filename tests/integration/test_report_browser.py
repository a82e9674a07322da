"""The report and the dossier in a real Chromium, as wide as a phone and as a desktop."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import product
from pathlib import Path

import pytest
from tests.integration.chromium import CHROMIUM, Browser, View, browser
from tests.integration.dossiers import a_full_dossier
from tests.support.crisis_sheets import a_crisis_sheet
from tests.support.every_ending import every_ending

from pradrill.config.branding import read_clauses
from pradrill.domain.register.annotation import STATED
from pradrill.domain.report.case_file import CaseFile
from pradrill.reporting.crisis_sheet import sheet_html
from pradrill.reporting.dossier.files import dossier_html
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.testing import a_case, a_drill, a_record, a_run_plan
from pradrill.testing.cases import an_annotation

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

WORD = "unbreakable" * 40
PAGES = ("report", "dossier")
VIEWS = tuple(product((390, 1_280), (False, True)))


@pytest.fixture
def chromium(tmp_path: Path) -> Iterator[Browser]:
    """Return a browser that looks at a folder of its own."""
    with browser(tmp_path) as opened:
        yield opened


def page(kind: str, language: str = "en") -> str:
    """Return a full report, or a full dossier."""
    letterhead = Letterhead(language=language, clauses=read_clauses(None))
    if kind == "report":
        return render_html(a_case(), letterhead)
    return dossier_html(a_full_dossier(), letterhead)


@pytest.mark.parametrize("width", [390, 1_280])
@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("kind", PAGES)
def test_a_page_fits_its_window_and_can_be_read(
    chromium: Browser, kind: str, language: str, width: int
) -> None:
    """At phone and desktop width nothing reaches over the edge, and no text is paler than 4.5:1."""
    measures = chromium.measure(page(kind, language), width)
    assert measures["client"] in range(width - 20, width + 1)
    assert measures["wide"] == []
    assert measures["scroll"] <= measures["client"]
    assert measures["pale"] == []
    assert measures["torn"] == []
    assert measures["worded"] > 200
    assert measures["sections"] >= (15 if kind == "report" else 9)


def test_no_word_beside_the_figures_is_torn(chromium: Browser) -> None:
    """Short figures beside a long answer leave their columns as wide as their words."""
    content = render_html(CaseFile(record=a_record()))
    assert "42m10s" in content
    short = content.replace("42m10s", "42s").replace("3h05m", "31s").replace("moodle", "wordpress")
    assert chromium.measure(short, 1_280)["torn"] == []


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_looks_the_same_without_script(chromium: Browser, kind: str) -> None:
    """With scripts forbidden everything of a page is where it was; one with scripts differs."""
    content = page(kind)
    without = chromium.measure(content, 1_280, scripts=False)["layout"]
    assert chromium.measure(content, 1_280)["layout"] == without
    assert len(without) > 500
    script = "<script>document.body.textContent = 'x'</script></body>"
    scripted = re.sub("<meta http-equiv[^>]*>", "", content).replace("</body>", script)
    assert chromium.measure(scripted, 1_280)["layout"] != without
    assert chromium.measure(scripted, 1_280, scripts=False)["layout"] == without


def violations(chromium: Browser, views: Sequence[View]) -> list[str]:
    """Return what axe finds wrong in pages that were shown as asked."""
    answers = chromium.audit(views)
    assert len(answers) == len(views)
    for answer in answers:
        assert answer["really"] == answer["dark"]
        assert answer["client"] in range(answer["width"] - 20, answer["width"] + 1)
        assert answer["rules"] > 20
    return [wrong for answer in answers for wrong in answer["violations"]]


@pytest.mark.nightly
def test_axe_finds_nothing_wrong(chromium: Browser) -> None:
    """In either language, on a phone and a desktop, light and dark, axe finds no violation."""
    views = [
        View(page(kind, language), width, dark)
        for kind in PAGES
        for language, width, dark in (("en", 390, True), ("fr", 1_280, False))
    ]
    assert violations(chromium, views) == []


@pytest.mark.nightly
@pytest.mark.parametrize("language", ["en", "fr"])
def test_axe_finds_nothing_wrong_with_any_page(chromium: Browser, language: str) -> None:
    """Whatever came of a run, its report has no violation, nor have dossier and crisis sheet."""
    letterhead = Letterhead(language=language, clauses=read_clauses(None))
    pages = [render_html(case, letterhead) for case in every_ending().values()]
    pages += [page("dossier", language), sheet_html(a_crisis_sheet(), letterhead)]
    for each in pages:  # together they take longer than a browser is waited for
        assert violations(chromium, [View(each, width, dark) for width, dark in VIEWS]) == []


@pytest.mark.nightly
def test_axe_sees_what_is_wrong(chromium: Browser) -> None:
    """A pale word, and a picture without words, are violations: the audit can fail."""
    wrong = '<p style="color:#999">pale</p><img src="a.png"><h1'
    content = page("report").replace("<h1", wrong, 1)
    ids = {line.partition(":")[0] for line in violations(chromium, [View(content, 390, False)])}
    assert {"color-contrast", "image-alt"} <= ids


@pytest.mark.parametrize("kind", PAGES)
def test_a_page_asks_for_nothing(chromium: Browser, kind: str) -> None:
    """The browser asks for the page and for nothing that the page names."""
    assert chromium.measure(page(kind), 1_280)["loaded"] == []
    assert set(chromium.requests) - {"/favicon.ico"} == {"/frame.html", "/page.html"}


def test_hostile_words_do_not_widen_the_page(chromium: Browser) -> None:
    """A name without a place to break it is broken anyway, on the narrowest window."""
    case = a_case()
    drill = a_drill(environment={"site": WORD, "network": WORD})
    record = a_record(
        run_id=WORD,
        plan=a_run_plan(drill=drill, retention=WORD, plan_owner=WORD),
        reasons=(WORD,),
        residue=(WORD,),
        limits=(WORD,),
        versions={WORD: WORD},
        checks=(case.record.checks[0].model_copy(update={"title": WORD, "detail": WORD}),),
    )
    findings = tuple(each.model_copy(update={"title": WORD}) for each in case.findings)
    notes = tuple(an_annotation(kind=kind, text=WORD, by=WORD) for kind in STATED)
    measures = chromium.measure(
        render_html(CaseFile(record=record, findings=findings, annotations=notes)), 390
    )
    assert measures["wide"] == []
    assert measures["scroll"] <= measures["client"]


@pytest.mark.nightly
def test_the_measure_sees_what_is_wrong(chromium: Browser) -> None:
    """A page that is too wide, too pale or that asks for a picture is told to be: each can fail."""
    wrong = (
        '<div style="width:2000px">x</div><p style="color:#999">pale</p>'
        '<img src="a.png" alt="x"><h1'
    )
    content = page("report").replace("<h1", wrong, 1).replace("img-src data:", "img-src *")
    measures = chromium.measure(content, 390)
    assert measures["scroll"] > measures["client"]
    assert measures["wide"]
    assert len(measures["pale"]) == 1
    assert [name.rpartition("/")[2] for name in measures["loaded"]] == ["a.png"]
    assert "/a.png" in chromium.requests
