"""Give each key of a schema an example: a part's is made of those of its own keys."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

Node = dict[str, Any]
_NAMED = "shop"
"""What a part is called in examples, where its name is free: a service, a provider."""


def with_examples(schema: Node) -> Node:
    """Return the schema; what keys lack as examples is added to them."""
    shared: Node = schema.get("$defs", {})
    for part in (schema, *_parts(shared)):
        for node in part["properties"].values():
            if "examples" not in node and (example := _example(node, shared)) is not None:
                node["examples"] = [example]

    return schema


def _parts(node: Any) -> Iterator[Node]:
    """Yield whatever has keys, in a schema or a piece of one."""
    if isinstance(node, dict):
        if isinstance(node.get("properties"), dict) and node.get("type") == "object":
            yield node
        for each in node.values():
            yield from _parts(each)
    elif isinstance(node, list):
        for each in node:
            yield from _parts(each)


def _example(node: Node, shared: Node) -> Any:
    """Return what may be written as a value; None where nothing is known."""
    if "examples" in node:
        return node["examples"][0]
    if "$ref" in node:
        return _example(shared[node["$ref"].rpartition("/")[2]], shared)
    for each in (*node.get("anyOf", ()), *node.get("oneOf", ())):
        if (example := _example(each, shared)) is not None:
            return example
    if isinstance(values := node.get("additionalProperties"), dict):
        example = _example(values, shared)
        return None if example is None else {_NAMED: example}

    return _of_keys(node, shared)


def _of_keys(node: Node, shared: Node) -> Node | None:
    """Return an example with the keys that are required, or with the first that has one."""
    keys: Node = node.get("properties", {})
    required = node.get("required", ())
    examples = {key: _example(keys[key], shared) for key in required or keys}
    exemplified = {key: value for key, value in examples.items() if value is not None}
    return (exemplified if required else dict([*exemplified.items()][:1])) or None
