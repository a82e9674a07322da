"""`pradrill report`: formats, languages, and the letterhead of the house."""

import json
import os
import re
from datetime import datetime
from pathlib import Path

import pytest

from pradrill.cli import main
from pradrill.domain.run.record import Refusal, RunState
from pradrill.domain.run.verdict import Verdict
from pradrill.register.runs.store import FileRunStore
from pradrill.testing import START, a_record, a_run_plan

PLAN = "plan: 1\norganisation: Exemple SAS\nservices: {m: {objectives: {rto: 4h, rpo: 24h}}}\n"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a state folder with one sealed run, in an empty folder and an English session."""
    for name in ("LC_ALL", "LC_MESSAGES", "PRADRILL_STATE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", "C.UTF-8")
    here = tmp_path / "here"
    here.mkdir()
    monkeypatch.chdir(here)
    sealed(tmp_path / "state")
    return tmp_path / "state"


def sealed(home: Path, start: datetime = START, **changes: object) -> str:
    """Seal a run and return its id."""
    journal = FileRunStore(home).open("moodle", start)
    fields = {"run_id": journal.run_id, "started": start, "evidence": ()}
    journal.seal(a_record(**{**fields, **changes}))
    journal.close()
    return journal.run_id


def reported(state: Path, *options: str) -> Path:
    """Write a report and return its path."""
    path = state.parent / "out"
    assert main(["--state", str(state), "report", "--output", str(path), *options]) == 0
    return path


def test_a_page_is_written_beside_the_record(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Without options a page in the session's language is written into the run's folder."""
    assert main(["--state", str(state), "report"]) == 0
    path = Path(capsys.readouterr().out.strip())
    assert path.parent.parent.parent == state / "runs"
    assert path.name == "report.html"
    assert '<html lang="en">' in path.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("html", b"<!DOCTYPE html>"),
        ("pdf", b"%PDF-1.7"),
        ("junit", b"<?xml"),
        ("csv", b"run,drill,"),
        ("in-toto", b'{\n "_type": "https://in-toto.io/Statement/v1"'),
    ],
)
def test_each_format_is_what_it_says(state: Path, form: str, start: bytes) -> None:
    """Each format writes a file that begins as such files do."""
    assert reported(state, "--format", form).read_bytes().startswith(start)


def test_json_holds_the_record_and_its_hash(state: Path) -> None:
    """The JSON has the whole record, and the hash of the bytes that were sealed."""
    document = json.loads(reported(state, "--format", "json").read_text(encoding="utf-8"))
    assert document["record"]["run_id"].startswith("20260310T020000Z-moodle-")
    assert len(document["integrity"]["record_sha256"]) == 64


@pytest.mark.parametrize(
    ("options", "lang", "plan", "language"),
    [
        ((), "fr_FR.UTF-8", "", "fr"),
        ((), "de_DE.UTF-8", "", "en"),
        ((), "C", "language: fr\n", "fr"),
        ((), "fr_FR", "language: en\n", "en"),
        (("--lang", "fr"), "C", "language: en\n", "fr"),
    ],
)
def test_language_is_asked_then_planned_then_the_sessions(
    state: Path, options: tuple[str, ...], lang: str, plan: str, language: str
) -> None:
    """--lang goes before the plan's language, and that before the session's."""
    if plan:
        Path("plan.yml").write_text(PLAN + plan, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LANG", lang)
        page = reported(state, *options).read_text(encoding="utf-8")
    assert f'<html lang="{language}">' in page


def test_two_languages_do_not_overwrite_each_other(state: Path) -> None:
    """A report in a named language has the language in its file's name."""
    for language in ("fr", "en"):
        assert main(["--state", str(state), "report", "--lang", language]) == 0
    names = sorted(path.name for path in state.glob("runs/*/reports/*"))
    assert names == ["report.en.html", "report.fr.html"]


def test_a_bad_letterhead_does_not_stop_a_report(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A logo that cannot be used is told on stderr; the report comes out without it."""
    Path("plan.yml").write_text(PLAN + "logo: missing.png\n", encoding="utf-8")
    page = reported(state).read_text(encoding="utf-8")
    assert "cannot read the logo" in capsys.readouterr().err
    assert "<img" not in page
    assert "RTO" in page


def test_the_run_before_is_compared(state: Path) -> None:
    """The last finished run of the same drill before this one is named, with what changed."""
    sealed(state, START.replace(year=2024))
    before = sealed(state, START.replace(year=2025), plan=a_run_plan(plan_version=2))
    sealed(state, START.replace(year=2027))
    page = reported(state, "20260310T").read_text(encoding="utf-8")
    page = re.sub("</?span[^>]*>", "", page)
    assert f"Compared with run {before} of 2025-03-10" in page
    assert "plan version: 2 \u2192 3" in page


def test_bars_have_the_runs_before_that_the_register_holds(state: Path) -> None:
    """Up to eight finished runs of the drill before this one are ticks; a changed one is none."""
    years = range(2010, 2020)
    runs = [sealed(state, START.replace(year=year)) for year in years]
    tick = 'v6" stroke="#1b1b1b" stroke-width="1"/>'
    page = reported(state, "20260310T").read_text(encoding="utf-8")
    assert page.count(tick) == 2 * 8
    assert "the 8 runs before" in page
    record = state / "runs" / runs[-1] / "record.json"
    record.chmod(0o600)
    record.write_bytes(record.read_bytes() + b" ")
    assert main(["--state", str(state), "report", "20260310T", "--output", str(state / "r")]) == 0
    assert (state / "r").read_text(encoding="utf-8").count(tick) == 2 * 7
    assert "As the register had them on" in page


@pytest.mark.parametrize(
    "changes",
    [
        {"refusal": Refusal.BUSY, "verdict": Verdict.INCONCLUSIVE},
        {"state": RunState.CRASHED, "verdict": Verdict.INCONCLUSIVE},
    ],
)
def test_only_a_finished_run_is_compared_with(state: Path, changes: dict[str, object]) -> None:
    """A run that was refused or crashed is no baseline."""
    sealed(state, START.replace(year=2025), **changes)
    page = reported(state, "20260310T").read_text(encoding="utf-8")
    assert "No earlier finished run of this drill is known." in page


def test_output_that_cannot_be_written_is_an_error(
    state: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A folder in place of the file is told in one sentence, with exit code 14."""
    assert main(["--state", str(state), "report", "--output", os.fspath(state)]) == 14
    assert "cannot write" in capsys.readouterr().err
