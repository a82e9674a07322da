"""What a restore playbook costs over the best bare command line of the same tool.

    .venv/bin/python tests/benchmarks/restore_speed.py [--machine namespaces] [--scale 1]
        [--rounds 3] [CASE …]

On one machine, in one run, from the same backup in a folder of that machine, in turns, each first
every other time: the bare commands over SSH, and `ansible-playbook` with the shipped playbook.
Both start where the service is stopped and nothing of the backup is in the machine's memory, and
end when it answers; of several rounds the quickest of each counts. Prints each round's seconds,
the ratio, how many processes restore, and restored MB/s; at the end a table of all. Exits with 1
when a ratio is above what its case promises (restore_cases.py): 0.85 where a dump can be loaded
while files come, 1.05 elsewhere.
A playbook's fixed cost counts, up to 25 seconds on an emulated machine: restore_cases.py gives the
sizes at which a bare restore takes minutes there, and how many times as much in namespaces, which
have this machine's own speed. One round of all cases takes five hours in the lab, and an hour in
namespaces; --scale makes all of it larger or smaller. Nothing else may run.
Where the disk decides, the same command differs by a quarter from one time to the next on such a
machine: then only several rounds tell.

--inventory and --ssh-config name another machine, of one that has Debian's packages of every tool:
whatever its databases hold is lost.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.benchmarks.restore_cases import CASES, Case
from tests.benchmarks.restore_machine import HOST, Machine, machine

REPOSITORY = Path(__file__).parents[2]


class Took(NamedTuple):
    """The seconds of one case, and the megabytes that were restored."""

    bare: float
    playbook: float
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
    parser.add_argument("--machine", choices=("lab", "namespaces"), default="lab")
    parser.add_argument("--inventory", type=Path)
    parser.add_argument("--ssh-config", type=Path)
    parser.add_argument("--host", default=HOST)
    parser.add_argument("case", nargs="*", default=[case.name for case in CASES])
    args = parser.parse_args()
    rows: list[tuple[Case, Took]] = []
    with ExitStack() as undo:
        folder = Path(undo.enter_context(tempfile.TemporaryDirectory()))
        there = Machine(args.host, args.inventory, args.ssh_config)
        if not args.inventory:
            there = undo.enter_context(machine(args.machine, folder, args.state, tell))
        cores = there.run("nproc")
        floor = fixed_cost(there, folder)
        tell(f"{cores} processors; an Ansible play of nothing takes {floor:.1f} s")
        chosen = [case for case in CASES if case.name in args.case]
        if not there.run("command -v mydumper || :"):  # Debian 13 has none
            chosen = [case for case in chosen if case.name != "mydumper"]
        for backups, group in groupby(chosen, key=lambda case: case.backups):
            cases = list(group)
            there.do("begin")
            scale = args.scale * (backups.native if args.machine == "namespaces" else 1)
            sizes = (str(round(scale * each)) for each in (backups.rows, backups.megabytes))
            there.do(f"fill_{backups.script}", *sizes, *(case.name for case in cases))
            there.do("reset")
            facts = keys(there) if backups.script == "postgresql" else {}
            for case in cases:
                times = best(
                    [
                        measure(there, case, facts, folder, is_playbook_first=bool(turn % 2))
                        for turn in range(args.rounds)
                    ]
                )
                report(case, times, cores)
                rows.append((case, times))
    tell(table(rows))
    return int(any(times.ratio > case.at_most for case, times in rows))


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
        rounds[0].size,
    )


def fixed_cost(there: Machine, folder: Path) -> float:
    """Return what Ansible takes to look at the machine once."""
    look = "{ansible.builtin.command: /bin/true}"
    play, nothing = folder / "nothing.yml", folder / "nothing.json"
    play.write_text(f"- hosts: all\n  gather_facts: false\n  tasks: [{look}]\n", "utf-8")
    nothing.write_text("{}", "utf-8")
    return timed(lambda: there.play(play, nothing))


def measure(
    there: Machine, case: Case, facts: dict[str, str], folder: Path, *, is_playbook_first: bool
) -> Took:
    """Restore in both ways from the same state."""
    text = json.dumps(case.variables)
    for name, value in facts.items():
        text = text.replace(f"{{{name}}}", json.dumps(value)[1:-1])
    variables = folder / "variables.json"
    variables.write_text(text, "utf-8")
    variables.chmod(0o600)
    bare = case.bare.replace("{port}", facts.get("port", ""))
    playbook = REPOSITORY / "playbooks" / f"{case.playbook}.yml"
    ways: dict[str, Callable[[], object]] = {
        "bare": lambda: there.run(f"set -eu; {bare}"),
        "playbook": lambda: there.play(playbook, variables),
    }
    seconds, sizes = {}, {}
    for way in reversed(ways) if is_playbook_first else ways:
        os.sync()  # a machine of the lab leaves this to us
        seconds[way] = timed(ways[way])
        sizes[way] = int(there.run(f"du -scm {case.data} | tail -n 1 | cut -f 1"))
        there.do("reset")
    if abs(sizes["playbook"] - sizes["bare"]) > max(20, sizes["bare"] // 10):
        sys.exit(f"{case.name}: {sizes['bare']} MB by hand, {sizes['playbook']} MB by the playbook")
    tell(f"{case.name:13} {', '.join(f'{way} {seconds[way]:.1f} s' for way in seconds)}")
    return Took(seconds["bare"], seconds["playbook"], sizes["bare"])


def report(case: Case, times: Took, cores: str) -> None:
    """Print a case's line."""
    jobs = case.jobs.replace("$(nproc)", cores)
    tell(
        f"{case.name:13} bare {times.bare:6.1f} s  playbook {times.playbook:6.1f} s  ratio "
        f"{times.ratio:.3f} (at most {case.at_most:.2f})  {times.size} MB at "
        f"{times.size / times.playbook:.1f} MB/s; processes: {jobs}"
    )


def table(rows: list[tuple[Case, Took]]) -> str:
    """Return every case's figures, as the README has them."""
    lines = [
        f"| {case.name}, {times.size} MB | {times.bare:.1f} s | {times.playbook:.1f} s "
        f"| {times.playbook - times.bare:+.1f} s | {times.ratio:.3f} | {case.at_most:.2f} "
        f"| {'kept' if times.ratio <= case.at_most else 'missed'} |"
        for case, times in rows
    ]
    heads = [
        "| case | bare | playbook | more | ratio | at most | |",
        "|---|--:|--:|--:|--:|--:|---|",
    ]
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
