"""The shipped playbooks that make machines, on a virsh that keeps its domains in a folder."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

PLAYBOOKS = Path(__file__).parents[3] / "playbooks/provision/libvirt"
TAG = "pradrill-0123456789ab"
TAGGED = f'<pradrill:machine xmlns:pradrill="urn:pradrill" tag="{TAG}" expires="x"/>'
VIRSH = """\
#!/bin/sh
shift 3  # -q -c qemu:///system
cd "$DOMAINS" || exit 1
echo "$1 $2" >>../calls
case "$1" in
  list) ls; rm -f theirs; ;;
  dumpxml) cat "$3" ;;
  domstate) echo "shut off" ;;
  undefine) rm "$2" ;;
  snapshot-info) [ "$3" = clean ] ;;
  snapshot-revert) [ "$3" = clean ] && ls .. >../there && : >"$2" ;;
  metadata) case "$*" in *--set*) echo "$*" >"$2" ;; *) grep urn:pradrill "$2" ;; esac ;;
esac
"""


def rendered(text: str, given: Mapping[str, Any]) -> str:
    """Return a task's script as Ansible would write it."""
    shell = jinja2.Environment(autoescape=False)  # noqa: S701 no page
    shell.filters["quote"] = shlex.quote
    return shell.from_string(text).render(**given)


class Libvirt:
    """A hypervisor's domains, its folder of volumes, and its playbooks' shell tasks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.domains = folder / "domains"
        self.domains.mkdir()
        (folder / "virsh").write_text(VIRSH)
        (folder / "virsh").chmod(0o700)

    def define(self, name: str, xml: str = TAGGED) -> None:
        """Define a domain."""
        (self.domains / name).write_text(f"{xml}\n")

    def play(self, name: str, **variables: Any) -> subprocess.CompletedProcess[str]:
        """Carry out the first shell task of a playbook."""
        (play,) = yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text("utf-8"))
        task = next(each for each in play["tasks"] if "ansible.builtin.shell" in each)
        given: dict[str, Any] = {
            "snapshot": "clean",
            "folder": str(self.folder),
            "pradrill_tag": TAG,
        }
        given |= {"domains": {"web": "spare"}, "item": {"name": "web"}, "tag": TAGGED}
        script = rendered(task["ansible.builtin.shell"], {**given, **variables})
        paths = f"{self.folder}:{os.environ['PATH']}"
        return subprocess.run(
            [task.get("args", {}).get("executable", "/bin/sh"), "-c", script],
            env={"PATH": paths, "DOMAINS": str(self.domains)},
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def libvirt(tmp_path: Path) -> Libvirt:
    """Return a hypervisor without domains."""
    return Libvirt(tmp_path)


def test_destroy_ends_clones_with_their_keys_and_no_domain_of_somebody(libvirt: Libvirt) -> None:
    """A spare machine that carries the tag would be gone for good: it stays, and is told."""
    libvirt.define(f"{TAG}-web")
    libvirt.define("spare")
    libvirt.define("production", "<domain/>")
    (libvirt.folder / f"{TAG}-web-seed.iso").touch()
    (libvirt.folder / "spare.qcow2").touch()
    result = libvirt.play("destroy")
    assert (result.returncode, result.stdout) == (1, f"destroyed {TAG}-web\n")
    assert "spare carries the tag" in result.stderr
    assert sorted(path.name for path in libvirt.domains.iterdir()) == ["production", "spare"]
    assert (libvirt.folder / "spare.qcow2").exists()
    assert not list(libvirt.folder.glob("*-seed*"))


@pytest.mark.parametrize("playbook", ["destroy", "revert", "listing"])
def test_another_runs_domain_may_go_meanwhile(libvirt: Libvirt, playbook: str) -> None:
    """Listed, and gone when it is looked at: that is no failure, and no residue."""
    for name in (f"{TAG}-web", "theirs"):
        libvirt.define(name)
    assert libvirt.play(playbook).returncode == 0

    (libvirt.domains / "unreadable").mkdir()  # which stays
    assert libvirt.play(playbook).returncode == 1


def test_the_key_goes_before_the_tag(libvirt: Libvirt) -> None:
    """A snapshot is without the tag: what a kill leaves after it would be found by nothing."""
    libvirt.define("spare")
    (libvirt.folder / f"{TAG}-spare-seed.iso").touch()
    assert libvirt.play("revert").returncode == 0
    assert f"{TAG}-spare-seed.iso" not in (libvirt.folder / "there").read_text()


def test_a_snapshot_that_there_is_not_locks_no_machine(libvirt: Libvirt) -> None:
    """It is looked for before the tag is on: else every revert would fail, for ever."""
    libvirt.define("spare", "<domain/>")
    assert libvirt.play("provision_from_snapshot", snapshot="klean").returncode == 1
    assert (libvirt.domains / "spare").read_text() == "<domain/>\n"
    assert libvirt.play("provision_from_snapshot").returncode == 0
    assert TAG in (libvirt.domains / "spare").read_text()


def test_keys_of_a_proxmox_clone_that_never_came_to_be_go(tmp_path: Path) -> None:
    """They lie in the snippets before there is a machine by whose name they would be found."""
    for name in (f"{TAG}-web-user_data", "theirs-user_data"):
        (tmp_path / name).touch()
    text = (PLAYBOOKS.parent / "proxmox/destroy.yml").read_text("utf-8")
    tasks = yaml.safe_load(text)[0]["tasks"]
    task = next(each for each in tasks if each["name"].startswith("Remove the keys"))
    given = {"snippets_folder": str(tmp_path), "pradrill_tag": TAG}
    command = rendered(task["ansible.builtin.shell"], given)
    subprocess.run(["/bin/sh", "-c", command], check=True)
    assert [path.name for path in tmp_path.iterdir()] == ["theirs-user_data"]
