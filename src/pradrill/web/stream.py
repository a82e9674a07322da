"""Send how a run goes while it goes: server-sent events, from its journal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
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
_PAUSE = 1.0
"""Seconds between two looks at the journal; whoever waits for a person sees the clock go on."""
_UNHELD = {"x-accel-buffering": "no"}
"""Nginx would keep events back until it has many."""
_STEPS_EVERY = 5
"""Events between two drawings of the steps while nothing is noted: their bars grow slowly."""


class _JournalView(NamedTuple):
    """A journal as it was read last: it is read anew once it has grown."""

    size: int = -1
    reading: JournalReading | None = None


class _News(NamedTuple):
    """What is told of a run at one instant: parts of its page, by name."""

    view: _JournalView
    parts: dict[str, str]


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
            answer = StreamingResponse(events, 200, _UNHELD, "text/event-stream")
            await answer(scope, receive, send)
        finally:
            self._open -= 1

    async def _events(self, request: Request) -> AsyncIterator[str]:
        run_id = str(request.path_params["run"])
        view, age = _JournalView(), 0
        try:
            folder = await in_background(partial(self._pages.folder, run_id))
            while (news := await in_background(partial(self._look, folder, view))) is not None:
                age = 0 if news.view.size != view.size else age + 1
                view = news.view
                for name, content in news.parts.items():
                    if name != "steps" or age % _STEPS_EVERY == 0:
                        yield event(name, content)

                if await request.is_disconnected():
                    return
                await asyncio.sleep(_PAUSE)
        except PradrillError:  # the page that is loaded then says what is wrong
            pass
        yield event("end")

    def _look(self, folder: Path, view: _JournalView) -> _News | None:
        """Return what the journal tells now; None once the run has ended."""
        if is_sealed(folder) or not is_locked(folder):
            return None
        journal = folder / JOURNAL
        size = journal.stat().st_size if journal.is_file() else 0  # it may be about to begin
        if size != view.size:
            view = _JournalView(size, self._pages.journal(folder.name))
        reading = view.reading
        return _News(view, {} if reading is None else self._pages.live_parts(folder.name, reading))


def event(name: str, content: str = "") -> str:
    """Write one event. Each line of its content is marked, so that none can begin another."""
    data = "".join(f"data: {line}\n" for line in content.splitlines() or [""])
    return f"event: {name}\n{data}\n"
