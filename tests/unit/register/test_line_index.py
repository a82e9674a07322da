"""The list of runs is that of their records, whatever became of the index that it is read from."""

from __future__ import annotations

import ast
import hashlib
import json
import os
import resource
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import pytest
from tests.support.sources import PACKAGE, package

from pradrill.domain.run.record import Refusal
from pradrill.domain.run.run_line import RunLine
from pradrill.register.chain.lines import line_hash
from pradrill.register.runs.enter import read_record
from pradrill.register.runs.line_index import INDEX, run_lines
from pradrill.register.runs.store import FileRunStore
from pradrill.reporting.run.run_line import run_line
from pradrill.testing import a_sealed_run

LATER = timedelta(minutes=1)  # a file that has just changed is not trusted to keep its time


class Listing:
    """A state with three runs, and the list that is made of them."""

    def __init__(self, state: Path) -> None:
        self.store = FileRunStore(state)
        self.index = state / INDEX
        self.runs = [
            a_sealed_run(self.store, 0).run_id,
            a_sealed_run(self.store, 1, verdict="FAILED", exit_code=10).run_id,
            a_sealed_run(self.store, 2, refusal=Refusal.BUSY, exit_code=5).run_id,
        ]
        self.read: list[str] = []
        """The runs whose records were read, since the last `lines`."""

    def record(self, number: int) -> Path:
        """Return where a run's record is."""
        return self.store.runs / self.runs[number] / "record.json"

    def lines(self, version: str = "1", wait: timedelta = LATER) -> list[RunLine]:
        """List the runs."""
        self.read = []
        now = datetime.now(UTC) + wait
        return run_lines(self.store.register, self.store.sealed(), self._derived, now, version)[0]

    def damaged(self) -> list[str]:
        """Return what is said of damaged records."""
        now = datetime.now(UTC) + LATER
        sealed = self.store.sealed()
        errors = run_lines(self.store.register, sealed, self._derived, now, "1")[1]
        return [str(each) for each in errors]

    def truth(self) -> list[RunLine]:
        """Return the lines of the records themselves."""
        return [run_line(self.store.read(folder.name)) for folder in self.store.sealed()]

    def rows(self, change: Callable[[dict[str, Any]], object]) -> None:
        """Change the rows of the index, with a checksum that is right."""
        header, _, content = self.index.read_bytes().partition(b"\n")
        rows = json.loads(content)
        change(rows)
        content = json.dumps(rows).encode()
        digest = hashlib.sha256(content).hexdigest().encode()
        self.index.write_bytes(header.rpartition(b" ")[0] + b" " + digest + b"\n" + content)

    def _derived(self, path: Path) -> tuple[RunLine, str]:
        self.read.append(path.parent.name)
        record, content = read_record(path)
        return run_line(record), line_hash(content)


@pytest.fixture
def listing(tmp_path: Path) -> Listing:
    """Return a state whose index is there."""
    listing = Listing(tmp_path / "state")
    assert listing.lines() == listing.truth()
    assert listing.read == listing.runs
    return listing


def test_records_that_are_as_they_were_are_not_read_again(listing: Listing) -> None:
    """The second list reads no record; after a new run it reads that one."""
    assert listing.lines() == listing.truth()
    assert listing.read == []
    assert listing.index.stat().st_mode & 0o777 == 0o600
    listing.runs.append(a_sealed_run(listing.store, 3).run_id)
    assert listing.lines() == listing.truth()
    assert listing.read == listing.runs[3:]
    assert listing.lines("2") == listing.truth()
    assert listing.read == listing.runs, "another version words its lines otherwise"


def a_pipe(path: Path) -> None:
    """Put a pipe that nobody writes to in the place of a file."""
    path.unlink()
    os.mkfifo(path)


def a_folder(path: Path) -> None:
    """Put a folder there."""
    path.unlink()
    path.mkdir()


def a_link(path: Path) -> None:
    """Put a link to itself there."""
    path.unlink()
    path.symlink_to(path.name)


DAMAGES: tuple[Callable[[Path], object], ...] = (
    Path.unlink,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_bytes(os.urandom(4096)),
    lambda path: os.truncate(path, path.stat().st_size - 40),
    lambda path: path.write_bytes(path.read_bytes() + b" "),
    lambda path: path.write_bytes(path.read_bytes().replace(b"FAILED", b"PASSED")),
    lambda path: path.write_bytes(path.read_bytes().replace(b"runs 1", b"runs 2")),
    lambda path: os.truncate(path, 1 << 40),
    a_pipe,
    a_link,
)


def test_a_damaged_index_is_made_anew(listing: Listing) -> None:
    """The list is right at once, and the next one is read from an index again, where one can be."""
    for number, damage in enumerate(DAMAGES):
        damage(listing.index)
        assert listing.lines() == listing.truth(), number
        assert listing.read == listing.runs, number
        assert listing.lines() == listing.truth(), number
        assert listing.read == [], number
    a_folder(listing.index)
    for _ in range(2):
        assert listing.lines() == listing.truth()
        assert listing.read == listing.runs


def test_a_forged_verdict_is_not_shown(listing: Listing) -> None:
    """With the checksum made anew, no line is shown as another run's, or with another verdict."""

    def forge(column: int, value: object, rows: dict[str, Any]) -> None:
        rows[truth.run_id][2][column] = value

    index, truth = listing.index.read_bytes(), listing.truth()[1]
    for column, value in product(range(len(truth)), ("PASSED", 7, None)):
        listing.index.write_bytes(index)
        listing.rows(partial(forge, column, value))
        line = listing.lines()[1]
        assert (line.run_id, line.verdict) == (truth.run_id, "FAILED"), (column, value)
        assert line.headline == truth.headline, (column, value)


def test_rows_of_other_runs_are_not_shown(listing: Listing) -> None:
    """A row of a run that is not there shows nothing, and one moved to another run neither."""

    def forge(rows: dict[str, Any]) -> None:
        rows["20990101T000000Z-moodle-abcdef"] = rows[listing.runs[0]]
        rows[listing.runs[1]] = rows[listing.runs[0]]

    listing.rows(forge)
    assert listing.lines() == listing.truth()


def rewritten(path: Path) -> None:
    """Change a record in its place, and keep its size and its time."""
    before = path.stat()
    path.chmod(0o600)
    path.write_bytes(path.read_bytes().replace(b'"FAILED"', b'"PASSED"'))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_size == before.st_size


def replaced(path: Path) -> None:
    """Put another file in a record's place."""
    content = path.read_bytes().replace(b'"FAILED"', b'"PASSED"')
    path.unlink()
    path.write_bytes(content)


@pytest.mark.parametrize("change", [rewritten, replaced])
def test_a_record_that_was_changed_is_read(
    listing: Listing, change: Callable[[Path], None]
) -> None:
    """It is listed as it is now, and never kept: the register holds another."""
    change(listing.record(1))
    for _ in range(2):
        assert [line.verdict for line in listing.lines()][1] == "PASSED"
        assert listing.read == [listing.runs[1]]


def test_a_record_that_is_damaged_or_gone_is_no_line(listing: Listing) -> None:
    """A damaged record is named each time, beside all others; a run that is gone is left out."""
    listing.record(1).chmod(0o600)
    listing.record(1).write_bytes(b"{")
    for _ in range(2):
        assert [line.run_id for line in listing.lines()] == [listing.runs[0], listing.runs[2]]
        assert [str(listing.record(1)) in each for each in listing.damaged()] == [True]
    listing.record(0).unlink()
    assert [line.run_id for line in listing.lines()] == [listing.runs[2]]
    assert listing.runs[0].encode() not in listing.index.read_bytes()


def test_what_changed_just_now_is_not_kept(tmp_path: Path) -> None:
    """A file could change again within one tick of the disk's clock."""
    listing = Listing(tmp_path / "state")
    for _ in range(2):
        assert listing.lines(wait=timedelta()) == listing.truth()
        assert listing.read == listing.runs
    assert not listing.index.exists()


def test_a_register_that_cannot_be_read_vouches_for_no_line(listing: Listing) -> None:
    """Then every record is read."""
    register = listing.store.register.path
    register.write_bytes(register.read_bytes().replace(b'"kind":"run"', b'"kind":"rum"', 1))
    assert listing.lines() == listing.truth()
    assert listing.read == listing.runs


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file grow beyond a hundred bytes."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_costs_the_index_alone(listing: Listing) -> None:
    """The list is right, half an index is not left behind, and the one before is not harmed."""
    before = listing.index.read_bytes()
    listing.runs.append(a_sealed_run(listing.store, 3).run_id)
    with full_disk():
        assert listing.lines() == listing.truth()
    assert listing.index.read_bytes() == before
    assert not list(listing.store.state.glob(".runs.index*"))


def test_readers_that_rebuild_at_once_harm_neither(listing: Listing) -> None:
    """Eight of them, over what a killed one has left: each list is right, and so is the index."""
    draft = listing.index.with_name(f".{INDEX}.draft")
    draft.write_bytes(b"half of it")
    truth = listing.truth()
    children = []
    for _ in range(8):
        child = os.fork()
        if child == 0:
            code = 1
            try:
                for _ in range(25):
                    listing.index.unlink(missing_ok=True)
                    assert listing.lines() == truth
                code = 0
            finally:
                os._exit(code)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 8
    assert listing.lines() == truth
    assert listing.lines() == truth
    assert listing.read == []


def test_nothing_but_the_list_reads_the_index() -> None:
    """No other module of the program imports it, or names its file."""
    readers = {
        path
        for path, tree in package().items()
        if INDEX in (PACKAGE / path).read_text(encoding="utf-8")
        or any(
            isinstance(node, ast.ImportFrom) and str(node.module).endswith("line_index")
            for node in ast.walk(tree)
        )
    }
    assert readers == {"register/runs/line_index.py", "cli/commands/runs.py"}
