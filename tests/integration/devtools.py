"""A tab of a real Chromium, driven by its DevTools protocol over two pipes."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.integration.chromium import CHROMIUM, axe

_OPTIONS = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-sync", "--disable-background-networking", "--disable-component-update"),
    *("--hide-scrollbars", "--remote-debugging-pipe", "--proxy-server=http://127.0.0.1:9"),
)
_SECONDS = 60.0


class Tab:
    """One tab: it goes where it is told, as wide and as dark as it is told."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands = commands
        self._answers = answers
        self._rest = b""
        self._number = 0
        self._session: str | None = None
        self._events: list[dict[str, Any]] = []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        """Send a command, and return its result."""
        self._number += 1
        command: dict[str, Any] = {"id": self._number, "method": method, "params": values}
        if self._session is not None:
            command["sessionId"] = self._session
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while True:
            message = self._message()
            if message.get("id") == self._number:
                assert "error" not in message, message
                result: dict[str, Any] = message["result"]
                return result
            self._events.append(message)

    def open(self, address: str) -> None:
        """Go to an address, and wait until all of it is there."""
        self._events.clear()
        self.call("Page.navigate", url=address)
        self.wait_for("Page.loadEventFired")

    def wait_for(self, event: str) -> None:
        """Wait until something happens."""
        while all(message.get("method") != event for message in self._events):
            self._events.append(self._message())

    def look(self, width: int, *, dark: bool = False) -> None:
        """Be that wide, and that dark."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 500}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])

    def value(self, expression: str) -> Any:
        """Return what an expression comes to in the page; its policy does not bind us."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True
        )
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def until(self, expression: str, seconds: float = 20.0) -> Any:
        """Return what an expression comes to once it is true."""
        end = time.monotonic() + seconds
        while not (value := self.value(expression)):
            assert time.monotonic() < end, (expression, self.value("document.body.innerText"))
            time.sleep(0.05)
        return value

    def violations(self) -> list[str]:
        """Return what axe finds wrong in the page."""
        self.value(axe().decode() + "; 0")
        return list(
            self.value(
                "axe.run({resultTypes: ['violations']}).then(({passes, violations}) => "
                "passes.length > 15 ? violations.flatMap(({id, nodes}) => nodes.map((node) => "
                "`${id}: ${node.html.slice(0, 160)}: ${node.failureSummary}`)) : ['too few rules'])"
            )
        )

    def refused(self) -> list[str]:
        """Return what the page's policy or the network has refused since it was opened."""
        self.value("0")
        logged = (each for each in self._events if each.get("method") == "Log.entryAdded")
        entries = [each["params"]["entry"] for each in logged]
        return [each["text"] for each in entries if each["level"] != "verbose"]

    def _message(self) -> dict[str, Any]:
        while b"\0" not in self._rest:
            piece = os.read(self._answers, 1 << 20)
            assert piece, "the browser has ended"
            self._rest += piece
        first, _, self._rest = self._rest.partition(b"\0")
        message: dict[str, Any] = json.loads(first)
        return message


@contextmanager
def tab(folder: Path) -> Iterator[Tab]:
    """Start a browser with a profile of its own, and return its tab."""
    command_end, commands = os.pipe()
    answers, answer_end = os.pipe()
    profile = f"--user-data-dir={folder / 'profile'}"
    # The protocol is spoken over the descriptors 3 and 4.
    script = f'exec "$@" 3<&{command_end} 4>&{answer_end}'
    browser = subprocess.Popen(
        ["bash", "-c", script, "bash", str(CHROMIUM), *_OPTIONS, profile],
        pass_fds=(command_end, answer_end),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    os.close(command_end)
    os.close(answer_end)
    try:
        yield Tab(commands, answers)
    finally:
        os.close(commands)  # it ends without
        try:
            browser.wait(10)
        except subprocess.TimeoutExpired:
            browser.kill()
            browser.wait()
        os.close(answers)
