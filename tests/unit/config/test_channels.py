"""What a plan says of its channels is refused at its line, and never quoted when it is a secret."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.support.status_house import StatusHouse, answer

Capture = pytest.CaptureFixture[str]


def refusals(house: StatusHouse, capsys: Capture, *lines: str) -> list[str]:
    """Return what is wrong with channels, each without the file's folder."""
    plan = house.drills / "plan.yml"
    text = plan.read_text(encoding="utf-8").partition("notifications:")[0]
    content = "".join(f"  {line}\n" for line in lines)
    plan.write_text(f"{text}notifications:\n{content}", encoding="utf-8")
    first = text.count("\n") + 1
    validation = answer(house, capsys, "validate")
    assert validation.code == 3
    problems = []
    for line in validation.err.splitlines():
        if f"{plan}:" in line:
            number, _, words = line.partition(f"{plan}:")[2].partition(": ")
            problems.append(f"{int(number) - first}: {words}")
    return problems


def test_each_mistake_is_told_at_its_line(tmp_path: Path, capsys: Capture) -> None:
    """All that one person can write wrong, as sentences."""
    house = StatusHouse(tmp_path, ("shop",))
    wrong = refusals(
        house,
        capsys,
        "- name: ops",
        "  apprise: slack://s3cretA/s3cretB/s3cretC",
        "- name: Ops",
        "  command: [sh]",
        "- name: both",
        "  command: [sh]",
        "  apprise: env:URL",
        "- name: none",
        "- name: what",
        "  command: []",
        "  on: [verdicts]",
        "  severity: grave",
        "  service: [shop]",
    )
    assert "s3cret" not in "".join(wrong)
    first, *rest = wrong
    assert first.startswith("2: notifications[0].apprise: a secret is named, never written here: ")
    letters = '"Ops" must begin with a small letter; digits, - and _ may follow, too'
    occasions = "input should be 'verdict', 'overdue', 'residue', 'findings' or 'mended'"
    assert rest == [
        f"3: notifications[1].name: {letters}",
        "5: notifications[2]: apprise stands beside command: write one of both",
        "8: notifications[3]: nothing says how it is told: write apprise, or command",
        "10: notifications[4].command: must not be empty",
        f"11: notifications[4].on[0]: {occasions}",
        "12: notifications[4].severity: input should be 'minor', 'major' or 'critical'",
        '13: notifications[4].service: "service" is not a known key',
    ]


def test_what_the_plan_contradicts_is_told_too(tmp_path: Path, capsys: Capture) -> None:
    """A service that there is not, a name given twice, a file from nowhere."""
    house = StatusHouse(tmp_path, ("shop",))
    wrong = refusals(
        house,
        capsys,
        "- name: ops",
        "  command: [no-such-program]",  # that may be there when it is wanted
        "  services: [shopp]",
        "- name: ops",
        "  apprise: file:ops.url",
        "- name: vault",
        "  apprise: command:cat file:ops.url",  # its words are the program's affair
    )
    first = line_of(house.drills)
    whole = "the file of a secret is named by its whole path: cron starts in another folder"
    assert wrong == [
        '3: notifications[0].services[0]: the plan has no service "shopp"',
        f'4: notifications[1].name: "ops" is the name of the channel on line {first}, too',
        f"5: notifications[1].apprise: {whole}",
    ]


def line_of(folder: Path) -> int:
    """Return the first channel's line in the plan."""
    lines = (folder / "plan.yml").read_text(encoding="utf-8").splitlines()
    return lines.index("notifications:") + 2
