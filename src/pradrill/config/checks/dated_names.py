"""Check that forms of dates date: strptime takes what is missing for 1 January or midnight."""

from __future__ import annotations

import re
from collections.abc import Iterator

from pradrill.config.loader import Document, Loc
from pradrill.config.problems import Problem
from pradrill.domain.declared.backup_source import DumpsSource
from pradrill.domain.declared.drill import Drill, NewestData, Verify
from pradrill.domain.values.dated_text import directives_of, lack_of, read_date, sample_of

_BY_NAME = {"iso", "epoch", "epoch_ms"}


def dated_name_problems(document: Document, drill: Drill) -> Iterator[Problem]:
    """Find forms of names that would give every dump the same date, or a wrong one."""
    for service, way in drill.ways.items():
        above: Loc = () if service is None else ("recover", service)
        source = way.recovery_point.source if way.recovery_point else None
        lack = lack_of(source.names) if isinstance(source, DumpsSource) else None
        if lack is not None:
            what, directive = lack
            yield document.problem(
                (*above, "recovery_point", "dumps", "names"),
                f"the names tell {what}: their dates would be wrong",
                f"Add {directive}, as the backup job writes it; a week alone is its first day.",
            )
        for where, reading in _readings(way.verify):
            if reading.format not in _BY_NAME and (refusal := _refusal(reading)):
                loc = (*above, "verify", *where, "format")
                yield document.problem(loc, *refusal)


def _readings(verify: Verify) -> Iterator[tuple[Loc, NewestData]]:
    if isinstance(verify.newest_data, NewestData):
        yield ("newest_data",), verify.newest_data
    else:
        for name, reading in verify.newest_data.items():
            yield ("newest_data", name), reading


def _refusal(reading: NewestData) -> tuple[str, str] | None:
    """Return why the newest data's instant could never be read by its format, and what mends it."""
    form = reading.format
    if lack := lack_of(form):
        what, directive = lack
        return (
            f'"{form}" tells {what}: the data\'s date would be wrong',
            f"Add {directive}, and let the query print it; or write iso, epoch or epoch_ms.",
        )
    try:
        read_date(sample_of(form), form)
    except (ValueError, re.error) as error:
        return f'"{form}" is no format of dates: {error}', "Write iso, epoch or epoch_ms."

    if "Z" in directives_of(form):
        hint = "Print the offset and read it with %z, or leave the zone out and set timezone."
        return f'"{form}" reads a zone\'s name, which does not fix its offset', hint
    if reading.timezone is None and not directives_of(form) & set("zs"):
        hint = "Add timezone: UTC, or the one in which the query prints."
        return f'"{form}" reads no zone, and timezone names none', hint
    return None
