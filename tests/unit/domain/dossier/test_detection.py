"""The dossier's sabotage scores: the last of each drill, as long as its files say the same."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from pradrill.domain.declared.plan import Plan
from pradrill.domain.dossier.build import Sources, compile_dossier
from pradrill.domain.dossier.dossier import Dossier
from pradrill.domain.dossier.period import Period
from pradrill.domain.register.entry import GENESIS, Entry, EntryKind
from pradrill.domain.run.run_plan import FileHash
from pradrill.reporting.dossier.files import dossier_html
from pradrill.reporting.run.html import Letterhead
from pradrill.testing import a_run_plan, a_service

NOW = datetime(2026, 12, 31, 12, tzinfo=UTC)
YEAR = Period(first=date(2026, 1, 1), last=date(2026, 12, 31))
SAME, OTHER = "5f" * 32, "6f" * 32
CHECK = "test_site.py::test_page@web"


def sabotage(at: datetime, *outcomes: str, drill: str = "moodle") -> Entry:
    """Return an entry of a sabotage with these outcomes, a fault each."""
    body: dict[str, Any] = {
        "sabotage_id": "20260310T020000Z-moodle-5ab07a",
        "drill": drill,
        "services": ["moodle"],
        "by": "amartin",
        "began": at.isoformat(),
        "ended": at.isoformat(),
        "standby": "standby",
        "files": {"/drill.yml": SAME},
        "faults_sha256": SAME,
        "checks": [CHECK],
        "faults": [
            {
                "fault": f"fault-{number}",
                "stands_for": "something",
                "outcome": outcome,
                "caught_by": [CHECK] if outcome == "caught" else [],
                "seconds": 20.0,
            }
            for number, outcome in enumerate(outcomes, 1)
        ],
    }
    return Entry(number=1, at=at, kind=EntryKind.SABOTAGE, previous=GENESIS, body=body)


def dossier(*entries: Entry, sha256: str = SAME) -> Dossier:
    """Return the dossier of a drill whose file has this hash today."""
    plan = a_run_plan(files=(FileHash(path=Path("/drill.yml"), sha256=sha256),))
    sources = Sources(
        records=[],
        plan=Plan(plan=3, organisation="Exemple", services={"moodle": a_service(provider=None)}),
        drills={"moodle": plan},
        entries=entries,
    )
    return compile_dossier(YEAR, sources, now=NOW)


def test_the_last_sabotage_of_a_drill_counts_until_its_files_change() -> None:
    """One that was entered after the period's end is not known yet."""
    entries = (
        sabotage(datetime(2026, 3, 1, tzinfo=UTC), "missed"),
        sabotage(datetime(2026, 6, 1, tzinfo=UTC), "caught", "missed"),
        sabotage(datetime(2027, 1, 1, tzinfo=UTC), "caught"),
    )
    (now,) = dossier(*entries).detections
    assert (now.entry.score, now.expired) == (0.5, False)
    (then,) = dossier(*entries, sha256=OTHER).detections
    assert then.expired
    (last,) = dossier(sabotage(datetime(2026, 3, 1, tzinfo=UTC), "caught", drill="x")).detections
    assert last.expired


def test_the_page_names_what_no_check_noticed() -> None:
    """With the score, its day, and what could not be tried; in both languages."""
    page_of = dossier(
        sabotage(datetime(2026, 6, 1, 12, tzinfo=UTC), "caught", "missed", "not tried", "unclear"),
        sha256=OTHER,
    )
    for language, words in {
        "en": ("33 %", "1 of 3 faults", "expired: its files have changed since", "2026-06-01"),
        "fr": ("33", "1 défaut détecté sur 3", "caduc : ses fichiers", "01/06/2026"),
    }.items():
        page = dossier_html(page_of, Letterhead(language=language))
        section = page[page.index('id="detections"') : page.index('id="trends"')]
        text = " ".join(re.sub(r"<[^>]+>", " ", section).split())
        for word in (*words, "fault-2", "fault-3", "fault-4"):
            assert word in text, (language, word)
        assert "fault-1" not in text
