"""A suite of checks that a test writes, asked by the real worker."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from textwrap import dedent

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.testinfra.verifier import TestinfraVerifier as Verifier
from pradrill.domain.run.host import Site
from pradrill.domain.run.outcome import CheckKey, CheckResult
from pradrill.ports import Cancelled, ServiceVerifier, Verification
from pradrill.system import processes


def never() -> bool:
    """Do not cancel."""
    return False


class WrittenSuite:
    """The suite's files, the hosts that it asks, and what a pass took."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.site = site
        self.folder = folder / "suite"
        self.folder.mkdir()
        self.notes = folder / "notes"
        self.evidence = folder / "evidence"
        self.marker = f"run-{folder.name}-{os.getpid()}"
        self.seconds = 0.0

    def write(self, name: str, text: str) -> None:
        """Write a file of the suite; NOTES in it names a file that checks may write to."""
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(dedent(text).replace("NOTES", repr(str(self.notes))))

    @contextmanager
    def open(self, text: str = "", path: Path | None = None) -> Iterator[Verification]:
        """Open the suite, with a file of these checks in it; or only what is at a path."""
        if text:
            self.write("test_a.py", text)
        verifier: ServiceVerifier = Verifier(SteadyClock())
        with verifier.open(
            path or self.folder, self.site, marker=self.marker, evidence=self.evidence
        ) as opened:
            yield opened

    def ask(
        self,
        opened: Verification,
        only: Sequence[CheckKey] | None = None,
        *,
        deadline: float = 30.0,
        cancelled: Cancelled = never,
    ) -> dict[str, CheckResult]:
        """Run one pass; return its results by the check's name."""
        start = time.monotonic()
        results = opened.run(only, deadline=deadline, cancelled=cancelled)
        self.seconds = time.monotonic() - start
        return {result.check.removeprefix("test_a.py::"): result for result in results}

    def ask_once(self, files: dict[str, str]) -> dict[str, CheckResult]:
        """Write the suite's files and run one pass; return its results by the check's name."""
        for name, text in files.items():
            self.write(name, text)
        with self.open() as opened:
            return self.ask(opened)

    def running(self) -> str:
        """Return the command lines of all that was started and runs."""
        lines = []
        for pid in processes.carrying(self.marker):
            with suppress(FileNotFoundError, ProcessLookupError):  # ended meanwhile
                lines.append(Path(f"/proc/{pid}/cmdline").read_text())
        return "".join(lines)

    def noted(self) -> str:
        """Return what the checks wrote."""
        return self.notes.read_text() if self.notes.exists() else ""
