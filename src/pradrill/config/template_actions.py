"""Tell templates that only read from those that may act on the machine that renders them.

What is not listed here may act: a template is parsed as jinja2 itself does, and looked through.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import Environment, TemplateSyntaxError, nodes

_HEADER = "#jinja2:"
"""What a template begins with that says its own delimiters."""
_ESCAPED_QUOTE = re.compile(r"\\['\"]")
"""Ansible doubles backslashes before jinja2 reads them: a text would end elsewhere than here."""
_LOOKUPS = frozenset({"lookup", "query", "q"})
_READING = frozenset({"env", "file", "vars"})
"""Lookups that read, and neither run nor write anything."""
_METHODS = frozenset(
    {
        *("split", "rsplit", "partition", "rpartition", "splitlines", "join", "replace"),
        *("strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "startswith", "endswith"),
        *("lower", "upper", "zfill", "isdigit", "get", "keys", "values", "items"),
    }
)
_FILTERS = frozenset(
    {
        *("abs", "basename", "bool", "capitalize", "combine", "count", "d", "default", "dirname"),
        *("dict2items", "difference", "expanduser", "first", "flatten", "float", "format"),
        *("from_json", "int", "intersect", "items2dict", "join", "last", "length", "list", "lower"),
        *("max", "min", "quote", "regex_escape", "regex_findall", "regex_replace", "regex_search"),
        *("replace", "reverse", "round", "sort", "split", "string", "ternary", "to_json", "trim"),
        *("union", "unique", "upper", "ansible.utils.ipaddr", "ansible.utils.ipmath"),
    }
)
_TESTS = frozenset(
    {
        *("boolean", "contains", "defined", "divisibleby", "eq", "equalto", "even", "false"),
        *("falsy", "float", "ge", "gt", "in", "integer", "le", "lt", "mapping", "match", "ne"),
        *("none", "number", "odd", "regex", "search", "sequence", "string", "true", "truthy"),
        *("undefined", "version"),
    }
)
_PLAIN = (
    *(nodes.Output, nodes.If, nodes.CondExpr, nodes.Compare, nodes.Operand, nodes.Keyword),
    *(nodes.Add, nodes.Sub, nodes.Mul, nodes.Div, nodes.FloorDiv, nodes.Mod, nodes.Concat),
    *(nodes.And, nodes.Or, nodes.Not, nodes.Neg, nodes.Pos),
    *(nodes.List, nodes.Tuple, nodes.Dict, nodes.Pair, nodes.Getitem, nodes.Slice),
)
"""What only puts values together."""
_LOOKED_AT = (
    *(*_PLAIN, nodes.Call, nodes.Name, nodes.Getattr, nodes.Filter, nodes.Test),
    *(nodes.Const, nodes.TemplateData),
)


def is_template(value: object) -> bool:
    """Tell whether Ansible makes something else of a value."""
    text = str(value)
    return "{{" in text or "{%" in text or text.startswith(_HEADER)


def action_in(template: str) -> str | None:
    """Return what in a template may act; nothing where it only reads."""
    if template.startswith(_HEADER):
        return "it begins with #jinja2:"
    if _ESCAPED_QUOTE.search(template):
        return "a quote behind a backslash"
    try:
        tree = Environment(autoescape=True).parse(template)
        return next(_actions(tree), None)
    except (TemplateSyntaxError, RecursionError):
        return "what jinja2 alone does not read"


def _actions(tree: nodes.Template) -> Iterator[str]:
    yield from _calls(tree)
    for each in tree.find_all((nodes.Filter, nodes.Test)):
        harmless = _FILTERS if isinstance(each, nodes.Filter) else _TESTS
        if each.name.removeprefix("ansible.builtin.") not in harmless:
            yield f"the {type(each).__name__.lower()} {each.name}"
    for text in tree.find_all((nodes.Const, nodes.TemplateData)):
        if is_template(text.as_const()):
            yield "a template inside of it"
    for node in tree.find_all(nodes.Node):
        if not isinstance(node, _LOOKED_AT):
            yield f"jinja2's {type(node).__name__}"


def _calls(tree: nodes.Template) -> Iterator[str]:
    """Yield what calls anything that may act, or hands it on to be called elsewhere."""
    for call in tree.find_all(nodes.Call):
        if not _only_reads(call):
            yield f"a call of {getattr(call.node, 'name', getattr(call.node, 'attr', 'a value'))}"

    callees = {id(call.node) for call in tree.find_all(nodes.Call)}
    for name in tree.find_all(nodes.Name):
        if name.name in _LOOKUPS and id(name) not in callees:
            yield f"{name.name}, and not its call"
    for attribute in tree.find_all(nodes.Getattr):
        if attribute.attr.startswith("_"):
            yield f"the attribute {attribute.attr}"


def _only_reads(call: nodes.Call) -> bool:
    """Tell whether a call is a lookup that reads, or a method of texts, lists and mappings."""
    if isinstance(call.node, nodes.Getattr):
        return call.node.attr in _METHODS
    if not isinstance(call.node, nodes.Name) or call.node.name not in _LOOKUPS or not call.args:
        return False
    kind = call.args[0]
    return (
        isinstance(kind, nodes.Const)
        and isinstance(kind.value, str)
        and kind.value.removeprefix("ansible.builtin.") in _READING
    )
