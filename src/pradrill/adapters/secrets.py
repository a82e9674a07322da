"""Secrets, fetched by name when they are needed and never kept."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from pradrill.errors import NotReadyError


def resolve(name: str) -> str:
    """Return the secret that `env:NAME`, `file:PATH` or `credential:NAME` names.

    Raises NotReadyError, which never holds any part of the secret.
    """
    scheme, _, where = name.partition(":")
    if scheme == "env":
        if where not in os.environ:
            raise NotReadyError(
                f"the environment variable {where} is not set",
                hint=f"The drill reads a secret from {name}.",
            )
        return os.environ[where]
    if scheme == "credential":
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if folder is None or "/" in where:
            raise NotReadyError(
                f"there is no systemd credential {where}",
                hint="Add LoadCredential= to the unit, or name the secret with file: or env:.",
            )
        return _read(Path(folder, where))
    path = Path(where).expanduser()
    try:
        mode = path.stat()
    except OSError as error:
        raise _unreadable(path, error) from error
    if mode.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or not stat.S_ISREG(mode.st_mode):
        raise NotReadyError(
            f"the secret file {path} can be read by others",
            hint=f"Run: chmod 600 {path}.",
        )
    return _read(path)


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").rstrip("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> NotReadyError:
    reason = getattr(error, "strerror", None) or "it is not UTF-8 text"
    return NotReadyError(
        f"the secret file {path} cannot be read: {reason}", hint="Check its path and its owner."
    )
