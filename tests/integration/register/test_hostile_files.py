"""What lies in a file's place in the state folder: no command waits for it, or is lost."""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pradrill.cli import main
from pradrill.errors import ExitCode
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_sealed_run

_FILES = [
    *("register", "register.head", "register.next", "locks/register"),
    *("runs/RUN/record.json", "runs/RUN/journal.jsonl", "runs/RUN/alive"),
]
_COMMANDS = [
    *(("runs",), ("show",), ("register", "verify")),
    *(("bundle", "RUN", "--output", "OUT"), ("annotate", "RUN", "--well", "all was well")),
]


@contextmanager
def at_most(seconds: int) -> Iterator[None]:
    """Fail when something waits longer."""

    def late(*_: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def run(tmp_path: Path) -> str:
    """Return the run of a register of one."""
    return a_sealed_run(FileRunStore(tmp_path / "state"), 0).run_id


def _codes(folder: Path, run: str) -> set[int]:
    """Run every command, each of them in time; return their exit codes."""
    codes = set()
    for number, words in enumerate(_COMMANDS):
        values = {"RUN": run, "OUT": str(folder / f"bundle-{number}")}
        with at_most(10):
            codes.add(
                main(
                    ["--state", str(folder / "state"), *(values.get(each, each) for each in words)]
                )
            )
    return codes


@pytest.mark.parametrize("name", _FILES)
@pytest.mark.parametrize("kind", ["pipe", "folder"])
def test_no_command_waits_for_a_file_that_is_none(
    tmp_path: Path, run: str, name: str, kind: str
) -> None:
    """A named pipe or a folder in the place of each file: told, in time, without a traceback."""
    path = tmp_path / "state" / name.replace("RUN", run)
    path.unlink(missing_ok=True)
    if "journal" in name or "alive" in name:  # then the run looks like one that was killed
        (path.parent / "record.json").unlink()
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    assert _codes(tmp_path, run) <= {*ExitCode} - {ExitCode.INTERNAL}


@pytest.mark.parametrize("name", ["register", "locks/register", "runs/RUN/reports/report.html"])
def test_nothing_is_written_through_a_link(tmp_path: Path, run: str, name: str) -> None:
    """It could lead to any file of the user who runs the command."""
    other, path = tmp_path / "other", tmp_path / "state" / name.replace("RUN", run)
    path.parent.mkdir(exist_ok=True)
    other.write_bytes(path.read_bytes() if path.exists() else b"a file of ours")
    before = other.read_bytes()
    path.unlink(missing_ok=True)
    path.symlink_to(other)
    for words in (("annotate", run, "--well", "all was well"), ("report", run)):
        main(["--state", str(tmp_path / "state"), *words])
    assert other.read_bytes() == before


def test_a_journal_that_is_nested_without_end_is_told(tmp_path: Path, run: str) -> None:
    """A hundred thousand brackets in a folder that looks like a crashed run stop no reader."""
    folder = tmp_path / "state/runs/20260501T020000Z-shop-abcdef"
    folder.mkdir()
    (folder / "journal.jsonl").write_bytes(b"[" * 100_000 + b"\n")
    assert _codes(tmp_path, run) <= {ExitCode.PASSED, ExitCode.RECORD}


def test_a_run_that_was_removed_is_not_a_mistyped_one(tmp_path: Path, run: str) -> None:
    """The register names it and its folder is gone: 14. What it never named is mistyped: 2."""
    state = tmp_path / "state"
    shutil.rmtree(state / "runs" / run)
    assert main(["--state", str(state), "show", run]) == ExitCode.RECORD
    assert main(["--state", str(state), "show", "never"]) == ExitCode.USAGE
    with (state / "register").open("ab") as file:
        file.write(b"no entry\n")
    assert main(["--state", str(state), "show", "never"]) == ExitCode.USAGE


def test_a_name_that_no_folder_can_have_is_told(tmp_path: Path) -> None:
    """A state folder whose name is too long is one sentence."""
    assert main(["--state", str(tmp_path / ("a" * 300)), "runs"]) == ExitCode.RECORD
