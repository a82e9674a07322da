"""Fill what a drill says once into the places that name it: `{{ name }}` of its `vars`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_NAME = re.compile(r"\{\{\s*(\w+)\s*\}\}")
_LEFT_ALONE = frozenset(
    {
        *("vars", "secrets", "prepare", "restore", "teardown"),  # Ansible fills these itself
        *("recovery_point", "playbook", "checks", "inventory", "known_hosts", "expect"),
    }
)
_PARTS = ("standby", "verify", "recover")


def filled(content: Mapping[str, Any]) -> dict[str, Any]:
    """Return a drill's content with its vars in their places; without vars, as it is.

    Raises ValueError for a name that the vars lack.
    """
    variables = content.get("vars")
    if not isinstance(variables, dict) or not variables:
        return dict(content)
    parts = {key: _filled(content[key], variables) for key in _PARTS if key in content}
    return {**content, **parts}


def _filled(value: Any, variables: Mapping[str, Any]) -> Any:
    if isinstance(value, str):
        return _NAME.sub(lambda match: _value(match[1], variables), value)
    if isinstance(value, dict):
        return {
            key: inner if key in _LEFT_ALONE else _filled(inner, variables)
            for key, inner in value.items()
        }
    if isinstance(value, list | tuple):
        return [_filled(inner, variables) for inner in value]
    return value


def _value(name: str, variables: Mapping[str, Any]) -> str:
    value = variables.get(name)
    if not isinstance(value, str | int | float) or isinstance(value, bool):
        what = "no text or number" if name in variables else "none of that name"
        msg = f"{{{{ {name} }}}} is to be filled from vars, which has {what}"
        raise ValueError(msg)  # noqa: TRY004 as pydantic reads it
    return str(value)
