"""What the READMEs say is true: their tables, links and commands.

After a key of plan.yml or of a drill has changed, this writes drills/README.md's tables anew:

    .venv/bin/python tests/unit/test_signage.py
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from pradrill.cli.arguments import CommandParser
from pradrill.cli.parser import parser
from pradrill.config.key_tables import key_tables
from pradrill.config.schema import MODELS, json_schema

REPOSITORY = Path(__file__).parents[2]
SIGNS = [
    REPOSITORY / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "drills/README.md",
        "playbooks/README.md",
        "inventories/README.md",
        "src/README.md",
        "src/packaging/README.md",
        "tests/README.md",
        "tests/benchmarks/README.md",
    )
]
PACKAGE = REPOSITORY / "src/pradrill"
KEYS = REPOSITORY / "drills/README.md"
LONGEST = {"README.md": 140}
"""The first page is read at once, or not at all."""


def with_key_tables(text: str) -> str:
    """Return drills/README.md with its tables as the models have them."""
    above = text.partition("<!-- keys: plan -->")[0]
    tables = "".join(f"<!-- keys: {kind} -->\n\n{key_tables(kind)}\n" for kind in ("plan", "drill"))
    return f"{above}{tables}<!-- end -->\n"


def properties(node: object) -> Iterator[tuple[str, dict[str, object]]]:
    """Yield every key that a schema declares, however deep."""
    if isinstance(node, dict):
        for key, value in node.get("properties", {}).items():
            yield key, value
        for value in node.values():
            yield from properties(value)
    elif isinstance(node, list):
        for value in node:
            yield from properties(value)


def commands() -> dict[str, set[str]]:
    """Return every command of the parser, with the words that may come after it, and options."""
    return {name: _words(each) for name, each in _subcommands(parser()).items()}


def _subcommands(of: argparse.ArgumentParser) -> dict[str, argparse.ArgumentParser]:
    if isinstance(of, CommandParser):
        of.declare()
    for action in of._actions:
        if isinstance(action, argparse._SubParsersAction):
            return dict(action.choices)
    return {}


def _words(of: argparse.ArgumentParser) -> set[str]:
    below = _subcommands(of)
    options = {option for action in of._actions for option in action.option_strings}
    return options.union(below, *(_words(each) for each in below.values()))


def anchors(path: Path) -> set[str]:
    """Return what a link into a Markdown file may end in, as GitHub makes it from headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_key_tables_are_those_of_the_models() -> None:
    """Every key of plan.yml and of a drill stands in drills/README.md as it is declared."""
    text = KEYS.read_text("utf-8")
    how = "a key changed; write the tables anew: .venv/bin/python tests/unit/test_signage.py"
    assert text == with_key_tables(text), how


@pytest.mark.parametrize("kind", MODELS)
def test_every_key_has_a_meaning_and_an_example(kind: str) -> None:
    """Nobody has to guess what a key is for; a part's example is made of its own keys'."""
    schema = json_schema(kind)
    bare = [
        key
        for key, node in properties(schema)
        if not (node.get("description") and node.get("examples"))
    ]
    assert bare == [], "give them Field(description=…, examples=[…])"


def test_a_default_duration_is_written_as_people_write_it() -> None:
    """What an editor fills in from the schema is what a drill may say."""
    deadline = json_schema("drill")["$defs"]["PlaybookStep"]["properties"]["deadline"]
    assert deadline["default"] == "1h"
    assert "| `deadline` | duration | `1h` |" in key_tables("drill")
    for kind in ("plan", "drill"):  # two kinds of standby have the same part
        assert not re.search(r"Under (?:.*, )?(`[^`]+`)(?:, `[^`]+`)*, \1", key_tables(kind))


@pytest.mark.parametrize("sign", SIGNS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_relative_link_leads_somewhere(sign: Path) -> None:
    """A link to a file that moved, or to a heading that changed, is found here."""
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", sign.read_text("utf-8")):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        path = (sign.parent / name).resolve() if name else sign
        readme = path / "README.md" if path.is_dir() else path
        if not path.exists() or (anchor and anchor not in anchors(readme)):
            broken.append(target)
    assert broken == []


@pytest.mark.parametrize("sign", SIGNS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_command_and_option_exists(sign: Path) -> None:
    """Whatever is written after `pradrill` is one of its commands, with options that it has."""
    options_of = commands()
    examples = re.findall(
        r"(?:^|`|bin/)pradrill ([a-z-].*?)(?:`|$|  )", sign.read_text("utf-8"), re.MULTILINE
    )
    wrong = []
    for line in examples:
        words = re.sub(r"^(--\w+ \S+ )*", "", line).split()
        if not words or words[0] not in options_of:
            wrong.append(line)
            continue
        options = re.findall(r"(?<!\S)--[a-z-]+", " ".join(words[1:]))
        wrong += [f"{line}: {option}" for option in options if option not in options_of[words[0]]]
    assert wrong == []


@pytest.mark.skipif(not (PACKAGE / "domain/values").exists(), reason="the rooms are not built yet")
@pytest.mark.parametrize("name", ["src/README.md", "CONTRIBUTING.md"])
def test_every_module_and_room_that_is_named_exists(name: str) -> None:
    """Whoever is sent to a file finds it."""
    text = (REPOSITORY / name).read_text("utf-8")
    paths = re.findall(r"`([a-z_/]+(?:/|\.py))[`,]", text)
    missing = [
        each for each in paths if not any((top / each).exists() for top in (PACKAGE, REPOSITORY))
    ]
    assert missing == []


@pytest.mark.parametrize("sign", SIGNS, ids=lambda path: str(path.relative_to(REPOSITORY)))
def test_every_yaml_block_is_yaml(sign: Path) -> None:
    """What is copied from a README can be read."""
    for block in re.findall(r"```yaml\n(.*?)```", sign.read_text("utf-8"), re.DOTALL):
        assert yaml.safe_load(block)


def test_the_first_page_is_short() -> None:
    """A README that grows is a folder's README that is missing."""
    lines = {name: len((REPOSITORY / name).read_text("utf-8").splitlines()) for name in LONGEST}
    assert {name for name, count in lines.items() if count > LONGEST[name]} == set()


if __name__ == "__main__":
    KEYS.write_text(with_key_tables(KEYS.read_text("utf-8")), "utf-8")
