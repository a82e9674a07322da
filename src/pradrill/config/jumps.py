"""Read which jump hosts an inventory names: of ssh's arguments these alone lead anywhere."""

from __future__ import annotations

import re
import shlex
from typing import Any

from pradrill.domain.values.jump_host import is_chain

_JUMP = re.compile(r"(?:-J\s*|-o\s*(?i:ProxyJump)(?:\s*=\s*|\s+(?!=)))(\S+)")
_QUIET = re.compile(
    r"(?<!\S)(?:-[Cq]+|-o\s*(?i:Control(?:Master|Persist)|Compression|ServerAlive\w+"
    r"|ConnectTimeout|ConnectionAttempts)(?:\s*=\s*|\s+)\w+)(?:\s+|$)"
)
"""What makes ssh faster or more patient, and leads nowhere: a run has its own of it."""
ARGUMENTS = "ansible_ssh_common_args"


def jump_of(arguments: object) -> str | None:
    """Return the jump hosts that arguments name, as -J takes them; None for none at all.

    Raises ValueError when they say anything else.
    """
    words = _QUIET.sub("", " ".join(shlex.split(str(arguments or "")))).strip()
    if not words:
        return None
    match = _JUMP.fullmatch(words)
    if match is None or not is_chain(match[1]):
        msg = "they name more than jump hosts"
        raise ValueError(msg)
    return match[1]


def is_jump(arguments: Any) -> bool:
    """Tell whether arguments of ssh name jump hosts, and else lead nowhere."""
    try:
        jump_of(arguments)
    except ValueError:
        return False
    return True
