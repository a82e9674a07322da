"""Whatever a browser asks for, or something that is none, nobody comes in without the token."""

from __future__ import annotations

import asyncio
from typing import NamedTuple
from urllib.parse import quote

from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.responses import PlainTextResponse
from starlette.types import Message
from tests.support.hostile import EXAMPLES

from pradrill.web.door import ENTRANCE, OPEN_TO_ALL, Door
from pradrill.web.token import PageToken

TOKEN = PageToken()
INSIDE = PlainTextResponse("inside")
DOOR = Door(INSIDE, TOKEN, frozenset({"localhost"}), "pradrill", lambda ask: f"token? {ask}")
STATES = {INSIDE.status_code, 401, 405, 421}

fields = st.sampled_from([b"host", b"cookie", b"content-type", b"x-forwarded-proto", b"accept"])
payloads = st.binary(max_size=30) | st.sampled_from(
    [
        *(b"localhost", b"LOCALHOST:80", b"localhost:", b"[::1]:80", b"pradrill=", b"pradrill=a"),
        *(b'pradrill="\\303\\251"', b"pradrill=%ff;pradrill", b"https", b"a=b; c"),
        *(b"application/x-www-form-urlencoded", b"multipart/form-data; boundary=a"),
    ]
)
bodies = st.binary(max_size=40) | st.sampled_from(
    [b"token=a", b"token=%ff%00", b"token=%ED%A0%80", b"a=1&" * 400, b"token=" + b"a" * 2_000]
)


class Ask(NamedTuple):
    """A request as uvicorn hands it on: its address is ASCII, its headers are any bytes."""

    method: str
    path: str
    query: bytes
    headers: list[tuple[bytes, bytes]]
    pieces: list[bytes]


headers = st.lists(st.tuples(fields, payloads), max_size=4)
requests = st.builds(
    Ask,
    st.sampled_from(["GET", "HEAD", "POST", "PUT", "OPTIONS", "get", ""]),
    st.sampled_from(["/", ENTRANCE, *OPEN_TO_ALL, "/open/", "//open"]) | st.text(max_size=9),
    (bodies | st.text(max_size=20).map(str.encode)).map(lambda each: quote(each, "=&%").encode()),
    headers | headers.map(lambda rest: [(b"host", b"localhost"), *rest]),
    st.lists(bodies, max_size=3),
)


def state_of(ask: Ask) -> int:
    """Return with which state a request is answered."""
    states: list[int] = []
    waiting: list[Message] = [
        {"type": "http.request", "body": each, "more_body": True} for each in ask.pieces
    ]
    waiting.append({"type": "http.disconnect"})

    async def receive() -> Message:
        return waiting.pop(0)

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            states.append(message["status"])

    scope = {
        "type": "http", "method": ask.method, "path": ask.path, "query_string": ask.query,
        "headers": ask.headers, "scheme": "http", "server": ("localhost", 80),
        "client": ("192.0.2.1", 5), "root_path": "", "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(DOOR(scope, receive, send))
    (state,) = states
    return state


@settings(max_examples=2 * EXAMPLES)
@given(requests)
def test_nobody_comes_in_without_the_token(ask: Ask) -> None:
    """Each request is answered, and what lies inside only where it is open to all."""
    state = state_of(ask)
    assert state in STATES
    assert state != INSIDE.status_code or ask.path in OPEN_TO_ALL


def test_with_the_token_they_come_in() -> None:
    """As the door of the same test: it is not merely closed."""
    host = (b"host", b"localhost")
    entrance = Ask("GET", ENTRANCE, f"token={TOKEN.value}".encode(), [host], [])
    assert state_of(entrance) == 303
    cookie = (b"cookie", f"pradrill={TOKEN.cookie}".encode())
    assert state_of(Ask("GET", "/", b"", [host, cookie], [])) == INSIDE.status_code
