"""Bound how many connections there are, and how long one may ask for nothing."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

MOST_CONNECTIONS = 64
SECONDS_TO_ASK = 10.0
"""From a connection, or from the last answer on it, to a whole request."""
SECONDS_TO_READ = 60.0
"""For what was sent, until there is room for more."""


class BoundedConnection(H11Protocol):
    """A connection that ends when nothing is asked or read on it, sooner where another needs room.

    Nobody has shown a token here yet: whoever asks for nothing keeps out nobody who does.
    """

    expiry: asyncio.TimerHandle | None = None
    """When it ends by itself; None while it is answered."""
    _patience: float | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it in; where there are too many, end the one that has asked for nothing longest."""
        super().connection_made(transport)
        self._wait()
        if len(self.connections) > MOST_CONNECTIONS:
            ours = [each for each in self.connections if isinstance(each, BoundedConnection)]
            waits = {each: each.expiry.when() for each in ours if each.expiry is not None}
            min(waits, key=lambda each: waits[each]).give_up()

    def connection_lost(self, exc: Exception | None) -> None:
        """End what waits for it."""
        super().connection_lost(exc)
        self._wait_for(None)

    def data_received(self, data: bytes) -> None:
        """Take in a piece of a request."""
        super().data_received(data)
        self._wait()

    def on_response_complete(self) -> None:
        """Wait for what is asked next."""
        super().on_response_complete()
        self._wait()

    def pause_writing(self) -> None:
        """Wait until what was sent is read."""
        super().pause_writing()
        self._wait()

    def resume_writing(self) -> None:
        """Go on: it was read."""
        super().resume_writing()
        self._wait()

    def _wait(self) -> None:
        """Wait for the client where it is its turn; a piece of a request makes no time longer."""
        cycle = self.cycle
        is_asked = cycle is not None and not (cycle.more_body or cycle.response_complete)
        if self.flow.write_paused:
            self._wait_for(SECONDS_TO_READ)
        else:
            self._wait_for(None if is_asked else SECONDS_TO_ASK)

    def _wait_for(self, patience: float | None) -> None:
        if patience == self._patience:
            return
        if self.expiry is not None:
            self.expiry.cancel()
        self._patience = patience
        self.expiry = None if patience is None else self.loop.call_later(patience, self.give_up)

    def give_up(self) -> None:
        """End it, and make room at once."""
        self._wait_for(None)
        self.connections.discard(self)
        self.transport.abort()
