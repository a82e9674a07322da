"""Whatever QEMU, an image or a machine of the lab says, it is read or refused, and in time."""

from __future__ import annotations

import json
import shlex
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import repeat
from pathlib import Path
from threading import Thread
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.hostile import EXAMPLES, documents

from pradrill.adapters.standbys.lab import machine, qemu
from pradrill.adapters.standbys.lab.accelerator import Accelerator
from pradrill.adapters.standbys.lab.image import Image, is_alone
from pradrill.adapters.standbys.lab.links import read_links, write_links
from pradrill.adapters.standbys.lab.machine import Machine
from pradrill.adapters.standbys.lab.qemu import Qemu
from pradrill.domain.values.identity import is_machine_id
from pradrill.errors import PradrillError
from pradrill.testing import FakeClock

GREETING = {"QMP": {"version": {"qemu": {"micro": 22, "minor": 2, "major": 7}}}}
ANSWERS: tuple[dict[str, Any], ...] = (
    {"return": {}},
    {"return": {"status": "running", "running": True}},
    {"return": {"status": "paused"}},
    {"return": {"status": "completed"}},
    {"error": {"class": "GenericError", "desc": "Could not open '/srv/state'"}},
    {"event": "STOP", "timestamp": {"seconds": 1, "microseconds": 2}},
)


@contextmanager
def saying(folder: Path, lines: Iterator[bytes]) -> Iterator[Qemu]:
    """Let a machine's QEMU say that on each connection, a line for each that it is told."""
    pieces = lines if isinstance(lines, repeat) else [*lines]

    def talk(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            for line in pieces:
                connection.sendall(line)
                if pieces is not lines:
                    # One after the other: what came at once, a text's file forgets when it writes.
                    connection.settimeout(0.005)
                    with suppress(TimeoutError):
                        connection.recv(4_096)

    def answer() -> None:
        with suppress(OSError):
            while True:
                talk(listener.accept()[0])

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(folder / "qmp"))
        listener.listen()
        thread = Thread(target=answer, daemon=True)
        thread.start()
        try:
            yield Qemu("web", folder, FakeClock())
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(10)


@settings(max_examples=2 * EXAMPLES)
@given(documents(GREETING), st.lists(documents(*ANSWERS), max_size=4), st.booleans())
def test_what_qemu_says_of_a_machine_is_a_state_or_a_refusal(
    greeting: str, answers: list[str], has_promised: bool
) -> None:
    """It is asked for its state, frozen and thawed; who broke out of it answers for QEMU."""
    lines = [greeting, *(['{"return": {}}'] if has_promised else []), *answers]
    packed = [f"{line}\n".encode("utf-8", "surrogatepass") for line in lines]
    with (
        tempfile.TemporaryDirectory(dir="/dev/shm") as folder,
        patch.object(qemu, "_FROZEN", 0.04),
        saying(Path(folder), iter(packed)) as its,
    ):
        assert isinstance(its.unfinished, bool)
        for ask in (its.state, its.thaw, lambda: its.freeze(Path(folder, "state"))):
            with suppress(PradrillError):
                ask()


@pytest.mark.parametrize("line", [b'{"event": "STOP"}\n', b"x"])
def test_a_qemu_that_never_comes_to_an_answer_is_given_up(line: bytes, tmp_path: Path) -> None:
    """Events without end, and a line without end, each of which comes before any time-out."""
    began = time.monotonic()
    with (
        patch.object(qemu, "_LAST_BREATH", 0.2),
        saying(tmp_path, repeat(line)) as its,
        pytest.raises(PradrillError, match="does not answer"),
    ):
        its.state()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "answer", [b"[]", b"5", b'{"return": 5}', b'{"error": []}', b"[" * 9_000, b"\xff"]
)
def test_an_answer_of_qemus_that_is_none_is_refused(answer: bytes, tmp_path: Path) -> None:
    """It is no traceback in the middle of a drill, and a machine like that is not thrown away."""
    answers = [b"{}\n", b'{"return": {}}\n', answer + b"\n"]
    with saying(tmp_path, iter(answers)) as its:
        with pytest.raises(PradrillError, match="does not answer"):
            its.state()
        assert its.unfinished is False


CARD = {"suite": "bookworm", "packages": ["udev"]}
NOTES = (CARD, {"source": "/srv/mine.qcow2"}, {"accelerator": "tcg"}, {"10.0.2.100:22": "backup"})


@settings(max_examples=2 * EXAMPLES)
@given(documents(*NOTES), st.binary(max_size=3))
def test_a_note_of_the_labs_that_is_none_is_as_if_it_were_not_there(note: str, rest: bytes) -> None:
    """The image's card, the accelerator that was chosen, and where a machine's links lead."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        folder = Path(name)
        for file in ("image.json", "accelerator.json", "links.json"):
            (folder / file).write_bytes(note.encode("utf-8", "surrogatepass") + rest)
        assert Image(folder).built in {True, False}
        assert Accelerator(folder / "accelerator.json").chosen in {None, "tcg", "kvm"}
        links = read_links(folder)
        assert {type(each) for pair in links.items() for each in pair} <= {str}


INFO = {
    "virtual-size": 1_048_576, "filename": "a.qcow2", "format": "qcow2", "dirty-flag": False,
    "format-specific": {"type": "qcow2", "data": {"compat": "1.1", "corrupt": False}},
}  # fmt: skip
BACKED = {**INFO, "backing-filename": "/etc/shadow"}
BESIDE = {**INFO, "format-specific": {"type": "qcow2", "data": {"data-file": "/etc/shadow"}}}


@settings(max_examples=2 * EXAMPLES)
@given(documents(INFO, BACKED, BESIDE))
def test_an_image_that_may_have_another_file_is_not_on_its_own(info: str) -> None:
    """Whatever qemu-img says of what somebody made."""
    if is_alone(info):
        its = json.loads(info)
        assert its["format"] == "qcow2"
        assert not its.get("backing-filename")
        assert not its["format-specific"]["data"].get("data-file")


def test_an_image_whose_data_is_another_file_is_not_taken() -> None:
    """The machine would have that file of its host's as its disk: as good as a backing file."""
    assert is_alone(json.dumps(INFO))
    assert not is_alone(json.dumps(BACKED))
    assert not is_alone(json.dumps(BESIDE))


ID = b"5" * 32


def greeting_of(folder: Path, words: str, seconds: float) -> str:
    """Return what a machine is greeted back with whose shell does that."""
    its = Machine(
        folder, Image(folder), folder / "key", Accelerator(folder / "accelerator.json"), FakeClock()
    )
    shell = ["sh", "-c", words]  # what the machine is told is its $0
    with patch.object(machine.Machine, "ssh_command", lambda _: shell):
        return its._greet(seconds)


def test_a_machine_that_is_ready_is_given_the_time_and_says_who_it_is(tmp_path: Path) -> None:
    """What it is told is a shell's, here with a clock and an identity of its own."""
    words = f'date() {{ :; }}; cat() {{ echo {ID.decode()}; }}; eval "$0"'
    assert greeting_of(tmp_path, words, 10) == f"{ID.decode()}\n"


@pytest.mark.parametrize("text", [f"{'AB' * 16}\n", ID.decode()])
def test_a_machine_is_known_by_an_id_as_others_write_it(text: str, tmp_path: Path) -> None:
    """One in capitals, or without an end of its line, was waited for until the deadline."""
    file = tmp_path / "id"
    file.write_text(text)
    words = f'date() {{ :; }}; cat() {{ command cat {file}; }}; eval "$0"'
    assert is_machine_id(greeting_of(tmp_path, words, 10).strip())


@settings(max_examples=EXAMPLES)
@given(
    st.binary(max_size=40) | st.binary(max_size=40).map(lambda rest: b"ready\n" + rest),
    st.sampled_from([b"", ID + b"\n", b"\xff", b"\n" * 9_000]),
)
def test_what_a_machine_greets_with_is_its_id_or_nothing(first: bytes, rest: bytes) -> None:
    """Whatever its shell prints, before and after it is ready."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as name:
        file = Path(name, "said")
        file.write_bytes(first + rest)
        assert len(greeting_of(Path(name), f"cat {shlex.quote(str(file))}", 10)) <= 4_096


@pytest.mark.parametrize(
    "words",
    ["exec sleep 60", "echo ready; exec sleep 60", "exec yes", "exec tr -d '\\n' < /dev/zero"],
)
def test_a_machine_that_lets_ssh_in_and_says_no_end_is_given_up(words: str, tmp_path: Path) -> None:
    """A shell that asks a question at its start held the lab for ever."""
    began = time.monotonic()
    assert greeting_of(tmp_path, words, 0.3) == ""
    assert time.monotonic() - began < 5


def test_links_are_read_as_they_were_written(tmp_path: Path) -> None:
    """Each near address, and the name of the machine that it leads to."""
    write_links(tmp_path, {"10.0.2.100:22": tmp_path / "backup" / "run" / "port-22"}, tmp_path)
    assert read_links(tmp_path) == {"10.0.2.100:22": "backup"}
