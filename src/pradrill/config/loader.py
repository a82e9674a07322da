"""Load YAML files into models; each key's line is kept, so that a problem has a place.

The only importer of yaml. Scalars are read as YAML 1.2 reads them: `on`, `yes`, `1:30` and
`0600` stay strings. Duplicate keys are problems.
"""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from pradrill.config.once import once
from pradrill.config.problems import ConfigurationProblemsError, Problem

_LARGEST = 1_000_000
_DEEPEST = 50
_TEXT = "tag:yaml.org,2002:str"
Loc = tuple[str | int, ...]
"""A place in a document: keys and positions, from the top."""

_Model = TypeVar("_Model", bound=BaseModel)


class Document(NamedTuple):
    """A YAML file's content, and the line of every key and item in it."""

    file: Path
    content: Any
    lines: Mapping[Loc, int]
    problems: tuple[Problem, ...] = ()
    """What YAML alone shows to be wrong, as a key given twice; the content is read all the same."""
    read: bytes = b""
    """The file as it was read."""

    def line(self, loc: Loc) -> int:
        """Return the line of a place, or of the nearest one around it that is written."""
        while loc not in self.lines and loc:
            loc = loc[:-1]
        return self.lines.get(loc, 1)

    def problem(self, loc: Loc, message: str, hint: str | None = None) -> Problem:
        """Return a problem at a place."""
        return Problem(self.file, self.line(loc), dotted(loc), message, hint)


# libyaml reads ten times faster; a PyYAML that was built without it has its own parser only.
if TYPE_CHECKING:
    from yaml import SafeLoader as _Parser

    from pradrill.domain.declared.plan import Plan
else:
    _Parser = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Loader(_Parser):
    """PyYAML's safe loader with the scalars of YAML 1.2's core schema."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}


for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", "~nN\0"),
    ("int", r"0|-?[1-9][0-9]*", "-0123456789"),
    ("float", r"-?(?:0|[1-9][0-9]*)\.[0-9]+(?:[eE][-+]?[0-9]+)?", "-0123456789"),
):
    _first_letters = [*_first.replace("\0", ""), *([""] if "\0" in _first else [])]
    _Loader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"^(?:{_pattern})$"), _first_letters
    )


def load_plan(path: Path) -> Plan:
    """Read the plan; raises ConfigurationProblemsError."""
    from pradrill.domain.declared.plan import Plan  # noqa: PLC0415 large, and many documents are none

    return validate(read_document(path), Plan)


@once
def playbook_problem(path: Path) -> str | None:
    """Say what keeps a file from being a playbook, or None; Ansible judges the rest."""
    if not path.is_file():
        return f"{path} does not exist"

    try:
        node = yaml.compose(_text(path), Loader=_Loader)
    except ConfigurationProblemsError as error:
        return error.problems[0].message
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        line = mark.line + 1 if mark else 1
        return f"{path}:{line} is not valid YAML: {_what_is_wrong(error)}"

    plays = node.value if isinstance(node, yaml.SequenceNode) else []
    if not plays or not all(isinstance(play, yaml.MappingNode) for play in plays):
        return f"{path} is not a list of plays"

    return None


def read_document(path: Path) -> Document:
    """Read a file with one YAML mapping; raises ConfigurationProblemsError when it is not one."""
    text = _text(path)
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
        what = f"not valid YAML: {_what_is_wrong(error)}"
        raise _one(path, mark.line + 1 if mark else 1, what) from error
    except RecursionError as error:
        raise _one(path, 1, "nested too deeply") from error
    if not isinstance(node, yaml.MappingNode):
        what = "empty" if node is None else "not a mapping of keys to values"
        raise _one(path, 1, f"the file is {what}")

    lines: dict[Loc, int] = {(): 1}
    problems: list[Problem] = []
    content = _Reader(path, lines, problems).value(node, ())

    return Document(path, content, lines, tuple(problems), text.encode())


def validate(document: Document, model: type[_Model]) -> _Model:
    """Turn a document into a model; raises ConfigurationProblemsError with every problem."""
    problems = list(document.problems)
    refused = {(problem.line, problem.path) for problem in problems}
    try:
        value = model.model_validate(document.content, context={"folder": document.file.parent})
    except ValidationError as error:
        errors = error.errors(include_url=False)
        more = [_problem(document, model, each) for each in errors if not _echo(each, errors)]
        problems += [each for each in more if (each.line, each.path) not in refused]
        raise ConfigurationProblemsError(problems) from error
    if problems:
        raise ConfigurationProblemsError(problems)

    return value


def _echo(details: ErrorDetails, others: list[ErrorDetails]) -> bool:
    """Tell whether a list is called too short only because what stands in it is wrong."""
    loc = details["loc"]
    return details["type"] == "too_short" and any(
        len(other["loc"]) > len(loc) and other["loc"][: len(loc)] == loc for other in others
    )


def dotted(loc: Loc) -> str:
    """Write a place the way people read it: restore[0].playbook."""
    text = "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in loc)
    return text.removeprefix(".")


def suggestion(word: str, words: list[str]) -> str | None:
    """Return a hint naming the closest known word, or all of them when there are few."""
    close = get_close_matches(word, words, n=1)
    if close:
        return f'Did you mean "{close[0]}"?'
    return f"Known: {', '.join(sorted(words))}." if words else None


class _Reader:
    """Builds plain values from YAML nodes, noting lines and refusing what YAML hides."""

    def __init__(self, file: Path, lines: dict[Loc, int], problems: list[Problem]) -> None:
        self._file = file
        self._lines = lines
        self._problems = problems
        self._scalars = yaml.SafeLoader("")

    def value(self, node: yaml.Node, loc: Loc) -> Any:
        self._lines.setdefault(loc, node.start_mark.line + 1)
        if len(self._lines) > _LARGEST // 10:
            raise _one(self._file, node.start_mark.line + 1, "too many values")
        if len(loc) > _DEEPEST:  # also what an alias holds that stands inside of its anchor
            raise _one(self._file, node.start_mark.line + 1, "nested too deeply")
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, loc)
        if isinstance(node, yaml.SequenceNode):
            return [self.value(item, (*loc, n)) for n, item in enumerate(node.value)]

        if node.tag == _TEXT:  # most are
            return node.value
        try:
            return self._scalars.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            what = getattr(error, "problem", None) or str(error)
            self._refuse(node, loc, f"not a plain value: {what}")
            return None

    def _mapping(self, node: yaml.MappingNode, loc: Loc) -> dict[str, Any]:
        first: dict[Hashable, int] = {}
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = getattr(key_node, "value", None)
            if not isinstance(key, str) or key_node.tag != _TEXT:
                self._refuse(key_node, loc, "a key must be text; write it in quotes")
                continue

            line = key_node.start_mark.line + 1
            if key in first:
                message = f'the key "{key}" is already given on line {first[key]}'
                self._refuse(key_node, (*loc, key), message)
                continue

            first[key] = line
            self._lines[(*loc, key)] = line
            content[key] = self.value(value_node, (*loc, key))

        return content

    def _refuse(self, node: yaml.Node, loc: Loc, message: str) -> None:
        self._problems.append(Problem(self._file, node.start_mark.line + 1, dotted(loc), message))


def _what_is_wrong(error: Exception) -> str:
    """Return YAML's own reason, in one line."""
    lines = str(getattr(error, "problem", None) or error).splitlines()
    return lines[0] if lines else "it is nested too deeply"


def _text(path: Path) -> str:
    try:
        if path.stat().st_size > _LARGEST:
            raise _one(path, 1, "the file is larger than 1 MB: it is no plan and no drill")
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise _one(path, line, "the file is not UTF-8 text") from error
    except OSError as error:
        raise _one(path, 1, f"cannot be read: {error.strerror}") from error


def _one(path: Path, line: int, message: str) -> ConfigurationProblemsError:
    return ConfigurationProblemsError([Problem(path, line, "", message)])


_WORDS = {
    "string_type": "must be text; write it in quotes",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "dict_type": "must be a mapping of keys to values",
    "model_type": "must be a mapping of keys to values",
    "tuple_type": "must be a list",
    "path_type": "must be a path",
    "string_too_short": "must not be empty",
    "too_short": "must not be empty",
}


_FORMS = {
    r"^[a-z][a-z0-9_-]": "must begin with a small letter; digits, - and _ may follow, too",
    r"^[a-z][a-z0-9 _-]": "must begin with a small letter; digits, spaces, - and _ may follow, too",
    r"^[a-z][a-z0-9-]": "must begin with a small letter; digits and - may follow, too",
    r"^[A-Z][A-Z0-9_]": "must be the name of an environment variable, as AWS_SECRET_ACCESS_KEY",
    r"^/": "must be an absolute path, which begins with /",
}
"""How a pattern begins → what it asks for."""


def _problem(document: Document, model: type[BaseModel], details: ErrorDetails) -> Problem:
    loc = tuple(part for part in details["loc"] if _is_written(document, part))
    kind = details["type"]
    if kind == "missing":
        return document.problem(loc[:-1], f"{loc[-1]} is missing")

    if kind == "extra_forbidden":
        word = str(loc[-1])
        keys = _declared_keys(model, details["loc"][:-1])
        if word in keys:
            return document.problem(
                loc, f'"{word}" is a key of another kind, and does nothing here'
            )
        if word in {"rto", "rpo", "mtpd", "objectives"} and "drill" in model.model_fields:
            hint: str | None = "Objectives come from the plan; a drill cannot change them."
        else:
            hint = suggestion(word, keys)

        return document.problem(loc, f'"{word}" is not a known key', hint)
    if kind == "value_error":
        return document.problem(loc, str(details["ctx"]["error"]))

    if kind == "string_pattern_mismatch":
        return document.problem(loc, _pattern_words(details))

    message = _WORDS.get(kind, details["msg"][:1].lower() + details["msg"][1:])
    keys = _declared_keys(model, details["loc"]) if kind == "model_type" else []
    hint = f"It has the keys {', '.join(keys)}: see drills/README.md." if keys else None
    return document.problem(loc, message, hint)


def _pattern_words(details: ErrorDetails) -> str:
    """Say what a text must look like; nobody has to read a regular expression."""
    pattern = details["ctx"]["pattern"]
    words = next((words for start, words in _FORMS.items() if pattern.startswith(start)), None)
    if words is None:
        words = "has a sign that cannot be there, or lacks one that must"
    return f'"{details["input"]}" {words}'


def _is_written(document: Document, part: str | int) -> bool:
    """Drop the names that pydantic gives to branches of a union: nobody wrote them."""
    return (
        isinstance(part, int)
        or not re.search(r"[\[\]()]|^(str|datetime|tuple)$", part)
        or any(part in loc for loc in document.lines)
    )


def _declared_keys(model: type[BaseModel], loc: Loc) -> list[str]:
    """Return the keys that the model at a place declares."""
    models = [model]
    for part in loc:
        if isinstance(part, int):
            continue
        if part.startswith("("):  # the tag of a union's branch: the model's name
            models = [one for one in models if f"({one.__name__})" == part] or models
            continue

        fields = [one.model_fields[part] for one in models if part in one.model_fields]
        inner = [one for field in fields for one in _models_in(field.annotation)]
        models = inner or models  # else a name chosen by the user: plan.services.<name>

    return list(dict.fromkeys(key for one in models for key in one.model_fields))


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    models: list[type[BaseModel]] = []
    for argument in getattr(annotation, "__args__", ()):
        models += _models_in(argument)
    return models
