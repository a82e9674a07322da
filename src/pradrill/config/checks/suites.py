"""Check a suite as it is written: what pytest would not collect, and what could not fail."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from pradrill.config.checks.check_faults import (
    Fault,
    Functions,
    faults_anywhere,
    faults_of_check,
    root,
)
from pradrill.config.loader import Document, Loc
from pradrill.config.once import once
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
_STEERING = {
    *("__test__", "pytest_plugins", "collect_ignore", "collect_ignore_glob", "testinfra_hosts"),
}
_OWN_FIXTURES = {"host", "_testinfra_host"}
_FAKES = {"mock", "unittest.mock", "pytest_mock"}
_PATCHING = {"monkeypatch", "mocker"}
_ANOTHER_HOST = {"get_host", "get_hosts", "get_backend", "get_backends"}
_MARKING = ("addinivalue_line",)
"""All that a harmless pytest_configure calls: it makes markers known."""
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
    imported: set[str]
    """The names of modules that are imported anywhere in it."""


def suite_problems(document: Document, where: Loc, checks: Path) -> Iterator[Problem]:
    """Look at a suite that a drill names at a place, without importing any of it."""
    if not checks.exists():
        yield document.problem(where, f"{checks} does not exist")
        return

    problems, holds_checks = _looked_at(checks)
    yield from problems
    if not problems and not holds_checks:
        yield document.problem(
            where,
            f"{checks} holds no check",
            "Write functions named test_… in files named test_….py.",
        )


@once
def _looked_at(checks: Path) -> tuple[tuple[Problem, ...], bool]:
    """Return what is wrong with a suite, and whether it holds any check."""
    trees: dict[Path, ast.Module] = {}
    problems: list[Problem] = []
    for path in suite_files(checks):
        try:
            trees[path] = ast.parse(path.read_bytes(), path)
        except (SyntaxError, ValueError, RecursionError) as error:
            line = getattr(error, "lineno", None) or 1
            message = f"not valid Python: {getattr(error, 'msg', error)}"
            problems.append(Problem(path, line, "", message))
    suite = _read(trees)
    for path, fault in _faults(suite):
        problems.append(Problem(path, fault.line, "", fault.message, fault.hint))
    holds_checks = any(
        any(declared_checks(tree, suite.extended))
        for path, tree in trees.items()
        if is_test_file(path)
    )
    return tuple(problems), holds_checks


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
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    paths = [alias.name for node in imports for alias in node.names]
    paths += [node.module or "" for node in imports if isinstance(node, ast.ImportFrom)]
    imported = {path.rpartition(".")[2] for path in paths}

    return _Suite(trees, Functions(every), extended_classes(every), used, classes, imported)


def _faults(suite: _Suite) -> Iterator[tuple[Path, Fault]]:
    for path, tree in suite.trees.items():
        declared = list(declared_checks(tree, suite.extended))
        every = [
            *faults_anywhere(tree, suite.functions),
            *(f for each in declared for f in faults_of_check(each.node, suite.functions)),
            *(f for each in declared for f in _no_host(each.node)),
            *_steering(tree),
            *_twins(_scopes(tree)),
            *(f for each in declared for f in _not_collected(path, each, suite)),
            *([] if _is_helping(path, suite) else _never_called(tree, declared, suite)),
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
    visited: set[str] = set()
    waiting = [cls]
    while waiting:
        each = waiting.pop()
        yield each
        names = {name(base) for base in each.bases} - visited
        visited |= names
        waiting += [suite.classes[word] for word in sorted(names) if word in suite.classes]


def _steering(tree: ast.Module) -> Iterator[Fault]:
    """Yield what changes which checks are asked, whom they ask, or what they come to."""
    if "PYTEST_DONT_REWRITE" in (ast.get_docstring(tree) or ""):
        yield Fault(1, "PYTEST_DONT_REWRITE hides which assertions were evaluated")

    testinfras = {"host", *_names_of_testinfra(tree)}
    for node in ast.walk(tree):
        yield from _faked(node, testinfras)
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
                whom = "hosts" if word == "testinfra_hosts" else "checks"
                yield Fault(node.lineno, f"{word} changes which {whom} are asked")


def _names_of_testinfra(tree: ast.Module) -> Iterator[str]:
    """Yield the names by which a file calls testinfra and what is in it."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                module = node.module or "" if isinstance(node, ast.ImportFrom) else alias.name
                if module.partition(".")[0] == "testinfra":
                    yield alias.asname or alias.name.partition(".")[0]


def _faked(node: ast.AST, testinfras: set[str]) -> Iterator[Fault]:
    """Yield what puts an answer into the host's mouth, or asks another host."""
    targets: list[ast.expr] = []
    match node:
        case ast.Assign():
            targets = node.targets
        case ast.AugAssign() | ast.AnnAssign():
            targets = [node.target]
        case ast.Call() if name(node.func) == "setattr" and node.args:
            targets = [ast.Attribute(node.args[0], "")]
        case ast.Call() if name(node.func) in _ANOTHER_HOST:
            yield Fault(node.lineno, "it asks a host of its own, which is not the drill's standby")
        case ast.Name(id="MonkeyPatch") | ast.Attribute(attr="MonkeyPatch"):
            yield Fault(node.lineno, "a check asks the host itself, and mocks nothing")

    for target in targets:
        if isinstance(target, ast.Attribute) and root(target) in testinfras:
            yield Fault(getattr(node, "lineno", 1), "it replaces what answers for the host")


def _no_host(check: Function) -> Iterator[Fault]:
    arguments = check.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    names = {each.arg for each in every}
    for fake in sorted(names & _PATCHING):
        yield Fault(check.lineno, f"{check.name} takes {fake}: what it asks may not be the host")
    positional = [*arguments.posonlyargs, *arguments.args]
    first = len(positional) - len(arguments.defaults)
    defaulted = {each.arg for each in positional[first:]}
    keyed = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    defaulted |= {each.arg for each, default in keyed if default is not None}
    if "host" in defaulted:
        yield Fault(check.lineno, f"{check.name} gives host a default, and gets no other")
    for word, node in bound(check):
        if word == "host" and word in names:
            yield Fault(node.lineno, f"{check.name} puts something else in the place of host")


def _makes_markers_known(node: Function) -> bool:
    """Tell whether a pytest_configure does nothing else."""
    return node.name == "pytest_configure" and all(
        isinstance(each, ast.Expr)
        and (
            isinstance(each.value, ast.Constant)
            or (isinstance(each.value, ast.Call) and name(each.value) in _MARKING)
        )
        for each in node.body
    )


def _steering_function(node: Function) -> Iterator[Fault]:
    harmless = node.name in _HARMLESS_HOOKS or _makes_markers_known(node)
    if node.name.startswith("pytest_") and not harmless:
        why = f"the hook {node.name} could change what a check comes to"
        yield Fault(node.lineno, why, "Use fixtures.")

    for decorator in node.decorator_list:
        if name(decorator) != "fixture":
            continue

        if {each.arg for each in ast.walk(node.args) if isinstance(each, ast.arg)} & _PATCHING:
            yield Fault(node.lineno, "a check asks the host itself, and mocks nothing")
        keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
        values = [each.value for each in keywords if each.arg == "name"]
        names = {each.value for each in values if isinstance(each, ast.Constant)} or {node.name}
        if names & _OWN_FIXTURES:
            yield Fault(node.lineno, "a fixture of its own takes the place of testinfra's host")


def _is_helping(path: Path, suite: _Suite) -> bool:
    """Tell whether others take from this file what they need: it may hold more than that."""
    return not is_test_file(path) and path.stem in suite.imported


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
