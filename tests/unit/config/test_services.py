"""An estate's files: what is accepted, and how each mistake is told with its place."""

import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from pradrill.config.problems import ConfigurationProblemsError
from pradrill.config.project import Project, open_house
from pradrill.domain.declared.drill import Drill
from pradrill.engine.planning import plan_run
from pradrill.testing import a_drill, an_estate_drill

NOW = datetime(2026, 11, 24, tzinfo=UTC)
PLAN = """\
plan: 1
organisation: Exemple SAS
services:
  directory:
    objectives: {rto: 1h, rpo: 24h}
    depends_on: [dns]
  database:
    objectives: {rto: 2h, rpo: 1h}
  application:
    objectives: {rto: 4h, rpo: 24h}
    depends_on: [directory, database]
  dns:
    objectives: {rto: 1h, rpo: 24h}
"""
INVENTORY = """\
all:
  children:
    standby:
      vars: {dr_role: standby}
      hosts: {ldap-dr: {}, db-dr: {}, app-dr: {}}
    others:
      hosts: {web: {}}
"""
PLAYBOOK = "- hosts: all\n  tasks: []\n"


def content() -> dict[str, Any]:
    """Return a drill of the estate, which can be changed."""
    hosts = {"directory": "ldap-dr", "database": "db-dr", "application": "app-dr"}
    return {
        "drill": "estate",
        "scenario": {"name": "fire"},
        "standby": {"inventory": "../inventory.yml", "hosts": "standby"},
        "recover": {
            service: {
                "hosts": host,
                "restore": [{"playbook": "../play.yml"}],
                "verify": {
                    "checks": "../checks",
                    "newest_data": {"command": "date"},
                    "must_not_reach": ["192.0.2.1:443"],
                },
                "teardown": [{"playbook": "../play.yml"}],
            }
            for service, host in hosts.items()
        },
    }


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with everything that the drill names."""
    (tmp_path / "drills").mkdir()
    (tmp_path / "drills" / "plan.yml").write_text(PLAN)
    (tmp_path / "inventory.yml").write_text(INVENTORY)
    (tmp_path / "play.yml").write_text(PLAYBOOK)
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "test_it.py").write_text(
        "def test_it(host): assert host.run('true').rc == 0\n"
    )
    return tmp_path


def load(folder: Path, drill: dict[str, Any] | None = None) -> Project:
    """Write the drill and open its house."""
    file = folder / "drills" / "estate.yml"
    file.write_text(yaml.safe_dump(drill or content(), sort_keys=False))
    return open_house(file.parent, now=NOW)


def problems(folder: Path, drill: dict[str, Any] | None = None) -> list[str]:
    """Return what is wrong, as people see it."""
    with pytest.raises(ConfigurationProblemsError) as refusal:
        load(folder, drill)
    problem_list = refusal.value.problems
    return [str(each).replace(f"{folder}/", "").removeprefix("drills/") for each in problem_list]


def test_an_estate_is_read_and_planned(folder: Path) -> None:
    """Each service gets its hosts; what it waits for and what is assumed come from the plan."""
    house = load(folder)
    loaded = house.drills["estate"]
    assert loaded.drill.services == ("directory", "database", "application")
    plan = plan_run(
        loaded.drill,
        drill_file=loaded.file,
        plan=house.plan,
        hosts=loaded.hosts,
        primaries={},
        files=list(house.files(loaded)),
        places=loaded.places,
    )
    branches = {branch.service: (branch.hosts, set(branch.after)) for branch in plan.branches}
    assert branches == {
        "directory": (("ldap-dr",), set()),
        "database": (("db-dr",), set()),
        "application": (("app-dr",), {"directory", "database"}),
    }
    assert plan.assumed == {"dns": ("directory",)}
    teardown = [step.service for step in plan.steps if step.phase == "teardown"]
    assert teardown[:2] == [None, "application"]  # a last look, then dependents first
    assert {file.path.name for file in plan.files} == {
        "plan.yml", "estate.yml", "play.yml", "inventory.yml", "test_it.py",
    }  # fmt: skip


def test_a_cycle_is_refused_with_its_services_and_its_line(folder: Path) -> None:
    """The whole circle is shown at the line of a depends_on that is part of it."""
    text = PLAN.replace("rpo: 1h}\n", "rpo: 1h}\n    depends_on: [application]\n")
    (folder / "drills" / "plan.yml").write_text(text)
    (problem,) = problems(folder)
    place, _, message = problem.partition(": services.")
    service = message.partition(".")[0]
    line = text.splitlines()[int(place.removeprefix("plan.yml:")) - 1]
    other = {"database": "application", "application": "database"}[service]
    assert f"in a circle: {service} → {other} → {service}" in problem
    assert line.strip().startswith("depends_on:")
    assert other in line


def test_a_service_that_the_plan_lacks_is_told_at_its_place(folder: Path) -> None:
    """An unknown name under recover is a problem of that line, with a suggestion."""
    drill = content()
    drill["recover"]["databse"] = drill["recover"].pop("database")
    (problem,) = problems(folder, drill)
    lines = (folder / "drills" / "estate.yml").read_text().splitlines()
    number = lines.index("  databse:") + 1
    assert problem.startswith(f'estate.yml:{number}: recover.databse: the plan has no service "dat')
    assert 'Did you mean "database"?' in problem


@pytest.mark.parametrize(
    ("hosts", "message"),
    [
        ("web", "web is not among the standby's hosts"),
        ("nobody", 'no host and no group with hosts called "nobody"'),
        ("ldap-dr", "db-dr serves no service of recover"),
    ],
)
def test_hosts_are_the_standbys_and_each_serves(folder: Path, hosts: str, message: str) -> None:
    """A service on a host outside the standby, or a standby host without one, is refused."""
    drill = content()
    drill["recover"]["database"]["hosts"] = hosts
    (problem,) = problems(folder, drill)
    assert message in problem


def test_a_reading_names_a_host_of_its_own_service(folder: Path) -> None:
    """A host of another service, or none that there is, is told with the line that names it."""
    drill = content()
    verify = drill["recover"]["database"]["verify"]
    verify["newest_data"] = {
        "rows": {"command": "date", "host": "db-dr"},
        "files": {"command": "date", "host": "app-dr"},
    }
    verify["canary"] = {"command": "cat /srv/canary", "expect": "env:CANARY", "host": "db"}
    messages = problems(folder, drill)
    lines = (folder / "drills" / "estate.yml").read_text().splitlines()
    numbers = [n for n, line in enumerate(lines, 1) if "host: app-dr" in line or "host: db" in line]
    where = "recover.database.verify"
    why = "is not among the hosts that it is read from: db-dr\n  HINT: Known: db-dr."
    assert messages == [
        f'estate.yml:{numbers[1]}: {where}.newest_data.files.host: "app-dr" {why}',
        f'estate.yml:{numbers[2]}: {where}.canary.host: "db" {why}',
    ]


def test_a_host_goes_with_a_command() -> None:
    """A value that a playbook hands back is read on no host."""
    drill = content()
    drill["recover"]["database"]["verify"]["newest_data"] = {"value": "newest", "host": "db-dr"}
    with pytest.raises(ValueError, match="a value has none"):
        Drill.model_validate(drill)


def test_what_a_service_names_must_be_there(folder: Path) -> None:
    """A missing playbook or suite is told with the service that names it, all at once."""
    drill = content()
    drill["recover"]["database"]["restore"][0]["playbook"] = "../gone.yml"
    drill["recover"]["directory"]["verify"]["checks"] = "../nothing"
    messages = problems(folder, drill)
    assert len(messages) == 2
    assert any(
        "recover.database.restore[0].playbook: gone.yml does not exist" in p for p in messages
    )
    assert any("recover.directory.verify.checks: nothing does not exist" in p for p in messages)


def test_an_unknown_key_of_a_service_has_a_suggestion(folder: Path) -> None:
    """A misspelt key under recover is told like any other."""
    drill = content()
    drill["recover"]["database"]["tear_down"] = []
    (problem,) = problems(folder, drill)
    assert 'recover.database.tear_down: "tear_down" is not a known key' in problem
    assert 'Did you mean "teardown"?' in problem


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"restore": [{"playbook": "x.yml"}]}, "restore stands beside recover"),
        ({"services": ["database"]}, "services are not those of recover"),
        ({"recover": {}, "services": ["a"]}, "restore is missing; verify is missing"),
        ({"recover": {}}, "services is missing; restore is missing; verify is missing"),
    ],
)
def test_a_drill_has_one_form(changes: dict[str, Any], message: str) -> None:
    """Either one recovery of everything or one for each service: not both, not neither."""
    with pytest.raises(ValueError, match=message):
        Drill.model_validate({**content(), **changes})


def test_each_service_is_put_back() -> None:
    """On real hosts every service needs its own teardown."""
    drill = content()
    del drill["recover"]["database"]["teardown"]
    with pytest.raises(ValueError, match="teardown of database is missing"):
        Drill.model_validate(drill)


def test_the_flat_form_is_the_one_branch_case() -> None:
    """Both forms are read in the same way: the flat one holds one way, of all services."""
    flat, estate = a_drill(), an_estate_drill()
    assert list(flat.ways) == [None]
    assert flat.ways[None].restore == flat.restore
    assert flat.ways[None].verify == flat.verify
    assert list(estate.ways) == ["directory", "database", "application"]
    assert estate.must_not_reach() == tuple(
        f"{name}.prod.exemple.fr:443" for name in estate.services
    )


def test_the_example_estate_is_valid(tmp_path: Path) -> None:
    """The commented example in drills/ passes the checks of `pradrill validate`."""
    root = Path(__file__).parents[3]
    for name in ("drills", "playbooks", "inventories"):
        shutil.copytree(root / name, tmp_path / name)
    house = open_house(tmp_path / "drills", now=NOW, only="estate")
    loaded = house.drills["estate"]
    assert len(loaded.drill.recover) == 3
    assert {name for names in loaded.places.values() for name in names} == {
        host.name for host in loaded.hosts
    }
    assert not loaded.drill.unattended
