"""Say which address shows which page."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from pradrill.app.reading import warn
from pradrill.errors import PradrillError, UsageError
from pradrill.reporting.language.i18n import _, speaking
from pradrill.reporting.web.pages import message_page, script, stylesheet
from pradrill.web.background import in_background
from pradrill.web.door import REPORT_POLICY
from pradrill.web.reader import NoPageError, Pages
from pradrill.web.stream import RunStreams

_AT_ONCE = 2
"""Pages that are made at a time: each reads a whole register."""
_Answer = Callable[[Request], Awaitable[Response]]


def application(pages: Pages) -> Starlette:
    """Return what answers whoever was let in."""
    desks = asyncio.Semaphore(_AT_ONCE)

    def page(make: Callable[[Request], str], policy: str | None = None) -> _Answer:
        async def answer(request: Request) -> Response:
            headers = {} if policy is None else {"content-security-policy": policy}
            async with desks:
                text, code = await in_background(partial(_page_or_why, pages, make, request))
            return HTMLResponse(text, code, headers if code == 200 else {})  # noqa: PLR2004

        return answer

    def run_id(request: Request) -> str:
        return str(request.path_params["run"])

    routes = [
        Route("/", page(lambda _request: pages.status())),
        Route("/runs", page(lambda request: pages.runs(_number(request)))),
        Route("/runs/{run}", page(lambda request: pages.run(run_id(request)))),
        Route("/runs/{run}/report", page(lambda r: pages.report(run_id(r)), REPORT_POLICY)),
        Route("/runs/{run}/events", RunStreams(pages)),
        Route("/findings", page(lambda request: _findings(pages, request))),
        Route("/coverage", page(lambda _request: pages.coverage())),
        Route("/dossier", page(lambda _request: pages.dossier(), REPORT_POLICY)),
        Route("/style.css", _file(stylesheet(), "text/css")),
        Route("/live.js", _file(script(), "text/javascript")),
    ]
    return Starlette(routes=routes, exception_handlers={HTTPException: _Nothing(pages)})


def _page_or_why(pages: Pages, make: Callable[[Request], str], request: Request) -> tuple[str, int]:
    """Return a page, or the one that says why there is none; no traceback reaches a reader."""
    try:
        return make(request), 200
    except PradrillError as error:
        code = 404 if isinstance(error, UsageError) else 500
        with speaking(pages.look.language):
            titles = {404: _("There is no such page"), 500: _("This page cannot be shown")}
        worded = isinstance(error, NoPageError)
        page = message_page(pages.look, titles[code], error.message, error.hint, worded=worded)
        return page, code
    except Exception as error:  # noqa: BLE001 our bug: told where the command runs, and no more
        warn(f"{request.url.path}: internal error: {error!r}")
        with speaking(pages.look.language):
            title = _("This page could not be made: see what pradrill web has printed")
        return message_page(pages.look, title), 500


def _findings(pages: Pages, request: Request) -> str:
    service = request.query_params.get("service")
    closed_too = "all" in request.query_params
    return pages.findings(_number(request), service, closed_too=closed_too)


def _number(request: Request) -> int:
    """Return which part of a list is asked for; the first where it is no number."""
    text = request.query_params.get("page", "1")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1  # noqa: PLR2004


def _file(content: str, media_type: str) -> _Answer:
    async def answer(_request: Request) -> Response:
        return Response(content, media_type=media_type)

    return answer


class _Nothing:
    """Answers an address that shows nothing."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    async def __call__(self, request: Request, error: Exception) -> Response:
        """Say so in the frame of the other pages."""
        code = error.status_code if isinstance(error, HTTPException) else 500
        with speaking(self._pages.look.language):
            title = _("There is no such page")
        text = message_page(self._pages.look, title, request.url.path)
        return HTMLResponse(text, code)
