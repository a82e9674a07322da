"""Let in who has the token, under a name of ours, to read; say what a browser may do."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from urllib.parse import parse_qs

from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pradrill.web.token import PageToken

POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
REPORT_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
"""A report is whole in itself: it brings its styles, and no script may run in it."""
_HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": POLICY,
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_METHODS = ("GET", "HEAD")
OPEN_TO_ALL = ("/style.css", "/live.js")
"""What holds nothing of the state: the page that asks for the token needs it."""
ENTRANCE = "/open"
_METHODS_OF_ENTRANCE = (*_METHODS, "POST")
_FORM = "application/x-www-form-urlencoded"
_LARGEST_FORM = 1_024


class Door:
    """What every request goes through."""

    def __init__(
        self,
        app: ASGIApp,
        token: PageToken,
        names: frozenset[str],
        cookie: str,
        ask: Callable[[bool], str],
    ) -> None:
        """Keep the names by which an application may be called, and what asks for its token."""
        self._app = app
        self._token = token
        self._names = names
        self._cookie = cookie
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or hand it on; either way the answer has the same headers."""

        async def sealed_send(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        answer = await self._answer(Request(scope, receive))
        await (self._app if answer is None else answer)(scope, receive, sealed_send)

    async def _answer(self, request: Request) -> Response | None:
        """Return what is answered at the door; None for who may come in."""
        if _name(request.headers.get("host", "")) not in self._names:
            return PlainTextResponse("this page is not called by that name\n", 421)
        is_entrance = request.url.path == ENTRANCE
        methods = _METHODS_OF_ENTRANCE if is_entrance else _METHODS
        if request.method not in methods:
            allowed = {"allow": ", ".join(methods)}
            return PlainTextResponse("this page is for reading only\n", 405, allowed)
        if is_entrance:
            return self._let_in(request, await self._offer(request))
        if request.url.path in OPEN_TO_ALL:
            return None
        if self._token.is_kept(request.cookies.get(self._cookie, "")):
            return None
        return HTMLResponse(self._ask(False), 401)

    async def _offer(self, request: Request) -> str:
        """Return the token that is shown.

        Addresses stand in histories and logs: there only one counts that ends with the process.
        """
        if request.method == "POST":
            return await _of_form(request)
        return request.query_params.get("token", "") if self._token.is_own else ""

    def _let_in(self, request: Request, offer: str) -> Response:
        """Give a cookie for the token, and an address without it."""
        if not self._token.opens(offer):
            return HTMLResponse(self._ask(bool(offer)), 401)

        answer = RedirectResponse("/", 303)
        by_tls = request.headers.get("x-forwarded-proto") == "https"  # of a proxy; it hurts nobody
        answer.set_cookie(
            self._cookie, self._token.cookie, httponly=True, samesite="strict", secure=by_tls
        )
        return answer


async def _of_form(request: Request) -> str:
    """Return the token in a form; none where it is no form, or a large one."""
    content = b""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() == _FORM:
        with suppress(ClientDisconnect):
            async for piece in request.stream():
                content += piece
                if len(content) > _LARGEST_FORM:
                    return ""
    return parse_qs(content.decode(errors="replace")).get("token", [""])[0]


def _name(host: str) -> str:
    """Return the name in a Host header, without its port."""
    name, colon, port = host.rpartition(":")
    has_port = bool(colon) and port.isascii() and port.isdigit()
    return (name if has_port else host).lower()
