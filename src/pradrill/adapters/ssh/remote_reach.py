"""Say which endpoints answer a TCP connection; sent to the standby and run there.

Standard library only, Python 3.8 or later, never imported by pradrill. Arguments: HOST:PORT …,
before them --unnoticed where attempts to go out are counted (remote_egress.py): these are not.
Prints a JSON object: endpoint → answer, and under "control" the answer of the host's own SSH
port, without which no "closed" means anything. An answer is what came of it (open, closed,
unresolved, itself, unknown), a code for why, and what is known beside that: words, or seconds.
"""

from __future__ import annotations

import errno
import ipaddress
import json
import os
import socket
import sys
import time
from threading import Thread

TYPE_CHECKING = False
if TYPE_CHECKING:  # importing it costs time
    from typing import Any

CONNECT = 3
UNNOTICED = "--unnoticed"
CODE_POINT = 45 << 2  # a DSCP that nobody uses, and remote_egress.py knows
RESOLVE = 40
UNRESOLVED = {socket.EAI_NONAME, socket.EAI_AGAIN, getattr(socket, "EAI_NODATA", None)}
NO_WAY = {
    errno.ENETUNREACH,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.EHOSTDOWN,
    errno.EAFNOSUPPORT,
    errno.EACCES,
    errno.EPERM,
    errno.ECONNRESET,
}


def unknown(words: str) -> tuple[str, str, Any]:
    """Return the answer of an attempt of which nothing came."""
    return "unknown", "", words


def leads_here(family: int, where: tuple[Any, ...]) -> bool:
    """Tell whether an address is this machine's own: what it sends there would come from there."""
    plain = ipaddress.ip_address(where[0].partition("%")[0])
    if plain.is_loopback or plain.is_unspecified:
        return True
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as nothing_sent:
            nothing_sent.connect(where)
            return bool(nothing_sent.getsockname()[0] == where[0])
    except OSError:  # there is no way to it at all
        return False


def knock(address: tuple[Any, ...]) -> tuple[str, str, Any]:
    """Connect to one address of getaddrinfo's; that one of its own is closed proves nothing."""
    answer = connected(address)
    is_own = answer[0] == "closed" and leads_here(address[0], address[4])
    return ("itself", "", "") if is_own else answer


def connected(address: tuple[Any, ...]) -> tuple[str, str, Any]:
    """Connect, and tell what came of it."""
    family, kind, protocol, _name, where = address
    try:
        with socket.socket(family, kind, protocol) as connection:
            connection.settimeout(CONNECT)
            if UNNOTICED in sys.argv:
                six = family == socket.AF_INET6
                level, option = (
                    (socket.IPPROTO_IPV6, socket.IPV6_TCLASS)
                    if six
                    else (socket.IPPROTO_IP, socket.IP_TOS)
                )
                connection.setsockopt(level, option, CODE_POINT)
            connection.connect(where)
    except ConnectionRefusedError:
        return "closed", "refused", ""
    except (socket.timeout, TimeoutError):  # noqa: UP041 two things before Python 3.10
        return "closed", "silent", CONNECT
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        no_source = family == socket.AF_INET6 and error.errno == errno.EADDRNOTAVAIL
        if error.errno in NO_WAY or no_source:
            return "closed", "error", reason
        return unknown(reason)
    return "open", "", ""


def answer(endpoint: str, knock: Any = knock) -> tuple[str, str, Any]:
    """Try every address of an endpoint: open if one is, unknown if one is, closed otherwise."""
    host, _, port = endpoint.rpartition(":")
    try:
        addresses = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in UNRESOLVED:
            return "unresolved", "", ""
        return unknown(str(error.strerror))
    except (UnicodeError, ValueError):
        return unknown("it is no name, address or port")
    answers = at_once(knock, addresses, 2 * CONNECT, unknown("no answer"))
    for worst in ("open", "unknown", "itself"):
        for one in answers:
            if one[0] == worst:
                return one

    return answers[-1]


def at_once(
    task: Any, items: list[Any], limit: float, otherwise: tuple[str, str, Any]
) -> list[tuple[str, str, Any]]:
    """Do a task for every item, each in a thread; an item over the limit has `otherwise`."""
    answers = [otherwise] * len(items)

    def do(number: int) -> None:
        answers[number] = task(items[number])

    threads = [Thread(target=do, args=(number,), daemon=True) for number in range(len(items))]
    for thread in threads:
        thread.start()
    end = time.monotonic() + limit
    for thread in threads:
        thread.join(max(0.0, end - time.monotonic()))
    return list(answers)


def main(endpoints: list[str]) -> None:
    """Try the control, then everything else at once."""
    endpoints = [each for each in endpoints if each != UNNOTICED]
    connection = os.environ.get("SSH_CONNECTION", "").split()
    control = f"{connection[2]}:{connection[3]}" if len(connection) == 4 else ""  # noqa: PLR2004

    states = {"control": unknown("SSH_CONNECTION is not set")}
    if control:
        states["control"] = answer(control, connected)
    if states["control"][0] == "open":
        slow = unknown(f"its name was not resolved in {RESOLVE} s")
        states.update(zip(endpoints, at_once(answer, endpoints, RESOLVE, slow)))  # noqa: B905 3.9

    print(json.dumps(states))  # noqa: T201 this is the answer
    sys.stdout.flush()
    os._exit(0)  # a resolver that hangs holds nothing up


if __name__ == "__main__":
    main(sys.argv[1:])
