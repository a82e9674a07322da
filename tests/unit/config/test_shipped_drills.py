"""The drills that ship: each is what a user copies, so each must be valid and explain itself."""

from __future__ import annotations

import ast
import hashlib
import re
import shutil
from pathlib import Path

import pytest

from pradrill.config.project import Project, open_house
from pradrill.domain.declared.channel import CommandChannel
from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.engine.planning import plan_run
from pradrill.testing import START

REPOSITORY = Path(__file__).parents[3]
DRILLS = sorted(path.stem for path in (REPOSITORY / "drills").glob("*.yml") if path.stem != "plan")


@pytest.fixture(scope="module")
def house() -> Project:
    """Open the drills as a user does; every problem in any of them is an error."""
    return open_house(REPOSITORY / "drills", now=START)


def test_every_drill_is_valid(house: Project) -> None:
    """Each file in drills/ is a drill that validation finds no problem in."""
    shipped = {"estate", "files", "mariadb", "moodle", "postgresql", "sqlite", "wordpress"}
    assert shipped <= {*DRILLS}
    assert sorted(house.drills) == DRILLS


def test_every_service_of_the_plan_has_a_drill(house: Project) -> None:
    """No service of the plan that ships is without a drill that shows how it is recovered."""
    drilled = {service for loaded in house.drills.values() for service in loaded.drill.services}
    assert drilled == set(house.plan.services)


@pytest.mark.parametrize("name", DRILLS)
def test_what_the_plan_and_the_drill_declare_reaches_the_record(house: Project, name: str) -> None:
    """Owner, retention and notification of the plan, and the drill's environment, are in a run."""
    plan = house.plan.model_copy(update={"notify": CommandChannel(("mail", "ops"))})
    loaded = house.drills[name]
    resolved = plan_run(
        loaded.drill,
        drill_file=loaded.file,
        plan=plan,
        hosts=loaded.hosts,
        primaries={},
        files=[],
        places=loaded.places,
    )
    assert resolved.plan_owner == plan.owner is not None
    assert resolved.retention == plan.retention is not None
    assert resolved.notify == CommandChannel(("mail", "ops"))
    assert resolved.drill.environment.network


def steps(house: Project, name: str) -> list[PlaybookStep]:
    """Return the steps of a drill that run a playbook."""
    ways = house.drills[name].drill.ways.values()
    each = [step for way in ways for step in (*way.prepare, *way.restore, *way.teardown)]
    return [step for step in each if isinstance(step, PlaybookStep)]


@pytest.mark.parametrize("name", DRILLS)
def test_a_secret_is_named_and_never_written(house: Project, name: str) -> None:
    """No drill gives a playbook a password, a key or a phrase in clear."""
    secret = re.compile(r"pass|secret|private|token|cipher")
    for step in steps(house, name):
        assert not [variable for variable in step.vars if secret.search(variable)]


@pytest.mark.parametrize("name", DRILLS)
def test_every_variable_of_a_step_is_read_by_its_playbook(house: Project, name: str) -> None:
    """No drill gives a variable that its playbook does not read: a misspelt one does nothing."""
    for step in steps(house, name):
        templates = (step.playbook.parent / "templates").glob("*.j2")
        text = "".join(path.read_text(encoding="utf-8") for path in (step.playbook, *templates))
        for variable in (*step.vars, *step.secrets):
            assert re.search(rf"\b{variable}\b", text), f"{step.title}: {variable}"


@pytest.mark.parametrize("name", DRILLS)
def test_every_check_says_what_it_proves_and_none_skips(house: Project, name: str) -> None:
    """Each check has a docstring for the report; a skip would leave the run without a verdict."""
    for way in house.drills[name].drill.ways.values():
        files = sorted(way.verify.checks.glob("test_*.py"))
        assert files
        for file in files:
            tree = ast.parse(file.read_text(encoding="utf-8"))
            checks = [
                each
                for each in tree.body
                if isinstance(each, ast.FunctionDef) and each.name.startswith("test_")
            ]
            assert checks
            assert all(ast.get_docstring(check) for check in checks)
            assert "skip" not in ast.unparse(tree)


def test_plan_and_drill_are_hashed_as_they_were_read(tmp_path: Path) -> None:
    """An edit after reading changes neither what runs nor what the record says of it."""
    drills = tmp_path / "drills"
    for name in ("drills", "playbooks", "inventories"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    opened = open_house(drills, now=START, only="files")
    before = {path: path.read_bytes() for path in (drills / "plan.yml", drills / "files.yml")}
    for path in before:
        path.write_text("edited: true\n", encoding="utf-8")
    hashes = {file.path: file.sha256 for file in opened.files(opened.drills["files"])}
    for path, content in before.items():
        assert hashes[path] == hashlib.sha256(content).hexdigest()
