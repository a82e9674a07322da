"""Send how a run goes while it goes: server-sent events, from its journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import PlainTextResponse, StreamingResponse
from starlette.types import Receive, Scope, Send

from pradrill.app.journal import JournalReading
from pradrill.errors import PradrillError
from pradrill.register.runs.draft import JOURNAL
from pradrill.register.runs.folders import is_locked, is_sealed
from pradrill.web.background import in_background
from pradrill.web.reader import Pages

MOST_STREAMS = 8
_PAUSE, _LOOKS_A_PAUSE = 0.25, 4
"""Seconds between two looks for the client, and how many looks there are between two events."""
_STEPS_EVERY = 5
"""Events between two drawings of the steps while nothing is noted: their bars grow slowly."""


class _JournalView(NamedTuple):
    """A journal as it was read last: it is read anew once it has grown."""

    size: int = -1
    reading: JournalReading | None = None


class RunStreams:
    """Answers with the events of a run; to so many at a time."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages
        self._open = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send events until the run ends or the client goes."""
        if self._open >= MOST_STREAMS:
            refusal = PlainTextResponse("too many are watching\n", 503, {"retry-after": "10"})
            await refusal(scope, receive, send)
            return

        self._open += 1
        try:
            events = self._events(Request(scope, receive))
            await StreamingResponse(events, media_type="text/event-stream")(scope, receive, send)
        finally:
            self._open -= 1

    async def _events(self, request: Request) -> AsyncIterator[str]:
        run_id = str(request.path_params["run"])
        view, age = _JournalView(), 0
        while True:
            before = view
            try:
                view, parts = await in_background(partial(self._look, run_id, before))
            except PradrillError:  # its page says what is wrong
                parts = None
            if parts is None:
                yield event("end")
                return

            age = 0 if view.size != before.size else age + 1
            for name, content in parts.items():
                if name != "steps" or age % _STEPS_EVERY == 0:
                    yield event(name, content)

            for _ in range(_LOOKS_A_PAUSE):
                if await request.is_disconnected():
                    return
                await asyncio.sleep(_PAUSE)

    def _look(self, run_id: str, view: _JournalView) -> tuple[_JournalView, dict[str, str] | None]:
        """Return what the journal tells now; no parts of the page once the run has ended."""
        folder = self._pages.folder(run_id)
        if is_sealed(folder) or not is_locked(folder):
            return view, None
        size = (folder / JOURNAL).stat().st_size
        if size != view.size:
            view = _JournalView(size, self._pages.journal(run_id))
        return view, {} if view.reading is None else self._pages.live_parts(run_id, view.reading)


def event(name: str, content: str = "") -> str:
    """Write one event. Each line of its content is marked, so that none can begin another."""
    data = "".join(f"data: {line}\n" for line in content.splitlines() or [""])
    return f"event: {name}\n{data}\n"
