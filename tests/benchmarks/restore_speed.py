"""What a restore playbook costs over the best bare command line of the same tool.

    flock LOCK .venv/bin/python tests/benchmarks/restore_speed.py [--state FOLDER] [--rows N]

On one lab machine, in one run, from the same backup in a folder of that machine, in turns: the
bare commands over SSH, and `ansible-playbook` with the shipped playbook. Both start where the
service is stopped and end when it answers. Prints seconds, the ratio and restored MB/s beside a
plain copy of the same bytes. Exits with 1 when a ratio is above 1.10. Choose --rows so that a bare
restore takes a minute or more: a playbook's fixed cost, some ten seconds on an emulated machine,
is not what is measured here.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from pradrill.adapters.clock import SteadyClock
from pradrill.adapters.lab import Lab, Machine
from pradrill.adapters.lab.lab import write_site

REPOSITORY = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
AT_MOST = 1.10
DEADLINE = 3600


class Case(NamedTuple):
    """One playbook, the folder it restores from, and what a sysadmin would type instead."""

    playbook: str
    folder: str
    bare: str
    data: str
    """What was restored, for `du`."""


CASES = (
    Case(
        "restore_postgresql_logical",
        "/srv/b/postgresql",
        "systemctl start postgresql@*-main; cd /; runuser -u postgres -- psql -Xq "
        "-c 'create role shop login' -c 'create database shop owner shop'; "
        "runuser -u postgres -- pg_restore --jobs=$(nproc) --dbname=shop /srv/b/postgresql/d",
        "/var/lib/postgresql/*/main/base",
    ),
    Case(
        "restore_mariadb_logical",
        "/srv/b/mariadb",
        "systemctl start mariadb; mariadb -e 'create database shop'; "
        "mariadb shop < /srv/b/mariadb/d.sql",
        "/var/lib/mysql/shop",
    ),
    Case(
        "restore_mariadb_physical",
        "/srv/b/mariabackup",
        "rm -rf /var/lib/mysql/*; mkdir /var/lib/new; "
        "mbstream -x --parallel=$(nproc) -C /var/lib/new < /srv/b/mariabackup/d.xb; "
        "mariabackup --prepare --target-dir=/var/lib/new 2> /dev/null; "
        "mariabackup --move-back --target-dir=/var/lib/new 2> /dev/null; "
        "chown -R mysql: /var/lib/mysql; systemctl start mariadb; rm -rf /var/lib/new",
        "/var/lib/mysql",
    ),
)

FILL = """
set -e
systemctl start postgresql@*-main mariadb
cd /
runuser -u postgres -- psql -Xq -c 'create role shop login' -c 'create database shop owner shop'
runuser -u postgres -- psql -Xq shop -c "create table orders as select n id, md5(n::text) what,
  repeat(md5((n * 7)::text), 8) more from generate_series(1, ROWS) n" \
  -c 'alter table orders add primary key (id)' -c 'create index on orders (what)'
mariadb -e "create database shop; create table shop.orders (id int primary key, what char(32),
  more varchar(300), key (what)) select seq id, md5(seq) what, repeat(md5(seq * 7), 8) more
  from seq_1_to_ROWS"
install -d -m 0777 /srv/b /srv/b/postgresql /srv/b/mariadb /srv/b/mariabackup
runuser -u postgres -- pg_dump -Fd -j2 -Z1 -f /srv/b/postgresql/d shop
mariadb-dump --single-transaction shop > /srv/b/mariadb/d.sql
mariabackup --backup --stream=xbstream 2> /dev/null > /srv/b/mariabackup/d.xb
runuser -u postgres -- psql -Xq -c 'drop database shop' -c 'drop role shop'
mariadb -e 'drop database shop'
systemctl stop postgresql@*-main mariadb
mkdir -p /etc/pradrill; cat /etc/machine-id > /etc/pradrill/standby
sync; echo 3 > /proc/sys/vm/drop_caches
"""
RESET = """
systemctl start postgresql@*-main mariadb 2> /dev/null
cd /
runuser -u postgres -- psql -Xq -c 'drop database if exists shop' -c 'drop role if exists shop'
mariadb -e 'drop database if exists shop'
systemctl stop postgresql@*-main mariadb
rm -rf /var/lib/mysql.standby /etc/mysql/mariadb.conf.d/99-pradrill.cnf
sync; echo 3 > /proc/sys/vm/drop_caches
"""


def inside(machine: Machine, script: str) -> str:
    """Run a script on the machine and return what it prints."""
    done = subprocess.run(
        [*machine.ssh_command(), script],
        capture_output=True,
        text=True,
        timeout=DEADLINE,
        check=False,
    )
    if done.returncode != 0:
        sys.exit(f"{script[:80]}: {done.stderr.strip()[-500:]}")
    return done.stdout.strip()


def play(machine: Machine, case: Case, folder: Path) -> None:
    """Run the playbook as pradrill does: pinned, pipelined, one connection."""
    site = write_site(machine, folder=folder)
    variables = json.dumps({"backup_folder": case.folder})
    environment = {
        **os.environ,
        "ANSIBLE_SSH_ARGS": f"-F {site.ssh_config}",
        "ANSIBLE_PIPELINING": "True",
    }
    subprocess.run(
        [
            *(BIN / "ansible-playbook", "-i", site.inventory, "-e", variables),
            REPOSITORY / "playbooks" / f"{case.playbook}.yml",
        ],
        env=environment,
        check=True,
        capture_output=True,
        timeout=DEADLINE,
    )


def main() -> int:
    """Measure every case; 1 when a playbook costs too much."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--state", type=Path, default=Path("/var/tmp/pradrill-benchmark"))
    parser.add_argument("--rows", type=int, default=1_000_000)
    args = parser.parse_args()
    lab = Lab(args.state / "lab", SteadyClock())
    if not lab.built:
        lab.build(print)
    machine = lab.machine("restorer")
    machine.down()
    machine.up(print)
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder:
        try:
            inside(machine, FILL.replace("ROWS", str(args.rows)))
            for case in CASES:
                worst = max(worst, measure(machine, case, Path(folder)))
        finally:
            machine.down()
    return int(worst > AT_MOST)


def measure(machine: Machine, case: Case, folder: Path) -> float:
    """Print a case's figures; return its ratio."""
    began = time.monotonic()
    inside(machine, case.bare)
    bare = time.monotonic() - began
    size = int(inside(machine, f"du -scm {case.data} | tail -n 1 | cut -f 1"))
    began = time.monotonic()
    inside(machine, f"mkdir /srv/copy; cp -a {case.data} /srv/copy; sync; rm -rf /srv/copy")
    copied = time.monotonic() - began
    inside(machine, RESET)
    began = time.monotonic()
    play(machine, case, folder)
    played = time.monotonic() - began
    inside(machine, RESET)
    print(
        f"{case.playbook}: bare {bare:.1f} s, playbook {played:.1f} s, ratio {played / bare:.3f} "
        f"(at most {AT_MOST}); {size} MB: {size / played:.1f} MB/s, plain copy "
        f"{size / copied:.1f} MB/s",
        flush=True,
    )
    return played / bare


if __name__ == "__main__":
    sys.exit(main())
