"""No text keeps a regular expression busy: what reads a tool's or a host's words reads any."""

from __future__ import annotations

import ast
import re
import signal
from collections.abc import Callable, Iterator
from functools import cache
from itertools import islice
from types import FrameType
from typing import Any, NamedTuple

import pytest
from tests.support import sources
from tests.support.fuzzing import REPOSITORY
from tests.support.pumped_texts import pumped_texts

SECONDS = 0.35
"""Of the processor, for a long text; what reads it in quadratic time takes a second and more."""
FEW, MANY, MOST_CHARACTERS = 24, 6_000, 24_000
"""Few are enough where each doubles the time; many are read in no time, or as many more as well."""
NO_TIME = 0.01
MOST = 300
"""Texts that are tried of an expression."""
_MAKES = {"compile"}
_READS = {"search", "match", "fullmatch", "findall", "finditer", "sub", "subn", "split"}


class Expression(NamedTuple):
    """A regular expression of the program's, and by which methods texts are read with it."""

    place: str
    pattern: re.Pattern[Any]
    methods: frozenset[str]


def modules() -> Iterator[tuple[str, ast.Module]]:
    """Yield every module of the program and every Python script of the playbooks."""
    yield from sources.package().items()
    for path in sorted((REPOSITORY / "playbooks/files").iterdir()):
        try:
            yield path.name, ast.parse(path.read_text("utf-8"))
        except SyntaxError:
            continue  # a shell's


def methods_of(tree: ast.Module) -> dict[str, set[str]]:
    """Return by which methods each name is used."""
    methods: dict[str, set[str]] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            methods.setdefault(node.value.id, set()).add(node.attr)
    return methods


def expressions_in(place: str, tree: ast.Module) -> Iterator[Expression]:
    """Yield those that stand in a module as they are; of a table's any method may be used."""
    names: dict[ast.AST, set[str]] = {}
    methods_by_name = methods_of(tree)
    for each in tree.body:
        if isinstance(each, ast.Assign) and isinstance(each.targets[0], ast.Name):
            names[each.value] = methods_by_name.get(each.targets[0].id, set()) & _READS

    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
            continue
        method = node.func.attr
        if ast.unparse(node.func.value) != "re" or method not in _MAKES | _READS:
            continue
        try:
            pattern = compiled(node)
        except (ValueError, NameError):
            continue  # of parts that are known only when it is used
        methods = names.get(node) or {"search"} if method in _MAKES else {method}
        yield Expression(f"{place}:{node.lineno}", pattern, frozenset(methods))


def compiled(call: ast.Call) -> re.Pattern[Any]:
    """Return the expression that a call names."""
    pattern = ast.literal_eval(call.args[0])
    words = [*call.args[1:], *(each.value for each in call.keywords if each.arg == "flags")]
    flags = [each for each in map(ast.unparse, words) if "re." in each]
    return re.compile(pattern, eval(flags[0], {"re": re}) if flags else 0)  # noqa: S307 our own


@cache
def expressions() -> list[Expression]:
    """Return all of them."""
    return [each for place, tree in modules() for each in expressions_in(place, tree)]


def reader(pattern: re.Pattern[Any], method: str) -> Callable[[Any], Any]:
    """Return what reads a whole text as a method does."""
    if method in {"match", "fullmatch"}:
        return getattr(pattern, method)  # type: ignore[no-any-return]
    return lambda text: sum(1 for _ in pattern.finditer(text))


def is_slow(read: Callable[[Any], Any], text: Any, seconds: float) -> bool:
    """Tell whether reading a text takes more of the processor than that; it is stopped then."""
    before = signal.signal(signal.SIGVTALRM, _stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, seconds)
    try:
        read(text)
    except TimeoutError:
        return True
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)
    return False


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError


def slow_text(each: Expression) -> str:
    """Return what keeps an expression busy; empty: nothing that was tried."""
    is_binary = isinstance(each.pattern.pattern, bytes)

    def is_slow_with(times: int, seconds: float) -> bool:
        text = begin + body * times + end
        payload = text.encode("latin-1", "replace") if is_binary else text
        return any(is_slow(reader(each.pattern, by), payload, seconds) for by in each.methods)

    for begin, body, end in islice(pumped_texts(each.pattern), MOST):
        many, most = (max(size // len(body), 1) for size in (MANY, MOST_CHARACTERS))
        if is_slow_with(FEW, SECONDS) or (
            is_slow_with(many, NO_TIME) and is_slow_with(most, SECONDS)
        ):
            return f"{begin!r}, many times {body!r}, {end!r}"
    return ""


def test_no_text_keeps_an_expression_busy() -> None:
    """Whatever is repeated in it, it is read at once."""
    assert len(expressions()) > 150
    slow = {each.place: slow_text(each) for each in expressions()}
    assert {place: text for place, text in slow.items() if text} == {}


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"(?:\s|--[^\n]*)*\Z", "match"),
        (r"[\w.-]*password=", "search"),
        (r"(a+)+b", "fullmatch"),
        (rb"^(.{1,4096}?) +(\d+)", "findall"),
        (r"\s*\[", "search"),
    ],
)
def test_an_expression_that_reads_a_text_in_many_ways_is_seen(
    pattern: str | bytes, method: str
) -> None:
    """As was once in the program."""
    assert slow_text(Expression("", re.compile(pattern, re.MULTILINE), frozenset({method})))
