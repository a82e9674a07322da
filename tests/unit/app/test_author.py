"""Who did it: the real user, whatever the environment says."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

import pytest

from pradrill.app import author
from pradrill.app.author import user
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.language.reasons import spoken

NAMES = {0: "root", 1000: "alice", 1001: "bob"}


@pytest.fixture(autouse=True)
def forged(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set every variable that names a user, and have three accounts and no login."""
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME", "SUDO_USER"):
        monkeypatch.setenv(name, "mallory")

    def account(uid: int) -> pwd.struct_passwd:
        return pwd.struct_passwd((NAMES[uid], "x", uid, uid, "", "/", "/bin/sh"))

    monkeypatch.setattr(pwd, "getpwuid", account)
    logged_in(monkeypatch, tmp_path, 2**32 - 1)


def logged_in(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, uid: int) -> None:
    """Have the kernel know who logged in."""
    (tmp_path / "loginuid").write_text(str(uid))
    monkeypatch.setattr(author, "_LOGIN_UID", tmp_path / "loginuid")


def test_no_variable_names_the_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real user id counts; sudo's variable means nothing to one who is not root."""
    monkeypatch.setattr(os, "getuid", lambda: 1000)
    assert user() == "alice"
    monkeypatch.setattr(os, "getuid", lambda: 4711)
    assert user() == "uid 4711"


def test_sudo_is_a_claim(monkeypatch: pytest.MonkeyPatch) -> None:
    """To root sudo's variable is told as what sudo says, and as that only if it is a name."""
    monkeypatch.setattr(os, "getuid", lambda: 0)
    assert user() == "root, through sudo from mallory as sudo says"
    for odd in ("", "root", "a\nb", "x" * 80, "<b>", "a, logged in as bob"):
        monkeypatch.setenv("SUDO_USER", odd)
        assert user() == "root"


def test_the_login_that_the_kernel_knows_outranks_sudo(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """It survives sudo and su and no variable changes it; one's own is not told twice."""
    monkeypatch.setattr(os, "getuid", lambda: 0)
    logged_in(monkeypatch, tmp_path, 1001)
    assert user() == "root, logged in as bob"
    monkeypatch.setattr(os, "getuid", lambda: 1001)
    assert user() == "bob"


def test_it_is_told_in_french() -> None:
    """The reports say in their language how somebody came to act."""
    with speaking("fr"):
        assert spoken("root, logged in as bob") == "root, session de bob"
        assert spoken("root, through sudo from bob as sudo says") == (
            "root, par sudo depuis bob selon sudo"
        )
        assert spoken("alice") == "alice"
