"""The shipped playbooks that make machines, on a virsh that keeps its domains in a folder."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import time
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
for word; do
  shift
  case "$word" in --domain | --snapshotname | --inactive) ;; *) set -- "$@" "$word" ;; esac
done
cd "$DOMAINS" || exit 1
echo "$1 $2" >>../calls
case "$1" in
  list) ls; rm -f theirs; ;;
  dumpxml) cat "$2" ;;
  domname) cat "../names/$2" 2>/dev/null || echo "$2" ;;
  domuuid) echo "$2" ;;
  domstate) sleep "${PAUSE:-0}"; echo "${DOMSTATE:-shut off}" ;;
  destroy) false ;;
  undefine) rm "$2" ;;
  snapshot-dumpxml) [ "$3" = clean ] && echo "<state>${STATE:-shutoff}</state>" ;;
  snapshot-revert) [ "$3" = clean ] && ls .. >../there && : >"$2" && sleep "${PAUSE:-0}" ;;
  metadata)
    case "$*" in
      *--set*) echo "$*" >"$2" ;;
      *--remove*) : >"$2" ;;
      *) grep urn:pradrill "$2" ;;
    esac ;;
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

    def script(self, name: str, **variables: Any) -> list[str]:
        """Return the command of the first shell task of a playbook."""
        (play,) = yaml.safe_load((PLAYBOOKS / f"{name}.yml").read_text("utf-8"))
        task = next(each for each in play["tasks"] if "ansible.builtin.shell" in each)
        given: dict[str, Any] = {
            "snapshot": "clean",
            "folder": str(self.folder),
            "pradrill_tag": TAG,
        }
        given |= {"domains": {"web": "spare"}, "item": {"name": "web"}, "tag": TAGGED}
        script = rendered(task["ansible.builtin.shell"], {**given, **variables})
        return [task.get("args", {}).get("executable", "/bin/sh"), "-c", script]

    def environment(self, **more: str) -> dict[str, str]:
        """Return where its virsh is found."""
        paths = f"{self.folder}:{os.environ['PATH']}"
        return {"PATH": paths, "DOMAINS": str(self.domains), **more}

    def play(
        self, name: str, environment: Mapping[str, str] | None = None, **variables: Any
    ) -> subprocess.CompletedProcess[str]:
        """Carry out the first shell task of a playbook."""
        return subprocess.run(
            self.script(name, **variables),
            env=self.environment(**(environment or {})),
            capture_output=True,
            text=True,
            check=False,
        )

    def beside(self, name: str, **variables: Any) -> subprocess.Popen[str]:
        """Begin it, slowly."""
        return subprocess.Popen(
            self.script(name, **variables),
            env=self.environment(PAUSE="0.5"),
            stderr=subprocess.PIPE,
            text=True,
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


def test_of_two_runs_that_take_one_machine_at_once_one_gets_it(libvirt: Libvirt) -> None:
    """Else each would put it back to its snapshot under the other, and one tag would be lost."""
    libvirt.define("spare", "<domain/>")
    both = [libvirt.beside("provision_from_snapshot") for _ in range(2)]
    errors = [each.communicate(timeout=60)[1] for each in both]
    assert sorted(each.returncode for each in both) == [0, 1]
    assert "spare is another run's" in "".join(errors)
    assert TAG in (libvirt.domains / "spare").read_text()


def test_a_run_that_ends_does_not_take_the_next_ones_tag(libvirt: Libvirt) -> None:
    """The snapshot that takes its own away is not yet its end."""
    theirs = TAGGED.replace(TAG, "pradrill-ba9876543210")
    libvirt.define("spare")
    ending = libvirt.beside("revert")
    end = time.monotonic() + 30
    while (libvirt.domains / "spare").read_text():
        assert time.monotonic() < end
        time.sleep(0.01)
    result = libvirt.play("provision_from_snapshot", tag=theirs)
    ending.communicate(timeout=60)
    assert (ending.returncode, result.returncode) == (0, 0), result.stderr
    assert "pradrill-ba9876543210" in (libvirt.domains / "spare").read_text()


def test_a_snapshot_of_a_machine_that_ran_is_none_to_be_put_back_to(libvirt: Libvirt) -> None:
    """It would go on there after the run, without its tag: found by nothing."""
    libvirt.define("spare", "<domain/>")
    result = libvirt.play("provision_from_snapshot", {"STATE": "running"})
    assert (result.returncode, "ran when its snapshot was taken" in result.stderr) == (1, True)
    assert (libvirt.domains / "spare").read_text() == "<domain/>\n"


def test_a_machine_that_does_not_stop_keeps_its_disk_and_tag(libvirt: Libvirt) -> None:
    """What runs on without either would be nobody's."""
    libvirt.define(f"{TAG}-web")
    disk = libvirt.folder / f"{TAG}-web.qcow2"
    disk.touch()
    for playbook in ("destroy", "revert"):
        assert libvirt.play(playbook, {"DOMSTATE": "running"}).returncode == 1
        assert (disk.exists(), TAG in (libvirt.domains / f"{TAG}-web").read_text()) == (True, True)


def test_a_machine_may_be_called_anything(libvirt: Libvirt) -> None:
    """It is found and put back by its id; a listing shows its name as one word."""
    (libvirt.folder / "names").mkdir()
    for number, name in enumerate(['-x "{{ 7 }}" y', "spare 1"]):
        libvirt.define(f"id{number}")
        (libvirt.folder / f"names/id{number}").write_text(f"{name}\n")
    result = libvirt.play("listing")
    machines = [json.loads(line) for line in result.stdout.splitlines()]
    assert [each["machine"] for each in machines] == ["-x_____7_____y", "spare_1"]
    assert {(each["tag"], each["expires"]) for each in machines} == {(TAG, "x")}
    assert libvirt.play("revert").returncode == 0
    assert [path.read_text() for path in libvirt.domains.iterdir()] == ["", ""]


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
