"""The register's commands: their answers, their exit codes, and what they leave in the register."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pradrill.app.composition import App
from pradrill.cli import main
from pradrill.cli.commands.run import run
from pradrill.cli.parser import parser
from pradrill.domain.register.entry import EntryKind
from pradrill.errors import ExitCode
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import a_sealed_run

_PLAN = """
plan: 1
organisation: Exemple SAS
services:
  moodle:
    objectives: {rto: 4h, rpo: 24h}
    drill_every: 3 months
"""


@pytest.fixture
def store(tmp_path: Path) -> FileRunStore:
    """Return a store with two runs; the last was long before any test is run."""
    store = FileRunStore(tmp_path / "state")
    a_sealed_run(store, 0)
    a_sealed_run(store, 1)
    (tmp_path / "plan.yml").write_text(_PLAN)
    return store


def command(store: FileRunStore, *words: str) -> int:
    """Run a command on the store."""
    return main(["--state", str(store.state), "--drills", str(store.state.parent), *words])


def test_verify_answers_with_its_exit_code(
    store: FileRunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """0 and the head when nothing was changed; 14 and each place when something was."""
    assert command(store, "register", "verify") == ExitCode.PASSED
    output = capsys.readouterr().out
    assert "2 runs" in output
    assert f"head: {store.register.head()}" in output
    assert "nobody signed this" in output
    folder = next(store.runs.glob("2*"))
    (folder / "journal.jsonl").write_text("")
    assert command(store, "register", "verify") == ExitCode.RECORD
    output = capsys.readouterr().out
    assert f"runs/{folder.name}/journal.jsonl: was changed" in output
    assert "something was changed or removed; troubles: 1" in output


def test_verify_takes_a_head_or_a_file_of_heads(store: FileRunStore, tmp_path: Path) -> None:
    """`--head` finds out a register that was cut, from a hash and from a log."""
    assert command(store, "register", "head") == 0
    log = tmp_path / "heads.log"
    log.write_text(f"2026-03-10T02:00:00Z {store.register.head()}\n")
    last = str(store.register.head()).split()[1]
    for option in (str(log), last):
        assert command(store, "register", "verify", "--head", option) == ExitCode.PASSED
    made_anew = FileRunStore(tmp_path / "anew")
    a_sealed_run(made_anew)
    for option in (str(log), last):
        assert command(made_anew, "register", "verify", "--head", option) == ExitCode.RECORD


def test_verify_looks_for_the_heads_in_the_plans_log(
    store: FileRunStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An older state that was put back is found without any option, where the plan names a log.

    Of a state directory that is named alone, this plan says nothing.
    """
    (tmp_path / "plan.yml").write_text(_PLAN + "sealing: {head_log: elsewhere/heads.log}\n")
    older = {path: path.read_bytes() for path in (store.register.path, store.register.head_path)}
    assert command(store, "register", "verify") == ExitCode.PASSED
    assert "was looked for" not in capsys.readouterr().out
    assert command(store, "finding", "open", "an old host is named", "--service", "moodle") == 0
    assert command(store, "register", "verify") == ExitCode.PASSED
    assert f"each head in {tmp_path}/elsewhere/heads.log was looked for" in capsys.readouterr().out
    for path, content in older.items():
        path.write_bytes(content)
    assert command(store, "register", "verify") == ExitCode.RECORD
    assert "was published and is not in the register" in capsys.readouterr().out
    assert main(["--state", str(store.state), "register", "verify"]) == ExitCode.PASSED
    assert command(store, "register", "acknowledge", "--because", "restored") == ExitCode.PASSED
    assert command(store, "register", "verify") == ExitCode.ACKNOWLEDGED


def test_entries_are_listed_and_shown(
    store: FileRunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each entry has a line, its JSON line for programs, and its content by number."""
    assert command(store, "register", "list") == 0
    output = capsys.readouterr().out.splitlines()
    assert len(output) == len(store.register.lines())
    assert all("FINISHED, PASSED, code 0" in line for line in output)
    assert command(store, "register", "list", "--json") == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert {line.pop("format") for line in lines} == {1}
    assert lines == [*map(json.loads, store.register.path.read_text().splitlines())]
    assert command(store, "register", "show", "2") == 0
    assert json.loads(capsys.readouterr().out)["number"] == 2
    assert command(store, "register", "show", "9") == ExitCode.USAGE


def test_a_bundle_is_made_and_verified(
    store: FileRunStore, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """`bundle` writes the newest run's evidence, `verify` answers 0, and 14 once it is changed."""
    out = tmp_path / "evidence"
    assert command(store, "bundle", "--output", str(out)) == ExitCode.PASSED
    assert command(store, "verify", str(out)) == ExitCode.PASSED
    (out / "VERIFY.txt").unlink()
    capsys.readouterr()
    assert command(store, "verify", str(out)) == ExitCode.RECORD
    assert "VERIFY.txt: is missing" in capsys.readouterr().out
    assert command(store, "verify", str(tmp_path)) == ExitCode.USAGE
    assert "HINT: " in capsys.readouterr().err


def test_a_missed_schedule_is_entered_once(
    store: FileRunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """`due` enters each due date that nobody attempted; asked again, it adds nothing."""
    assert command(store, "due") == ExitCode.PASSED
    missed = [e.body for e in store.register.entries() if e.kind is EntryKind.SCHEDULE_MISSED]
    assert missed[0]["service"] == "moodle"
    assert missed[0]["due"] == "2026-06-11T02:00:00Z"
    assert "nobody attempted its drill" in capsys.readouterr().err
    before = store.register.path.read_bytes()
    assert command(store, "due") == ExitCode.PASSED
    assert store.register.path.read_bytes() == before
    assert command(store, "register", "verify") == ExitCode.PASSED


def test_an_attempt_that_its_configuration_ends_is_an_entry(store: FileRunStore) -> None:
    """Under `due --run`, a broken plan is exit 3 and an attempt; a look at what is due is none."""
    (store.state.parent / "plan.yml").write_text("plan: none\n")
    assert command(store, "due") == ExitCode.CONFIGURATION
    assert [e.kind for e in store.register.entries()].count(EntryKind.ATTEMPT) == 0
    assert command(store, "due", "--run") == ExitCode.CONFIGURATION
    (attempt,) = (e.body for e in store.register.entries() if e.kind is EntryKind.ATTEMPT)
    assert attempt["exit_code"] == 3
    assert "plan.yml" in attempt["because"]


def the_attempts(store: FileRunStore) -> list[dict[str, object]]:
    """Return the attempts without a run that the register holds."""
    return [e.body for e in store.register.entries() if e.kind is EntryKind.ATTEMPT]


def test_a_run_that_its_configuration_ends_is_an_entry(store: FileRunStore) -> None:
    """A hand-started run of a drill that is wrong is exit 3, an attempt, and nothing else."""
    (store.state.parent / "shop.yml").write_text("drill: shop\nrestore: nonsense\n")
    folders = sorted(store.runs.iterdir())
    assert command(store, "run", "shop") == ExitCode.CONFIGURATION
    (attempt,) = the_attempts(store)
    assert (attempt["drill"], attempt["trigger"], attempt["exit_code"]) == ("shop", "cli", 3)
    assert "shop.yml" in str(attempt["because"])
    assert attempt["began"] is not None
    assert sorted(store.runs.iterdir()) == folders
    assert command(store, "register", "verify") == ExitCode.PASSED


def test_a_look_leaves_no_entry(store: FileRunStore) -> None:
    """`validate`, `plan` and `run --dry-run` of a wrong drill are no attempts."""
    (store.state.parent / "shop.yml").write_text("drill: shop\nrestore: nonsense\n")
    before = store.register.path.read_bytes()
    for words in (["validate"], ["plan", "shop"], ["run", "shop", "--dry-run"]):
        assert command(store, *words) == ExitCode.CONFIGURATION
    assert store.register.path.read_bytes() == before


def test_a_wrong_configuration_is_told_where_nothing_can_be_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without a usable state directory the exit code stays 3, and the missing entry is told."""
    (tmp_path / "plan.yml").write_text(_PLAN)
    (tmp_path / "state").write_text("a file, no folder")
    words = ["--state", str(tmp_path / "state"), "--drills", str(tmp_path), "run", "shop"]
    assert main(words) == ExitCode.CONFIGURATION
    output = capsys.readouterr().err
    assert 'no drill is called "shop"' in output
    assert "the attempt is not in the register" in output


def test_a_bug_before_the_run_is_an_entry(
    store: FileRunStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What ends an attempt need not be a known error: a bug or Ctrl-C is entered, too."""
    errors = {ZeroDivisionError("a bug"): 1, KeyboardInterrupt(): 130}
    for error in errors:

        def project(*_: object, error: BaseException = error) -> None:
            raise error

        monkeypatch.setattr(App, "project", project)
        with pytest.raises(type(error)):
            run(parser().parse_args(["--state", str(store.state), "run", "moodle"]))
    assert [attempt["exit_code"] for attempt in the_attempts(store)] == list(errors.values())


def test_a_damaged_register_stops_no_drill(
    store: FileRunStore, capsys: pytest.CaptureFixture[str]
) -> None:
    """What is due is told although the register cannot be read; that is told, too."""
    store.register.path.write_bytes(b"garbage\n" + store.register.path.read_bytes())
    assert command(store, "due") == ExitCode.PASSED
    output = capsys.readouterr()
    assert "moodle: due" in output.out
    assert "register:1: this line is no entry" in output.err
