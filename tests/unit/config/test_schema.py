"""The schemas that `pradrill schema` publishes agree with what is written and recorded."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
import yaml

from pradrill.config.schema import KINDS, MODELS, json_schema
from pradrill.domain.register.bodies import BODIES
from pradrill.domain.register.entry import EntryKind

REPOSITORY = Path(__file__).parents[3]
FIXTURES = REPOSITORY / "tests/fixtures"


def validator(schema: dict[str, Any]) -> Any:
    """Return what validates a document by a schema."""
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("kind", KINDS)
def test_a_schema_is_one(kind: str) -> None:
    """It is valid JSON Schema, and names the draft that it is written in."""
    schema = json_schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"].endswith("2020-12/schema")


@pytest.mark.parametrize("kind", MODELS)
def test_a_default_and_an_example_are_what_may_be_written(kind: str) -> None:
    """What an editor fills in for a key is nothing that it then underlines."""
    schema = json_schema(kind)
    shared = schema["$defs"]
    wrong = [
        (key, value)
        for part in (schema, *shared.values())
        for key, node in part.get("properties", {}).items()
        for value in (*node["examples"], *([node["default"]] if "default" in node else ()))
        if not validator({**node, "$defs": shared}).is_valid(value)
    ]
    assert wrong == []


@pytest.mark.parametrize(
    "path", sorted(REPOSITORY.glob("drills/*.yml")), ids=lambda path: path.stem
)
def test_a_shipped_file_is_as_its_schema_says(path: Path) -> None:
    """An editor underlines nothing in it."""
    schema = json_schema("plan" if path.stem == "plan" else "drill")
    errors = validator(schema).iter_errors(yaml.safe_load(path.read_text("utf-8")))
    assert [error.message for error in errors] == []


def test_a_primary_may_be_waived_in_an_editor() -> None:
    """`primary: none` is a word that the schema of the plan knows; another one is none."""
    service: dict[str, Any] = {"objectives": {"rto": "4h", "rpo": "24h"}}
    plan = {"plan": 1, "organisation": "x", "services": {"shop": service}}
    valid = validator(json_schema("plan")).is_valid
    assert valid({**plan, "services": {"shop": {**service, "primary": "none"}}})
    assert not valid({**plan, "services": {"shop": {**service, "primary": "nobody"}}})


def test_every_kind_of_entry_has_a_schema() -> None:
    """Who reads the register knows what each line may hold."""
    assert set(BODIES) == set(EntryKind)


def test_entries_are_as_their_schema_says() -> None:
    """What earlier versions entered is valid; an entry whose body is another's is not."""
    validate = validator(json_schema("entry"))
    entries = [
        json.loads(line)
        for register in FIXTURES.rglob("register")
        for line in register.read_text("utf-8").splitlines()
    ]
    assert {entry["kind"] for entry in entries} > {"run"}
    wrong = [(entry["number"], e.message) for entry in entries for e in validate.iter_errors(entry)]
    assert wrong == []
    assert not validate.is_valid({**entries[0], "body": {"nonsense": 1}})
