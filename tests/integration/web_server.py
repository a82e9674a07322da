"""`pradrill web` as a process of its own, asked by plain HTTP; and a run that goes on meanwhile."""

from __future__ import annotations

import http.client
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import fold
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.values.timeline import Instant, Mark, Provenance
from pradrill.register.chain.register import Register
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_run_plan, a_start, a_step


class PageAnswer(NamedTuple):
    """What the server answered."""

    status: int
    headers: dict[str, str]
    text: str


class WebServer:
    """The process, what it has printed, and the cookie that it gave."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        assert process.stdout is not None
        self.address = process.stdout.readline().strip()
        assert self.address.startswith("http://"), self.address
        self.base = "/".join(self.address.split("/")[:3])
        self.name, _, port = self.base.removeprefix("http://").rpartition(":")
        self.port = int(port)
        self.cookie = ""

    def ask(
        self,
        path: str,
        method: str = "GET",
        *,
        content: bytes | None = None,
        cookie: str | None = None,
        **headers: str,
    ) -> PageAnswer:
        """Send a request, with the cookie unless another one is given."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        cookie = self.cookie if cookie is None else cookie
        given = {"Cookie": cookie} if cookie else {}
        connection.request(method, path, content, {"Host": self.name, **given, **headers})
        answer = connection.getresponse()
        fields = {name.lower(): value for name, value in answer.getheaders()}
        text = answer.read().decode()
        connection.close()
        return PageAnswer(answer.status, fields, text)

    def enter(self) -> None:
        """Give the token for the cookie, as a browser does."""
        self.keep(self.ask(self.address.removeprefix(self.base)))

    def form(self, token: str, kind: str = "application/x-www-form-urlencoded") -> PageAnswer:
        """Enter a token."""
        content = urlencode({"token": token}).encode()
        return self.ask("/open", "POST", content=content, cookie="", **{"Content-Type": kind})

    def keep(self, answer: PageAnswer) -> None:
        """Keep the cookie that was given."""
        assert answer.status == http.client.SEE_OTHER
        self.cookie = answer.headers["set-cookie"].partition(";")[0]

    def page(self, path: str) -> str:
        """Return a page that is there."""
        answer = self.ask(path)
        assert answer.status == http.client.OK, answer
        return answer.text

    def listen(self, run_id: str) -> http.client.HTTPResponse:
        """Return the events of a run as they come."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Host": self.name, "Cookie": self.cookie}
        connection.request("GET", f"/runs/{run_id}/events", headers=headers)
        return connection.getresponse()

    def end(self, number: int = signal.SIGINT) -> None:
        """End it as Ctrl-C does: soon, cleanly and without a word."""
        self.process.send_signal(number)
        self.process.wait(10)
        assert self.process.returncode == 0
        assert self.process.communicate() == ("", "")


@contextmanager
def web_server(state: Path, drills: Path, *words: str) -> Iterator[WebServer]:
    """Start the server on a port that is free, and end it."""
    program = [sys.executable, "-m", "pradrill", "--state", str(state), "--drills", str(drills)]
    process = subprocess.Popen(
        [*program, "web", "--port", "0", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield WebServer(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


class GoingRun:
    """A run whose journal this process writes, and whose lock it holds: it goes on."""

    def __init__(self, state: Path, began: float = 60.0, **changes: Any) -> None:
        """Begin one that many seconds ago."""
        self.start = datetime.now(UTC) - timedelta(seconds=began)
        self.plan = a_run_plan(**changes)
        self.store = FileRunStore(state, Register(state))
        self.journal = self.store.open("moodle", self.start)
        self.run_id = self.journal.run_id
        self.note(Event.STARTED, a_start(plan=self.plan).model_dump(mode="json"), began)
        disruption = Instant.around(self.start, Provenance.MEASURED)
        mark = {"mark": Mark.DISRUPTION, "instant": disruption.model_dump(mode="json")}
        self.note(Event.MARK, mark)
        self.number = 0

    def note(self, event: Event, facts: dict[str, Any], ago: float = 0.0) -> None:
        """Write a fact down."""
        self.journal.append(event, datetime.now(UTC) - timedelta(seconds=ago), facts)

    def begin(self, ago: float = 0.0) -> str:
        """Begin the next step, and return its name."""
        step = self.plan.steps[self.number]
        facts = {"phase": step.phase, "name": step.name, "service": step.service}
        self.note(Event.STEP_STARTED, facts, ago)
        return step.name

    def finish(self, outcome: StepOutcome = StepOutcome.PASSED, detail: str = "") -> None:
        """End the step that runs."""
        step = self.plan.steps[self.number]
        self.number += 1
        result = a_step(
            phase=step.phase,
            name=step.name,
            kind=step.kind,
            outcome=outcome,
            started=self.start + timedelta(seconds=3 * self.number),
            ended=self.start + timedelta(seconds=3 * self.number + 3),
            seconds=3.0,
            detail=detail,
        )
        self.note(Event.STEP_ENDED, result.model_dump(mode="json"))

    def seal(self) -> None:
        """End the run."""
        self.note(Event.ENDED, {"ended": datetime.now(UTC).isoformat()})
        facts = fold(self.journal.events())
        assert facts is not None
        end = datetime.now(UTC)
        self.journal.seal(record_of(facts, self.run_id, end, self.journal.evidence()))
