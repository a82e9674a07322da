"""Find what keeps a function of a suite from failing, in its syntax tree."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from pradrill.config.checks.constant_truth import claim_of, truth
from pradrill.config.checks.own_values import lines_of_own_values
from pradrill.domain.declared.check_source import Function, blocks, bound, name

_CATCHING = {"Exception", "BaseException", "AssertionError", "suppress"}
_TESTINFRAS = {"check_output", "run_expect"}
"""They fail by themselves; a suite may still ask by them and go on with another answer."""
_PLAIN_FIXTURES = {"self", "cls", "host", "request", "record_property", "tmp_path", "subtests"}
_ENDING = {"skip", "fail", "exit", "xfail"}
_ASSERT = 'Write assert with what the host answered, as in: assert host.run("…").rc == 0.'

_OWN = "the assertion is of the check's own values, not of what the host answers"


class Fault(NamedTuple):
    """A place where a check cannot fail, and why."""

    line: int
    message: str
    hint: str | None = None


class Functions:
    """All functions of a suite by their names: an assertion may be in one that a check calls."""

    def __init__(self, trees: Iterable[ast.Module]) -> None:
        self._by_name: dict[str, list[Function]] = {}
        self._outside: set[str] = set()

        for tree in trees:
            for node in ast.walk(tree):
                if isinstance(node, Function):
                    self._by_name.setdefault(node.name, []).append(node)
                elif isinstance(node, ast.Import | ast.ImportFrom):
                    self._outside.update(_from_outside(node))

    def assert_in(self, nodes: Iterable[ast.AST], *, in_suite: bool = False) -> bool:
        """Tell whether an assertion is made there; `own`: those of testinfra do not count."""
        return any(
            self._asserts(node, in_suite, frozenset()) for each in nodes for node in within(each)
        )

    def may_assert(self, function: Function) -> bool:
        """Tell whether an assertion is made in a check, or in what it calls of others' code."""
        nodes = [
            node for each in (*function.body, *function.decorator_list) for node in within(each)
        ]
        parameters = {each.arg for each in ast.walk(function.args) if isinstance(each, ast.arg)}
        strange = self._outside | (parameters - _PLAIN_FIXTURES) | _called_locals(function)
        return any(
            self._asserts(node, False, frozenset()) or self._is_strange(node, strange)
            for node in nodes
        )

    def _asserts(self, node: ast.AST, in_suite: bool, callers: frozenset[str]) -> bool:
        if isinstance(node, ast.Assert):
            return True
        if not isinstance(node, ast.Call):
            return False

        called = name(node.func)
        if called in _TESTINFRAS:
            return not in_suite
        if called == "raises" or (called.startswith("assert") and called not in self._by_name):
            return True
        if called in callers:
            return False

        return any(
            self._asserts(inner, in_suite, callers | {called})
            for function in self._by_name.get(called, ())
            for statement in function.body
            for inner in within(statement)
        )

    def _is_strange(self, node: ast.AST, strange: set[str]) -> bool:
        """Tell whether it calls what is not of the suite, and might assert."""
        if not isinstance(node, ast.Call):
            return False
        if isinstance(node.func, ast.Name) and node.func.id in strange:  # a fixture's, too
            return True
        if name(node.func) in self._by_name:
            return False
        if isinstance(node.func, ast.Name):
            return not hasattr(builtins, node.func.id)

        first = root(node.func)
        return first is None or first in strange


def faults_anywhere(tree: ast.Module, functions: Functions) -> Iterator[Fault]:
    """Yield what is wrong in a file of a suite, in whichever function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assert):
            yield from _decided(node)
        elif isinstance(node, ast.Try | ast.TryStar):
            yield from _swallowed(node, functions)
        elif isinstance(node, ast.With | ast.AsyncWith):
            yield from _suppressed(node, functions)
        elif isinstance(node, ast.Call) and name(node.func) == "raises":
            yield from _any_error(node)
        elif isinstance(node, ast.Call) and (claim := claim_of(node)) is not None and truth(claim):
            yield Fault(node.lineno, "the assertion is true whatever the host answers", _ASSERT)
        if isinstance(node, Function):
            yield from _tests_inside(node)
            yield from (Fault(line, _OWN, _ASSERT) for line in lines_of_own_values(node))
        for block in (node.body,) if isinstance(node, Function) else blocks(node):
            yield from _unreached(block, functions)
            yield from _decided_before(block)

        yield from _never_entered(node, functions)


def faults_of_check(check: Function, functions: Functions) -> Iterator[Fault]:
    """Yield what keeps a test function from being a check that can fail."""
    if isinstance(check, ast.AsyncFunctionDef):
        yield Fault(check.lineno, f"{check.name} is async, and nobody awaits it", "Write def.")
        return

    inner = [node for statement in check.body for node in within(statement)]
    for node in inner:
        if isinstance(node, ast.Yield | ast.YieldFrom):
            yield Fault(node.lineno, f"{check.name} yields, so that pytest does not run it")
            return

        if isinstance(node, ast.Return) and node.value is not None and not _is_none(node.value):
            why = f"{check.name} returns a value, which decides nothing"
            yield Fault(node.lineno, why, _ASSERT)
            return

    if not functions.may_assert(check) and not any(map(_leads_to_failure, inner)):
        failing = any(isinstance(each, ast.stmt) and _is_failure(each) for each in inner)
        but = "a raise or fail that does not happen proves nothing" if failing else "it cannot fail"
        why = f"{check.name} holds no assertion: {but}"
        yield Fault(check.lineno, why, _ASSERT)


def within(node: ast.AST) -> Iterator[ast.AST]:
    """Yield a node and all in it, without going into functions that it only defines."""
    yield node
    if not isinstance(node, Function | ast.Lambda | ast.ClassDef):
        for child in ast.iter_child_nodes(node):
            yield from within(child)


def _decided(node: ast.Assert) -> Iterator[Fault]:
    if isinstance(node.test, ast.Tuple) and node.test.elts:
        why = "the assertion is of a tuple, which is always true"
        yield Fault(node.lineno, why, "Leave the brackets out: assert condition, message.")
    elif truth(node.test):
        yield Fault(node.lineno, "the assertion is true whatever the host answers", _ASSERT)


def _decided_before(block: list[ast.stmt]) -> Iterator[Fault]:
    """Yield each assertion of a name that was given a value which is always true just before."""
    true: set[str] = set()
    for statement in block:
        asserted = statement.test if isinstance(statement, ast.Assert) else None
        if isinstance(asserted, ast.Name) and asserted.id in true:
            yield Fault(statement.lineno, "the assertion is true whatever the host answers")
        inside = (each for each in ast.walk(statement) if isinstance(each, ast.Name))
        true -= {each.id for each in inside if not isinstance(each.ctx, ast.Load)}
        if isinstance(statement, ast.Assign) and truth(statement.value):
            true |= {name(target) for target in statement.targets}


def _swallowed(node: ast.Try | ast.TryStar, functions: Functions) -> Iterator[Fault]:
    if not functions.assert_in(node.body, in_suite=True):
        return

    for handler in node.handlers:
        if _catches(handler.type) and not _ends(handler.body[-1], _is_failure):
            why = "an assertion that fails here is caught, and the check goes on"
            hint = "Leave the try out: pradrill asks a red check again by itself."
            yield Fault(handler.lineno, why, hint)

    for each in node.finalbody:
        for inner in within(each):
            if isinstance(inner, ast.Return | ast.Break | ast.Continue):
                yield Fault(inner.lineno, "leaving from finally drops an assertion that failed")


def _suppressed(node: ast.With | ast.AsyncWith, functions: Functions) -> Iterator[Fault]:
    for item in node.items:
        call = item.context_expr
        if isinstance(call, ast.Call) and name(call) == "suppress":
            catches = any(_catches(each) for each in call.args)
            if catches and functions.assert_in(node.body, in_suite=True):
                yield Fault(node.lineno, "an assertion that fails here is suppressed")


def _any_error(node: ast.Call) -> Iterator[Fault]:
    keywords = {each.arg: each.value for each in node.keywords}
    expected = node.args[0] if node.args else keywords.get("expected_exception")
    errors = expected.elts if isinstance(expected, ast.Tuple) else [expected]
    broad = {name(each) for each in errors if each is not None} & {"Exception", "BaseException"}

    match = keywords.get("match")
    any_words = isinstance(match, ast.Constant) and match.value in {None, "", ".*", ".+", "."}
    if broad and (match is None or any_words):
        why = "any error at all is expected here, a host that cannot be reached too"
        yield Fault(node.lineno, why, "Name the error, or add match=.")


def _tests_inside(function: Function) -> Iterator[Fault]:
    for word, node in bound(function):
        if isinstance(node, Function) and word.startswith("test"):
            yield Fault(node.lineno, f"{word} is inside a function, where pytest does not look")


def _unreached(block: list[ast.stmt], functions: Functions) -> Iterator[Fault]:
    for number, statement in enumerate(block[:-1]):
        if _ends(statement, _is_end):
            rest = block[number + 1 :]
            if functions.assert_in(rest):
                yield Fault(rest[0].lineno, "nothing comes here: an assertion is never evaluated")
            return


def _never_entered(node: ast.AST, functions: Functions) -> Iterator[Fault]:
    never: list[ast.stmt] = []
    match node:
        case ast.If() | ast.While() if truth(node.test) is False:
            never = node.body
        case ast.If() if truth(node.test) is True:
            never = node.orelse
        case ast.For() if truth(node.iter) is False:
            never = node.body

    if functions.assert_in(never):
        yield Fault(never[0].lineno, "nothing comes here: an assertion is never evaluated")


def _catches(kind: ast.expr | None) -> bool:
    if kind is None:
        return True
    each = kind.elts if isinstance(kind, ast.Tuple) else [kind]
    return any(name(one) in _CATCHING for one in each)


def _ends(statement: ast.stmt, end: Callable[[ast.stmt], bool]) -> bool:
    """Tell whether nothing comes after a statement: in both branches of an if, too."""
    if isinstance(statement, ast.If) and statement.orelse:
        return _ends(statement.body[-1], end) and _ends(statement.orelse[-1], end)
    return end(statement)


def _is_end(statement: ast.stmt) -> bool:
    leaving = isinstance(statement, ast.Return | ast.Continue | ast.Break)
    return leaving or _is_failure(statement)


def _is_failure(statement: ast.stmt) -> bool:
    if isinstance(statement, ast.Raise):
        return True
    call = statement.value if isinstance(statement, ast.Expr) else None
    return isinstance(call, ast.Call) and name(call) in _ENDING


def _leads_to_failure(node: ast.AST) -> bool:
    """Tell whether it is an if that depends, with a branch that ends in a failed assertion."""
    if not isinstance(node, ast.If) or truth(node.test) is not None:
        return False
    ends = [branch[-1] for branch in (node.body, node.orelse) if branch]
    return any(_is_failed_assertion(each) for each in ends)


def _is_failed_assertion(statement: ast.stmt) -> bool:
    wrong: ast.AST | None = None
    if isinstance(statement, ast.Raise):
        wrong = statement.exc
    elif isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Call):
        wrong = statement.value
    return wrong is not None and name(wrong) in {"fail", "AssertionError"}


def _is_none(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is None


def _from_outside(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
    for alias in node.names:
        module = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
        if module.partition(".")[0] not in {*sys.stdlib_module_names, "pytest"}:
            yield alias.asname or alias.name.partition(".")[0]


def _called_locals(function: Function) -> set[str]:
    """Return the names that the check gives to something that might be called."""
    return {
        word
        for word, node in bound(function)
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Lambda)
    }


def root(node: ast.expr) -> str | None:
    """Return the name that a chain of attributes, calls and indices begins with."""
    while isinstance(node, ast.Attribute | ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    if isinstance(node, ast.Constant | ast.JoinedStr):
        return ""
    return node.id if isinstance(node, ast.Name) else None
