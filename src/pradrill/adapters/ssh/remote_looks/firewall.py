"""Look at packet filters."""

from __future__ import annotations

import errno
import os
import re
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


FLEETING = ("f2b-", "KUBE-", "CNI-", "NETAVARK", "cali-")
"""Chains and tables that come and go with a ban or a container; so do the rules that name one."""
FILLED, OF_THE_USER = ("DOCKER", "LIBVIRT_"), "DOCKER-USER"
"""Chains that stay, and in which rules of containers and virtual machines come and go."""
PUBLISHED = re.compile(
    r"(?i)(?:-s|saddr) (\S+) (?:-d|ip6? daddr) \1 .*masquerade$"
    r"|^(?=.*(?:-d|daddr) ).*(?:! -i|iifname !=) \"?(?:docker0|br-[0-9a-f]{12})\b.* drop$"
)
"""Rules of Docker's in other chains for each port of a container: after a restart they come last,
and perhaps with another address."""


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
            if not is_fleeting(name, *words):
                is_told = not is_filled(name) and not PUBLISHED.search(each)
                chains[name] = chains.get(name, "") + (rule if is_told else "")
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
            if not is_fleeting(*words):
                line("firewall", "", table)
        elif each[:1] == "\t" and each[1:2] not in {"\t", "}", ""}:
            name, rules = " ".join(words[:-1]), []
        elif each == "\t}":
            is_told = name.startswith("chain ") and not is_filled(name[len("chain ") :])
            content = "".join(rules).encode() if is_told else b""
            if not is_fleeting(*table.split(), *name.split()):
                line("firewall", f"{zlib.crc32(content):x}", f"{table} {name}")
        elif not is_fleeting(*words) and not PUBLISHED.search(each):
            rules.append(each)


def is_fleeting(*words: str) -> bool:
    """Tell whether one of these is the name of what comes and goes by itself."""
    return any(each.startswith(FLEETING) for each in words)


def is_filled(chain: str) -> bool:
    """Tell whether others fill a chain all the time."""
    return chain.startswith(FILLED) and chain != OF_THE_USER
