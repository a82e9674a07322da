"""Whose a run is: one process's, told by lock, boot, pid and start time."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pradrill.domain.run.event import Event
from pradrill.domain.run.owner import Doing, Owner
from pradrill.errors import BusyError, UsageError
from pradrill.register.runs.store import FileRunStore
from pradrill.system.ownership import lives, this_process
from pradrill.testing import START, a_start


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    """Return a store with a run that was killed."""
    store = FileRunStore(tmp_path / "state")
    with another(store, "open") as pid:
        os.kill(pid, signal.SIGKILL)
    return store


@contextmanager
def another(store: FileRunStore, how: str) -> Iterator[int]:
    """Let another process begin the run, or claim it, and hold it; give its pid."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            if how == "open":
                journal = store.open("shop", START)
                journal.append(Event.STARTED, START, a_start().model_dump(mode="json"))
            else:
                journal = store.claim("shop", Doing.RESUME)
            os.write(tell, b".")
            signal.pause()
        finally:
            os._exit(1)
    os.close(tell)
    assert os.read(ready, 1) == b"."
    os.close(ready)
    try:
        yield pid
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def test_of_two_that_want_a_run_one_has_it_and_the_other_is_told_who(store: FileRunStore) -> None:
    """Also once the lock's file was replaced by hand; and whoever dies lets go of it."""
    (run_id,) = store.killed()
    with another(store, "claim") as pid:
        for _ in range(2):
            with pytest.raises(BusyError, match=rf"pradrill resume of \w+ \(pid {pid}, started "):
                store.claim("shop", Doing.RESUME)
            assert (store.killed(), store.crashed()) == ([], [])
            assert [journal.run_id for journal in store.running()] == [run_id]
            alive = store.runs / run_id / "alive"
            content = alive.read_bytes()
            alive.unlink()
            alive.write_bytes(content)
    claimed = store.claim(run_id, Doing.RESUME)
    claimed.close()
    assert store.killed() == [run_id]
    with pytest.raises(UsageError, match="no run is named"):
        store.claim("wiki", Doing.RESUME)


def test_a_pid_alone_proves_nothing() -> None:
    """Another process of that pid, or one before a reboot, is not the one that is meant."""
    pid = os.fork()
    if pid == 0:
        signal.pause()
        os._exit(1)
    try:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        owner = this_process(Doing.RUN).model_copy(update={"pid": pid, "start": int(words[19])})
        assert lives(owner)
        assert not lives(owner.model_copy(update={"start": owner.start - 1}))
        assert not lives(owner.model_copy(update={"boot": "0" * 36}))
    finally:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
    assert not lives(owner)
    assert str(Owner(pid=1, start=0, boot="x", user="root")) == "pradrill run of root (pid 1)"
