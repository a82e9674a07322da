"""Say which endpoints answer a TCP connection; sent to the standby and run there.

Standard library only, Python 3.8 or later, never imported by pradrill. Arguments: HOST:PORT …
Prints a JSON object: endpoint → answer, and under "control" the answer of the host's own SSH
port, without which no "closed" means anything.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Any

CONNECT = 3
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


def knock(address: tuple[Any, ...]) -> str:
    """Connect to one address of getaddrinfo's."""
    family, kind, protocol, _name, where = address
    try:
        with socket.socket(family, kind, protocol) as connection:
            connection.settimeout(CONNECT)
            connection.connect(where)
    except ConnectionRefusedError:
        return "closed: refused"
    except (socket.timeout, TimeoutError):  # noqa: UP041 two things before Python 3.10
        return f"closed: no answer in {CONNECT} s"
    except OSError as error:
        reason = os.strerror(error.errno or 0).lower()
        no_source = family == socket.AF_INET6 and error.errno == errno.EADDRNOTAVAIL
        if error.errno in NO_WAY or no_source:
            return f"closed: {reason}"

        return f"unknown: {reason}"

    return "open"


def answer(endpoint: str) -> str:
    """Try every address of an endpoint: open if one is, unknown if one is, closed otherwise."""
    host, _, port = endpoint.rpartition(":")
    try:
        addresses = socket.getaddrinfo(host.strip("[]"), int(port), type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in UNRESOLVED:
            return "unknown: name does not resolve"
        return f"unknown: {error.strerror}"
    except (UnicodeError, ValueError):
        return "unknown: it is no name, address or port"

    answers = at_once(knock, addresses, 2 * CONNECT, "unknown: no answer")
    for worst in ("open", "unknown"):
        for one in answers:
            if one.startswith(worst):
                return one

    return answers[-1]


def at_once(task: Any, items: list[Any], limit: float, otherwise: str) -> list[str]:
    """Do a task for every item, each in a thread; an item over the limit has `otherwise`."""
    with_room_for_all = ThreadPoolExecutor(max_workers=max(1, len(items)))
    futures = [with_room_for_all.submit(task, item) for item in items]
    finished, _ = wait(futures, timeout=limit)
    return [future.result() if future in finished else otherwise for future in futures]


def main(endpoints: list[str]) -> None:
    """Try the control, then everything else at once."""
    connection = os.environ.get("SSH_CONNECTION", "").split()
    control = f"{connection[2]}:{connection[3]}" if len(connection) == 4 else ""  # noqa: PLR2004

    states = {"control": answer(control) if control else "unknown: SSH_CONNECTION is not set"}
    if states["control"] == "open":
        slow = f"unknown: its name was not resolved in {RESOLVE} s"
        states.update(zip(endpoints, at_once(answer, endpoints, RESOLVE, slow)))  # noqa: B905 3.9

    print(json.dumps(states))  # noqa: T201 this is the answer
    sys.stdout.flush()
    os._exit(0)  # a resolver that hangs holds nothing up


if __name__ == "__main__":
    main(sys.argv[1:])
