"""What a restore playbook costs over the best bare command line of the same tool.

    .venv/bin/python tests/benchmarks/restore_speed.py [--scale 1] [--rounds 3] [CASE …]

On one lab machine, in one run, from the same backup in a folder of that machine, in turns: the
bare commands over SSH, and `ansible-playbook` with the shipped playbook. Both start where the
service is stopped and end when it answers; of several rounds the quickest of each counts. Prints
seconds, the ratio, how many processes restore, and restored MB/s beside a plain copy of the same
bytes; at the end a table of all. Exits with 1 when a ratio is above what its case promises
(restore_cases.py): 0.85 where a dump can be loaded while files come, 1.05 elsewhere.
A playbook's fixed cost counts, up to 25 seconds on an emulated machine: restore_cases.py gives the
sizes at which a bare restore takes minutes there. One round of all cases takes five hours; nothing
else may run.
Where the disk decides, the same command differs by a quarter from one time to the next on such a
machine: then only several rounds tell.

--inventory and --ssh-config name another machine, of one that has Debian's packages of every tool:
whatever its databases hold is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.restore_cases import CASES, Case

from pradrill.adapters.ansible.environment import CONFIGURATION
from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab
from pradrill.adapters.standbys.lab.lab import write_site

REPOSITORY = Path(__file__).parents[2]
SCRIPTS = Path(__file__).parent / "restoring"
BIN = Path(sys.executable).parent
DEADLINE = 7200
ROOM = 40 * 2**30
"""The bytes of the machine's disk, which begin.sh gives to its file system."""


class Machine(NamedTuple):
    """Where it is restored, as Ansible and SSH reach it."""

    name: str
    inventory: Path
    ssh_config: Path

    def run(self, script: str, *words: str) -> str:
        """Run a script on the machine and return what it prints."""
        result = subprocess.run(
            ["ssh", "-F", self.ssh_config, self.name, "bash", "-s", "--", *words],
            input=script,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
            check=False,
        )
        if result.returncode != 0:
            sys.exit(f"{script[:80]}: {result.stdout[-500:]} {result.stderr.strip()[-1500:]}")
        return result.stdout.strip()

    def do(self, name: str, *words: str) -> None:
        """Run one of the benchmark's own scripts."""
        self.run((SCRIPTS / f"{name}.sh").read_text("utf-8"), *words)

    def play(self, playbook: Path, variables: Path) -> None:
        """Run a playbook as pradrill does: pinned, pipelined, one connection, in no haste."""
        configuration = variables.with_name("ansible.cfg")
        configuration.write_text(CONFIGURATION, "utf-8")
        arguments = ("-i", self.inventory, "-l", self.name, "-e", f"@{variables}")
        result = subprocess.run(
            [BIN / "ansible-playbook", *arguments, playbook],
            env={
                **os.environ,
                "ANSIBLE_CONFIG": str(configuration),
                "ANSIBLE_SSH_ARGS": f"-F {self.ssh_config}",
                "ANSIBLE_PIPELINING": "True",
            },
            check=False,
            capture_output=True,
            text=True,
            timeout=DEADLINE,
        )
        if result.returncode != 0:
            sys.exit(f"{playbook.name}: {result.stdout[-3000:]} {result.stderr[-500:]}")


class Took(NamedTuple):
    """The seconds of one case, and the megabytes that were restored."""

    bare: float
    playbook: float
    copy: float
    size: int

    @property
    def ratio(self) -> float:
        """Return the playbook's time over that of the bare commands."""
        return self.playbook / self.bare


def main() -> int:
    """Measure every case; 1 when a playbook costs too much."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0] if __doc__ else "")
    parser.add_argument("--state", type=Path, default=Path("/var/tmp/pradrill-benchmark"))
    parser.add_argument("--scale", type=float, default=1)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--inventory", type=Path)
    parser.add_argument("--ssh-config", type=Path)
    parser.add_argument("--host", default="restorer")
    parser.add_argument("case", nargs="*", default=[case.name for case in CASES])
    args = parser.parse_args()
    rows: list[tuple[Case, Took]] = []
    with tempfile.TemporaryDirectory() as name, machine(args, Path(name)) as there:
        folder = Path(name)
        cores = there.run("nproc")
        floor = fixed_cost(there, folder)
        tell(f"{cores} processors; an Ansible play of nothing takes {floor:.1f} s")
        chosen = [case for case in CASES if case.name in args.case]
        if not there.run("command -v mydumper || :"):  # Debian 13 has none
            chosen = [case for case in chosen if case.name != "mydumper"]
        for backups, group in groupby(chosen, key=lambda case: case.backups):
            cases = list(group)
            there.do("begin")
            sizes = (str(round(args.scale * each)) for each in (backups.rows, backups.megabytes))
            there.do(f"fill_{backups.script}", *sizes, *(case.name for case in cases))
            there.do("reset")
            facts = keys(there) if backups.script == "postgresql" else {}
            for case in cases:
                times = best([measure(there, case, facts, folder) for _ in range(args.rounds)])
                report(case, times, cores)
                rows.append((case, times))
    tell(table(rows))
    return int(any(times.ratio > case.at_most for case, times in rows))


@contextmanager
def machine(args: argparse.Namespace, folder: Path) -> Iterator[Machine]:
    """Give the machine to restore on: a fresh one of the lab, or the one that was named."""
    if args.inventory:
        yield Machine(args.host, args.inventory, args.ssh_config)
        return
    lab = Lab(args.state / "lab", SteadyClock())
    if not lab.built:
        lab.build(tell)
        os.truncate(args.state / "lab/image/base.img", ROOM)
    fresh = lab.machine(args.host)
    fresh.down()
    fresh.up(tell)
    try:
        site = write_site(fresh, folder=folder)
        yield Machine(site.hosts[0].name, site.inventory, site.ssh_config)
    finally:
        fresh.down()


def keys(there: Machine) -> dict[str, str]:
    """Return how the machine's postgres reaches itself over SSH, as a Barman server would."""
    return {
        "port": there.run("sshd -T | awk '$1 == \"port\" {print $2; exit}'"),
        "key": there.run("cat ~postgres/.ssh/id_ed25519"),
        "host_key": there.run("cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub"),
    }


def best(rounds: list[Took]) -> Took:
    """Return the quickest of each."""
    return Took(
        min(each.bare for each in rounds),
        min(each.playbook for each in rounds),
        min(each.copy for each in rounds),
        rounds[0].size,
    )


def fixed_cost(there: Machine, folder: Path) -> float:
    """Return what Ansible takes to look at the machine once."""
    look = "{ansible.builtin.command: /bin/true}"
    play, nothing = folder / "nothing.yml", folder / "nothing.json"
    play.write_text(f"- hosts: all\n  gather_facts: false\n  tasks: [{look}]\n", "utf-8")
    nothing.write_text("{}", "utf-8")
    return timed(lambda: there.play(play, nothing))


def measure(there: Machine, case: Case, facts: dict[str, str], folder: Path) -> Took:
    """Restore in both ways from the same state."""
    text = json.dumps(case.variables)
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", json.dumps(value)[1:-1])
    variables = folder / "variables.json"
    variables.write_text(text, "utf-8")
    variables.chmod(0o600)
    bare = case.bare.replace("{port}", facts.get("port", ""))
    os.sync()  # the lab's machines leave this to us
    took_bare = timed(lambda: there.run(f"set -eu; {bare}"))
    size = int(there.run(f"du -scm {case.data} | tail -n 1 | cut -f 1"))
    copy = timed(lambda: there.run(f"mkdir /srv/copy; cp -a {case.data} /srv/copy; sync"))
    there.run("rm -rf /srv/copy")
    there.do("reset")
    playbook = REPOSITORY / "playbooks" / f"{case.playbook}.yml"
    os.sync()
    took_playbook = timed(lambda: there.play(playbook, variables))
    restored = int(there.run(f"du -scm {case.data} | tail -n 1 | cut -f 1"))
    if abs(restored - size) > max(20, size // 10):
        sys.exit(f"{case.name}: {size} MB by hand, {restored} MB by the playbook")
    there.do("reset")
    return Took(took_bare, took_playbook, copy, size)


def report(case: Case, times: Took, cores: str) -> None:
    """Print a case's line."""
    jobs = case.jobs.replace("$(nproc)", cores)
    tell(
        f"{case.name:13} bare {times.bare:6.1f} s  playbook {times.playbook:6.1f} s  ratio "
        f"{times.ratio:.3f} (at most {case.at_most:.2f})  {times.size} MB at "
        f"{times.size / times.playbook:.1f} MB/s, copied at {times.size / times.copy:.1f} MB/s; "
        f"processes: {jobs}"
    )


def table(rows: list[tuple[Case, Took]]) -> str:
    """Return every case's figures, as the README has them."""
    lines = [
        f"| {case.name}, {times.size} MB | {times.bare:.1f} s | {times.playbook:.1f} s "
        f"| {times.ratio:.3f} | {case.at_most:.2f} | {'kept' * (times.ratio <= case.at_most)} |"
        for case, times in rows
    ]
    heads = ["| case | bare | playbook | ratio | at most | |", "|---|--:|--:|--:|--:|---|"]
    return "\n".join([*heads, *lines])


def timed(what: Callable[[], object]) -> float:
    """Return how many seconds something takes."""
    start = time.monotonic()
    what()
    return time.monotonic() - start


def tell(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
