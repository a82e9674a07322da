"""A small estate on machines of the lab: an application that depends on a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.e2e.conftest import pradrill

from pradrill.adapters.lab import Lab
from pradrill.domain.record import RunRecord

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
DATABASE_AT = "10.0.2.101"
PLAN = """\
plan: 1
organisation: Exemple SAS
services:
  database: {objectives: {rto: 15m, rpo: 1h}}
  application: {objectives: {rto: 15m, rpo: 1h}, depends_on: [database]}
"""
RESTORE = {
    "database": (
        "systemctl start mariadb && mariadb -e 'create or replace database shop; "
        "create table shop.orders (at datetime(3)); "
        "insert into shop.orders values (utc_timestamp())'"
    ),
    "application": (
        "python3 -c \"import socket; print(socket.create_connection(('DATABASE_AT', 22), 20)"
        '.recv(4).decode())" > /srv/banner && grep SSH- /srv/banner'
    ).replace("DATABASE_AT", DATABASE_AT),
}
# The restores make their data: it is dated back to before the disruption, as data of a backup is.
NEWEST: dict[str, dict[str, str]] = {
    "database": {
        "command": "mariadb -N -B shop -e 'select max(at) - interval 5 minute from orders'",
        "format": "%Y-%m-%d %H:%M:%S.%f",
        "timezone": "UTC",
    },
    "application": {"command": "echo $(($(stat -c %Y /srv/banner) - 300))", "format": "epoch"},
}
CHECK = {
    "database": 'assert host.service("mariadb").is_running',
    "application": 'assert host.file("/srv/banner").contains("SSH-")',
}


def a_house(folder: Path) -> Path:
    """Write the estate's drill, and return the folder of its drills."""
    drills = folder / "drills"
    recover: dict[str, Any] = {}
    for service in ("database", "application"):
        checks = drills / "checks" / service
        checks.mkdir(parents=True)
        test = f'def test_it(host):\n    """The {service} works."""\n    {CHECK[service]}\n'
        (checks / "test_it.py").write_text(test, encoding="utf-8")
        tasks = [{"ansible.builtin.shell": RESTORE[service]}]
        play = [{"hosts": "all", "gather_facts": False, "tasks": tasks}]
        (folder / f"{service}.yml").write_text(json.dumps(play), encoding="utf-8")
        recover[service] = {
            "hosts": f"estate-{service}",
            "prepare": [{"playbook": str(PLAYBOOKS / "mark_standby.yml")}],
            "restore": [{"playbook": str(folder / f"{service}.yml")}],
            "verify": {
                "checks": f"checks/{service}",
                "stable_for": "2s",
                "newest_data": NEWEST[service],
                "must_not_reach": ["192.0.2.10:3306"],
            },
        }
    drill = {
        "drill": "estate",
        "scenario": {"name": "loss of the site"},
        "standby": {
            "vms": [f"estate-{service}" for service in recover],
            "links": {f"{DATABASE_AT}:22": "estate-database:22"},
        },
        "recover": recover,
    }
    (drills / "plan.yml").write_text(PLAN, encoding="utf-8")
    (drills / "estate.yml").write_text(json.dumps(drill), encoding="utf-8")
    return drills


def test_an_estate_is_recovered_on_two_machines(tmp_path: Path, state: Path, lab: Lab) -> None:
    """Two true machines, one for each service: in order, each measured, both thrown away after."""
    done = pradrill("run", "estate", state=state, drills=a_house(tmp_path), deadline=1200)
    assert done.returncode == 0, done.stdout + done.stderr
    shown = pradrill("show", "--json", state=state)
    record = RunRecord.model_validate_json(shown.stdout)
    assert {name: str(result.verdict) for name, result in record.services.items()} == {
        "database": "PASSED",
        "application": "PASSED",
    }
    rtas = {name: result.recovery.rta for name, result in record.services.items()}
    assert record.recovery.rta == rtas["application"]
    assert {check.host for check in record.checks} == {"estate-database", "estate-application"}
    assert not lab.machine("estate-database").running
    assert not lab.machine("estate-application").running
