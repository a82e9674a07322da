"""The stores and clocks that keep the same promises: the shipped fakes and the real ones."""

from __future__ import annotations

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pradrill.domain.run.record import RunRecord
from pradrill.register.runs.journal import RunJournal
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import FakeJournal, FakeStore


class InMemory:
    """The fake store, and what happens to its world."""

    def __init__(self) -> None:
        self.store = FakeStore()

    def die(self, journal: Any) -> None:
        """End the process that writes the journal."""
        assert isinstance(journal, FakeJournal)
        journal.close()

    @contextmanager
    def full_disk(self, journal: Any) -> Iterator[None]:
        """Leave no room for another fact."""
        assert isinstance(journal, FakeJournal)
        journal._room = len(list(journal.events()))
        yield
        journal._room = None

    def sealed(self, run_id: str) -> RunRecord | None:
        """Return the run's record."""
        return next(j.record for j in self.store.journals if j.run_id == run_id)


class OnDisk:
    """The real store in a folder of its own."""

    def __init__(self, state: Path) -> None:
        self.store = FileRunStore(state)

    def die(self, journal: Any) -> None:
        """End the process that writes the journal: its lock goes, nothing else happens."""
        assert isinstance(journal, RunJournal)
        journal.close()

    @contextmanager
    def full_disk(self, journal: Any) -> Iterator[None]:
        """Let a few bytes more be written, then none: a line is cut in the middle."""
        path = journal.folder / "journal.jsonl"
        size = path.stat().st_size if path.exists() else 0
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size + 10, hard))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))

    def sealed(self, run_id: str) -> RunRecord | None:
        """Return the run's record."""
        return self.store.read(run_id)


Keeping = InMemory | OnDisk


@pytest.fixture(params=["memory", "disk"])
def keeping(request: pytest.FixtureRequest, tmp_path: Path) -> Keeping:
    """Return a store, and the power over its world."""
    return InMemory() if request.param == "memory" else OnDisk(tmp_path / "state")
