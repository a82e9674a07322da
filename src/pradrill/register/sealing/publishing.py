"""Publish heads of the register where whoever cuts the register does not come to."""

from __future__ import annotations

import os
import re
from datetime import datetime
from pathlib import Path

from pradrill.domain.register.entry import Head
from pradrill.system.durable_files import write_whole
from pradrill.system.tools import ToolError, tool

REPOSITORY = "heads.git"
"""Our own repository, below the state directory."""

_PUSHED = "pradrill-pushed"
_BRANCH = "refs/heads/pradrill-heads"
_CONFIG = b"[core]\n\trepositoryformatversion = 0\n\tbare = true\n"


def log_head(head: Head, at: datetime, log: Path) -> None:
    """Add a line to a file of heads; raises ToolError."""
    try:
        log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with log.open("a", encoding="ascii") as file:
            file.write(f"{at:%Y-%m-%dT%H:%M:%SZ} {head}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise ToolError(f"cannot write {log}: {error.strerror}") from error


def newest_logged(log: str) -> str | None:
    """Return the hash of the newest head in a file of heads; None when there is none."""
    hashes = re.findall(r"(?m)^\S+ \d+ ([0-9a-f]{64})$", log)
    return hashes[-1] if hashes else None


def push_head(head: Head, at: datetime, repository: Path, remote: str) -> None:
    """Commit the head in an own repository and push it; raises ToolError.

    What could not be pushed goes with the next head: the branch holds every one of them.
    """
    if not (repository / "HEAD").exists():
        tool("git", "init", "--quiet", "--bare", "--object-format=sha1", repository)
    _disarm(repository)
    git = ("git", "-c", "core.hooksPath=/dev/null", "--git-dir", repository)
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    who = {
        f"GIT_{role}_{what}": value
        for role in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "pradrill"), ("EMAIL", "pradrill@localhost"), ("DATE", stamp))
    }

    blob = _word(tool(*git, "hash-object", "-w", "--stdin", stdin=f"{head}\n".encode()))
    tree = _word(tool(*git, "mktree", stdin=f"100644 blob {blob}\tregister.head\n".encode()))

    try:
        parent: tuple[str, ...] = (
            "-p",
            _word(tool(*git, "rev-parse", "--verify", "--quiet", _BRANCH)),
        )
    except ToolError:  # the first head
        parent = ()

    commit = _word(tool(*git, "commit-tree", tree, *parent, "-m", str(head), env=who))
    tool(*git, "update-ref", _BRANCH, commit)
    tool(*git, "push", "--quiet", "--", remote, f"{_BRANCH}:{_BRANCH}")
    _note_pushed(head, repository)


def newest_pushed(repository: Path) -> str | None:
    """Return the hash of the newest head that the remote has taken; None when there is none."""
    try:
        text = (repository / _PUSHED).read_text(encoding="ascii", errors="replace")
    except OSError:
        return None
    return newest_logged(text)


def _note_pushed(head: Head, repository: Path) -> None:
    """Note what a push has brought there: whoever looks later asks no remote."""
    try:
        write_whole(repository / _PUSHED, f"pushed {head}\n".encode(), 0o600)
    except OSError as error:
        raise ToolError(f"cannot write {repository}: {error.strerror}") from error


def _disarm(repository: Path) -> None:
    """Let nothing in our own repository start a program, or lead the heads elsewhere.

    Whoever can write in the state directory could put a hook or a setting there: it would be
    carried out by the user who can use the key.
    """
    try:
        (repository / "commondir").unlink(missing_ok=True)
        write_whole(repository / "config", _CONFIG, 0o600)
    except OSError as error:
        raise ToolError(f"cannot write {repository}: {error.strerror}") from error


def _word(output: bytes) -> str:
    return output.decode("ascii").strip()
