"""A score is what its faults and checks come to, and nothing else can be written of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from pradrill.domain.register.entry import EntryKind
from pradrill.domain.register.sabotage import SabotageEntry, sabotages
from pradrill.register.chain.register import Register
from pradrill.register.verification.verify import verify
from pradrill.reporting.text.sabotage import last_lines, sabotage_lines
from pradrill.testing import START, after

CHECKS = ("test_site.py::test_page@web", "test_site.py::test_rows@web")


def tried(fault: str, outcome: str, *caught_by: str) -> dict[str, Any]:
    """Return a fault as an entry has it."""
    body = {"fault": fault, "stands_for": f"what {fault} is", "outcome": outcome}
    return {**body, "caught_by": list(caught_by), "seconds": 20.0}


def body(**changes: Any) -> dict[str, Any]:
    """Return a sabotage that caught two of three faults, and could not try a fourth."""
    fields: dict[str, Any] = {
        "sabotage_id": "20260310T020000Z-site-5ab07a",
        "drill": "site",
        "services": ["site"],
        "by": "amartin",
        "began": START.isoformat(),
        "ended": after(600).isoformat(),
        "standby": "standby",
        "files": {"/etc/pradrill/drills/site.yml": "5f" * 32},
        "faults_sha256": "5f" * 32,
        "checks": list(CHECKS),
        "faults": [
            tried("file-missing", "caught", CHECKS[0]),
            tried("dump-cut", "caught", CHECKS[0]),
            tried("snapshot-pinned", "missed"),
            {**tried("certificate-expired", "not tried"), "detail": "it could not be done: no"},
        ],
    }
    return {**fields, **changes}


def test_a_score_counts_what_was_tried() -> None:
    """Two of three faults are 66 %; the one that could not be tried is told, and not counted."""
    entry = SabotageEntry.model_validate(body())
    assert entry.score == pytest.approx(2 / 3)
    assert entry.never_failed == (CHECKS[1],)
    text = "\n".join(sabotage_lines(entry, whole=True))
    assert text.startswith("66 %  site  2 of 3 faults caught, 2026-03-10")
    assert "No check noticed:\n  snapshot-pinned: what snapshot-pinned is" in text
    assert "  certificate-expired: what certificate-expired is (it could not be done: no)" in text
    assert f"Checks that no fault has made fail:\n  {CHECKS[1]}" in text


def test_nothing_tried_is_no_score() -> None:
    """Without one fault that was done there is no score, least of all a good one."""
    entry = SabotageEntry.model_validate(body(faults=[tried("dump-cut", "not tried")]))
    assert entry.score is None
    assert next(sabotage_lines(entry, whole=True)).startswith("no score  site  none of 1 faults")


@pytest.mark.parametrize(
    "changes",
    [
        {"faults": [tried("dump-cut", "missed", CHECKS[0])]},
        {"faults": [tried("dump-cut", "caught")]},
        {"faults": [tried("dump-cut", "caught", "test_site.py::test_other@web")]},
        {"faults": [tried("dump-cut", "missed"), tried("dump-cut", "caught", CHECKS[0])]},
        {"faults": []},
        {"checks": []},
        {"ended": after(-1).isoformat()},
        {"score": 1.0},
    ],
)
def test_a_sabotage_that_contradicts_itself_is_none(
    changes: dict[str, Any], tmp_path: Path
) -> None:
    """Nobody can write a catch without its check, a fault twice, or a score: verification tells."""
    with pytest.raises(ValidationError):
        SabotageEntry.model_validate(body(**changes))
    register = Register(tmp_path)
    register.append(EntryKind.SABOTAGE, body(), after(600))
    assert verify(tmp_path).troubles == []
    register.append(EntryKind.SABOTAGE, body(**changes), after(700))
    (trouble,) = verify(tmp_path).troubles
    assert str(trouble).startswith("register: entry 2: it holds no sabotage")
    assert [entry.ended for entry in sabotages(register.entries()).values()] == [after(600)]


def test_a_score_ages_and_a_change_of_its_files_is_told(tmp_path: Path) -> None:
    """The last score of each drill is listed with its age, and with what was changed since."""
    register = Register(tmp_path)
    register.append(EntryKind.SABOTAGE, body(faults=[tried("a", "missed")]), START)
    register.append(EntryKind.SABOTAGE, body(), after(600))
    last = [*sabotages(register.entries()).values()]
    (line,) = last_lines(last, [], after(600 + 3 * 86_400))
    assert line == "66 %  site  2 of 3 faults caught, 2026-03-10 02:10, 3d00h ago"
    (line,) = last_lines(last, ["site"], after(700))
    assert line.endswith("; its files have changed since")
