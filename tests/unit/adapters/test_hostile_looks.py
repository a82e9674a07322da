"""Whatever lies on a standby where stock is taken, it is told, or why it is not."""

from __future__ import annotations

import io
import os
import re
import socket
import struct
import subprocess
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any, NamedTuple, Self
from unittest.mock import patch

from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, texts
from tests.support.looks import elsewhere, everywhere, stock

from pradrill.adapters.ssh import remote_lease, remote_marker
from pradrill.adapters.ssh.probe import marker_of
from pradrill.adapters.ssh.remote_looks import (
    containers,
    databases,
    devices,
    firewall,
    jobs,
    logins,
    mail,
    netlink,
    network,
    system,
)
from pradrill.adapters.ssh.remote_looks.answer import ALL
from pradrill.domain.run.host import Host
from pradrill.domain.run.inventory_answers import inventory
from pradrill.domain.run.standby_inventory import InventoryKind, StandbyInventory

KINDS = tuple(each.value for each in InventoryKind)
LINE = re.compile(rf"({'|'.join(KINDS)}|stopped|top)\t[^\t]*\t.*|!({'|'.join(KINDS)})\t.+")
MOST = 4_096  # bytes that are read here
HOME = "/home/ann"
STANDBY = Host(name="web-dr", address="192.0.2.20", user="root", dr_role="standby")


class Place(NamedTuple):
    """Where something lies, and which looks tell of it."""

    path: str
    kinds: tuple[str, ...]


TABLES = (
    Place(logins.PASSWD, ("user", "group", "key", "user_unit")),
    Place(logins.SHADOW, ("user", "group")),
    Place(logins.GROUP, ("user", "group")),
    Place(system.DPKG, ("package",)),
    Place(devices.SWAPS, ("device",)),
    Place(devices.MOUNTS, ("mount",)),
    Place(f"{devices.BLOCK}/loop1/loop/backing_file", ("device",)),
    Place(network.ROUTES, ("route",)),
    Place(network.UDP[0], ("socket",)),
    Place(network.PORTS, ("socket",)),
    Place(databases.SOCKETS, ("database", "account")),
    *(Place(path, ("firewall",)) for path in firewall.LEGACY.values()),
)
"""Files whose lines are read: of one that is none, all that it tells of is not known."""
OF_ROOT = TABLES[1]
"""Of which nobody else looks at anything."""
FOLDERS = (
    *(Place(path, ("container",)) for path in (*containers.CONTAINERS, containers.MACHINES)),
    Place(f"{system.SYS}/{system.KERNEL[0]}", ("setting",)),
    Place(f"{system.SYS}/{system.SYSCTLS[0]}", ("sysctl",)),
    Place(devices.BLOCK, ("device",)),
)
"""Folders whose names are told."""
TREES = (
    *(Place(path, ("cron",)) for path in jobs.JOBS),
    *(Place(path, ("unit",)) for path in jobs.UNITS),
    *(Place(path, ("user_unit",)) for path in (*jobs.USER_UNITS, f"{HOME}{jobs.OF_USER}")),
    *(Place(path, ("setting",)) for path in system.SETTINGS),
    *(Place(path, ("system",)) for path in system.SYSTEM),
    *(Place(path, ("key",)) for path in (*logins.RIGHTS, f"{HOME}/.ssh/authorized_keys")),
    *(Place(f"{top}/{each}", ("mail",)) for top in mail.QUEUES for each in mail.QUEUES[top]),
)
"""Files and folders of which each file is told."""
STOCK = {
    logins.PASSWD: "ann:x:1:1::{home}:/bin/sh\n",
    logins.GROUP: "ann:x:1:\n",
    devices.SWAPS: "Filename\n",
    devices.MOUNTS: "a / b\n",
    network.ROUTES: "Iface\n",
    network.PORTS: "32768 60999\n",
    databases.SOCKETS: "Num\n",
}
"""What a machine has at least."""
WAYS = ("pipe", "loop", "endless", "nowhere", "folder", "too large")
contents = st.one_of(
    st.binary(max_size=200),
    texts.map(lambda text: text.encode("utf-8", "surrogatepass")),
    st.lists(
        st.sampled_from(
            [b"root:x:0:0:root:/root:/bin/sh", b"a:b:c:d:e:f\0:g", b"\xff:x:-1:9:\xff:/\xff:\t",
             b"x 1FFFFFFFFF -1 0 0 0 0 1", b"eth0 00000000 FE01A8C0 3 0 0 0 00000000 0 0 0",
             b"Package: a", b"Package: \xff\t", b"Status: install ok installed", b"/swap\x85 file",
             b"/dev/sda \\040 ext4 rw 0 0", b"0: 0000:1 0:0 07",
             b"0 2 0 00010000 1 1 7 /run/mysqld.sock",
             b"0 2 0 00010000 1 1 7 /run/.s.PGSQL.\xff", b"9" * 5_000, b"-1", b":::::::", b" "]
        ),
        max_size=6,
    ).map(b"\n".join),
)  # fmt: skip


def lay(path: Path, way: str | bytes) -> None:
    """Put something in that place."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match way:
        case bytes():
            path.write_bytes(way)
        case "too large":
            path.write_bytes(b"a:b\n" * MOST)
        case "pipe":
            os.mkfifo(path)
        case "folder":
            (path / "inner").mkdir(parents=True)
        case _:
            path.symlink_to({"loop": path.name, "endless": "/dev/zero"}.get(way, "no/where"))


def printer(answer: Any) -> Any:
    """Return what stands in a program's place and prints that, or fails so."""

    def output_of(*_words: str, **_options: Any) -> str:
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    return output_of


def read_answer(answer: str) -> StandbyInventory:
    """Return what the controller reads of what was printed, all of which has its shape."""
    assert len(answer.encode(errors="backslashreplace")) < 2 * ALL
    for line in answer.split("\n")[:-1]:
        assert LINE.fullmatch(line), line
    here = inventory(answer)
    here.model_dump_json()
    return here


@settings(max_examples=3 * EXAMPLES)
@given(
    st.sampled_from((*TABLES, *FOLDERS, *TREES)), st.sampled_from(WAYS) | contents,
    st.sampled_from([0, 1_000]),
)  # fmt: skip
@example(Place("/var/spool/mqueue/", ("mail",)), "nowhere", 1_000)
def test_what_lies_on_a_standby_is_told_or_said_not_to_be_seen(
    place: Place, way: str | bytes, uid: int
) -> None:
    """A pipe, a loop of links, a device without end, a folder for a file, any bytes at all.

    Each line has its shape, nothing waits, and nobody says that nothing is there.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name, elsewhere(Path(name)):
        folder = Path(name)
        for path, text in STOCK.items():
            lay(folder / path[1:], text.format(home=f"{folder}{HOME}").encode())
        (folder / place.path[1:]).unlink(missing_ok=True)
        lay(folder / place.path[1:], way)
        lay(folder / "dev/loop1", b"")
        with everywhere(
            READ=MOST, PART=MOST, output_of=printer(""), messages=lambda *_: iter(()),
            clusters_below=lambda _: [],
        ):  # fmt: skip
            answer = stock(*place.kinds, uid=uid)
        here = read_answer(answer)
        is_unseen = bool({*place.kinds} & {*here.unseen})
        assert is_unseen or is_honest(place, way, uid, f"{folder}{place.path}" in answer), answer


def is_honest(place: Place, way: str | bytes, uid: int, is_named: bool) -> bool:
    """Tell whether a look may say nothing more of that: it was named, or nothing lies there."""
    if is_named or (way == "folder" and place not in TABLES):
        return True
    if place in TREES:  # no login reads keys of what is no file; who is not root looks at no mail
        of_mail = "mail" in place.kinds and uid != 0 and way == "nowhere"
        return of_mail or ("key" in place.kinds and way in {"pipe", "endless", "nowhere"})
    is_hidden = place == OF_ROOT and uid != 0
    return isinstance(way, bytes) or way == "nowhere" or is_hidden


ANSWERS = (
    "folder\t\t{folder}\naccount\tff\tann@%",
    "folder\t\t{folder}\ndatabase\t5\tshop\naccount\t1",
    "folder\t\t/no/where\n",
    "folder\t\t\0\n",
    "folder\t\t{folder}\nfirewall\t\tx",
    "*filter\n:INPUT DROP [0:0]\n-A INPUT -j DROP\nCOMMIT",
    ":\n-A \n*\nCOMMIT",
    "table inet a {\n\tchain b {\n\t\tcounter\n\t}\n}",
    "table \n\t\n\t{",
)
LISTENING = f"0 2 0 {databases.LISTENING} 1 1 7 "
failures = st.sampled_from(
    [
        FileNotFoundError(2, "No such file", "nft"),
        PermissionError(13, "Permission denied", "nft"),
        subprocess.CalledProcessError(1, "nft"),
        subprocess.SubprocessError("more than so many bytes were printed"),
    ]
)
outputs = st.sampled_from(ANSWERS) | texts | st.text(max_size=80) | failures


@settings(max_examples=3 * EXAMPLES)
@given(outputs, st.sampled_from(["mysqld.sock", ".s.PGSQL.5432"]), st.booleans())
@example("\t\t", "mysqld.sock", False)
def test_what_programs_of_a_standby_print_is_told_or_said_not_to_be_read(
    output: str | Exception, waiting: str, has_dpkg: bool
) -> None:
    """A database's client, packet filters, a list of packages.

    No server speaks of what is not its own, and one that gives no answer has no empty list.
    """
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name, elsewhere(Path(name)):
        folder = Path(name)
        lay(folder / "run" / waiting, b"")
        lay(folder / "proc/net/unix", f"Num\n{LISTENING}{folder}/run/{waiting}\n".encode())
        lay(folder / "proc/net/ip_tables_names", b"filter\n")
        lay(folder / "var/lib/mysql/shop/db.opt", b"")
        lay(folder / f"var/lib/{'dpkg/status' if has_dpkg else 'rpm/rpmdb'}", b"Package: a")
        words = str(output).replace("{folder}", f"{folder}/var/lib/mysql")
        program = printer(output if isinstance(output, Exception) else words)
        with everywhere(output_of=program, messages=lambda *_: iter([b""])):
            answer = stock("database", "account", "firewall", "package")
    here = read_answer(answer)
    if isinstance(output, Exception):
        assert {"account", "firewall"} <= {*here.unseen}
        assert has_dpkg or "package" in here.unseen
    if not words.startswith("folder\t\t"):
        assert "account" in here.unseen
    assert "firewall\t\tx" not in answer


messages = st.lists(
    st.one_of(
        st.binary(max_size=60),
        st.builds(
            lambda length, kind, body: struct.pack("=IHHII", length, kind, 2, 1, 0) + body,
            st.sampled_from([0, 1, 16, 20, 60, 2**32 - 1]),
            st.sampled_from([0, netlink.FAULT, netlink.DONE, 20, 24, 26, 32]),
            st.binary(max_size=60),
        ),
        st.builds(
            lambda family, rest: struct.pack("=IHHII", 60, 24, 2, 1, 0) + bytes([family]) + rest,
            st.sampled_from([2, 10]),
            st.binary(min_size=11, max_size=60),
        ),
    ),
    max_size=5,
)


class Kernel:
    """A socket of netlink's that answers so, and then that it is done, or not at all."""

    def __init__(self, parts: list[bytes], ends: bool) -> None:
        self._parts = [*parts, *([struct.pack("=IHHII", 20, netlink.DONE, 2, 1, 0)] * ends)]

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close it."""

    def settimeout(self, seconds: float) -> None:
        """Wait no longer."""

    def send(self, request: bytes) -> None:
        """Take what is asked."""

    def recv(self, _most: int) -> bytes:
        """Return the next part."""
        if not self._parts:
            raise TimeoutError(110, "timed out")
        return self._parts.pop(0)


@settings(max_examples=6 * EXAMPLES)
@given(messages, st.booleans(), st.sampled_from(["", "eth0", "\udcff", "a/b", ".."]))
def test_what_the_kernel_answers_is_told_or_said_not_to_be_read(
    parts: list[bytes], ends: bool, link: str
) -> None:
    """Addresses, routes, rules and settings of links, and whether there is a packet filter."""
    kinds = ("address", "routing", "sysctl", "firewall")
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as name,
        elsewhere(Path(name)),
        everywhere(MOST_MESSAGES=50, output_of=printer("table inet a {\n}")),
        patch.object(socket, "socket", lambda *_: Kernel(parts, ends)),
        patch.object(socket, "if_nameindex", lambda: [(1, link)]),
    ):
        answer = stock(*kinds)
    here = read_answer(answer)
    if not parts and not ends:
        assert {"address", "routing", "firewall"} <= {*here.unseen}


links = st.sampled_from(
    ["/srv/data", "/srv/data/rows (deleted)", "/srv/data/\n\t", "pipe:[7]", "/srv/database", "/"]
) | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1)


@settings(max_examples=3 * EXAMPLES)
@given(st.lists(links, max_size=4), st.sampled_from(WAYS) | contents, st.booleans())
def test_what_processes_hold_is_told_or_said_not_to_be_seen(
    targets: list[str], way: str | bytes, is_here: bool
) -> None:
    """Whatever a process is called and has open; one that has ended holds nothing."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name, elsewhere(Path(name)):
        process = Path(name) / "proc/7"
        lay(Path(name) / "proc/self/ns/mnt", b"")
        (process / "fd").mkdir(parents=True)
        for number, target in enumerate(targets):
            (process / f"fd/{number}").symlink_to(target[:255])
        lay(process / "comm", way)
        lay(process / "ns/mnt", b"")
        if is_here:
            (process / "ns/mnt").unlink()
            (process / "ns/mnt").hardlink_to(Path(name) / "proc/self/ns/mnt")
        with everywhere(READ=MOST, PART=MOST):
            here = read_answer(stock("none", words=("", "/srv/data")))
    below = [each for each in targets if f"{each} ".startswith(("/srv/data ", "/srv/data/"))]
    if below and is_here and way != "nowhere":
        assert here.holds("/srv/data")


@settings(max_examples=2 * EXAMPLES)
@given(st.sampled_from(WAYS) | contents)
def test_what_lies_in_a_markers_or_a_leases_place_is_read_or_refused(way: str | bytes) -> None:
    """Neither is waited for, and no more is read than one of ours holds."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        path = Path(name) / "marker"
        lay(path, way)
        with redirect_stdout(io.StringIO()) as out:
            remote_marker.main(str(path))
        marker = marker_of(STANDBY, out.getvalue())
        assert (marker.content is None) == (marker.fault is not None)
        words = remote_lease.read(str(path))
        assert words is None or isinstance(words["until"], float)
