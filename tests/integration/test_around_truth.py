"""What is hashed beside a playbook, compared with what Ansible itself opens."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.integration.house import build, edit, pradrill

from pradrill.config.playbook_inputs import around
from pradrill.domain.run.run_plan import RunPlan

_SPY = """\
import os, sys
def _heard(event, arguments, folder=os.environ["WATCHED"], log=os.environ["OPENED"]):
    if event == "open" and isinstance(arguments[0], (str, bytes)):
        path = os.path.abspath(os.fsdecode(arguments[0]))
        if path.startswith(folder + "/") and os.path.isfile(path):
            file = os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
            os.write(file, path.encode() + b"\\n")
            os.close(file)
sys.addaudithook(_heard)
"""
_FILES = {
    "playbooks/restore.yml": """\
- hosts: standby
  gather_facts: false
  vars_files: [settings.yml]
  roles: [web]
  tasks:
    - ansible.builtin.import_tasks: tasks/restore.yml
    - ansible.builtin.include_tasks: tasks/later.yml
    - ansible.builtin.include_role: {name: mail, tasks_from: quiet}
- ansible.builtin.import_playbook: more.yml
""",
    "playbooks/more.yml": "- {hosts: standby, gather_facts: false, tasks: [own_module: {}]}\n",
    "playbooks/settings.yml": "one: 1\n",
    "playbooks/tasks/restore.yml": """\
- ansible.builtin.template: {src: access.j2, dest: "{{ target }}/access"}
- ansible.builtin.copy: {src: key.pub, dest: "{{ target }}/key"}
- ansible.builtin.debug: {msg: "{{ 'x' | own }}"}
""",
    "playbooks/tasks/later.yml": "- ansible.builtin.script: load\n",
    "playbooks/tasks/unused.yml": "[]\n",
    "playbooks/templates/access.j2": "{% include 'part.j2' %}\n{{ one }}\n",
    "playbooks/templates/part.j2": "part\n",
    "playbooks/templates/unused.j2": "",
    "playbooks/files/key.pub": "key\n",
    "playbooks/files/load": "#!/bin/sh\ntrue\n",
    "playbooks/library/own_module.py": """\
from ansible.module_utils.basic import AnsibleModule
AnsibleModule(argument_spec={}).exit_json()
""",
    "playbooks/filter_plugins/own.py": """\
class FilterModule:
    def filters(self):
        return {"own": str}
""",
    "playbooks/group_vars/standby.yml": "two: 2\n",
    "playbooks/roles/web/tasks/main.yml": """\
- ansible.builtin.template: {src: w.j2, dest: "{{ target }}/w"}
""",
    "playbooks/roles/web/templates/w.j2": "{{ three }}\n",
    "playbooks/roles/web/defaults/main.yml": "three: 3\n",
    "playbooks/roles/web/meta/main.yml": "dependencies: [common]\n",
    "playbooks/roles/common/tasks/main.yml": "[]\n",
    "playbooks/roles/mail/tasks/quiet.yml": "[]\n",
    "playbooks/roles/unused/tasks/main.yml": "[]\n",
    "inventories/standby.yml": """\
standby: {hosts: {web: {ansible_connection: local}}}
""",
    "inventories/group_vars/all.yml": "four: 4\n",
    "inventories/host_vars/web.yml": "five: 5\n",
}


def opened(folder: Path, spy: Path) -> set[str]:
    """Run the playbook with a real Ansible; return which files of the folder it opened."""
    spy.mkdir()
    (spy / "sitecustomize.py").write_text(_SPY)
    result = subprocess.run(
        [
            Path(sys.executable).parent / "ansible-playbook",
            *("-i", folder / "inventories/standby.yml", folder / "playbooks/restore.yml"),
            *("-e", f"target={spy}", "-e", f"ansible_python_interpreter={sys.executable}"),
        ],
        env={
            **os.environ,
            "PYTHONPATH": str(spy),
            "PYTHONDONTWRITEBYTECODE": "1",
            "WATCHED": str(folder),
            "OPENED": str(spy / "opened"),
            "LC_ALL": "C.UTF-8",
        },
        cwd=spy,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return {os.path.relpath(line, folder) for line in (spy / "opened").read_text().splitlines()}


def test_all_that_ansible_opens_is_hashed(tmp_path: Path) -> None:
    """Variables, tasks, roles with their dependencies, templates in templates, modules, plugins."""
    folder = tmp_path / "house"
    for name, text in _FILES.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    inputs = around([folder / "playbooks/restore.yml"], [folder / "inventories/standby.yml"], set())
    hashed = {os.path.relpath(file.path, folder) for file in inputs.files}
    truth = opened(folder, tmp_path / "spy")
    assert len(truth) >= 20
    assert truth - {"inventories/standby.yml"} <= hashed  # the drill names it: hashed as that
    assert hashed & {name for name in _FILES if "unused" in name} == set()


def test_a_plan_says_what_its_playbooks_take_in(tmp_path: Path) -> None:
    """`pradrill plan` lists a role and its variables as they are today: a run records them so."""
    build(tmp_path)
    edit(tmp_path, "playbooks/restore.yml", "  tasks:", "  roles: [shop]\n  tasks:")
    for name in ("playbooks/roles/shop/tasks/main.yml", "group_vars/all.yml"):
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_text("[]\n")
    result = pradrill(tmp_path, "plan", "shop", "--json")
    answer = json.loads(result.stdout)
    del answer["format"]  # the answer's own
    plan = RunPlan.model_validate_json(json.dumps(answer))
    assert plan.around is not None
    assert [os.path.relpath(file.path, tmp_path) for file in plan.around.files] == [
        "group_vars/all.yml",
        "playbooks/roles/shop/tasks/main.yml",
    ]
    assert {file.path for file in plan.around.files}.isdisjoint(file.path for file in plan.files)
