"""Words that nobody reads: they are lost, and hold up or change nothing."""

from __future__ import annotations

import errno
import os
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.status_house import StatusHouse

from pradrill.app import launch, output
from pradrill.app.composition import App
from pradrill.app.output import Outlet, beside_deeds, text
from pradrill.errors import PradrillError
from pradrill.testing import FakeProgress


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Return both ends of a pipe; who closes one says so by -1."""
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def test_a_reader_that_went_away_is_no_failure(pipe: tuple[int, int]) -> None:
    """What is written after it went is lost without a word."""
    reader, writer = pipe
    outlet = Outlet(writer)
    with text(outlet) as stream:
        stream.write("a\n")
        os.close(reader)
        stream.write("b\n")
    assert outlet.failure is not None
    assert outlet.failure.errno == errno.EPIPE
    assert not outlet.failed


def test_a_reader_that_does_not_read_holds_up_a_run_once(pipe: tuple[int, int]) -> None:
    """A run waits for it once, and from then on not at all, until it reads on."""
    reader, writer = pipe
    outlet = Outlet(writer)
    outlet.patience = 0.2
    stream = text(outlet)
    start = time.monotonic()
    for _ in range(100):
        stream.write("x" * 9_999 + "\n")
    assert 0.2 <= time.monotonic() - start < 2
    os.read(reader, 1 << 20)
    stream.write("at last\n")
    assert b"at last" in os.read(reader, 1 << 20)


def test_a_reader_that_is_slow_loses_nothing_outside_of_a_run(pipe: tuple[int, int]) -> None:
    """A pager may read as late as it likes, also from a pipe that does not block."""
    receiver, writer = pipe
    os.set_blocking(writer, False)
    outlet = Outlet(writer)
    pieces: list[bytes] = []

    def read() -> None:
        time.sleep(0.2)
        while piece := os.read(receiver, 1 << 16):
            pieces.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    with text(outlet) as stream:
        stream.write("x" * 500_000)
    os.close(writer)
    reader.join()
    assert len(b"".join(pieces)) == 500_000
    assert outlet.failure is None


@pytest.mark.parametrize("acts", [False, True])
def test_a_reader_has_time_again_once_killed_runs_are_swept(
    pipe: tuple[int, int],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    acts: bool,
) -> None:
    """Only the teardown itself waits for nobody, and a command that acts."""
    receiver, writer = pipe
    monkeypatch.setattr(output, "_PATIENCE", 0.1)
    house = StatusHouse(tmp_path, ["moodle"])
    outlet = Outlet(writer)
    stream = text(outlet)
    meanwhile: list[float | None] = []
    with monkeypatch.context() as context:
        context.setattr(sys, "stdout", stream)
        context.setattr(launch, "sweep_sabotages", lambda _: meanwhile.append(outlet.patience))
        if acts:
            beside_deeds()
        app = App(Namespace(drills=house.drills, state=house.state, log=None))
        launch.sweep(app, FakeProgress())
    assert meanwhile == [0.1]

    pieces: list[bytes] = []

    def read() -> None:
        time.sleep(0.4)
        while piece := os.read(receiver, 1 << 16):
            pieces.append(piece)

    reader = threading.Thread(target=read)
    reader.start()
    stream.write("x" * 500_000)
    stream.flush()
    os.close(writer)
    reader.join()
    assert (len(b"".join(pieces)) == 500_000) is not acts


def test_a_full_disk_is_a_failure() -> None:
    """What /dev/full does not take is told as that."""
    outlet = Outlet(os.open("/dev/full", os.O_WRONLY), closes=True)
    with text(outlet) as stream:
        stream.write("x\n")
    assert outlet.failed
    assert outlet.failure is not None
    assert outlet.failure.errno == errno.ENOSPC


def test_a_character_that_the_encoding_lacks_is_a_question_mark(pipe: tuple[int, int]) -> None:
    """A terminal of the last century gets what it can show."""
    with text(Outlet(pipe[1]), "ascii") as stream:
        stream.write("é→\udcff\n")
    assert os.read(pipe[0], 99) == b"???\n"


def test_what_mends_several_errors_is_said_once() -> None:
    """And each hint that is another one; the next command says it again."""
    disk, other = "Free space.", "Ask its owner."
    errors = [PradrillError("a", hint=disk), PradrillError("b", hint=disk)]
    errors += [PradrillError("c", hint=other), PradrillError("d")]
    for _ in range(2):
        with output.owned():
            words = [output.words(each) for each in errors]
        assert words == [f"a\nHINT: {disk}", "b", f"c\nHINT: {other}", "d"]
