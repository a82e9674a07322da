"""What QEMU says of a machine decides whether it is used on."""

from __future__ import annotations

import socket
from pathlib import Path
from threading import Thread

import pytest

from pradrill.adapters.standbys.lab.qemu import Qemu, kernel_arguments
from pradrill.testing import FakeClock


def answer(listener: socket.socket, status: str) -> None:
    """Answer one connection as QEMU does."""
    connection, _ = listener.accept()
    with connection, connection.makefile("rw", encoding="utf-8") as talk:
        for line in ('{"QMP": {}}', '{"return": {}}', f'{{"return": {{"status": "{status}"}}}}'):
            talk.write(f"{line}\n")
            talk.flush()
            talk.readline()


@pytest.mark.parametrize(
    ("status", "is_unfinished"),
    [
        ("inmigrate", True),
        ("prelaunch", True),
        ("paused", True),
        ("running", False),
        ("io-error", False),
        ("guest-panicked", False),
    ],
)
def test_a_machine_that_qemu_stopped_is_no_start_cut_short(
    status: str, is_unfinished: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk QEMU stops it until there is room: what it holds is not thrown away."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("qmp")
        listener.listen()
        thread = Thread(target=answer, args=(listener, status), daemon=True)
        thread.start()
        assert Qemu("web", tmp_path, FakeClock()).unfinished is is_unfinished
        thread.join(10)


@pytest.mark.parametrize("accelerator", ["kvm", "tcg"])
def test_a_busy_host_makes_no_machine_panic_over_its_timer(
    accelerator: str, tmp_path: Path
) -> None:
    """The kernel is told to believe in its timer, and does not count ticks that a load delays."""
    words = kernel_arguments(
        accelerator, tmp_path / "vmlinuz", tmp_path / "initrd", "web", "0" * 32
    )
    assert "no_timer_check" in words[words.index("-append") + 1].split()
