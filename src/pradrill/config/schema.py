"""Write JSON Schemas: of the plan and of drills for editors, of the record for its readers."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Plan
from pradrill.domain.run.record import RECORD_FORMAT, RunRecord
from pradrill.domain.values.duration import format_duration

MODELS: dict[str, type[BaseModel]] = {"drill": Drill, "plan": Plan}


class _AsPeopleWrite(GenerateJsonSchema):
    """A schema whose default durations are what a YAML file may say: "1h", not "PT1H"."""

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a "drill", the "plan" or a "record".

    A record's is that of the file as it is sealed; its $id names the format.
    """
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    if kind == "record":
        head["$id"] = f"urn:pradrill:record:{RECORD_FORMAT}"
        schema = RunRecord.model_json_schema(mode="serialization")
        primary = schema["$defs"]["PrimaryIdentity"]["properties"]
        primary["waived"] = {"type": "boolean"}  # which people write as primary: none
        return {**head, **schema}
    schema = MODELS[kind].model_json_schema(mode="validation", schema_generator=_AsPeopleWrite)
    if kind == "drill":
        egress = schema["$defs"]["InventoryStandby"]["properties"]["egress"]
        egress["anyOf"].append({"const": "denied"})
    return {**head, **schema}
