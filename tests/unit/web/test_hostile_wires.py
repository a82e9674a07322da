"""Whatever bytes come in where pages are served, nobody comes in by them or keeps others out."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from tests.support.hostile import EXAMPLES
from uvicorn import Config, Server

from pradrill.web.connections import BoundedConnection
from pradrill.web.door import ENTRANCE, Door
from pradrill.web.token import PageToken

TOKEN = PageToken()
INSIDE = b"inside, which is nobody's without the token"
ASKED = b"token?"
STATUS = re.compile(rb"(?:\A|\r\n\r\n.*?)HTTP/1\.1 (\d{3}) ", re.DOTALL)
GOOD = b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
PATIENCE = 5.0


@contextmanager
def served() -> Iterator[int]:
    """Serve what is behind the door, as `pradrill web` does, and give the port."""
    door = Door(
        PlainTextResponse(INSIDE), TOKEN, frozenset({"localhost"}), "pradrill",
        lambda _is_wrong: ASKED.decode(),
    )  # fmt: skip
    server = Server(
        Config(
            door, access_log=False, http=BoundedConnection, lifespan="off", log_config=None,
            log_level="critical", proxy_headers=False, server_header=False, ws="none",
            timeout_graceful_shutdown=0,
        )
    )  # fmt: skip
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, args=([listener],), daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)
        try:
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def answer_to(port: int, pieces: list[bytes]) -> bytes:
    """Send that, and that nothing more comes; return all that is answered. It ends by itself."""
    answer = b""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while piece := connection.recv(65_536):
                answer += piece
        except OSError:  # it has hung up, in one way or another
            pass
    return answer


parts = st.sampled_from(
    [
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/9.9\r\n",
        b"GET  /\r\n",
        b"PRI * HTTP/2.0\r\n\r\n",
        b"POST %s HTTP/1.1\r\n" % ENTRANCE.encode(),
        b"HEAD / HTTP/1.0\r\n",
        b"CONNECT a:1 HTTP/1.1\r\n",
        b"GET http://localhost/ HTTP/1.1\r\n",
        b"GET /%00%ff HTTP/1.1\r\n",
        b"GET /\xff HTTP/1.1\r\n",
        b"Host: localhost\r\n",
        b"Host: localhost\r\n",
        b"Host: elsewhere\r\n",
        b"Host:\xff\r\n",
        b"Content-Length: 99999999999999999999999\r\n",
        b"Content-Length: -1\r\n",
        b"Content-Length: 7\r\n",
        b"Content-Length: 8\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n",
        b"ffffffffffffffff\r\n",
        b"5\r\ntoken\r\n0\r\n\r\n",
        b"Expect: 100-continue\r\n",
        b"Upgrade: websocket\r\nConnection: Upgrade\r\n",
        b"\r\n",
        b"\r\n",
        b"a: b\r\n" * 3_000,
        b"a: " + b"b" * 70_000 + b"\r\n",
        b" folded\r\n",
        b"a b: c\r\n",
        b"\0",
        b"Cookie: pradrill=\xff; pradrill\r\n",
        b"token=a",
        b"\n\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"Content-Type: application/x-www-form-urlencoded\r\n",
        b"token=" + b"a" * 9_000,
    ]
)


@settings(max_examples=EXAMPLES // 2)
@given(st.lists(st.lists(parts | st.binary(max_size=9), max_size=9), min_size=1, max_size=6))
def test_no_bytes_open_the_door_or_close_it_for_others(asks: list[list[bytes]]) -> None:
    """Each is answered or cut off at once, with no error of ours; then a page is asked for well."""
    with served() as port:
        for pieces in asks:
            answer = answer_to(port, pieces)
            assert INSIDE not in answer
            assert not answer or answer.startswith(b"HTTP/1.1 ")
            assert {int(each) for each in STATUS.findall(answer)} <= {400, 401, 405, 421}
        assert answer_to(port, [GOOD]).endswith(ASKED)


def test_what_a_proxy_reads_otherwise_is_one_request_at_most() -> None:
    """Two lengths of a body, or codings of it, could hide a second request in a first."""
    hidden = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
    for length in (
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        b"Transfer-Encoding: xchunked\r\n",
    ):
        head = b"POST %s HTTP/1.1\r\nHost: localhost\r\n" % ENTRANCE.encode()
        with served() as port:
            answer = answer_to(port, [head + length + b"\r\n0\r\n\r\n" + hidden])
        assert answer.count(b"HTTP/1.1 ") <= 1
