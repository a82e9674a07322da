"""What a dossier costs: python tests/benchmarks/dossier.py [--runs 4000] [--services 100].

It makes a house and a state directory with that many runs over ten years in a temporary folder,
reads every record once (JSON to validated model, as every command does, and the hash of its
bytes), then makes the dossier of all ten years in each format with the command itself, and
prints how many times the reading that took. The promise is 10. Processor time is measured, so
that a busy machine does not matter; nothing here waits for anything else.

With --incidents 2000 as many incidents are declared over the ten years, each in four steps, at the
provider of all services, which answer for each topic; their dossier's promise is the same.

With --example FOLDER it leaves a year of six services there instead, as something to look at.
"""

from __future__ import annotations

import argparse
import gc
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from pradrill.cli import main
from pradrill.config.project import Project, open_house
from pradrill.domain.declared.responsibility import REQUIRED
from pradrill.domain.register.entry import GENESIS, Entry, EntryKind, RunEntry, ScheduleMissed
from pradrill.domain.register.finding import Finding
from pradrill.domain.register.incident import IncidentStage, IncidentStep
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.engine.planning import plan_run
from pradrill.register.chain.register import HEAD, REGISTER, canonical, line_hash
from pradrill.register.runs.sealed import sealed_records
from pradrill.testing import a_launch, a_record, a_recovery, a_step

NOW = datetime.now(UTC)  # the benchmark is no part of the house: it may read a clock
HOUR = 3_600.0

PLAYBOOK = """\
- hosts: all
  tasks:
    - name: restore
      ansible.builtin.command: /usr/local/sbin/restore
"""
CHECK = '''\
def test_page(host):
    """The page is served."""
    assert host.socket("tcp://443").is_listening
'''


class Kind(NamedTuple):
    """How the attempts at a service tend to come out."""

    rto: float
    rpo: float
    rta: float
    growth: float
    """Seconds of RTA a day."""
    endings: str
    """One letter an attempt, repeated: P passed, M missed, F failed, I inconclusive, R refused,
    B busy, X interrupted, C crashed, S missed by the schedule, - no attempt."""
    every: str = "3 months"
    scenario: str = "loss of the hosting site"


YEAR = {
    "moodle": Kind(4 * HOUR, 24 * HOUR, 2.2 * HOUR, 14.0, "PPPPPPPPPPPP", "1 month"),
    "ldap": Kind(HOUR, 4 * HOUR, 0.3 * HOUR, 0.0, "PPSPRPPFPP", "1 month"),
    "accounting": Kind(2 * HOUR, HOUR, 1.6 * HOUR, 2.0, "PMRBMPXF", "3 months", "ransomware"),
    "intranet": Kind(8 * HOUR, 24 * HOUR, 1.1 * HOUR, 0.5, "PP--", "3 months"),
    "mail": Kind(2 * HOUR, HOUR, 1.5 * HOUR, 0.0, "IRCI", "3 months"),
    "archives": Kind(24 * HOUR, 48 * HOUR, 1.0, 0.0, "", "6 months"),
}


HOSTED = f"""
responsibilities: {{{", ".join(f"{topic}: Exemple SAS" for topic in REQUIRED)}}}
providers:
  hexanet:
    contract: {{number: HX-1234}}
    maintenance: [{{days: [tuesday], begins: "02:00", ends: "04:00", timezone: Europe/Paris}}]
    sla: {{response: 30m, restoration: 4h, availability_percent: 99.9, availability_period: year}}
"""


def a_house(folder: Path, kinds: dict[str, Kind], *, hosted: bool = False) -> Project:
    """Write a plan with one drill for each service but the archives, and load it."""
    drills, playbooks = folder / "drills", folder / "playbooks"
    playbooks.mkdir(parents=True)
    lines = ["plan: 7", "organisation: Exemple SAS", "approved: A. Martin, 2026-01-15"]
    lines += [*(HOSTED.strip().splitlines() if hosted else ()), "services:"]
    for number, (name, kind) in enumerate(kinds.items()):
        lines += [
            f"  {name}:",
            f"    tier: {min(1 + number // 2, 9)}",
            f"    owner: {name}@exemple.fr",
            f"    objectives: {{rto: {kind.rto:.0f}s, rpo: {kind.rpo:.0f}s}}",
            f"    drill_every: {kind.every}",
            *(["    provider: hexanet"] if hosted else []),
        ]
        checks = drills / "checks" / name
        checks.mkdir(parents=True)
        (checks / f"test_{name}.py").write_text(CHECK)
        (playbooks / f"restore_{name}.yml").write_text(PLAYBOOK)
        if kind.endings:
            (drills / f"{name}.yml").write_text(_drill(name, kind))
    (drills / "plan.yml").write_text("\n".join(lines) + "\n")
    return open_house(drills, now=NOW)


def _drill(name: str, kind: Kind) -> str:
    return f"""\
drill: {name}
services: [{name}]
scenario: {{name: {kind.scenario}, disruption: launch}}
standby: {{vm: standby}}
restore: [{{playbook: ../playbooks/restore_{name}.yml}}]
verify:
  checks: checks/{name}
  newest_data: {{command: newest-row}}
  must_not_reach: ["db.prod.exemple.fr:3306"]
unattended: true
"""


def plans(house: Project) -> dict[str, RunPlan]:
    """Resolve every drill, as the command does."""
    return {
        name: plan_run(
            loaded.drill,
            drill_file=loaded.file,
            plan=house.plan,
            hosts=loaded.hosts,
            primaries={},
            files=list(house.files(loaded)),
        )
        for name, loaded in house.drills.items()
    }


ENDINGS: dict[str, dict[str, Any]] = {
    "P": {"verdict": "PASSED", "exit_code": 0, "state": "FINISHED"},
    "M": {"verdict": "MISSED", "exit_code": 11, "state": "FINISHED"},
    "F": {"verdict": "FAILED", "exit_code": 10, "state": "FINISHED"},
    "I": {"verdict": "INCONCLUSIVE", "exit_code": 12, "state": "FINISHED"},
    "R": {"verdict": "INCONCLUSIVE", "exit_code": 4, "state": "FINISHED", "refusal": "not_ready"},
    "B": {"verdict": "INCONCLUSIVE", "exit_code": 5, "state": "FINISHED", "refusal": "busy"},
    "X": {"verdict": "INCONCLUSIVE", "exit_code": 143, "state": "INTERRUPTED", "signal": 15},
    "C": {"verdict": "INCONCLUSIVE", "exit_code": 12, "state": "CRASHED"},
}


class Bench:
    """A state directory that is filled with runs, in the order of their time."""

    def __init__(self, state: Path, seed: int = 4) -> None:
        self.state = state
        self.draw = random.Random(seed)  # noqa: S311 no secret
        self.entries: list[tuple[datetime, EntryKind, dict[str, Any]]] = []
        state.mkdir(parents=True)

    def attempt(self, name: str, kind: Kind, plan: RunPlan, letter: str, day: datetime) -> None:
        """Leave one attempt on the disk."""
        at = day + timedelta(minutes=self.draw.randrange(180))
        if letter == "S":
            body = ScheduleMissed(service=name, due=at, last=at - timedelta(days=90))
            payload = body.model_dump(mode="json")
            self.entries.append((at, EntryKind.SCHEDULE_MISSED, payload))
        elif letter != "-":
            self._write(self._record(kind, plan, letter, at))

    def _record(self, kind: Kind, plan: RunPlan, letter: str, at: datetime) -> RunRecord:
        start = NOW - timedelta(days=365)
        seconds = kind.rta + kind.growth * (at - start).days + self.draw.gauss(0, kind.rta / 25)
        seconds = max(seconds, 60.0) * (1.5 if letter == "M" else 1.0)
        if letter == "P":
            seconds = min(seconds, kind.rto * 0.985)
        loss = kind.rpo * self.draw.uniform(0.2, 0.8)
        is_known = letter in "PM"
        marks: dict[str, Any] = {"marks": {}, "recovery_point": None}
        recovery = a_recovery(
            **marks,
            rta=_actual(seconds, 45.0) if is_known else None,
            technical_rta=_actual(seconds - 20, 45.0) if is_known else None,
            rpa=_actual(loss, kind.rpo / 40) if is_known else None,
        )
        why = {"P": "both objectives are met", "F": "restore step restore failed: no space left"}
        return a_record(
            run_id=f"{at:%Y%m%dT%H%M%SZ}-{plan.drill.drill}-{self.draw.randrange(16**6):06x}",
            plan=plan,
            started=at,
            ended=at + timedelta(seconds=seconds + 90),
            recovery=recovery,
            reasons=(why.get(letter, "the evidence does not suffice"),),
            launch=a_launch(trigger="due"),
            steps=tuple(a_step(name=step.name, phase=step.phase) for step in plan.steps[:8]),
            **ENDINGS[letter],
        )

    def _write(self, record: RunRecord) -> None:
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
        )
        self.entries.append((record.ended, EntryKind.RUN, entry.model_dump(mode="json")))

    def finding(self, number: int, severity: Severity, title: str, service: str, days: int) -> None:
        """Leave an open finding in the register."""
        at = NOW - timedelta(days=days)
        body = Finding(
            finding=f"F-{number}",
            title=title,
            severity=severity,
            services=(service,),
            opened=at,
            by="C. Petit",
            owner="Équipe systèmes",
            due=(at + timedelta(days=60)).date(),
        )
        self.entries.append((at, EntryKind.FINDING, body.model_dump(mode="json")))

    def incident(self, number: int, service: str, at: datetime) -> None:
        """Leave an incident in the register: seen, qualified, called for, closed."""
        steps: list[tuple[IncidentStage, float, dict[str, Any]]] = [
            (IncidentStage.DETECTED, 0, {"title": "it is down", "services": (service,)}),
            (IncidentStage.QUALIFIED, 5, {"severity": "major", "cause": f"cause {number % 40}"}),
            (IncidentStage.CALLED, 10, {"ticket": f"T-{number}"}),
            (IncidentStage.CLOSED, 180, {"answered": at + timedelta(minutes=25), "lessons": "x"}),
        ]
        for stage, minutes, facts in steps:
            then = at + timedelta(minutes=minutes)
            is_opening, is_closing = stage is IncidentStage.DETECTED, stage is IncidentStage.CLOSED
            step = IncidentStep.model_validate(
                {
                    "incident": "" if is_opening else f"I-{number}",
                    "stage": stage,
                    "at": then,
                    "provenance": Provenance.MEASURED,
                    "entered": then,
                    "by": "C. Petit",
                    "key": f"nagios-{number % 50}" if is_opening else None,
                    "source": "supervision" if is_opening else None,
                    "provider": "hexanet" if is_opening else None,
                    "restored": then if is_closing else None,
                    **facts,
                }
            )
            self.entries.append((then, EntryKind.INCIDENT, step.model_dump(mode="json")))

    def close(self) -> None:
        """Write the register, in the order of time."""
        previous, lines = GENESIS, []
        for number, (at, kind, body) in enumerate(sorted(self.entries, key=lambda e: e[0]), 1):
            entry = Entry(number=number, at=at, kind=kind, previous=previous, body=body)
            lines.append(canonical(entry))
            previous = line_hash(lines[-1])
        (self.state / REGISTER).write_bytes(b"".join(lines))
        (self.state / HEAD).write_text(f"{len(lines)} {previous}\n")


def _actual(seconds: float, within: float) -> Elapsed:
    return Elapsed(
        seconds=seconds,
        low=max(0.0, seconds - within),
        high=seconds + within / 3,
        provenance=Provenance.MEASURED,
    )


def example(folder: Path) -> None:
    """Leave a year of six services: some prove much, some little, one nothing."""
    house = a_house(folder, YEAR)
    bench = Bench(folder / "state")
    resolved = plans(house)
    for name, kind in YEAR.items():
        for number, letter in enumerate(kind.endings):
            day = NOW - timedelta(days=355 - number * 350 / max(len(kind.endings) - 1, 1))
            bench.attempt(name, kind, resolved[name], letter, day)
    bench.finding(
        1, Severity.MAJOR, "the restore of accounting takes longer than its RTO", "accounting", 140
    )
    bench.finding(2, Severity.CRITICAL, "the backup of mail cannot be read", "mail", 75)
    bench.finding(
        3, Severity.MINOR, "the runbook names a phone number that is not in use", "ldap", 20
    )
    bench.close()
    changed = folder / "playbooks" / "restore_intranet.yml"
    changed.write_text(PLAYBOOK.replace("sbin/restore", "sbin/restore --fast"))
    commented = folder / "playbooks" / "restore_moodle.yml"
    commented.write_text("# the reference service\n" + PLAYBOOK)
    print(f"pradrill --drills {folder}/drills --state {folder}/state dossier")


def ten_years(folder: Path, services: int, runs: int, incidents: int = 0) -> None:
    """Leave quarterly drills of many services over ten years, and what happened to them."""
    kinds = {
        f"service-{number:03d}": Kind(4 * HOUR, 24 * HOUR, (1 + number % 4 / 2) * HOUR, 1.2, "P")
        for number in range(services)
    }
    house = a_house(folder, kinds, hosted=incidents > 0)
    bench = Bench(folder / "state")
    resolved = plans(house)
    letters = "PPPPPPPPPPPPPPPPMPPPFPPIPPRBPPXPPC"
    for number in range(runs):
        name = f"service-{number % services:03d}"
        day = NOW - timedelta(days=3_640 * (1 - number / runs) + 5)
        bench.attempt(name, kinds[name], resolved[name], bench.draw.choice(letters), day)
    for number in range(incidents):
        name = f"service-{number * 7 % services:03d}"
        day = NOW - timedelta(days=3_640 * (1 - number / max(incidents, 1)) + 5)
        bench.incident(number + 1, name, day)
    bench.close()


class Size(NamedTuple):
    """How much there is to tell."""

    services: int
    runs: int
    incidents: int


def timed(what: str, action: Any) -> float:
    """Run it once and print how long it took."""
    gc.collect()
    start = time.process_time()
    action()
    seconds = time.process_time() - start
    print(f"{what:<34}{seconds:7.2f} s", end="")
    return seconds


def read_once(runs: Path) -> int:
    """Read every record as every command does."""
    return sum(source.record is not None for source in sealed_records(runs))


def benchmark(folder: Path, size: Size, formats: Iterator[str]) -> int:
    """Print the ratios; return 1 when one is above the promise."""
    ten_years(folder, *size)
    where = ["--drills", str(folder / "drills"), "--state", str(folder / "state")]
    size_on_disk = sum(p.stat().st_size for p in (folder / "state" / "runs").glob("*/record.json"))
    print(f"{size.runs} runs of {size.services} services, {size_on_disk / 1e6:.0f} MB of records")
    print(f"{size.incidents} incidents")
    read_once(folder / "state" / "runs")  # the page cache is warm for everybody
    once = timed("reading every record once", lambda: read_once(folder / "state" / "runs"))
    print()
    worst = 0.0
    for form in formats:
        first = (NOW - timedelta(days=3_650)).date().isoformat()
        out = folder / f"dossier.{form}"
        words = ["dossier", "--from", first, "--format", form, "--output", str(out)]
        seconds = timed(f"dossier, {form}", lambda words=words: main([*where, *words]))
        worst = max(worst, seconds / once)
        print(f"   {seconds / once:5.1f} times   {out.stat().st_size / 1e6:.1f} MB")
    print(f"the worst ratio is {worst:.1f}, the promise 10")
    return int(worst > 10)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4_000)
    parser.add_argument("--services", type=int, default=100)
    parser.add_argument("--incidents", type=int, default=0)
    parser.add_argument("--formats", default="json,csv,html,pdf")
    parser.add_argument("--example", type=Path)
    given = parser.parse_args()
    if given.example is not None:
        example(given.example)
        sys.exit()
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder, "bench")
        size = Size(given.services, given.runs, given.incidents)
        sys.exit(benchmark(room, size, iter(given.formats.split(","))))
