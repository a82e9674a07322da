"""Read which checks the text of a suite declares: what should be collected."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

Function = ast.FunctionDef | ast.AsyncFunctionDef
Scope = ast.Module | ast.ClassDef


class Declared(NamedTuple):
    """A test function as it stands in a file."""

    name: str
    """As in pytest's ids: TestLogin::test_password."""
    node: Function
    around: tuple[ast.ClassDef, ...]


def suite_files(suite: Path) -> list[Path]:
    """Return the files of a suite of checks, in order."""
    if suite.is_dir():
        return sorted(path for path in suite.rglob("*.py") if "__pycache__" not in path.parts)
    beside = suite.with_name("conftest.py")  # pytest takes it in for a single file too
    return [*([beside] if beside.is_file() else []), suite]


def is_test_file(path: Path) -> bool:
    """Tell whether pytest collects the tests of a file of this name."""
    return path.name.startswith("test_") or path.name.endswith("_test.py")


def extended_classes(trees: Iterable[ast.Module]) -> set[str]:
    """Return the names of the classes of a suite that others extend."""
    nodes = (node for tree in trees for node in ast.walk(tree))
    return {name(base) for node in nodes if isinstance(node, ast.ClassDef) for base in node.bases}


def declared_checks(tree: ast.Module, extended: Collection[str]) -> Iterator[Declared]:
    """Yield the test functions of a file; a class that others extend declares none itself."""
    yield from _below(tree, (), extended)


def bound(scope: Scope | Function) -> Iterator[tuple[str, ast.stmt]]:
    """Yield what a scope gives a name to, within its branches and blocks too."""
    yield from _bound(scope.body)


def blocks(statement: ast.AST) -> Iterator[list[ast.stmt]]:
    """Yield the lists of statements inside a statement that are of the same scope."""
    if isinstance(statement, Function | ast.ClassDef | ast.Lambda):
        return

    for part in ("body", "orelse", "finalbody"):
        inner = getattr(statement, part, None)
        if isinstance(inner, list):
            yield inner

    for handler in (*getattr(statement, "handlers", ()), *getattr(statement, "cases", ())):
        yield handler.body


def name(node: ast.AST) -> str:
    """Return the last word of a name, as in `assertEqual` of `self.assertEqual`; or nothing."""
    if isinstance(node, ast.Call):
        return name(node.func)
    return node.id if isinstance(node, ast.Name) else getattr(node, "attr", "")


def _below(
    scope: Scope, around: tuple[ast.ClassDef, ...], extended: Collection[str]
) -> Iterator[Declared]:
    for word, node in bound(scope):
        if isinstance(node, ast.ClassDef) and word not in extended:
            yield from _below(node, (*around, node), extended)
        elif isinstance(node, Function) and word.startswith("test") and not _is_fixture(node):
            yield Declared("::".join([*(each.name for each in around), word]), node, around)


def _is_fixture(node: Function) -> bool:
    return any(name(decorator) == "fixture" for decorator in node.decorator_list)


def _bound(body: list[ast.stmt]) -> Iterator[tuple[str, ast.stmt]]:
    for node in body:
        if isinstance(node, Function | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                yield alias.asname or alias.name.partition(".")[0], node
        elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For | ast.Delete):
            targets = node.targets if isinstance(node, ast.Assign | ast.Delete) else [node.target]
            for target in targets:
                for each in ast.walk(target):
                    if isinstance(each, ast.Name) and not isinstance(each.ctx, ast.Load):
                        yield each.id, node

        for inner in blocks(node):
            yield from _bound(inner)
