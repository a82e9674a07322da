"""The dossier as a page, in two languages, as a table, and as a command."""

import csv
import io
import json
import re
from argparse import Namespace
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from tests.support.every_ending import a_missed_estate

from pradrill.cli import main
from pradrill.config.fingerprint import meaning
from pradrill.domain.declared.plan import Plan
from pradrill.domain.dossier.attempt import Ending
from pradrill.domain.dossier.build import Damaged, Sealed, Sources, compile_dossier
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.period import Period
from pradrill.domain.register.entry import GENESIS, Entry, EntryKind, ScheduleMissed
from pradrill.domain.register.finding import Finding
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.register.runs.store import FileRunStore
from pradrill.reporting.dossier.files import dossier_csv, dossier_html, dossier_pdf
from pradrill.reporting.dossier.phrases import SIGNS
from pradrill.reporting.run.html import Letterhead
from pradrill.testing import (
    a_drill,
    a_launch,
    a_record,
    a_recovery,
    a_run_plan,
    a_sealed_run,
    a_service,
)

HOSTILE = "</svg><script>alert(1)</script>\x1b[31m\u202egnp.exe\u2066\" onload='x' {{ 7*7 }}"
FORMULA = "=HYPERLINK(1)"
NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
YEAR = Period(first=date(2026, 1, 1), last=date(2026, 12, 31))
BEGIN = datetime(2026, 1, 5, 2, tzinfo=UTC)
FRENCH = Letterhead(language="fr")
ENDINGS: dict[str, dict[str, Any]] = {
    "P": {},
    "M": {"verdict": Verdict.MISSED},
    "F": {"verdict": Verdict.FAILED},
    "R": {"verdict": Verdict.INCONCLUSIVE, "refusal": "not_ready"},
    "C": {"verdict": Verdict.INCONCLUSIVE, "state": "CRASHED"},
}


class Text(HTMLParser):
    """A page's tags, attributes and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.handlers: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        self.ids += [value or "" for name, value in attrs if name == "id"]
        self.handlers += [name for name, _ in attrs if name.startswith("on")]

    def handle_data(self, data: str) -> None:
        """Note text."""
        self.text += data


def runs(letters: str, hours: float = 1.0, **changes: Any) -> list[RunRecord]:
    """Return a run a month, one for each letter, the recovery a little slower each time."""
    records = []
    for number, letter in enumerate(letters):
        seconds = hours * 3_600 * (1 + number / 20)
        actual = Elapsed(
            seconds=seconds, low=seconds - 60, high=seconds + 60, provenance=Provenance.MEASURED
        )
        recovery = a_recovery(rta=actual if letter in "PM" else None)
        at = BEGIN + timedelta(days=29 * number)
        fields: dict[str, Any] = {"run_id": f"{at:%Y%m%dT%H%M%SZ}-moodle-{number:04x}"}
        fields |= {"started": at, "ended": at, "recovery": recovery}
        records.append(a_record(**{**fields, **ENDINGS[letter], **changes}))
    return records


def compiled(*records: RunRecord, **changes: Any) -> Dossier:
    """Return the dossier of a year of Moodle."""
    fields: dict[str, Any] = {
        "records": [Sealed(record, "9b" * 32) for record in records],
        "plan": Plan(
            plan=3, organisation="Exemple SAS", services={"moodle": a_service(provider=None)}
        ),
        "drills": {"moodle": a_run_plan()},
    }
    return compile_dossier(YEAR, Sources(**{**fields, **changes}), now=NOW)


@pytest.mark.parametrize("letterhead", [None, FRENCH])
def test_the_first_page_names_what_is_wrong(letterhead: Letterhead | None) -> None:
    """Verdicts, what is not proven, what is overdue and open findings stand before the rest."""
    finding = Finding(
        finding="F-9",
        title="the restore is too slow",
        severity=Severity.CRITICAL,
        opened=BEGIN,
        by="A. Martin",
    )
    page = dossier_html(compiled(*runs("PPFRC"), findings=[finding]), letterhead)
    first = page[: page.index('id="coverage"')]
    text = Text(first).text
    expected = (
        ("last test not passed", "failed", "crashed", "1 finding is open: 1 critical")
        if letterhead is None
        else (
            "dernier test non réussi",
            "échec",
            "interruption anormale",
            "1 écart est ouvert\u00a0: 1",
        )
    )
    for words in (*expected, "the restore is too slow"):
        assert words in text


def test_the_first_page_says_how_much_is_proven() -> None:
    """One sentence and one figure lead: tier by tier, then all services; never tested is not."""
    plan = Plan(
        plan=3,
        organisation="Exemple SAS",
        services={
            "moodle": a_service(provider=None),
            "ldap": a_service(provider=None),
            "mail": a_service(provider=None, tier=2),
        },
    )
    result = compiled(*runs("P"), plan=plan)
    page = dossier_html(result)
    assert '<p class="word">0 / 3</p>' in page  # the proof of January is too old
    lately = [
        record.model_copy(update={"started": NOW - timedelta(days=3)}) for record in runs("P")
    ]
    page = dossier_html(compiled(*lately, plan=plan))
    assert '<p class="word">1 / 3</p>' in page
    assert "tier 1: 1 of 2 proven; tier 2: 0 of 1 proven; 1 of 3 services proven" in page
    map_of_services = page[page.index('<table class="heat">') :]
    assert map_of_services.index("ldap") < map_of_services.index("moodle")
    assert "never tested" in map_of_services[: map_of_services.index("moodle")]


def test_the_map_is_read_without_colours() -> None:
    """Each ending has a sign of its own, also in black and white, and misses are seen in it."""
    assert len(set(SIGNS.values())) == len(Ending) == len(SIGNS)
    lately = runs("PPPMPMP")
    page = dossier_html(compiled(*lately))
    cells = re.findall(r'<td class="cell (\w+)">(.*?)</td>', page)
    assert {shade for shade, _words in cells} >= {"late", "good"}
    assert "▲" in "".join(words for _shade, words in cells)
    assert "▲\u00a02" in page  # beside the line of the coverage


def test_what_is_proven_does_not_hide_misses() -> None:
    """Beside what is proven stands how many of its tests missed an objective or failed."""
    lately = [
        record.model_copy(
            update={"run_id": f"{n}", "started": NOW - timedelta(days=20 - n), "ended": NOW}
        )
        for n, record in enumerate(runs("MPFMP"))
    ]
    text = Text(dossier_html(compiled(*lately))).text
    assert "1 of them with tests that missed an objective or failed: 3" in text


def test_a_date_that_passed_is_no_attempt() -> None:
    """What nobody tried is counted apart from the attempts."""
    entries = [
        Entry(
            number=number,
            kind=EntryKind.SCHEDULE_MISSED,
            at=NOW - timedelta(days=number),
            previous=GENESIS,
            body=ScheduleMissed(
                service="moodle", last=None, due=NOW - timedelta(days=40 * number)
            ).model_dump(mode="json"),
        )
        for number in (1, 2, 3)
    ]
    text = " ".join(Text(dossier_html(compiled(*runs("PP"), entries=entries))).text.split())
    assert "2 attempts in the period" in text
    assert "and 3 dates that passed without a test" in text


def test_findings_stand_by_severity_then_age() -> None:
    """The gravest finding leads, of two alike the older one; one of two drills is one line."""
    given = (("minor", 300), ("critical", 20), ("critical", 90), ("major", 200))
    findings = [
        Finding(
            finding=f"F-{number}",
            title=f"finding {number}",
            severity=Severity(severity),
            opened=NOW - timedelta(days=days),
            by="A. Martin",
        )
        for number, (severity, days) in enumerate(given)
    ]
    result = compiled(findings=findings)
    assert [item.finding.finding for item in result.open_findings] == ["F-2", "F-1", "F-3", "F-0"]
    page = dossier_html(result, FRENCH)
    assert "2\u00a0critiques" in page or "2 critiques" in page
    assert "Le plus ancien a 300" in page


def test_an_attempt_leads_to_its_report() -> None:
    """Where a run's report was written, the annex of attempts links to it."""
    record = runs("P")[0]
    page = dossier_html(compiled(record), reports={record.run_id: "../runs/x/reports/report.html"})
    assert '<a href="../runs/x/reports/report.html">' in page
    assert '<a href="..' not in dossier_html(compiled(record))


def test_french_leaves_no_english_sentence() -> None:
    """Every heading and column of the French page differs from the English one."""
    result = compiled(*runs("PMFRCPPPPPP"))
    heads = [
        set(re.findall(r"<(?:h2|th scope=\"col\")>([^<]+)<", dossier_html(result, head)))
        for head in (None, FRENCH)
    ]
    same = heads[0] & heads[1]
    assert same <= {"Service", "Services", "Tests", "RTA", "RPA", "Signature", "Date", "2026 Q1"}
    assert len(heads[0]) > 20


def test_an_empty_period_says_no_attempt() -> None:
    """The page of a period without attempts says that none was made, in both languages."""
    assert "No attempt was made in this period." in dossier_html(compiled())
    assert "Aucune tentative" in dossier_html(compiled(), FRENCH)


def test_an_incomplete_dossier_says_so_first() -> None:
    """A record that cannot be read is named on the first page."""
    result = compiled(records=[Damaged("cannot read record.json")])
    page = dossier_html(result)
    assert page.index("not complete") < page.index('id="coverage"')
    assert "cannot read record.json" in page


def test_failures_have_their_own_sign_in_the_picture() -> None:
    """What has no figure is drawn above; what exceeded its objective is no dot."""
    slow = compiled(*runs("PPP"), *runs("M", hours=6.0, started=NOW, run_id="slow"))
    page = dossier_html(slow)
    assert page.count('<circle class="full"') == 3 + 4
    assert page.count('d="M') >= 1
    assert '<path class="full"' in page
    assert '<path class="cross"' not in page
    assert dossier_html(compiled(*runs("PF"))).count('<path class="cross"') == 2


def test_the_forecast_is_told_with_its_interval() -> None:
    """Growth towards the objective is a date between two dates; few runs are no forecast."""
    growing = compiled(*runs("PPPPPPPPPPPP", hours=2.2))
    page = dossier_html(growing)
    assert re.search(r"reaches the RTO about 202\d-\d\d-\d\d \(between [^)]+ with 95", page)
    assert re.search(r"vers le \d\d/\d\d/202\d \(entre", dossier_html(growing, FRENCH))
    assert "La prochaine devrait durer au plus" in dossier_html(growing, FRENCH)
    few = dossier_html(compiled(*runs("PPP")))
    assert "not enough runs for a forecast (3 runs that recovered, at least 6 needed)" in few


def test_hostile_text_stays_text() -> None:
    """Markup, control and bidi characters from records and findings do nothing in the page."""
    plan = a_run_plan(
        drill=a_drill(scenario={"name": HOSTILE}),
        services={HOSTILE: a_service(owner=HOSTILE)},
    )
    finding = Finding(
        finding=HOSTILE, title=HOSTILE, severity=Severity.MINOR, opened=BEGIN, by=HOSTILE
    )
    result = compiled(
        *runs("PFR", plan=plan, reasons=(HOSTILE,), launch=a_launch(trigger=HOSTILE)),
        findings=[finding],
        head=HOSTILE,
    )
    for letterhead in (None, FRENCH):
        page = dossier_html(result, letterhead)
        parsed = Text(page)
        assert "script" not in parsed.tags
        assert not parsed.handlers
        assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", page)
        assert "{{ 7*7 }}" in parsed.text
        assert len(parsed.ids) == len(set(parsed.ids))
    assert not re.search("[\x00-\x09\x0b-\x0c\x0e-\x1f\u202e\u2066]", dossier_csv(result))


def test_the_table_has_every_attempt_and_no_formula() -> None:
    """One line an attempt with figures as numbers; a text never begins a calculation."""
    result = compiled(*runs("PMFRC", reasons=(FORMULA,)))
    rows = list(csv.DictReader(io.StringIO(dossier_csv(result))))
    assert [row["ending"] for row in rows] == ["passed", "missed", "failed", "not_ready", "crashed"]
    assert float(rows[0]["rta_seconds"]) == 3_600.0
    assert rows[0]["record_sha256"] == "9b" * 32
    assert {row["reason"] for row in rows} == {f"'{FORMULA}"}


def test_each_service_of_an_estate_has_a_line_with_its_own_ending() -> None:
    """Of one run the table has a line per service: its own ending, figures, objectives, reason."""
    result = compiled(a_missed_estate())
    rows = {row["service"]: row for row in csv.DictReader(io.StringIO(dossier_csv(result)))}
    assert {name: (row["ending"], row["run_ending"]) for name, row in rows.items()} == {
        "directory": ("passed", "failed"),
        "application": ("missed", "failed"),
        "archive": ("failed", "failed"),
    }
    assert rows["application"]["rta_seconds"] == "20000.0"
    assert rows["archive"]["rta_seconds"] == ""
    assert rows["application"]["reason"] == "the RTA is beyond the RTO"
    assert rows["application"]["rto_seconds"] == "14400.0"


def test_a_long_dossier_is_printed_short_and_attached_whole() -> None:
    """On paper a thousand attempts are those that did not pass; the page lists every one."""
    result = compiled(*(r for n in range(60) for r in _numbered(runs("PPPPPPPPPF"), n)))
    assert len(result.attempts) == 600
    for page, count in ((dossier_html(result), 600), (dossier_html(result, printed=True), 60)):
        assert page.partition('<section id="attempts"')[2].count("-moodle-") == count
    assert len(dossier_csv(result).splitlines()) == 601


def _numbered(some: list[RunRecord], number: int) -> list[RunRecord]:
    return [r.model_copy(update={"run_id": f"{r.run_id}{number:04d}"}) for r in some]


@pytest.mark.parametrize("letterhead", [None, FRENCH])
def test_the_pdf_holds_the_attempts_and_the_data(letterhead: Letterhead | None) -> None:
    """The PDF is PDF/A-3a with the attempts as CSV and the dossier as JSON inside."""
    pikepdf = pytest.importorskip("pikepdf")
    content = dossier_pdf(compiled(*runs("PMFRC")), letterhead)
    with pikepdf.open(io.BytesIO(content)) as pdf:
        assert sorted(pdf.attachments) == ["attempts.csv", "dossier.json"]
        attached = pdf.attachments["dossier.json"].get_file().read_bytes()
        assert Dossier.model_validate_json(attached).counts
        metadata = pdf.open_metadata()
        assert (metadata["pdfaid:part"], metadata["pdfaid:conformance"]) == ("3", "A")


@pytest.mark.parametrize(
    ("suffix", "one", "other", "same"),
    [
        (".yml", "a: 1\nb: [x, y]\n", "# why\na:   1\n\nb:\n  - x\n  - y\n", True),
        (".yml", "a: 1\nb: [x, y]\n", "# why\na:   1  # one\n\nb: [x,  y]\n", True),
        (".yml", "a: 1\n", 'a: "1"\n', False),
        (".yml", "a: !vault x\n", "a:  !vault x\n", True),
        (".yml", "a: x\n", "a: y\n", False),
        (".py", "x = 1\n", "# why\nx  =  1  # one\n\n", True),
        (".py", 'def f():\n    """A."""\n', 'def f():\n    """B."""\n', False),
        (".py", "if x:\n    y = 1\nz = 2\n", "if x:\n    y = 1\n    z = 2\n", False),
        (".py", "if x:\n    y = 1\n", "if x:\n  y = 1\n", True),
    ],
)
def test_comments_and_layout_mean_nothing(suffix: str, one: str, other: str, same: bool) -> None:
    """Files that differ in comments and spaces only have one meaning; others have two."""
    assert (meaning(suffix, one.encode()) == meaning(suffix, other.encode())) is same


@pytest.mark.parametrize(
    ("suffix", "content"),
    [(".yml", b"a: ["), (".yml", b"\xff\xfe\x00"), (".py", b'x = """y'), (".sh", b"x")],
)
def test_what_cannot_be_read_has_no_meaning(suffix: str, content: bytes) -> None:
    """A broken or other file is compared byte by byte, and breaks nothing."""
    assert meaning(suffix, content) is None


PLAN = """\
plan: 3
organisation: Exemple SAS
services:
  moodle: {objectives: {rto: 4h, rpo: 24h}, drill_every: 3 months}
"""


@pytest.fixture
def place(tmp_path: Path) -> list[str]:
    """Return the options that name a house without drills and an empty state directory."""
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "plan.yml").write_text(PLAN)
    return ["--drills", str(tmp_path / "drills"), "--state", str(tmp_path / "state"), "dossier"]


@pytest.mark.parametrize(
    ("options", "sentence", "hint"),
    [
        (["--from", "2026-12-31", "--to", "2026-01-01"], "upside down", "--from"),
        (["--from", "31/12/2026"], '"31/12/2026" is not a day', "2026-12-31"),
        (["--from", "2026-02-30"], '"2026-02-30" is not a day', "2026-12-31"),
        (["--service", "moodel"], 'knows the service "moodel"', 'Did you mean "moodle"?'),
    ],
)
def test_a_wrong_request_is_refused_with_a_hint(
    place: list[str],
    options: list[str],
    sentence: str,
    hint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A period upside down, a day that is none, an unknown service: usage, exit code 2."""
    assert main([*place, *options]) == 2
    text = capsys.readouterr().err
    assert sentence in text
    assert f"HINT: {hint}" in text or hint in text


def test_the_command_writes_each_format(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Sealed runs on the disk come out as page, table and data; the path is printed."""
    record = a_sealed_run(FileRunStore(tmp_path / "state"))
    report = tmp_path / "state" / "runs" / record.run_id / "reports" / "report.fr.html"
    report.parent.mkdir()
    report.touch()
    for form in ("html", "csv", "json"):
        period = ["--from", "2026-01-01", "--to", "2026-12-31"]
        assert main([*place, *period, "--format", form]) == 0
        content = Path(capsys.readouterr().out.strip())
        assert content.name == f"dossier-2026-01-01-2026-12-31.{form}"
        assert record.run_id in content.read_text()
        link = f'href="../runs/{record.run_id}/reports/report.fr.html"'
        assert (link in content.read_text()) is (form == "html")
    data = json.loads(content.read_text())
    assert data["counts"] == {"passed": 1}
    assert data["head"].startswith("1 ")


def test_a_damaged_record_is_an_error_and_the_dossier_is_written(
    place: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 14 says that the evidence is not whole; the dossier says which part."""
    record = a_sealed_run(FileRunStore(tmp_path / "state"))
    path = tmp_path / "state" / "runs" / record.run_id / "record.json"
    path.chmod(0o600)
    path.write_text("{}")
    assert main([*place, "--from", "2026-01-01", "--to", "2026-12-31"]) == 14
    page = Path(capsys.readouterr().out.strip()).read_text()
    assert "not complete" in page
    assert record.run_id in page


def test_without_days_the_dossier_is_of_the_last_year() -> None:
    """From the day after this day a year ago, to today; 29 February is no trouble."""
    from pradrill.cli.commands.dossier import _period  # noqa: PLC0415 the rest of the module is tested by the command

    for today, first in (
        (date(2026, 12, 31), date(2026, 1, 1)),
        (date(2024, 2, 29), date(2023, 3, 1)),
    ):
        period = _period(Namespace(first=None, last=None), today)
        assert (period.first, period.last) == (first, today)
