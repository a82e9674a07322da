"""What looks at a standby got wrong: it hung, ended all, or said that nothing was there."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from unittest.mock import patch

import pytest
from tests.support.looks import elsewhere, everywhere, stock

from pradrill.adapters.ssh.remote_looks import databases, system
from pradrill.adapters.ssh.remote_looks.answer import cannot
from pradrill.adapters.ssh.remote_looks.contents import lines_of
from pradrill.adapters.ssh.remote_looks.programs import output_of
from pradrill.domain.run.inventory_answers import inventory

USER = "ann:x:1:1::{home}:/bin/sh\n"


def lay(folder: Path, path: str, content: bytes = b"") -> Path:
    """Put a file below a folder."""
    file = folder / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file


def failing(code: int) -> NoReturn:
    """Fail as the system does."""
    raise OSError(code, os.strerror(code), "/a")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return one in memory."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        yield Path(name)


def test_folders_deeper_than_python_calls_itself_hide_nothing(folder: Path) -> None:
    """Whoever may write below a declared folder ended the script there, and all looks after it."""
    there = os.open(folder, os.O_RDONLY)
    try:
        for _ in range(1_100):
            os.mkdir("a", dir_fd=there)
            deeper = os.open("a", os.O_RDONLY, dir_fd=there)
            os.close(there)
            there = deeper
    finally:
        os.close(there)
    (folder / "z").touch()
    here = inventory(stock("none", words=(str(folder),)))
    assert set(here.seen["file"]) == {f"{folder}/z"}
    assert "open_file" in here.seen
    subprocess.run(["rm", "-r", folder / "a"], check=True)


def test_what_other_schedulers_and_hooks_start_is_looked_at(folder: Path) -> None:
    """A file's event, a rotated log or somebody's login begins it: no cron, and no unit."""
    jobs = ("etc/incron.d/a", "var/spool/incron/root", "var/spool/fcron/root.orig")
    moves = ("var/spool/fcron/root",)  # fcron writes there each half an hour when a job is due
    hooks = ("etc/logrotate.d/a", "etc/update-motd.d/a", "etc/init.d/a", "etc/supervisor/conf.d/a")
    for each in (*jobs, *hooks, *moves):
        lay(folder, each)
    with elsewhere(folder):
        here = inventory(stock("cron", "system"))
    assert {*here.seen["cron"]} == {f"{folder}/{each}" for each in jobs}
    assert {*here.seen["system"]} == {f"{folder}/{each}" for each in hooks}


def test_a_package_that_is_not_whole_is_there(tmp_path: Path) -> None:
    """One that a drill's apt left half was not seen, and one on its way to another had gone."""
    states = ("installed", "half-configured", "triggers-pending", "unpacked", "half-installed")
    text = "".join(
        f"Package: {each}\nStatus: install ok {each}\n\n"
        for each in (*states, "config-files", "not-installed")
    )
    lay(tmp_path, "var/lib/dpkg/status", text.encode())
    with elsewhere(tmp_path):
        assert {*inventory(stock("package")).seen["package"]} == {*states}


def test_a_program_that_prints_for_ever_is_ended() -> None:
    """Its words filled the standby's memory for as long as it had time."""
    with pytest.raises(subprocess.SubprocessError, match="more than"):
        output_of("yes")


def test_a_program_that_leaves_another_behind_is_not_waited_for() -> None:
    """What it has started holds its output open, and prints nothing."""
    began = time.monotonic()
    with pytest.raises(subprocess.SubprocessError, match="in time"):
        output_of("sh", "-c", "sleep 5 & echo $!", within=0.2)
    assert time.monotonic() - began < 4
    assert output_of("cat", text="a") == "a"
    assert output_of("true", text="nobody reads this") == ""
    with pytest.raises(subprocess.CalledProcessError):
        output_of("false")


def test_a_device_in_a_files_place_is_not_read() -> None:
    """It was, for ever."""
    with pytest.raises(OSError, match="is not a file"):
        lines_of("/dev/zero")


def test_a_table_that_comes_a_page_at_a_time_is_read_whole(tmp_path: Path) -> None:
    """The kernel gives less than it is asked for; one without end is said to be too large."""
    file = lay(tmp_path, "unix", b"a line\n" * 300)
    read = os.read
    with patch.object(os, "read", lambda handle, _: read(handle, 10)):
        with everywhere(READ=2_100, PART=1_000):
            assert len(lines_of(str(file))) == 301
        with everywhere(READ=2_099, PART=1_000), pytest.raises(OSError, match="too large"):
            lines_of(str(file))


def test_no_line_is_said_by_a_path(capsys: pytest.CaptureFixture[str]) -> None:
    """A folder that cannot be looked into may have the words of a kind in its name."""
    with everywhere(UNSEEN=set()):
        cannot("file", "/srv/\nuser\t\tghost: file name too long")
    assert inventory(capsys.readouterr().out).seen == {}


def test_a_server_that_answers_half_has_accounts_that_are_not_known(tmp_path: Path) -> None:
    """They counted for seen, and for those of before."""
    waiting = f"0 2 0 {databases.LISTENING} 1 1 7 /run/mysqld.sock"
    lay(tmp_path, "proc/net/unix", f"{waiting}\n".encode())
    lay(tmp_path, "var/lib/mysql/shop/db.opt")
    answer = f"folder\t\t{tmp_path}/var/lib/mysql\naccount\t1"
    with elsewhere(tmp_path), everywhere(output_of=lambda *_, **__: answer):
        here = inventory(stock("database"))
    assert "account" in here.unseen
    assert set(here.seen["database"]) == {f"shop ({tmp_path}/var/lib/mysql)"}


def test_a_server_whose_folder_is_not_there_has_databases_that_are_not_known(
    tmp_path: Path,
) -> None:
    """It may see another root than we do."""
    waiting = f"0 2 0 {databases.LISTENING} 1 1 7 /run/mysqld.sock"
    lay(tmp_path, "proc/net/unix", f"{waiting}\n".encode())
    with elsewhere(tmp_path), everywhere(output_of=lambda *_, **__: "folder\t\t/no/where/\n"):
        assert "/no/where is not there" in inventory(stock("database")).unseen["database"]


@pytest.mark.parametrize(
    ("code", "is_unseen"),
    [(errno.EPROTONOSUPPORT, False), (errno.EINVAL, False), (errno.EPERM, True), (110, True)],
)
def test_a_kernel_that_does_not_answer_has_a_packet_filter_that_is_not_known(
    tmp_path: Path, code: int, is_unseen: bool
) -> None:
    """Only one that knows no packet filter has none."""
    with elsewhere(tmp_path), patch.object(socket, "socket", lambda *_: failing(code)):
        assert ("firewall" in inventory(stock("firewall")).unseen) == is_unseen


def test_a_look_that_fails_says_so_for_all_that_it_tells_of(tmp_path: Path) -> None:
    """Without a list of users no group was seen either."""
    with elsewhere(tmp_path):
        assert {"user", "group"} <= set(inventory(stock("user")).unseen)


def test_a_folder_that_may_not_be_looked_into_is_said(tmp_path: Path) -> None:
    """A login without root saw an empty one."""
    (tmp_path / "etc/network").mkdir(parents=True)
    with elsewhere(tmp_path), everywhere(first_entries=lambda _: failing(errno.EACCES)):
        assert inventory(stock("system", uid=1)).unseen == {}
        assert inventory(stock("setting", uid=1)).unseen["setting"] == "/a: permission denied"


def test_a_file_that_may_not_be_read_is_said(tmp_path: Path) -> None:
    """Its content could have been any; an interface that has just gone, and a file, is no gap."""
    lay(tmp_path, "etc/crypttab")
    lay(tmp_path, "proc/sys/net/ipv6/ttl")
    with elsewhere(tmp_path), everywhere(read=lambda _: failing(errno.EACCES)):
        assert {"system", "sysctl"} == set(inventory(stock("system", "sysctl")).unseen)
    with elsewhere(tmp_path), everywhere(read=lambda _: failing(errno.ENOENT)):
        assert inventory(stock("system", "sysctl")).unseen == {}


def test_keys_in_a_home_of_any_bytes_are_seen(tmp_path: Path) -> None:
    """It was looked for under another name, and was not there."""
    home = tmp_path / os.fsdecode(b"andr\xe9")
    lay(home, ".ssh/authorized_keys", b"ssh-ed25519 AAAA")
    lay(tmp_path, "etc/passwd", os.fsencode(USER.format(home=home)))
    with elsewhere(tmp_path):
        assert len(inventory(stock("key")).seen["key"]) == 1


def test_a_path_that_is_too_long_to_be_told_may_be_held(tmp_path: Path) -> None:
    """The kernel does not tell where a process is that went deep below what must be gone."""
    lay(tmp_path, "proc/7/comm", b"sleep\n")
    (tmp_path / "proc/7/fd").mkdir()
    with (
        elsewhere(tmp_path),
        patch.object(os, "readlink", lambda *_, **__: failing(errno.ENAMETOOLONG)),
    ):
        assert inventory(stock("none", words=("", "/srv/data"))).holds("/srv/data")


def test_a_folder_without_end_is_said(tmp_path: Path) -> None:
    """A queue of millions filled the memory first."""
    for number in range(6):
        lay(tmp_path, f"var/spool/postfix/active/{number}")
        lay(tmp_path, f"var/lib/docker/volumes/{number}/a")
    with elsewhere(tmp_path), everywhere(MOST_ENTRIES=5):
        assert set(inventory(stock("mail", "container")).unseen) == {"mail", "container"}


def test_of_a_folder_without_end_the_first_are_compared(tmp_path: Path) -> None:
    """Nothing was: of 50,000 files in one folder none could be residue."""
    for number in (5, 3, 1, 0, 4, 2):
        lay(tmp_path, f"a/{number}")
    with everywhere(MOST_ENTRIES=5, MOST=2):
        here = inventory(stock("none", words=(f"{tmp_path}/a",)))
    assert set(here.seen["file"]) == {f"{tmp_path}/a/{number}" for number in (0, 1)}
    assert "more than" in here.unseen["file"]


@pytest.mark.parametrize("where", ["var/lib/postgresql/wal_archive", "var/lib/mysql"])
def test_a_folder_without_end_beside_databases_hides_no_other(where: str, tmp_path: Path) -> None:
    """Logs that PostgreSQL had put by there hid each database, and MariaDB's accounts too."""
    lay(tmp_path, "proc/net/unix")
    lay(tmp_path, "var/lib/postgresql/15/main/PG_VERSION")
    lay(tmp_path, "var/lib/postgresql/15/main/base/5/1")
    lay(tmp_path, "var/lib/mysql/shop/db.opt")
    for number in range(6):
        lay(tmp_path, f"{where}/{number:016X}")
    cluster = f"{tmp_path}/var/lib/postgresql/15/main"
    with elsewhere(tmp_path), everywhere(MOST_ENTRIES=5):
        here = inventory(stock("database"))
    shop = f"shop ({tmp_path}/var/lib/mysql)"
    assert (set(here.seen["database"]), here.unseen) == ({f"5 ({cluster})", shop}, {})

    for number in range(6):
        lay(tmp_path, f"{where}/many-{number}/a")
    with elsewhere(tmp_path), everywhere(MOST_ENTRIES=5):
        here = inventory(stock("database"))
    assert f"5 ({cluster})" in here.seen["database"]
    assert {"database", "account"} <= {*here.unseen}


def test_a_place_of_containers_without_end_hides_no_other(tmp_path: Path) -> None:
    """Of the places after it nothing was told."""
    for number in range(6):
        lay(tmp_path, f"var/lib/docker/volumes/{number}/a")
    lay(tmp_path, "var/lib/lxc/web/config")
    with elsewhere(tmp_path), everywhere(MOST_ENTRIES=5):
        here = inventory(stock("container"))
    assert f"{tmp_path}/var/lib/lxc/web" in here.seen["container"]
    assert "container" in here.unseen


@pytest.mark.skipif(os.geteuid() != 0, reason="takes root")
def test_a_setting_that_the_kernel_tells_its_first_root_alone_is_no_gap() -> None:
    """In a container root is another one: of the kernel's settings none was ever seen whole."""
    file = "net/core/bpf_jit_harden"
    os.setresuid(65_534, 65_534, 0)
    try:
        with everywhere(KERNEL=("net/core",), KERNEL_FILES=(), SETTINGS=()):
            here = inventory(stock("setting"))
        with everywhere(UNSEEN=set()):
            value = system.setting(file)
    finally:
        os.setresuid(0, 0, 0)
    assert here.unseen == {}
    assert file.replace("/", ".") in here.seen["setting"]
    assert value == ""
