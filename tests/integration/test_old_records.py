"""What was recorded once is read for ever: a real state of each released format."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from pradrill.cli import main
from pradrill.register.runs.genuine import why_not_genuine

STATES = Path(__file__).parents[1] / "fixtures"
FORMATS = sorted(path.name for path in STATES.glob("format-*"))
RUNS = [
    (path.parents[2].name, path.name) for path in sorted(STATES.glob("format-*/state/runs/2*Z-*"))
]

Command = Callable[..., str]


@pytest.fixture
def command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Command:
    """Return a function that runs a command on a copy of a recorded state; it must end with 0."""
    monkeypatch.delenv("PRADRILL_SIGNING_KEY", raising=False)

    def run(recorded: str, *words: str) -> str:
        home = tmp_path / recorded
        if not home.exists():
            shutil.copytree(STATES / recorded, home)
            (home / "signing").chmod(0o600)  # as git does not keep it
        monkeypatch.chdir(home)
        code = main(["--state", str(home / "state"), *words])
        output = capsys.readouterr()
        assert code == 0, output
        return output.out

    return run


@pytest.mark.parametrize("recorded", FORMATS)
def test_an_old_register_verifies(command: Command, recorded: str) -> None:
    """Nothing that was honestly recorded counts as changed only because it is old."""
    assert "nothing was changed" in command(recorded, "register", "verify")


@pytest.mark.parametrize("recorded", FORMATS)
def test_an_old_register_goes_on_and_verifies(command: Command, recorded: str) -> None:
    """A later command adds to an old register, and it verifies."""
    command(recorded, "finding", "open", "the plan is out of date", "--service", "shop")
    assert "nothing was changed" in command(recorded, "register", "verify")


@pytest.mark.parametrize("recorded", FORMATS)
def test_old_runs_are_listed_and_their_findings_told(command: Command, recorded: str) -> None:
    """Every run of an old state is in the list, with its verdict; its findings are open."""
    listed = command(recorded, "runs")
    for run in (run for name, run in RUNS if name == recorded):
        record = _record(recorded, run)
        assert any(run in line and record["verdict"] in line for line in listed.splitlines())
    assert "F-1" in command(recorded, "findings")


@pytest.mark.parametrize(("recorded", "run"), RUNS)
def test_an_old_run_is_shown_and_reported(command: Command, recorded: str, run: str) -> None:
    """An old record is shown as it is, and reported in every form and both languages."""
    record = _record(recorded, run)
    assert json.loads(command(recorded, "show", run, "--json"))["run_id"] == record["run_id"]
    assert record["verdict"] in command(recorded, "show", run)
    for language in ("en", "fr"):
        for form in ("html", "junit", "csv"):
            output = f"{language}.{form}"
            command(
                recorded, "report", run, "--lang", language, "--format", form, "--output", output
            )
            assert Path(output).stat().st_size > 0


@pytest.mark.parametrize("recorded", FORMATS)
def test_a_dossier_and_a_bundle_are_made_of_old_runs(command: Command, recorded: str) -> None:
    """What an auditor is given can be made from an old state."""
    command(recorded, "dossier", "--from", "2026-01-01", "--to", "2026-12-31", "--output", "d.html")
    command(recorded, "bundle", "--output", "bundle")
    command(recorded, "verify", "bundle")


@pytest.mark.parametrize(("recorded", "run"), RUNS)
def test_an_old_text_is_what_the_journal_tells_today(recorded: str, run: str) -> None:
    """Where today's rules come to the same verdict, its reasons are compared by their texts."""
    differences = str(why_not_genuine(STATES / recorded / "state/runs" / run, None))
    fields = {"reasons", "refused_because", "steps", "guards", "limits", "residue", "recovery"}
    assert "verdict" in differences or not any(field in differences for field in fields)


@pytest.mark.parametrize("recorded", FORMATS)
def test_a_text_that_the_journal_does_not_tell_is_made_up(tmp_path: Path, recorded: str) -> None:
    """That older records have texts alone lets no other text in."""
    run = next(run for name, run in RUNS if name == recorded)
    folder = Path(shutil.copytree(STATES / recorded / "state/runs" / run, tmp_path / run))
    record = json.loads((folder / "record.json").read_text("utf-8"))
    record["reasons"] = ["all was well"]
    (folder / "record.json").write_text(json.dumps(record), encoding="utf-8")
    assert "reasons" in str(why_not_genuine(folder, None))


def _record(recorded: str, run: str) -> dict[str, str]:
    path = STATES / recorded / "state/runs" / run / "record.json"
    return dict(json.loads(path.read_text("utf-8")))
