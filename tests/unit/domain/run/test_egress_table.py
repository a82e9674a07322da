"""What the table of a run lets out."""

from __future__ import annotations

from ipaddress import ip_address

from pradrill.domain.run.egress import EgressLook, HostEgress, table_of
from pradrill.domain.run.egress_table import PROBE, Controller, Exempt, egress_table

CONTROLLER = Controller(ip_address("198.51.100.1"), 22)


def table(*allowed: Exempt, asks_itself: bool = False, mail: int | None = None) -> str:
    """Return the rules of a run."""
    return egress_table(
        "pradrill_x", allowed, CONTROLLER, names=5353, asks_itself=asks_itself, mail=mail
    )


def test_it_replaces_itself_and_no_other_table() -> None:
    """In one transaction: there is no moment without it, and only its own name is in it."""
    lines = table().splitlines()
    names = [line.split()[2] for line in lines if line.startswith(("table", "delete table"))]
    assert lines[:2] == ["table inet pradrill_x", "delete table inet pradrill_x"]
    assert {name for name in names if name != "inet"} == {"pradrill_x"}


def test_only_what_is_allowed_goes_out() -> None:
    """A port of the backup server; all of the standby's other hosts; DNS where it is allowed."""
    rules = table(
        Exempt(ip_address("192.0.2.40"), 22),
        Exempt(ip_address("2001:db8::53"), 53),
        Exempt(ip_address("198.51.100.21")),
    )
    assert [line for line in rules.splitlines() if line.endswith("goto let")] == [
        "ip daddr 192.0.2.40 tcp dport 22 goto let",
        "ip daddr 192.0.2.40 udp dport 22 goto let",
        "ip6 daddr 2001:db8::53 tcp dport 53 goto let",
        "ip6 daddr 2001:db8::53 udp dport 53 goto let",
        "ip daddr 198.51.100.21 goto let",
    ]
    assert "ip6 daddr 2001:db8::53 meta l4proto { tcp, udp } th dport 53 return" in rules
    assert "ip daddr 198.51.100.1 tcp sport 22" in rules


def test_a_chain_that_is_emptied_neither_opens_nor_locks_out() -> None:
    """Of two that deny what goes out the other one is left, and none denies by its policy."""
    rules = table(Exempt(ip_address("192.0.2.40"), 22))
    chains = [each.partition("}\n")[0] for each in rules.split("chain ")]
    out = [each.splitlines() for each in chains if "hook output" in each and "nat" not in each]
    assert [(lines[1][-14:], lines[-1]) for lines in out] == [
        ("policy accept;", "goto leave"),
        ("policy accept;", "drop"),
    ]
    assert all(any("tcp sport 22" in line for line in lines) for lines in out)


def test_a_machine_without_a_nameserver_is_heard_too() -> None:
    """It asks itself: that leads to where names are written down, unless somebody answers there."""
    assert "ip daddr 127.0.0.0/8 return" in table()
    assert "ip daddr 127.0.0.0/8 return" not in table(asks_itself=True)


def chain(rules: str, name: str) -> list[str]:
    """Return the lines of one chain."""
    return rules.partition(f"chain {name} {{\n")[2].partition("}\n")[0].splitlines()


def test_mail_is_led_to_its_sink_once_it_is_counted() -> None:
    """Without a sink no chain speaks of mail; with one the chains that deny are the same."""
    plain, sunk = table(), table(mail=2525)
    assert "2525" not in plain
    assert "587" not in plain
    assert chain(sunk, "take") == ["jump tell", "meta l4proto tcp redirect to :2525"]
    assert chain(sunk, "mail")[-1] == "tcp dport { 25, 587 } goto take"
    for name in ("leave", "out", "out_again", "across", "tell", "refuse", "names"):
        assert chain(sunk, name) == chain(plain, name)


def test_the_runs_own_tries_and_what_is_allowed_do_not_end_in_the_sink() -> None:
    """What proves that production is away would find the sink; a relay that is allowed is itself.

    So do this machine's own servers, and the other hosts of the standby.
    """
    allowed = (
        Exempt(ip_address("192.0.2.40"), 587),
        Exempt(ip_address("192.0.2.41"), 22),
        Exempt(ip_address("2001:db8::21")),
    )
    lines = chain(table(*allowed, mail=2525), "mail")
    assert lines[1:-1] == [
        'oifname "lo" return',
        "ip daddr 127.0.0.0/8 return",
        "ip6 daddr ::1 return",
        f"ip dscp {PROBE} return",
        f"ip6 dscp {PROBE} return",
        "ip6 saddr fe80::/10 return",
        "ip daddr 192.0.2.40 tcp dport 587 return",
        "ip6 daddr 2001:db8::21 tcp dport { 25, 587 } return",
    ]


def test_a_name_of_a_table_is_one_that_nft_takes() -> None:
    """Whatever the drill is called."""
    name = table_of("20261129T184954Z-my_shop-a4da38")
    assert name == "pradrill_20261129T184954Z_my_shop_a4da38"


def test_a_table_without_a_listing_is_never_as_it_was_loaded() -> None:
    """Nothing equals nothing, and proves nothing."""
    assert not HostEgress(table="x").is_as_loaded(EgressLook())
