"""The PDF: archival, tagged, with the record inside, and made without fetching anything."""

from __future__ import annotations

import base64
import io
import re
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pikepdf
import pytest
from page import ValidationProfile, validate_pdf_bytes
from tests.integration.dossiers import a_full_dossier
from tests.support.crisis_sheets import a_crisis_sheet
from tests.support.every_ending import every_ending

from pradrill.config.branding import read_clauses
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.report.sections import Section
from pradrill.domain.run.record import Refusal
from pradrill.domain.run.verdict import Verdict
from pradrill.errors import PradrillError
from pradrill.reporting.crisis_sheet import sheet_pdf
from pradrill.reporting.dossier.files import dossier_pdf
from pradrill.reporting.language.i18n import LANGUAGES, _, speaking
from pradrill.reporting.pdf import Attached, render_pdf
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.testing import a_case, a_check, a_record, a_step

SEALED = b'{"format": 1, "odd": "\\u00e9 \xc3\xa9"}\r\n\x00'
STANDARDS = (ValidationProfile.PDF_A_3A, ValidationProfile.PDF_UA_1)
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202egnp.exe\u2066\x00 {{ 7*7 }}"


def pdf_of(case: CaseFile, language: str = "fr") -> bytes:
    """Return the PDF of a case."""
    page = render_html(case, Letterhead(language=language, clauses=read_clauses(None)))
    record = case.record
    return render_pdf(page, [Attached("record.json", SEALED, record.run_id, record.ended)])


@pytest.fixture(scope="module")
def french(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a full report's PDF."""
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    path.write_bytes(pdf_of(a_case()))
    return path


@pytest.fixture
def pdf(french: Path) -> Iterator[pikepdf.Pdf]:
    """Open it."""
    with pikepdf.open(french) as opened:
        yield opened


def text_of(path: Path, *options: str) -> str:
    """Return what a reader can search for and copy."""
    command = ["pdftotext", *options, str(path), "-"]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_it_says_that_it_is_pdf_a_3a_and_pdf_ua_1(pdf: pikepdf.Pdf) -> None:
    """Metadata name PDF/A part 3, conformance A, and PDF/UA part 1, with an intent and an id."""
    with pdf.open_metadata() as metadata:
        assert metadata["pdfaid:part"] == "3"
        assert metadata["pdfaid:conformance"] == "A"
        assert metadata["pdfuaid:part"] == "1"
        assert "moodle" in str(metadata["dc:title"])
    assert pikepdf.Name("/GTS_PDFA1") == pdf.Root.OutputIntents[0].S
    assert len(pdf.trailer.ID) == 2
    assert not pdf.is_encrypted


def test_nothing_archival_is_missing(pdf: pikepdf.Pdf) -> None:
    """Every font is embedded and maps to Unicode; there is no script and no action."""
    objects = [each for each in pdf.objects if isinstance(each, pikepdf.Dictionary)]
    fonts = [each for each in objects if each.get("/Type") == "/Font"]
    described = [each for each in objects if "/FontName" in each]
    assert described
    assert all("/FontFile3" in font or "/FontFile2" in font for font in described)
    assert all("/ToUnicode" in font for font in fonts if font.get("/Subtype") == "/Type0")
    names = {str(name) for each in objects for name in each.keys()}  # noqa: SIM118 not a dict
    assert not names & {"/JS", "/JavaScript", "/AA", "/OpenAction", "/Launch"}


def test_it_is_tagged(pdf: pikepdf.Pdf) -> None:
    """The structure is marked, in French, and the picture of the timeline has a description."""
    assert pdf.Root.MarkInfo.Marked
    assert str(pdf.Root.Lang) == "fr"
    kinds: dict[str, list[pikepdf.Dictionary]] = {}
    for each in pdf.objects:
        if isinstance(each, pikepdf.Dictionary) and each.get("/Type") == "/StructElem":
            kinds.setdefault(str(each.S), []).append(each)
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/P", "/L", "/Figure"} <= set(kinds)
    assert len(kinds["/H1"]) == 1
    assert all(str(figure.get("/Alt", "")) for figure in kinds["/Figure"])


def test_the_record_is_inside_byte_for_byte(pdf: pikepdf.Pdf) -> None:
    """The attached record is what was sealed, named as the source of the report."""
    assert list(pdf.attachments) == ["record.json"]
    inside = pdf.attachments["record.json"]
    assert inside.get_file().read_bytes() == SEALED
    assert inside.relationship == pikepdf.Name("/Source")
    assert {str(file.UF) for file in pdf.Root.AF} == {"record.json"}


def test_every_part_has_a_bookmark(pdf: pikepdf.Pdf) -> None:
    """Bookmarks name the report and each of its parts, in the order of the pages."""
    with pdf.open_outline() as outline:
        top = list(outline.root)
        assert len(top) == 1
        titles = [child.title for child in top[0].children]
    with speaking("fr"):
        parts = [_(part.heading) for part in Section if part not in {"verdict", "figures"}]
    assert titles == parts


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_passed_run_has_five_pages_and_a_refused_one_has_one(
    tmp_path: Path, language: str
) -> None:
    """Whatever people entered, a passed run's report has five pages; a refusal is told on one."""
    refused = a_record(
        refusal=Refusal.BUSY, verdict=Verdict.INCONCLUSIVE, steps=(), checks=(), guards=()
    )
    for case, most in ((a_case(), 5), (CaseFile(record=refused), 1)):
        path = tmp_path / f"{most}.pdf"
        path.write_bytes(render_pdf(render_html(case, Letterhead(language=language))))
        with pikepdf.open(path) as pdf:
            assert len(pdf.pages) <= most


def test_pages_are_numbered(pdf: pikepdf.Pdf, french: Path) -> None:
    """Each page says which of how many it is, and from the second on whose report it is."""
    pages = text_of(french, "-layout").split("\f")[:-1]
    assert len(pages) == len(pdf.pages) > 4
    for number, page in enumerate(pages, 1):
        assert re.search(rf"\b{number}\s*/\s*{len(pages)}\b", page)
        assert "record.json SHA-256 5d5d" in page
        assert ("Exemple SAS · moodle · RÉUSSI" in page) == (number > 1)


def test_page_one_answers(french: Path) -> None:
    """The first page has verdict, actuals against objectives, what was tried, open findings."""
    first = " ".join(text_of(french, "-layout", "-f", "1", "-l", "1").split())
    for words in (
        "RÉUSSI",
        "42 min 10 s",
        "3 h 05",
        "RTO (DMIA)",
        "RPO (PDMA)",
        "tenu",
        "marge au pire",
    ):
        assert words in first.replace("\u00a0", " ")
    for words in ("Ce qui a été testé", "loss of the hosting site", "Écarts ouverts", "F-12"):
        assert words in first


_BY_NIGHT = (("en", 7), ("fr", 12))


@pytest.fixture(
    scope="module",
    params=[
        ("en", 0),
        ("fr", 3),
        *(pytest.param(each, marks=pytest.mark.nightly) for each in _BY_NIGHT),
    ],
)
def report(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[str, Path]:
    """Return a language and a full report in it, with pages that end at other places each time."""
    language, count = request.param
    checks = tuple(a_check(check=f"test_{n}", title=f"fact {n}") for n in range(count))
    case = a_case()
    record = case.record.model_copy(update={"checks": checks})
    path = tmp_path_factory.mktemp("pdf") / "report.pdf"
    path.write_bytes(pdf_of(a_case(record=record), language))
    return language, path


def test_no_heading_ends_a_page(report: tuple[str, Path]) -> None:
    """No heading is left alone at the bottom of a page, however long the parts before it are."""
    language, path = report
    with speaking(language):
        headings = {_(part.heading) for part in Section}
    for page in text_of(path, "-layout").split("\f")[:-1]:
        lines = [line.strip() for line in page.splitlines() if line.strip()]
        body = [line for line in lines if not line.startswith("record.json SHA-256")]
        assert body[-1] not in headings


def printed_over(path: Path) -> list[tuple[int, str, str]]:
    """Return page and words wherever a word lies on a third of another."""
    boxes = subprocess.run(["pdftotext", "-bbox", path, "-"], capture_output=True, check=True)
    word = re.compile(
        r'xMin="([\d.]+)" yMin="([\d.]+)" xMax="([\d.]+)" yMax="([\d.]+)">(.*?)</word>'
    )
    overlaps = []
    for number, page in enumerate(boxes.stdout.decode().split("<page ")[1:], 1):
        placed = [(*map(float, each[:4]), each[4]) for each in word.findall(page)]
        for (x, y, right, low, one), (x2, y2, right2, low2, other) in combinations(placed, 2):
            wide, high = min(right, right2) - max(x, x2), min(low, low2) - max(y, y2)
            smaller = min((right - x) * (low - y), (right2 - x2) * (low2 - y2))
            if wide > 0 and high > 0 and wide * high > smaller / 3:
                overlaps.append((number, str(one), str(other)))
    return overlaps


def test_no_word_is_printed_over_another(report: tuple[str, Path]) -> None:
    """Wherever the pages end, each word has its own place: labels of two lines too."""
    assert printed_over(report[1]) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_word_of_a_dossier_is_printed_over_another(
    dossiers: dict[str, Path], language: str
) -> None:
    """Nor do words of the dossier lie on each other, those of its pictures included."""
    assert printed_over(dossiers[language]) == []


def test_the_same_case_gives_the_same_bytes(french: Path) -> None:
    """A report made again later is the same file, so that its hash can be kept."""
    assert pdf_of(a_case()) == french.read_bytes()


def test_hostile_text_is_inert(tmp_path: Path) -> None:
    """What a host wrote is words on the page: no tag, control or direction mark reaches it."""
    record = a_record(
        reasons=(HOSTILE,),
        residue=(HOSTILE,),
        steps=(a_step(name=HOSTILE, detail=HOSTILE * 30, values={HOSTILE: HOSTILE}),),
        checks=(a_check(title=HOSTILE, detail="x" * 10_000_000, host=HOSTILE),),
    )
    path = tmp_path / "hostile.pdf"
    path.write_bytes(pdf_of(CaseFile(record=record), "en"))
    text = text_of(path)
    assert "<script>alert(1)</script>" in text
    assert "{{ 7*7 }}" in text
    assert "U+202E" in text
    assert not re.search("[\x00-\x08\x0e-\x1f\u202a-\u202e\u2066-\u2069]", text.replace("\x0c", ""))
    with pikepdf.open(path) as opened:
        assert len(opened.pages) < 15


@pytest.mark.nightly
def test_unbroken_lines_cost_little() -> None:
    """Twenty answers of a check without a place to break them are set in seconds, not minutes."""
    checks = tuple(a_check(check=f"c{number}", detail="x" * 2_000) for number in range(20))
    start = time.process_time()
    pdf_of(CaseFile(record=a_record(checks=checks)))
    assert time.process_time() - start < 30


@pytest.mark.nightly
def test_thousand_checks_and_lines_are_printed(tmp_path: Path) -> None:
    """A row with more lines than a page has is cut, so that the table goes on."""
    checks = (a_check(detail="line\n" * 900), *(a_check(check=f"c{n}") for n in range(300)))
    path = tmp_path / "long.pdf"
    path.write_bytes(pdf_of(CaseFile(record=a_record(checks=checks)), "en"))
    text = text_of(path)
    assert "more lines]" in text
    assert "c299" in text


def test_nothing_is_fetched(tmp_path: Path) -> None:
    """Neither a web server nor a file that a logo or a page names is ever asked for."""
    requests: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        def listen() -> None:
            server.settimeout(3)
            try:
                client, _ = server.accept()
                requests.append(client.recv(100))
            except OSError:
                return

        thread = threading.Thread(target=listen)
        thread.start()
        secret = tmp_path / "secret.txt"
        secret.write_text("fetched-secret", encoding="utf-8")
        svg = (
            '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink">'
            f'<style>@import url("http://127.0.0.1:{port}/a.css");</style>'
            f'<image xlink:href="http://127.0.0.1:{port}/b.png" width="9" height="9"/></svg>'
        )
        logo = "data:image/svg+xml;base64," + base64.b64encode(svg.encode()).decode()
        page = render_html(a_case(), Letterhead(logo=logo)).replace(
            "<main>",
            f'<main><img alt="x" src="http://127.0.0.1:{port}/c.png">'
            f'<img alt="y" src="file://{secret}">'
            f'<link rel="attachment" href="file://{secret}">',
        )
        content = render_pdf(page)
        thread.join()
    assert requests == []
    assert b"fetched-secret" not in content
    with pikepdf.open(io.BytesIO(content)) as opened:
        assert list(opened.attachments) == []


def test_missing_libraries_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without Pango the error says so, and how to install it."""
    broken = "raise OSError('cannot load library libpango-1.0-0')"
    (tmp_path / "weasyprint.py").write_text(broken, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(PradrillError) as refusal:
        render_pdf("<p>x</p>")
    assert "apt-get install libpango-1.0-0 libpangoft2-1.0-0" in str(refusal.value)


def unmet(content: bytes, profile: ValidationProfile) -> list[str]:
    """Return each rule of a standard that a file does not meet, and where."""
    report = validate_pdf_bytes(content, profile=profile)
    return [f"{each.rule_id}: {each.message}" for each in report.failures]


@pytest.mark.parametrize("profile", STANDARDS)
def test_a_report_is_as_both_standards_demand(french: Path, profile: ValidationProfile) -> None:
    """A validator finds no rule of PDF/A-3a or of PDF/UA-1 that a full report does not meet."""
    assert unmet(french.read_bytes(), profile) == []


@pytest.mark.parametrize("profile", STANDARDS)
def test_a_dossier_is_as_both_standards_demand(
    dossiers: dict[str, Path], profile: ValidationProfile
) -> None:
    """Nor a rule that a full dossier or the crisis sheet does not meet, in either language."""
    sheets = [sheet_pdf(a_crisis_sheet(), Letterhead(language=code)) for code in LANGUAGES]
    for content in (*(path.read_bytes() for path in dossiers.values()), *sheets):
        assert unmet(content, profile) == []


@pytest.mark.nightly
@pytest.mark.parametrize("language", LANGUAGES)
def test_whatever_came_of_a_run_its_pdf_is_as_both_standards_demand(language: str) -> None:
    """Failed, missed, refused, crashed, doubtful runs, estates and exercises: no rule is unmet."""
    for name, case in every_ending().items():
        content = pdf_of(case, language)
        assert [(name, unmet(content, profile)) for profile in STANDARDS] == [
            (name, []) for _ in STANDARDS
        ]


def test_the_validator_sees_what_is_wrong(french: Path, tmp_path: Path) -> None:
    """A file whose pictures have no words, or that lost its output intent, is not conforming."""
    wrong = tmp_path / "wrong.pdf"
    with pikepdf.open(french) as opened:
        del opened.Root.OutputIntents
        for each in opened.objects:
            if isinstance(each, pikepdf.Dictionary) and each.get("/S") == "/Figure":
                del each["/Alt"]
        opened.save(wrong)
    assert all(unmet(wrong.read_bytes(), profile) for profile in STANDARDS)


@pytest.fixture(scope="module")
def dossiers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Return a full dossier's PDF in each language."""
    folder = tmp_path_factory.mktemp("dossiers")
    files = {code: folder / f"{code}.pdf" for code in LANGUAGES}
    for code, path in files.items():
        head = Letterhead(language=code, clauses=read_clauses(None))
        path.write_bytes(dossier_pdf(a_full_dossier(), head))
    return files


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_heading_ends_a_page_of_a_dossier(dossiers: dict[str, Path], language: str) -> None:
    """Nor is a heading of the dossier left alone, and no page of it is all but empty."""
    with pikepdf.open(dossiers[language]) as opened, opened.open_outline() as outline:
        headings = {child.title for child in outline.root[0].children}
    assert len(headings) > 8
    pages = text_of(dossiers[language], "-layout").split("\f")[:-1]
    for number, page in enumerate(pages, 1):
        lines = [line.strip() for line in page.splitlines() if line.strip()]
        assert re.fullmatch(rf"{number} ?/ ?{len(pages)}", lines[-1])
        assert lines[-2] not in headings
        assert len(lines) > 15


@pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="Debian's poppler-utils is not there")
@pytest.mark.parametrize("which", ["report", *LANGUAGES])
def test_nothing_is_printed_in_the_margin(
    french: Path, dossiers: dict[str, Path], tmp_path: Path, which: str
) -> None:
    """On every page as it is printed, nothing reaches into the left and right margins."""
    prefix, made_pdf = tmp_path / "page", dossiers.get(which, french)
    subprocess.run(["pdftoppm", "-r", "50", "-gray", str(made_pdf), str(prefix)], check=True)
    pages = sorted(tmp_path.glob("page-*.pgm"))
    assert len(pages) > 5
    for page in pages:
        content = page.read_bytes()
        header = re.match(rb"P5\s+(\d+)\s+(\d+)\s+255\s", content)
        assert header is not None
        width, height = int(header[1]), int(header[2])
        pixels = content[header.end() :]
        margin = int(14 / 25.4 * 50)
        for row in range(height):
            line = pixels[row * width : (row + 1) * width]
            assert min(line[:margin] + line[-margin:]) > 200, page.name
