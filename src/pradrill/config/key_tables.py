"""Write every key of the plan or of a drill as Markdown tables, from their JSON Schema."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import yaml
from pydantic import TypeAdapter

from pradrill.config.schema import declared_schema
from pradrill.domain.values.duration import DrillEvery, Duration

Node = dict[str, Any]

_FILES = {"plan": "plan.yml", "drill": "a drill"}
_HEAD = "| key | type | default | meaning | example |\n|---|---|---|---|---|"
_PATTERNS = {
    TypeAdapter(Duration).json_schema()["pattern"]: "duration",
    TypeAdapter(DrillEvery).json_schema()["pattern"]: "cadence",
}
_FORMATS = {"path": "path", "date": "date", "date-time": "instant"}
_SIMPLE = {"string": "text", "integer": "number", "number": "number", "boolean": "true or false"}


def key_tables(kind: str) -> str:
    """Return one table for the file itself and one for each of its parts, outermost first."""
    return "\n\n".join(_Tables(kind).sections()) + "\n"


class _Tables:
    """The tables of one schema; a part that several keys share has one table."""

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._schema = declared_schema(kind)
        self._shared: Node = self._schema.get("$defs", {})

    def sections(self) -> Iterator[str]:
        """Yield each section: a heading, where its keys stand, and their table."""
        yield f"### Keys of {_FILES[self._kind]}\n\n{self._table(self._schema)}"
        for part, places in self._parts():
            where = ", ".join(f"`{place}`" for place in dict.fromkeys(places))
            yield (
                f"#### {_heading(part)}\n\n"
                f"{_one_line(part['description'])} Under {where}.\n\n{self._table(part)}"
            )

    def _parts(self) -> list[tuple[Node, list[str]]]:
        """Return each part with the places of its keys, in the order in which they are met."""
        places: dict[str, list[str]] = {}
        parts: dict[str, Node] = {}
        waiting = [("", self._schema)]
        while waiting:
            place, node = waiting.pop(0)
            for key, value in node["properties"].items():
                for part, suffix in self._objects(value, key):
                    title = part["title"]
                    if title not in parts:
                        parts[title] = part
                        waiting.append((f"{place}{key}{suffix}.", part))

                    places.setdefault(title, []).append(f"{place}{key}{suffix}")

        return [(part, places[title]) for title, part in parts.items()]

    def _objects(self, node: Node, key: str) -> Iterator[tuple[Node, str]]:
        """Yield each part that a key's value may be, and how its place goes on: by name, or not."""
        node = self._resolved(node)
        if "properties" in node:
            yield node, ""

        for alternative in _alternatives(node):
            yield from self._objects(alternative, key)

        if "items" in node:
            yield from self._objects(node["items"], key)

        if (values := _values(node)) is not None:
            yield from ((part, f".NAME{suffix}") for part, suffix in self._objects(values, key))

    def _table(self, node: Node) -> str:
        required = node.get("required", ())
        rows = [
            self._row(key, value, required=key in required)
            for key, value in node["properties"].items()
        ]
        return "\n".join((_HEAD, *rows))

    def _row(self, key: str, node: Node, *, required: bool) -> str:
        meaning = node.get("description") or self._resolved(node).get("description", "")
        cells = (
            f"`{key}`",
            self._type(node),
            "**required**" if required else self._default(node),
            _one_line(meaning),
            ", ".join(_code(example) for example in node.get("examples", ())),
        )
        return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"

    def _type(self, node: Node) -> str:
        """Return what may be written as the value, in words."""
        node = self._resolved(node)
        if "properties" in node:
            heading = _heading(node)
            return f"[{heading.lower()}](#{heading.lower().replace(' ', '-')})"
        if alternatives := _alternatives(node):
            return " or ".join(dict.fromkeys(self._type(each) for each in alternatives))
        if node.get("type") == "array":
            return f"list of {self._type(node['items'])}"
        if node.get("type") == "object":
            values = _values(node)
            return f"name → {self._type(values) if values else 'any value'}"

        return _scalar(node)

    def _default(self, node: Node) -> str:
        """Return the default as it would be written; of a part, its own table tells."""
        value = node.get("default")
        return "" if value in (None, [], {}) or isinstance(value, dict) else _code(value)

    def _resolved(self, node: Node) -> Node:
        """Return what a reference stands for."""
        if "$ref" not in node:
            return node
        shared: Node = self._shared[node["$ref"].rpartition("/")[2]]
        return shared


def _scalar(node: Node) -> str:
    """Return what a value without parts is."""
    if words := node.get("enum", [node["const"]] if "const" in node else ()):
        return ", ".join(_code(word) for word in words)
    by_pattern = _PATTERNS.get(node.get("pattern", ""))
    by_format = _FORMATS.get(node.get("format", ""))
    return by_pattern or by_format or _SIMPLE.get(node.get("type", ""), "any")


def _alternatives(node: Node) -> list[Node]:
    each = [*node.get("anyOf", ()), *node.get("oneOf", ())]
    return [alternative for alternative in each if alternative.get("type") != "null"]


def _values(node: Node) -> Node | None:
    """Return what the values of an object with free names are; None when nothing is said."""
    for values in (node.get("additionalProperties"), *node.get("patternProperties", {}).values()):
        if isinstance(values, dict):
            return values
    return None


def _heading(part: Node) -> str:
    """Return a part's name in words: "NewestData" is "Newest data"."""
    words: str = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", part["title"])
    return words.capitalize()


def _one_line(text: str) -> str:
    """Return the first paragraph of a description, on one line."""
    return " ".join(text.partition("\n\n")[0].split())


def _code(value: object) -> str:
    """Return a value as YAML on one line, in code."""
    dumped: str = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, width=10_000, sort_keys=False
    )
    text = dumped.removesuffix("...\n").strip()
    return f"`{text}`"
