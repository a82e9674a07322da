"""The shipped restore playbooks touch no machine that is not marked as a standby."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from pradrill.domain.run.host import Site

PLAYBOOKS = Path(__file__).parents[2] / "playbooks"
LOOKS = ["mariadb", "postgresql"]
RESTORES = sorted(each.name for each in PLAYBOOKS.glob("restore_*.yml"))


@pytest.mark.parametrize("name", RESTORES)
def test_every_restore_looks_at_the_standby_first(name: str) -> None:
    """Its first task is the one that refuses a machine that nobody marked."""
    for play in yaml.safe_load((PLAYBOOKS / name).read_text("utf-8")):
        first: dict[str, Any] = play["tasks"][0]
        task = first.get("ansible.builtin.import_tasks", "")
        assert task in {f"tasks/{each}_standby.yml" for each in LOOKS}, first
        assert "when" not in first


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.glob("*.yml")), ids=lambda path: path.name)
def test_every_playbook_has_what_its_tasks_need(path: Path) -> None:
    """A task's file says what it needs; Ansible would tell once it is played."""
    for play in yaml.safe_load(path.read_text("utf-8")):
        tasks = re.findall(r"'ansible.builtin.import_tasks': '(tasks/[a-z_]+.yml)'", str(play))
        for task in tasks:
            needs = re.search(
                r"(?s)^# Needs (.*?)\n(?!#)", (PLAYBOOKS / task).read_text(), re.MULTILINE
            )
            names = set(re.findall(r"`([a-z_]+)`", needs[1])) if needs else set()
            assert names <= {*play.get("vars", {}), "database_password"}, (task, names)


def test_mariadb_is_restarted_only_while_it_is_not_quiet(tmp_path: Path) -> None:
    """A restart would cut what another restore loads there."""
    (task,) = yaml.safe_load((PLAYBOOKS / "tasks/mariadb_database.yml").read_text("utf-8"))
    script = task["ansible.builtin.shell"]["cmd"].replace("/etc/mysql", str(tmp_path))
    (tmp_path / "mariadb.conf.d").mkdir()
    stubs = 'systemctl() { echo "$1"; }; mariadb() { [ $# = 0 ] || echo $state; }\n'
    course = [
        subprocess.run(
            ["sh", "-c", f"state={state}; {stubs}{script}"],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.split()
        for state in ("ON", "OFF", "ON")
    ]
    assert course == [["restart"], ["start"], ["start", "restart"]]


def test_mariadb_is_given_room_and_never_less_than_it_has(tmp_path: Path) -> None:
    """Of the memory that is free, for its tables; a log that its files make longer stays."""
    (task,) = yaml.safe_load((PLAYBOOKS / "tasks/mariadb_database.yml").read_text("utf-8"))
    script = task["ansible.builtin.shell"]["cmd"].replace("/etc/mysql", str(tmp_path))
    (tmp_path / "mariadb.conf.d").mkdir()
    stubs = (
        "systemctl() { :; }; mariadb() { :; }\n"
        "mariadbd() { printf 'innodb-%s\\n' 'buffer-pool-size 1048576' 'buffer-pool-size-max 9'"
        " 'log-file-size 9e18' 'io-capacity -1'; }\n"
    )
    subprocess.run(["sh", "-c", stubs + script], check=True)
    settings = (tmp_path / "mariadb.conf.d/99-pradrill.cnf").read_text("utf-8")
    quiet = "[mariadbd]\nevent_scheduler = OFF\nskip_slave_start\n"
    assert re.fullmatch(re.escape(quiet) + r"innodb-buffer-pool-size = [1-9]\d*M\n", settings)


@pytest.mark.parametrize("limit", ["memory.max", "memory/memory.limit_in_bytes"])
@pytest.mark.parametrize(("bytes_", "room"), [("41943040", "= 10M\n"), ("max", "= ")])
def test_mariadb_takes_no_more_than_its_container_may(
    tmp_path: Path, limit: str, bytes_: str, room: str
) -> None:
    """A quarter of the container's memory, not of its host's."""
    (task,) = yaml.safe_load((PLAYBOOKS / "tasks/mariadb_database.yml").read_text("utf-8"))
    script = task["ansible.builtin.shell"]["cmd"].replace("/etc/mysql", str(tmp_path))
    script = script.replace("/sys/fs/cgroup", str(tmp_path))
    (tmp_path / "mariadb.conf.d").mkdir()
    (tmp_path / limit).parent.mkdir(exist_ok=True)
    (tmp_path / limit).write_text(f"{bytes_}\n")
    stubs = "systemctl() { :; }; mariadb() { :; }; mariadbd() { echo innodb-buffer-pool-size 1; }\n"
    subprocess.run(["sh", "-c", stubs + script], check=True)
    settings = (tmp_path / "mariadb.conf.d/99-pradrill.cnf").read_text("utf-8")
    assert f"innodb-buffer-pool-size {room}" in settings


@pytest.mark.skipif(Path("/etc/pradrill/standby").exists(), reason="this machine is a standby")
@pytest.mark.parametrize("look", LOOKS)
def test_a_machine_that_nobody_marked_is_refused_on_stderr(
    site: Site, tmp_path: Path, look: str
) -> None:
    """Over SSH, without a terminal that would mix the reason into the output."""
    play = tmp_path / "play.yml"
    play.write_text(
        "- hosts: all\n  gather_facts: false\n  vars: {postgresql_cluster: main}\n"
        f"  tasks: [{{import_tasks: {PLAYBOOKS}/tasks/{look}_standby.yml}}]\n"
    )
    result = subprocess.run(
        [Path(sys.executable).parent / "ansible-playbook", "-i", site.inventory, play],
        env={**os.environ, "ANSIBLE_SSH_ARGS": f"-F {site.ssh_config}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 2, result.stdout + result.stderr
    why = "this machine is not marked as a standby: see playbooks/mark_standby.yml"
    assert f'"stderr": "{why}' in result.stdout, result.stdout


@pytest.mark.parametrize("path", sorted(PLAYBOOKS.rglob("*.yml")), ids=lambda path: path.name)
def test_no_expression_holds_a_backslash(path: Path) -> None:
    """Ansible doubles it there, so what was to escape a password's quote would break it."""
    text = str(yaml.safe_load(path.read_text("utf-8")))  # as Ansible reads it, not as it is typed
    expressions = [each for each in re.findall(r"{{.*?}}", text) if "\\\\" in each]
    assert expressions == []


def task_of(playbook: str, name: str) -> dict[str, Any]:
    """Return a task of a restore, within its block, too."""
    (play,) = yaml.safe_load((PLAYBOOKS / playbook).read_text("utf-8"))
    tasks = [*play["tasks"], *(each for task in play["tasks"] for each in task.get("block", ()))]
    (task,) = (each for each in tasks if each["name"] == name)
    return dict(task)


def test_a_backup_that_barman_did_not_end_is_not_restored(tmp_path: Path) -> None:
    """By hand, too, without a catalogue's choice: the newest that is whole, whatever has an end."""
    backups = [
        {"backup_id": "20260308T010000", "status": "DONE", "end_time_timestamp": "1772931600"},
        {"backup_id": "20260309T010000", "status": "DONE", "end_time_timestamp": "1773018000"},
        {
            "backup_id": "20260310T010000",
            "status": "WAITING_FOR_WALS",
            "end_time_timestamp": "1773104400",
        },
        {"backup_id": "20260311T010000", "status": "FAILED"},
    ]
    answer = json.dumps({"main": backups, "_WARNING": ["it is late"]})
    playbook = {
        "hosts": "localhost",
        "connection": "local",
        "gather_facts": False,
        "vars": {
            "barman_server": "main",
            "pradrill_recovery_point": "",
            "recovery_target_time": "",
            "catalogue": {"stdout_lines": ["", answer]},
            "target": "4000000000 2096-10-02 07:06:40.000000+00",
        },
        "tasks": [
            task_of("restore_postgresql_barman.yml", "Choose the backup"),
            {"ansible.builtin.debug": {"msg": "{{ points | map(attribute='backup_id') }}"}},
        ],
    }
    (tmp_path / "play.yml").write_text(yaml.safe_dump([playbook]))
    tool = Path(sys.executable).with_name("ansible-playbook")
    words: list[str | Path] = [tool, "-i", "localhost,", tmp_path / "play.yml"]
    result = subprocess.run(words, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stdout
    chosen = re.findall(r'"(2026\w+)"', result.stdout)
    assert chosen == ["20260308T010000", "20260309T010000"]


ARCHIVES = {
    "whole": ("", "-C {at}/new srv/files", True),
    "without the folder": ("rm -r {at}/new/srv/files; mkdir {at}/new/srv/other",
                           "-C {at}/new srv/other", False),
    "an empty folder": ("rm {at}/new/srv/files/*", "-C {at}/new srv/files", False),
    "other paths": ("", "-C {at}/new/srv ./files", False),
    "a link": ("cd {at}/new/srv; mv files others; ln -s /etc files", "-C {at}/new srv", False),
    "a link above": ("cd {at}/new; mv srv {at}/far; ln -s {at}/far srv", "-C {at}/new srv", False),
    "cut": ("", "-C {at}/new srv/files && truncate -s -20 {at}/archives/a.tar.gz", False),
}  # fmt: skip


def smallest_restore(archives: Path, folder: Path) -> str:
    """Return what restores an archive, for a folder that is elsewhere."""
    script = str(task_of("restore_archive.yml", "Unpack it")["ansible.builtin.shell"])
    for before in ('"$fresh"', '"$(realpath "$fresh")"'):
        script = script.replace(before + "{{ folder | quote }}", before + "/srv/files")
    script = script.replace("{{ folder | quote }}", str(folder)).replace("{{ folder }}", "it")
    script = script.replace("{{ archives | quote }}", str(archives))
    assert "{{" not in script.replace("{{ archives }}", "")
    return script


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_the_smallest_restore_leaves_nothing_beside_when_it_is_ended(
    tmp_path: Path, number: signal.Signals
) -> None:
    """Then dash forgets its EXIT trap; of a restore that was killed the teardown knows."""
    archives, folder, tools = (tmp_path / each for each in ("archives", "srv/files", "tools"))
    for each in (archives, folder, tools):
        each.mkdir(parents=True)
    (archives / "a.tar.gz").touch()
    tool = tools / "tar"
    tool.write_text('#!/bin/sh\nfor at; do :; done\ntouch "$at/production"\nkill -$NUMBER $PPID\n')
    tool.chmod(0o755)
    result = subprocess.run(
        ["/bin/dash", "-c", smallest_restore(archives, folder)],
        env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "NUMBER": str(int(number))},
        check=False,
    )
    assert result.returncode != 0
    assert [each.name for each in folder.parent.iterdir()] == ["files"]
    teardown = task_of("teardown_archive.yml", "Remove it")
    assert teardown["loop"] == ["{{ folder }}", "{{ folder }}.new"]


def test_what_a_killed_restore_has_left_is_torn_down() -> None:
    """The names that set-aside, load-sqlite and load-postgresql give to what is beside."""
    sqlite, intranet, postgresql = (
        (PLAYBOOKS / f"teardown_{each}.yml").read_text("utf-8")
        for each in ("sqlite", "intranet", "postgresql")
    )
    assert ".pradrill-old-wal .pradrill-old-journal" in sqlite
    assert " /var/lib/wordpress/wp-content/.pradrill-*" in intranet
    assert 'drop database if exists "{{ database[:50] }}_pradrill" with (force)' in postgresql
    loader = (PLAYBOOKS / "files/load-postgresql").read_text("utf-8")
    assert "beside=${database:0:50}_pradrill" in loader


@pytest.mark.parametrize("title", ARCHIVES)
def test_the_smallest_restore_removes_nothing_before_all_of_it_has_come(
    tmp_path: Path, title: str
) -> None:
    """What stands in the folder goes once files for it are there, beside it."""
    change, words, comes = ARCHIVES[title]
    archives, folder = tmp_path / "archives", tmp_path / "standby/srv/files"
    for each in (archives, folder, tmp_path / "new/srv/files"):
        each.mkdir(parents=True)
    (folder / "precious").touch()
    (tmp_path / "new/srv/files/fresh").touch()
    for command in (change, f"tar -czf {archives}/a.tar.gz {words}"):
        subprocess.run(command.format(at=tmp_path), shell=True, check=True)
    script = smallest_restore(archives, folder)
    result = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
    assert (result.returncode == 0) is comes, result
    assert comes or result.stderr.strip()
    assert [each.name for each in folder.iterdir()] == ["fresh" if comes else "precious"]
    assert [each.name for each in folder.parent.iterdir()] == ["files"]
