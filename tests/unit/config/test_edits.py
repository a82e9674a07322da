"""Which files are not what a run was planned with, and whose they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pradrill.config.edits import edits
from pradrill.config.fingerprint import hashed
from pradrill.config.playbook_inputs import around
from pradrill.domain.declared.standby_kind import Hypervisor
from pradrill.domain.run.run_plan import Around, RunPlan
from pradrill.testing.builders import a_drill, a_run_plan
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
    path = tmp_path / "inventories" / name
    plan = on_a_hypervisor(plan, path)
    end = ends_of(plan)
    assert (edits(plan), edits(plan, end)) == ((), ())
    path.write_text("folder: /srv/production\n")
    assert (edits(plan), edits(plan, end)) == ((path,), (path,))
    path.unlink()
    assert (edits(plan), edits(plan, end)) == ((path,), (path,))
    path.write_text("folder: /srv/images\n")
    new = path.with_name("more.yml")
    new.write_text("folder: /srv/production\n")
    assert (edits(plan), edits(plan, end)) == ((new,), (new,))


def test_a_run_of_a_version_that_looked_beside_no_hypervisor_is_ended(
    plan: RunPlan, tmp_path: Path
) -> None:
    """What it has not hashed is no edit of it."""
    path = tmp_path / "inventories/group_vars/kvm.yml"
    plan = on_a_hypervisor(plan, path)
    beside = around(plan.drill.playbooks(), (), {file.path for file in plan.files})
    older_plan = plan.model_copy(update={"around": as_of_before(beside)})
    assert (edits(older_plan), edits(older_plan, ends_of(plan))) == ((), ())


def test_an_older_run_has_looked_beside_its_standbys_inventory(tmp_path: Path) -> None:
    """Its variables were hashed by every version, and are compared."""
    inventory, path = tmp_path / "standby.yml", tmp_path / "group_vars/all.yml"
    path.parent.mkdir()
    inventory.write_text("all: {hosts: {web-dr: {}}}\n")
    path.write_text("port: 22\n")
    playbook = tmp_path / "plays/restore.yml"
    playbook.parent.mkdir()
    playbook.write_text("- hosts: all\n")
    drill = a_drill(
        standby={"inventory": inventory, "hosts": "all"},
        prepare=(),
        restore=({"playbook": playbook, "deadline": "1h"},),
        teardown=({"playbook": playbook, "deadline": "1h"},),
    )
    files = tuple(hashed(each, each.read_bytes()) for each in (inventory, playbook))
    beside = as_of_before(around((playbook,), (inventory,), {playbook}))
    plan = a_run_plan(drill=drill, files=files, around=beside)
    assert edits(plan) == ()
    path.write_text("port: 2222\n")
    assert edits(plan) == (path,)


def as_of_before(beside: Around) -> Around:
    """Return it as a run has kept it that did not say beside which inventories it had looked."""
    return Around.model_validate(beside.model_dump(mode="json", exclude={"inventories"}))


def on_a_hypervisor(plan: RunPlan, path: Path) -> RunPlan:
    """Return the plan on a hypervisor with an inventory, and with variables below its folder."""
    inventory = next(each for each in path.parents if each.name == "inventories") / "hypervisor.yml"
    path.parent.mkdir(parents=True)
    inventory.write_text("kvm: {hosts: {kvm1: {}}}\n")
    path.write_text("folder: /srv/images\n")
    hypervisor = Hypervisor(inventory=inventory, hosts="kvm")
    standby = plan.drill.standby.model_copy(update={"hypervisor": hypervisor})
    drill = plan.drill.model_copy(update={"standby": standby})
    files = (*plan.files, hashed(inventory, inventory.read_bytes()))
    beside = around(drill.playbooks(), standby.inventories, {file.path for file in files})
    return plan.model_copy(update={"drill": drill, "files": files, "around": beside})


def ends_of(plan: RunPlan) -> tuple[Path, Path]:
    """Return the playbooks that end machines."""
    making = plan.drill.standby.provisioning
    assert making is not None
    return making.end.playbook, making.listing.playbook


def test_what_is_gone_may_have_been_any_playbooks(plan: RunPlan, tmp_path: Path) -> None:
    """A text that names it is no more there to say whose it was."""
    path = tmp_path / "libvirt/tasks/identity_disk.yml"
    path.unlink()
    assert edits(plan, (tmp_path / "libvirt/destroy.yml",)) == (path,)
