"""A host's own words are read strictly."""

from __future__ import annotations

import socket
from pathlib import Path

from pradrill.domain.run import host_answers as host_words
from pradrill.domain.run.host import Host

_TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid
   0: 00000000:0016 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0
   1: 0100007F:0CEA 00000000:0000 0A 00000000:00000000 00:00000000 00000000   104
   2: 0F02000A:0016 0202000A:C35A 01 00000000:00000000 02:0009D6E8 00000000     0
   0: 00000000000000000000000000000000:0050 00000000000000000000000000000000:0000 0A 0:0
   1: B80D0120000000000000000001000000:01BB 00000000000000000000000000000000:0000 0A 0:0
"""

_FIB = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 10.0.2.0
        /24 link UNICAST
     |-- 10.0.2.15
        /32 host LOCAL
     |-- 10.0.2.255
        /32 link BROADCAST
     |-- 127.0.0.1
        /32 host LOCAL
fe800000000000005054fffffe123456 02 40 20 80     eth0
20010db8000000000000000000000001 02 40 00 80     eth0
"""

_IP = """\
1: lo    inet 127.0.0.1/8 scope host lo\\       valid_lft forever preferred_lft forever
2: eth0    inet 10.0.2.15/24 brd 10.0.2.255 scope global eth0\\       valid_lft forever
2: eth0    inet6 2001:db8::1/64 scope global \\       valid_lft forever preferred_lft forever
2: eth0    inet6 fe80::5054:ff:fe12:3456/64 scope link \\       valid_lft forever
3: tun0    inet 192.0.2.7 peer 192.0.2.8/32 scope global tun0\\       valid_lft forever
"""


def test_listeners() -> None:
    """Only sockets that listen count, and their addresses are written as people write them."""
    assert host_words.listening(_TCP) == (
        "0.0.0.0:22",
        "127.0.0.1:3306",
        "[2001:db8::1]:443",
        "[::]:80",
    )


def test_addresses_by_either_tool() -> None:
    """With and without iproute2, a host's own addresses are known but for those all share."""
    assert host_words.addresses(_FIB) == ("10.0.2.15", "2001:db8::1")
    assert host_words.addresses(_IP) == ("10.0.2.15", "192.0.2.7", "2001:db8::1")


def test_mounts() -> None:
    """Spaces in mount points come back, and what logins and services mount is left out."""
    table = (
        "/dev/vda / ext4 rw 0 0\nproc /proc proc rw 0 0\n/dev/vdb /srv/my\\040data xfs rw 0 0\n"
        "tmpfs /run/user/0 tmpfs rw 0 0\n/dev/vdc /runs ext4 rw 0 0\n"
    )
    assert host_words.mounts(table) == ("/", "/runs", "/srv/my data")


def test_services_of_logins_are_no_drills() -> None:
    """At a console one begins when somebody looks at it; a name that is only like it counts."""
    names = ("getty@tty2", "autovt@tty3", "user@0", "ssh@1-192.0.2.1:22-192.0.2.2:40000", "getty-x")
    listed = "".join(f"{each}.service loaded active running x\n" for each in names)
    assert host_words.services(listed) == ("getty-x.service",)


def test_pinned_keys_are_those_of_the_exact_name() -> None:
    """A key pinned for another port, another host or a pattern is none of this host's."""
    host = Host(name="a", address="DB.exemple.fr", port=2222)
    name = host_words.known_hosts_name(host)
    assert name == "[db.exemple.fr]:2222"
    assert host_words.known_hosts_name(host.model_copy(update={"port": 22})) == "db.exemple.fr"
    text = (
        "# comment\n"
        "db.exemple.fr ssh-ed25519 AAAA1\n"
        "other,[DB.exemple.fr]:2222 ssh-ed25519 AAAA2 comment\n"
        "@revoked [db.exemple.fr]:2222 ssh-ed25519 AAAA3\n"
        "[db.exemple.fr]:2222 ssh-rsa AAAA4\n"
        "[db.exemple.fr]:2222\n"
    )
    assert host_words.pinned_keys(text, name) == {"ssh-ed25519 AAAA2", "ssh-rsa AAAA4"}


def test_last_line_is_harmless() -> None:
    """What a host wrote is shown in one short line that moves no cursor."""
    assert host_words.last_line("first\n\x1b[2Jlast\n\n") == "?[2Jlast"
    assert len(host_words.last_line("x" * 10_000)) == 200
    assert host_words.last_line(" \n") == "it said nothing"


def test_own_machine_is_read() -> None:
    """The tables of the kernel that runs this test are understood."""
    for mount in host_words.mounts(Path("/proc/self/mounts").read_text(encoding="utf-8")):
        assert mount.startswith("/")
    with socket.create_server(("127.0.0.1", 0)) as server:
        ports = host_words.listening(Path("/proc/net/tcp").read_text(encoding="utf-8"))
        assert f"127.0.0.1:{server.getsockname()[1]}" in ports


def test_a_tool_that_quotes_its_settings_tells_no_password() -> None:
    """Barman does so with a conninfo: nobody has named that password to us."""
    output = "WARNING: x\nERROR: bad conninfo: host=pg user=barman password='hun ter2' sslmode=x"
    assert host_words.last_line(output).endswith("user=barman password=******** sslmode=x")
    assert host_words.last_line("option --repo1-cipher-pass=hunter2") == (
        "option --repo1-cipher-pass=********"
    )
