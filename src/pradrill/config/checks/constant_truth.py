"""Find expressions that are decided before anything is asked: `x or True`, `(x, "message")`."""

from __future__ import annotations

import ast

from pradrill.domain.declared.check_source import name

_OBJECTS = {
    *("run", "run_test", "run_expect", "file", "service", "package", "socket", "process", "user"),
    *("group", "interface", "mount_point", "addr", "docker", "podman", "pip", "sudo"),
}
"""What testinfra answers with an object, which is true whatever it holds."""
_WITHOUT_BRACKETS = {
    *("contains", "startswith", "endswith", "isdigit", "isdecimal", "isnumeric", "strip"),
    *("splitlines", "lower", "upper", "run", "run_test", "check_output"),
}
_NEVER_NONE = {
    *("rc", "exit_status", "stdout", "stderr", "succeeded", "failed", "exists", "is_file"),
    *("is_directory", "is_running", "is_enabled", "is_listening", "is_installed", "is_reachable"),
}
"""What of testinfra's objects always has a value, and always one of the same type."""
_CODES = {"rc", "exit_status"}
_NEVER_NEGATIVE = {"len", *_CODES}
_LARGEST_CODE = 255
_MIRRORED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.Eq,
    ast.NotEq: ast.NotEq,
    ast.Is: ast.Is,
    ast.IsNot: ast.IsNot,
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
}
_UNITTESTS: dict[str, type[ast.cmpop]] = {
    "assertEqual": ast.Eq,
    "assertNotEqual": ast.NotEq,
    "assertIs": ast.Is,
    "assertIsNot": ast.IsNot,
    "assertIn": ast.In,
    "assertGreater": ast.Gt,
    "assertGreaterEqual": ast.GtE,
    "assertLess": ast.Lt,
    "assertLessEqual": ast.LtE,
}
_SAME = (ast.Eq, ast.Is, ast.LtE, ast.GtE)


def truth(node: ast.expr) -> bool | None:  # noqa: C901, PLR0911, PLR0912 one case a kind
    """Return what an expression comes to whatever the host answers; None when it depends."""
    match node:
        case ast.Constant():
            return bool(node.value)
        case ast.Tuple() | ast.List() | ast.Set():
            return bool(node.elts) if not any(_starred(each) for each in node.elts) else None
        case ast.Dict():
            return bool(node.keys) if None not in node.keys else None
        case ast.JoinedStr():
            return True if any(isinstance(each, ast.Constant) for each in node.values) else None
        case ast.Lambda() | ast.GeneratorExp():
            return True
        case ast.NamedExpr():
            return truth(node.value)
        case ast.UnaryOp(op=ast.Not()):
            inner = truth(node.operand)
            return None if inner is None else not inner
        case ast.BoolOp():
            return _joined(node)
        case ast.IfExp():
            return _chosen(node)
        case ast.Compare():
            return _compared(node)
        case ast.Call():
            return _called(node)
        case ast.Name(id="host"):
            return True
        case ast.Attribute():
            return True if node.attr in _WITHOUT_BRACKETS else None

    return None


def claim_of(call: ast.Call) -> ast.expr | None:
    """Return what an assertion of unittest's claims, as assert would be told it; or None."""
    word, given = name(call.func), call.args
    if not isinstance(call.func, ast.Attribute) or not given:
        return None
    if word == "assertTrue":
        return given[0]
    if word == "assertFalse":
        return ast.UnaryOp(ast.Not(), given[0])
    if word == "assertIsNotNone":
        return ast.Compare(given[0], [ast.IsNot()], [ast.Constant(None)])
    if word in _UNITTESTS and len(given) > 1:
        return ast.Compare(given[0], [_UNITTESTS[word]()], [given[1]])
    return None


def _starred(node: ast.expr) -> bool:
    return isinstance(node, ast.Starred)


def _joined(node: ast.BoolOp) -> bool | None:
    values = [truth(each) for each in node.values]
    decisive = isinstance(node.op, ast.Or)
    if decisive in values:
        return decisive

    contraries = {ast.dump(contrary) for each in node.values if (contrary := _contrary(each))}
    if contraries & {ast.dump(each) for each in node.values}:
        return decisive
    return None if None in values else not decisive


def _contrary(node: ast.expr) -> ast.expr | None:
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        return node.operand
    if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.Eq) and len(node.ops) == 1:
        return ast.Compare(node.left, [ast.NotEq()], node.comparators)
    return None


def _chosen(node: ast.IfExp) -> bool | None:
    condition, then, otherwise = truth(node.test), truth(node.body), truth(node.orelse)
    if condition is not None:
        return then if condition else otherwise
    return then if then == otherwise else None


def _compared(node: ast.Compare) -> bool | None:  # noqa: PLR0911 one rule after the other
    every = (node.left, *node.comparators)
    if all(isinstance(each, ast.Constant) for each in every):
        return True

    if len(node.ops) > 1:
        pairs = zip(every, node.ops, every[1:], strict=False)
        alone = [_compared(ast.Compare(one, [op], [other])) for one, op, other in pairs]
        return True if all(alone) else None

    (operator,), (right,), left = node.ops, node.comparators, node.left
    if isinstance(left, ast.Constant | ast.UnaryOp) and type(operator) in _MIRRORED:
        operator, left, right = _MIRRORED[type(operator)](), right, left
    if isinstance(operator, _SAME) and ast.dump(left) == ast.dump(right):
        return True
    if name(left) in _CODES and _holds_every_code(operator, right):
        return True
    if isinstance(operator, ast.In):
        either = isinstance(right, ast.Tuple | ast.List | ast.Set) and {True, False} <= {
            each.value for each in right.elts if isinstance(each, ast.Constant)
        }
        return True if _is(left, "") or (either and name(left) in _NEVER_NONE - {"rc"}) else None
    if isinstance(operator, ast.IsNot | ast.NotEq) and _is(right, None):
        return True if name(left) in _NEVER_NONE or _is_object(left) or truth(left) else None
    if name(left) in _NEVER_NEGATIVE and isinstance(operator, ast.Lt) and _is(right, 0):
        return False

    at_least_nothing = isinstance(operator, ast.GtE) and _is(right, 0)
    more_than_less = isinstance(operator, ast.Gt | ast.GtE | ast.NotEq) and _is_negative(right)

    return True if name(left) in _NEVER_NEGATIVE and (at_least_nothing or more_than_less) else None


def _called(node: ast.Call) -> bool | None:  # noqa: PLR0911 one rule after the other
    if _is_object(node):
        return True
    if name(node) in {"startswith", "endswith"} and len(node.args) == 1:
        return True if _is(node.args[0], "") else None
    if not isinstance(node.func, ast.Name) or not node.args:
        return None
    if node.func.id in {"callable", "repr", "type", "id", "print"}:
        return node.func.id != "print"
    if node.func.id == "str":
        return True if name(node.args[0]) in _CODES else None
    if node.func.id == "bool":
        return truth(node.args[0])
    if node.func.id == "isinstance":
        decided = name(node.args[-1]) == "object" or name(node.args[0]) in _NEVER_NONE
        return True if decided or _is_object(node.args[0]) else None

    over = node.args[0]
    if isinstance(over, ast.GeneratorExp | ast.ListComp):
        over = over.generators[0].iter

    return True if node.func.id == "all" and truth(over) is False else None


def _holds_every_code(operator: ast.cmpop, right: ast.expr) -> bool:
    """Tell whether an exit code of whatever kind is in a range, or below a bound."""
    if isinstance(operator, ast.In):
        bounds = right.args if isinstance(right, ast.Call) and name(right) == "range" else []
        return len(bounds) == 1 and _is_above_codes(bounds[0], strictly=True)
    below = isinstance(operator, ast.Lt | ast.LtE)
    return below and _is_above_codes(right, strictly=isinstance(operator, ast.Lt))


def _is_above_codes(node: ast.expr, *, strictly: bool) -> bool:
    number = node.value if isinstance(node, ast.Constant) else None
    return isinstance(number, int) and number >= _LARGEST_CODE + strictly


def _is_object(node: ast.expr) -> bool:
    """Tell whether it is one of testinfra's objects, as in host.run("true")."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Name)
        and node.func.value.id == "host"
        and node.func.attr in _OBJECTS
    )


def _is_negative(node: ast.expr) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)


def _is(node: ast.expr, value: object) -> bool:
    return (
        isinstance(node, ast.Constant) and node.value == value and type(node.value) is type(value)
    )
