"""Run a check's commands in the place of testinfra: bounded, found again, with sudo answered.

It belongs to the worker, which loads it by path: it imports nothing of pradrill.
"""

from __future__ import annotations

import os
import secrets
import select
import shlex
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.backend.ssh import SshBackend

FENCE = f"pradrill-{secrets.token_hex(8)}"
"""A word that nobody can guess: behind it stands what a command prints on a host."""

INSIDE = f"{FENCE}-by-sudo"
"""The same, behind which stands what one prints that sudo has really started."""

LOST = 255
"""The exit code of ssh's own failures."""

_TAIL = 65_536


def bind(prints: int, passwords: dict[str, str], beginning: str) -> None:
    """Let testinfra run commands so from now on, in this process."""
    BaseBackend.run_local = bounded(prints, passwords)
    BaseBackend.get_sudo_command = by_sudo(passwords)
    SshBackend._build_ssh_command = fenced(beginning)  # noqa: SLF001 a login's shell may greet
    if beginning:
        SshBackend.get_command = marked(beginning)


def bounded(prints: int, passwords: dict[str, str]) -> Callable[..., CommandResult]:
    """Return testinfra's way to run a command, which takes in no more than so many bytes.

    What sudo asks for on a host is offered to it there on its standard input, and to nothing else.
    """

    def run_local(backend: BaseBackend, command: str, *args: str) -> CommandResult:
        encoded = backend.encode(backend.quote(command, *args))
        sudos = encoded.count(INSIDE.encode()) // 2 if isinstance(backend, SshBackend) else 0
        password = passwords.get(str(backend.hostname), "") if sudos else ""
        with subprocess.Popen(  # noqa: S602 as testinfra does
            encoded,
            shell=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None and process.stderr is not None  # noqa: S101, PT018
            assert process.stdin is not None  # noqa: S101 it is a pipe
            with suppress(BrokenPipeError), process.stdin as offered:
                offered.write(f"{password}\n".encode() if password else b"")

            output: dict[Any, bytearray] = {
                process.stdout: bytearray(),
                process.stderr: bytearray(),
            }

            reading = list(output)
            while reading:
                for stream in select.select(reading, [], [])[0]:
                    data = os.read(stream.fileno(), _TAIL)
                    output[stream] += data
                    if not data:
                        reading.remove(stream)

                if sum(map(len, output.values())) > prints:
                    process.kill()
                    msg = f"the command printed more than {prints // 1_000_000} MB and was ended"
                    raise RuntimeError(msg)

            code = process.wait()

        streams = [bytes(output[each]) for each in (process.stdout, process.stderr)]
        if isinstance(backend, SshBackend) and code != LOST and not has_begun(streams[0]):
            raise NotBegunError(code, streams)
        answers = [behind_fence(each) for each in streams]
        if code not in {0, LOST} and answers[0].count(INSIDE.encode()) < sudos:
            raise NotBecomeError(_last_words(answers[1]))
        return backend.result(code, encoded, *(behind_fence(each, INSIDE) for each in answers))

    return run_local


class NotBegunError(Exception):
    """A login's shell has ended before a check's command: its exit code is no answer."""

    def __init__(self, code: int, streams: list[bytes]) -> None:
        words = next((each for each in reversed(streams) if each.strip()), b"")
        text = f"the login's shell ended with exit code {code} before the command: {_last(words)}"
        super().__init__(text)


class NotBecomeError(Exception):
    """Sudo has not started a check's command: nothing is known of what it would have said."""


def by_sudo(passwords: dict[str, str]) -> Callable[..., str]:
    """Return testinfra's way to call sudo, which nobody is there to answer.

    A password is read from the standard input, which the command does not get.
    """
    word = shlex.quote(f"\\n{INSIDE}\\n")

    def get_sudo_command(backend: BaseBackend, command: str, user: str | None) -> str:
        ask = "-S -k -p ''" if str(backend.hostname) in passwords else "-n"
        become = "" if user is None else f"-u {shlex.quote(user)} "
        inner = f"exec </dev/null; printf {word}; printf {word} >&2; {command}"
        return f"sudo {ask} {become}/bin/sh -c {shlex.quote(inner)}"

    return get_sudo_command


def _last_words(output: bytes) -> str:
    return f"sudo did not start it: {_last(output)}"


def _last(output: bytes) -> str:
    lines = output.decode("utf-8", "replace").split("\n")
    return next((line.strip() for line in reversed(lines) if line.strip()), "it gave no reason")


def fenced(beginning: str) -> Callable[..., Any]:
    """Return testinfra's way to call ssh, whose command says first where its own output begins.

    Each shell that is started on the way may greet: the fence stands in the last one.
    """
    build = SshBackend._build_ssh_command  # noqa: SLF001
    word = shlex.quote(f"\\n{FENCE}\\n")

    fence = f"printf {word}; printf {word} >&2;"

    def build_ssh_command(backend: SshBackend, command: str) -> Any:
        marked_command = command.removeprefix(f"{beginning} ")
        if not beginning or marked_command == command:
            return build(backend, f"{fence} {command}")
        inner = " ".join(shlex.split(marked_command))  # it is one word
        return build(backend, f"{beginning} {shlex.quote(f'{fence} {inner}')}")

    return build_ssh_command


def has_begun(output: bytes) -> bool:
    """Tell whether a command has been started: its shell said so before."""
    return f"\n{FENCE}\n".encode() in output


def behind_fence(output: bytes, word: str = FENCE) -> bytes:
    """Return what a command has printed, without what was printed before it was started."""
    return output.rpartition(f"\n{word}\n".encode())[2]


def marked(beginning: str) -> Callable[..., str]:
    """Return testinfra's way to put a command together, which begins so that it is found again."""
    put_together = BaseBackend.get_command

    def get_command(backend: BaseBackend, command: str, *args: str) -> str:
        return f"{beginning} {shlex.quote(put_together(backend, command, *args))}"

    return get_command
