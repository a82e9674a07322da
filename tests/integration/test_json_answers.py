"""What commands answer programs: JSON that says its format."""

from __future__ import annotations

import json
from argparse import ArgumentParser, _SubParsersAction
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.house import build

from pradrill.cli import main
from pradrill.cli.parser import parser
from pradrill.domain.run.record import RECORD_FORMAT
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_drill, a_run_plan, a_sealed_run, a_service

WITHOUT = {"pradrill lab ssh"}
"""It hands on what the machine says."""
RECORDS = {"show", "runs"}
"""They answer with the record as it was sealed, which has a format of its own."""
ANSWERS = (
    ("validate",),
    ("plan", "shop"),
    ("run", "shop", "--dry-run"),
    ("due",),
    ("runs",),
    ("show",),
    ("answer",),
    ("sabotage",),
    ("register", "verify"),
    ("register", "list"),
    ("register", "show", "1"),
    ("register", "head"),
    ("finding", "open", "an old host is named", "--service", "shop"),
    ("finding", "show", "F-1"),
    ("findings",),
    ("incident", "open", "it is down", "--service", "shop"),
    ("incident", "list"),
    ("annotate", "moodle", "--well", "all"),
    ("report",),
    ("report", "--format", "csv"),
    ("dossier", "--format", "json"),
    ("sheet",),
    ("bundle", "--output", "evidence"),
    ("verify", "evidence"),
    ("index",),
    ("gc",),
    ("lab", "status"),
    ("doctor", "shop"),
)


def leaves(command: ArgumentParser) -> Iterator[ArgumentParser]:
    """Yield the commands that are carried out, below one that only names them, too."""
    kinds = [action for action in command._actions if isinstance(action, _SubParsersAction)]
    if not kinds:
        yield command
    for below in kinds[0].choices.values() if kinds else ():
        yield from leaves(below)


def test_every_command_answers_programs() -> None:
    """Each takes --json, those of a command's own, too."""
    lacking = {
        command.prog
        for command in leaves(parser(declared=True))
        if not any("--json" in action.option_strings for action in command._actions)
    }
    assert lacking == WITHOUT


def test_every_answer_says_its_format(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With --json a command prints one document, or one a line, and nothing else."""
    build(tmp_path)
    (tmp_path / "known_hosts").touch()
    monkeypatch.chdir(tmp_path)
    plan = a_run_plan(services={"shop": a_service()}, drill=a_drill(services=("shop",)))
    a_sealed_run(FileRunStore(tmp_path / "state"), plan=plan)

    for words in ANSWERS:
        main(["--state", "state", *words, "--json"])
        output, errors = capsys.readouterr()
        assert documents(output), (words, output, errors)
        formats = {each.get("format") for each in documents(output)}
        assert formats == {RECORD_FORMAT if words[0] in RECORDS else 1}, (words, output)

    (tmp_path / "drills/shop.yml").write_text("drill: shop\nnonsense: 1\n")
    assert main(["--state", "state", "validate", "--json"]) == 3
    (answer,) = documents(capsys.readouterr().out)
    assert answer["valid"] is False
    first = answer["problems"][0]
    assert (Path(first["file"]).name, first["line"]) == ("shop.yml", 1)


def documents(output: str) -> list[dict[str, Any]]:
    """Return the documents that an answer consists of."""
    try:
        return [json.loads(output)]
    except ValueError:
        return [json.loads(line) for line in output.splitlines()]
