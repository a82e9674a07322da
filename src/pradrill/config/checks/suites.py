"""A suite of checks as it is written: what pytest would not collect, and what could not fail."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pradrill.config.checks.check_faults import Fault, Functions, faults_anywhere, faults_of_check
from pradrill.config.loader import Document, Loc
from pradrill.config.problems import Problem
from pradrill.domain.declared.check_source import (
    Declared,
    Function,
    bound,
    declared_checks,
    extended_classes,
    is_test_file,
    name,
    suite_files,
)

_HARMLESS_HOOKS = {
    *("pytest_assertrepr_compare", "pytest_generate_tests", "pytest_make_parametrize_id")
}
_STEERING = {"__test__", "pytest_plugins", "collect_ignore", "collect_ignore_glob"}
_OWN_FIXTURES = {"host", "_testinfra_host"}
_FAKES = {"mock", "unittest.mock", "pytest_mock"}
_FRAMES = {
    f"{when}_{what}"
    for when in ("setup", "teardown")
    for what in ("module", "function", "class", "method")
} | {"setUp", "tearDown", "setUpClass", "tearDownClass", "setUpModule", "tearDownModule"}
"""Functions that pytest and unittest call by their names."""
_NAMING = "pytest collects functions named test_… in files named test_….py."


class _Suite(NamedTuple):
    """The files of a suite that could be read."""

    trees: dict[Path, ast.Module]
    functions: Functions
    extended: set[str]
    used: set[str]
    """Every name that is used anywhere in it."""
    classes: dict[str, ast.ClassDef]


def suite_problems(document: Document, where: Loc, checks: Path) -> Iterator[Problem]:
    """Look at a suite that a drill names at a place, without importing any of it."""
    if not checks.exists():
        yield document.problem(where, f"{checks} does not exist")
        return
    trees: dict[Path, ast.Module] = {}
    unread = 0
    for path in suite_files(checks):
        try:
            trees[path] = ast.parse(path.read_bytes(), path)
        except (SyntaxError, ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None) or 1
            yield Problem(path, line, "", f"not valid Python: {getattr(error, 'msg', error)}")
            unread += 1
    suite = _read(trees)
    found = list(_faults(suite))
    for path, fault in found:
        yield Problem(path, fault.line, "", fault.message, fault.hint)
    asked = (
        each
        for path, tree in trees.items()
        if is_test_file(path)
        for each in declared_checks(tree, suite.extended)
    )
    if not unread and not found and not any(asked):
        yield document.problem(
            where,
            f"{checks} holds no check",
            "Write functions named test_… in files named test_….py.",
        )


def _read(trees: dict[Path, ast.Module]) -> _Suite:
    every = list(trees.values())
    nodes = [node for tree in every for node in ast.walk(tree)]
    used = {
        name(node)
        for node in nodes
        if isinstance(node, ast.Attribute)
        or (isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load))
    }
    classes = {node.name: node for node in nodes if isinstance(node, ast.ClassDef)}
    return _Suite(trees, Functions(every), extended_classes(every), used, classes)


def _faults(suite: _Suite) -> Iterator[tuple[Path, Fault]]:
    for path, tree in suite.trees.items():
        declared = list(declared_checks(tree, suite.extended))
        every = [
            *faults_anywhere(tree, suite.functions),
            *(f for each in declared for f in faults_of_check(each.node, suite.functions)),
            *_steering(tree),
            *_twins(_scopes(tree)),
            *(f for each in declared for f in _not_collected(path, each, suite)),
            *_never_called(tree, declared, suite),
        ]
        yield from ((path, fault) for fault in dict.fromkeys(every))


def _scopes(tree: ast.Module) -> Iterator[ast.Module | ast.ClassDef]:
    yield tree
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.ClassDef))


def _twins(scopes: Iterable[ast.Module | ast.ClassDef]) -> Iterator[Fault]:
    """Yield each test whose name is given again: pytest sees the last one alone."""
    for scope in scopes:
        first: dict[str, int] = {}
        for word, node in bound(scope):
            if not word.startswith(("test", "Test")):
                continue
            if word in first:
                why = f"{word} is already defined on line {first[word]}, and only one is asked"
                yield Fault(node.lineno, why, "Give each check a name of its own.")
            first.setdefault(word, node.lineno)


def _not_collected(path: Path, check: Declared, suite: _Suite) -> Iterator[Fault]:
    if not is_test_file(path):
        yield Fault(check.node.lineno, f"{check.name} is in a file that holds no checks", _NAMING)
        return
    for around in check.around:
        family = list(_family(around, suite))
        if any(name(base) == "TestCase" for each in family for base in each.bases):
            continue
        if not around.name.startswith("Test"):
            why = f"{check.name} is in a class that pytest does not collect"
            yield Fault(check.node.lineno, why, f'Name the class "Test{around.name}".')
        for each in family:
            for word, node in bound(each):
                if word in {"__init__", "__new__"}:
                    why = f"a class with {word} is not collected, and {check.name} with it"
                    yield Fault(node.lineno, why, "Use a fixture.")


def _family(cls: ast.ClassDef, suite: _Suite) -> Iterator[ast.ClassDef]:
    """Yield a class and those of the suite that it extends."""
    seen: set[str] = set()
    waiting = [cls]
    while waiting:
        each = waiting.pop()
        yield each
        names = {name(base) for base in each.bases} - seen
        seen |= names
        waiting += [suite.classes[word] for word in sorted(names) if word in suite.classes]


def _steering(tree: ast.Module) -> Iterator[Fault]:
    """Yield what changes which checks are asked, whom they ask, or what they come to."""
    if "PYTEST_DONT_REWRITE" in (ast.get_docstring(tree) or ""):
        yield Fault(1, "PYTEST_DONT_REWRITE hides which assertions were evaluated")
    for node in ast.walk(tree):
        if isinstance(node, Function):
            yield from _steering_function(node)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            modules = {alias.name for alias in node.names}
            if isinstance(node, ast.ImportFrom):
                modules = {node.module or "", *(f"{node.module}.{each}" for each in modules)}
            if modules & _FAKES:
                yield Fault(node.lineno, "a check asks the host itself, and mocks nothing")
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for word in sorted({name(target) for target in targets} & _STEERING):
                yield Fault(node.lineno, f"{word} changes which checks are asked")


def _steering_function(node: Function) -> Iterator[Fault]:
    if node.name.startswith("pytest_") and node.name not in _HARMLESS_HOOKS:
        why = f"the hook {node.name} could change what a check comes to"
        yield Fault(node.lineno, why, "Use fixtures.")
    for decorator in node.decorator_list:
        if name(decorator) != "fixture":
            continue
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        given = [each.value for each in keywords if each.arg == "name"]
        names = {each.value for each in given if isinstance(each, ast.Constant)} or {node.name}
        if names & _OWN_FIXTURES:
            yield Fault(node.lineno, "a fixture of its own takes the place of testinfra's host")


def _never_called(tree: ast.Module, declared: list[Declared], suite: _Suite) -> Iterator[Fault]:
    """Yield each function with an assertion that neither pytest nor the suite calls."""
    collected = {id(each.node) for each in declared}
    for node in ast.walk(tree):
        if not isinstance(node, Function) or node.decorator_list or id(node) in collected:
            continue
        called = node.name in suite.used or node.name in _FRAMES or node.name.startswith("__")
        inherited = node.name.startswith(("test", "pytest_"))  # told elsewhere, or of a base class
        if not called and not inherited and suite.functions.assert_in(node.body):
            why = f"nothing calls {node.name}, though it holds an assertion"
            yield Fault(node.lineno, why, _NAMING)
