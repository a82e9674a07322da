"""A command that acts ends with the code of what it did, whatever becomes of its words."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from tests.integration.house import build, pradrill

_ACTS = {
    ("gc", "--yes"): 0,
    ("due", "--run"): 4,
    ("run", "nothing"): 3,
    ("teardown", "nothing"): 2,
    ("abort", "nothing"): 2,
    ("resume", "nothing"): 2,
    ("sabotage", "nothing"): 3,
}


@pytest.fixture
def full_pipe() -> Iterator[int]:
    """Return the end of a pipe that is full, and that nobody reads."""
    receiver, sender = os.pipe()
    os.set_blocking(sender, False)
    with suppress(BlockingIOError):
        while os.write(sender, bytes(1 << 12)):
            pass
    os.set_blocking(sender, True)
    yield sender
    os.close(receiver)
    os.close(sender)


def test_nobody_waits_for_ever_for_a_reader(tmp_path: Path, full_pipe: int) -> None:
    """A pipe that is full and that nobody reads holds up no command that acts."""
    house = build(tmp_path)
    (house / "drills/shop.yml").unlink()  # nothing that is due can be run
    command = [sys.executable, "-m", "pradrill", "--state", "state"]
    processes = {
        words: subprocess.Popen(
            [*command, *words],
            cwd=house,
            stdin=subprocess.DEVNULL,
            stdout=full_pipe,
            stderr=full_pipe,
        )
        for words in _ACTS
    }
    try:
        assert {words: each.wait(90) for words, each in processes.items()} == _ACTS
    finally:
        for each in processes.values():
            each.kill()


def test_what_was_removed_was_removed_though_the_disk_took_no_word_of_it(tmp_path: Path) -> None:
    """One that only tells has failed when nobody can read it."""
    house = build(tmp_path)
    with Path("/dev/full").open("w", encoding="utf-8") as disk:
        for words, code in ((("gc", "--yes"), 0), (("gc",), 1)):
            result = subprocess.run(
                [sys.executable, "-m", "pradrill", "--state", "state", *words],
                cwd=house,
                stdin=subprocess.DEVNULL,
                stdout=disk,
                stderr=subprocess.PIPE,
                check=False,
            )
            assert result.returncode == code, (words, result.stderr)
    assert pradrill(house, "gc").returncode == 0
