"""JSON Schema of the plan and of drills, for editors that complete and check YAML."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from pradrill.domain.drill import Drill
from pradrill.domain.plan import Plan

MODELS: dict[str, type[BaseModel]] = {"drill": Drill, "plan": Plan}


def json_schema(kind: str) -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a "drill" or of the "plan"."""
    schema = MODELS[kind].model_json_schema(mode="validation")
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}
