"""The shipped playbooks for hypervisors that nobody has tried: what they ask for, in which order.

What answers here stands in for `qm` and `pvesh`, and for the modules of VMware and OpenStack: it
answers as their documentation and source say. No hypervisor was asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.nightly
PLAYBOOKS = Path(__file__).parents[2] / "playbooks/provision"
TAG = "pradrill-0123456789ab"
OTHERS = "pradrill-ba9876543210"
EXPIRES = "2026-12-01T00:00:00+00:00"
NODE = f"""\
#!{sys.executable}
import fcntl, json, os, sys, time
from pathlib import Path
home = Path(__file__).parent
lock = (home / "lock").open("w")
fcntl.flock(lock, fcntl.LOCK_EX)
state = json.loads((home / "state.json").read_text())
words = [Path(sys.argv[0]).name, *sys.argv[1:]]
given = {{words[n][2:]: words[n + 1] for n in range(len(words) - 1) if words[n].startswith("--")}}
with (home / "calls").open("a") as calls:
    calls.write(" ".join(words) + "\\n")
guests, pools = state["guests"], state["pools"]
match words[:3]:
    case ["pvesh", "get", "/cluster/nextid"]:
        print(max([int(each) for each in guests] + [100]) + 1, flush=True)
        lock.close()
        time.sleep(0.5)
        sys.exit()
    case ["pvesh", "get", "/cluster/resources"]:
        lines = [{{"type": "qemu", "vmid": int(n), **each}} for n, each in guests.items()]
        lines = [{{k: v for k, v in each.items() if k != "config"}} for each in lines]
        print(json.dumps([*lines, {{"type": "storage", "storage": "local"}}]))
    case ["pvesh", "get", "/pools"]:
        print(json.dumps([{{"poolid": name, "comment": of}} for name, of in pools.items()]))
    case ["pvesh", "get", path] if path.endswith("/content"):
        print(json.dumps(state["archives"]))
    case ["pvesh", "create", "/pools"]:
        pools[given["poolid"]] = given["comment"]
    case ["pvesh", "delete", path]:
        name = path.removeprefix("/pools/")
        if any(each.get("pool") == name for each in guests.values()):
            sys.exit("not empty")
        del pools[name]
    case ["qm", "create", number] if number in guests and "force" not in given:
        sys.exit("it exists")
    case ["qm", "create", number]:
        if "archive" in given:  # production's own configuration, but for what is given
            config = {{"net0": "vmbr0", "net1": "vmbr1", "hostpci0": "01:00", "hookscript": "x"}}
            guests[number] = {{"config": {{**config, "net0": given["net0"]}}}}
        guests.setdefault(number, {{"config": {{}}}})
        guests[number] |= {{key: given[key] for key in ("name", "pool", "tags") if key in given}}
    case ["qm", "clone", _] if words[3] in guests:
        sys.exit("it exists")
    case ["qm", "clone", _]:
        guests[words[3]] = {{"name": given["name"], "config": {{}}}}
    case ["qm", "config", number]:
        if "name" in guests[number]:
            print("name: " + guests[number]["name"])
        print("\\n".join(f"{{key}}: {{value}}" for key, value in guests[number]["config"].items()))
    case ["qm", "set", number]:
        for key in given.pop("delete", "").split(","):
            guests[number]["config"].pop(key, None)
        guests[number] |= {{key: given[key] for key in ("tags",) if key in given}}
    case ["qm", "stop", number] if "meanwhile" in state:  # somebody's, of the same id
        guests |= state.pop("meanwhile")
    case ["qm", "destroy", number]:
        del guests[number]
    case ["qm", "guest", "cmd"]:
        kind, loop = "ipv4", "127.0.0.1"
        lo = {{"name": "lo", "ip-addresses": [{{"ip-address-type": kind, "ip-address": loop}}]}}
        told = [{{"ip-address-type": "ipv6", "ip-address": "fe80::1"}}]
        told += [{{"ip-address-type": kind, "ip-address": "192.0.2." + words[3]}}]
        links = [lo, {{"name": "eth0", "ip-addresses": told}}]
        print(json.dumps(links, indent=3, separators=(",", " : ")))
(home / "state.json").write_text(json.dumps(state))
"""
MODULE = f"""\
#!{sys.executable}
import json, os
from pathlib import Path
from ansible.module_utils.basic import AnsibleModule
home = Path("@HOME@")
NAME = "@NAME@"
words = "hostname username password validate_certs vm_type show_attribute datacenter moid state"
words += " snapshot_name attributes settings cloud name image flavor network security_groups"
words += " auto_ip config_drive userdata metadata wait"
spec = {{word: {{"type": "raw", "no_log": word == "password"}} for word in words.split()}}
module = AnsibleModule(spec)
given = {{k: v for k, v in module.params.items() if v is not None}}
state = json.loads((home / "state.json").read_text())
with (home / "calls").open("a") as calls:
    calls.write(" ".join([NAME, given.get("moid", ""), given.get("state", "")]).strip() + "\\n")
vm = next((each for each in state["vms"] if each.get("moid") == given.get("moid")), None)
answer = {{}}
match NAME:
    case "vmware_vm_info":
        answer = {{"virtual_machines": state["vms"]}}
    case "vmware_guest_snapshot_info":
        snapshots = {{"snapshots": [{{"name": "clean"}}]}}
        answer = {{"guest_snapshots": snapshots if vm["clean"] else {{}}}}
    case "vmware_guest_snapshot":
        vm |= {{"settings": {{}}, "power_state": "poweredOff", "ip_address": ""}}
    case "vmware_guest_custom_attributes":
        is_there = given.get("state") != "absent"
        vm["attributes"]["pradrill"] = given["attributes"][0]["value"] if is_there else ""
    case "vm_advanced_settings":
        vm["settings"] = given["settings"]
    case "vm_powerstate":
        on = given["state"] == "powered-on"
        vm |= {{"power_state": "poweredOn" if on else "poweredOff"}}
        vm["ip_address"] = "192.0.2.24" if on else ""
    case "server_info":
        answer = {{"servers": state["vms"]}}
    case "server" if given["state"] == "absent":
        state["vms"] = [each for each in state["vms"] if each["id"] != given["name"]]
    case "server":
        told = [{{"addr": "2001:db8::30", "version": 6}}, {{"addr": "192.0.2.30", "version": 4}}]
        addresses = {{given["network"]: told}}
        server = {{"id": "an-id", "name": given["name"], "metadata": given["metadata"]}}
        answer = {{"server": {{**server, "addresses": addresses}}}}
        state["vms"].append(server)
(home / "state.json").write_text(json.dumps(state))
module.exit_json(changed=True, **answer)
"""
MODULES = {
    "community/vmware": (
        *("vmware_vm_info", "vmware_guest_snapshot_info", "vmware_guest_snapshot"),
        "vmware_guest_custom_attributes",
    ),
    "vmware/vmware": ("vm_advanced_settings", "vm_powerstate"),
    "openstack/cloud": ("server", "server_info"),
}


class Hypervisor:
    """Something that answers in a hypervisor's stead, and keeps what it was asked for."""

    def __init__(self, home: Path, **state: Any) -> None:
        self.home = home
        self.write(state)
        for name in ("user-data", "meta-data"):
            (home / name).write_text("#cloud-config\n")
        (home / "snippets").mkdir()

    def write(self, state: dict[str, Any]) -> None:
        """Let it be so there."""
        (self.home / "state.json").write_text(json.dumps(state))

    def stand_in(self) -> None:
        """Put modules of our own in the place of the collections'."""
        for collection, modules in MODULES.items():
            folder = self.home / f"ansible_collections/{collection}/plugins/modules"
            folder.mkdir(parents=True)
            for name in modules:
                text = MODULE.replace("@HOME@", str(self.home)).replace("@NAME@", name)
                (folder / f"{name}.py").write_text(text)

    @property
    def state(self) -> dict[str, Any]:
        """Return what is there."""
        state: dict[str, Any] = json.loads((self.home / "state.json").read_text())
        return state

    def calls(self) -> list[str]:
        """Return what was asked since the last time."""
        path = self.home / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        path.unlink(missing_ok=True)
        return lines

    def play(
        self, playbook: str, *, passes: bool = True, tag: str = TAG, **variables: Any
    ) -> dict[str, Any]:
        """Play a shipped playbook; return what it hands back."""
        machine = {"name": "web-dr", "machine": f"{tag}-web-dr"}
        machine |= {"user_data": f"{self.home}/user-data", "meta_data": f"{self.home}/meta-data"}
        given = {"pradrill_tag": tag, "pradrill_expires": EXPIRES, "pradrill_machines": [machine]}
        given |= {
            "snippets_folder": f"{self.home}/snippets",
            "ansible_python_interpreter": sys.executable,
        }
        (self.home / f"given-{tag}.json").write_text(json.dumps({**given, **variables}))
        environment = {
            "PATH": f"{self.home}:{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(self.home),
            "ANSIBLE_COLLECTIONS_PATH": str(self.home),
            "ANSIBLE_SHOW_CUSTOM_STATS": "1",
            "LC_ALL": "C.UTF-8",
        }
        hosts = variables.get("hosts", "localhost,")
        inventory = ["-i", hosts, "-c", "local", "-e", f"@{self.home}/given-{tag}.json"]
        result = subprocess.run(
            ["ansible-playbook", *inventory, str(PLAYBOOKS / playbook)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (result.returncode == 0) is passes, result.stdout[-3000:] + result.stderr
        _, _, custom = result.stdout.partition("\tRUN: ")
        stats: dict[str, Any] = json.loads(custom or "{}")
        return stats


@pytest.fixture
def node(tmp_path: Path) -> Hypervisor:
    """Return a node of Proxmox VE with somebody's guests, pools and archives."""
    theirs = {"name": "production", "pool": "office", "config": {}}
    other = {"name": f"{OTHERS}-web", "tags": "expires-1796083200;pradrill", "config": {}}
    old, new = (
        {"volid": f"pbs:backup/vm/101/{day}", "ctime": at}
        for day, at in (("2026-11-29T02:00:00Z", 1795917600), ("2026-11-30T02:00:00Z", 1796004000))
    )
    archives = [new, {**old, "verification": {"state": "ok"}}]
    archives += [{"volid": "local:backup/vzdump-lxc-101-2026_11_30-03_00_00.tar.zst", "ctime": 9e9}]
    state = {"guests": {"101": theirs, "102": other}, "pools": {"office": ""}, "archives": archives}
    node = Hypervisor(tmp_path, **state)
    for name in ("qm", "pvesh"):
        (tmp_path / name).write_text(NODE)
        (tmp_path / name).chmod(0o700)
    return node


ARCHIVE: dict[str, Any] = {
    "guests": {"web-dr": 101},
    "archives": "pbs",
    "storage": "fast",
    "bridge": "vmbr9",
}


def test_a_proxmox_archive_is_restored_fenced_and_gone(node: Hypervisor) -> None:
    """In a pool of the tag from the first moment; one network; the newest archive of a machine."""
    before = node.state
    values = node.play("proxmox/provision_from_archive.yml", **ARCHIVE)
    assert values["pradrill_addresses"] == {"web-dr": "192.0.2.103"}
    assert values["pradrill_backup_id"] == "vm/101/2026-11-30T02:00:00Z"
    assert values["pradrill_catalogue_time"] == "2026-11-30T02:00:00+00:00"
    calls = [each for each in node.calls() if " get " not in each]
    order = ["pvesh create /pools", "qm create 103 --pool", "qm create 103 --force 1 --unique 1"]
    order += ["qm config 103", "qm set 103 --delete net1,hostpci0,hookscript", "qm set 103 --ide2"]
    order += ["qm start 103", "qm guest cmd 103"]
    assert [call.startswith(want) for call, want in zip(calls, order, strict=True)] == [True] * 8
    guest = node.state["guests"]["103"]
    assert guest["config"] == {"net0": "virtio,bridge=vmbr9"}
    assert {path.name for path in (node.home / "snippets").iterdir()} == {
        f"{TAG}-web-dr-{name}" for name in ("user_data", "meta_data", "new-machine-id")
    }
    listing = node.play("proxmox/listing.yml")["pradrill_listing"]
    assert [each["machine"] for each in listing] == [f"{TAG}-web-dr", TAG]
    assert {(each["tag"], each["expires"]) for each in listing} == {(TAG, EXPIRES)}
    tags = [
        each["tag"]
        for each in node.play("proxmox/listing.yml", pradrill_tag="")["pradrill_listing"]
    ]
    assert sorted(tags) == [TAG, TAG, OTHERS]

    node.play("proxmox/destroy.yml")
    assert node.state == before
    assert list((node.home / "snippets").iterdir()) == []
    assert node.play("proxmox/listing.yml")["pradrill_listing"] == []
    node.play("proxmox/destroy.yml")  # there is nothing any more


def test_a_guest_without_a_name_is_found_by_its_pool(node: Hypervisor) -> None:
    """While its archive is read it has none, and the next command must end it all the same."""
    state = node.state
    state["guests"]["103"] = {"name": "VM 103", "pool": TAG, "config": {}}
    state["pools"][TAG] = "expires-1796083200"
    node.write(state)
    (machine,) = node.play("proxmox/listing.yml")["pradrill_listing"]
    assert machine["machine"] == TAG
    node.play("proxmox/destroy.yml")
    assert (sorted(node.state["guests"]), list(node.state["pools"])) == (["101", "102"], ["office"])


def test_the_archive_that_was_chosen_is_taken_or_none(node: Hypervisor) -> None:
    """By its id; one that failed its verification, or is not there, is refused before anything."""
    point = "2026-11-29T02:00:00Z"
    values = node.play(
        "proxmox/provision_from_archive.yml", **ARCHIVE, pradrill_recovery_point=point
    )
    assert values["pradrill_backup_id"] == point
    assert any(f"--archive pbs:backup/vm/101/{point}" in each for each in node.calls())
    node.play("proxmox/destroy.yml")
    node.calls()
    absent = "2020-01-01T00:00:00Z"
    node.play(
        "proxmox/provision_from_archive.yml",
        passes=False,
        **ARCHIVE,
        pradrill_recovery_point=absent,
    )
    state = node.state
    state["archives"][0]["verification"] = {"state": "failed"}
    node.write(state)
    node.play("proxmox/provision_from_archive.yml", passes=False, **ARCHIVE)
    assert {each.split()[1] for each in node.calls()} == {"get"}


def test_a_proxmox_clone_is_made_and_gone(node: Hypervisor) -> None:
    """Its name begins with the tag; somebody's guests stay."""
    before = node.state
    values = node.play("proxmox/provision.yml", template=9000, bridge="vmbr9")
    assert values["pradrill_addresses"] == {"web-dr": "192.0.2.103"}
    (machine,) = node.play("proxmox/listing.yml")["pradrill_listing"]
    assert (machine["machine"], machine["expires"]) == (f"{TAG}-web-dr", EXPIRES)
    node.play("proxmox/destroy.yml")
    assert node.state == before


@pytest.mark.parametrize("playbook", ["provision", "provision_from_archive"])
def test_two_runs_at_once_get_two_ids(node: Hypervisor, playbook: str) -> None:
    """The next id is the same for both until one has taken it: one run would fail."""
    making = {**ARCHIVE, "template": 9000}
    with ThreadPoolExecutor() as pool:
        runs = [
            pool.submit(node.play, f"proxmox/{playbook}.yml", tag=tag, **making)
            for tag in (TAG, "pradrill-aaaaaaaaaaaa")
        ]
    addresses = {run.result()["pradrill_addresses"]["web-dr"] for run in runs}
    assert addresses == {"192.0.2.103", "192.0.2.104"}


def test_an_id_that_was_given_again_meanwhile_is_not_destroyed(node: Hypervisor) -> None:
    """Two ends at once: the other one was quicker, and somebody's new guest has the id."""
    state = node.state
    state["guests"]["103"] = {"name": f"{TAG}-db", "config": {}}
    state["guests"]["104"] = {"name": f"{TAG}-web", "config": {}}
    state["meanwhile"] = {"104": {"name": "accounting", "config": {}}}
    node.write(state)
    node.play("proxmox/destroy.yml", passes=False)
    assert node.state["guests"]["104"]["name"] == "accounting"


@pytest.mark.parametrize("playbook", ["proxmox/provision", "libvirt/provision"])
def test_machines_are_made_on_one_hypervisor(node: Hypervisor, playbook: str) -> None:
    """On each of a group's it would be made, with one key, and one address would count."""
    both: dict[str, Any] = {
        "hosts": "localhost,127.0.0.1,",
        "template": 9000,
        "bridge": "vmbr9",
        "base": "x",
    }
    node.play(f"{playbook}.yml", passes=False, **both)
    assert node.calls() == []


def vm(moid: str, name: str, **more: Any) -> dict[str, Any]:
    """Return a machine as vCenter tells of it."""
    usual = {"power_state": "poweredOff", "ip_address": "", "attributes": {}, "clean": True}
    return {"moid": moid, "guest_name": name, "settings": {}, **usual, **more}


@pytest.fixture
def vcenter(tmp_path: Path) -> Hypervisor:
    """Return a vCenter with a spare machine and somebody's, by modules of our own."""
    theirs = vm("vm-1", "production", power_state="poweredOn", attributes={"owner": "DSI"})
    vcenter = Hypervisor(tmp_path, vms=[theirs, vm("vm-24", "spare 1")])
    vcenter.stand_in()
    return vcenter


LOGIN: dict[str, Any] = {
    "vcenter": "vc",
    "vcenter_username": "dr",
    "vcenter_password": "x",
    "datacenter": "Reims",
}


def test_a_vmware_machine_is_taken_from_its_snapshot_and_put_back(vcenter: Hypervisor) -> None:
    """Tagged before it is reverted, powered off before it is put back, its tag taken away last."""
    before = vcenter.state
    taking = {**LOGIN, "machines": {"web-dr": "spare 1"}}
    values = vcenter.play("vmware/provision_from_snapshot.yml", **taking)
    assert values["pradrill_addresses"] == {"web-dr": "192.0.2.24"}
    names = ["vmware_guest_custom_attributes", "vmware_guest_snapshot", "vm_advanced_settings"]
    calls = [each.split()[0] for each in vcenter.calls()]
    assert [each for each in calls if not each.endswith("_info")] == [*names, "vm_powerstate"]
    spare = vcenter.state["vms"][1]
    assert spare["attributes"] == {"pradrill": f"{TAG} {EXPIRES}"}
    assert set(spare["settings"]) >= {"guestinfo.userdata", "guestinfo.metadata"}
    (machine,) = vcenter.play("vmware/listing.yml", **LOGIN)["pradrill_listing"]
    assert machine == {"machine": "vm-24:spare_1", "tag": TAG, "expires": EXPIRES}
    vcenter.play("vmware/provision_from_snapshot.yml", passes=False, **taking)  # another's
    assert (
        vcenter.play("vmware/listing.yml", **LOGIN, pradrill_tag=OTHERS)["pradrill_listing"] == []
    )
    vcenter.play("vmware/revert.yml", **LOGIN, pradrill_tag=OTHERS)
    vcenter.calls()

    vcenter.play("vmware/revert.yml", **LOGIN)
    calls = [each for each in vcenter.calls() if "_info" not in each]
    assert calls == [
        "vm_powerstate vm-24 powered-off",
        "vmware_guest_snapshot vm-24 revert",
        "vmware_guest_custom_attributes vm-24 absent",
    ]
    after = vcenter.state
    assert after["vms"][1].pop("attributes") == {"pradrill": ""}
    before["vms"][1].pop("attributes")
    assert after == before
    assert vcenter.play("vmware/listing.yml", **LOGIN, pradrill_tag="")["pradrill_listing"] == []


def test_a_vmware_machine_without_the_snapshot_is_not_tagged(vcenter: Hypervisor) -> None:
    """Else every revert of it would fail, for ever."""
    state = vcenter.state
    state["vms"][1]["clean"] = False
    vcenter.write(state)
    taking = {**LOGIN, "machines": {"web-dr": "spare 1"}}
    vcenter.play("vmware/provision_from_snapshot.yml", passes=False, **taking)
    assert vcenter.state == state


def test_an_openstack_server_is_made_and_deleted(tmp_path: Path) -> None:
    """It carries its tag from the first moment; somebody's servers stay."""
    theirs = {"id": "x", "name": "production", "metadata": {}}
    other = {"id": "y", "name": "other", "metadata": {"pradrill_tag": OTHERS}}
    cloud = Hypervisor(tmp_path, vms=[theirs, other])
    cloud.stand_in()
    making: dict[str, Any] = {
        "cloud": "dr",
        "image": "debian-12",
        "flavor": "small",
        "network": "drill",
    }
    values = cloud.play("openstack/provision.yml", **making)
    assert values["pradrill_addresses"] == {"web-dr": "192.0.2.30"}
    (machine,) = cloud.play("openstack/listing.yml", cloud="dr")["pradrill_listing"]
    assert machine == {"machine": f"{TAG}-web-dr", "tag": TAG, "expires": EXPIRES}
    cloud.play("openstack/destroy.yml", cloud="dr")
    assert cloud.state["vms"] == [theirs, other]
    assert cloud.play("openstack/listing.yml", cloud="dr")["pradrill_listing"] == []
