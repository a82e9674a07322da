"""Names, class names and docstrings are held to CONTRIBUTING's words."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.sources import Sources, package, parsed

TESTS = Path(__file__).parents[1]

_PARTICIPLES = """
asked begun came caught died done found gone got heard held kept known led looked made meant
mine named own said seen shown struck taken told took wanted was written
"""
PARTICIPLES = frozenset(_PARTICIPLES.split())
"""What no value is called: a name is the noun of what it holds."""

_VERBS = """
accept acknowledge add answer append ask begin bind boot bound break bring build bundle call carry
chain check choose clean close collect commit compare compile compute conclude connect count cut
damage declare decrypt define deliver deny derive describe destroy divide do draw drop end enter
fake fetch fill find fit fold forecast format gather give go hand hash have hide hold identify
import join judge keep kill launch lay learn leave let list load lock look make map mark mask
measure move name narrate note notify offer open pack parse phrase plan poll print prove publish
put quote raise rank reach read recognise refuse remember remove render renew repeat resolve
restore resume return run sabotage save say seal see send serve set share show sign sort stamp
start stop store summarise sweep take tear tell touch translate try turn unpack use verify wait
walk watch weigh write yield
"""
VERBS = frozenset(_VERBS.split())
"""What a docstring of a function or a module begins with."""


def names(module: ast.Module) -> Iterator[tuple[str, int]]:
    """Yield every name that a module gives to a value or a function, with its line.

    The fields of models are passed over: they are the recorded format.
    """
    fields = {
        id(field.target)
        for node in ast.walk(module)
        if isinstance(node, ast.ClassDef) and any("Model" in ast.unparse(b) for b in node.bases)
        for field in node.body
        if isinstance(field, ast.AnnAssign)
    }
    for node in ast.walk(module):
        match node:
            case ast.Name(id=name, ctx=ast.Store()) if id(node) not in fields:
                yield name, node.lineno
            case ast.arg(arg=name) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield name, node.lineno
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name, node.lineno
            case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)):
                yield name, node.lineno
            case ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
                yield name, node.lineno


def participles(module: ast.Module) -> list[tuple[str, int]]:
    """Return the names of values that say nothing of what they hold."""
    return sorted({(name, line) for name, line in names(module) if name.lstrip("_") in PARTICIPLES})


def doubles(sources: Sources) -> dict[str, list[str]]:
    """Return the public names that several classes have, with where each is."""
    places: dict[str, list[str]] = defaultdict(list)
    for path, module in sources.items():
        for node in ast.walk(module):
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                places[node.name].append(f"{path}:{node.lineno}")
    return {name: where for name, where in places.items() if len(where) > 1}


def without_verb(path: str, module: ast.Module) -> Iterator[str]:
    """Yield each docstring of a function or of a module that does not begin with a verb.

    A package says what is in it, and a command's module begins with the command.
    """
    is_free = path.endswith("__init__.py") or path.startswith("cli/commands/")
    for node in ast.walk(module):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Module):
            continue
        if isinstance(node, ast.Module) and is_free:
            continue
        text = ast.get_docstring(node) or ""
        first = re.match(r"[A-Za-z]*", text)
        if text and (first is None or first[0].lower() not in VERBS):
            yield f"{path}:{node.body[0].lineno}: {text.splitlines()[0]}"


@pytest.mark.parametrize("tree", ["src", "tests"])
def test_a_participle_is_never_a_name(tree: str) -> None:
    """Every value is called after what it holds."""
    sources = package() if tree == "src" else parsed(TESTS)
    wrong = [
        f"{path}:{line} {name}"
        for path, module in sources.items()
        for name, line in participles(module)
    ]
    assert wrong == [], "say what it holds: payload, sha256, unique_hosts"


@pytest.mark.parametrize(
    "code",
    [
        "told = 1",
        "told: int = 1",
        "def read(told): ...",
        "def read(*, told=None): ...",
        "for told in (): ...",
        "with open('f') as told: ...",
        "[told for told in ()]",
        "(told := 1)",
        "self.told = 1",
        "_told = 1",
        "x, (told, y) = z",
        "try: ...\nexcept OSError as told: ...",
        "match x:\n    case [1, *told]: ...",
        "class Line(NamedTuple):\n    told: str",
        "lambda told: 1",
        "def told(): ...",
    ],
)
def test_a_participle_is_found_wherever_a_name_is_given(code: str) -> None:
    """No way of giving a name is looked past."""
    assert [name.lstrip("_") for name, _ in participles(ast.parse(code))] == ["told"]


def test_a_recorded_field_may_keep_its_name() -> None:
    """What was recorded once is read for ever, under its name."""
    assert participles(ast.parse("class Wait(Model):\n    asked: Utc")) == []


def test_a_public_class_name_is_one_class() -> None:
    """Whoever reads a class's name knows which one is meant."""
    assert doubles(package()) == {}


def test_two_classes_of_one_name_are_found() -> None:
    """A second class is named with the place of both."""
    modules = {path: ast.parse("class Row: ...") for path in ("a.py", "b.py")}
    assert doubles(modules) == {"Row": ["a.py:1", "b.py:1"]}


def test_a_docstring_begins_with_a_verb() -> None:
    """What a function or a module does is its first word."""
    wrong = [line for path, module in package().items() for line in without_verb(path, module)]
    assert wrong == [], "begin with Return, Raise, Write, Run, Check …, as an order"


@pytest.mark.parametrize(
    "first", ["Returns it.", "What it is.", "Told it.", "The rows.", "7 rows."]
)
def test_a_docstring_without_a_verb_is_found(first: str) -> None:
    """Neither a noun, nor a participle, nor what "it" does is an order."""
    code = f'"""{first}"""\ndef read():\n    """{first}"""'
    assert len(list(without_verb("a.py", ast.parse(code)))) == 2
