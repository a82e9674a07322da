"""Show preconditions: one line each, below whose they are, with the commands that mend them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pradrill.domain.run.precondition import Holding, Precondition
from pradrill.reporting.language.formats import line

_SIGNS = {Holding.HOLDS: "ok", Holding.FAILS: "NO", Holding.REMARK: "!", Holding.OPEN: "?"}


def lines(each: Precondition, before: Precondition | None) -> Iterator[str]:
    """Yield the lines of a precondition, below a heading where it is another's than `before`."""
    if before is None or (before.drill, before.host) != (each.drill, each.host):
        if before is not None:
            yield ""
        yield _heading(each)
    yield f"  {_SIGNS[each.holding]:<2}  {each.about}: {line(each.says)}"
    if each.hint:
        yield f"        HINT: {line(each.hint)}"
    for step in each.mend:
        yield f"        {line(step)}"


def conclusion(looks: Sequence[Precondition]) -> str:
    """Say how many do not hold."""
    failures = sum(each.holding is Holding.FAILS for each in looks)
    left_open = sum(each.holding is Holding.OPEN for each in looks)
    rest = f"; {left_open} could not be looked at yet" if left_open else ""
    if failures:
        verb = "does" if failures == 1 else "do"
        of = f"of {len(looks)} preconditions"
        return f"\n{failures} {of} {verb} not hold{rest}. Below each stands what mends it."
    return f"\nall {len(looks) - left_open} preconditions hold{rest}"


def _heading(each: Precondition) -> str:
    if each.drill is None:
        return "this machine"
    return each.drill if each.host is None else f"{each.drill}, {each.host}"
