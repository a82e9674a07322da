"""A folder of drills with a state in which their runs ended as a test says."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.benchmarks.dossier import ENDINGS, Kind, a_house, plans

from pradrill.cli import main
from pradrill.domain.register.entry import EntryKind, RunEntry
from pradrill.domain.run.record import RunRecord
from pradrill.register.chain.register import Register, line_hash
from pradrill.testing import a_launch, a_record, a_recovery

HOUR = 3_600.0
TODAY = datetime.now(UTC)


class StatusHouse:
    """Services with a drill each; runs are entered in the order in which they are told."""

    def __init__(self, folder: Path, services: Sequence[str], every: str = "3 months") -> None:
        self.folder = folder
        self.drills = folder / "drills"
        self.state = folder / "state"
        kind = Kind(4 * HOUR, 24 * HOUR, HOUR, 0.0, "P", every)
        self.project = a_house(folder, dict.fromkeys(services, kind))
        self.plans = plans(self.project)
        self.register = Register(self.state)
        self.number = 0

    def run(self, service: str, letter: str, days_ago: float, **changes: Any) -> RunRecord:
        """Enter a run of a service's drill that ended so: a letter of ENDINGS."""
        self.number += 1
        at = TODAY - timedelta(days=days_ago)
        plan = changes.pop("plan", self.plans[service])
        fields: dict[str, Any] = {
            "run_id": f"{at:%Y%m%dT%H%M%SZ}-{plan.drill.drill}-{self.number:06x}",
            "plan": plan,
            "started": at,
            "ended": at + timedelta(hours=1),
            "launch": a_launch(trigger="due"),
            "recovery": a_recovery(backup_id=f"b{self.number}"),
            **ENDINGS[letter],
        }
        record = a_record(**{**fields, **changes})
        self.enter(record)
        return record

    def enter(self, record: RunRecord) -> None:
        """Leave a record on the disk, and enter it."""
        folder = self.state / "runs" / record.run_id
        folder.mkdir(parents=True)
        content = record.model_dump_json(indent=1).encode() + b"\n"
        (folder / "record.json").write_bytes(content)
        (folder / "alive").touch()
        entry = RunEntry(
            run_id=record.run_id,
            drill=record.plan.drill.drill,
            services=record.plan.drill.services,
            state=record.state,
            refusal=record.refusal,
            verdict=record.verdict,
            exit_code=record.exit_code,
            started=record.started,
            ended=record.ended,
            record_sha256=line_hash(content),
            residue=tuple(str(each) for each in record.residue),
            rehearsal=record.launch.rehearsal,
        )
        self.register.append(EntryKind.RUN, entry, record.ended)

    def command(self, *words: str) -> list[str]:
        """Return the words of a command here."""
        return ["--drills", str(self.drills), "--state", str(self.state), *words]

    def rewrite(self, file: str, old: str, new: str) -> None:
        """Change a file of the project."""
        path = self.folder / file
        text = path.read_text(encoding="utf-8")
        assert old in text
        path.write_text(text.replace(old, new), encoding="utf-8")


class Answer(NamedTuple):
    """What a command printed, and what it ended with."""

    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Return what it printed for programs."""
        return json.loads(self.out)

    def service(self, name: str) -> Any:
        """Return what it said of a service."""
        return next(each for each in self.data["services"] if each["service"] == name)

    def kinds(self) -> list[str]:
        """Return what wants attention."""
        return [alarm["kind"] for alarm in self.data["alarms"]]


def answer(house: StatusHouse, capsys: pytest.CaptureFixture[str], *words: str) -> Answer:
    """Carry out a command in this process."""
    capsys.readouterr()
    code = main(house.command(*words))
    return Answer(code, *capsys.readouterr())
