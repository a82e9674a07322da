"""What validation says of manual steps and of what is fixed beforehand: every problem, its line."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from pradrill.config.checks.responsibilities import responsibility_remarks
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.config.project import Project, open_house
from pradrill.domain.declared.drill import Drill, Participants
from pradrill.domain.declared.manual_step import ManualStep
from pradrill.testing import START, a_drill

PLAN = """\
plan: 1
organisation: Exemple SAS
providers:
  hexanet: {sla: {response: 30m, restoration: 4h}}
services:
  moodle:
    site: Reims
    provider: hexanet
    objectives: {rto: 4h, rpo: 24h}
"""
DRILL = """\
drill: moodle
kind: exercise
services: [moodle]
scenario: {name: fire}
standby: {vm: standby}
prepare:
  - manual: call the host
    who: operator
    instruction: ask for the console
    call: hexanet
restore:
  - playbook: checks/restore.yml
  - manual: switch the DNS
    who: operator
    instruction: in the provider's console
    deadline: 30m
    confirm: approve
verify:
  checks: checks
  newest_data: {command: newest}
  must_not_reach: ["db.prod:3306"]
"""


def house(folder: Path, drill: str, plan: str = PLAN) -> Project:
    """Write the house and open it."""
    (folder / "checks").mkdir(exist_ok=True)
    (folder / "checks" / "test_moodle.py").write_text(
        "def test_moodle(host): host.check_output('true')\n"
    )
    (folder / "checks" / "restore.yml").write_text("- hosts: all\n")
    (folder / "plan.yml").write_text(plan)
    (folder / "moodle.yml").write_text(drill)
    return open_house(folder, now=START)


def problems(folder: Path, drill: str, plan: str = PLAN) -> list[str]:
    """Return every problem as `line: path: message`."""
    with pytest.raises(ConfigurationProblemsError) as refusal:
        house(folder, drill, plan)
    problem_list = refusal.value.problems
    assert {problem.file.name for problem in problem_list} == {"moodle.yml"}
    return [f"{p.line}: {p.path}: {p.message}" for p in problem_list]


def test_manual_steps_stand_beside_playbooks(tmp_path: Path) -> None:
    """A whole exercise is valid, and each step is of its kind."""
    loaded = house(tmp_path, DRILL)
    drill = loaded.drills["moodle"].drill
    assert [type(step).__name__ for step in drill.restore] == ["PlaybookStep", "ManualStep"]
    assert [step.title for _, step in drill.manual()] == ["call the host", "switch the DNS"]
    assert loaded.plan.services["moodle"].site == "Reims"


def test_nobody_is_asked_at_night(tmp_path: Path) -> None:
    """An unattended drill with manual steps is refused, at the line of each of them."""
    assert problems(tmp_path, DRILL + "unattended: true\n") == [
        '7: prepare[0]: nobody is there to answer "call the host" when unattended is true',
        '13: restore[1]: nobody is there to answer "switch the DNS" when unattended is true',
    ]


def test_a_drill_with_people_is_not_called_a_test(tmp_path: Path) -> None:
    """Written or left to its default, the wrong label is a problem where it is seen."""
    message = "a drill with manual steps is no technical test"
    assert problems(tmp_path, DRILL.replace("exercise", "test")) == [f"2: kind: {message}"]
    assert problems(tmp_path, DRILL.replace("kind: exercise\n", "")) == [
        f"6: prepare[0]: {message}"
    ]


def test_a_drill_without_people_is_not_called_an_exercise(tmp_path: Path) -> None:
    """Nobody is asked anything: it is a technical test."""
    without = DRILL[: DRILL.index("prepare:")] + DRILL[DRILL.index("restore:") :]
    lines = [line for line in without.splitlines() if line.strip()]
    start = next(n for n, line in enumerate(lines) if "switch the DNS" in line)
    text = "\n".join(lines[:start] + lines[start + 5 :]) + "\n"
    (message,) = problems(tmp_path, text)
    assert message == "2: kind: an exercise has people in it, and this drill asks nobody"


def test_who_is_called_is_in_the_plan(tmp_path: Path) -> None:
    """A provider that the plan does not know cannot be held to an SLA."""
    with pytest.raises(ConfigurationProblemsError) as refusal:
        house(tmp_path, DRILL.replace("call: hexanet", "call: hexnet"))
    (problem,) = refusal.value.problems
    assert (problem.line, problem.path) == (10, "prepare[0].call")
    assert problem.hint == 'Did you mean "hexanet"?'


def test_every_problem_of_a_manual_step_has_its_line(tmp_path: Path) -> None:
    """Misspelt, missing and wrong keys are told together, without a word about unions."""
    text = (
        DRILL.replace("    who: operator\n    instruction:", "    hwo: operator\n    call_x:", 1)
        .replace("deadline: 30m", "deadline: 30")
        .replace("confirm: approve", "confirm: perhaps")
    )
    assert problems(tmp_path, text) == [
        "7: prepare[0]: who is missing",
        "7: prepare[0]: instruction is missing",
        '8: prepare[0].hwo: "hwo" is not a known key',
        '9: prepare[0].call_x: "call_x" is not a known key',
        '16: restore[1].deadline: a duration needs a unit, as in "15m" or "1h30m", not 30',
        "17: restore[1].confirm: input should be 'done', 'approve' or 'text'",
    ]


def test_a_misspelt_key_is_compared_with_its_own_kind_of_step(tmp_path: Path) -> None:
    """The suggestion for a manual step is a manual step's key, for a playbook a playbook's."""
    text = DRILL.replace("    confirm: approve", "    confrim: approve").replace(
        "  - playbook: checks/restore.yml", "  - playbook: checks/restore.yml\n    secerts: {}"
    )
    with pytest.raises(ConfigurationProblemsError) as refusal:
        house(tmp_path, text)
    assert [p.hint for p in refusal.value.problems] == [
        'Did you mean "secrets"?',
        'Did you mean "confirm"?',
    ]


def test_a_step_that_is_both_is_refused(tmp_path: Path) -> None:
    """A playbook and a person cannot share a step."""
    text = DRILL.replace(
        "  - playbook: checks/restore.yml", "  - playbook: checks/restore.yml\n    manual: look"
    )
    assert '12: restore[0].playbook: "playbook" is not a known key' in problems(tmp_path, text)


def test_what_is_fixed_beforehand_is_in_the_drill(tmp_path: Path) -> None:
    """Exclusions, third parties, criteria, the day and the people are read, and survive JSON."""
    scenario = (
        "{name: fire, exclusions: [{what: mail, why: hosted elsewhere}], third_parties: [Hexanet]}"
    )
    text = DRILL.replace("{name: fire}", scenario) + (
        "success_criteria: [every course is there]\n"
        "planned: 2026-03-10\n"
        "people: {requester: DSI, operator: A. Martin, observer: B. Durand, approver: owner}\n"
    )
    drill = house(tmp_path, text).drills["moodle"].drill
    assert drill.scenario.exclusions[0].why == "hosted elsewhere"
    assert drill.scenario.third_parties == ("Hexanet",)
    assert drill.success_criteria == ("every course is there",)
    assert drill.planned == dt.date(2026, 3, 10)
    assert drill.people == Participants(
        requester="DSI", operator="A. Martin", observer="B. Durand", approver="owner"
    )
    assert Drill.model_validate_json(drill.model_dump_json()) == drill


def test_an_exclusion_says_why(tmp_path: Path) -> None:
    """What is left out without a reason is a problem."""
    text = DRILL.replace("{name: fire}", "{name: fire, exclusions: [{what: mail}]}")
    assert problems(tmp_path, text) == ["4: scenario.exclusions[0]: why is missing"]


def test_a_drill_written_before_people_is_still_read() -> None:
    """A record of a version without all this holds a drill that is a drill."""
    payload = a_drill().model_dump(mode="json")
    for key in ("success_criteria", "planned", "people", "accept"):
        del payload[key]
    for key in ("exclusions", "third_parties"):
        del payload["scenario"][key]
    assert Drill.model_validate(payload) == a_drill()


def test_a_manual_step_built_in_python_is_one() -> None:
    """The union takes a model as it takes a mapping."""
    step = ManualStep(manual="look", who="operator", instruction="at the page")
    assert a_drill(kind="exercise", restore=(step,)).restore == (step,)


def test_the_program_that_tells_people_may_be_missing(tmp_path: Path) -> None:
    """What is not installed where cron looks stops no other drill of the plan."""
    plan = house(tmp_path, DRILL, PLAN + "notify: [no-such-mailer, ops]\n").plan
    assert plan.model_dump(mode="json")["notify"] == ["no-such-mailer", "ops"]
    assert house(tmp_path, DRILL, PLAN + "notify: []\n").plan.notify is None


def test_a_step_names_a_line_of_the_plans_responsibilities(tmp_path: Path) -> None:
    """A line that no service of the drill declares is a problem; one that it declares is none."""
    text = DRILL.replace("who: operator", "who: operator\n    responsibility: dns")
    plan = PLAN + "    responsibilities: {dns: Exemple SAS}\n"
    steps = house(tmp_path, text, plan).drills["moodle"].drill.manual()
    assert {step.responsibility for _, step in steps} == {"dns"}
    message = 'no service of the drill has the responsibility "dns" in the plan'
    assert problems(tmp_path, text) == [
        f"9: prepare[0].responsibility: {message}",
        f"16: restore[1].responsibility: {message}",
    ]


def test_a_line_that_no_drill_shows_is_told(tmp_path: Path) -> None:
    """A line that is no topic needs a manual step that names it; a slip is told its topic."""
    plan = PLAN + "    responsibilities: {backups: us, backup: us, licences: us, mail: us}\n"
    text = DRILL.replace("in the provider's console", "now\n    responsibility: mail")
    because = "it is no topic, and no manual step names it."
    backup, licences = responsibility_remarks(house(tmp_path, text, plan))
    assert backup == f'moodle: no drill shows who did "backup": {because} Did you mean "backups"?'
    assert licences.startswith(f'moodle: no drill shows who did "licences": {because} Known: ')
