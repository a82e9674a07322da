"""Look at packet filters."""

from __future__ import annotations

import errno
import os
import zlib

from pradrill.adapters.ssh.remote_looks.answer import cannot, line
from pradrill.adapters.ssh.remote_looks.contents import lines_of, may_be_there
from pradrill.adapters.ssh.remote_looks.netlink import (
    NETFILTER,
    NFT_GETTABLE,
    NOT_KNOWN,
    messages,
)
from pradrill.adapters.ssh.remote_looks.programs import output_of

LEGACY = {
    "iptables-save": "/proc/net/ip_tables_names",
    "ip6tables-save": "/proc/net/ip6_tables_names",
}


def firewall() -> None:
    """Print the chains of packet filters, with what tells one content from another: no counters.

    Nothing is started where the kernel has none.
    """
    if os.geteuid() != 0:
        cannot("firewall", "only root sees it")
        return

    legacy = [
        program for program, path in LEGACY.items() if may_be_there(path) and any(lines_of(path))
    ]
    for program in legacy:
        chains_of(program, output_of(program))
    if has_nft():
        nft_chains(output_of("nft", "-s", "list", "ruleset"))


def has_nft() -> bool:
    """Tell whether the kernel has a table of nftables; nft itself takes long to start."""
    try:
        return any(True for _ in messages(NETFILTER, NFT_GETTABLE))
    except OSError as error:
        if error.errno not in {*NOT_KNOWN, errno.EINVAL}:  # EINVAL: it has no nftables
            raise
        return False


def chains_of(program: str, answer: str) -> None:
    """Print the chains that iptables-save tells of."""
    family = program[: -len("tables-save")]
    chains: dict[str, str] = {}
    table = ""
    for each in answer.split("\n"):
        words = each.split()
        if each.startswith("*"):
            table = each[1:]
        elif each.startswith((":", "-A ")):  # :NAME POLICY [packets:bytes], -A NAME rule
            name = words[0][1:] if each[0] == ":" else words[1]
            rule = words[1] if each[0] == ":" else each
            chains[name] = chains.get(name, "") + rule
        elif each == "COMMIT":
            for name, rules in chains.items():
                line("firewall", f"{zlib.crc32(rules.encode()):x}", f"{family} {table} {name}")
            chains = {}


def nft_chains(answer: str) -> None:
    """Print the tables and chains that nft tells of, and its sets, whose elements come and go."""
    table = name = ""
    rules: list[str] = []
    for each in answer.split("\n"):
        words = each.split()
        if each.startswith("table "):
            table = " ".join(words[1:-1])
            line("firewall", "", table)
        elif each[:1] == "\t" and each[1:2] not in {"\t", "}", ""}:
            name, rules = " ".join(words[:-1]), []
        elif each == "\t}":
            content = "".join(rules).encode() if name.startswith("chain ") else b""
            line("firewall", f"{zlib.crc32(content):x}", f"{table} {name}")
        else:
            rules.append(each)
