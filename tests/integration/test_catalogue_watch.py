"""`pradrill catalogue --watch` on dumps in a folder: silent, then a finding, once."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from tests.support.status_house import StatusHouse, answer

from pradrill.domain.register.entry import EntryKind

_NAMES = "names: 'dump-%Y%m%d-%H%M.sql', timezone: UTC"


@pytest.fixture
def house(tmp_path: Path) -> StatusHouse:
    """Return two services with a dump a day, of which one's newest has shrunk."""
    house = StatusHouse(tmp_path, ("shop", "mail"))
    for service in ("shop", "mail"):
        folder = tmp_path / f"dumps-{service}"
        folder.mkdir()
        house.rewrite(
            f"drills/{service}.yml",
            "restore:",
            f"recovery_point: {{dumps: {{folder: {folder}, {_NAMES}}}}}\nrestore:",
        )
    now = datetime.now(UTC)
    for service, newest in (("shop", 400), ("mail", 1000)):
        for days in range(6):
            size = newest if days == 0 else 1000
            at = now - timedelta(days=days, hours=1)
            dump = tmp_path / f"dumps-{service}" / f"dump-{at:%Y%m%d-%H%M}.sql"
            dump.write_bytes(b"x" * size)
            os.utime(dump, (at.timestamp(), at.timestamp()))
    return house


def test_a_dump_that_shrinks_opens_a_finding_once(
    house: StatusHouse, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Between drills, and of every drill at once; a folder that is gone is told, and hides none."""
    first = answer(house, capsys, "catalogue", "--watch")
    assert first.code == 0, first.err
    assert first.out.startswith("the backup ")
    assert " of shop is less than half as large as those before: 400 bytes" in first.out
    assert first.out.count("\n") == 1
    again = answer(house, capsys, "catalogue", "--watch")
    assert (again.code, again.out) == (0, "")
    findings = [e for e in house.register.entries() if e.kind is EntryKind.FINDING]
    assert len(findings) == 1
    assert answer(house, capsys, "status", "--json").service("shop")["findings_open"]["major"] == 1

    (tmp_path / "dumps-shop").rename(tmp_path / "away")
    missing = answer(house, capsys, "catalogue", "--watch")
    assert missing.code != 0
    assert "shop: " in missing.err
    assert answer(house, capsys, "catalogue").code == 2


def test_what_is_installed_looks_at_the_backups_once_a_day(
    house: StatusHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where no drill is due; by hand nothing is looked at."""
    for service in ("shop", "mail"):
        house.run(service, "P", 1)
    assert answer(house, capsys, "due", "--run").out == ""
    first = answer(house, capsys, "due", "--run", "--scheduled")
    assert (first.code, first.out.count("of shop is less than half as large")) == (0, 1), first
    again = answer(house, capsys, "due", "--run", "--scheduled")
    assert (again.code, again.out) == (0, "")
    look = house.state / "locks" / "catalogue"
    for days in (-1, 400):  # as a clock that was wrong had it
        other = (datetime.now(UTC) + timedelta(days=days)).timestamp()
        os.utime(look, (other, other))
        answer(house, capsys, "due", "--run", "--scheduled")
        assert abs(look.stat().st_mtime - datetime.now(UTC).timestamp()) < 3_600


def test_a_damaged_line_of_the_register_hides_no_backup(
    house: StatusHouse, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is suspicious is told, and a finding, once."""
    for service in ("shop", "mail"):
        house.run(service, "P", 1)
    first, _, rest = house.register.path.read_bytes().partition(b"\n")
    house.register.path.write_bytes(first[:-9] + b"\n" + rest)
    for lines in (1, 0):
        watch = answer(house, capsys, "catalogue", "--watch")
        assert (watch.code, watch.out.count("of shop is less than half")) == (0, lines), watch.err
    kinds = [entry.kind for entry in house.register.legible()]
    assert kinds.count(EntryKind.FINDING) == 1
