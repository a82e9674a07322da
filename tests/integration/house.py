"""A small house of drills in a folder, for tests that use it through the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent

UNREACHED = "[100::1]:9"
"""An endpoint that no machine has: what is sent to 100::/64 is thrown away (RFC 6666)."""

PLAN = """\
plan: 1
organisation: Exemple SAS
services:
  shop:
    objectives: {rto: 15m, rpo: 1h}
    drill_every: 3 months
    primary: none
"""
DRILL = """\
drill: shop
services: [shop]
scenario: {name: loss of the machine}
standby: {inventory: ../inventory.yml, hosts: standby, known_hosts: ../known_hosts}
restore: [{playbook: ../playbooks/restore.yml, deadline: 2m}]
verify:
  checks: checks/shop
  deadline: 1m
  stable_for: 100ms
  newest_data: {command: "date -u -d -5min +%FT%TZ"}
  must_not_reach: ["[100::1]:9"]
teardown: [{playbook: ../playbooks/teardown.yml}]
unattended: true
"""
INVENTORY = """\
standby: {hosts: {web-dr: {ansible_host: 192.0.2.20, dr_role: standby}}}
"""
PLAY = """\
- hosts: all
  gather_facts: false
  tasks: [{ansible.builtin.command: "true"}]
"""
CHECK = '''\
def test_it_answers(host):
    """The machine answers."""
    assert host.check_output("echo yes") == "yes"
'''


def build(folder: Path) -> Path:
    """Write a valid house into a folder, and return it."""
    files = {
        "drills/plan.yml": PLAN,
        "drills/shop.yml": DRILL,
        "drills/checks/shop/test_shop.py": CHECK,
        "playbooks/restore.yml": PLAY,
        "playbooks/teardown.yml": PLAY,
        "inventory.yml": INVENTORY,
    }
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def write(folder: Path, name: str, text: str) -> None:
    """Replace one file of a house."""
    (folder / name).write_text(dedent(text), encoding="utf-8")


def edit(folder: Path, name: str, old: str, new: str) -> None:
    """Change one file of a house; what is changed stands there once."""
    text = (folder / name).read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{old!r} in {text}"
    (folder / name).write_text(text.replace(old, new), encoding="utf-8")


def pradrill(
    folder: Path, *words: str, environment: dict[str, str] | None = None, timeout: float = 180
) -> subprocess.CompletedProcess[str]:
    """Run the command in a house, without a terminal."""
    variables = dict(os.environ) if environment is None else environment
    return subprocess.run(
        [sys.executable, "-m", "pradrill", "--state", str(folder / "state"), *words],
        cwd=folder,
        env=variables,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


def type_in(house: Path, line: str) -> None:
    """Do what a person does who copies a line of the doctor's into a shell."""
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    result = subprocess.run(
        line,
        shell=True,
        cwd=house,
        env={**os.environ, "PATH": path, "ANSIBLE_HOST_KEY_CHECKING": "True"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr


@contextmanager
def beside(
    folder: Path, *words: str, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[str]]:
    """Run the command beside the test; at its end it is killed, and what it has started is not."""
    process = subprocess.Popen(
        [sys.executable, "-m", "pradrill", "--state", str(folder / "state"), *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def seal_with_a_key(folder: Path) -> None:
    """Let a key of its own sign the register of a house."""
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / "signing")]
    subprocess.run(command, check=True)
    with (folder / "drills/plan.yml").open("a", encoding="utf-8") as plan:
        plan.write("sealing: {key: ../signing}\n")
