"""What commands cost that people type: .venv/bin/python tests/benchmarks/commands.py [--runs 4000].

Processor time of whole processes (user and system), the least of some rounds, so that other work on
the machine shows little. What is over a bare interpreter is over `python -c pass`, measured in
turn with it. Ansible, which `validate` asks about the playbooks, is a process of its own and is
shown apart: its time is Ansible's, and it is asked once where all drills share their plays.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from pradrill.register.runs.line_index import INDEX

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.dossier import ten_years

_BARE = (sys.executable, "-c", "pass")
_PRADRILL = (sys.executable, "-c", "import sys; from pradrill.cli import main; sys.exit(main())")
_OWN = """
import resource, sys
from pradrill.cli import main
code = main()
for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN):
    usage = resource.getrusage(who)
    print(usage.ru_utime + usage.ru_stime, file=sys.stderr)
sys.exit(code)
"""
DRILL = """\
drill: {name}
services: [{name}]
scenario: {{name: loss of the hosting site, disruption: launch}}
standby: {{vm: standby}}
restore: [{{playbook: ../playbooks/restore.yml}}]
verify:
  checks: checks
  newest_data: {{command: newest-row}}
  must_not_reach: ["db.prod.exemple.fr:3306"]
unattended: true
"""
SERVICE = """\
  {name}:
    tier: 2
    owner: {name}@exemple.fr
    objectives: {{rto: 4h, rpo: 24h}}
    drill_every: 3 months
"""
PLAY = (
    "- hosts: all\n  tasks: [{name: restore, ansible.builtin.command: /usr/local/sbin/restore}]\n"
)
CHECK = 'def test_page(host):\n    """The page is served."""\n    assert host.file("/srv").exists\n'


def processor_time(command: Sequence[str | Path]) -> float:
    """Return the seconds that a process and those that it waited for took of processors."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return usage.ru_utime + usage.ru_stime


def least(command: Sequence[str | Path], rounds: int) -> float:
    """Return the least of some rounds, after one that is not counted."""
    return min([processor_time(command) for _ in range(rounds + 1)][1:])


def over_bare(command: Sequence[str | Path], rounds: int) -> float:
    """Return what a command takes more than an interpreter that does nothing."""
    pairs = [(processor_time(command), processor_time(_BARE)) for _ in range(rounds + 1)][1:]
    return min(ours for ours, _ in pairs) - min(bare for _, bare in pairs)


def a_plan(folder: Path, services: int) -> Path:
    """Write a plan of many services, each with a drill; return the folder of drills."""
    drills = folder / "drills"
    for each in (drills / "checks", folder / "playbooks"):
        each.mkdir(parents=True)
    (folder / "playbooks" / "restore.yml").write_text(PLAY)
    (drills / "checks" / "test_page.py").write_text(CHECK)
    names = [f"service-{number:04d}" for number in range(services)]
    for name in names:
        (drills / f"{name}.yml").write_text(DRILL.format(name=name))
    text = "".join(SERVICE.format(name=name) for name in names)
    (drills / "plan.yml").write_text(f"plan: 7\norganisation: Exemple SAS\nservices:\n{text}")
    return drills


def validated(drills: Path, rounds: int) -> tuple[float, float]:
    """Return what `validate` takes itself, and what Ansible takes for it."""
    command = [sys.executable, "-c", _OWN, "--drills", str(drills), "validate"]
    product, ansible = [], []
    for _ in range(rounds):
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        ours, theirs = result.stderr.split()
        product.append(float(ours))
        ansible.append(float(theirs))
    return min(product), min(ansible)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=4_000)
    parser.add_argument("--services", type=int, default=1_000)
    parser.add_argument("--rounds", type=int, default=7)
    given = parser.parse_args()
    rounds = given.rounds
    promises: list[bool] = []

    def judge(what: str, seconds: float, most: float | None = None) -> None:
        limit = "" if most is None else f"   at most {most:.3f} s"
        print(f"{what:<52}{seconds:7.3f} s{limit}", flush=True)
        promises.append(most is None or seconds <= most)

    with tempfile.TemporaryDirectory(prefix="pradrill-bench-") as folder:
        room = Path(folder)
        ten_years(room / "one", 1, 1)
        small = (*_PRADRILL, "--state", room / "one" / "state", "--drills", room / "one" / "drills")
        judge("--help, over a bare interpreter", over_bare((*_PRADRILL, "--help"), rounds), 0.040)
        time.sleep(2.5)  # a run that was recorded just now is not taken from the index
        for command, most in (("runs", 0.250), ("findings", 0.250), ("show", 0.250)):
            seconds = over_bare((*small, command), rounds)
            judge(f"{command}, of one run, over a bare interpreter", seconds, most)

        ten_years(room / "many", 100, given.runs)
        time.sleep(2.5)
        where = ("--drills", room / "many" / "drills")
        many = (*_PRADRILL, "--state", room / "many" / "state", *where)
        first = processor_time((*many, "runs"))
        assert (room / "many" / "state" / INDEX).is_file()
        judge(f"runs, of {given.runs}, without an index", first)
        judge(f"runs, of {given.runs}", least((*many, "runs"), rounds), 0.5)
        first = processor_time((*many, "status"))
        judge(f"status, of {given.runs} runs and 100 services, without an index", first)
        seconds = over_bare((*many, "status"), rounds)
        judge(f"status, of {given.runs} runs, over a bare interpreter", seconds, 0.300)
        judge(f"findings, of {given.runs}", least((*many, "findings"), rounds))
        judge(f"due, of {given.runs} runs and 100 services", least((*many, "due"), rounds))

        product, ansible = validated(a_plan(room / "plan", given.services), rounds)
        judge(f"validate, {given.services} services with a drill each", product, 0.7)
        judge("  and Ansible, asked about their plays", ansible)
    return int(not all(promises))


if __name__ == "__main__":
    sys.exit(main())
