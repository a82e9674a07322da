"""Connections of `pradrill web` before anybody has shown a token: how many, and for how long."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from uvicorn import Config
from uvicorn.server import ServerState

from pradrill.web import connections
from pradrill.web.connections import BoundedConnection

REQUEST = b"GET %s HTTP/1.1\r\nHost: x\r\n\r\n"


class _Listener:
    """A server of three pages, of which /slow waits for its gate."""

    def __init__(self) -> None:
        self.port = 0
        self.state = ServerState()
        self.gate = asyncio.Event()
        self.writers: list[asyncio.StreamWriter] = []

    async def client(self, content: bytes = b"") -> asyncio.StreamReader:
        """Connect, and send what is given."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        self.writers.append(writer)
        writer.write(content)
        return reader

    async def answer(self, scope: Any, _receive: Any, send: Any) -> None:
        """Answer a request without a look at its body."""
        if scope["path"] == "/slow":
            await self.gate.wait()
        body = bytes(32 << 20) if scope["path"] == "/large" else b"answer"
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": 200, "headers": [length]})
        await send({"type": "http.response.body", "body": body})


@asynccontextmanager
async def _listening() -> AsyncIterator[_Listener]:
    listener = _Listener()
    config = Config(
        listener.answer,
        http=BoundedConnection,
        interface="asgi3",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
        ws="none",
    )
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedConnection(config, listener.state, {}), "127.0.0.1", 0, backlog=64
    )
    async with server:
        listener.port = server.sockets[0].getsockname()[1]
        yield listener
        for writer in listener.writers:
            writer.close()
        for each in list(listener.state.connections):
            each.transport.abort()


async def _end(reader: asyncio.StreamReader) -> bytes:
    """Return what comes until the other side has ended."""
    try:
        return await asyncio.wait_for(reader.read(), 10)
    except ConnectionResetError:
        return b""


async def _until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not holds():  # noqa: ASYNC110 the server has no event for it
            await asyncio.sleep(0.001)


def test_who_asks_for_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silence, half a request, half a body, and silence after an answer; never what is answered."""
    monkeypatch.setattr(connections, "SECONDS_TO_ASK", 0.05)

    async def drip(listener: _Listener, reader: asyncio.StreamReader) -> None:
        writer = listener.writers[-1]
        while not reader.at_eof():
            writer.write(b"X-Y: z\r\n")
            await asyncio.sleep(0.01)

    async def scene() -> None:
        async with _listening() as listener:
            slow = await listener.client(REQUEST % b"/slow")
            others = [
                await listener.client(),
                await listener.client(REQUEST % b"/"),
                await listener.client(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n"),
                await listener.client(b"GET / HTTP/1.1\r\n"),
            ]
            dripping = asyncio.create_task(drip(listener, others[-1]))
            answers = [await _end(each) for each in others]
            assert [b"answer" in each for each in answers] == [False, True, True, False]
            dripping.cancel()
            assert len(listener.state.connections) == 1
            listener.gate.set()
            assert b"answer" in await _end(slow)

    asyncio.run(scene())


def test_who_asks_finds_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any number that ask for nothing keep out nobody; those that are answered are not ended."""
    monkeypatch.setattr(connections, "MOST_CONNECTIONS", 4)

    async def scene() -> None:
        async with _listening() as listener:
            slow = [await listener.client(REQUEST % b"/slow") for _ in range(3)]
            await _until(lambda: len(listener.state.tasks) == len(slow))
            idle = [await listener.client() for _ in range(20)]
            reader = await listener.client(REQUEST % b"/")
            assert await asyncio.wait_for(reader.readuntil(b"answer"), 10)
            assert [await _end(each) for each in idle] == [b""] * len(idle)
            assert len(listener.state.connections) == 4

            slow.append(await listener.client(REQUEST % b"/slow"))
            await _until(lambda: len(listener.state.tasks) == len(slow))
            assert await _end(await listener.client()) == b"", "all the others are answered"
            listener.gate.set()
            for each in slow:
                assert await asyncio.wait_for(each.readuntil(b"answer"), 10)

    asyncio.run(scene())


def test_who_reads_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers that nobody takes away hold a connection for so long, and no longer."""
    monkeypatch.setattr(connections, "SECONDS_TO_READ", 0.05)

    async def scene() -> None:
        async with _listening() as listener:
            with socket.create_connection(("127.0.0.1", listener.port)) as client:
                client.sendall(REQUEST % b"/large" * 3)
                await _until(lambda: bool(listener.state.tasks))
                await _until(lambda: not (listener.state.tasks or listener.state.connections))

    asyncio.run(scene())
