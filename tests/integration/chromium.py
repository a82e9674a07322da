"""A page of ours in a real Chromium: how wide it is, how readable, and what it asks for."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

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
        result = self._open("frame.html", "--dump-dom", f"--window-size={width + 40},1000")
        match = re.search(r'<pre id="told">(.+?)</pre>', result.stdout, re.DOTALL)
        assert match is not None, result.stderr[-2_000:]
        measures: dict[str, Any] = json.loads(html.unescape(match[1]))
        return measures

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
