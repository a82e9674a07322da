"""What an organisation gives its reports: the logo is looked at, the clauses are its own."""

import base64
import re
from pathlib import Path

import pytest

from pradrill.config.branding import (
    CLAUSES,
    chosen_clauses,
    letterhead_problems,
    read_clauses,
    read_logo,
)
from pradrill.config.loader import read_document, validate
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.config.project import open_house
from pradrill.domain.declared.plan import Plan
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.report.sections import Section
from pradrill.errors import ConfigurationError
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.testing import START, a_case, a_record, a_service

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><circle r="4"/></svg>'
PLAN = """\
plan: 1
organisation: Exemple SAS
services:
  moodle:
    objectives: {rto: 4h, rpo: 24h}
"""
OWN = """\
version: "3"
clauses:
  - {text: Contract HX-1234, clause: "7.2", asks: a yearly test, evidence: [verdict, sign_off],
     source: read by C. Durand on 2026-02-01, to_check: false}
"""


def logo_with(folder: Path, content: bytes | str, name: str = "logo") -> Path:
    """Write a file."""
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ------------------------------------------------------------------ logo


@pytest.mark.parametrize(("content", "kind"), [(PNG, "png"), (SVG, "svg+xml")])
def test_logo_goes_into_the_page_as_data(tmp_path: Path, content: bytes | str, kind: str) -> None:
    """A PNG and a plain SVG stand in the page whole, with the organisation's name beside them."""
    logo = read_logo(logo_with(tmp_path, content))
    page = render_html(a_case(), Letterhead(logo=logo))
    whole = base64.b64encode(content if isinstance(content, bytes) else content.encode()).decode()
    assert f'src="data:image/{kind};base64,{whole}" alt="Logo of Exemple SAS"' in page


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"x" * 300_000, "larger than 256 KiB"),
        (PNG[:16] + b"\x00\x01\x00\x00" + PNG[20:], "not between 1 and 4000 pixels"),
        (PNG[:16] + b"\x00" * 8 + PNG[24:], "not between 1 and 4000 pixels"),
        (b"GIF89a", "neither a PNG nor an SVG"),
        (b"\xff\xfe<svg", "neither a PNG nor an SVG"),
        (SVG.replace("<circle", "<script>alert(1)</script><circle"), "<script"),
        (SVG.replace("<circle", '<image href="http://x.test/a"/><circle'), "<image"),
        (f'<!DOCTYPE svg [<!ENTITY a "b">]>{SVG}', "<!DOCTYPE"),
        (SVG.replace("<circle", '<use href="#a"/><circle'), "<use"),
        (SVG.replace("<circle", "<ForeignObject/><circle"), "<ForeignObject"),
    ],
)
def test_hostile_logo_is_refused(tmp_path: Path, content: bytes | str, text: str) -> None:
    """A logo that is huge, no image, or that holds scripts, entities or links is refused."""
    with pytest.raises(ConfigurationError, match=r"logo") as refusal:
        read_logo(logo_with(tmp_path, content))
    assert text in refusal.value.message


@pytest.mark.parametrize(
    "logo", ['x" onerror="alert(1)', "https://x.test/a.png", "data:text/html,x"]
)
def test_only_an_image_becomes_a_logo(logo: str) -> None:
    """Whatever else stands in place of the image does not reach the page."""
    assert "<img" not in render_html(CaseFile(record=a_record()), Letterhead(logo=logo))


def test_validate_tells_bad_logo_and_clauses(tmp_path: Path) -> None:
    """Problems of the logo and of the own clause map are told with all the others, with lines."""
    logo_with(tmp_path, PLAN + "logo: missing.png\n", "plan.yml")
    logo_with(tmp_path, OWN.replace("sign_off", "signoff"), CLAUSES)
    with pytest.raises(ConfigurationProblemsError) as refusal:
        open_house(tmp_path, now=START)
    message = str(refusal.value)
    assert "plan.yml:6: logo: cannot read the logo" in message
    assert "clauses.yml:3: clauses[0].evidence[1]" in message


# ------------------------------------------------------------------ clauses


def test_shipped_clauses_claim_nothing() -> None:
    """Each shipped line has a source, in both languages; what was not read of it is marked."""
    shipped = read_clauses(None)
    assert len(shipped.clauses) >= 15
    for clause in shipped.clauses:
        unread = "not read" in clause.source_in("en") or "table of contents" in clause.source_in(
            "en"
        )
        assert clause.to_check is unread
        assert clause.asks_in("fr") != clause.asks_in("en")
        assert clause.source_in("fr") != clause.source_in("en")
    text = " ".join(clause.asks_in(code) for clause in shipped.clauses for code in ("en", "fr"))
    assert "complian" not in text
    assert "conform" not in text


def test_shipped_clauses_name_the_sources_of_the_design() -> None:
    """Each standard and law that a drill report answers to has a line."""
    texts = " ".join(clause.title_in("en") for clause in read_clauses(None).clauses)
    for source in (
        "22301",
        "27031",
        "A.8.13",
        "A.8.14",
        "800-34",
        "800-84",
        "art. 11",
        "2024/1774",
    ):
        assert source in texts
    for source in ("2024/2690", "4.1.4", "4.2.3", "4.2.6", "SecNumCloud", "HDS", "SGDSN"):
        assert source in texts


def test_laws_have_their_french_names() -> None:
    """In a French report no law or its part is named in English; other languages get English."""
    shipped = read_clauses(None).clauses
    french = " ".join(clause.title_in("fr") for clause in shipped)
    assert not re.search("Regulation|annex,|hosting|as a whole|measure ", french)
    assert "NIS2, (UE) 2024/2690, annexe, 4.2.6" in french
    assert [clause.title_in("de") for clause in shipped] == [
        clause.title_in("en") for clause in shipped
    ]
    page = render_html(a_case(), Letterhead(language="fr", clauses=read_clauses(None)))
    assert ">DORA (UE) 2022/2554</th>" in page
    assert ">art. 12(2)</th>" in page


def test_own_clauses_replace_the_shipped_ones(tmp_path: Path) -> None:
    """A map beside the plan is the one that is printed, with its source and without (?)."""
    logo_with(tmp_path, OWN, CLAUSES)
    page = render_html(a_case(), Letterhead(clauses=read_clauses(tmp_path)))
    assert ">Contract HX-1234</th>" in page
    assert ">7.2</th>" in page
    assert "read by C. Durand on 2026-02-01" in page
    assert "ISO 22301" not in page
    assert "(?)</th>" not in page


def test_clauses_lead_to_parts_that_exist() -> None:
    """Each piece of evidence is a link to a part of the same page, and every part can be named."""
    page = render_html(a_case(), Letterhead(clauses=read_clauses(None)))
    for part in Section:
        assert f'id="{part}"' in page
    assert page.count('class="ref" href="#') == sum(
        len(c.evidence) for c in read_clauses(None).clauses
    )


def test_a_part_with_nothing_in_it_is_not_called_evidence() -> None:
    """Where nobody entered anything, the clause map says so beside the part."""
    letterhead = Letterhead(clauses=read_clauses(None))
    pages = [render_html(case, letterhead) for case in (a_case(), CaseFile(record=a_record()))]
    full, bare = (page.count("[nothing entered or recorded]") for page in pages)
    assert (full, bare > 10) == (1, True)  # one run is no trend


def test_a_house_chooses_its_clauses(tmp_path: Path) -> None:
    """Without `clauses:` a report has no map; with it, the lines of those texts, one a clause."""
    plan = Plan.model_validate(
        {"plan": 1, "organisation": "x", "services": {"a": a_service(provider=None)}}
    )
    assert chosen_clauses(tmp_path, plan) is None
    chosen = chosen_clauses(tmp_path, plan.model_copy(update={"clauses": ("dora", "recyf")}))
    assert chosen is not None
    assert {clause.key for clause in chosen.clauses} == {"dora", "recyf"}
    page = render_html(a_case(), Letterhead(clauses=chosen))
    assert page.count('<th scope="row" class="kind">art.') == 8
    assert page.count("DORA (EU) 2022/2554</th>") == 1
    assert 'id="clauses"' not in render_html(a_case(), Letterhead())


def test_validate_tells_a_text_that_there_is_not(tmp_path: Path) -> None:
    """A key of `clauses:` that the map does not hold is told at its line, with the nearest."""
    plan = PLAN + "clauses:\n  - dorra\n"
    (tmp_path / "plan.yml").write_text(plan, encoding="utf-8")
    document = read_document(tmp_path / "plan.yml")
    problem = next(letterhead_problems(document, validate(document, Plan)))
    assert 'holds no text "dorra"' in str(problem)
    assert "dora" in str(problem)
