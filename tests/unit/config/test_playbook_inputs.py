"""What Ansible takes in without being told by the drill is hashed: that, and little else."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from pradrill.config import playbook_inputs as looking
from pradrill.config.playbook_inputs import around
from pradrill.domain.run.run_plan import Around

PLAY = """\
- hosts: all
  roles: [web]
  tasks:
    # tasks/comment.yml is not taken in by a comment
    - ansible.builtin.import_tasks: tasks/restore.yml
"""
FILES = {
    "restore.yml": PLAY,
    "other.yml": "- hosts: all\n",
    "tasks/restore.yml": "- ansible.builtin.template: {src: access.j2, dest: /etc/access}\n",
    "tasks/comment.yml": "[]\n",
    "tasks/unused.yml": "[]\n",
    "templates/access.j2": "{{ lookup('file', 'key.pub') }}\n",
    "templates/unused.j2": "",
    "files/key.pub": "ssh-ed25519 AAAA\n",
    "files/unused": "",
    "roles/web/tasks/main.yml": "- ansible.builtin.debug:\n",
    "roles/web/files/page.html": "<p>\n",
    "roles/mail/tasks/main.yml": "[]\n",
    "group_vars/all.yml": "port: 80\n",
    "filter_plugins/own.py": "def filters(): ...\n",
}
NAMED = {
    "restore.yml",
    *("tasks/restore.yml", "templates/access.j2", "files/key.pub"),
    *("roles/web/tasks/main.yml", "roles/web/files/page.html"),
    *("group_vars/all.yml", "filter_plugins/own.py"),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder of playbooks, with what lies beside them."""
    for name, text in FILES.items():
        path = tmp_path / "playbooks" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "playbooks"


def names(inputs: Around, folder: Path) -> set[str]:
    """Return the files that were hashed, as the folder sees them."""
    return {os.path.relpath(file.path, folder) for file in inputs.files}


def test_what_a_playbook_names_is_hashed_and_what_that_names(folder: Path) -> None:
    """Through tasks, templates and whole roles; not what is beside them and named by nobody."""
    inputs = around([folder / "restore.yml"], (), set())
    assert names(inputs, folder) == NAMED
    assert inputs.left_out == ()
    for file in inputs.files:
        assert file.sha256 == hashlib.sha256(file.path.read_bytes()).hexdigest()
        assert (file.meaning is not None) == (file.path.suffix in {".yml", ".py"})
    planned = {folder / "restore.yml", folder / "group_vars/all.yml"}
    assert names(around([folder / "restore.yml"], (), planned), folder) == NAMED - {
        "restore.yml",
        "group_vars/all.yml",
    }


@pytest.mark.parametrize(
    "task",
    [
        'ansible.builtin.include_tasks: "tasks/{{ kind }}.yml"',
        'ansible.builtin.include_role: {name: x, tasks_from: "{{ kind }}"}',
        'ansible.builtin.template: {dest: /x, src: "{{ item }}"}',
        "ansible.builtin.copy: src={{ item }} dest=/x",
        "ansible.builtin.copy: {dest: /x, content: \"{{ lookup('file', item) }}\"}",
        "ansible.builtin.copy:\n        src: files/\n        dest: /x",
        "ansible.builtin.debug:\n      with_fileglob: x",
    ],
)
def test_a_name_that_is_built_takes_all_in(folder: Path, task: str) -> None:
    """What nobody can read in a text could be anything beside it; however its lines end."""
    for end in ("\n", "\r\n"):
        text = f"- hosts: all\n  tasks:\n    - {task}\n".replace("\n", end)
        (folder / "restore.yml").write_bytes(text.encode())
        assert names(around([folder / "restore.yml"], (), set()), folder) == set(FILES)


def test_the_variables_beside_an_inventory_are_hashed(tmp_path: Path) -> None:
    """Those of groups and hosts, and all of an inventory that is a folder."""
    files = ["hosts.yml", "group_vars/all/one.yml", "host_vars/web.yml", "other/x.yml"]
    for name in files:
        path = tmp_path / "inventories" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("a: 1\n")
    folder = tmp_path / "inventories"
    assert names(around([], [folder / "hosts.yml"], {folder / "hosts.yml"}), folder) == {
        "group_vars/all/one.yml",
        "host_vars/web.yml",
    }
    assert names(around([], [folder], set()), folder) == set(files)


def test_no_link_is_followed(folder: Path, tmp_path: Path) -> None:
    """A link to elsewhere, of a file or a folder, is told and its content not read."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key.pub").write_text("elsewhere")
    (folder / "files/key.pub").unlink()
    (folder / "files/key.pub").symlink_to(tmp_path / "secret/key.pub")
    (folder / "host_vars").symlink_to(tmp_path / "secret")
    (folder / "roles/web/templates").symlink_to(tmp_path / "secret")
    os.mkfifo(folder / "group_vars/pipe")
    inputs = around([folder / "restore.yml"], (), set())
    assert names(inputs, folder) == NAMED - {"files/key.pub"}
    assert sorted(inputs.left_out) == [
        f"{folder}/{name} is a link or no file, and was not followed"
        for name in ("files/key.pub", "group_vars/pipe", "host_vars", "roles/web/templates")
    ]


def test_what_is_too_much_is_cut_and_told(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a thousand files nor a large one stops a drill; the record says what it lacks."""
    (folder / "group_vars/large.bin").write_bytes(b"0" * 2_000)
    monkeypatch.setattr(looking, "_LARGEST", 1_000)
    inputs = around([folder / "restore.yml"], (), set())
    assert names(inputs, folder) == NAMED
    assert str(folder / "group_vars/large.bin") in inputs.left_out[0]
    monkeypatch.setattr(looking, "_MOST", 3)
    inputs = around([folder / "restore.yml"], (), set())
    assert len(inputs.files) == 3
    assert "at most 3 files" in inputs.left_out[0]


def test_a_plan_without_playbooks_takes_nothing_in(tmp_path: Path) -> None:
    """A drill of manual steps, in a folder with nothing beside it, has nothing more to hash."""
    assert around([], (), set()) == Around(inventories=())
    assert around([], [tmp_path / "hosts.yml"], set()) == Around(
        inventories=(tmp_path / "hosts.yml",)
    )


def test_what_is_hashed_is_never_told(folder: Path) -> None:
    """Of a variable file with a secret, the record has two hashes and the path."""
    (folder / "group_vars/all.yml").write_text("password: hunter2\n")
    text: Any = around([folder / "restore.yml"], (), set()).model_dump_json()
    assert "hunter2" not in text
    assert "group_vars/all.yml" in text


def test_what_a_path_leads_to_is_hashed_wherever_it_is(tmp_path: Path) -> None:
    """Tasks above the playbooks, or in a folder of any name, are taken in by their path."""
    files = {
        "playbooks/restore.yml": "- hosts: all\n  tasks:\n"
        "    - import_tasks: ../shared/a.yml\n    - include_tasks: common/b.yml\n"
        "    - include_role: {name: ../shared/roles/web}\n",
        "shared/a.yml": "- import_tasks: c.yml\n",
        "shared/c.yml": "[]\n",
        "shared/unused.yml": "[]\n",
        "shared/roles/web/tasks/main.yml": "[]\n",
        "playbooks/common/b.yml": "[]\n",
    }
    for name, text in files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    playbook = tmp_path / "playbooks/restore.yml"
    hashes = around([playbook], (), {playbook}).files
    assert {file.path.relative_to(tmp_path).as_posix() for file in hashes} == {
        name for name in files if name not in {"playbooks/restore.yml", "shared/unused.yml"}
    }


TAKEN_IN = {
    "a script": ("script: scripts/restore.sh --all", "scripts/restore.sh"),
    "a script by its short path": ("script: ./scripts/restore.sh", "scripts/restore.sh"),
    "a script by its full path": ("script: FOLDER/scripts/restore.sh", "scripts/restore.sh"),
    "a script beside the playbook": ("ansible.builtin.script: restore.sh", "restore.sh"),
    "a script with a space": ("script: 'scripts/my restore.sh'", "scripts/my restore.sh"),
    "a script in a loop": ("script: 'scripts/{{ item }}'", "scripts/restore.sh"),
    "from the playbook's folder": ("script: '{{ playbook_dir }}/scripts/a'", "scripts/a"),
    "a schema": ("copy: {src: sql/schema.sql, dest: /srv/x}", "sql/schema.sql"),
    "an archive": ("unarchive: {src: app.tar.gz, dest: /srv}", "app.tar.gz"),
    "a folder": ("copy: {src: app/, dest: /srv/x}", "app/conf/settings.ini"),
    "a folder without a slash": ("assemble: {src: parts, dest: /srv/x}", "parts/01"),
    "variables in JSON": ("include_vars: settings.json", "settings.json"),
    "variables without an ending": ("include_vars: settings/site", "settings/site"),
    "a folder of variables": ("include_vars: {dir: settings}", "settings/site.yml"),
    "a template without .j2": ("template: {src: web/site.conf, dest: /x}", "web/site.conf"),
    "a lookup": ("debug: {msg: \"{{ lookup('file', 'keys/a.pub') }}\"}", "keys/a.pub"),
    "tasks whose name is built": ("include_tasks: 'steps/{{ x }}.yml'", "steps/a.yml"),
}


@pytest.mark.parametrize(("task", "name"), list(TAKEN_IN.values()), ids=list(TAKEN_IN))
def test_a_file_of_any_kind_that_a_task_names_is_hashed(folder: Path, task: str, name: str) -> None:
    """Wherever it lies beside the playbook, and whatever it is: edited, it would run edited."""
    (folder / "restore.yml").write_text(
        f"- hosts: all\n  tasks:\n    - {task.replace('FOLDER', str(folder))}\n"
    )
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("x\n")
    assert name in names(around([folder / "restore.yml"], (), ()), folder)


def test_what_a_task_writes_is_not_hashed(folder: Path) -> None:
    """What an earlier run fetched is written anew by the next, which is no edit."""
    fetched = folder / "reports/errors.txt"
    fetched.parent.mkdir()
    fetched.write_text("of the last run\n")
    (folder / "restore.yml").write_text(
        "- hosts: all\n  tasks:\n"
        "    - fetch: {src: /var/log/errors, dest: reports/errors.txt, flat: true}\n"
        "    - fetch:\n        src: /var/log/errors\n        dest: reports/\n"
        "    - command: {cmd: state, chdir: ../}\n"
    )
    assert names(around([folder / "restore.yml"], (), ()), folder).isdisjoint(
        {"reports/errors.txt"}
    )
