"""What a drill leaves on its standby is found and named; what an honest one leaves is nothing."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.hosts.two_hosts import NamespaceHost, TwoHosts
from tests.integration.house import edit, pradrill, write
from tests.integration.test_leases import last_record

from pradrill.adapters.ssh.interpreter import KEPT, source
from pradrill.domain.run.inventory_answers import inventory
from pradrill.domain.run.standby_inventory import StandbyInventory, difference
from pradrill.testing.reasons import texts

_LEAVES = """\
- hosts: standby
  gather_facts: false
  tasks:
    - name: put the data back
      ansible.builtin.raw: mkdir -p /srv/restored && echo data > /srv/restored/data
    - name: leave something of each kind
      ansible.builtin.raw: |
        echo 'ghost:x:4242:4242::/srv:/bin/sh' >> /etc/passwd
        mkdir /srv/.ssh && echo ssh-ed25519 AAAA ghost > /srv/.ssh/authorized_keys
        echo '* * * * * root true' > /etc/cron.d/ghost
        mkfifo /etc/cron.d/pipe && touch "$(printf '/etc/cron.d/\\377')"
        mount -t tmpfs ghost /etc/cron.d/over
        env -i setsid timeout 120 python3 -c '{listen}' </dev/null >/dev/null 2>&1 &
        sleep 0.5
        nft add table inet ghost
        nft add rule inet own in tcp dport 1 counter drop
        echo more >> /srv/kept/a; rm /srv/kept/b; touch "$(printf '/srv/kept/\\n\\t\\377')"
        ln -s / /srv/kept/link; chmod 600 /srv/kept/c; printf BBBB > /srv/kept/d
        sed 's/^nobody:[^:]*/nobody:x1/' /etc/shadow > /srv/shadow && cat /srv/shadow > /etc/shadow
        echo 63 > /proc/sys/net/ipv4/ip_default_ttl
        ip route add blackhole 198.51.100.0/24
        echo 1 > /proc/sys/net/ipv4/conf/lo/rp_filter; echo 2 > /proc/sys/net/ipv6/conf/lo/accept_ra
        ip -6 route add blackhole 2001:db8::/32; ip route add blackhole 203.0.113.0/24 table 99
        ip -6 route add blackhole 2001:db8:2::/48 proto ra
        ip rule add from 192.0.2.9 table 99; ip address add 192.0.2.9/32 dev lo
        ip address add 192.0.2.10/32 dev lo valid_lft 600 preferred_lft 600
        echo 'export A=1' > /etc/profile.d/ghost.sh
        ip link add pdghost type veth peer name pdpeer; ip link set pdghost up
        ip -6 route add 2001:db8:1::/48 dev pdghost expires 600
"""
_LISTEN = (
    'import socket, time; s = socket.socket(type=socket.SOCK_DGRAM); s.bind(("", 5353));'
    " time.sleep(120)"
)


def inside(hosts: TwoHosts, script: str) -> None:
    """Run a script on the standby."""
    run_on(hosts.standby, script)


def run_on(host: NamespaceHost, script: str) -> None:
    """Run a script on a host."""
    server = host.server
    words = ["ssh", "-i", str(server.key), "-p", str(server.port), "-o", "BatchMode=yes"]
    words += ["-o", f"UserKnownHostsFile={server.known_hosts}", f"root@{server.address}"]
    subprocess.run([*words, script], check=True, timeout=60)


@pytest.fixture
def own_etc(hosts: TwoHosts, tmp_path: Path) -> Iterator[TwoHosts]:
    """Give the standby users and cron files of its own."""
    for name in ("passwd", "shadow"):
        (tmp_path / name).write_text(Path("/etc", name).read_text())
    inside(
        hosts,
        f"mount --bind {tmp_path}/passwd /etc/passwd; mount --bind {tmp_path}/shadow /etc/shadow;"
        "mount -t tmpfs own /etc/profile.d;"
        "mount -t tmpfs own /etc/cron.d; echo 64 > /proc/sys/net/ipv4/ip_default_ttl;"
        "echo 0 > /proc/sys/net/ipv4/conf/lo/rp_filter;"
        "mkdir /etc/cron.d/over; mount -t tmpfs own /etc/cron.d/over;"
        "mkdir -p /srv/kept; touch /srv/kept/a /srv/kept/b /srv/kept/c;"
        "printf AAAA > /srv/kept/d;"
        "nft add table inet own; nft add chain inet own in",
    )
    yield hosts
    inside(
        hosts,
        "while umount /etc/cron.d/over 2>/dev/null; do :; done;"
        "umount /etc/passwd /etc/shadow /etc/cron.d /etc/profile.d; nft flush ruleset;"
        "echo 64 > /proc/sys/net/ipv4/ip_default_ttl; ip route delete blackhole 198.51.100.0/24;"
        "cd /proc/sys/net; echo 0 > ipv4/conf/lo/rp_filter; echo 1 > ipv6/conf/lo/accept_ra;"
        "ip route flush table 99; ip link delete pdghost; ip rule delete from 192.0.2.9 table 99;"
        "ip -6 route flush root 2001:db8::/32; ip address delete 192.0.2.9/32 dev lo;"
        "ip address delete 192.0.2.10/32 dev lo",
    )


def seconds(record: dict[str, Any]) -> float:
    """Return how long the look for residue took."""
    return float(next(step["seconds"] for step in record["steps"] if step["kind"] == "residue"))


def test_all_that_a_drill_leaves_is_named(own_etc: TwoHosts, tmp_path: Path) -> None:
    """A user, a job, a listener, a mount over another, a rule, a file: by its name; no more.

    A file of the same size, a password, a setting of the kernel, of an interface too, an address
    and routes of each kind and table are seen; leases, routes that were learnt from neighbours and
    what comes with an interface of its own are none of it.
    """
    house = own_etc.house(tmp_path / "house")
    unchanged = "unchanged_after_teardown: [/srv/kept, /srv/never]"
    edit(house, "drills/shop.yml", "hosts: standby,", f"hosts: standby, {unchanged},")
    write(house, "playbooks/restore.yml", _LEAVES.format(listen=_LISTEN))
    result = pradrill(house, "run", "shop")
    assert result.returncode == 13, result.stdout + result.stderr
    residue = [each.removeprefix("web-dr: ") for each in texts(last_record(house)["residue"])]
    assert sorted(each for each in residue if not each.startswith("process ")) == [
        "address 192.0.2.9/32 dev lo was not there before",
        "cron /etc/cron.d/\\udcff was not there before",
        "cron /etc/cron.d/ghost was not there before",
        "cron /etc/cron.d/pipe was not there before",
        "file /srv/kept/??\\udcff was not there before",
        "file /srv/kept/a is not as before",
        "file /srv/kept/b was there before and is gone",
        "file /srv/kept/c is not as before",
        "file /srv/kept/d is not as before",
        "file /srv/kept/link was not there before",
        "firewall inet ghost was not there before",
        "firewall inet own chain in is not as before",
        "key /srv/.ssh/authorized_keys was not there before",
        "mount /etc/cron.d/over (tmpfs) 2 was not there before",
        "route 198.51.100.0/255.255.255.0 via 0.0.0.0 dev * was not there before",
        "routing blackhole 2001:db8::/32 dev lo was not there before",
        "routing blackhole 203.0.113.0/24 table 99 was not there before",
        "routing rule 32765: from 192.0.2.9/32 to 0.0.0.0/0 action 1 table 99 was not there before",
        "setting net.ipv4.ip_default_ttl is not as before",
        "socket udp 0.0.0.0:5353 was not there before",
        "sysctl net.ipv4.conf.lo.rp_filter is not as before",
        "sysctl net.ipv6.conf.lo.accept_ra is not as before",
        "system /etc/profile.d/ghost.sh was not there before",
        "user ghost was not there before",
        "user nobody is not as before",
    ]
    assert "user ghost was not there before" in result.stdout + result.stderr


@pytest.mark.nightly
def test_what_somebody_still_holds_is_not_gone(hosts: TwoHosts, tmp_path: Path) -> None:
    """A service of before keeps what it opened of restored data, although nothing is found there.

    A production beside it, which has a file of that name, is another machine.
    """
    script = (
        "until [ -e /srv/restored/data ]; do sleep 0.1; done; exec sleep 60 < /srv/restored/data"
    )
    other = hosts.production
    (other.srv / "restored").mkdir()
    (other.srv / "restored/data").touch()
    for host, name in ((hosts.standby, "sleep"), (other, "tail")):
        words = script.replace("sleep 60", "tail -f") if name == "tail" else script
        run_on(host, f"setsid sh -c '{words}' </dev/null >/dev/null 2>&1 & sleep 0.3")
    house = hosts.house(tmp_path)
    absent = "absent_after_teardown: [/srv/restored]"
    edit(house, "drills/shop.yml", "hosts: standby,", f"hosts: standby, {absent},")
    result = pradrill(house, "run", "shop")
    assert result.returncode == 13, result.stdout + result.stderr
    record = last_record(house)
    assert texts(record["residue"]) == (
        "web-dr: open file /srv/restored/data, held by sleep was not there before",
    )
    assert not [each for each in texts(record["erased"]) if "/srv/restored" in each]


def test_units_hooks_and_what_asks_for_a_service_are_looked_at(tmp_path: Path) -> None:
    """An edited unit, one that is masked, a hook of packages; not what a runit service notes.

    Where a kind was looked for is told, and which services the message bus begins.
    """
    files = {
        "system/shop.service": "one",
        "lib/systemd-hostnamed.service": "",
        "bus/org.host.service": "Name=org.host\nSystemdService=org.host.service\n",
        "bus/hostile.service": "SystemdService=\0\nSystemdService=../../../etc\n",
        "apt/99hook": "one",
        "sv/shop/run": "one",
        "sv/shop/supervise/status": "one",
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content)
    (tmp_path / "lib/org.host.service").symlink_to("systemd-hostnamed.service")
    script = source("remote_inventory.py")
    for path, name in (
        ("/etc/systemd/system", "system"),
        ("/usr/lib/systemd/system", "lib"),
        ("/usr/share/dbus-1/system-services", "bus"),
        ("/etc/apt/apt.conf.d", "apt"),
        ("/etc/sv", "sv"),
    ):
        script = script.replace(f'"{path}"', f'"{tmp_path}/{name}"')
    before = look(script=script)
    assert before.asked == ("systemd-hostnamed.service",)
    assert f"{tmp_path}/lib" in before.tops["unit"]
    (tmp_path / "lib/new.service").touch()
    for name in ("apt/99hook", "sv/shop/run", "sv/shop/supervise/status"):
        (tmp_path / name).write_text("two")
    (tmp_path / "system/shop.service").write_text("two")
    after = look(script=script)
    assert (
        after.seen["unit"][f"{tmp_path}/system/shop.service"]
        != (before.seen["unit"][f"{tmp_path}/system/shop.service"])
    )
    assert texts(after.left_by(before)) == (
        f"unit {tmp_path}/lib/new.service was not there before",
        f"system {tmp_path}/apt/99hook is not as before",
        f"system {tmp_path}/sv/shop/run is not as before",
    )


def test_a_file_that_is_a_device_an_open_volume_and_swap_are_told(tmp_path: Path) -> None:
    """What a restore attaches is not mounted yet; snaps come and go.

    Nor is a device of the host that a container sees the name of, and has not.
    """
    for name, path, content in (
        ("loop1", "loop/backing_file", "/srv/restored.img"),
        ("loop2", "loop/backing_file", "/var/lib/snapd/snaps/core.snap"),
        ("dm-0", "dm/name", "secret"),
        ("dm-1", "dm/name", "of the host of this container"),
    ):
        (tmp_path / name / path).parent.mkdir(parents=True)
        (tmp_path / name / path).write_text(f"{content}\n")
    (tmp_path / "sda").mkdir()
    (tmp_path / "dev").mkdir()
    for name in ("loop1", "loop2", "dm-0", "sda"):
        (tmp_path / "dev" / name).touch()
    swaps = "Filename Type Size Used Priority\n/swap file 1 0 -2\n/dev/none partition 1 0 -3\n"
    (tmp_path / "swaps").write_text(swaps)
    script = source("remote_inventory.py").replace("/sys/block", str(tmp_path))
    script = script.replace('"/dev"', f'"{tmp_path}/dev"')
    here = look(script=script.replace("/proc/swaps", f"{tmp_path}/swaps"))
    assert set(here.seen["device"]) == {"/srv/restored.img", "secret", "/swap (swap)"}


def test_containers_volumes_and_mail_that_waits_are_told(tmp_path: Path) -> None:
    """A volume that `compose down` spares holds what was restored; queued mail goes out later.

    A mail that is only moved on in its queue is the same one, and a queue without end is a limit.
    """
    for path in (
        *("docker/volumes/shop_db/_data/x", "docker/volumes/metadata.db", "lxc/shop/config"),
        *("qemu/shop.xml", "postfix/deferred/A/A1B2", "postfix/pid/master.pid"),
        *("exim4/input/1abc-H", "exim4/input/1abc-D"),
        *("mqueue/qfx1", "mqueue/dfx1", "mqueue/xfx1"),
    ):
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).touch()
    script = source("remote_inventory.py")
    for folder in ("/var/lib", "/etc/libvirt", "/var/spool"):
        for name in ("docker", "lxc", "qemu", "postfix", "exim4", "mqueue"):
            script = script.replace(f'"{folder}/{name}', f'"{tmp_path}/{name}')
    before = look(script=script)
    assert set(before.seen["container"]) == {
        *(
            f"{tmp_path}/docker/volumes/shop_db",
            f"{tmp_path}/lxc/shop",
            f"{tmp_path}/qemu/shop.xml",
        ),
    }
    mails = {f"A1B2 in {tmp_path}/postfix", f"1abc-H in {tmp_path}/exim4"}
    assert set(before.seen["mail"]) == {*mails, f"qfx1 in {tmp_path}/mqueue"}
    (tmp_path / "postfix/active").mkdir()
    (tmp_path / "postfix/deferred/A/A1B2").rename(tmp_path / "postfix/active/A1B2")
    assert difference(before, look(script=script)) == ()
    (tmp_path / "postfix/active/A1B3").touch()
    assert texts(look(script=script).left_by(before)) == (
        f"mail A1B3 in {tmp_path}/postfix was not there before",
    )
    for number in range(2_001):
        (tmp_path / f"postfix/active/{number}").touch()
    assert look(script=script).unseen["mail"] == "more than 2000 wait"


def test_what_a_login_cannot_see_is_said(tmp_path: Path) -> None:
    """Without root, or where nothing knows packages, all else is seen, and it is said why not.

    A folder of containers in a closed one may be there: nobody says that it is empty.
    """
    script = source("remote_inventory.py").replace("/var/lib/dpkg/status", "/no/where")
    script = script.replace('"rpm"', '"no-rpm"').replace("/var/lib/rpm", "/usr")  # has a list
    script = script.replace("/var/lib/docker", f"{tmp_path}/closed/docker")
    (tmp_path / "closed").mkdir(mode=0o700)
    python = ["/usr/bin/python3", "-I", "-S", "-c", script, ""]
    words = ["runuser", "-u", "nobody", "--", "env", "PATH=/usr/bin", *python]
    result = subprocess.run(words, capture_output=True, text=True, check=True, cwd="/")
    here = inventory(result.stdout)
    assert {"user", "group", "mount", "unit"} <= set(here.seen)
    assert set(here.unseen) - {"database", "account", "user_unit", "system"} == {
        *("key", "package", "cron", "firewall", "container"),
    }
    assert "no-rpm is not there" in str(here.limit("web"))


_FILTER = """\
*filter
:INPUT {policy} [{count}:123]
-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT
COMMIT
*nat
:PREROUTING ACCEPT [{count}:9]
COMMIT
"""


def look(*roots: Path | str, script: str = source("remote_inventory.py")) -> StandbyInventory:
    """Take stock of this machine in a network where nothing runs, as root."""
    python = [
        "unshare",
        "--net",
        "/usr/bin/python3",
        "-I",
        "-S",
        "-c",
        script,
        "",
        *map(str, roots),
    ]
    return inventory(subprocess.run(python, capture_output=True, text=True, check=True).stdout)


def test_counters_of_a_packet_filter_are_no_difference(capsys: pytest.CaptureFixture[str]) -> None:
    """What iptables-save tells of a chain is its policy and its rules."""
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_inventory.py"), script)  # noqa: S102 ours; nothing imports it
    looks = []
    for policy, count in (("ACCEPT", 1), ("ACCEPT", 2), ("DROP", 1)):
        script["chains_of"]("iptables-save", _FILTER.format(policy=policy, count=count))
        looks.append(inventory(capsys.readouterr().out))
    assert set(looks[0].seen["firewall"]) == {"ip filter INPUT", "ip nat PREROUTING"}
    assert difference(looks[0], looks[1]) == ()
    assert [each.name for each in difference(looks[0], looks[2])] == ["ip filter INPUT"]


_BANNED = """\
*filter
:INPUT ACCEPT [0:0]
:DOCKER - [0:0]
:f2b-sshd - [0:0]
-A INPUT -p tcp -m multiport --dports 22 -j f2b-sshd
-A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT
-A f2b-sshd -s 203.0.113.9/32 -j REJECT --reject-with icmp-port-unreachable
-A f2b-sshd -j RETURN
COMMIT
"""
_BANNED_BY_NFT = """\
table inet f2b-table {
\tset addr-set-sshd {
\t\ttype ipv4_addr
\t}

\tchain f2b-chain {
\t\ttcp dport 22 ip saddr @addr-set-sshd reject
\t}
}
table ip filter {
\tchain INPUT {
\t\ttype filter hook input priority filter; policy accept;
\t\ttcp dport 22 counter jump f2b-sshd
\t}

\tchain DOCKER {
\t\tip daddr 172.17.0.2 iifname != "docker0" tcp dport 80 counter accept
\t}

\tchain DOCKER-USER {
\t}

\tchain f2b-sshd {
\t\tip saddr 203.0.113.9 counter reject
\t}
}
"""


_PORTS = """\
*raw
:PREROUTING ACCEPT [0:0]
-A PREROUTING -d {one}/32 ! -i br-3cdb1cb92a36 -p tcp -m tcp --dport 80 -j DROP
-A PREROUTING -d {two}/32 ! -i docker0 -p tcp -m tcp --dport 80 -j DROP
-A PREROUTING -d 192.0.2.9/32 ! -i {link} -j DROP
COMMIT
*nat
:POSTROUTING ACCEPT [0:0]
-A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE
-A POSTROUTING -s {one}/32 -d {one}/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A POSTROUTING -s {two}/32 -d {two}/32 -p tcp -m tcp --dport 80 -j MASQUERADE
-A POSTROUTING -s {one}/32 -d {to}/32 -j MASQUERADE
COMMIT
"""
_PORTS_OF_NFT = """\
table ip nat {{
\tchain POSTROUTING {{
\t\ttype nat hook postrouting priority srcnat; policy accept;
\t\tip saddr {one} ip daddr {one} tcp dport 80 counter masquerade
\t\tip saddr {two} ip daddr {two} tcp dport 80 counter masquerade
\t\tip saddr 172.17.0.9 ip daddr {to} counter masquerade
\t}}
}}
"""


def test_a_container_that_is_begun_anew_changes_no_rule(capsys: pytest.CaptureFixture[str]) -> None:
    """Docker's rules for its ports lie among others, in the order in which containers came."""
    first, other = {"one": "172.17.0.2", "two": "172.17.0.3"}, "172.17.0.30"
    again = {"one": "172.17.0.3", "two": "172.17.0.2"}
    looks = []
    for values in (
        {**first, "to": other, "link": "eth0"},
        {**again, "to": other, "link": "eth0"},
        {**first, "to": "192.0.2.1", "link": "eth1"},
    ):
        script, chains = space(), _PORTS.format(**values)
        script["chains_of"](
            "iptables-save", chains.replace(f"-s {values['one']}/32 -d {other}", "")
        )
        script["nft_chains"](_PORTS_OF_NFT.format(**values))
        looks.append(inventory(capsys.readouterr().out))
    assert texts(looks[1].left_by(looks[0])) == ()
    assert texts(looks[2].left_by(looks[0])) == (
        "firewall ip nat POSTROUTING is not as before",
        "firewall ip nat chain POSTROUTING is not as before",
        "firewall ip raw PREROUTING is not as before",
    )


def test_bans_and_rules_of_containers_come_and_go(capsys: pytest.CaptureFixture[str]) -> None:
    """Who is banned meanwhile is no drill's doing; a rule of the user's is."""
    signs = ("f2b", "172.17", "203.0.113.9", "@addr-set")
    quiet, quiet_nft = (
        "".join(
            each
            for each in text.splitlines(keepends=True)
            if not each.startswith((":", "-", "\t\t")) or not any(sign in each for sign in signs)
        )
        for text in (_BANNED, _BANNED_BY_NFT)
    )
    edited = quiet_nft.replace("DOCKER-USER {", "DOCKER-USER {\n\t\tdrop")
    script, looks = space(), []
    for chains, ruleset in ((_BANNED, _BANNED_BY_NFT), (quiet, quiet_nft), (quiet, edited)):
        script["chains_of"]("iptables-save", chains)
        script["nft_chains"](ruleset)
        looks.append(inventory(capsys.readouterr().out))
        script = space()
    assert {"ip filter INPUT", "ip filter DOCKER", "ip filter chain DOCKER"} <= {
        *looks[0].seen["firewall"]
    }
    assert texts(looks[0].left_by(looks[1])) == ()
    assert texts(looks[2].left_by(looks[0])) == (
        "firewall ip filter chain DOCKER-USER is not as before",
    )


def test_nothing_is_started_where_no_server_and_no_packet_filter_is() -> None:
    """On a slow machine starting is what costs: without what it would ask, it asks nobody."""
    script = source("remote_inventory.py")
    assert script.count("subprocess.Popen(") == 1
    here = look(script=script.replace("subprocess.Popen(", "sys.exit("))
    assert here.seen["user"]
    assert not {"firewall", "account"} & set(here.unseen)


def test_what_the_kernel_draws_by_itself_is_no_setting(tmp_path: Path) -> None:
    """A key that the first listener after a boot makes is nobody's doing, and a secret."""
    for folder, name in (("core", "netdev_rss_key"), ("ipv4", "tcp_fastopen_key"), ("ipv4", "ttl")):
        (tmp_path / "net" / folder).mkdir(parents=True, exist_ok=True)
        (tmp_path / "net" / folder / name).write_text("1")
    script = source("remote_inventory.py").replace('"/proc/sys"', f'"{tmp_path}"')
    settings = look(script=script).seen["setting"]
    assert "net.ipv4.ttl" in settings
    assert not [each for each in settings if each.endswith("_key")]


def test_units_of_users_are_of_a_kind_that_older_versions_did_not_look_at() -> None:
    """A baseline of before an upgrade is not compared with folders that it does not know."""
    here = look()
    assert "user_unit" in here.seen
    assert not [each for each in here.seen.get("unit", ()) if "/user/" in each]


def test_root_is_led_nowhere_by_a_home_and_looks_at_so_many_of_its_units(tmp_path: Path) -> None:
    """A link to / would hold up every look at the standby; it is told that it was not followed."""
    for name in ("ann", "bob", "eve"):
        (tmp_path / name / ".config").mkdir(parents=True)
    (tmp_path / "ann/.config/systemd/user").mkdir(parents=True)
    (tmp_path / "ann/.config/systemd/user/a.service").touch()
    (tmp_path / "bob/.config/systemd").symlink_to("/")
    (tmp_path / "eve/.config/systemd").mkdir()
    (tmp_path / "eve/.config/systemd/user").symlink_to("/")
    (tmp_path / "passwd").write_text(
        "".join(f"{name}:x:1:1::{tmp_path}/{name}:/bin/sh\n" for name in ("ann", "bob", "eve"))
    )
    script = source("remote_inventory.py").replace("/etc/passwd", f"{tmp_path}/passwd")
    here = look(script=script)
    assert f"{tmp_path}/ann/.config/systemd/user/a.service" in here.seen["user_unit"]
    assert (
        here.unseen["user_unit"] == f"{tmp_path}/eve/.config/systemd/user leads elsewhere by a link"
    )
    for number in range(501):
        (tmp_path / f"ann/.config/systemd/user/{number}").touch()
    (tmp_path / "eve/.config/systemd/user").unlink()
    assert "there are more than 500 below" in look(script=script).unseen["user_unit"]


def space() -> dict[str, Any]:
    """Return what remote_inventory.py defines."""
    script: dict[str, Any] = {"__name__": "script"}
    exec(source("remote_inventory.py"), script)  # noqa: S102 ours; nothing imports it
    return script


def test_a_kind_that_grows_makes_no_other_unseen(capsys: pytest.CaptureFixture[str]) -> None:
    """What a host prints is received whole, whatever lies on it, and says what was cut."""
    script = space()
    for kind in ("system", "cron", "unit", "mail"):
        for number in range(4_000):
            script["line"](kind, "", f"/a/path/that/is/so/long/that/few/are/many/{number}")
    script["line"]("container", "", "/var/lib/lxc/a")
    script["cannot"]("mail", "again")
    answer = capsys.readouterr().out
    assert len(answer) < KEPT
    assert answer.count("!") == 4
    assert set(inventory(answer).unseen) == {"system", "cron", "unit", "mail"}
    assert inventory(answer).seen["container"] == {"/var/lib/lxc/a": ""}


def test_interfaces_that_come_take_no_others_place(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that a drill gives more is compared as before, without containers' own.

    Of so many that they cannot all be told the oldest are, and it is said that there are more.
    """
    names = ["lo", "veth1", "vnet0", "cali1", "br-1", *(f"eth{number:03}" for number in range(99))]
    looks = []
    for more, length in ([], 9), (["aaa"], 9), ([], 2_000), (["aaa"], 2_000):
        script = space()
        every = list(enumerate([*names, *more], 1))
        monkeypatch.setattr(script["socket"], "if_nameindex", lambda every=every: every[::-1])
        script["names_in"] = lambda path: ["tag"] if "/conf/" in path else []
        script["lines_of"] = lambda _, length=length: ["0\t", "1" * length]
        script["SYSCTL_FILES"] = ()
        script["sysctls"]()
        looks.append(inventory(capsys.readouterr().out))
    few, one_more, many, many_more = looks
    assert len(few.seen["sysctl"]) == 2 * (2 + 100)
    assert set(few.seen["sysctl"].values()) == {f"0 {'1' * 9}"}
    assert {*one_more.seen["sysctl"]} - {*few.seen["sysctl"]} == {
        f"net.{family}.conf.aaa.tag" for family in ("ipv4", "ipv6")
    }
    assert difference(few, one_more) == ()
    assert not few.unseen
    assert many == many_more
    assert {"net.ipv4.conf.lo.tag", "net.ipv6.conf.lo.tag"} < {*many.seen["sysctl"]}
    assert "there is more than can be told, from " in many.unseen["sysctl"]


def test_why_a_look_failed_is_told_without_a_path_where_there_is_none() -> None:
    """A kernel that does not answer in time has no file."""
    why = space()["why"]
    assert why(TimeoutError("timed out")) == "timed out"
    assert why(PermissionError(13, "Permission denied", "/a")) == "/a: permission denied"


def test_what_is_held_below_a_link_is_told_by_its_declared_name(tmp_path: Path) -> None:
    """A data folder that is a link to another disk; a file that is closed meanwhile hides none."""
    (tmp_path / "disk/data").mkdir(parents=True)
    (tmp_path / "data").symlink_to(tmp_path / "disk/data")
    file = tmp_path / "disk/data/rows"
    script = source("remote_inventory.py")
    links = 'links = ["exe", "cwd", "root", '
    assert script.count(links) == 1
    script = script.replace(links, f'{links}"fd/9999", ')
    with file.open("w"):
        file.unlink()
        here = look("", tmp_path / "data", script=script)
    assert [each.partition(",")[0] for each in here.seen["open_file"]] == [f"{tmp_path}/data/rows"]
    assert "open_file" not in here.unseen


def test_of_passwords_nothing_is_told_but_that_they_are_others(tmp_path: Path) -> None:
    """Not that there is none, nor whose are alike; a login without one is another, by its key."""
    users = ("ann:x:1:1::/none:/bin/sh", "bob:x:2:2::/none:/bin/sh", "eve:x:3:3::/none:/bin/sh")
    passwd, shadow, key = tmp_path / "passwd", tmp_path / "shadow", tmp_path / "key"
    passwd.write_text("\n".join(users))
    shadow.write_text("ann::1\nbob::1\neve:secret:1\n")
    key.write_text("a key")
    script = source("remote_inventory.py").replace('"/etc/passwd"', f'"{passwd}"')
    script = script.replace('"/etc/shadow"', f'"{shadow}"')
    script = script.replace("/etc/ssh/ssh_host_{kind}_key", str(key))
    before = look(script=script)
    digests = [value.rpartition(":")[2] for value in before.seen["user"].values()]
    assert len(set(digests)) == 3
    assert len({each.partition("~")[0] for each in digests}) == 1
    assert difference(before, look(script=script)) == ()

    passwd.write_text("\n".join(users).replace("eve:x:", "eve::"))
    assert [each.name for each in difference(before, look(script=script))] == ["eve"]
    key.write_text("another")
    left = texts(look(script=script).left_by(before))
    assert "another key" in str(left), left
    key.unlink()
    assert "another key" in str(texts(look(script=script).left_by(before)))


@pytest.mark.parametrize("has_number", [True, False])
def test_a_login_without_root_compares_after_a_reboot(tmp_path: Path, *, has_number: bool) -> None:
    """By the machine's number, which stays; where it has none, nobody knows until the next boot."""
    (tmp_path / "etc/cron.d").mkdir(parents=True)
    (tmp_path / "etc/cron.d/own").write_text("* * * * * root true\n")
    (tmp_path / "machine-id").write_text("5f" * 16 if has_number else "")
    script = source("remote_inventory.py").replace("/etc/ssh/ssh_host_{kind}_key", "/none")
    script = script.replace('"/etc/cron.d"', f'"{tmp_path}/etc/cron.d"')
    script = script.replace('"/etc/machine-id"', f'"{tmp_path}/machine-id"')
    script = script.replace("/proc/sys/kernel/random/boot_id", f"{tmp_path}/boot")
    (tmp_path / "boot").write_text("0" * 36)
    before = look(script=script)
    assert f"{tmp_path}/etc/cron.d/own" in before.seen["cron"]
    (tmp_path / "boot").write_text("1" * 36)
    left = texts(look(script=script).left_by(before))
    assert ("another key" in str(left)) is not has_number, left


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Return a folder whose files have short names: the length of all together is limited, too."""
    with tempfile.TemporaryDirectory(prefix="pd-", dir="/tmp") as name:
        yield Path(name)


def test_of_too_many_files_none_is_compared(short_path: Path) -> None:
    """More than a report could hold are a limit, which says how many."""
    for number in range(2_001):
        (short_path / f"{number}").touch()
    assert look(short_path).unseen == {"file": f"there are more than 2000 below {short_path}"}
    (short_path / "0").unlink()
    (short_path / "1").write_text("x")
    files = look(short_path).seen["file"]
    sizes = {path: state.partition(":")[0] for path, state in files.items()}
    assert (len(files), sizes[f"{short_path}/1"], sizes[f"{short_path}/2"]) == (2_000, "1", "0")
    assert set(look(short_path / "2").seen["file"]) == {f"{short_path}/2"}


def test_the_longest_stock_is_received(tmp_path: Path) -> None:
    """Files with long paths beside thousands of packages lose nothing but themselves."""
    (tmp_path / "status").write_text(
        "".join(f"Package: lib-{n:026}\nStatus: install ok installed\n" for n in range(3_000))
    )
    for number in range(2_001):
        (tmp_path / f"{number:0{max(10, 74 - len(str(tmp_path)))}}").touch()
    script = source("remote_inventory.py").replace("/var/lib/dpkg/status", f"{tmp_path}/status")
    python = ["/usr/bin/python3", "-I", "-S", "-c", script, "", str(tmp_path)]
    answer = subprocess.run(python, capture_output=True, text=True, check=True).stdout
    assert 3_000 * 40 + 150_000 < len(answer) < KEPT
    here = inventory(answer)
    assert len(here.seen["package"]) == 3_000
    assert "there is more than can be told, from " in here.unseen["file"]


def test_an_honest_drill_leaves_nothing_and_does_not_wait(hosts: TwoHosts, tmp_path: Path) -> None:
    """What was there before is there after, all kinds were looked at, and nobody waited for it."""
    house = hosts.house(tmp_path)
    result = pradrill(house, "run", "shop")
    assert result.returncode == 0, result.stdout + result.stderr
    record = last_record(house)
    assert record["residue"] == []
    assert seconds(record) < 2.5
