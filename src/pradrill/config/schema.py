"""Write the JSON Schema of the plan and of drills, for editors that complete and check YAML."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema

from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Plan
from pradrill.domain.values.duration import format_duration

MODELS: dict[str, type[BaseModel]] = {"drill": Drill, "plan": Plan}


class _AsPeopleWrite(GenerateJsonSchema):
    """A schema whose default durations are what a YAML file may say: "1h", not "PT1H"."""

    def encode_default(self, dft: Any) -> Any:
        return format_duration(dft) if isinstance(dft, timedelta) else super().encode_default(dft)


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a "drill" or of the "plan"."""
    schema = MODELS[kind].model_json_schema(mode="validation", schema_generator=_AsPeopleWrite)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
