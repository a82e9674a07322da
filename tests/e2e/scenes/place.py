"""A test's own copy of the drills, which it may edit, and the runs that they come to."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.command_line import pradrill
from tests.e2e.scenes.scene import Scene

from pradrill.adapters.standbys.lab import Lab, Machine
from pradrill.system import processes

REPOSITORY = Path(__file__).parents[3]
Edit = tuple[str, str]


@dataclass(frozen=True)
class Place:
    """One test's own copy of the drills, and where its runs are."""

    lab: Lab
    state: Path
    folder: Path

    @property
    def drills(self) -> Path:
        """Return the folder of drills."""
        return self.folder / "drills"

    @property
    def standby(self) -> Machine:
        """Return the standby."""
        return self.lab.machine("standby")

    def edit(self, name: str, *edits: Edit) -> None:
        """Change the copy of the plan or of a drill."""
        path = self.drills / f"{name}.yml"
        text = path.read_text(encoding="utf-8")
        for old, new in edits:
            assert text.count(old) == 1, old
            text = text.replace(old, new)
        path.write_text(text, encoding="utf-8")

    def run(
        self, drill: str, deadline: float = 600
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        """Run a drill; return the process and its record."""
        before = set(self.runs())
        result = pradrill("run", drill, state=self.state, drills=self.drills, deadline=deadline)
        return result, self.record(before)

    def record(self, before: set[str]) -> dict[str, Any]:
        """Return the record of the one run that is new."""
        (run_id,) = set(self.runs()) - before
        output = pradrill("show", run_id, "--json", state=self.state)
        assert output.returncode == 0, output.stderr
        record: dict[str, Any] = json.loads(output.stdout)
        return record

    def runs(self) -> list[str]:
        """Return the ids of the runs."""
        runs = self.state / "runs"
        return sorted(path.name for path in runs.iterdir()) if runs.is_dir() else []

    def nothing_is_left(self) -> bool:
        """Tell whether the standby is gone, with every process and secret of its runs."""
        return not self.standby.running and not any(map(processes.carrying, self.runs()))


@dataclass(frozen=True)
class PlaceOfLoss(Place):
    """One where a drill's T0 is the power cut of a scene's primary."""

    scene: Scene

    def run(
        self, drill: str, deadline: float = 600
    ) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
        """Run a drill whose T0 is the power cut; return the process and its record."""
        self.edit(
            drill,
            ("disruption: launch ", f"disruption: {self.scene.killed.isoformat()} "),
            ("stable_for: 10s", "stable_for: 1s"),
        )
        result, record = super().run(drill, deadline)
        assert not self.standby.running
        assert not processes.carrying(record["run_id"])
        return result, record


def copy_drills(folder: Path) -> None:
    """Copy the shipped drills, with all that they name, into a test's own folder."""
    for name in ("drills", "playbooks", "inventories"):
        shutil.copytree(REPOSITORY / name, folder / name)


@contextmanager
def own_copy(
    folder: Path, lab: Lab, secrets: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    """Copy the drills and give their secrets; the standby is down after it."""
    copy_drills(folder)
    for name, value in secrets.items():
        monkeypatch.setenv(name, value)
    yield
    lab.machine("standby").down()
