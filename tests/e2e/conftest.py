"""One lab for every end-to-end test: building it is the slow part.

PRADRILL_TEST_STATE names a folder to keep it in between two sessions.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab


def say(line: str) -> None:
    """Show what the lab does when a test that uses it fails."""
    print(line)  # noqa: T201 pytest captures it


@pytest.fixture(scope="session")
def state() -> Iterator[Path]:
    """Return the state folder of the session; not /tmp, which may be memory."""
    test_state = os.environ.get("PRADRILL_TEST_STATE")
    if test_state:
        yield Path(test_state)
        return
    folder = Path(tempfile.mkdtemp(prefix="pradrill-e2e-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def lab(state: Path) -> Iterator[Lab]:
    """Return a lab whose image is built."""
    lab = Lab(state / "lab", SteadyClock())
    if not lab.built:
        lab.build(say)
    yield lab
    lab.down()


def pradrill(
    *words: str | Path, state: Path, drills: Path | None = None, deadline: float = 600
) -> subprocess.CompletedProcess[str]:
    """Run the command as a user without a terminal does."""
    return subprocess.run(
        command(*words, state=state, drills=drills),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=deadline,
        check=False,
    )


def command(*words: str | Path, state: Path, drills: Path | None = None) -> Sequence[str]:
    """Return the words of the command line."""
    folders = ["--state", str(state), *(["--drills", str(drills)] if drills else [])]
    return [sys.executable, "-m", "pradrill", *folders, *map(str, words)]
