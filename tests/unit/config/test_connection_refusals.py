"""Plays, tasks and variables that would lead Ansible away are refused, at their line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest
from tests.integration.house import build

from pradrill.config.checks.connection import connection_problems
from pradrill.config.loader import read_document, validate
from pradrill.config.problems import Problem
from pradrill.domain.declared.drill import Drill
from pradrill.domain.run.host import Host

HOSTS = (
    Host(name="web-dr", address="192.0.2.20", user="root"),
    Host(name="db-dr", address="192.0.2.21", user="root"),
)
PLAY = """\
- hosts: standby
  tasks:
    - ansible.builtin.command: "true"
"""


def problems_of(folder: Path, files: dict[str, str], *, step: str = "") -> list[Problem]:
    """Write a house with these files, and return what is wrong with where its plays act."""
    build(folder)
    (folder / "playbooks/restore.yml").write_text(PLAY)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    drill = folder / "drills/shop.yml"
    text = drill.read_text().replace("restore.yml, deadline: 2m", f"restore.yml{step}")
    drill.write_text(
        text.replace(
            "{inventory: ../inventory.yml, hosts: standby, known_hosts: ../known_hosts}",
            "{vm: web-dr}",
        )
    )
    document = read_document(drill)
    return list(connection_problems(document, validate(document, Drill), HOSTS))


def play(body: str) -> dict[str, str]:
    """Return a restore playbook whose play holds these lines."""
    return {"playbooks/restore.yml": "- hosts: standby\n" + indented(body, 2)}


def tasks(body: str) -> dict[str, str]:
    """Return a restore playbook with these tasks."""
    return play("tasks:\n" + indented(body, 2))


def indented(body: str, by: int) -> str:
    """Return the lines, further in."""
    return "".join(f"{' ' * by}{line}\n" for line in dedent(body).strip("\n").splitlines())


def _away() -> Iterator[tuple[str, dict[str, str], str, int]]:
    """Give a name, the files, the file that is wrong and its line."""
    restore = "playbooks/restore.yml"
    for name, body, line in (
        ("play vars", "vars: {ansible_connection: local}", 2),
        ("play vars in quotes", 'vars: {"ansible_host": 192.0.2.1}', 2),
        ("play vars, old name", "vars:\n  ansible_ssh_host: 192.0.2.1", 3),
        ("an anchor", "vars: &away {ansible_ssh_port: 2222}\ntasks: []", 2),
        ("arguments", "vars: {ansible_ssh_common_args: -o HostName=x}", 2),
        ("more arguments", "vars: {ansible_ssh_extra_args: -o ProxyJump=x}", 2),
        ("all arguments", "vars: {ansible_ssh_args: -o ProxyCommand=x}", 2),
        ("a program", "vars: {ansible_ssh_executable: /tmp/ssh}", 2),
        ("another program", "vars: {ansible_sftp_executable: /tmp/sftp}", 2),
        ("no checking", "vars: {ansible_host_key_checking: false}", 2),
        ("a password", "vars: {ansible_password: x}", 2),
        ("a socket", "vars: {ansible_control_path: /tmp/other}", 2),
        ("privileges by another machine", "become_exe: ssh web-prod sudo", 2),
        ("the same in a variable", "vars: {ansible_become_exe: ssh web-prod sudo}", 2),
        ("Python of another machine", "vars: {ansible_python_interpreter: ssh x python3}", 2),
        ("a shell of their own", "vars: {ansible_shell_type: away}", 2),
        ("a container", "vars: {ansible_docker_host: tcp://web-prod}", 2),
        ("environment", "environment: {ANSIBLE_HOST_KEY_CHECKING: 'False'}", 2),
        ("connection", "connection: local", 2),
        ("connection by its full name", "connection: ansible.builtin.local", 2),
        ("a templated connection", 'connection: "{{ way }}"', 2),
        ("port", "port: 2222", 2),
        ("another login", "remote_user: deploy", 2),
        ("strategy", "strategy: mine", 2),
        ("a strategy that goes by Ansible's name", "strategy: away.away.linear", 2),
        ("a prompt", "vars_prompt: [{name: ansible_host}]", 2),
        ("role", "roles:\n  - role: web\n    delegate_to: web-prod", 4),
        ("role parameters", "roles: [{role: web, ansible_host: x}]", 2),
    ):
        yield name, play(body), restore, line
    for name, body, line in (
        ("task vars", "- command: x\n  vars: {ansible_connection: local}", 4),
        ("set_fact", "- set_fact: {ansible_host: x}", 3),
        ("set_fact by its full name", "- ansible.builtin.set_fact:\n    ansible_port: 1", 4),
        ("set_fact in free form", "- set_fact: a=b ansible_host=192.0.2.1", 3),
        ("action", "- action: ansible.builtin.set_fact ansible_host=x", 3),
        ("register", "- command: x\n  register: ansible_host", 4),
        ("loop_var", "- command: x\n  loop_control: {loop_var: ansible_host}", 4),
        ("block", "- block:\n    - block: [{command: x, connection: local}]", 4),
        ("block vars", "- block: [{command: x}]\n  vars: {ansible_host: x}", 4),
        ("rescue", "- block: []\n  rescue:\n    - command: x\n      port: 1", 6),
        ("always", "- block: []\n  always: [{command: x, delegate_to: web-prod}]", 4),
        ("merge", "- &a {command: x, connection: local}\n- <<: *a\n  name: again", 3),
        ("delegation", "- command: x\n  delegate_to: web-prod", 4),
        ("delegation here", "- command: x\n  delegate_to: localhost", 4),
        ("delegation here by address", '- command: x\n  delegate_to: "127.0.0.1"', 4),
        ("delegation here by IPv6", '- command: x\n  delegate_to: "::1"', 4),
        ("local_action", "- local_action: command touch /srv/x", 3),
        ("local_action in keys", "- local_action: {module: command, cmd: x}", 3),
        ("apply", "- include_tasks: {file: a.yml, apply: {delegate_to: web-prod}}", 3),
        ("add_host", "- add_host: {name: new}", 3),
        ("add_host by its full name", "- ansible.builtin.add_host: {name: new}", 3),
        ("add_host in free form", "- action: add_host name=new", 3),
        ("rsync", "- ansible.posix.synchronize: {src: a, dest: b}", 3),
        ("fetch", "- ansible.builtin.fetch: {src: /etc/passwd, dest: /srv/}", 3),
        ("password", "- debug: {msg: \"{{ lookup('password', '/srv/x') }}\"}", 3),
        ("with_password", "- command: x\n  with_password: [/srv/x]", 4),
        ("pipe", "- debug: {msg: \"{{ lookup('pipe', 'ssh prod') }}\"}", 3),
        ("query pipe", "- debug: {msg: \"{{ q('ansible.builtin.pipe', 'x') }}\"}", 3),
        ("with_pipe", "- command: x\n  with_pipe: [ls]", 4),
        ("with_pipe by its full name", "- command: x\n  with_ansible.builtin.pipe: [ls]", 4),
        ("pipe with a space", "- debug: {msg: \"{{ lookup ('pipe', 'x') }}\"}", 3),
        ("pipe in escaped quotes", '- debug: {msg: "{{ lookup(\\"pipe\\", 1) }}"}', 3),
        ("pipe over lines", "- debug:\n    msg: >-\n      {{ lookup(\n      'pipe', 'x') }}", 5),
    ):
        yield name, tasks(body), restore, line
    yield "hosts", {restore: "- hosts: localhost\n  tasks: []\n"}, restore, 1
    yield "a list of hosts", {restore: "- hosts: [standby, localhost]\n"}, restore, 1
    yield "a pattern of hosts", {restore: "- hosts: standby:localhost\n"}, restore, 1
    for name, path, text, line, way in (
        ("vars_files", "playbooks/vars/a.yml", "x: 1\nansible_host: y\n", 2,
         play("vars_files: [vars/a.yml]")),
        ("include_vars", "playbooks/vars/a.yml", "ansible_connection: local\n", 1,
         tasks("- include_vars: a.yml")),
        ("a folder of include_vars", "playbooks/vars/d/b", "ansible_port: 1\n", 1,
         tasks("- ansible.builtin.include_vars: {dir: vars/d}")),
        ("a name that counts more than ansible_host", "playbooks/vars/a.yml",
         "x: 1\n\"delegated_vars['ansible_host']\": y\n", 2, play("vars_files: [vars/a.yml]")),
        ("variables in JSON", "playbooks/vars/a.json", '{"ansible_host": "y"}\n', 1,
         play("vars_files: [vars/a.json]")),
        ("a role's defaults", "playbooks/roles/web/defaults/main.yml", "ansible_host: y\n", 1,
         play("roles: [web]")),
        ("a role's vars", "playbooks/roles/web/vars/main.yml", "ansible_ssh_args: y\n", 1,
         play("roles: [web]")),
        ("a role's tasks", "playbooks/roles/web/tasks/main.yml",
         "- command: x\n  delegate_to: localhost\n", 2, play("roles: [web]")),
        ("a role's dependencies", "playbooks/roles/web/meta/main.yml",
         "dependencies: [{role: a, connection: local}]\n", 1, play("roles: [web]")),
        ("imported tasks", "playbooks/tasks/a.yml", "- command: x\n  connection: local\n", 2,
         tasks("- import_tasks: tasks/a.yml")),
        ("tasks from elsewhere", "shared/a.yml", "- command: x\n  connection: local\n", 2,
         tasks("- import_tasks: ../shared/a.yml")),
        ("an imported playbook", "playbooks/b.yml", "- hosts: localhost\n", 1,
         {restore: "- import_playbook: b.yml\n"}),
        ("a template", "playbooks/templates/a.j2", "{{ lookup('pipe', 'x') }}", 1,
         tasks("- template: {src: a.j2, dest: /x}")),
        ("tasks that are no YAML by name", "playbooks/steps/a",
         "- command: x\n  connection: local\n", 2, tasks("- include_tasks: steps/a")),
        ("a plugin", "playbooks/connection_plugins/ssh.py", "", 1, {}),
        ("a strategy", "playbooks/strategy_plugins/linear.py", "", 1, {}),
        ("an action", "playbooks/action_plugins/raw.py", "", 1, {}),
        ("a callback", "playbooks/callback_plugins/x.py", "", 1, {}),
        ("variables by a plugin", "playbooks/vars_plugins/x.py", "", 1, {}),
        ("a role's plugin", "playbooks/roles/web/connection_plugins/ssh.py", "", 1,
         play("roles: [web]")),
        ("a collection's connection", "playbooks/tasks/a.yml",
         "- command: x\n  connection: a.b.ssh\n", 2, tasks("- import_tasks: tasks/a.yml")),
        ("settings", "playbooks/ansible.cfg", "[ssh_connection]\nssh_args = -J x\n", 2, {}),
        ("more in the settings", "playbooks/ansible.cfg",
         "[ssh_connection]\nssh_args = -C -o ControlPersist=60s -o HostName=x\n", 2, {}),
        ("a port in the settings", "playbooks/ansible.cfg", "[defaults]\nremote_port=1\n", 2, {}),
    ):  # fmt: skip
        yield name, {**way, path: text}, path, line


AWAY = list(_away())


@pytest.mark.parametrize(
    ("files", "file", "line"), [each[1:] for each in AWAY], ids=[each[0] for each in AWAY]
)
def test_what_leads_elsewhere_is_refused(
    tmp_path: Path, files: dict[str, str], file: str, line: int
) -> None:
    """Each way on that Ansible knows is a problem, in its file and at its line."""
    problems = problems_of(tmp_path, files)
    assert (tmp_path / file, line) in {(each.file, each.line) for each in problems}, problems


@pytest.mark.parametrize(
    "files",
    [
        play("vars: {ansible_become: true, ansible_python_interpreter: /usr/bin/python3}"),
        play("vars: {ansible_ssh_use_tty: false, port: 80, connection: x}"),
        play("connection: ssh"),
        play("strategy: ansible.builtin.free"),
        play("become: true\nbecome_method: su\nbecome_exe: sudo su -"),
        play("vars: {ansible_become_exe: /usr/local/bin/sudo, ansible_shell_type: sh}"),
        play("vars: {ansible_check_mode: false, ansible_managed: by us, ansible_user_id: x}"),
        play("vars: {ansible_hostname: x, ansible_distribution: Debian, ansible_local: {}}"),
        play("vars: {ansible_install_dir: /opt, ansible_perl_interpreter: /usr/bin/perl}"),
        tasks("- my_org.ansible_tools.thing: {ansible_version_wanted: 2}"),
        play("remote_user: root"),
        play("strategy: free"),
        play("become: true\nbecome_user: postgres"),
        tasks('- command: "{{ ansible_facts.hostname }} {{ ansible_host }}"'),
        tasks("- command: x\n  delegate_to: db-dr"),
        tasks('- command: x\n  delegate_to: "{{ inventory_hostname }}"'),
        tasks("- group_by: {key: x}"),
        tasks("- community.mysql.mysql_db: {port: 3306, connection: x, remote_user: y}"),
        tasks("- debug: {msg: \"{{ lookup('file', 'x') }}\"}"),
        {**play("vars_files: [vars/a.yml]"), "playbooks/vars/a.yml": "port: 80\nhosts: [a]\n"},
        {"playbooks/group_vars/production.yml": "ansible_ssh_common_args: -J bastion\n"},
        {"playbooks/filter_plugins/own.py": "", "playbooks/library/own.py": ""},
        {
            f"playbooks/collections/ansible_collections/community/general/plugins/{name}": ""
            for name in ("connection/lxd.py", "callback/say.py", "become/su.py", "action/x.py")
        },
        {"playbooks/ansible.cfg": "[defaults]\nroles_path = roles\nfilter_plugins = own\n"},
        {
            "playbooks/ansible.cfg": "[defaults]\ninventory = ../inventory.yml\n"
            "callbacks_enabled = profile_tasks\n[ssh_connection]\npipelining = True\nretries=3\n"
            "ssh_args = -o ControlMaster=auto -o ControlPersist=60s -C\n"
        },
        tasks("- &a\n  command: x\n  vars: {<<: {<<: *a}, b: *a}\n  <<: *a"),
    ],
)
def test_what_stays_is_accepted(tmp_path: Path, files: dict[str, str]) -> None:
    """An honest play is not troubled: privileges, facts, its own words, other hosts' variables."""
    assert problems_of(tmp_path, files) == []


HERE = "delegate_to: localhost"


@pytest.mark.parametrize(
    "files",
    [
        tasks(f"- command: x\n  {HERE}\n  connection: local"),
        tasks("- local_action: command x"),
        {"playbooks/restore.yml": "- hosts: localhost\n  connection: local\n  tasks: []\n"},
        tasks("- debug: {msg: \"{{ lookup('pipe', 'x') }}\"}"),
    ],
)
def test_the_controller_is_a_matter_of_the_drill(tmp_path: Path, files: dict[str, str]) -> None:
    """What acts on the controller is accepted in a step that says so, and in no other."""
    assert problems_of(tmp_path / "a", files, step=", controller: true") == []
    assert problems_of(tmp_path / "b", files) != []


def test_elsewhere_stays_refused_where_the_controller_is_declared(tmp_path: Path) -> None:
    """To act on the controller is no leave to act on production, or around SSH."""
    files = tasks("- command: x\n  delegate_to: web-prod\n- command: x\n  connection: local")
    problems = problems_of(tmp_path, files, step=", controller: true")
    assert [problem.line for problem in problems] == [4, 6]


@pytest.mark.parametrize("key", ["vars: {ansible_connection: local}", "vars: {ansible_host: x}",
                                   "secrets: {ansible_password: 'env:X'}"])  # fmt: skip
def test_a_step_of_the_drill_leads_nowhere(tmp_path: Path, key: str) -> None:
    """The variables that a drill gives a playbook are looked at, too."""
    problems = problems_of(tmp_path, {}, step=f", {key}")
    assert [problem.file.name for problem in problems] == ["shop.yml"]


def test_a_step_of_the_drill_may_give_a_password_to_become_root(tmp_path: Path) -> None:
    """Privileges on the standby are no way to another machine."""
    step = ", secrets: {ansible_become_password: 'env:X'}"
    assert problems_of(tmp_path, {}, step=step) == []


def test_where_a_project_lies_is_no_kind_of_file(tmp_path: Path) -> None:
    """Tasks outside the playbook's folder are read, whatever folders are above the project."""
    shared = {"shared/a.yml": "- command: x\n  connection: local\n"}
    way = tasks("- import_tasks: ../shared/a.yml")
    for above in ("files", "collections", "plugins/vars"):
        problems = problems_of(tmp_path / above / "project", {**way, **shared})
        assert [each.message for each in problems] == [
            "connection: local is not the way that is proven"
        ]


def test_the_login_that_nobody_names_is_the_users_own(tmp_path: Path) -> None:
    """remote_user may say it, too: it is as whom SSH logs in by itself."""
    build(tmp_path)
    (tmp_path / "playbooks/restore.yml").write_text("- hosts: standby\n  remote_user: root\n")
    document = read_document(tmp_path / "drills/shop.yml")
    drill = validate(document, Drill)
    without = (Host(name="web-dr", address="192.0.2.20", dr_role="standby"),)
    assert os.geteuid() == 0
    assert list(connection_problems(document, drill, without)) == []


def test_a_standby_that_is_named_as_the_controller_is_not_taken_for_it(tmp_path: Path) -> None:
    """Where a step may act on the controller, no host of the drill goes by its name."""
    build(tmp_path)
    (tmp_path / "playbooks/restore.yml").write_text(PLAY)
    drill = tmp_path / "drills/shop.yml"
    hosts = (Host(name="127.0.0.1", address="192.0.2.20", dr_role="standby"),)
    document = read_document(drill)
    assert list(connection_problems(document, validate(document, Drill), hosts)) == []
    drill.write_text(drill.read_text().replace("deadline: 2m", "controller: true"))
    document = read_document(drill)
    (problem,) = connection_problems(document, validate(document, Drill), hosts)
    assert "127.0.0.1 is the standby's name" in problem.message


def test_what_sudo_alone_reads_is_refused_as_that(tmp_path: Path) -> None:
    """It leads to no other machine: it would make playbooks another user than checks are."""
    (problem,) = problems_of(tmp_path, {}, step=", vars: {ansible_sudo_user: postgres}")
    assert problem.message == "ansible_sudo_user would reach playbooks alone, and no check or guard"
    assert "ansible_become_user" in str(problem.hint)
