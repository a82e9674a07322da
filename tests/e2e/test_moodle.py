"""Moodle on real machines: recovered, quiet, and each stored file proven by its content hash.

PRADRILL_MOODLE_SOURCE names a Moodle source tree to use instead of the miniature; the deadlines are
then an emulated machine's: its installation alone takes minutes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.scenes.keeper import kit, play, script, send
from tests.e2e.scenes.place import REPOSITORY, PlaceOfLoss
from tests.e2e.scenes.scene import Scene, inside
from tests.support.endings import assert_recovered, failed_checks, step

from pradrill.adapters.standbys.lab import Lab, Machine

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]
GIVEN = os.environ.get("PRADRILL_MOODLE_SOURCE")
SOURCE = Path(GIVEN) if GIVEN else Path(__file__).parent / "scenes/moodle_mini"
SLOW = 1800 if GIVEN else 300
GREEN = 300 if GIVEN else 45
"""Seconds within which all other checks are green."""


@pytest.fixture(scope="module", params=["mariadb", "pgsql"])
def kind(request: pytest.FixtureRequest) -> str:
    """Return the database's kind."""
    return str(request.param)


@pytest.fixture(scope="module")
def rotten() -> dict[str, str]:
    """Hold the path of the file that rotted."""
    return {}


@pytest.fixture(scope="module")
def scene(
    lab: Lab, kind: str, rotten: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Scene]:
    """Play the scene once for each kind of database; the backup server stays up."""

    def live(primary: Machine) -> None:
        send(primary, SOURCE, "/var/www/moodle")
        inside(primary, script("moodle"), kind, deadline=SLOW)
        job = (REPOSITORY / "playbooks/files/backup-moodle").read_text(encoding="utf-8")
        back_up = kit() + script("back_up_moodle")
        output = inside(primary, back_up, kind, stdin=job, deadline=SLOW)
        rotten["path"] = output.splitlines()[-1]

    yield play(lab, tmp_path_factory.mktemp("scene"), live)
    lab.machine("backup").down()


@pytest.fixture
def place(place: PlaceOfLoss, kind: str) -> PlaceOfLoss:
    """Return a copy of the drills for one test, for its kind of database."""
    if kind == "pgsql":
        on_postgresql(place)
    return place


def on_postgresql(place: PlaceOfLoss) -> None:
    """Change the drill as the comment at its end says."""
    psql = "runuser -u postgres -- psql -XAtd moodle -c"
    place.edit(
        "moodle",
        ("      restic_tag: moodle\n", "      restic_tag: moodle\n      moodle_db_type: pgsql\n"),
        ('mariadb -N -B moodle -e "select max(t', f'{psql} "select max(t'),
        ('mariadb -N -B moodle -e "select max(at) from pradrill_heartbeat"', HEARTBEAT),
        ("teardown_mariadb.yml", "teardown_postgresql.yml"),
        ("database_user: moodle}\n    d", "database_owner: moodle}\n    d"),
    )
    checks = place.folder / "drills/checks/moodle/test_moodle.py"
    text = checks.read_text(encoding="utf-8")
    assert 'SERVER = "mariadb"' in text
    checks.write_text(text.replace('SERVER = "mariadb"', 'SERVER = "postgresql"'), "utf-8")


HEARTBEAT = (
    "runuser -u postgres -- psql -XAtd moodle -c \"select to_char(max(at) at time zone 'UTC', "
    "'YYYY-MM-DD HH24:MI:SS.US') from pradrill_heartbeat\""
)


def test_moodle_comes_back_quiet_and_whole(place: PlaceOfLoss) -> None:
    """Code, database and moodledata from one snapshot: PASSED; what was written after is lost."""
    result, record = place.run("moodle")
    loss = assert_recovered(result, record)
    assert loss > 10, "the backup was made ten seconds before the power cut"
    readings = {each["name"]: each for each in record["recovery"]["readings"]}
    assert set(readings) == {"last event", "heartbeat"}
    assert step(record, "restore")["values"]["pradrill_catalogue_time"]


def test_a_rotten_file_fails_by_its_name(place: PlaceOfLoss, rotten: dict[str, str]) -> None:
    """One byte of one file of moodledata differs in the backup: FAILED, and the file is named."""
    place.edit(
        "moodle",
        ("restic_tag: moodle\n", "restic_tag: rotten\n"),
        ("deadline: 15m", f"deadline: {GREEN}s"),
    )
    result, record = place.run("moodle")
    assert result.returncode == 10, result.stdout + result.stderr
    assert record["verdict"] == "FAILED"
    failures = failed_checks(record)
    assert list(failures) == ["test_the_stored_files_have_their_bytes"]
    assert f"1 wrong: {rotten['path']} has other bytes (mod_resource/content document-" in str(
        failures
    )
    assert not record["residue"]
