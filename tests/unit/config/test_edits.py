"""Which files are not what a run was planned with, and whose they are."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from pradrill.config.edits import edits
from pradrill.config.fingerprint import hashed
from pradrill.config.playbook_inputs import around
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
    beside = around(playbooks, None, {file.path for file in files})
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


def test_what_is_gone_may_have_been_any_playbooks(plan: RunPlan, tmp_path: Path) -> None:
    """A text that names it is no more there to say whose it was."""
    path = tmp_path / "libvirt/tasks/identity_disk.yml"
    path.unlink()
    assert edits(plan, (tmp_path / "libvirt/destroy.yml",)) == (path,)
