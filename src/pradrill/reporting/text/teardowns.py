"""Describe teardowns that were repeated, and those that are owed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from pradrill.domain.register.entry import RunEntry, TeardownEntry
from pradrill.reporting.language.formats import at, line
from pradrill.reporting.language.i18n import _

_WIDTH = 200


def offer(run: RunEntry) -> str:
    """Return what a run has left and how it is removed, in one line."""
    more = f" and {len(run.residue) - 1} more" if len(run.residue) > 1 else ""
    left = line(run.residue[0], _WIDTH)
    return f"run {run.run_id} left {left}{more}: pradrill teardown {run.run_id}"


def teardown_lines(teardowns: Iterable[TeardownEntry]) -> Iterator[str]:
    """Yield one line a teardown, and one for each thing that it left."""
    for teardown in teardowns:
        yield _(
            "torn down once more, %(at)s, by %(who)s: %(result)s",
            at=at(teardown.began),
            who=line(teardown.by, 80),
            result=_("something is left:") if teardown.left else _("nothing is left"),
        )
        for left in teardown.left:
            yield f"  {line(left, _WIDTH)}"
