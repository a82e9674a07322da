"""Write the list of runs: thousands of lines, so without the library that draws the rest."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap

from pradrill.domain.run.run_line import RunLine
from pradrill.reporting.language.formats import line

NOTHING = "No run is on record."
_HEADER = RunLine("Run", "Began (UTC)", "", "Verdict", "RTA", "RPA")
_COLOURS = {"PASSED": 32, "MISSED": 33, "FAILED": 31, "INCONCLUSIVE": 35}
_DIM = 2
_GAP = "  "
_NARROWEST = 12  # a column for the verdict; below it lines get wider than the terminal


def runs_table(runs: Sequence[RunLine], width: int, *, coloured: bool = False) -> Iterator[str]:
    """Yield one line per run below a header; a verdict too long for `width` goes on below."""
    rows = [RunLine(*(line(cell, 200) for cell in run)) for run in runs]
    columns = list(zip(*(_cells(row) for row in (_HEADER, *rows)), strict=True))
    widths = [max(map(len, column)) for column in columns]
    others = sum(widths) - widths[2] + len(_GAP) * (len(widths) - 1)
    widths[2] = min(widths[2], max(width - others, _NARROWEST))
    for row in (_HEADER, *rows):
        colour = (_COLOURS.get(row.verdict) if row.verdict else _DIM) if coloured else None
        yield from _drawn(row, widths, colour)


def _cells(row: RunLine) -> tuple[str, ...]:
    return row.run_id, row.began, row.headline, row.rta, row.rpa


def _drawn(row: RunLine, widths: Sequence[int], colour: int | None) -> Iterator[str]:
    fits = len(row.headline) <= widths[2]
    first, *more = [row.headline] if fits else wrap(row.headline, widths[2])
    cells = list(map(str.ljust, _cells(row._replace(headline=first)), widths))
    if colour is not None:
        which = slice(None) if row is _HEADER else slice(2, 3)
        cells[which] = [f"\x1b[{colour}m{cell}\x1b[0m" for cell in cells[which]]
    yield _GAP.join(cells).rstrip()
    indent = " " * (widths[0] + widths[1] + 2 * len(_GAP))
    yield from (indent + rest for rest in more)
