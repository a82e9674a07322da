"""Files on real machines: back from three tools with all that is theirs, or found wanting."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from tests.e2e.scenes.keeper import play, script
from tests.e2e.scenes.place import REPOSITORY, Edit, PlaceOfLoss
from tests.e2e.scenes.scene import Scene, inside
from tests.support.endings import assert_recovered, failed_checks

from pradrill.adapters.standbys.lab import Lab, Machine

pytestmark = [pytest.mark.e2e, pytest.mark.nightly]
SECRET = "restic_password: env:PRADRILL_RESTIC_PASSWORD"  # noqa: S105 where it is
TAR: tuple[Edit, ...] = (
    ("files_source: restic\n", "files_source: tar\n      backup_folder: /srv/archives/whole\n"),
    (f"      {SECRET}\n", ""),
)
SOURCES: dict[str, tuple[Edit, ...]] = {
    "restic": (),
    "borg": (
        ("files_source: restic\n", "files_source: borg\n"),
        (f"      {SECRET}\n", "      borg_passphrase: env:PRADRILL_BORG_PASSPHRASE\n"),
    ),
    "tar": TAR,
}


@pytest.fixture(scope="module")
def scene(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """Play the scene once; the backup server stays up."""

    def live(primary: Machine) -> None:
        manifest = (REPOSITORY / "playbooks/files/manifest-files").read_text(encoding="utf-8")
        inside(primary, script("files"), stdin=manifest)

    yield play(lab, tmp_path_factory.mktemp("scene"), live)
    lab.machine("backup").down()


@pytest.mark.parametrize("source", SOURCES)
def test_files_come_back_with_all_that_is_theirs(place: PlaceOfLoss, source: str) -> None:
    """Permissions, owners, ACLs, attributes and bytes as before: PASSED, from each of the tools."""
    place.edit("files", *SOURCES[source])
    assert assert_recovered(*place.run("files")) > 10


def test_lost_acls_fail_by_name(place: PlaceOfLoss) -> None:
    """A backup job that forgot the ACLs and attributes: FAILED, and what lost them is named."""
    place.edit("files", *TAR, ("deadline: 10m\n  stable", "deadline: 30s\n  stable"))
    place.edit("files", ("/srv/archives/whole", "/srv/archives/poor"))
    result, record = place.run("files")
    assert result.returncode == 10, result.stdout + result.stderr
    assert record["verdict"] == "FAILED"
    failures = failed_checks(record)
    assert set(failures) == {"test_access_control_lists", "test_extended_attributes"}
    lists = failures["test_access_control_lists"]
    assert "plans/plan-7.dwg has another ACL: system.posix_acl_access" in lists
    assert "plans has another ACL: system.posix_acl_access system.posix_acl_default" in lists
    assert not record["residue"]
