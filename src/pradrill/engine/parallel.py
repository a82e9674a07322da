"""Run branches of a recovery side by side: each begins once those that it comes after let it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from graphlib import TopologicalSorter
from queue import SimpleQueue

Name = str | None
GoOn = Callable[[], None]
"""Called by a branch, at most once: those that come after it may begin."""


class Halt:
    """Ends what runs side by side, once one of them has not passed."""

    def __init__(self) -> None:
        self.by: str | None = None
        """The first that did not pass."""

    def pull(self, name: str) -> None:
        """End the others; only the first that pulls is told as the cause."""
        self.by = self.by or name


def side_by_side(
    after: Mapping[Name, Collection[Name]], take: Callable[[Name, GoOn], None]
) -> None:
    """Take every branch that may begin, each in a thread; return when nothing runs any more.

    A branch that ends without having called `go_on` holds up those that come after it. What a
    branch raises is raised here, after all of them have ended.
    """
    order = TopologicalSorter(after)
    order.prepare()
    if len(after) <= 1:  # it needs no thread
        for name in after:
            take(name, _nothing_waits)
        return

    news: SimpleQueue[tuple[Name, bool]] = SimpleQueue()
    futures: list[Future[None]] = []
    running = 0
    with ThreadPoolExecutor(len(after)) as pool:
        while True:
            for name in order.get_ready():
                go_on, ended = (partial(news.put, (name, may)) for may in (True, False))
                future = pool.submit(take, name, go_on)
                future.add_done_callback(partial(_tell, ended))
                futures.append(future)
                running += 1
            if not running:
                break

            name, may_go_on = news.get()
            if may_go_on:
                order.done(name)
            else:
                running -= 1

    for future in futures:
        future.result()


def _nothing_waits() -> None:
    """Let nobody go on: one branch runs alone."""


def _tell(ended: Callable[[], None], _future: Future[None]) -> None:
    ended()
