"""Tell, while a restore goes on, how much more lies on the standby than soon after it began.

It is news and no evidence: a standby that does not answer is not asked again, and whatever comes of
it changes nothing in the step, which never waits for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Lock, Thread

from pradrill.domain.run.host import Site
from pradrill.domain.values.quotas import amount
from pradrill.engine.context import Context
from pradrill.ports import Say, ToolProgress

_FIRST = 10.0  # seconds: a restore that has ended by then costs no connection
_PAUSE = 12.0
_PART = 0.02  # of what has passed: some 300 looks in a day, so that a journal stays small
_LEAST = 1_000_000  # bytes: less is what logs write


@contextmanager
def growth_told(
    context: Context, there: Site, first: float = _FIRST, pause: float = _PAUSE
) -> Iterator[Say]:
    """Give what tells a step's news; until the end, growth is told between them."""
    growth = _Growth(context, there, first, pause)
    Thread(target=growth.watch, daemon=True).start()
    try:
        yield growth.say
    finally:
        growth.end()


class _Growth:
    """What has come to the hosts since a step began."""

    def __init__(self, context: Context, there: Site, first: float, pause: float) -> None:
        self._context = context
        self._there = there
        self._first, self._pause = first, pause
        self._paths = ("/", "/var/lib", *context.facts.plan.drill.standby.absent_after_teardown)
        self._over = Event()
        self._lock = Lock()
        self._task = ""
        self._tool_tells = False

    def say(self, line: str) -> None:
        """Tell a line of the play; where a tool says how far it is, that is all that is told."""
        with self._lock:
            self._tool_tells = isinstance(line, ToolProgress)
            self._task = self._task if self._tool_tells else line
            self._context.say(line)

    def end(self) -> None:
        """Tell nothing from here on; an answer that is still to come is not waited for."""
        self._over.set()

    def watch(self) -> None:
        """Ask at intervals that grow, until the end or the first question without an answer."""
        if self._over.wait(self._first):
            return
        try:
            before, waited = self._used(), self._first
            while not self._over.wait(pause := max(self._pause, _PART * waited)):
                waited += pause
                if not self._tool_tells:
                    self._tell(self._used() - before)
        except Exception:  # noqa: BLE001 news stop nothing, whatever a standby answers
            return

    def _used(self) -> int:
        probe = self._context.tools.probe
        return sum(
            sum(probe.used(host, self._there, self._paths).values()) for host in self._there.hosts
        )

    def _tell(self, growth: int) -> None:
        with self._lock:
            if growth >= _LEAST and not self._tool_tells and not self._over.is_set():
                where = f"{self._task}: " if self._task else ""
                self._context.say(f"{where}+{amount(growth)}")
