"""Start, ask, freeze and end one QEMU process."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from pradrill.adapters.standbys.files import run
from pradrill.adapters.standbys.lab.bounded_file import bounded_file
from pradrill.adapters.standbys.lab.capture import FRAME, LARGEST
from pradrill.domain.run.host_answers import last_line
from pradrill.errors import UNREADABLE, PradrillError
from pradrill.ports import Clock
from pradrill.system.deadline import at_deadline

PROGRAM = "qemu-system-x86_64"
SSH = 22
_MEMORY = 768
_EVERY_FEATURE = "max"
_FEW_FEATURES = "qemu64,+ssse3,+sse4.1,+sse4.2,+popcnt,+aes,+pclmulqdq,+rdrand"
"""What Debian and its programs use gladly. Without AVX and what goes with it an emulated machine
takes a fifth less of the processor: it has less to save when it changes between two processes."""
_KERNEL = "console=ttyS0 random.trust_cpu=on net.ifnames=0 no_timer_check"
"""The kernel tries its timer within ten ticks, and panics where a busy host gave it none."""
_LOGLEVELS = {"kvm": "loglevel=6", "tcg": "quiet loglevel=3"}
"""What the kernel prints: it costs an emulated machine time, and is a sign of life under KVM."""
_ACCELERATORS = {"kvm": "kvm", "tcg": "tcg,thread=multi"}
_CAPTURE = "filter-dump,id=sent,netdev=net,queue=rx"
"""Of what goes over the network, that which the machine sends."""
_UNFINISHED = {"inmigrate", "prelaunch", "paused"}
"""States before a machine runs on; one that QEMU stopped later, as on a full disk, is kept."""
_MOMENT = 0.02
_LAST_BREATH = 10
_FROZEN = 120
_LONGEST_ANSWER = 65_536
LONGEST_CONSOLE = 8_000_000
"""Bytes of what a machine prints that are written down; a boot's words are some 100,000."""


class Hardware(NamedTuple):
    """What a machine runs under and boots from."""

    accelerator: str
    processor: str
    disk: Path
    seed: tuple[str, ...]
    """QEMU arguments of the disk with the machine's identity."""
    kernel: tuple[str, ...]
    """QEMU arguments of a direct kernel boot, or nothing."""


class Qemu:
    """A machine's process, found again by its folder, whoever started it."""

    def __init__(self, name: str, folder: Path, clock: Clock) -> None:
        self._name = name
        self._folder = folder
        self._clock = clock
        self._pid_file = folder / "pid"

    @property
    def pid(self) -> int | None:
        """Return the id of the running process; a file that a dead one left means nothing."""
        try:
            pid = int(self._pid_file.read_text(encoding="ascii"))
            command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        except (OSError, ValueError):
            return None
        return pid if os.fsencode(self._pid_file) in command else None

    @property
    def port(self) -> int:
        """Return the loopback port that leads to the machine's SSH."""
        return int(self.port_file(SSH).read_text(encoding="ascii"))

    def port_file(self, port: int) -> Path:
        """Return the file that names the loopback port which leads to a port of the machine."""
        return self._folder / f"port-{port}"

    def start(
        self,
        hardware: Hardware,
        links: Mapping[str, Path],
        ports: Sequence[int] = (),
        incoming: Path | None = None,
        *,
        capture: bool = False,
    ) -> None:
        """Start it, detached, in its folder; `incoming` is a state that `freeze` saved.

        `capture`: what its network card sends is written down. `links`: guest address:port → the
        file naming the port to reach; `ports`: what others may reach of it, besides SSH. Raises
        PradrillError.
        """
        command = [PROGRAM, *self._arguments(hardware, links, {SSH, *ports})]
        if incoming is not None:
            command += ["-incoming", f"exec:cat {shlex.quote(str(incoming))}"]
        # The console's owner is QEMU, not us: no terminal, and no run's marker to be reaped by.
        environment = {
            key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR") if key in os.environ
        }
        with ExitStack() as files:
            pipes = [files.enter_context(bounded_file(self.console, LONGEST_CONSOLE))]
            command += ["-serial", f"file:/dev/fd/{pipes[0]}"]
            if capture:
                pipes.append(files.enter_context(bounded_file(self.captured, LARGEST)))
                command += ["-object", f"{_CAPTURE},maxlen={FRAME},file=/dev/fd/{pipes[1]}"]
            run(command, environment=environment, folder=self._folder, pipes=pipes)

    def _arguments(
        self, hardware: Hardware, links: Mapping[str, Path], ports: set[int]
    ) -> list[str]:
        network = "user,id=net,restrict=on"
        for port, free in zip(sorted(ports), _free_ports(len(ports)), strict=True):
            self.port_file(port).write_text(f"{free}\n", encoding="ascii")
            network += f",hostfwd=tcp:127.0.0.1:{free}-:{port}"

        relay = Path(__file__).with_name("relay.py")
        for near, far in links.items():
            words = shlex.join([sys.executable, "-I", "-S", str(relay), str(far)])
            network += f",guestfwd=tcp:{near}-cmd:{words.replace(',', ',,')}"

        disk = str(hardware.disk).replace(",", ",,")
        return [
            *("-name", f"pradrill-{self._name}", "-machine", "pc", "-smp", "2", "-m", str(_MEMORY)),
            *("-accel", _ACCELERATORS[hardware.accelerator], "-cpu", hardware.processor),
            *("-nodefaults", "-no-user-config", "-display", "none", "-daemonize"),
            *("-pidfile", str(self._pid_file), "-qmp", "unix:qmp,server=on,wait=off"),
            *("-rtc", "base=utc", "-device", "virtio-rng-pci", "-device", "vmgenid,guid=auto"),
            *("-drive", f"if=virtio,format=qcow2,file={disk},cache=unsafe,discard=unmap"),
            *hardware.seed,
            *("-netdev", network, "-device", "virtio-net-pci,netdev=net,romfile="),
            *hardware.kernel,
        ]

    @property
    def console(self) -> Path:
        """Return the file that what it prints on its console is written down in."""
        return self._folder / "console.log"

    @property
    def captured(self) -> Path:
        """Return the file that what its network card sends is written down in."""
        return self._folder / "sent.pcap"

    def state(self) -> str:
        """Return what QEMU says of the machine: running, paused, internal-error, ..."""
        return str(self._ask("query-status").get("status"))

    @property
    def unfinished(self) -> bool:
        """Tell whether it was started and never thawed; one that does not answer is only slow."""
        try:
            return self.state() in _UNFINISHED
        except PradrillError:
            return False

    def freeze(self, to: Path) -> None:
        """Stop the machine and write its memory and devices into a file."""
        self._ask("stop")
        self._ask("migrate", uri=f"exec:cat > {shlex.quote(str(to))}")

        for _ in range(int(_FROZEN / _MOMENT)):
            status = self._ask("query-migrate").get("status")
            if status == "completed":
                return
            if status == "failed":
                break

            self._clock.sleep(_MOMENT)

        raise PradrillError(f"the state of the machine {self._name} could not be saved")

    def thaw(self) -> None:
        """Let a machine that was started from a saved state run on. Raises PradrillError."""
        for _ in range(int(_FROZEN / _MOMENT)):
            if self.state() == "paused":
                self._ask("cont")
                return

            self._clock.sleep(_MOMENT)

        raise PradrillError(f"the saved state of the machine {self._name} could not be loaded")

    def kill(self) -> bool:
        """End the process at once, as a power cut would; tell whether there was one."""
        pid = self.pid
        if pid is None:
            return False

        os.kill(pid, signal.SIGKILL)
        for _ in range(int(_LAST_BREATH / _MOMENT)):
            if self.pid is None or _zombie(pid):
                break

            self._clock.sleep(_MOMENT)
        else:
            raise PradrillError(f"the process {pid} of the machine {self._name} does not end")

        return True

    def clean(self) -> None:
        """Remove what a run of the machine wrote."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def _ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        """Send one QMP command on a connection of its own. Raises PradrillError.

        Who has broken out of a machine answers for it: what is no answer, or never ends, is none.
        """
        try:
            with (
                socket.socket(socket.AF_UNIX) as line,
                at_deadline(_LAST_BREATH, partial(_cut, line)),
            ):
                line.settimeout(_LAST_BREATH)  # for each piece
                folder = os.open(self._folder, os.O_PATH)  # a socket's path is short
                try:
                    line.connect(f"/proc/self/fd/{folder}/qmp")
                finally:
                    os.close(folder)

                with line.makefile("rw", encoding="utf-8") as talk:
                    talk.readline(_LONGEST_ANSWER)
                    _say(talk, "qmp_capabilities", {})
                    return _say(talk, command, arguments)
        except (OSError, *UNREADABLE) as error:
            raise PradrillError(f"QEMU of the machine {self._name} does not answer") from error


def _cut(line: socket.socket) -> None:
    """End a connection, whoever waits at it."""
    with suppress(OSError):
        line.shutdown(socket.SHUT_RDWR)


def _say(talk: Any, command: str, arguments: dict[str, Any]) -> dict[str, Any]:
    talk.write(json.dumps({"execute": command, "arguments": arguments}) + "\n")
    talk.flush()

    while True:
        answer = json.loads(talk.readline(_LONGEST_ANSWER))
        if "return" in answer:
            return dict(answer["return"])
        if "error" in answer:
            raise PradrillError(f"QEMU refuses {command}: {last_line(answer['error']['desc'])}")


def processor(accelerator: str | None, *, brought: bool) -> str:
    """Return QEMU's name of a machine's processor; what a user's own image needs is not known."""
    if accelerator == "kvm":
        return "host"
    return _EVERY_FEATURE if brought else _FEW_FEATURES


def kernel_arguments(
    accelerator: str, kernel: Path, initrd: Path, name: str, machine_id: str
) -> tuple[str, ...]:
    """Return the arguments of a direct kernel boot, which saves half the time."""
    identity = f"systemd.hostname={name} systemd.machine_id={machine_id}"
    line = f"root=/dev/vda rw {_KERNEL} {_LOGLEVELS[accelerator]} {identity}"
    return ("-kernel", str(kernel), "-initrd", str(initrd), "-append", line)


def version() -> str:
    """Return QEMU's version line: a saved state belongs to it."""
    return run([PROGRAM, "--version"]).splitlines()[0]


def _free_ports(count: int) -> list[int]:
    with ExitStack() as sockets:
        probes = [sockets.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def _zombie(pid: int) -> bool:
    try:
        return ") Z " in Path(f"/proc/{pid}/stat").read_text(encoding="utf-8")
    except OSError:
        return True
