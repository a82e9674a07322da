"""Count the assertions that a check evaluated, and name who else had a say in them.

It belongs to the worker, which loads it by path: it imports nothing of pradrill.
"""

from __future__ import annotations

import ast
import inspect
import sys
import unittest
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, nullcontext
from functools import wraps
from pathlib import Path
from textwrap import dedent
from types import FrameType
from typing import Any

import _pytest.assertion.rewrite
import pytest
from _pytest.raises import RaisesExc
from testinfra.backend.base import CommandResult
from testinfra.host import Host
from testinfra.modules.base import Module

_PYTESTS = {"_pytest", "pytest", "pluggy", "testinfra", "__main__", "pradrill_rehearsal", __name__}
_HARMLESS = {"pytest_assertrepr_compare", "pytest_generate_tests", "pytest_make_parametrize_id"}
_MARKING = ("addinivalue_line",)  # all that a harmless pytest_configure calls
_TESTINFRAS = ("host", "_testinfra_host")
_LIBRARIES = {"testinfra", "unittest"}  # what they ask for themselves is not the check's word
_EITHER = {0, 1}
_FAILURES = {"fail", "AssertionError"}
_DEEPEST = 3


class Tally:
    """A pytest plugin that counts what a check asserted, and lets no other value answer for it."""

    def __init__(self, suite: Path) -> None:
        self._suite = suite
        self._counts = False
        self._passed = 0
        self._formatted = 0
        self.evaluated = 0
        """Assertions that the running check has evaluated and that held."""
        self._watch()

    @pytest.hookimpl(tryfirst=True)
    def pytest_load_initial_conftests(self) -> None:
        """Have pytest see the assertions of the suite's other modules too."""
        pytest.register_assert_rewrite(*_module_names(self._suite))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self) -> Generator[None, object, object]:
        """Count from here to the end of the call: fixtures prove nothing of the service."""
        self._counts, self._passed, self._formatted, self.evaluated = True, 0, 0, 0
        try:
            return (yield)
        finally:
            self._counts = False

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        """Call a check as pytest does, but take no returned value for an answer."""
        names = pyfuncitem._fixtureinfo.argnames  # noqa: SLF001 as pytest's own caller
        words = {name: pyfuncitem.funcargs[name] for name in names}
        check = inspect.unwrap(pyfuncitem.function)
        guards = _guards(check)
        with _watched(check, guards, self._add) if guards else nullcontext():
            value = pyfuncitem.obj(**words)
        if value is not None:
            kind = type(value).__name__
            close = getattr(value, "close", None)  # a coroutine that nobody awaits would complain
            if kind in {"coroutine", "generator"} and close is not None:
                close()

            raise TypeError(f"it returns a {kind}, which decides nothing: assert it instead")

        return True

    def pytest_assertion_pass(self, orig: str, expl: str) -> None:
        """Count an assertion that held, unless it is of a constant or of a call without brackets.

        pytest shows a function, as in `assert host.file("/x").contains`, as its mere name.
        """
        self._passed += 1
        if expl.partition("\n")[0] != orig.rpartition(".")[2]:
            self._add()

    def fault(self) -> str:
        """Say why a check that passed has proven nothing; empty when it has."""
        if self._formatted > self._passed:
            return "an assertion failed, and the check went on as if it had not"
        if not self.evaluated:
            return "it evaluated no assertion"
        return ""

    def _add(self) -> None:
        self.evaluated += self._counts

    def _watch(self) -> None:
        """Count what can fail without an assert statement; refuse what is true whatever it holds.

        All this is done in the process of one pass, and ends with it.
        """
        rewriting: Any = _pytest.assertion.rewrite
        explained = rewriting._format_explanation  # noqa: SLF001 what each evaluated assert calls

        def counted(explanation: str) -> Any:
            self._formatted += self._counts
            return explained(explanation)

        rewriting._format_explanation = counted  # noqa: SLF001
        self._count(Host, "check_output")
        self._count(Host, "run_expect", lambda expected, *_: not _EITHER.issuperset({*expected}))
        self._count(RaisesExc, "__exit__")

        for name in dir(unittest.TestCase):
            if name.startswith("assert"):
                self._count(unittest.TestCase, name)

        for always in (CommandResult, Module, Host):
            setattr(always, "__bool__", _no_answer)  # noqa: B010 mypy knows no such method

    def _count(self, owner: type, name: str, tells: Callable[..., bool] | None = None) -> None:
        genuine = getattr(owner, name)

        @wraps(genuine)
        def counted(this: Any, *words: Any, **options: Any) -> Any:
            __tracebackhide__ = True
            value = genuine(this, *words, **options)
            caller = sys._getframe(1).f_globals.get("__name__", "").partition(".")[0]  # noqa: SLF001
            if caller not in _LIBRARIES and (tells is None or tells(*words, **options)):
                self._add()
            return value

        setattr(owner, name, counted)


def _guards(check: Callable[..., Any]) -> set[int]:
    """Return the lines of a check where an if leads to a failure: it is an assertion, too."""
    code = getattr(check, "__code__", None)
    if code is None or not _FAILURES & {*code.co_names}:
        return set()
    try:
        lines, first = inspect.getsourcelines(check)
        tree = ast.parse(dedent("".join(lines)))
    except (OSError, SyntaxError):
        return set()
    conditions = (node for node in ast.walk(tree) if isinstance(node, ast.If))
    return {first + each.lineno - 1 for each in conditions if _leads_to_failure(each)}


def _leads_to_failure(condition: ast.If) -> bool:
    """Tell whether a branch ends in pytest.fail(), or by raising AssertionError."""
    ends = [branch[-1] for branch in (condition.body, condition.orelse) if branch]
    wrong = [
        each.exc if isinstance(each, ast.Raise) else getattr(each, "value", 0) for each in ends
    ]
    names = [each.func if isinstance(each, ast.Call) else each for each in wrong]
    return any(getattr(each, "attr", getattr(each, "id", "")) in _FAILURES for each in names)


@contextmanager
def _watched(
    check: Callable[..., Any], guards: set[int], passed: Callable[[], None]
) -> Iterator[None]:
    """Call `passed` whenever one of these lines of the check is come to."""
    code = getattr(check, "__code__", None)

    def line(frame: FrameType, event: str, _: object) -> Any:
        if event == "line" and frame.f_lineno in guards:
            passed()
        return line

    before = sys.gettrace()
    sys.settrace(lambda frame, _event, _: line if frame.f_code is code else None)
    try:
        yield
    finally:
        sys.settrace(before)


def meddlers(config: pytest.Config, items: list[pytest.Item]) -> Iterator[tuple[str, str]]:
    """Yield who, beside pytest and testinfra, could answer for a check or for a host, and how."""
    manager = config.pluginmanager
    for plugin in manager.get_plugins():
        module = getattr(plugin, "__name__", None) or type(plugin).__module__
        if str(module).partition(".")[0] in _PYTESTS:
            continue

        hooks = {caller.name for caller in manager.get_hookcallers(plugin) or ()} - _HARMLESS
        configure = getattr(getattr(plugin, "pytest_configure", None), "__code__", None)
        if configure is not None and configure.co_names == _MARKING:
            hooks.discard("pytest_configure")

        if hooks:
            names = ", ".join(sorted(hooks))
            yield str(module), f"its hook {names} could change what a check comes to"

    replaced = set()
    for item in items:
        definitions = getattr(getattr(item, "_fixtureinfo", None), "name2fixturedefs", {})
        for name in _TESTINFRAS:
            for definition in definitions.get(name, ())[-1:]:
                if definition.func.__module__ != "testinfra.plugin":
                    replaced.add((definition.func.__module__, name))

    for module, name in sorted(replaced):
        yield module, f'its fixture "{name}" takes the place of testinfra\'s'


def _module_names(suite: Path) -> list[str]:
    """Return the names by which the suite's modules can be imported."""
    root = suite if suite.is_dir() else suite.parent
    names: set[str] = set()
    for path in root.rglob("*.py"):
        inner = path.relative_to(root).with_suffix("").parts
        parts = [*root.parts[-_DEEPEST:], *inner]  # a package's modules go by its name too
        names.update(".".join(parts[start:]) for start in range(len(parts)))

    return sorted(names)


def _no_answer(this: object) -> bool:
    kind = type(this).__name__
    raise TypeError(f"a {kind} is true whatever it holds: compare what it says, as in .rc == 0")
