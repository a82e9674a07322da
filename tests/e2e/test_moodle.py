"""Moodle on real machines: recovered, quiet, and each stored file proven by its content hash.

PRADRILL_MOODLE_SOURCE names a Moodle source tree to use instead of the miniature, and
PRADRILL_MOODLE_SITE what a site of that tree holds (scenes/moodle_mini/README.md). Deadlines are
then an emulated machine's with 30,000 files: an installation alone takes minutes, and so does one
pass of the checks.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.command_line import pradrill
from tests.e2e.scenes.keeper import kit, play, script, send
from tests.e2e.scenes.place import REPOSITORY, PlaceOfLoss
from tests.e2e.scenes.scene import Scene, inside
from tests.support.endings import assert_recovered, failed_checks, step

from pradrill.adapters.standbys.lab import Lab, Machine

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]
GIVEN = os.environ.get("PRADRILL_MOODLE_SOURCE")
SOURCE = Path(GIVEN) if GIVEN else Path(__file__).parent / "scenes/moodle_mini"
SITE = os.environ.get("PRADRILL_MOODLE_SITE") if GIVEN else None
KINDS = [kind for kind in ("mariadb", "pgsql") if not SITE or (Path(SITE) / f"{kind}.sql").exists()]
ELSEWHERE = "cas" if not GIVEN or (SOURCE / "auth/cas").exists() else "shibboleth"
"""What signs people in elsewhere: Moodle has CAS no more from 5.0 on."""
SLOW = 3600 if GIVEN else 300
CHECKED = "45m" if GIVEN else "15m"
GREEN = "20m" if GIVEN else "5m"
"""Within it all checks were asked once: at a load of 10 the miniature's took 129 seconds."""
RUN = 2 * SLOW if GIVEN else SLOW + 600
"""Seconds that a whole run may take: its restore, and its checks."""


@pytest.fixture(scope="module", params=KINDS)
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
        if SITE:
            send(primary, Path(SITE), "/root/site")
        inside(primary, script("moodle"), kind, ELSEWHERE, deadline=SLOW)
        job = (REPOSITORY / "playbooks/files/backup-moodle").read_text(encoding="utf-8")
        back_up = kit() + script("back_up_moodle")
        output = inside(primary, back_up, kind, stdin=job, deadline=SLOW)
        rotten["path"] = output.splitlines()[-1]

    yield play(lab, tmp_path_factory.mktemp("scene"), live)
    lab.machine("backup").down()


@pytest.fixture
def place(place: PlaceOfLoss, kind: str) -> PlaceOfLoss:
    """Return a copy of the drills for one test, for its kind of database, at its machine's pace."""
    if GIVEN:
        place.edit(
            "moodle",
            ("    deadline: 30m\n", "    deadline: 1h\n"),
            ("restore_deadline: 1700 ", f"restore_deadline: {SLOW - 100} "),
            ("deadline: 15m", f"deadline: {CHECKED}"),
        )
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


def choose_from_catalogue(place: PlaceOfLoss) -> None:
    """Let the drill choose its backup from the repository, as the comment in it says."""
    backup = place.lab.machine("backup")
    hosts, key = place.folder / "known_hosts", place.folder / "key"
    hosts.write_text(backup.known_hosts_line(), encoding="utf-8")
    key.touch(mode=0o600)
    key.write_text(os.environ["PRADRILL_BACKUP_KEY"], encoding="utf-8")
    port = backup.port_file().read_text(encoding="ascii").strip()
    path = place.drills / "moodle.yml"
    before, mark, after = path.read_text("utf-8").partition("# recovery_point:\n")
    assert mark
    after = after[after.index("\n\n") :]
    path.write_text(
        f"""{before}recovery_point:
  restic:
    repository: "sftp://keeper@127.0.0.1:{port}//srv/restic/moodle"
    password: env:PRADRILL_RESTIC_PASSWORD
    tag: moodle
    ssh: {{known_hosts: {hosts}, private_key: {key}}}
{after}""",
        encoding="utf-8",
    )


def test_moodle_comes_back_quiet_and_whole(place: PlaceOfLoss) -> None:
    """After its primary's death, the snapshot that the catalogue names is restored: PASSED.

    What was written after it is lost; who signed people in elsewhere does not on the copy.
    """
    choose_from_catalogue(place)
    listing = pradrill("catalogue", "moodle", "--json", state=place.state, drills=place.drills)
    assert listing.returncode == 0, listing.stderr
    result, record = place.run("moodle", RUN)
    loss = assert_recovered(result, record)
    assert loss > 10, "the backup was made ten seconds before the power cut"
    readings = {each["name"]: each for each in record["recovery"]["readings"]}
    assert set(readings) == {"last event", "heartbeat"}
    values = step(record, "restore")["values"]
    assert values["pradrill_catalogue_time"]
    assert values["pradrill_backup_id"] == record["recovery"]["catalogue"]["selected"]["id"]
    assert values["pradrill_backup_id"] in json.dumps(json.loads(listing.stdout))
    assert values["moodle_sign_in_off"] == f"{ELSEWHERE} alternateloginurl"


def test_a_rotten_file_fails_by_its_name(place: PlaceOfLoss, rotten: dict[str, str]) -> None:
    """One byte of one file of moodledata differs in the backup: FAILED, and the file is named."""
    place.edit(
        "moodle",
        ("restic_tag: moodle\n", "restic_tag: rotten\n"),
        (f"deadline: {CHECKED}", f"deadline: {GREEN}"),
    )
    result, record = place.run("moodle", RUN)
    assert result.returncode == 10, result.stdout + result.stderr
    assert record["verdict"] == "FAILED"
    failures = failed_checks(record)
    assert list(failures) == ["test_the_stored_files_have_their_bytes"]
    assert f"1 wrong: {rotten['path']} has other bytes (mod_resource/content document-" in str(
        failures
    )
    assert not record["residue"]
