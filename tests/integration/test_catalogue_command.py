"""`pradrill catalogue`, and what a drill file may say of its backups."""

from __future__ import annotations

import gzip
import json
import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from tests.integration.house import build, edit, pradrill

KEY = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
SOURCE = """\
recovery_point:
  dumps: {folder: FOLDER, names: "shop-%Y%m%d-%H%M%S.sql.gz", timezone: UTC}
  promised: {every: 24h}
restore:"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a house whose drill restores from a folder of dumps."""
    build(tmp_path)
    (tmp_path / "dumps").mkdir()
    edit(tmp_path, "drills/shop.yml", "restore:", SOURCE.replace("FOLDER", f"{tmp_path}/dumps"))
    return tmp_path


def dump(house: Path, hours: float, content: bytes = b"-- Dump completed\n") -> str:
    """Put a dump of so many hours ago into the folder; return its name."""
    at = time.time() - hours * 3600
    path = house / f"dumps/shop-{datetime.fromtimestamp(at, UTC):%Y%m%d-%H%M%S}.sql.gz"
    path.write_bytes(gzip.compress(content) if content else b"")
    os.utime(path, (at, at))
    return path.name


def test_the_catalogue_is_shown_with_the_choice_and_its_gaps(house: Path) -> None:
    """Each backup, the one that a drill would take and why, the gap, what is missing."""
    names = [dump(house, hours) for hours in (97, 73, 25, 1)]
    result = pradrill(house, "catalogue", "shop")
    assert (result.returncode, result.stderr) == (0, "")
    output = " ".join(result.stdout.split())
    for part in (*names, "latest: the newest of 4", "worst-case RPA 2d00h", "1: 20"):
        assert part in output, output


def test_the_catalogue_is_there_for_programs(house: Path) -> None:
    """The JSON holds the points, the choice and the worst case in seconds."""
    names = [dump(house, hours) for hours in (25, 1)]
    output = json.loads(pradrill(house, "catalogue", "shop", "--json").stdout)
    assert sorted(point["id"] for point in output["catalogue"]["points"]) == names
    assert output["reading"]["selected"]["id"] == names[-1]
    assert 86_390 < output["reading"]["worst_case"]["seconds"] < 86_420
    assert output["refusal"] is None


def test_nothing_to_restore_is_not_ready(house: Path) -> None:
    """Exit code 4 with the catalogue on stdout and the reason on stderr, for a monitor."""
    result = pradrill(house, "catalogue", "shop")
    assert result.returncode == 4
    assert "is empty" in result.stderr
    dump(house, 1, b"")
    result = pradrill(house, "catalogue", "shop")
    assert result.returncode == 4
    assert "unusable: " in result.stdout
    assert "it is empty" in result.stderr


def test_a_folder_that_is_not_there_is_not_ready(house: Path) -> None:
    """A mount that is missing is told as such, without a traceback."""
    (house / "dumps").rmdir()
    result = pradrill(house, "catalogue", "shop")
    assert result.returncode == 4
    assert result.stderr.startswith("the folder of dumps ")
    assert "HINT: " in result.stderr


def test_a_drill_without_a_source_has_no_catalogue(tmp_path: Path) -> None:
    """Exit code 3, and what to write."""
    result = pradrill(build(tmp_path), "catalogue", "shop")
    assert result.returncode == 3
    assert "recovery_point" in result.stderr


def test_a_run_without_a_backup_touches_nothing(house: Path) -> None:
    """The real command refuses with 4 before it asks anything of the standby."""
    (house / "known_hosts").write_text(f"192.0.2.20 ssh-ed25519 {KEY}\n")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 4, result.stdout + result.stderr
    assert "is empty" in " ".join(result.stdout.split())
    record = json.loads(pradrill(house, "show", "--json").stdout)
    assert [step["name"] for step in record["steps"]][:2] == [
        "check the preconditions",
        "read the backup catalogue",
    ]


def test_every_problem_of_a_source_is_told_with_its_line(house: Path) -> None:
    """Misspelt keys, a password in the file, a bare number, a wrong zone: all at once."""
    text = (house / "drills/shop.yml").read_text()
    start, end = text.index("recovery_point:"), text.index("restore:")
    wrong = [
        "recovery_point:",
        "  restic:",
        "    repositry: /srv/restic",
        "    password: hunter2",
        "  select: newest",
        "  window: 90",
        "  promised: {every: 1s}",
        "  integrity: {parts: 0}",
        "",
    ]
    (house / "drills/shop.yml").write_text(text[:start] + "\n".join(wrong) + text[end:])
    line = text[:start].count("\n") + 1
    result = pradrill(house, "validate")
    assert result.returncode == 3
    at = f"drills/shop.yml:{line + 1}: recovery_point.restic: repository is missing"
    assert at in result.stderr, result.stderr
    for offset, path, message in (
        (2, "restic.repositry", '"repositry" is not a known key'),
        (3, "restic.password", "a secret is named, never written here"),
        (4, "select", "write latest"),
        (5, "window", "a duration needs a unit"),
        (6, "promised.every", "must be at least 1m"),
        (7, "integrity.parts", "greater than or equal to 1"),
    ):
        place = f"drills/shop.yml:{line + offset}: recovery_point.{path}: "
        (problem,) = [each for each in result.stderr.splitlines() if each.startswith(place)]
        assert message in problem
    assert 'Did you mean "repository"?' in result.stderr
    assert "hunter2" not in result.stderr


def test_the_schema_knows_every_source(house: Path) -> None:
    """An editor completes what the loader accepts."""
    schema = json.loads(pradrill(house, "schema", "drill").stdout)
    spec = schema["$defs"]["RecoveryPointSpec"]["properties"]
    assert {"restic", "borg", "pgbackrest", "barman", "dumps", "select", "integrity"} <= set(spec)
    assert "recovery_point" in schema["properties"]


@pytest.mark.nightly
def test_a_cron_schedule_tells_what_is_missing(house: Path) -> None:
    """The backup job's own cron line is the promise; a wrong one is told with its place."""
    edit(house, "drills/shop.yml", "{every: 24h}", '{cron: "0 * * * *", tolerance: 59m}')
    for hours in (5, 4, 1):
        dump(house, hours)
    output = json.loads(pradrill(house, "catalogue", "shop", "--json").stdout)
    missing = output["reading"]["worst_case"]["missing"]
    assert len(missing) == 2
    assert all(each.endswith(":00:00Z") for each in missing)
    edit(house, "drills/shop.yml", "0 * * * *", "0 99 * * *")
    result = pradrill(house, "validate")
    assert result.returncode == 3
    assert 'promised.cron: "0 99 * * *" is not a cron expression' in result.stderr
