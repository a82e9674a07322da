"""Reasons are data: a code and its values, said in any language; no sentence is ever recognised."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.support.sources import Sources, package

from pradrill.domain.run.outcome import Phase
from pradrill.domain.values.reason import ENGLISH, Reason, in_lines, joined, quoted, reason
from pradrill.domain.values.reason_code import Code
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.language.reasons import ENUMS, is_translated, spoken

OLD = "reporting/language/old_sentences.py"
"""The one place that recognises sentences: of records of format 1."""

PLACEHOLDER = re.compile(r"%\((\w+)\)s")
COUNTED = {"count", "number"}
LISTS = {"parts", "lines"}


def forms(code: Code) -> list[str]:
    """Return the forms of a code."""
    return [form for form in (code.many, code.one) if form]


def sample(name: str) -> list[Any]:
    """Return values of every kind that a placeholder of that name can have."""
    if name in ENUMS:
        return list(ENUMS[name])
    if name == "instant":
        return ["2026-03-10T02:00:00+00:00"]
    if name in ENGLISH:
        return [0, 0.4, 2_530.25, 86_400, -5]
    if name in COUNTED:
        return [1, 2, 1_200]
    if name in LISTS:
        return [[quoted("one"), reason(Code.NO_HOST)]]
    return ["text", reason(Code.NO_HOST), ["a", "b"], quoted("%(x)s 100 %")]


def plain(name: str, value: Any) -> Any:
    """Return a value as the engine gives it: an instant is one."""
    from datetime import datetime  # noqa: PLC0415

    return datetime.fromisoformat(value) if name == "instant" else value


def built() -> Iterator[tuple[str, str, set[str]]]:
    """Return every reason that the program builds: where, its code, the names of its values."""
    for path, tree in package().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                if node.func.id != "reason" or not node.args:
                    continue
                code = node.args[0]
                if isinstance(code, ast.Attribute):
                    where = f"{path}:{node.lineno}"
                    yield where, code.attr, {keyword.arg or "**" for keyword in node.keywords}


def test_a_code_is_for_ever() -> None:
    """Codes are lower-case words with dashes, and no two are the same."""
    codes = [code.value for code in Code]
    assert all(re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code) for code in codes)
    assert len(set(codes)) == len(Code.__members__)


def test_every_code_is_given_by_the_engine() -> None:
    """A code that nothing gives is none; the words of a record for ever are in `old_sentences`."""
    codes = {
        node.attr
        for tree in package().values()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)
        if node.value.id == "Code"
    }
    assert codes >= set(Code.__members__)


def test_every_reason_is_built_with_the_values_of_its_form() -> None:
    """What the engine gives with a code is what the code's form says, no more and no less."""
    wrong = [
        (where, name, values)
        for where, name, values in built()
        if values
        != {each for form in forms(Code[name]) for each in PLACEHOLDER.findall(form)}
        | ({"count"} if Code[name].one else set())
    ]
    assert wrong == []


@pytest.mark.parametrize("code", list(Code), ids=lambda code: code.value)
def test_every_reason_is_said_in_both_languages_with_every_value(code: Code) -> None:
    """Whatever its values, a reason has words in each language, and survives being written."""
    names = sorted({name for form in forms(code) for name in PLACEHOLDER.findall(form)})
    names += ["count"] * (bool(code.one) and "count" not in names)
    most = max((len(sample(name)) for name in names), default=1)
    for number in range(most):
        arguments = {name: sample(name)[number % len(sample(name))] for name in names}
        sentence = reason(code, **{name: plain(name, value) for name, value in arguments.items()})
        assert Reason.model_validate_json(sentence.model_dump_json()) == sentence
        assert spoken(sentence) == sentence.text != ""
        with speaking("fr"):
            assert is_translated(sentence)
            french = spoken(sentence)
        assert "%(" not in french.replace("%(x)s", "")
        if code not in {Code.JOINED, Code.LINES, Code.OF_SERVICES} and "%(" not in sentence.text:
            assert french != sentence.text


def test_reasons_stand_in_one_another() -> None:
    """A reason among another one's values is said in the same language; what others said is not."""
    inner = reason(Code.NOT_MEASURED, actual="RTA")
    outer = reason(Code.OF_SERVICES, whose=["a", "b"], because=inner)
    assert outer.text == "a, b: the RTA could not be measured"
    with speaking("fr"):
        assert spoken(outer).endswith(spoken(inner))
        assert spoken(inner) != inner.text
        assert spoken(quoted("no space left")) == "no space left"
    assert joined(["x"]) == quoted("x")
    assert joined([]) == Reason()
    assert in_lines(["x", inner]).text == "x\nthe RTA could not be measured"
    assert in_lines(["x\ny", inner]).lines() == (quoted("x"), quoted("y"), inner)


@pytest.mark.parametrize(
    "damaged",
    [
        {"code": "stayed-green", "values": {}, "text": "green"},
        {"code": "step-ended", "values": {"phase": "x", "step": 1, "ended": "?"}, "text": "green"},
        {"code": "objective-missed", "values": {"length": "long"}, "text": "green"},
        {"code": "of-services", "values": {"whose": 1, "because": {"code": 7}}, "text": "green"},
        {"code": "of-a-later-version", "values": {"a": 1}, "text": "green"},
        "green",
    ],
)
def test_a_reason_that_cannot_be_said_is_shown_as_it_is(damaged: object) -> None:
    """A code of another version, or values that are not its own, leave the English sentence."""
    sentence = Reason.model_validate(damaged)
    with speaking("fr"):
        assert spoken(sentence) == "green"
        assert not is_translated(sentence)


def test_a_text_of_an_old_record_is_kept_and_said() -> None:
    """What format 1 recorded is written as it was, and still has its French words."""
    old = Reason.model_validate("restore step load failed")
    assert old.model_dump_json() == '"restore step load failed"'
    with speaking("fr"):
        new = reason(Code.STEP_FAILED, phase=Phase.RESTORE, step="load")
        assert spoken(old) == spoken(new) != old.text


LOOKS = {
    *("compile", "fullmatch", "match", "search", "sub", "findall", "split", "count", "index"),
    *("startswith", "endswith", "partition", "rpartition", "removeprefix", "removesuffix", "find"),
}
"""What looks for words in a text."""


def looked_for(tree: ast.AST) -> Iterator[ast.Constant]:
    """Return the texts in what is looked for: by a regular expression, at an end, or inside."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            of = getattr(node.func, "value", None)
            if name in LOOKS:
                yield from texts(*node.args)
            elif name == "get" and isinstance(of, ast.Dict):
                yield from texts(*filter(None, of.keys))
        elif isinstance(node, ast.Subscript) and isinstance(node.value, ast.Dict):
            yield from texts(*filter(None, node.value.keys))
        elif isinstance(node, ast.Compare):
            yield from texts(node.left, *node.comparators)
        elif isinstance(node, ast.MatchValue):
            yield from texts(node.value)


def texts(*nodes: ast.AST) -> Iterator[ast.Constant]:
    """Return every text in some expressions."""
    for node in nodes:
        for each in ast.walk(node):
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield each


def composed(tree: ast.AST) -> Iterator[str]:
    """Return the texts of two words and more that a module says, and does not look for."""
    searches = set(map(id, looked_for(tree)))
    docstrings = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for each in texts(tree):
        if id(each) not in searches | docstrings and len(str(each.value).split()) > 1:
            yield str(each.value)


def recognised(sources: Sources) -> list[tuple[str, str]]:
    """Return the words of the product's own English that a module looks for, and where."""
    english = {text for tree in sources.values() for text in composed(tree)}
    english.update(form for code in Code for form in forms(code))
    return [
        (path, words)
        for path, tree in sources.items()
        for words in (str(each.value).strip(" :;,.^$") for each in looked_for(tree))
        if len(words.split()) > 1 and any(words in text for text in english)
    ]


def test_only_old_records_are_recognised_by_their_words() -> None:
    """No other module looks for words that the program itself says: what it means is data."""
    sources = {path: tree for path, tree in package().items() if path != OLD}
    assert OLD in package()
    assert recognised(sources) == []


@pytest.mark.parametrize(
    "look",
    [
        'told.startswith("no host took part")',
        're.search(r"^no host took", told)',
        '"took part" in told',
        'told == "it was locked by another"',
        'told.partition(": it was locked by ")',
        '{"no host took part": 1}.get(told)',
        '{"no host took part": 1}[told]',
        'match told:\n    case "it was locked": pass',
    ],
)
def test_a_module_that_recognises_a_sentence_is_noticed(look: str) -> None:
    """However it looks for words of an error or of a reason, it is told; its own are none."""
    says = ast.parse('raise BusyError(f"{name}: it was locked by another")')
    assert recognised({"says.py": says, "looks.py": ast.parse(look)})
    looks = ast.parse('told.startswith("Fatal: no such")')
    assert not recognised({"says.py": says, "looks.py": looks})


@pytest.mark.parametrize(
    "why",
    [
        *(f"Barman calls it {each}" for each in ("FAILED", "EMPTY")),
        (
            "Barman calls it WAITING_FOR_WALS: "
            "not every log that makes it consistent has been archived"
        ),
        "Barman calls it STARTED: it is under way",
        "Barman calls it SYNCING: it is still being copied",
        "page checksums failed while it was made",
        "it rests on 20260310-010000F, which is not in the repository",
        "it is empty",
        "it was written to less than 5m ago: it may be unfinished",
        "pg_dump did not come to its end: no toc.dat is there",
    ],
)
def test_why_a_backup_is_unusable_is_said_in_french(why: str) -> None:
    """As the catalogue lists it, behind the backup's id; names and figures stay."""
    line = f"20260310T010000: {why}"
    assert spoken(line) == line
    with speaking("fr"):
        french = spoken(line)
        assert french.startswith("20260310T010000\u00a0: ")
        assert why not in french


def sentences_of_checks() -> Iterator[str]:
    """Return what the sources of backups say of a check in words that are always the same."""
    for path, tree in package().items():
        if not path.startswith("adapters/backups/"):
            continue
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                place = {"Content": 0, "Checked": 2}.get(node.func.id, len(node.args))
                for each in node.args[place : place + 1]:
                    if isinstance(each, ast.Constant):
                        yield str(each.value)


def test_what_a_check_of_backups_came_to_is_said_in_french() -> None:
    """Damage stands in red in a report: why is said there in the reader's language."""
    sentences = {each for each in sentences_of_checks() if len(each.split()) > 2}
    assert len(sentences) > 3
    with speaking("fr"):
        assert [each for each in sorted(sentences) if spoken(each) == each] == []
        closed = "it is encrypted with age, which is not read here, and it has no checksum; "
        assert "est chiffrée avec age" in spoken(f"{closed}write its SHA-256 beside it")
        assert spoken("it is dated 2026-99-99 99:99:99 UTC, in the future").startswith("elle est")
        assert "10/03/2026 03:00" in spoken("it is dated 2026-03-10 02:00:00 UTC, in the future")
        assert "5\u00a0min" in spoken("x: it was written to less than 5m ago: it may be unfinished")
