"""What stood on a standby before and stands there after: read from hostile words, and compared."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.run.host import HostState
from pradrill.domain.run.inventory_answers import inventory, nothing_seen
from pradrill.domain.run.standby_inventory import (
    COME_AND_GO,
    InventoryChange,
    InventoryKind,
    StandbyInventory,
    difference,
)
from pradrill.testing.reasons import texts

ANSWER = """\
user\t1001:1001:/home/ann:/bin/sh\tann
group\t1001:ann\tann
package\tii \tnginx
package\trc \tremoved
package\tii \tlinux-image-6.1.0-28-amd64
package\thi \tlinux-base-tools
package\tii \tlinux-aws-headers-6.8.0-1021
package\tii \tlinux-hwe-6.8-tools-6.8.0-50
package\tii \tproxmox-kernel-6.8.12-4-pve-signed
cron\t99 12\t/etc/cron.d/a job
unit\t\tapt-daily.timer
unit\t1:2\t/etc/systemd/system/shop.service
unit\t\tuser@1000.service
unit\t1:2\t/etc/systemd/system/ssh@.service
unit\t\t/usr/lib/systemd/system/ssh@.service
unit\t\tsession-4.scope
mount\text4\t/
mount\ttmpfs\t/run/user/0
mount\tsquashfs\t/snap/core/1
mount\ttmpfs\t/srv/a\\040b
mount\ttmpfs\t/srv/a\\040b
socket\t32768\t00000000:0035
socket\t32768\t00000000:9C40
socket\t32768\t00000000:0044
socket\t32768\tnonsense
database\t\tshop (/var/lib/mysql)
account\t123\tapp@% (/var/lib/mysql)
firewall\tff\tinet filter chain input
file\t12\t/var/www/a b
stopped\t\t/var/lib/postgresql/15/main
asked\t\tsystemd-hostnamed.service
top\tcron\t/etc/cron.d
top\tnonsense\t/etc
"""


def stock(kind: InventoryKind, **names: str) -> StandbyInventory:
    """Return an inventory that holds names of one kind."""
    return StandbyInventory(seen={kind: names})


def test_each_kind_is_read_and_what_moves_by_itself_is_left_out() -> None:
    """Kernels, logins' units, snaps, clients' ports and packages that are gone are no drill's."""
    assert inventory(ANSWER).seen == {
        "user": {"ann": "1001:1001:/home/ann:/bin/sh"},
        "group": {"ann": "1001:ann"},
        "package": {"nginx": ""},
        "cron": {"/etc/cron.d/a job": "99 12"},
        "timer": {"apt-daily.timer": ""},
        "unit": {
            "/etc/systemd/system/shop.service": "1:2",
            "/etc/systemd/system/ssh@.service": "1:2",  # what somebody has put in its place
        },
        "mount": {"/ (ext4)": "", "/srv/a b (tmpfs)": "", "/srv/a b (tmpfs) 2": ""},
        "socket": {"udp 0.0.0.0:53": ""},
        "database": {"shop (/var/lib/mysql)": ""},
        "account": {"app@% (/var/lib/mysql)": "123"},
        "firewall": {"inet filter chain input": "ff"},
        "file": {"/var/www/a b": "12"},
    }
    assert inventory(ANSWER).stopped == ("/var/lib/postgresql/15/main",)
    assert inventory(ANSWER).asked == ("systemd-hostnamed.service",)
    assert inventory(ANSWER).tops == {"cron": ("/etc/cron.d",)}


def test_too_many_names_are_not_seen_and_long_ones_are_cut() -> None:
    """A machine that never ends is no drill's to keep; nothing of it moves a cursor."""
    many = "".join(f"user\t\tu{number}\n" for number in range(5_001))
    here = inventory(many + f"cron\t1\t{'x' * 9_000}\x1b[2J\n!package\t\x1b[31mno root\n")
    assert here.unseen == {"user": "there are more than 5000", "package": "?[31mno root"}
    assert {kind: [len(name) for name in names] for kind, names in here.seen.items()} == {
        "cron": [300]
    }


@given(
    st.lists(
        st.tuples(
            st.sampled_from([*InventoryKind, "!user", "!", "", "other"]),
            st.sampled_from(["", "\t", "\t\t", "\tii \t"]),
            st.text(max_size=40),
        ).map("".join)
    ).map("\n".join)
)
def test_whatever_a_host_says_is_read_and_differs_from_nothing_but_itself(answer: str) -> None:
    """No words make the reading fail, nor a machine that has not changed look changed."""
    here = inventory(answer)
    assert difference(here, inventory(answer)) == ()
    assert StandbyInventory.model_validate_json(here.model_dump_json()) == here
    assert all(each.isprintable() for names in here.seen.values() for each in names)


@given(st.sampled_from([each for each in InventoryKind if each != "sysctl"]))
def test_what_is_new_counts_and_what_idles_out_does_not(kind: InventoryKind) -> None:
    """New is residue of any kind; gone or changed is where nothing goes by itself."""
    before, after = stock(kind, a="1", b="1"), stock(kind, b="2", c="1")
    expected = {("c", InventoryChange.NEW)}
    if kind not in COME_AND_GO:
        expected |= {("a", InventoryChange.GONE), ("b", InventoryChange.CHANGED)}
    assert {each[1:] for each in difference(before, after)} == expected


def test_what_an_older_version_did_not_note_is_not_compared() -> None:
    """Of files it noted the size, of users no password, routes and units of theirs nothing."""
    before = StandbyInventory(seen={"file": {"/a": "12"}, "user": {"ann": "1:1:/:/bin/sh"}})
    after = StandbyInventory(
        seen={
            "file": {"/a": "12:100644:0:0:ff"},
            "user": {"ann": "1:1:/:/bin/sh:ff"},
            "setting": {"/etc/hosts": "ff"},
            "user_unit": {"/etc/systemd/user/sockets.target.wants/dirmngr.socket": ""},
            "route": {"0.0.0.0/0.0.0.0 via 192.0.2.1 dev eth0": ""},
            "routing": {"::/0 via 2001:db8::1 dev eth0": ""},
            "address": {"192.0.2.1/24 dev eth0": ""},
            "sysctl": {"net.ipv4.conf.all.rp_filter": "2"},
        }
    )
    assert difference(before, after) == difference(after, before) == ()
    grown = StandbyInventory(seen={"file": {"/a": "120:100644:0:0:ff"}})
    assert [each.name for each in difference(before, grown)][:1] == ["ann"]
    assert "/a" in [each.name for each in difference(before, grown)]


def test_where_only_one_of_two_versions_has_looked_nothing_is_told() -> None:
    """It is a limit. One that did not say where has looked where it found something."""
    old = StandbyInventory(seen={"system": {"/etc/pam.d/sshd": "1"}})
    names = {"/etc/pam.d/sshd": "1", "/etc/pam.d/x": "1", "/etc/pam.data": "1", "/etc/init.d/a": ""}
    tops = ("/etc/pam.d", "/etc/init.d", "/etc/sv")
    new = StandbyInventory(seen={"system": names}, tops={"system": tops})
    assert [each.name for each in difference(old, new)] == ["/etc/pam.d/x", "/etc/pam.data"]
    assert "another version of pradrill" in str(new.limit("web", old))

    fewer = StandbyInventory(seen={"system": names}, tops={"system": tops[:2]})
    more = StandbyInventory(seen={"system": {**names, "/etc/sv/a": ""}}, tops={"system": tops})
    assert difference(fewer, more) == difference(more, fewer) == ()
    assert more.limit("web", more) is None
    timer = inventory("top\tunit\t/usr/lib/systemd/system\nunit\t\t/usr/lib/systemd/system/a.timer")
    assert difference(old, timer) == ()
    nothing = StandbyInventory(seen={"system": {}}, tops={"system": tops})
    assert len(difference(nothing, more)) == 5


def test_where_nothing_could_be_seen_before_no_other_version_is_blamed() -> None:
    """That it could not was said then; what is seen now was looked for by the same version."""
    now = inventory("top\tcron\t/etc/cron.d\ncron\t1\t/etc/cron.d/a\n")
    assert now.limit("web", nothing_seen("python3 is missing")) is None
    assert now.limit("web", inventory("!cron\tonly root sees the crontabs of others\n")) is None
    assert "another version of pradrill" in str(now.limit("web", StandbyInventory()))


def test_places_without_end_are_compared_at_once() -> None:
    """A host that names five thousand, and files in none of them, kept the controller busy."""
    places = "".join(f"top\tsystem\t/t{number}\n" for number in range(5_000))
    now = inventory(places + "".join(f"system\t1\t/n{number}\n" for number in range(5_000)))
    before = inventory("".join(f"system\t1\t/n{number}\n" for number in range(5_000)))
    start = time.process_time()
    assert difference(before, now) == ()
    assert time.process_time() - start < 4


def test_what_autofs_mounts_where_it_waited_is_nobodys_mount() -> None:
    """A restore that reads a backup there begins it; what lies over that is somebody's."""
    before = inventory("mount\tautofs\t/backup\nmount\text4\t/\n")
    read = inventory("mount\tautofs\t/backup\nmount\text4\t/\nmount\tnfs4\t/backup\n")
    assert read.left_by(before) == ()
    over = inventory(
        "mount\tautofs\t/backup\nmount\tnfs4\t/backup\nmount\ttmpfs\t/backup\n"
        "mount\tnfs4\t/backup\nmount\ttmpfs\t/\n"
    )
    assert texts(over.left_by(before)) == (
        "mount / (tmpfs) was not there before",
        "mount /backup (nfs4) 2 was not there before",
        "mount /backup (tmpfs) was not there before",
    )


def test_a_job_of_ats_goes_when_it_was_carried_out() -> None:
    """Its file has another name meanwhile, and what it prints lies in one; another job is new."""
    jobs = "/var/spool/cron/atjobs/a0000101c8c486", "/var/spool/at/b0000201c8c486"
    before = stock(InventoryKind.CRON, **dict.fromkeys((*jobs, "/etc/cron.d/a"), "1"))
    running = (
        "/var/spool/cron/atjobs/=0000101c8c486",
        "/var/spool/cron/atspool/a0000101c8c486",
        "/var/spool/cron/atjobs/a0000301c8c486",
    )
    after = stock(InventoryKind.CRON, **dict.fromkeys(running, "1"))
    assert texts(after.left_by(before)) == (
        "cron /etc/cron.d/a was there before and is gone",
        "cron /var/spool/cron/atjobs/a0000301c8c486 was not there before",
    )
    edited = stock(InventoryKind.CRON, **{**dict.fromkeys(jobs, "2"), "/etc/cron.d/a": "1"})
    assert len(edited.left_by(before)) == 2


def test_a_units_file_does_not_come_and_go_by_itself() -> None:
    """As the name of a unit that waits does; an older version noted no more than its name."""
    service, timer = "/etc/systemd/system/shop.service", "/etc/systemd/system/shop.timer"
    before = inventory(f"unit\t1:2\t{service}\nunit\t1:2\t{timer}\nunit\t\tshop.timer\n")
    after = inventory(f"unit\t1:3\t{service}\n")
    assert texts(after.left_by(before)) == (
        f"timer {timer} was there before and is gone",
        f"unit {service} is not as before",
    )
    snap = "/etc/systemd/system/snap.lxd.daemon.service"  # names its revision
    assert inventory(f"unit\t1\t{snap}\n").left_by(inventory(f"unit\t2\t{snap}\n")) == ()
    older = inventory(f"unit\t\t{service}\n")
    assert after.left_by(older) == older.left_by(after) == ()


def test_the_first_of_a_kind_is_new_where_the_kind_was_looked_at() -> None:
    """A route where there was none is residue; that a kind was looked at is no name of it."""
    before = inventory("route\t\t\nuser_unit\t\t\n")
    assert before.seen == {"route": {}, "user_unit": {}}
    after = inventory("route\t\t\nroute\t\t192.0.2.0/255.255.255.0 via 0.0.0.0 dev eth0\n")
    assert [each.kind for each in difference(before, after)] == ["route"]


def test_settings_that_come_and_go_with_their_interface_are_nobodys_doing() -> None:
    """A container has come, another has gone; what both looks have seen is compared."""
    before = inventory("sysctl\t0\tnet.ipv4.conf.br0.rp_filter\nsysctl\t0\tnet.ipv4.conf.lo.tag\n")
    after = inventory("sysctl\t0\tnet.ipv4.conf.br1.rp_filter\nsysctl\t1\tnet.ipv4.conf.lo.tag\n")
    assert texts(after.left_by(before)) == ("sysctl net.ipv4.conf.lo.tag is not as before",)


def test_what_cannot_be_seen_any_more_is_not_verified_and_what_never_was_is_a_limit() -> None:
    """Nothing is said to be gone, or new, because a look was not possible."""
    users = stock(InventoryKind.USER, ann="1")
    blind = nothing_seen("sh is missing")
    assert [each for each in texts(blind.left_by(users)) if "user:" in each] == [
        "not verified, user: sh is missing"
    ]
    assert users.left_by(blind) == ()
    assert blind.left_by(blind) == ()
    assert users.limit("web") is None
    assert "user: sh is missing" in str(blind.limit("web"))


def test_what_an_older_version_never_looked_at_and_cannot_be_seen_now_is_no_residue() -> None:
    """A baseline of before an upgrade has no mail: that none can be seen is nobody's doing."""
    blind = StandbyInventory(unseen={"mail": "only root sees what waits"})
    assert blind.left_by(StandbyInventory(seen={"user": {}})) == ()
    assert texts(blind.left_by(inventory("mail\t\t\n"))) == (
        "not verified, mail: only root sees what waits",
    )


def test_what_may_still_be_held_open_is_not_said_to_be_gone() -> None:
    """By whatever spelling its folder was declared, and where nobody could look."""
    before = HostState(inventory=StandbyInventory())

    def is_gone(answer: str) -> bool:
        return bool(HostState(inventory=inventory(answer)).erasure("web", before, ["/srv/x/"]))

    assert is_gone("open_file\t\t\nopen_file\t\t/srv/xy/data, held by sleep\n")
    assert not is_gone("open_file\t\t/srv/x/data, held by sleep\n")
    assert not is_gone("open_file\t\t/srv/x, held by sleep\n")
    assert not is_gone("open_file\t\t\n!open_file\tonly root sees what others hold\n")


def test_names_that_are_there_often_are_told_apart_at_once() -> None:
    """Five thousand mounts over one another are read in a moment, and none takes one's name."""
    start = time.process_time()
    here = inventory("mount\tx\t/ 2\n" + "mount\tx\t/\n" * 4_999)
    assert len(here.seen["mount"]) == 5_000
    assert time.process_time() - start < 0.7


def test_many_differences_are_counted_and_a_mount_is_told_once() -> None:
    """Twenty of a kind are named; a mount point that is told as new is not told again."""
    names = {f"u{number:02}": "" for number in range(25)}
    left = texts(stock(InventoryKind.USER, **names).left_by(StandbyInventory()))
    assert (len(left), left[-1]) == (21, "user: 5 more are not as before")
    before = HostState(inventory=StandbyInventory())
    mounted = {InventoryKind.MOUNT: {"/x (tmpfs)": "", "/y (ext4) 2": ""}}
    now = HostState(mounts=("/x",), inventory=StandbyInventory(seen=mounted))
    assert texts(now.left_by(before)) == (
        "/x is mounted",
        "mount /y (ext4) 2 was not there before",
    )


ONE, TWO = "0000000a~00000000000000aa", "0000000a~00000000000000bb"
OTHER = "0000000b~00000000000000aa"


def test_digests_of_one_key_are_compared_and_of_two_it_is_said_that_they_cannot_be() -> None:
    """A checksum of an older version is none of them; what stands before them is compared."""
    before = stock(InventoryKind.USER, ann=f"1:1:/:/bin/sh:{ONE}")
    assert before.left_by(before) == ()
    assert before.has_accounts_of(before)
    other = stock(InventoryKind.USER, ann=f"1:1:/:/bin/sh:{TWO}")
    assert texts(other.left_by(before)) == ("user ann is not as before",)

    started = stock(InventoryKind.USER, ann=f"1:1:/:/bin/sh:{OTHER}")
    assert [each[:19] for each in texts(started.left_by(before))] == ["not verified, user:"]
    assert not started.has_accounts_of(before)
    moved = stock(InventoryKind.USER, ann=f"0:1:/:/bin/sh:{OTHER}")
    assert "user ann is not as before" in texts(moved.left_by(before))

    older = stock(InventoryKind.USER, ann="1:1:/:/bin/sh:ff")
    assert before.left_by(older) == ()
    assert not before.has_accounts_of(older)
    job, pipe = stock(InventoryKind.CRON, job=ONE), stock(InventoryKind.CRON, job="")
    assert texts(pipe.left_by(job)) == ("cron job is not as before",)


MARIADB, POSTGRESQL = "/var/lib/mysql", "/var/lib/postgresql/15/main"


def servers(databases: dict[str, str], accounts: str = "", *stopped: str) -> StandbyInventory:
    """Return an inventory of database servers; those that are stopped told of no account."""
    names = {each: "1" for each in accounts.split(", ") if each}
    stock = {InventoryKind.DATABASE: databases, InventoryKind.ACCOUNT: names}
    return StandbyInventory(seen=stock, stopped=stopped)


def test_a_database_that_stays_is_told_although_its_server_was_stopped_at_one_look() -> None:
    """Its folder or its number tells; of accounts nothing is said, which is a limit once."""
    running = servers(
        {f"shop ({MARIADB})": "", f"app ({POSTGRESQL})": "16385"},
        f"root@localhost ({MARIADB}), app ({POSTGRESQL})",
    )
    stopped = servers(
        {
            f"shop ({MARIADB})": "",
            f"payroll ({MARIADB})": "",
            f"16385 ({POSTGRESQL})": "16385",
            f"16390 ({POSTGRESQL})": "16390",
        },
        "",
        MARIADB,
        POSTGRESQL,
    )
    assert texts(stopped.left_by(running)) == (
        f"database 16390 ({POSTGRESQL}) was not there before",
        f"database payroll ({MARIADB}) was not there before",
    )
    assert [each.name for each in difference(stopped, running)] == [
        f"16390 ({POSTGRESQL})",
        f"payroll ({MARIADB})",
    ]
    limit = str(stopped.limit("db", running))
    assert "db could be compared with what was there before: accounts of the database" in limit
    assert MARIADB in limit
    assert POSTGRESQL in limit
    assert stopped.limit("db", stopped) is None
    assert MARIADB in str(stopped.limit("db"))


def test_an_account_that_is_new_gone_or_another_is_told_where_its_server_ran() -> None:
    """Also beside a server that did not run."""
    before = servers({}, f"root@localhost ({MARIADB}), gone@h ({MARIADB})", POSTGRESQL)
    after = servers({}, f"root@localhost ({MARIADB}), app@% ({MARIADB})", POSTGRESQL)
    after.seen["account"][f"root@localhost ({MARIADB})"] = "2"
    assert texts(after.left_by(before)) == (
        f"account app@% ({MARIADB}) was not there before",
        f"account gone@h ({MARIADB}) was there before and is gone",
        f"account root@localhost ({MARIADB}) is not as before",
    )


def test_databases_are_as_before_only_where_both_looks_have_seen_them() -> None:
    """Nothing seen is no proof, nor is a look that failed."""
    shop = servers({f"shop ({MARIADB})": ""})
    assert shop.has_databases_of(shop)
    assert not shop.has_databases_of(servers({}))
    assert not StandbyInventory().has_databases_of(StandbyInventory())
    assert not shop.has_databases_of(nothing_seen("no answer"))
