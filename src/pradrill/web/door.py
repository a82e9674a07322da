"""Let in who has the token, by GET and HEAD, under a name of ours; say what a browser may do."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
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

        answer = self._answer(Request(scope))
        await (self._app if answer is None else answer)(scope, receive, sealed_send)

    def _answer(self, request: Request) -> Response | None:
        """Return what is answered at the door; None for who may come in."""
        if _name(request.headers.get("host", "")) not in self._names:
            return PlainTextResponse("this page is not called by that name\n", 421)
        if request.method not in _METHODS:
            allowed = {"allow": ", ".join(_METHODS)}
            return PlainTextResponse("this page is for reading only\n", 405, allowed)
        if request.url.path == ENTRANCE:
            return self._let_in(request)
        if request.url.path in OPEN_TO_ALL:
            return None
        if self._token.is_kept(request.cookies.get(self._cookie, "")):
            return None
        return HTMLResponse(self._ask(False), 401)

    def _let_in(self, request: Request) -> Response:
        """Give a cookie for the token, and an address without it."""
        offer = request.query_params.get("token", "")
        if not self._token.opens(offer):
            return HTMLResponse(self._ask(bool(offer)), 401)

        answer = RedirectResponse("/", 303)
        by_tls = request.headers.get("x-forwarded-proto") == "https"  # of a proxy; it hurts nobody
        answer.set_cookie(
            self._cookie, self._token.cookie, httponly=True, samesite="strict", secure=by_tls
        )
        return answer


def _name(host: str) -> str:
    """Return the name in a Host header, without its port."""
    name, colon, port = host.rpartition(":")
    has_port = bool(colon) and port.isascii() and port.isdigit()
    return (name if has_port else host).lower()
