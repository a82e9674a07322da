"""Fetch secrets by name, once for a run: in memory only, and known to what masks them."""

from __future__ import annotations

import os
import shlex
import signal
import stat
import subprocess
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from threading import Lock, Timer
from typing import Any

from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.masking import Masker
from pradrill.domain.values.secret import secrets_of
from pradrill.domain.values.secret_forms import SHORTEST
from pradrill.errors import NotReadyError
from pradrill.ports import Impediment

_LONGEST = 65_536  # bytes: keys are secrets, backups are none
COMMAND_SECONDS = 30.0
_FOLDERS = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"  # cron's PATH has less
_LOOSE = frozenset({"vars", "command", "repository", "instruction", "newest_data"})
"""Parts of a plan that may be masked: nothing is found by them."""


class Secrets:
    """The secrets of a run. Each is fetched once; the environment does not keep it."""

    def __init__(self, masker: Masker | None = None) -> None:
        self.masker = masker or Masker()
        self._values: dict[str, str] = {}
        self._lock = Lock()

    def resolve(self, name: str) -> str:
        """Return the secret of that name; from then on it is masked. Raises NotReadyError."""
        value = self.value(name)
        if not _names_something(value):
            self.masker.learn(value)
        return value

    def fetch(self, plan: RunPlan) -> tuple[Impediment, ...]:
        """Fetch all that a plan names; say which of them cannot be used, and why.

        A secret that is also a word of the plan or of a record cannot be hidden in them: masking
        it would leave neither readable, so such a run does not start. What a run before it in this
        process has learned, and what this plan says anyway, is no secret any more.
        """
        problems: list[Impediment] = []
        declared = plan.model_dump(mode="json")
        self.masker.forget(lambda secret: _stands_in(secret, declared))
        for name in secrets_of(plan.drill):
            try:
                value = self.value(name)
            except NotReadyError as error:
                problems.append(Impediment(error.message, error.hint, error.mend))
                continue

            if _names_something(value) or _stands_in(value, declared):
                problems.append(
                    Impediment(
                        f"the secret {name} is also a name in the plan or in a record, so that it "
                        "cannot be kept out of them",
                        "Choose one that nothing else is called.",
                    )
                )
            else:
                self.masker.learn(value)

        return tuple(problems)

    def learn(self, values: Iterable[str], plan: RunPlan) -> None:
        """Mask what an encrypted file holds, but for what the plan and every record say anyway."""
        declared = plan.model_dump(mode="json")
        for value in values:
            text = value.strip()
            said_anyway = _names_something(text) or _stands_in(text, declared)
            if len(text) >= SHORTEST and not said_anyway:
                self.masker.learn(text)

    def value(self, name: str) -> str:
        """Return the secret of that name for whoever masks it by himself. Raises NotReadyError.

        What no run uses is masked in none: it may well be a word that a drill is called by.
        """
        with self._lock:
            if name not in self._values:
                self._values[name] = resolve(name)
            if name.startswith("env:"):  # or every program that is started would inherit it
                os.environ.pop(name.removeprefix("env:"), None)
            return self._values[name]


def resolve(name: str) -> str:
    """Return the secret that `env:NAME`, `file:PATH`, `credential:NAME` or `command:WORDS` names.

    Raises NotReadyError, which never holds any part of the secret.
    """
    scheme, _, where = name.partition(":")
    if scheme == "env":
        value = os.environ.get(where)
        if value is None:
            raise NotReadyError(
                f"the environment variable {where} is not set",
                hint=f"The drill reads a secret from {name}.",
                mend=(f"read -rs {where} && export {where}   # it is asked for, and not shown",),
            )
    elif scheme == "command":
        value = _printed(name, where.strip())
    elif scheme == "credential":
        folder = os.environ.get("CREDENTIALS_DIRECTORY")
        if folder is None or "/" in where:
            raise NotReadyError(
                f"there is no systemd credential {where}",
                hint="Add LoadCredential= to the unit, or name the secret with file: or env:.",
            )

        value = _read(Path(folder, where))
    else:
        value = read_private(Path(where))

    value = value.rstrip("\r\n")
    if len(value) < SHORTEST:
        what = f"has fewer than {SHORTEST} characters" if value.strip() else "is empty"
        raise NotReadyError(
            f"the secret {name} {what}", hint="A random one is made by: openssl rand -hex 32."
        )

    return value


def read_private(path: Path) -> str:
    """Return what a file holds that nobody else can read. Raises NotReadyError."""
    try:
        path = path.expanduser()
        mode = path.stat()
    except (OSError, ValueError, RuntimeError) as error:  # a NUL in it; ~ of nobody
        raise _unreadable(path, error) from error
    if mode.st_mode & (stat.S_IRWXG | stat.S_IRWXO) or not stat.S_ISREG(mode.st_mode):
        raise NotReadyError(
            f"the secret file {path} can be read by others",
            hint=f"Run: chmod 600 {shlex.quote(str(path))}.",
            mend=(f"chmod 600 {shlex.quote(str(path))}",),
        )

    return _read(path)


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_LONGEST + 1)
        text = content.decode("utf-8")
    except (OSError, ValueError) as error:
        raise _unreadable(path, error) from error
    if len(content) > _LONGEST:
        raise NotReadyError(
            f"the secret file {path} is longer than {_LONGEST >> 10} KiB",
            hint="Check its path: that is no password and no key.",
        )

    return text


def _unreadable(path: Path, error: Exception) -> NotReadyError:
    nothing = "its path names nothing"
    other = "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else nothing
    reason = getattr(error, "strerror", None) or other
    return NotReadyError(
        f"the secret file {path} cannot be read: {reason}", hint="Check its path and its owner."
    )


def _printed(name: str, words: str) -> str:
    """Run a command without a shell, and return what it prints; what it says on stderr is not read.

    It has the caller's environment, as pass and vault clients need it, and no terminal to ask on.
    """
    path = f"{os.environ.get('PATH', '')}:{_FOLDERS}"
    try:
        argv = shlex.split(words)
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PATH": path},
            start_new_session=True,
        )
    except ValueError as error:
        raise _unprinted(name, "cannot be split into words", "Close its quotes.") from error
    except OSError as error:
        why = f"cannot be run: {error.strerror}"
        raise _unprinted(name, why, "Is its program installed here?") from error

    late = Timer(COMMAND_SECONDS, _end, (process,))
    late.start()
    assert process.stdout is not None  # noqa: S101 it is a pipe

    try:
        with process.stdout as pipe:
            content = pipe.read(_LONGEST + 1)

        if len(content) > _LONGEST:
            _end(process)
            why = f"prints more than {_LONGEST >> 10} KiB"
            raise _unprinted(name, why, "That is no password and no key.")

        code = process.wait()
    finally:
        in_time = late.is_alive()
        late.cancel()
        _end(process)

    by_hand = f"Run it by hand as this user: {words}."
    if not in_time:
        raise _unprinted(name, f"did not end within {COMMAND_SECONDS:g} s", by_hand)
    if code != 0:
        raise _unprinted(name, f"ended with exit code {code}", by_hand)

    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise _unprinted(name, "prints what is not UTF-8 text", by_hand) from error


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a command with all that it started."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _unprinted(name: str, why: str, hint: str) -> NotReadyError:
    return NotReadyError(f"the secret {name} cannot be had: its command {why}", hint=hint)


def _names_something(value: str) -> bool:
    """Tell whether a secret would mask a word that every record is made of."""
    alone = Masker([value])
    return any(alone.text(word) != word for word in _vocabulary())


def _stands_in(value: str, plan: Any) -> bool:
    """Tell whether a secret would mask what a plan names something by."""
    alone, anyway = Masker([value]), Masker()
    return any(alone.text(text) != anyway.text(text) for text in _names_in(plan))


def _names_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, each in value.items():
            yield key
            if key not in _LOOSE:
                yield from _names_in(each)
    elif isinstance(value, list):
        for each in value:
            yield from _names_in(each)


@cache
def _vocabulary() -> frozenset[str]:
    """Return the names of a record's fields, and the words that they are filled with."""
    from pradrill.domain.run.record import RunRecord  # noqa: PLC0415 asked where there are secrets

    return frozenset(_words(RunRecord.model_json_schema()))


def _words(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        yield from schema["properties"] if isinstance(schema.get("properties"), dict) else ()
        yield from (str(each) for each in schema.get("enum", ()) if isinstance(each, str))
        for each in schema.values():
            yield from _words(each)
    elif isinstance(schema, list):
        for each in schema:
            yield from _words(each)
