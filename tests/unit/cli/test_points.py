"""What drills/README.md says that an administrator explains, does and watches: each line is tried.

Its table is read from there: a line's command is run, and what it says must be shown by what the
command prints, or by the page that it writes.
"""

from __future__ import annotations

import re
import shlex
import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from pradrill.cli import main
from pradrill.domain.declared.responsibility import REQUIRED
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_run_plan, a_sealed_run, a_service

README = Path(__file__).parents[3] / "drills" / "README.md"
OWNERS = ", ".join(f"{topic}: Exemple SAS" for topic in REQUIRED)
PLAN = f"""
plan: 1
organisation: Exemple SAS
language: en
recurring_within: 3650d
responsibilities: {{{OWNERS}}}
providers:
  hexanet:
    contract: {{number: HX-1234, ends: 2026-12-31}}
    support: {{phone: "+33 3 26 00 00 00"}}
    sla:
      response: 30m
      restoration: 4h
      availability_percent: 99.9
  other: {{sla: {{response: 1h}}}}
services:
  moodle:
    objectives: {{rto: 4h, rpo: 24h}}
    drill_every: 3 months
    provider: hexanet
    run_by: {{standby: hexanet, backups: hexanet}}
  wiki:
    objectives: {{rto: 4h, rpo: 24h}}
    provider: other
"""
FLOW = {"from": "moodle", "to": "smtp.exemple.fr", "port": 587, "why": "mails"}
ACCESS = {"who": "pradrill", "to": "moodle-standby", "by": "a key", "withdrawn": "with it"}
BEFORE = (
    'open "it was down" --service moodle --began 2026-10-01T10:00Z --at 2026-10-01T10:05Z',
    "call I-1 --at 2026-10-01T10:10Z",
    "close I-1 --answered 2026-10-01T10:20Z --restored 2026-10-01T12:00Z --lessons x",
)
KINDS = ("explain", "do", "watch", "good practice", "mistake", *(f"step {n}" for n in range(1, 7)))


class Point(NamedTuple):
    """A line of the table."""

    point: str
    command: str
    shows: str


def points() -> list[Point]:
    """Return the lines of the table."""
    text = README.read_text(encoding="utf-8")
    table = text.partition("<!-- points -->")[2].partition("<!-- end of points -->")[0]
    rows = re.findall(r"^\| ([^|]+) \| `([^`]+)` \| ([^|]+) \|$", table, re.MULTILINE)
    return [Point(*row) for row in rows]


def run(place: Path, command: str) -> int:
    """Run a command as the table has it."""
    where = ("--state", str(place / "state"), "--drills", str(place))
    name, *words = shlex.split(command)
    assert name == "pradrill"
    return main([*where, *words])


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a plan, a run that passed, and an incident that is over."""
    place = tmp_path_factory.mktemp("points")
    (place / "plan.yml").write_text(PLAN)
    service = a_service(flows=(FLOW,), accesses=(ACCESS,))
    a_sealed_run(FileRunStore(place / "state"), plan=a_run_plan(services={"moodle": service}))
    for words in BEFORE:
        assert run(place, f"pradrill incident {words}") == 0
    return place


@pytest.fixture(scope="module")
def second(scene: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the same with a second incident, in the steps of which the table goes on."""
    place = tmp_path_factory.mktemp("second") / "place"
    shutil.copytree(scene, place)
    assert run(place, 'pradrill incident open "it is down" --service moodle') == 0
    return place


@pytest.mark.parametrize("each", points(), ids=lambda each: each.point)
def test_a_point_is_served_as_its_line_says(
    each: Point, scene: Path, second: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The command ends well, and what it shows is there."""
    place = tmp_path / "place"
    is_a_later_step = " I-2 " in f"{each.command} " or each.command.endswith("incident list")
    shutil.copytree(second if is_a_later_step else scene, place)
    capsys.readouterr()

    assert run(place, each.command) == 0
    text = "".join(capsys.readouterr())
    path = Path(text.strip().splitlines()[-1])
    if path.suffix == ".html":
        page = path.read_text(encoding="utf-8")
        text = re.sub(r"<[^>]+>", " ", page[page.index("<body>") :])
    assert each.shows in " ".join(text.split()).replace(" :", ":")


def test_no_kind_of_point_is_left_out() -> None:
    """What is explained, done, watched; practices, mistakes, and the six steps."""
    kinds = [each.point.partition(":")[0] for each in points()]
    assert list(dict.fromkeys(kinds)) == list(KINDS)
    assert [kinds.count(kind) for kind in KINDS] == [3, 3, 3, 5, 5, *([1] * 6)]
