"""Write JSON Schemas: of what people write for editors, of what is recorded for its readers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, models_json_schema

from pradrill.config.schema_examples import with_examples
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Plan
from pradrill.domain.register.bodies import BODIES
from pradrill.domain.register.entry import Entry
from pradrill.domain.run.record import RECORD_FORMAT, RunRecord
from pradrill.domain.values.duration import format_duration

MODELS: dict[str, type[BaseModel]] = {"drill": Drill, "plan": Plan}
"""What people write; an editor completes it."""
KINDS = (*MODELS, "record", "entry")
_ENTRY_FORMAT = 1
_HEAD = {"$schema": "https://json-schema.org/draft/2020-12/schema"}


class _AsPeopleWrite(GenerateJsonSchema):
    """A schema whose defaults are what a YAML file may say: "1h", not "PT1H"."""

    def encode_default(self, dft: Any) -> Any:
        if isinstance(dft, timedelta):
            return format_duration(dft)
        if isinstance(dft, BaseModel):
            return dft.model_dump(mode="json", exclude_defaults=True)
        return super().encode_default(dft)


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a "drill", the "plan", a "record" or an "entry".

    A record's is that of the file as it is sealed, an entry's that of a line of the register;
    their $id names the format.
    """
    if kind == "record":
        return _record()
    if kind == "entry":
        return _entry()
    return {**_HEAD, **with_examples(declared_schema(kind))}


def declared_schema(kind: str) -> dict[str, Any]:
    """Return the schema of what people write, with the examples that its keys declare."""
    return MODELS[kind].model_json_schema(mode="validation", schema_generator=_AsPeopleWrite)


def _record() -> dict[str, Any]:
    schema = RunRecord.model_json_schema(mode="serialization")
    primary = schema["$defs"]["PrimaryIdentity"]["properties"]
    primary["waived"] = {"type": "boolean"}  # which people write as primary: none
    return {**_HEAD, "$id": f"urn:pradrill:record:{RECORD_FORMAT}", **schema}


def _entry() -> dict[str, Any]:
    """Return the schema of an entry, whose kind says what its body is."""
    names, shared = models_json_schema(
        [(model, "serialization") for model in BODIES.values()],
        ref_template="#/$defs/{model}",
    )

    def bodies() -> Iterator[dict[str, Any]]:
        for kind, model in BODIES.items():
            of_kind = {"properties": {"kind": {"const": kind.value}}}
            yield {"if": of_kind, "then": {"properties": {"body": names[model, "serialization"]}}}

    entry = Entry.model_json_schema(mode="serialization")
    definitions = {**shared["$defs"], **entry.pop("$defs", {})}
    identity = {"$id": f"urn:pradrill:entry:{_ENTRY_FORMAT}"}
    return {**_HEAD, **identity, **entry, "allOf": [*bodies()], "$defs": definitions}
