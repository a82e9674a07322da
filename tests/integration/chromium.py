"""A page of ours in a real Chromium: how wide it is, how readable, and what it asks for."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.metadata import files
from pathlib import Path
from typing import Any, NamedTuple

CHROMIUM = shutil.which("chromium")

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--virtual-time-budget=10000",
)
# Pages allow no script, so they are measured from outside, through a frame of that width.
_FRAME = (Path(__file__).parent / "measure.html").read_text(encoding="utf-8")
_AUDIT = (Path(__file__).parent / "audit.html").read_text(encoding="utf-8")
_POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


class _Silent(SimpleHTTPRequestHandler):
    """Serves a folder, and notes what is asked for."""

    requests: list[str]

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 its name there
        """Say nothing."""

    def send_head(self) -> Any:
        """Note what is asked for, then answer."""
        self.requests.append(self.path)
        del self.headers["If-Modified-Since"]  # pages made within a second are not the same page
        return super().send_head()


class View(NamedTuple):
    """A page, and as it is to be looked at."""

    page: str
    width: int
    dark: bool


def axe() -> bytes:
    """Return axe-core as the package that is locked for the tests has it."""
    packaged = files("axe-playwright-python") or []
    script = next(file for file in packaged if file.name == "axe.min.js")
    return script.read_binary()


class Browser:
    """Shows pages from a folder that is served on loopback; it reaches nothing else."""

    def __init__(self, folder: Path, port: int, requests: list[str]) -> None:
        self.requests = requests
        self._folder = folder
        self._port = port

    def measure(self, page: str, width: int, *, scripts: bool = True) -> dict[str, Any]:
        """Return what can be told of a page in a frame of that width."""
        (self._folder / "page.html").write_text(page, encoding="utf-8")
        allowed = "allow-same-origin allow-scripts" if scripts else "allow-same-origin"
        frame = _FRAME.replace("WIDTH", str(width)).replace("ALLOWED", allowed)
        (self._folder / "frame.html").write_text(frame, encoding="utf-8")
        window = f"--window-size={width + 40},1000"
        measures: dict[str, Any] = self._answer("frame.html", window)
        return measures

    def audit(self, views: Sequence[View]) -> list[dict[str, Any]]:
        """Return what axe finds wrong with pages, all in one start of the browser."""
        (self._folder / "axe.min.js").write_bytes(axe())
        numbers: dict[str, int] = {}
        questions = []
        for page, width, dark in views:
            name = f"page-{numbers.setdefault(page, len(numbers))}.html"
            questions.append({"page": name, "width": width, "dark": dark})
        for page, number in numbers.items():
            open_page = _POLICY.sub("", page)  # which lets no script in, ours included
            with_axe = open_page.replace("</head>", '<script src="axe.min.js"></script></head>')
            (self._folder / f"page-{number}.html").write_text(with_axe, encoding="utf-8")
        script = _AUDIT.replace("ASKED", json.dumps(questions))
        (self._folder / "audit.html").write_text(script, encoding="utf-8")
        answers: list[dict[str, Any]] = self._answer("audit.html", "--window-size=1400,1000")
        return answers

    def _answer(self, name: str, *options: str) -> Any:
        """Return the data that a page of ours wrote into its body."""
        result = self._open(name, "--dump-dom", *options)
        match = re.search(r'<pre id="told">(.+?)</pre>', result.stdout, re.DOTALL)
        assert match is not None, result.stderr[-2_000:]
        return json.loads(html.unescape(match[1]))

    def _open(self, name: str, *options: str) -> subprocess.CompletedProcess[str]:
        profile = f"--user-data-dir={self._folder.parent / 'profile'}"
        proxy = "--proxy-server=http://127.0.0.1:9"  # nobody is there; loopback does without it
        address = f"http://127.0.0.1:{self._port}/{name}"
        return subprocess.run(
            [str(CHROMIUM), *_QUIET, profile, proxy, *options, address],
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """Serve a folder of its own on loopback, and return the browser that looks at it."""
    served = folder / "served"
    served.mkdir()
    requests: list[str] = []
    handler = type("_Noting", (_Silent,), {"requests": requests})
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(handler, directory=str(served)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield Browser(served, server.server_port, requests)
    finally:
        server.shutdown()
        server.server_close()
