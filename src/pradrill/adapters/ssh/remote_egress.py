"""Deny a host's way out, and tell what tried it; sent to the standby and run there as root.

Standard library only, Python 3.8 or later, never imported by pradrill. Words: this script itself,
for sudo, and a JSON object that says what to `do`, with the name of the run's own `table`:

prepare  tell routes, nameservers, where `names` lead and where SSH comes from; start what writes
         names down (its source is `resolver`) under the run's `mark`, and tell its `port`; and
         what takes mail (`mail_sink`, or nothing), and tell its `mail_port`
check    see that the kernel would take `rules`, and load nothing
load     load `rules` (domain/run/egress_table.py) in one transaction; give what has no route one
         that leads nowhere, so that it is seen
look     tell the table as it is, without its counters, and what was counted
remove   remove all of it, and tell what is left
tables   tell the names of the tables that begin with `table`

Prints one JSON object; with `fault` in it, it could not be done. No other table is touched.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import pwd
import socket
import struct
import subprocess
import sys
import time
from threading import Thread

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from collections.abc import Callable
    from typing import Any

    Words = Any  # a dictionary

NFT, RESOLVE, CONTROL, ENDS = 30, 15, 5, 2  # seconds
NETFILTER, NFT_GETTABLE, INET, TABLE_NAME = 12, 0xA01, 1, 1  # of netlink
REQUEST, FAULT = 1, 2
PASSWORD: str = globals().get("PASSWORD", "")  # given by who carries it out; never a word
SUDO = ("sudo", "-S", "-k", "-p", "") if PASSWORD else ("sudo", "-n")
ITSELF = "import sys;exec(sys.stdin.read().partition('# of root\\n')[2])"
PATH = "/usr/sbin:/sbin:/usr/local/sbin:/usr/bin:/bin:/usr/local/bin"
MOST_LINES = 60  # of routes
OURS = "pradrill-"  # how what is started here calls itself
MOST_PROGRAMS = 3  # that one user runs: of more nobody can say which it was
UNREADABLE = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError)


class FaultError(Exception):
    """Why it cannot be done: a kind, and what it is about."""


def output_of(*words: str, text: str = "") -> str:
    """Return what a program prints; raises FaultError, and FileNotFoundError without it."""
    result = subprocess.run(
        words,
        input=text.encode(),
        capture_output=True,
        timeout=NFT,
        check=False,
        cwd="/",
        env={"PATH": PATH, "LC_ALL": "C"},
    )
    if result.returncode != 0:
        lines = result.stderr.decode("utf-8", "replace").split("\n")
        raise FaultError("refused", f"{words[0]}: {lines[0]}")
    return result.stdout.decode("utf-8", "replace")


def looked_up(hosts: list[str]) -> dict[str, list[str]]:
    """Return where names lead, those that lead nowhere to nothing; an address leads to itself."""
    answers: dict[str, list[str]] = {host: [] for host in hosts}

    def look(host: str) -> None:
        try:
            every = socket.getaddrinfo(host.strip("[]"), None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError):
            return
        answers[host] = list(dict.fromkeys(str(each[4][0]).partition("%")[0] for each in every))

    threads = [Thread(target=look, args=(host,), daemon=True) for host in answers]
    for thread in threads:
        thread.start()
    end = time.monotonic() + RESOLVE
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return dict(answers)


def nameservers() -> list[str]:
    """Return the nameservers that this machine asks."""
    try:
        with open("/etc/resolv.conf", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            lines = [line.split() for line in file]
    except OSError:
        return []
    return [line[1] for line in lines if len(line) > 1 and line[0] == "nameserver"]


def routes() -> list[str]:
    """Return the routes of this machine, but for its own addresses."""
    lines = []
    for family in ("-4", "-6"):
        try:
            lines += output_of("ip", family, "route", "show").split("\n")
        except (FaultError, OSError, subprocess.SubprocessError):
            continue
    return [line.strip() for line in lines if line.strip()][:MOST_LINES]


def link_of(table: str) -> str:
    """Return the name of the run's own link: one has at most 15 characters."""
    return f"pd{hashlib.sha256(table.encode()).hexdigest()[:10]}"


def lead_nowhere(link: str) -> str | None:
    """Give what has no route one that leads nowhere; return the link, None where none is needed."""
    missing = []
    for family in ("-4", "-6"):
        try:
            if not output_of("ip", family, "route", "show", "default").strip():
                missing.append(family)
        except (FaultError, OSError, subprocess.SubprocessError):
            return None
    if not missing:
        return None
    peer = f"{link}p"
    for kind in (("dummy",), ("veth", "peer", "name", peer)):  # what this kernel has
        try:
            output_of("ip", "link", "add", "name", link, "type", *kind)
            for end in (link, peer)[: 1 + (peer in kind)]:
                output_of("ip", "link", "set", end, "up")
            break
        except (FaultError, OSError, subprocess.SubprocessError):
            continue
    else:
        return None  # then what has no route is not seen
    for family in missing:
        try:
            output_of("ip", family, "route", "add", "default", "dev", link, "metric", "2147483000")
        except (FaultError, OSError, subprocess.SubprocessError):
            continue  # a machine without IPv6
    return link


def mail_sink_of(table: str) -> str:
    """Return the abstract name of what takes mail; that of the resolver is the table's own."""
    return f"{table}_mail"


def runs(name: str) -> bool:
    """Tell whether something answers to an abstract name, or would if it were not held up."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(ENDS)
            connection.connect(f"\0{name}")
    except ConnectionRefusedError:
        return False
    except OSError:
        return True
    return True


def control(name: str, word: str) -> Words | None:
    """Tell a word to what has an abstract name; return its answer, None where there is none."""
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(CONTROL)
            connection.connect(f"\0{name}")
            connection.sendall(f"{word}\n".encode())
            answer = b""
            while chunk := connection.recv(65_536):
                answer += chunk
        return dict(json.loads(answer))
    except (OSError, ValueError):
        return None


def start(script: str, words: Words, request: Words) -> int:
    """Start a script that goes on; return the port on which it answers."""
    # Of no process's number: it is no command whose shell still runs.
    environment = {"PATH": PATH, request["mark"]: f"{request['run']}:0"}
    process = subprocess.Popen(
        ["python3", "-I", "-S", "-", json.dumps(words)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        cwd="/",
        env=environment,
    )
    assert process.stdin is not None  # noqa: S101 pipes
    assert process.stdout is not None  # noqa: S101
    process.stdin.write(request[script].encode())
    process.stdin.close()
    answer = process.stdout.readline().strip()
    process.stdout.close()
    if not answer.isdigit():
        what = {"resolver": "writes names down", "mail_sink": "takes mail"}[script]
        raise FaultError(script, f"what {what} does not start")
    return int(answer)


def prepare(request: Words) -> Words:
    """Tell what the rules depend on, and start what writes names down."""
    try:
        output_of("nft", "--version")
    except OSError as error:
        raise FaultError("missing", "nft") from error
    others = [name for name in tables(request["prefix"]) if name != request["table"]]
    if others:
        raise FaultError("another", ", ".join(others))
    answers = looked_up(request["names"])
    before = {"routes": routes(), "resolvers": nameservers(), "known": answers}
    remove(request)
    table, mail_port = request["table"], None
    if request["mail_sink"]:
        mail_port = start("mail_sink", {"socket": mail_sink_of(table)}, request)
    return {
        **before,
        "port": start("resolver", {"socket": table, "known": answers}, request),
        "mail_port": mail_port,
        "peer": request["peer"],
        "server": request["server"],
    }


def check(request: Words) -> Words:
    """Have the kernel say whether it would take `rules`; nothing is loaded."""
    try:
        output_of("nft", "-c", "-f", "-", text=request["rules"])
    except OSError as error:
        raise FaultError("missing", "nft") from error
    return {}


def load(request: Words) -> Words:
    """Load the table."""
    output_of("nft", "-f", "-", text=request["rules"])
    link = lead_nowhere(link_of(request["table"]))
    return {"link": link, "listing": listing(request["table"])}


def listing(table: str) -> str:
    """Return a table as nft lists it: no counters, nothing that was written down."""
    try:
        return output_of("nft", "-s", "-t", "list", "table", "inet", table)
    except FaultError:
        if has_table(table):
            raise
        return ""


def elements(table: str) -> tuple[list[tuple[str, list[Any], int]], int]:
    """Return what was written down, as set, key and count; and what there was no room for."""
    try:
        parts = json.loads(output_of("nft", "-j", "list", "table", "inet", table))["nftables"]
    except FaultError:
        if has_table(table):
            raise
        return [], 0
    every, unkept = [], 0
    for part in parts:
        if "counter" in part:
            unkept += int(part["counter"]["packets"])
        for each in part.get("set", {}).get("elem", []):
            element = each["elem"]
            key = element["val"]["concat"]
            every.append((part["set"]["name"], key, int(element["counter"]["packets"])))
    return every, unkept


def user(uid: int) -> str:
    """Return a user's name, or the number of one that has none."""
    try:
        return pwd.getpwuid(uid).pw_name
    except (KeyError, OverflowError):
        return str(uid)


def running(uids: set[int]) -> dict[int, list[str]]:
    """Return user → the names of what runs as that user here; none where they are many."""
    names: dict[int, list[str]] = {uid: [] for uid in uids}
    here = os.readlink("/proc/self/ns/net")  # noqa: PTH115 quick
    for pid in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208
        try:
            uid = os.stat(f"/proc/{pid}").st_uid  # noqa: PTH116
            if uid not in names or os.readlink(f"/proc/{pid}/ns/net") != here:  # noqa: PTH115
                continue
            with open(f"/proc/{pid}/comm", "rb") as file:  # noqa: PTH123
                name = file.read().decode("utf-8", "replace").strip()
        except OSError:
            continue  # it has just ended
        if name not in names[uid] and not name.startswith(OURS):
            names[uid].append(name)
    return {uid: every for uid, every in names.items() if len(every) <= MOST_PROGRAMS}


def hosts() -> dict[str, str]:
    """Return address → name, as /etc/hosts has them."""
    try:
        with open("/etc/hosts", encoding="utf-8", errors="replace") as file:  # noqa: PTH123
            lines = [line.partition("#")[0].split() for line in file]
    except OSError:
        return {}
    return {line[0]: line[1].lower() for line in reversed(lines) if len(line) > 1}


def look(request: Words) -> Words:
    """Tell the table as it is, and what was written down."""
    table = request["table"]
    answer = control(table, "look")
    names = answer or {"names": [], "unkept": 0}
    by_address = hosts()
    asked_by = {}
    for name, _count, process, addresses in names["names"]:
        for address in addresses:
            by_address[address], asked_by[address] = name, process
    attempts = []
    every, unkept = elements(table)
    uids = {int(key[3]) for _, key, _ in every if len(key) > 3}  # noqa: PLR2004
    programs = running(uids - {0})
    for kind, key, count in every:
        port = int(key[2]) if len(key) > 2 else None  # noqa: PLR2004 address, protocol, port, user
        uid = int(key[3]) if len(key) > 3 else None  # noqa: PLR2004
        attempts.append(
            {
                "protocol": str(key[1]),
                "address": str(key[0]),
                "port": port,
                "name": by_address.get(str(key[0])),
                "uid": uid,
                "user": None if uid is None else user(uid),
                "process": asked_by.get(str(key[0])),
                "programs": programs.get(uid, []) if uid is not None else [],
                "count": count,
                "let_through": kind.startswith("through"),
            }
        )
    mail = control(mail_sink_of(table), "look")  # last: the table has counted all of these
    return {
        "listing": listing(table),
        "attempts": attempts,
        "mail": mail
        and {**mail, "servers": [[by_address.get(each[0]), *each] for each in mail["servers"]]},
        "unkept": unkept,
        "names": [
            {"name": name, "count": count, "process": process, "addresses": addresses}
            for name, count, process, addresses in names["names"]
        ],
        "names_unkept": names["unkept"],
        "resolver": answer is not None,
    }


def tables(prefix: str) -> list[str]:
    """Return the names of the tables that begin so."""
    lines = [line.split() for line in output_of("nft", "list", "tables").split("\n")]
    names = [line[2] for line in lines if line[:2] == ["table", "inet"]]
    return [name for name in names if name.startswith(prefix)]


def has_table(name: str) -> bool:
    """Ask the kernel itself whether a table is there: nft may be what is in the way."""
    text = name.encode() + b"\0"
    text += b"\0" * (-len(text) % 4)
    attribute = struct.pack("=HH", 4 + len(name) + 1, TABLE_NAME) + text
    body = struct.pack("=BBH", INET, 0, 0) + attribute
    request = struct.pack("=IHHII", 16 + len(body), NFT_GETTABLE, REQUEST, 1, 0) + body
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETFILTER) as kernel:
        kernel.settimeout(CONTROL)
        kernel.send(request)
        answer = kernel.recv(65_536)
    if struct.unpack("=IH", answer[:6])[1] != FAULT:
        return True
    error = -struct.unpack("=i", answer[16:20])[0]
    if error in {errno.ENOENT, errno.EOPNOTSUPP, errno.EINVAL}:  # no such table, or no tables
        return False
    raise OSError(error, os.strerror(error))


def remove(request: Words) -> Words:
    """Remove all that is the run's, and tell what is left."""
    table = request["table"]
    link = link_of(table)
    ends = {"what writes names down": table, "what takes mail": mail_sink_of(table)}
    for name in ends.values():
        control(name, "end")
    for words in (
        ("ip", "link", "delete", "dev", link),
        ("nft", "delete", "table", "inet", table),
    ):
        try:
            output_of(*words)
        except (FaultError, OSError):
            continue  # it was not there, or it is left: which is looked for
    left = [f"table inet {table}"] if has_table(table) else []
    if os.path.exists(f"/sys/class/net/{link}"):  # noqa: PTH110 pathlib costs time
        left.append(f"link {link}")
    end = time.monotonic() + ENDS
    while (staying := [what for what, name in ends.items() if runs(name)]) and (
        time.monotonic() < end
    ):
        time.sleep(0.1)
    return {"left": left + staying}


DOES: dict[str, Callable[[Words], Words]] = {
    "check": check,
    "prepare": prepare,
    "load": load,
    "look": look,
    "remove": remove,
    "tables": lambda request: {"tables": tables(request["table"])},
}


def answer(itself: str, request: Words) -> Words:
    """Do what is asked, as root; where the login is not root, by sudo."""
    connection = os.environ.get("SSH_CONNECTION", "").split()
    if len(connection) == 4:  # noqa: PLR2004 addresses and ports of both
        request["peer"], request["server"] = connection[0].partition("%")[0], connection[3]
    if os.geteuid() == 0:
        return DOES[request["do"]](request)
    if not itself:
        raise FaultError("root", "sudo")
    try:
        words = (*SUDO, sys.executable, "-I", "-S", "-c", ITSELF, "", json.dumps(request))
        text = f"{PASSWORD}\n# of root\n{itself}"  # sudo takes the first line, if it asks
        return dict(json.loads(output_of(*words, text=text).rpartition("\n")[2]))
    except (FaultError, FileNotFoundError) as error:
        raise FaultError("root", "sudo") from error


def main(itself: str, words: str) -> None:
    """Print what came of it."""
    try:
        payload = answer(itself, json.loads(words))
    except FaultError as error:
        payload = {"fault": str(error.args[0]), "because": str(error.args[1])}
    except (*UNREADABLE, OSError, subprocess.SubprocessError) as error:
        payload = {"fault": "refused", "because": f"{type(error).__name__}: {error}"}
    sys.stdout.write(f"\n{json.dumps(payload)}")  # what sudo or its modules say stands before


if __name__ == "__main__":
    main(*sys.argv[1:])
