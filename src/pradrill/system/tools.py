"""Run the stock tools that sign, verify and stamp. None of them can ask anybody anything."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from pradrill.errors import PradrillError

_SECONDS = 60
_QUIET = {
    "SSH_ASKPASS": "/bin/false",
    "SSH_ASKPASS_REQUIRE": "force",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_SSH_COMMAND": "ssh -o BatchMode=yes -o ConnectTimeout=10",
    "LC_ALL": "C.UTF-8",
}


_THEIRS = re.compile(
    r"PATH|HOME|USER|LOGNAME|TMPDIR|LANG|(LC|XDG|SSH|GIT|GPG|GNUPG|KRB5|DBUS|SSL|OPENSSL)_?\w*"
    r"|(SOFTHSM|PKCS11|YKPIV|YUBI)\w*|(https?|all|no)_proxy",
    re.IGNORECASE,
)
"""What the tools, their agents, tokens and proxies read of the caller's environment.

The rest could hold a drill's secrets (`env:`), which are none of theirs.
"""


class ToolError(PradrillError):
    """A tool did not do what it was asked, is missing, or took too long."""


def tool(*command: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None) -> bytes:
    """Run a tool without a terminal and return its output; raises ToolError."""
    words: Sequence[str] = [str(word) for word in command]
    theirs = {name: value for name, value in os.environ.items() if _THEIRS.fullmatch(name)}
    try:
        process = subprocess.run(
            words,
            input=stdin,
            capture_output=True,
            timeout=_SECONDS,
            start_new_session=True,  # without a controlling terminal nothing can prompt
            env={**theirs, **_QUIET, **(env or {})},
            check=False,
        )
    except FileNotFoundError as error:
        raise ToolError(
            f"{words[0]} is not installed", hint="Install openssh-client, openssl or git."
        ) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{words[0]} did not answer: {type(error).__name__}") from error
    if process.returncode != 0:
        raise ToolError(
            f"{words[0]} failed: {_last_words(process.stderr) or f'code {process.returncode}'}"
        )

    return process.stdout


def _last_words(stderr: bytes) -> str:
    lines = stderr.decode("utf-8", "replace").strip().splitlines() or [""]
    return "".join(c if c.isprintable() else "?" for c in lines[-1])[:200]
