"""What a terminal shows while a command still reads what it needs."""

import io
import sys

import pytest

from pradrill.app.first_words import first_words

WORDS = "shop: reading the plan, the drill and its playbooks"


class ATerminal(io.StringIO):
    """A terminal that keeps what it is given."""

    def isatty(self) -> bool:
        """Return that it is one."""
        return True


@pytest.mark.parametrize("term", ["xterm", "dumb"])
def test_a_terminal_is_not_blank_while_all_is_read(
    term: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The words are there at once, on one line; they go again where a terminal can do that."""
    terminal = ATerminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", term)
    monkeypatch.setenv("COLUMNS", "40")
    with first_words(WORDS):
        before = terminal.getvalue()
    assert before == (WORDS[:39] if term == "xterm" else f"{WORDS}\n")
    assert terminal.getvalue() == before + ("\r\x1b[2K" if term == "xterm" else "")


def test_a_pipe_hears_nothing_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    """Cron sends no mail for it."""
    with first_words(WORDS):
        pass
    assert capsys.readouterr().err == ""
