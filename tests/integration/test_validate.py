"""`pradrill validate`: what is wrong, and where, in the user's words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.integration.house import DRILL, UNREACHED, build, edit, pradrill, write

ALLOWED = f'hosts: standby, egress: {{allow: ["{UNREACHED}"]}}'
"""Lets out what the drill calls production."""

WRONG_NAMES = [
    ("drills/shop.yml", "services: [shop]", "services: [shopp]", 'no service "shopp"'),
    ("drills/shop.yml", "restore.yml", "restroe.yml", "playbooks/restroe.yml does not exist"),
    ("drills/shop.yml", "hosts: standby", "hosts: stanby", 'called "stanby"'),
    ("drills/shop.yml", "1m", "1:30", "not a duration"),
    ("drills/shop.yml", UNREACHED, "192.0.2.20:443", "is web-dr, the standby itself"),
    ("drills/shop.yml", "hosts: standby", ALLOWED, "is production, which must_not_reach"),
    ("inventory.yml", "dr_role: standby", "dr_role: primary", "does not carry dr_role"),
    ("inventory.yml", "standby:", "standby: [", "Ansible cannot read the inventory"),
]
OTHER_WRONG_NAMES = [
    ("drills/shop.yml", "hosts: standby", "hosts: web-prod", 'called "web-prod"'),
    ("drills/shop.yml", UNREACHED, "[::ffff:192.0.2.20]:1", "is web-dr, the standby itself"),
    ("drills/shop.yml", "drill: shop", "drill: Shop!", "drill:"),
    ("inventory.yml", "{web-dr: {ansible_host: 192.0.2.20, dr_role: standby}}", "{}", "called"),
    ("playbooks/restore.yml", "- hosts: all", "hosts: all", "playbooks/restore.yml"),
    ("drills/checks/shop/test_shop.py", "def test_it", "def it", "nothing calls it_answers"),
    ("drills/checks/shop/test_shop.py", "def test", "def (test", "not valid Python"),
]
"""Their siblings: a file, a change of it, and what is said of it."""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a valid house."""
    return build(tmp_path)


def problems(house: Path) -> list[str]:
    """Return the lines that validate prints when it refuses, hints left out."""
    result = pradrill(house, "validate")
    assert (result.returncode, result.stdout) == (3, ""), result.stdout + result.stderr
    return [line for line in result.stderr.splitlines() if "HINT" not in line]


def test_a_valid_house_is_said_to_be_valid(house: Path) -> None:
    """Exit code 0, and the drills that were looked at are named."""
    result = pradrill(house, "validate")
    assert (result.returncode, result.stderr) == (0, "")
    assert "shop" in result.stdout


def test_every_problem_of_every_file_is_told_at_once(house: Path) -> None:
    """One reading is enough to mend everything: model, YAML, playbooks, checks, inventory."""
    write(
        house,
        "drills/plan.yml",
        """\
        plan: 1
        organisation: Exemple SAS
        services:
          shop:
            objectives: {rto: 900, rpo: 1h}
            drill_evry: 3 months
            owner: a
            owner: b
        """,
    )
    write(
        house,
        "drills/shop.yml",
        """\
        drill: shop
        services: [shop]
        scenario: {name: loss}
        standby: {inventory: ../inventory.yml, hosts: standby}
        restore:
          - {playbook: ../playbooks/missing.yml, deadline: 10}
        objectives: {rto: 9h}
        verify:
          checks: checks/none
          stable_four: 10s
          newest_data: {command: x}
          must_not_reach: [db]
        unattended: maybe
        """,
    )
    messages = problems(house)
    for expected in (
        "drills/plan.yml:5: services.shop.objectives.rto: a duration needs a unit",
        'drills/plan.yml:6: services.shop.drill_evry: "drill_evry" is not a known key',
        'drills/plan.yml:8: services.shop.owner: the key "owner" is already given on line 7',
        "drills/shop.yml:6: restore[0].deadline: a duration needs a unit",
        "drills/shop.yml:6: restore[0].playbook:",
        'drills/shop.yml:7: objectives: "objectives" is not a known key',
        "drills/shop.yml:9: verify.checks:",
        'drills/shop.yml:10: verify.stable_four: "stable_four" is not a known key',
        'drills/shop.yml:12: verify.must_not_reach[0]: "db" is not HOST:PORT',
        "drills/shop.yml:13: unattended: must be true or false",
    ):
        assert [line for line in messages if line.startswith(expected)], (expected, messages)
    assert len(messages) == 10, "nothing is told twice, and nothing is only an echo"


def test_a_misspelt_key_gets_a_suggestion(house: Path) -> None:
    """The nearest known key is named."""
    edit(house, "drills/shop.yml", "stable_for", "stabel_for")
    result = pradrill(house, "validate")
    assert 'HINT: Did you mean "stable_for"?' in result.stderr


def test_a_drill_cannot_set_objectives(house: Path) -> None:
    """They come from the plan only, and the hint says so."""
    write(house, "drills/shop.yml", DRILL + "objectives: {rto: 9h}\n")
    result = pradrill(house, "validate")
    assert "Objectives come from the plan; a drill cannot change them." in result.stderr


@pytest.mark.parametrize(
    ("name", "old", "new", "expected"),
    [*WRONG_NAMES, *(pytest.param(*each, marks=pytest.mark.nightly) for each in OTHER_WRONG_NAMES)],
)
def test_what_a_drill_names_must_be_there(
    house: Path, name: str, old: str, new: str, expected: str
) -> None:
    """Services, playbooks, hosts, groups without hosts, roles, checks: each is looked at."""
    edit(house, name, old, new)
    messages = problems(house)
    assert len(messages) == 1, messages
    assert expected in messages[0]


@pytest.mark.nightly
def test_the_inventory_may_have_any_format_that_ansible_reads(house: Path) -> None:
    """An INI inventory and a script that prints JSON do as well as YAML."""
    (house / "inventory.yml").unlink()
    write(house, "inventory.ini", "[standby]\nweb-dr ansible_host=192.0.2.20 dr_role=standby\n")
    edit(house, "drills/shop.yml", "../inventory.yml", "../inventory.ini")
    assert pradrill(house, "validate").returncode == 0
    listing = {
        "standby": {"hosts": ["web-dr"]},
        "_meta": {"hostvars": {"web-dr": {"dr_role": "standby"}}},
    }
    write(house, "inventory.sh", f"#!/bin/sh\necho '{json.dumps(listing)}'\n")
    (house / "inventory.sh").chmod(0o700)
    edit(house, "drills/shop.yml", "../inventory.ini", "../inventory.sh")
    assert pradrill(house, "validate").returncode == 0


def test_a_configuration_error_touches_nothing(house: Path) -> None:
    """A run of a wrong drill ends with 3 and leaves no run behind."""
    edit(house, "drills/shop.yml", "stable_for", "stabel_for")
    assert pradrill(house, "run", "shop").returncode == 3
    assert not list((house / "state" / "runs").iterdir())


def test_an_unknown_drill_is_named_with_the_nearest(house: Path) -> None:
    """`run shpo` says that there is no such drill, and which one may be meant."""
    result = pradrill(house, "run", "shpo")
    assert result.returncode == 3
    assert result.stderr.splitlines() == [
        'no drill is called "shpo"',
        'HINT: Did you mean "shop"?',
    ]


def test_the_schema_accepts_what_validate_accepts(house: Path) -> None:
    """The JSON Schema of a drill knows the keys of a valid one, and no others."""
    schema = json.loads(pradrill(house, "schema", "drill").stdout)
    assert {line.split(":")[0] for line in DRILL.splitlines() if line[:1].isalpha()} <= set(
        schema["properties"]
    )
    assert schema["additionalProperties"] is False


def test_the_plan_command_prints_everything_and_touches_nothing(house: Path) -> None:
    """Every step, host, playbook, objective and guard, and what is destroyed; no state folder."""
    for words in (("plan", "shop"), ("run", "shop", "--dry-run")):
        result = pradrill(house, *words)
        assert result.returncode == 0, result.stderr
        for expected in (
            "web-dr",
            "restore.yml",
            "teardown.yml",
            "15m",
            "1h",
            "dr_role: standby",
            "/etc/pradrill/standby",
            UNREACHED,
        ):
            assert expected in result.stdout, (words, expected, result.stdout)
        assert not (house / "state").exists()
