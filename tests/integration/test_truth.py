"""The figures against the truth, a few rounds of each benchmark: real losses, real recoveries."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.benchmarks import clock_accuracy, rpa_truth
from tests.benchmarks.sources import SOURCES


@pytest.fixture(scope="module")
def losing() -> Iterator[tuple[rpa_truth.Bench, Path]]:
    """Open the bench on which primaries are lost."""
    with rpa_truth.bench() as opened:
        yield opened


_BY_DAY = {"mariadb-dump", "pgbackrest", "restic"}
"""One of each sort: a dump, a log that is replayed, a snapshot. The others repeat it at night."""


@pytest.mark.parametrize(
    "source",
    [pytest.param(name, marks=() if name in _BY_DAY else pytest.mark.nightly) for name in SOURCES],
)
def test_the_rpa_contains_the_true_loss(losing: tuple[rpa_truth.Bench, Path], source: str) -> None:
    """A primary killed at a known instant: its restored heartbeat bounds what was lost."""
    bench, home = losing
    primary = SOURCES[source](home / source, bench.clock)
    try:
        played = rpa_truth.lose(primary, bench, random.Random(source))  # noqa: S311 no secret
    finally:
        primary.close()
    assert played.contained, played
    assert played.true > 0 or source in {"pgbackrest", "barman"}  # all may have been kept


def test_the_rta_contains_the_true_recovery() -> None:
    """A service that another process turns on while it is asked: the instant is in the RTA's."""
    with clock_accuracy.bench() as (home, server):
        for wait in (0.7, 1.9):
            played = clock_accuracy.recover(home, server, wait)
            assert played.contained, played
            assert played.width > 0
