"""What `--help` says of a command fits the terminal that it is read in."""

from __future__ import annotations

import pytest

from pradrill.cli import main


@pytest.mark.parametrize("command", ["init", "doctor", "verify", "run"])
@pytest.mark.parametrize("columns", [60, 80])
def test_a_description_has_lines_that_fit(
    command: str, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Only an example is as long as it is: somebody copies it."""
    monkeypatch.setenv("COLUMNS", str(columns))
    assert main([command, "--help"]) == 0
    words = capsys.readouterr().out.partition("example:")[0]
    assert max(map(len, words.splitlines())) <= columns
