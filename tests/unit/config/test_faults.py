"""Faults are data: those that ship are sound, and what is wrong in a user's is told by its line."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from pradrill.config.faults import fault_problems, faults_of, shipped
from pradrill.config.loader import read_document, validate
from pradrill.config.project import Project, open_house
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.fault import DeclaredFault
from pradrill.testing import START, a_drill

REPOSITORY = Path(__file__).parents[3]
OWN = """faults:
  - fault: shop-closed
    stands_for: a shop that sells nothing
    parameters: [shop]
    command: rm -r "$shop"
"""


@pytest.fixture(scope="module")
def house() -> Project:
    """Open the drills that ship."""
    return open_house(REPOSITORY / "drills", now=START)


def everything(house: Project) -> dict[str, DeclaredFault]:
    """Return every fault that ships, also beside a drill."""
    drills = [loaded.drill for loaded in house.drills.values()]
    beside = [fault for drill in drills for each in faults_of(drill).values() for fault in each]
    return {fault.fault: fault for fault in (*shipped(), *beside)}


def test_every_shipped_fault_is_a_script_that_knows_its_variables(house: Project) -> None:
    """Each command is sh that parses, and uses what it is given and discovers, all of it."""
    names = [fault.fault for fault in shipped()]
    assert len({*names}) == len(names)
    for fault in everything(house).values():
        commands = [*fault.discover.values(), fault.command]
        for command in commands:
            subprocess.run(["sh", "-n"], input=command, text=True, check=True)
        text = "\n".join(commands)
        for name in (*fault.parameters, *fault.discover):
            assert re.search(rf"\${{?{name}\b", text), f"{fault.fault} does not use {name}"


_SQL = """
sql() { case $1 in
  *sqlite_master*) printf 'order items\\nlog\\nnone yet\\n' ;;
  *'"order items"'*) echo 9 ;;
  *'"log"'*) echo 7 ;;
  *count*) echo 0 ;;
  *) printf 'order items\\t9\\nlog\\t7\\nnone yet\\t0\\n' ;;
esac; }
"""


@pytest.mark.parametrize("kind", ["mariadb", "sqlite"])
def test_a_table_whose_name_holds_a_blank_is_counted_like_any_other(kind: str) -> None:
    """It is the largest when it has the most rows; an empty one is never taken."""
    document = read_document(REPOSITORY / f"src/pradrill/config/faults/{kind}.yml").content
    faults = {each["fault"]: each for each in document["faults"]}
    for size, table in (("smallest", "log"), ("largest", "order items")):
        command = faults[f"{kind}-{size}-table-emptied"]["discover"]["table"]
        script = document["prelude"] + _SQL + command
        words = ["sh", "-euc", script]
        assert subprocess.check_output(words, text=True).strip() == table


_OF_EACH = ("recovery-point-older", "snapshot-pinned", "dump-cut")
_OF_A_DATABASE = (
    *_OF_EACH,
    "smallest-table-emptied",
    "index-missing",
    "trigger-missing",
    "rights-missing",
)


@pytest.mark.parametrize(
    ("drill", "service", "names", "count"),
    [
        ("postgresql", None, [f"postgresql-{each}" for each in _OF_A_DATABASE], 15),
        ("mariadb", None, [f"mariadb-{each}" for each in _OF_A_DATABASE], 14),
        ("moodle", None, [*(f"mariadb-{each}" for each in _OF_A_DATABASE), "files-unreadable"], 40),
        ("files", None, ["file-byte-flipped", "files-unreadable"], 10),
        (
            "wordpress",
            None,
            [*(f"mariadb-{each}" for each in _OF_A_DATABASE), "program-missing"],
            30,
        ),
        ("sqlite", None, [f"sqlite-{each}" for each in (*_OF_EACH, "byte-rotten")], 17),
        ("estate", "directory", [f"directory-{each}" for each in _OF_EACH], 18),
    ],
)
def test_the_shipped_drills_can_be_damaged_in_every_way_that_fits_them(
    house: Project, drill: str, service: str | None, names: list[str], count: int
) -> None:
    """Each gives the parameters of its kind's faults: none is left out of its score."""
    faults = [fault.fault for fault in faults_of(house.drills[drill].drill)[service]]
    assert {*names} <= {*faults}
    assert len(faults) >= count


def problems(drill: str, tmp_path: Path) -> list[str]:
    """Return what is wrong with the sabotage of a drill."""
    fields = a_drill().model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    path = tmp_path / "shop.yml"
    lines = [f"{key}: {value!r}" for key, value in fields.items() if key != "sabotage"]
    text = "\n".join(lines).replace("True", "true").replace("None", "null")
    path.write_text(f"{text}\n{drill}", encoding="utf-8")
    document = read_document(path)
    return [str(each) for each in fault_problems(document, validate(document, Drill))]


def test_a_fault_fits_where_its_parameters_are_given(tmp_path: Path) -> None:
    """Faults of the user's own stand beside those that ship, and fit by their parameters."""
    (tmp_path / "own.yml").write_text(OWN, encoding="utf-8")
    declared = {"faults": (tmp_path / "own.yml",), "parameters": {"shop": "/srv/shop"}}
    (faults,) = faults_of(a_drill(sabotage=declared)).values()
    assert [fault.fault for fault in faults] == ["shop-closed"]
    (faults,) = faults_of(a_drill(sabotage={"parameters": {"files": "/srv/files"}})).values()
    assert "file-byte-flipped" in [fault.fault for fault in faults]
    assert faults_of(a_drill()) == {None: ()}


@pytest.mark.parametrize(
    ("faults", "drill", "where"),
    [
        (
            OWN.replace("command:", "comand:"),
            "[own.yml]",
            r'own.yml:5: faults\[0\].comand: "comand"',
        ),
        (
            OWN + OWN.partition("\n")[2],
            "[own.yml]",
            r'own.yml:6: .*"shop-closed" is already on line 2',
        ),
        (OWN.replace("shop-closed", "Shop"), "[own.yml]", r"own.yml:2: faults\[0\].fault: "),
        (OWN, "[other.yml]", r"other.yml:1: cannot be read"),
        (
            OWN,
            "[own.yml]\n  parameters: {shp: a}",
            r'parameters.shp: no fault has a parameter "shp"',
        ),
    ],
)
def test_what_is_wrong_is_told_by_its_line(
    faults: str, drill: str, where: str, tmp_path: Path
) -> None:
    """A fault that cannot be read, or a parameter that none has, is a problem with its place."""
    (tmp_path / "own.yml").write_text(faults, encoding="utf-8")
    lines = problems(f"sabotage:\n  faults: {drill}\n", tmp_path)
    assert any(re.search(where, problem) for problem in lines), lines


def test_a_name_is_given_or_discovered_and_not_both() -> None:
    """A fault that declares a parameter and discovers it, too, is refused."""
    with pytest.raises(ValueError, match="it is one of both"):
        DeclaredFault(
            fault="a", stands_for="b", command="c", parameters=("x",), discover={"x": "y"}
        )
