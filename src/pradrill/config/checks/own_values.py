"""Find assertions of nothing but what a check has written down itself: `x = 1; assert x == 1`."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from pradrill.domain.declared.check_source import Function, bound

_PURE = frozenset(
    {
        *("len", "all", "any", "bool", "isinstance", "sorted", "sum", "min", "max", "range"),
        *("str", "int", "float", "tuple", "set", "list", "dict", "abs", "object"),
    }
)
_CHANGING = (ast.List, ast.Set, ast.Dict, ast.Call)
"""A value that these make may hold what the host answers by the time it is looked at."""
_PLAIN_NODES = (
    *(ast.Constant, ast.Tuple, ast.List, ast.Set, ast.Dict, ast.BoolOp, ast.BinOp, ast.UnaryOp),
    *(ast.Compare, ast.IfExp, ast.Subscript, ast.Slice, ast.JoinedStr, ast.FormattedValue),
    *(ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop),
)


def lines_of_own_values(function: Function) -> Iterator[int]:
    """Yield the line of each assertion of values that the function itself gives a name to."""
    if any(isinstance(node, ast.Nonlocal | ast.Global) for node in ast.walk(function)):
        return
    bindings = Counter(word for word, _ in bound(function))
    values: set[str] = set()
    for statement in function.body:
        if isinstance(statement, ast.Assign) and _stays_own(statement.value, values):
            targets = [each.id for each in statement.targets if isinstance(each, ast.Name)]
            values |= {word for word in targets if bindings[word] == 1}
        elif isinstance(statement, ast.Assert) and _is_own(statement.test, values):
            names = {each.id for each in ast.walk(statement.test) if isinstance(each, ast.Name)}
            if names & values:  # of constants alone is told elsewhere
                yield statement.lineno


def _stays_own(value: ast.expr, values: set[str]) -> bool:
    changing = any(isinstance(node, _CHANGING) for node in ast.walk(value))
    return not changing and _is_own(value, values)


def _is_own(node: ast.expr, values: set[str]) -> bool:
    """Tell whether an expression is made of constants, such values and plain functions of them."""
    for each in ast.walk(node):
        if isinstance(each, ast.Name):
            if each.id not in values | _PURE:
                return False
        elif isinstance(each, ast.Call):
            if not (isinstance(each.func, ast.Name) and each.func.id in _PURE):
                return False
        elif not isinstance(each, _PLAIN_NODES):
            return False
    return True
