"""What pradrill costs: a drill against the same playbooks and checks by their bare tools.

    .venv/bin/python tests/benchmarks/overhead.py [--state FOLDER] [--rounds 3]

On one lab machine, in turns: `pradrill run`, and `ansible-playbook` for each playbook plus
`pytest` for the checks. The drill restores a database of some 300,000 rows and its files, which
takes an emulated machine over a minute. The bare tools get the same SSH configuration and
Ansible's pipelining, as a sysadmin who cares would set it. Exits with 1 when the ratio of the
medians is above 1.05 (guards, recovery point and the record are inside pradrill's time).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.standbys.lab import Lab
from pradrill.adapters.standbys.lab.site import write_site

REPOSITORY = Path(__file__).parents[2]
AT_MOST = 1.05
BIN = Path(sys.executable).parent

FILES = {
    "drills/plan.yml": """
        plan: 1
        organisation: Benchmark
        services: {shop: {objectives: {rto: 1h, rpo: 1h}, primary: none}}
        """,
    "drills/shop.yml": """
        drill: shop
        services: [shop]
        scenario: {name: benchmark}
        standby: {inventory: ../inventory.ini, hosts: bench, known_hosts: ../known_hosts}
        restore: [{playbook: ../playbooks/restore.yml, deadline: 20m}]
        verify:
          checks: checks/shop
          stable_for: 0s
          newest_data:
            command: mariadb -N -e 'select max(at) - interval 15 minute from shop.orders'
            timezone: UTC
          must_not_reach: ["192.0.2.10:3306"]
        teardown: [{playbook: ../playbooks/teardown.yml}]
        """,
    "drills/checks/shop/test_shop.py": '''
        def test_database(host):
            """MariaDB runs."""
            assert host.service("mariadb").is_running


        def test_web(host):
            """Apache listens."""
            assert host.service("apache2").is_running
            assert host.check_output("curl -s -o /dev/null -w '%{http_code}' http://127.0.0.1/")


        def test_rows(host):
            """Every row is back."""
            assert host.check_output("mariadb -N -e 'select count(*) from shop.orders'") == "300000"


        def test_tables(host):
            """The tables are sound."""
            assert host.check_output("mariadb-check --silent shop") == ""


        def test_files(host):
            """The files are back."""
            assert host.check_output("find /srv/shop -type f | wc -l") == "400"
        ''',
    "playbooks/restore.yml": """
        - hosts: all
          gather_facts: false
          tasks:
            - {ansible.builtin.command: systemctl start mariadb}
            - ansible.builtin.shell: |
                mariadb -e 'create or replace database shop'
                mariadb shop <<'SQL'
                create table orders (id int primary key, at datetime, note varchar(80));
                insert into orders select seq, utc_timestamp() - interval seq second, sha1(seq)
                  from seq_1_to_300000;
                SQL
            - ansible.builtin.shell: |
                mariadb-dump shop > /root/shop.sql
                mariadb -e 'drop database shop; create database shop'
            - {ansible.builtin.shell: mariadb shop < /root/shop.sql}
            - ansible.builtin.shell: |
                mkdir -p /srv/shop
                for i in $(seq 400); do head -c 60000 /dev/urandom > /srv/shop/$i; done
            - {ansible.builtin.shell: cd /srv && tar -czf /root/shop.tgz shop && rm -r shop}
            - {ansible.builtin.command: tar -xzf /root/shop.tgz -C /srv}
            - {ansible.builtin.command: systemctl start apache2}
        """,
    "playbooks/teardown.yml": """
        - hosts: all
          gather_facts: false
          tasks:
            - ansible.builtin.shell: |
                systemctl stop apache2
                mariadb -e 'drop database shop'
                systemctl stop mariadb
                rm -rf /srv/shop /root/shop.*
        """,
}


def main() -> int:
    """Measure, print, compare."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("/var/tmp/pradrill-benchmark"))
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    lab = Lab(args.state / "lab", SteadyClock())
    if not lab.built:
        lab.build(lambda line: print(line, file=sys.stderr))
    machine = lab.machine("bench")
    machine.up(lambda line: print(line, file=sys.stderr))
    folder = Path(tempfile.mkdtemp(prefix="pradrill-overhead-"))
    try:
        write_site(machine, folder, dr_role="standby")
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")
        bare_play(folder, REPOSITORY / "playbooks" / "mark_standby.yml")
        return compare(folder, args.rounds)
    finally:
        machine.down()
        shutil.rmtree(folder)


def compare(folder: Path, rounds: int) -> int:
    """Take turns, so that a machine that gets slower or faster does so for both."""
    # First runs are the slowest, of the machine as of what is read from disk: neither counts.
    bare_run(folder)
    pradrill_run(folder)
    bare, whole = [], []
    for number in range(rounds):
        bare.append(timed(lambda: bare_run(folder)))
        whole.append(timed(lambda: pradrill_run(folder)))
        print(f"round {number + 1}: bare {bare[-1]:.1f} s, pradrill {whole[-1]:.1f} s", flush=True)
    ratio = statistics.median(whole) / statistics.median(bare)
    print(f"ratio of the medians: {ratio:.3f} (at most {AT_MOST})")
    return 0 if ratio <= AT_MOST else 1


def timed(work: Callable[[], None]) -> float:
    """Return the wall time of some work."""
    start = time.monotonic()
    work()
    return time.monotonic() - start


def bare_run(folder: Path) -> None:
    """Run playbooks and checks as a sysadmin does by hand."""
    bare_play(folder, folder / "playbooks" / "restore.yml")
    config = folder / "ssh_config"
    words: list[str | Path] = [
        BIN / "pytest",
        "-q",
        "--hosts",
        "ssh://bench",
        "--ssh-config",
        config,
    ]
    run([*words, "-p", "no:cacheprovider", folder / "drills" / "checks"], folder)
    bare_play(folder, folder / "playbooks" / "teardown.yml")


def bare_play(folder: Path, playbook: Path) -> None:
    """Run one playbook with ansible-playbook."""
    run([BIN / "ansible-playbook", "-i", folder / "inventory.ini", playbook], folder)


def pradrill_run(folder: Path) -> None:
    """Run the drill."""
    run([BIN / "pradrill", "--state", folder / "state", "run", "shop"], folder)


def run(words: list[str | Path], folder: Path) -> None:
    """Run a command that must succeed."""
    result = subprocess.run(
        words,
        cwd=folder,
        env={
            **os.environ,
            "ANSIBLE_PIPELINING": "True",
            "ANSIBLE_SSH_ARGS": f"-F {folder / 'ssh_config'}",
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != 0:
        sys.exit(f"{words[0]} ended with {result.returncode}:\n{result.stdout}{result.stderr}")


if __name__ == "__main__":
    sys.exit(main())
