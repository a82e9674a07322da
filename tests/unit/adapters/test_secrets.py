"""Secrets are fetched once, kept nowhere else, and refused without a word of them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pradrill.adapters import secrets
from pradrill.adapters.secrets import Secrets, resolve
from pradrill.domain.values.masking import MASK
from pradrill.errors import NotReadyError
from pradrill.testing import a_run_plan

_VALUE = "Kuckucksuhr-1771"


def test_the_environment_keeps_no_secret_that_was_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is started later does not inherit it; the run still has it, and masks it."""
    monkeypatch.setenv("SHOP_PASSWORD", _VALUE)
    secrets = Secrets()
    assert secrets.resolve("env:SHOP_PASSWORD") == _VALUE
    assert "SHOP_PASSWORD" not in os.environ
    assert secrets.resolve("env:SHOP_PASSWORD") == _VALUE
    assert secrets.masker.text(f"it is {_VALUE}") == f"it is {MASK}"


def test_what_no_run_uses_is_masked_in_none(monkeypatch: pytest.MonkeyPatch) -> None:
    """As the address of a channel: who fetches its value alone cleans what is said of it."""
    monkeypatch.setenv("HOOK", _VALUE)
    secrets = Secrets()
    assert secrets.value("env:HOOK") == _VALUE
    assert secrets.masker.text(_VALUE) == _VALUE
    assert secrets.resolve("env:HOOK") == _VALUE
    assert secrets.masker.text(_VALUE) == MASK


def test_what_one_drill_hides_and_the_next_is_called_by_is_hidden_in_the_first_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """In one process: masked, the second drill's journal would be none; its own stay hidden."""
    monkeypatch.setenv("FIRST", "moodle")
    monkeypatch.setenv("RESTIC_PASSWORD", "Dampfradio-1772")
    secrets = Secrets()
    secrets.masker.learn(_VALUE)
    secrets.resolve("env:FIRST")
    assert secrets.masker.text("moodle") == MASK
    assert secrets.fetch(a_run_plan()) == ()
    assert secrets.masker.text("moodle") == "moodle"
    assert secrets.masker.text(_VALUE) == MASK


def test_a_command_is_run_without_a_shell_and_prints_the_secret() -> None:
    """Its words are split as a shell would, and nothing in them is expanded."""
    assert resolve("command: printf '%s\\n' 'one $HOME two'") == "one $HOME two"


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (f"sh -c 'echo {_VALUE}; echo {_VALUE} >&2; exit 3'", "ended with exit code 3"),
        ("no-such-program-here", "cannot be run: No such file"),
        ("head -c 70000 /dev/zero", "prints more than 64 KiB"),
        ("printf '\\377\\376abcd'", "prints what is not UTF-8 text"),
        ("echo 'open", "cannot be split into words"),
        ("sleep 20", "did not end within"),
        ("true", "is empty"),
        ("echo abc", "has fewer than 4 characters"),
    ],
)
def test_a_command_that_gives_no_secret_is_refused(
    monkeypatch: pytest.MonkeyPatch, words: str, why: str
) -> None:
    """With the reason; what it printed is not told."""
    monkeypatch.setattr(secrets, "COMMAND_SECONDS", 2.0)
    with pytest.raises(NotReadyError) as refusal:
        resolve(f"command:{words}")
    assert why in refusal.value.message
    assert refusal.value.hint


def test_a_file_without_end_is_no_secret(tmp_path: Path) -> None:
    """Neither is a device, nor what is longer than any key."""
    long = tmp_path / "long"
    long.write_text("x" * 70_000)
    long.chmod(0o600)
    for path, why in ((long, "is longer than 64 KiB"), (Path("/dev/zero"), "can be read by")):
        with pytest.raises(NotReadyError, match=why):
            resolve(f"file:{path}")


@pytest.mark.parametrize("path", ["~nobody-of-that-name/x", "/tmp/a\0b"])
def test_a_path_that_names_nothing_is_refused(path: str) -> None:
    """The home of nobody, and a path that no file can have: a sentence, no traceback."""
    with pytest.raises(NotReadyError, match="its path names nothing"):
        resolve(f"file:{path}")
