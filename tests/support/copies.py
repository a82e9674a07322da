"""What a standby promises that can be copied, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import pytest

from pradrill.domain.run.host import Site
from pradrill.errors import PradrillError
from pradrill.ports import Say, Standby

RUN = "20260310T020000Z-site-5ab07a"


class CopiedStandby(Standby, Protocol):
    """A standby that can be copied."""

    def save(self, say: Say) -> Sequence[Standby]:
        """Save it."""


def keep_copies_apart(
    standby: CopiedStandby,
    folder: Path,
    write: Callable[[Site, str], None],
    read: Callable[[Site], Sequence[str]],
) -> None:
    """Assert that each copy begins with what was saved, and that a stop drops all of it."""

    def say(_line: str) -> None:
        """Tell nobody."""

    first = standby.start(folder, RUN, say)
    write(first, "restored")
    place, *beside = standby.save(say)

    copy = place.start(folder, RUN, say)
    assert read(copy) == ["restored"]
    write(copy, "damaged")
    assert read(copy) == ["restored", "damaged"]
    for number, another in enumerate(beside):
        (folder / str(number)).mkdir()
        second = another.start(folder / str(number), RUN, say)
        assert read(second) == ["restored"]
        write(second, "damaged beside it")
        assert read(copy) == ["restored", "damaged"]
    assert not place.stop(RUN)

    copy = place.start(folder, RUN, say)
    assert read(copy) == ["restored"]
    write(copy, "damaged otherwise")
    assert read(place.start(folder, RUN, say)) == ["restored"], "in the place of the one before"

    assert not standby.stop(RUN), "with what still runs in the places"
    with pytest.raises(PradrillError, match="was not saved"):
        place.start(folder, RUN, say)
    assert not place.stop(RUN)
