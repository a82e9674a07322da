"""The report in a real Chromium, as wide as a phone and as a desktop."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from pradrill.config.letterhead import read_clauses
from pradrill.domain.casefile import CaseFile
from pradrill.reporting.html import Letterhead, render_html
from pradrill.testing import a_case, a_record

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed")

QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--virtual-time-budget=10000",
)
# The report allows no script, so it is measured from outside, through a frame of that width.
FRAME = """<!DOCTYPE html><body style="margin:0"><iframe id="f" src="report.html"
style="border:0;width:%dpx;height:900px"></iframe><pre id="told"></pre><script>
document.getElementById("f").onload = (event) => {
  const page = event.target.contentDocument, root = page.documentElement;
  const wide = [...page.body.querySelectorAll("*")].filter((element) => {
    const scrolls = element.closest(".picture");
    const box = element.getBoundingClientRect();
    return !scrolls && box.width > 0 && box.right > root.clientWidth + 1;
  }).map((element) => element.outerHTML.slice(0, 120));
  document.getElementById("told").textContent = JSON.stringify({
    client: root.clientWidth, scroll: root.scrollWidth, wide: wide.slice(0, 5),
    shown: getComputedStyle(page.querySelector("main")).display,
    sections: page.querySelectorAll("section").length,
  });
};
</script>"""
WORD = "unbreakable" * 40


class _Silent(SimpleHTTPRequestHandler):
    """Serves a folder and tells nobody."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 its name there
        """Say nothing."""


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """Serve a folder on loopback."""
    served = tmp_path / "served"
    served.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(served)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield served, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def measured_in_chromium(folder: tuple[Path, str], tmp_path: Path, width: int) -> dict[str, Any]:
    """Return what the frame's script told of the page in it."""
    served, address = folder
    (served / "frame.html").write_text(FRAME % width, encoding="utf-8")
    profile = tmp_path / "profile"
    command = [str(CHROMIUM), *QUIET, f"--user-data-dir={profile}", "--dump-dom"]
    done = subprocess.run(
        [*command, f"--window-size={width + 40},1000", f"{address}/frame.html"],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    told = re.search(r'<pre id="told">(.+?)</pre>', done.stdout, re.DOTALL)
    assert told is not None, done.stderr[-2_000:]
    found: dict[str, Any] = json.loads(html.unescape(told[1]))
    return found


@pytest.mark.parametrize("width", [390, 1_280])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_page_is_not_wider_than_its_window(
    folder: tuple[Path, str], tmp_path: Path, width: int, language: str
) -> None:
    """At phone and desktop width, nothing of a full report reaches over the edge."""
    page = render_html(a_case(), Letterhead(language=language, clauses=read_clauses(None)))
    (folder[0] / "report.html").write_text(page, encoding="utf-8")
    found = measured_in_chromium(folder, tmp_path, width)
    assert found["client"] in range(width - 20, width + 1)
    assert found["wide"] == []
    assert found["scroll"] <= found["client"]
    assert found["sections"] > 15


def test_hostile_words_do_not_widen_the_page(folder: tuple[Path, str], tmp_path: Path) -> None:
    """A name without a place to break it is broken anyway, on the narrowest window."""
    case = a_case()
    record = a_record(
        run_id=WORD,
        reasons=(WORD,),
        residue=(WORD,),
        limits=(WORD,),
        versions={WORD: WORD},
        checks=(case.record.checks[0].model_copy(update={"title": WORD, "detail": WORD}),),
    )
    page = render_html(CaseFile(record=record, findings=case.findings))
    (folder[0] / "report.html").write_text(page, encoding="utf-8")
    found = measured_in_chromium(folder, tmp_path, 390)
    assert found["wide"] == []
    assert found["scroll"] <= found["client"]


def test_the_measure_sees_an_overflow(folder: tuple[Path, str], tmp_path: Path) -> None:
    """A page that is too wide is told to be: the measurement can fail."""
    page = render_html(CaseFile(record=a_record())).replace(
        "<h1", '<div style="width:2000px">x</div><h1'
    )
    (folder[0] / "report.html").write_text(page, encoding="utf-8")
    found = measured_in_chromium(folder, tmp_path, 390)
    assert found["scroll"] > found["client"]
    assert found["wide"]
