"""The kinds of standby: what says which one it is, and what a file gets told that does not."""

from pathlib import Path

import pytest

from pradrill.config.loader import read_document, validate
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.standby import KINDS, InventoryStandby, LabStandby
from pradrill.domain.declared.standby_kind import StandbyKind
from pradrill.testing import a_drill

DRILL = """\
drill: shop
services: [shop]
scenario: {name: lost}
standby:
%s
restore: [{playbook: r.yml}]
teardown: [{playbook: t.yml}]
verify:
  checks: checks
  newest_data: {command: newest}
  must_not_reach: ["192.0.2.1:1"]
"""
NEITHER_OR_BOTH = "give either inventory (with hosts), or vm, or vms"


def problems(tmp_path: Path, standby: str) -> list[tuple[int, str, str, str | None]]:
    """Return what a drill with this standby is told: line, place, message, hint."""
    file = tmp_path / "shop.yml"
    file.write_text(DRILL % standby)
    with pytest.raises(ConfigurationProblemsError) as refusal:
        validate(read_document(file), Drill)
    return [(each.line, each.path, each.message, each.hint) for each in refusal.value.problems]


@pytest.mark.parametrize(
    "standby",
    [
        "  absent_after_teardown: [/srv]",
        "  vms: []",
        "  vm: null",
        "  {vm: a, vms: [b]}",
        "  {inventory: i.yml, hosts: h, vm: a}",
        "  {inventory: i.yml, hosts: h, vms: [a]}",
    ],
)
def test_a_standby_of_no_kind_or_of_two_is_told_at_its_line(tmp_path: Path, standby: str) -> None:
    """Whoever gives neither form or both learns which forms there are, where the standby is."""
    (problem,) = problems(tmp_path, standby)
    assert problem[:2] == (4, "standby")
    assert problem[2].startswith(NEITHER_OR_BOTH)


def test_a_misspelt_key_is_told_at_its_own_line(tmp_path: Path) -> None:
    """A slip in the key that says the kind is a slip, not a standby of no kind."""
    expected = [
        (6, "standby.inventry", '"inventry" is not a known key', 'Did you mean "inventory"?')
    ]
    assert problems(tmp_path, "  hosts: h\n  inventry: i.yml") == expected


def test_a_key_of_another_kind_is_suggested_too(tmp_path: Path) -> None:
    """Beside an inventory, a slip in a lab's key is answered with that key."""
    (problem,) = problems(tmp_path, "  inventory: i.yml\n  hosts: h\n  linkz: {}")
    assert problem == (7, "standby.linkz", '"linkz" is not a known key', 'Did you mean "links"?')


@pytest.mark.parametrize(
    ("standby", "key"),
    [
        ("  vm: a\n  egress: {mail_sink: true}", "egress"),
        ("  inventory: i.yml\n  hosts: h\n  capture: true", "capture"),
    ],
)
def test_a_key_that_only_another_kind_has_is_refused(
    tmp_path: Path, standby: str, key: str
) -> None:
    """What it asks for would not be done, and nobody would know."""
    (problem,) = problems(tmp_path, standby)
    assert problem[1:3] == (
        f"standby.{key}",
        f'"{key}" is a key of another kind, and does nothing here',
    )


@pytest.mark.parametrize(
    ("standby", "place"),
    [
        ("  vm: Lab", (5, "standby.vm")),
        ("  vms: [a, B]", (5, "standby.vms[1]")),
        ("  vm: a\n  links: {nowhere: 'b:1'}", (6, "standby.links.nowhere")),
        ("  inventory: i.yml", (4, "standby")),
        ("  - vm", (4, "standby")),
    ],
)
def test_what_is_wrong_inside_a_kind_keeps_its_place(
    tmp_path: Path, standby: str, place: tuple[int, str]
) -> None:
    """No name of a model gets into a place that somebody looks for in the file."""
    assert [each[:2] for each in problems(tmp_path, standby)] == [place]


@pytest.mark.parametrize(
    ("keys", "kind"),
    [
        ({"inventory": "/i.yml", "hosts": "h"}, InventoryStandby),
        ({"vm": "a"}, LabStandby),
        ({"vms": ["a", "b"]}, LabStandby),
    ],
)
def test_a_record_from_before_the_kinds_is_read(keys: dict[str, str], kind: type) -> None:
    """What was recorded with the keys of every kind is a standby of the kind that was meant."""
    every: dict[str, object] = {
        "inventory": None, "hosts": None, "known_hosts": None, "vm": None, "vault_password": None,
        "vms": [], "absent_after_teardown": ["/srv"], "links": {},
    }  # fmt: skip
    standby = a_drill(standby={**every, **keys}).standby
    assert type(standby) is kind
    assert standby.absent_after_teardown == ("/srv",)


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_told_apart_by_keys_of_its_own(kind: type[StandbyKind]) -> None:
    """A key that says the kind is one of its model's, and of no other kind's."""
    others = {key for each in KINDS if each is not kind for key in each.model_fields}
    assert kind.forms.keys() <= kind.model_fields.keys() - others
