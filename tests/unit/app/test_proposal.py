"""What init recognises of a repository and of what it holds, and that what it writes is valid."""

from __future__ import annotations

import gzip
import io
import os
import shutil
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import pytest

from pradrill.adapters.backups.restic import restic_refusal
from pradrill.adapters.clock import SteadyClock
from pradrill.app.doctor import _primaries
from pradrill.app.proposal.contents import (
    Contents,
    InstantColumn,
    Software,
    folders_of,
    instant_column,
    may_be_emptied,
    of_dump,
    of_listing,
)
from pradrill.app.proposal.newest import contents_of
from pradrill.app.proposal.place import (
    BackupServer,
    NoPasswordError,
    Place,
    host_key_of,
    pattern_of,
    recognise_place,
)
from pradrill.app.proposal.proposal import Proposal, StandbyLogin
from pradrill.app.proposal.texts import drill_text
from pradrill.app.proposal.write import write_project
from pradrill.cli.commands import init
from pradrill.config.project import open_house
from pradrill.domain.run.precondition import Holding
from pradrill.errors import NotReadyError, UsageError
from pradrill.ports import Bounds
from pradrill.system.command import as_root, run

MARIADB = b"""\
/*M!999999\\- enable the sandbox mode */
-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB
--
-- Host: localhost    Database: shop
-- ------------------------------------------------------
CREATE TABLE `orders` (
  `id` bigint(20) NOT NULL,
  `shipped` datetime DEFAULT NULL,
  `created_at` timestamp NULL DEFAULT NULL
) ENGINE=InnoDB;
"""
POSTGRESQL = """\
CREATE TABLE public.orders (
    id bigint NOT NULL,
    created_at timestamp without time zone,
    updated_at timestamp with time zone
);
"""
RESTIC_BEHIND_SSH = """\
subprocess ssh: Host key verification failed.
Fatal: unable to open repository at sftp:backup:/r: unable to start the sftp session, error: EOF
"""
SECRET = "file:/etc/pradrill/restic"  # noqa: S105 a name, no secret
CASES = [
    (Place("restic", {"repository": "/srv/restic", "password": SECRET}), Software.WORDPRESS),
    (recognise_place("restic:sftp:keeper@192.0.2.30:/srv/restic", SECRET, "UTC"), Software.MOODLE),
    (recognise_place("borg:ssh://keeper@192.0.2.30:2222/srv/borg", SECRET, "UTC"), Software.FILES),
    (Place("pgbackrest", {"repository": "/srv/pgbackrest", "stanza": "main"}), Software.POSTGRESQL),
    (recognise_place("barman:main", None, "UTC"), Software.POSTGRESQL),
    (recognise_place("sftp://keeper@192.0.2.30/srv/dumps", None, "UTC"), Software.MARIADB),
    (
        Place("dumps", {"folder": "/srv/d", "names": "a-%Y.sql", "timezone": "UTC"}),
        Software.POSTGRESQL,
    ),
]


@pytest.mark.parametrize(
    ("name", "pattern"),
    [
        ("files-2026-11-28.tar.gz", "files-%Y-%m-%d.tar.gz"),
        ("shop-20261128-0100.sql.gz", "shop-%Y%m%d-%H%M.sql.gz"),
        ("shop-20261124T0100", "shop-%Y%m%dT%H%M"),
        ("100%_2026-11-28_01-30-00.dump", "100%%_%Y-%m-%d_%H-%M-%S.dump"),
        ("db20261128013000.sql", "db%Y%m%d%H%M%S.sql"),
        ("latest.sql", None),
    ],
)
def test_a_dumps_name_says_how_its_date_is_written(name: str, pattern: str | None) -> None:
    """The pattern of recovery_point.dumps.names is read from the newest name."""
    assert pattern_of(name) == pattern


def test_what_a_backup_holds_is_told_by_its_names_and_its_first_lines() -> None:
    """Moodle, WordPress, files, MariaDB and PostgreSQL, with the column that dates them best."""
    moodle = ["/var/www/moodle/lib/moodlelib.php", "/var/moodledata/filedir/ab"]
    assert of_listing(moodle).kind is Software.MOODLE
    wordpress = ["/var/www/blog/wp-config.php", "/var/www/blog/index.php"]
    assert of_listing(wordpress) == Contents(Software.WORDPRESS, ("/var/www/blog",))
    assert of_listing(["/srv/shares/a"], ["/srv/shares"]).kind is Software.FILES
    assert of_dump(MARIADB) == Contents(
        Software.MARIADB, database="shop", newest=InstantColumn("orders", "created_at", True)
    )
    assert instant_column(POSTGRESQL) == InstantColumn("public.orders", "updated_at", True)
    assert of_dump(b"PK\x03\x04 something else") is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("shop-2026-11-28.sql.gz", gzip.compress(MARIADB * 2_000)[:90]),
        ("shop-2026-11-28.sql.gz", b"\x1f\x8b no gzip"),
        ("files-2026-11-28.tar.xz", b"\xfd7zXZ\0 cut"),
        ("files-2026-11-28.tar.gz", gzip.compress(b"no tar")),
    ],
    ids=["cut", "no gzip", "no xz", "no tar"],
)
def test_a_backup_that_is_packed_no_whole_is_told(
    tmp_path: Path, name: str, content: bytes
) -> None:
    """By its name, and nothing is raised that nobody expects."""
    (tmp_path / name).write_bytes(content)
    place = Place("dumps", {"folder": str(tmp_path)})
    with pytest.raises(NotReadyError, match=f"{name} cannot be read: "):
        contents_of(place, str)


@pytest.mark.parametrize(
    "lines", ["no JSON", "[" * 100_000, "3", "null"], ids=["no JSON", "deep", "number", "null"]
)
def test_what_is_no_list_of_restics_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines: str
) -> None:
    """Whatever a restic prints that ends well."""
    (tmp_path / "lines").write_text(lines)
    (tmp_path / "restic").write_text(f"#!/bin/sh\ncat {tmp_path}/lines\n")
    (tmp_path / "restic").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    place = Place("restic", {"repository": "/srv/restic", "password": SECRET})
    with pytest.raises(NotReadyError, match="what restic prints is no listing"):
        contents_of(place, str)


def test_no_folder_of_the_system_is_proposed_to_be_emptied() -> None:
    """A teardown removes what a restore brought: never /etc, /var/lib or /usr/bin."""
    machine = ["/etc/passwd", "/usr/bin/ls", "/var/lib/dpkg/status", "/srv/shares/a", "/boot/x"]
    assert folders_of(machine) == ("/srv/shares", "/var/lib/dpkg")
    for folder in ("/etc", "/etc/ssh", "/var/lib", "/usr/bin", "/home", "/srv/a b", "/srv/../etc"):
        assert not may_be_emptied(folder), folder


@pytest.mark.parametrize(("place", "kind"), CASES, ids=lambda each: str(each)[:20])
def test_what_is_written_is_valid_whatever_the_source(
    place: Place, kind: Software, tmp_path: Path
) -> None:
    """Plan, drill, inventory, playbooks and checks load without a problem, for each tool."""
    contents = Contents(kind, ("/srv/shop",), "shop")
    standby = StandbyLogin("drill", "192.0.2.20", 2222, "/root/.ssh/id_ed25519")
    proposal = Proposal(
        service="shop",
        place=place,
        contents=contents,
        standby=standby,
        production="192.0.2.10:443",
        organisation='L\'"Exemple": SAS',
    )
    write_project(proposal, tmp_path)
    project = open_house(tmp_path / "drills", now=SteadyClock().now())
    assert project.plan.organisation == 'L\'"Exemple": SAS'
    assert [host.port for host in project.drills["shop"].hosts] == [2222]
    (remark,) = _primaries(project)
    assert remark.holding is Holding.REMARK
    assert remark.says == "the primary of shop is identified by its addresses alone"
    plan = tmp_path / "drills/plan.yml"
    more = plan.read_text("utf-8").replace('# machine_ids: ["…"]', f"machine_ids: [{'9b' * 16}]")
    plan.write_text(more, "utf-8")
    assert not [*_primaries(open_house(tmp_path / "drills", now=SteadyClock().now()))]
    suite = (tmp_path / "drills/checks/shop/test_shop.py").read_text("utf-8")
    assert "with host.sudo():" in suite, "the login is not root"
    assert proposal.newest_data().get("command", "sudo -n sh").startswith("sudo -n sh")
    shutil.rmtree(tmp_path / "drills/checks")
    assert write_project(proposal, tmp_path).fresh == (
        tmp_path / "drills/checks/shop/test_shop.py",
    )


def test_a_place_that_nobody_made_is_refused_with_how_to_say_it(tmp_path: Path) -> None:
    """A folder that is not there, one without dated names, a restic repository without password."""
    with pytest.raises(UsageError, match="no repository and no folder"):
        recognise_place(str(tmp_path / "nowhere"), None, "UTC")
    (tmp_path / "latest.sql").touch()
    with pytest.raises(UsageError, match="name carries its date"):
        recognise_place(str(tmp_path), None, "UTC")
    with pytest.raises(UsageError, match="no password is named"):
        recognise_place("sftp:keeper@backup:/srv/restic", None, "UTC")


@pytest.mark.parametrize(
    ("place", "line"),
    [
        (CASES[0][0], 'backup_host: ""  # <- "": the standby itself has this path; else --backups'),
        (Place("restic", {"repository": "s3:wiki", "password": SECRET}), 'backup_host: ""\n'),
        (CASES[1][0], 'key: ""  # <- ssh-keyscan -t ed25519 192.0.2.30 | cut -d" " -f2,3\n'),
        (CASES[2][0], 'key: ""  # <- ssh-keyscan -p 2222 -t ed25519 192.0.2.30 | cut'),
    ],
)
def test_the_standbys_way_to_the_backups_is_marked(place: Place, line: str) -> None:
    """A path that the standby must have too, and a server whose host key is not known here."""
    contents = Contents(Software.FILES, ("/srv/shop",), "shop")
    login = StandbyLogin("root", "192.0.2.20", 22, None)
    proposal = Proposal("shop", place, contents, login, "192.0.2.10:443", "Exemple")
    assert line in drill_text(proposal)
    assert bool(proposal.path_on_standby) == place.declared["repository"].startswith("/")


def test_a_backup_servers_key_is_taken_from_known_hosts(tmp_path: Path) -> None:
    """By its name and port, ed25519 first; a key that is revoked is none."""
    known_hosts = tmp_path / "known_hosts"
    key = "AAAAC3NzaC1lZDI1NTE5AAAAIN0rYPuAh3qaMxIhlgU4hzQWIgWsl3/fkUvCtqLL8lZC"
    known_hosts.write_text(f"[nas]:2222 ssh-ed25519 {key} me@here\n")
    server = BackupServer("nas", "keeper", 2222, "/srv")
    assert host_key_of(server, [tmp_path / "none", known_hosts]) == f"ssh-ed25519 {key}"
    assert host_key_of(server._replace(port=22), [known_hosts]) == ""
    known_hosts.write_text(f"@revoked {known_hosts.read_text()}")
    assert host_key_of(server, [known_hosts]) == ""


def test_what_ssh_said_is_told_and_how_to_try_it_by_hand() -> None:
    """The telling line is ssh's, not the one in which restic sees no more than its end."""
    error = restic_refusal("sftp:keeper@backup:/r", RESTIC_BEHIND_SSH)
    assert str(error.message).endswith("the pinned one: Host key verification failed.")
    assert str(error.hint).endswith("Try: ssh keeper@backup.")
    denied = RESTIC_BEHIND_SSH.replace("Host key", "k@b: Permission denied (publickey).\n#")
    error = restic_refusal("sftp://k@b:2222//r", denied)
    assert str(error.message).endswith("cannot be reached: k@b: Permission denied (publickey).")
    assert str(error.hint).endswith("Try: ssh -p 2222 k@b.")
    banner = "subprocess ssh: Welcome\nFatal: wrong password or no key found"
    assert "Welcome" not in restic_refusal("sftp:b:/r", banner).message
    assert "ssh" not in str(restic_refusal("rest:http://b:1/", "Fatal: Connection refused").hint)


def test_ssh_is_told_of_behind_borg_as_well(tmp_path: Path, monkeypatch: Any) -> None:
    """What borg makes of it, "Is borg working on the server?", leads elsewhere."""
    borg = tmp_path / "borg"
    borg.write_text(
        "#!/bin/sh\nset -- $BORG_RSH\necho 'Host key verification failed.' > \"$3\"\n"
        "echo 'Connection closed by remote host. Is borg working on the server?' >&2\nexit 2\n"
    )
    borg.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    place = recognise_place("ssh://keeper@192.0.2.30:2222/srv/borg", None, "UTC")
    with pytest.raises(NotReadyError, match="listed: Host key verification failed") as refusal:
        contents_of(place, str)
    assert str(refusal.value.hint).endswith("Try: ssh -p 2222 keeper@192.0.2.30.")


def test_a_user_who_is_not_root_is_told_of_sudo(monkeypatch: Any) -> None:
    """What installs a program can be typed as it is printed."""
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NotReadyError) as refusal:
        run(["no-such-program"], Bounds(1.0), extra={}, package="restic")
    assert refusal.value.hint == "Run: sudo apt-get install restic."
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert as_root("apt-get install restic") == "apt-get install restic"


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_on_a_terminal_a_password_s_place_is_asked_for(monkeypatch: Any, tmp_path: Path) -> None:
    """Only where it is needed; the secret itself is refused, and not said again."""
    for name in ("config", "keys", "snapshots"):
        (tmp_path / name).mkdir()
    args = Namespace(backups=str(tmp_path), password=None, backup_key=None)
    monkeypatch.setattr(sys, "stderr", _Terminal())
    monkeypatch.setattr(sys, "stdin", _Terminal("file:/root/restic\n"))
    assert init._place(args).declared["password"] == "file:/root/restic"  # noqa: S105 a name
    monkeypatch.setattr(sys, "stdin", _Terminal("correct horse\n"))
    with pytest.raises(UsageError) as refusal:
        init._place(args)
    assert "horse" not in str(refusal.value)
    monkeypatch.setattr(sys, "stdin", io.StringIO())
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(NoPasswordError) as refusal:
        init._place(args)
    assert f"file:{Path.home()}/.config/pradrill/restic" in str(refusal.value.hint)


def test_a_dump_among_files_is_said_not_to_be_loaded() -> None:
    """A PASSED drill of files proves no database: the drill says so where its restore stands."""
    paths = ["/srv/wiki/index.php", "/var/backups/wiki/wiki.sql.gz", "/srv/wiki/sql.txt"]
    contents = of_listing(paths, ["/srv/wiki", "/var/backups/wiki"])
    assert contents.dumps == ("/var/backups/wiki/wiki.sql.gz",)
    hostile = of_listing(["/srv/a/b\n  - playbook: x\x1b[1m.sql"]).dumps
    assert hostile == ("- playbook: x?[1m.sql",), (
        "a name is no line of YAML, and no sign of a terminal"
    )
    place = Place("restic", {"repository": "/srv/restic", "password": SECRET})
    standby = StandbyLogin("root", "192.0.2.20", 22, None)
    proposal = Proposal("wiki", place, contents, standby, "192.0.2.10:22", "us")
    assert "  # /var/backups/wiki/wiki.sql.gz\n  # looks like" in drill_text(proposal)
    bare = proposal._replace(contents=contents._replace(dumps=()))
    assert "looks like" not in drill_text(bare)
