"""Write a proposal as the files of a project: commented, so that a person goes on with them."""

from __future__ import annotations

import json
from collections.abc import Iterator

from pradrill.app.proposal.contents import Software
from pradrill.app.proposal.proposal import Proposal

_PLAN = """\
# The recovery plan: what is promised for each service, so that no drill can weaken it.
# What only you know is marked with <-. Every key: drills/README.md of pradrill.
plan: 1
organisation: {organisation}  # <- as reports name it
services:
{service}"""
_SERVICE = """\
  {name}:
    objectives: {{rto: 4h, rpo: 24h}}  # <- promised: time to recover, loss of data
    drill_every: 3 months  # <- cron runs its drill so often: pradrill due --run
    primary:  # production, so that no restore ever starts on it
      addresses: [{address}]
      # Better with both of these, from production itself:
      #   cat /etc/ssh/ssh_host_ed25519_key.pub /etc/machine-id
      # host_keys: ["ssh-ed25519 AAAA…"]
      # machine_ids: ["…"]
"""
_INVENTORY = """\
# The standby of {service}: a machine that may be overwritten. A drill logs in with a key without a
# passphrase; sudo asks for no password.
standby:
  hosts:
    {host}:
      ansible_host: {address}
{more}      dr_role: standby  # no restore starts on a host without it
"""
_DRILL = """\
# A drill: {service} ({what}) is restored onto {host} from its newest backup, and checked.
# What only you know is marked with <-. Every key: drills/README.md of pradrill.
drill: {service}
services: [{service}]
scenario: {{name: the machine of {service} is lost with its disks}}
standby:
  inventory: ../inventories/{service}.yml
  hosts: standby
  known_hosts: ../known_hosts  # pinned host keys; pradrill doctor prints how to fill it
  absent_after_teardown: {absent}
recovery_point:
  {tool}: {declared}
restore:
{remark}  - playbook: ../playbooks/{restore}
    deadline: 1h
    vars:  # the playbook's head tells all of them
{variables}{secrets}verify:
  checks: checks/{service}  # <- what proves that the service works
  deadline: 10m
  stable_for: 10s
  newest_data: {newest}  # <- {dating}
  must_not_reach: [{production}]  # <- production: no restore starts while the standby reaches it
teardown:
  - playbook: ../playbooks/{teardown}
    deadline: 10m
    vars: {torn_down}
unattended: true  # cron may run it
"""
_SHIPPED = {Software.WORDPRESS: "restore_wordpress.yml", Software.MOODLE: "restore_moodle.yml"}
_UNLOADED = """\
  # {dump}
  # looks like a database's dump. It comes back as a file only: as long as nothing loads it, PASSED
  # proves no database. Add a playbook of your own after this one, as restore_wordpress.yml of
  # pradrill's does it: tasks/mariadb_database.yml makes the database, files/read-dump with
  # files/load-mariadb loads the dump (or tasks/postgresql_database.yml, files/load-postgresql).
  # Then check its rows.
"""
_WHAT = {
    Software.FILES: "files",
    Software.WORDPRESS: "the files of a WordPress",
    Software.MOODLE: "the files of a Moodle",
    Software.MARIADB: "the MariaDB database",
    Software.POSTGRESQL: "the PostgreSQL",
}


def plan_text(proposal: Proposal) -> str:
    """Return plan.yml with the service alone."""
    service = service_text(proposal)
    return _PLAN.format(organisation=_flow(proposal.organisation), service=service)


def service_text(proposal: Proposal) -> str:
    """Return the service's lines in the plan."""
    address = proposal.production.rpartition(":")[0].strip("[]")
    return _SERVICE.format(name=proposal.service, address=_flow(address))


def inventory_text(proposal: Proposal) -> str:
    """Return the inventory with the standby alone."""
    login = proposal.standby
    lines = [f"ansible_port: {login.port}"] if login.port != 22 else []  # noqa: PLR2004 SSH's own
    lines.append(f"ansible_user: {login.user}")
    lines += [f"ansible_ssh_private_key_file: {_flow(login.key)}"] if login.key else []
    lines += ["ansible_become: true  # sudo"] if login.user != "root" else []
    return _INVENTORY.format(
        service=proposal.service,
        host=proposal.host,
        address=_flow(login.address),
        more="".join(f"      {line}\n" for line in lines),
    )


def drill_text(proposal: Proposal) -> str:
    """Return the drill."""
    contents = proposal.contents
    dating = "a query for your newest business row says more than the backup's own time"
    if "command" in proposal.newest_data():
        dating = "what people last saved" if proposal.of_files else "or your newest business row"
    secrets = proposal.secrets()
    shipped = _SHIPPED.get(contents.kind)
    remark = (
        f"  # {contents.kind}: {shipped} of pradrill's playbooks brings the service back, too.\n"
        if shipped
        else ""
    )
    if contents.dumps:
        remark += _UNLOADED.format(dump=contents.dumps[0])
    return _DRILL.format(
        what=_WHAT[contents.kind],
        service=proposal.service,
        host=proposal.host,
        absent=_flow(list(proposal.absent)),
        tool=proposal.place.tool,
        declared=_flow(proposal.place.declared),
        remark=remark,
        restore=proposal.restore,
        variables="".join(_lines(proposal)),
        secrets=f"    secrets: {_flow(secrets)}  # where each is, never the value\n"
        if secrets
        else "",
        newest=_flow(proposal.newest_data()),
        dating=dating,
        production=_flow(proposal.production),
        teardown=proposal.teardown,
        torn_down=_flow(proposal.teardown_variables()),
    )


def _lines(proposal: Proposal) -> Iterator[str]:
    server = proposal.place.server
    marks = {}
    if proposal.path_on_standby:
        marks["backup_host"] = f'"": the standby itself has this path; else {proposal.with_server}'
    if server is not None:
        port = f"-p {server.port} " if server.port != 22 else ""  # noqa: PLR2004 SSH's own
        scan = f"ssh-keyscan {port}-t ed25519 {server.host}"
        marks["backup_host_key"] = f"""{scan} | cut -d" " -f2,3"""
    for key, value in proposal.variables().items():
        mark = f"  # <- {marks[key]}" if value == "" and key in marks else ""
        yield f"      {key}: {_flow(value)}{mark}\n"


def _flow(value: object) -> str:
    """Return a value as YAML in one line; what JSON quotes, YAML reads as it stands."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_flow, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
