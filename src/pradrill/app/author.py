"""Name who does something: the real user, whatever the environment says."""

from __future__ import annotations

import os
import pwd
import re
from pathlib import Path

_UNSET = 2**32 - 1  # of the kernel: nobody has logged in
_LOGIN_UID = Path("/proc/self/loginuid")
_A_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@-]{0,63}\$?")


def user() -> str:
    """Return the real user, for the record; behind sudo or su also who logged in.

    The login that the kernel's audit keeps survives sudo and cannot be chosen. Where it keeps
    none, sudo's word counts for root alone, and is told as sudo's word: it is an environment
    variable.
    """
    real = os.getuid()
    login = _login_uid()
    if login is not None:
        return _name(real) if login == real else f"{_name(real)}, logged in as {_name(login)}"

    claimed = os.environ.get("SUDO_USER", "")
    if real == 0 and claimed != _name(0) and _A_NAME.fullmatch(claimed):
        return f"{_name(real)}, through sudo from {claimed} as sudo says"

    return _name(real)


def _name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"


def _login_uid() -> int | None:
    """Return who logged in, as the kernel knows; None when it does not."""
    try:
        uid = int(_LOGIN_UID.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None
    return None if uid == _UNSET else uid
