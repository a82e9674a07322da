"""The standby that playbooks/provision/README.md shows is one that validates, with what ships."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from pradrill.config.project import open_house
from pradrill.domain.run.outcome import StepKind
from pradrill.engine.planning import plan_run
from pradrill.testing import START

REPOSITORY = Path(__file__).parents[3]


def test_the_example_is_a_drill_that_makes_its_machine_and_ends_it(tmp_path: Path) -> None:
    """Put in the place of the shipped drill's standby, it plans both steps, and hashes both."""
    for name in ("drills", "playbooks", "inventories"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    readme = (REPOSITORY / "playbooks/provision/README.md").read_text("utf-8")
    example = re.search(r"```yaml\n(.*?)```", readme, re.DOTALL)
    assert example is not None
    drill = tmp_path / "drills/files.yml"
    text = re.sub(r"(?ms)^standby:.*?(?=^environment:)", "", drill.read_text("utf-8"))
    drill.write_text(text + example[1], "utf-8")

    opened = open_house(tmp_path / "drills", now=START, only="files")
    loaded = opened.drills["files"]
    planned = plan_run(
        loaded.drill,
        drill_file=loaded.file,
        plan=opened.plan,
        hosts=loaded.hosts,
        primaries={},
        files=list(opened.files(loaded)),
    )
    kinds = [step.kind for step in planned.steps]
    assert kinds.index(StepKind.PROVISION) < kinds.index(StepKind.START)
    assert kinds[-1] is StepKind.DESTROY
    hashes = {file.path.relative_to(tmp_path).as_posix() for file in planned.files}
    assert {f"playbooks/provision/libvirt/{name}.yml" for name in ("provision", "destroy")} < hashes
    assert "inventories/hypervisor.yml" in hashes
