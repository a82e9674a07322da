"""Serve the pages until Ctrl-C or SIGTERM."""

from __future__ import annotations

import errno
import secrets
import signal
import socket
from argparse import Namespace
from collections.abc import Callable
from contextlib import ExitStack
from ipaddress import IPv4Address, IPv6Address, ip_address
from urllib.parse import quote

import uvicorn

from pradrill.app.reading import StateReader, warn
from pradrill.app.spoken import user_language
from pradrill.config.loader import load_plan
from pradrill.config.plan_file import plan_file
from pradrill.errors import ConfigurationError, PradrillError, UsageError
from pradrill.reporting.web.pages import entrance_page
from pradrill.web.connections import BoundedConnection
from pradrill.web.door import ENTRANCE, Door
from pradrill.web.reader import Pages
from pradrill.web.routes import application
from pradrill.web.token import PageToken

_LOCALHOST: tuple[IPv4Address, IPv6Address] = (IPv4Address("127.0.0.1"), IPv6Address("::1"))
_OF_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
_NO_SUCH_ADDRESS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
_BACKLOG = 64


def serve(args: Namespace, tell: Callable[[str], None]) -> None:
    """Answer until it is told to end; say first where. Raises PradrillError."""
    address = _address(args.bind, unencrypted=args.unencrypted)
    token = PageToken(args.token_file)
    name, others = _names(args, address)
    listeners = [_listener(address, args.port)] if others else _listeners(address, args.port)
    port = listeners[0].getsockname()[1]
    with ExitStack() as stack:
        for each in listeners:
            stack.enter_context(each)
        pages = Pages(args, *_look(args))
        door = Door(
            application(pages),
            token,
            names=frozenset({name, *others}),
            cookie=f"pradrill-{port}",
            ask=lambda is_wrong: entrance_page(pages.bare_look, is_wrong=is_wrong),
        )
        where = f"http://{name}:{port}"
        tell(f"{where}{ENTRANCE}?token={quote(token.value)}" if token.is_own else f"{where}/")
        _run(door, listeners)


def _names(args: Namespace, address: IPv4Address | IPv6Address) -> tuple[str, tuple[str, ...]]:
    """Return what it is called where that is printed, and its other names.

    Browsers send a cookie to every port of the name that it came from, whoever listens there. So on
    loopback it has a name that nobody else knows, and no other, unless one was asked for.
    """
    if address in _LOCALHOST and not args.name:
        return f"{secrets.token_hex(8)}.localhost", ()
    return _bracketed(address), (*_OF_LOOPBACK, *map(str.lower, args.name))


def _run(door: Door, listeners: list[socket.socket]) -> None:
    server = uvicorn.Server(
        uvicorn.Config(
            door,
            access_log=False,  # the token stands in an address
            backlog=_BACKLOG,
            http=BoundedConnection,
            lifespan="off",
            log_config=None,
            log_level="critical",
            proxy_headers=False,
            server_header=False,
            timeout_graceful_shutdown=0,  # nothing is being written that would have to end well
            ws="none",
        )
    )

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    # The server's own handlers raise each signal anew once it has ended, for those before them.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, end)
    server.run(sockets=listeners)


def _look(args: Namespace) -> tuple[str, str]:
    """Return the language and the organisation: the plan's, when it can be read."""
    app = StateReader(args)
    try:
        plan = load_plan(plan_file(app.drills))
    except ConfigurationError as error:
        warn(f"the pages go without the plan: {error.message}")
        return args.lang or user_language(), ""
    return args.lang or plan.language or user_language(), plan.organisation


def _address(text: str, *, unencrypted: bool) -> IPv4Address | IPv6Address:
    """Return where to listen. Raises UsageError beyond loopback, unless that was asked for."""
    try:
        address = ip_address(text)
    except ValueError:
        raise UsageError(
            f'--bind: "{text[:60]}" is no address', hint="Give one as 127.0.0.1 or ::1."
        ) from None
    if not (address.is_loopback or unencrypted):
        raise UsageError(
            f"{address} can be reached from elsewhere, and whoever is on the way reads the token "
            "and every page: there is no TLS here",
            hint="Keep 127.0.0.1 behind a proxy that has TLS (--name is what it is called), or "
            "accept it with --unencrypted.",
        )
    return address


def _listeners(address: IPv4Address | IPv6Address, port: int) -> list[socket.socket]:
    """Return sockets on both addresses of localhost: browsers take either by a name of it.

    Raises PradrillError; so it does when another program would answer by that name. Where a machine
    has no such address, nobody can.
    """
    first = _listener(address, port)
    other = _LOCALHOST[address == _LOCALHOST[0]]
    try:
        return [first, _listener(other, first.getsockname()[1])]
    except ConfigurationError as error:
        if isinstance(error.__cause__, OSError) and error.__cause__.errno in _NO_SUCH_ADDRESS:
            return [first]
        first.close()
        raise


def _listener(address: IPv4Address | IPv6Address, port: int) -> socket.socket:
    """Return a socket that listens. Raises PradrillError."""
    family = socket.AF_INET6 if address.version == 6 else socket.AF_INET  # noqa: PLR2004
    with ExitStack() as stack:
        try:
            listener = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((str(address), port))
            listener.listen(_BACKLOG)
        except (OSError, OverflowError) as error:
            raise _not_bound(address, port, error) from error
        stack.pop_all()
    return listener


def _not_bound(
    address: IPv4Address | IPv6Address, port: int, error: OSError | OverflowError
) -> PradrillError:
    where = f"{_bracketed(address)}:{port}"
    if isinstance(error, OverflowError):
        return UsageError(f"there is no port {port}", hint="Give one from 1 to 65535.")
    if error.errno == errno.EADDRINUSE:
        return ConfigurationError(
            f"another program listens on {where}",
            hint="Name another one with --port; 0 takes any that is free.",
        )
    return ConfigurationError(
        f"cannot listen on {where}: {error.strerror}", hint="Name another one: --bind, --port."
    )


def _bracketed(address: IPv4Address | IPv6Address) -> str:
    return f"[{address}]" if address.version == 6 else str(address)  # noqa: PLR2004
