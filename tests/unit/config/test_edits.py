"""Which files are not what a run was planned with, and whose they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pradrill.config.edits import edits
from pradrill.config.fingerprint import hashed
from pradrill.config.playbook_inputs import around
from pradrill.domain.declared.standby_kind import Hypervisor
from pradrill.domain.run.run_plan import RunPlan
from pradrill.testing.fake_machines import a_provisioned_plan

LIBVIRT = Path(__file__).parents[3] / "playbooks/provision/libvirt"


@pytest.fixture
def plan(tmp_path: Path) -> RunPlan:
    """Return a plan that makes its machines by the playbooks that ship."""
    folder = tmp_path / "libvirt"
    shutil.copytree(LIBVIRT, folder)
    parts = {name: {"playbook": f"{folder}/{name}.yml"} for name in ("destroy", "listing")}
    plan = a_provisioned_plan(provision={"playbook": f"{folder}/provision.yml"}, **parts)
    drill = plan.drill.model_copy(update={"prepare": (), "restore": ()})
    plan = plan.model_copy(update={"drill": drill})
    playbooks = drill.playbooks()
    files = [hashed(tmp_path / "plan.yml", b""), *(hashed(p, p.read_bytes()) for p in playbooks)]
    beside = around(playbooks, (), {file.path for file in files})
    return plan.model_copy(update={"files": tuple(files), "around": beside})


@pytest.mark.parametrize(
    ("name", "matters"),
    [
        ("provision.yml", False),
        ("templates/domain.xml.j2", False),
        ("tasks/identity_disk.yml", False),
        ("destroy.yml", True),
        ("listing.yml", True),
    ],
)
def test_what_only_makes_machines_keeps_nobody_from_ending_them(
    plan: RunPlan, tmp_path: Path, name: str, matters: bool
) -> None:
    """An edit of it is told; of the playbooks that end them it is none."""
    path = tmp_path / "libvirt" / name
    assert edits(plan) == ()
    path.write_text(path.read_text("utf-8") + "\n# edited\n", "utf-8")
    assert edits(plan) == (path,)
    making = plan.drill.standby.provisioning
    assert making is not None
    of_the_end = edits(plan, (making.end.playbook, making.listing.playbook))
    assert of_the_end == ((path,) if matters else ())


@pytest.mark.parametrize("name", ["group_vars/kvm.yml", "host_vars/kvm1/secret.yml"])
def test_what_leads_to_a_hypervisor_is_hashed_with_its_inventory(
    plan: RunPlan, tmp_path: Path, name: str
) -> None:
    """Variables beside it say where volumes lie, and by which API: edited, gone, or new."""
    inventory = tmp_path / "inventories/hypervisor.yml"
    path = inventory.parent / name
    path.parent.mkdir(parents=True)
    inventory.write_text("kvm: {hosts: {kvm1: {}}}\n")
    path.write_text("folder: /srv/images\n")
    hypervisor = Hypervisor(inventory=inventory, hosts="kvm")
    standby = plan.drill.standby.model_copy(update={"hypervisor": hypervisor})
    drill = plan.drill.model_copy(update={"standby": standby})
    files = (*plan.files, hashed(inventory, inventory.read_bytes()))
    beside = around(drill.playbooks(), standby.inventories, {file.path for file in files})
    plan = plan.model_copy(update={"drill": drill, "files": files, "around": beside})

    making = standby.provisioning
    assert making is not None
    end = making.end.playbook, making.listing.playbook
    assert (edits(plan), edits(plan, end)) == ((), ())
    path.write_text("folder: /srv/production\n")
    assert (edits(plan), edits(plan, end)) == ((path,), (path,))
    path.unlink()
    assert (edits(plan), edits(plan, end)) == ((path,), (path,))
    path.write_text("folder: /srv/images\n")
    new = path.with_name("more.yml")
    new.write_text("folder: /srv/production\n")
    assert (edits(plan), edits(plan, end)) == ((new,), (new,))


def test_what_is_gone_may_have_been_any_playbooks(plan: RunPlan, tmp_path: Path) -> None:
    """A text that names it is no more there to say whose it was."""
    path = tmp_path / "libvirt/tasks/identity_disk.yml"
    path.unlink()
    assert edits(plan, (tmp_path / "libvirt/destroy.yml",)) == (path,)
