"""Build a machine of the lab once, freeze it once, resume it for every use.

Freezing saves a booted machine; each use resumes it over a disk of its own that is thrown away.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from pradrill.adapters.standbys.files import lock_file, require, run, write_private
from pradrill.adapters.standbys.lab import qemu
from pradrill.adapters.standbys.lab.accelerator import Accelerator
from pradrill.adapters.standbys.lab.capture import is_written
from pradrill.adapters.standbys.lab.image import Image
from pradrill.adapters.standbys.lab.links import read_links, write_links
from pradrill.adapters.standbys.seed import (
    make_key,
    make_machine_id,
    public_key,
    write_cloud_init,
    write_tar,
)
from pradrill.domain.run.host import Host
from pradrill.domain.run.host_answers import known_hosts_name, last_line
from pradrill.domain.values.identity import is_machine_id
from pradrill.errors import UNREADABLE, NotReadyError, PradrillError
from pradrill.ports import Clock, Say
from pradrill.system import ssh_sockets as sockets
from pradrill.system.deadline import at_deadline

_LONGEST_REASON = 100  # characters: QEMU's failed assertions are long
_BOOT = 300  # seconds, emulated
_BOOT_KVM = 90
_FIRST_WORD = 15.0  # of a kernel under KVM, which takes less than one
_BROUGHT_BOOT = 900
_RESUME = 30
_TRY = 10
_PAUSE = 0.2
_LONGEST_WORD = 4_096

_WAKE = """
echo ready; read now chance; date -u -s "@$now" >/dev/null
echo "$chance" >/dev/urandom
cat /etc/machine-id
"""
"""What a resumed machine is told first: the time and some chance, which are still those of the
freezing, the same at every resumption."""


class Machine:
    """One machine, by name. A copy of it may run beside it, in a place of its own."""

    def __init__(  # noqa: PLR0913 what it is made of
        self,
        folder: Path,
        image: Image,
        user_key: Path,
        accelerator: Accelerator,
        clock: Clock,
        *,
        place: Path | None = None,
    ) -> None:
        self.name = folder.name
        self.folder = folder
        self._place = place or folder
        self._image = image
        self._user_key = user_key
        self._accelerator = accelerator
        self._clock = clock
        self._key = folder / "host_key"
        self._frozen = folder / "frozen"
        self._saved = folder / "saved"
        self._run = self._place / "run"
        self._qemu = qemu.Qemu(self.name, self._run, clock)

    def beside(self) -> Machine:
        """Return the place for a second copy of what was saved: its process, ports and disk."""
        place = self.folder / "beside"
        place.mkdir(mode=0o700, exist_ok=True)
        parts = (self._image, self._user_key, self._accelerator, self._clock)
        return Machine(self.folder, *parts, place=place)

    @property
    def pid(self) -> int | None:
        """Return the id of its process, when it runs."""
        return self._qemu.pid

    @property
    def running(self) -> bool:
        """Tell whether its process lives."""
        return self.pid is not None

    @property
    def accelerator(self) -> str:
        """Return what it runs under: kvm, or tcg, which is emulation."""
        return self._accelerator.chosen or "not chosen yet"

    @property
    def identified(self) -> bool:
        """Tell whether it has its keys: they are made before its first boot."""
        return self._key.is_file()

    @property
    def host_key(self) -> str:
        """Return the public host key, "type base64", which it had before its first boot."""
        return public_key(self._key)

    @property
    def machine_id(self) -> str:
        """Return the content of its /etc/machine-id."""
        return (self.folder / "machine-id").read_text(encoding="ascii").strip()

    @property
    def links(self) -> dict[str, str]:
        """Return guest address:port → the name of the machine that it leads to, while it runs."""
        return read_links(self._run) if self.running else {}

    def port_file(self, port: int = qemu.SSH) -> Path:
        """Return the file that names the loopback port leading to one of its own, while it runs."""
        return self._qemu.port_file(port)

    def host(self, dr_role: str | None = None) -> Host:
        """Return how SSH reaches it now."""
        return Host(
            name=self.name,
            address="127.0.0.1",
            port=self._qemu.port,
            user="root",
            private_key=self._user_key,
            dr_role=dr_role,
        )

    def known_hosts_line(self) -> str:
        """Return its line of a known_hosts file."""
        return f"{known_hosts_name(self.host())} {self.host_key}\n"

    def ssh_command(self) -> list[str]:
        """Return the command that opens a shell on it."""
        known_hosts = self._run / "known_hosts"
        write_private(known_hosts, self.known_hosts_line())
        options = {
            "UserKnownHostsFile": f'"{known_hosts}"',
            "GlobalKnownHostsFile": "/dev/null",
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
            "LogLevel": "ERROR",
            "ConnectTimeout": str(_TRY),
            "ServerAliveInterval": "5",
        }

        words = [word for key, value in options.items() for word in ("-o", f"{key}={value}")]
        host = self.host()
        where = ["-i", str(self._user_key), "-p", str(host.port), f"root@{host.address}"]

        return ["ssh", "-F", "/dev/null", *words, *where]

    def sockets(self) -> Path:
        """Return the folder of its shared SSH connections."""
        return sockets.folder_for(str(self._place))

    def up(
        self,
        say: Say,
        *,
        links: Mapping[str, Path] | None = None,
        ports: Sequence[int] = (),
        capture: bool = False,
    ) -> None:
        """Resume it and wait until it answers over SSH with the right time; nothing if it runs.

        `links`: guest address:port → the file that names the loopback port to reach there;
        `ports`: those of its own that links lead to, besides SSH's; `capture`: what its network
        card sends is written down. The first time, and after a
        change of QEMU, it is booted and frozen before. Raises NotReadyError, BusyError,
        PradrillError.
        """
        with lock_file(self.folder / "lock", f"the machine {self.name}"):
            if self.running and not self._qemu.unfinished:
                return
            self._end()  # what a start that was killed midway has left
            self._prepare(say)
            self._resume(links or {}, ports, self._frozen, capture=capture)
            say(f"{self.name} is up, under {self.accelerator}")

    @property
    def captured(self) -> Path:
        """Return the file that what its network card sends is written down in."""
        return self._qemu.captured

    def writes_on(self) -> bool:
        """Tell whether what its network card sends is still written down."""
        return is_written(self.captured, self._qemu.port, self._clock.sleep)

    def prepare(self, say: Say) -> None:
        """Boot it once and freeze it, unless that is done. Raises as `up`."""
        with lock_file(self.folder / "lock", f"the machine {self.name}"):
            if not self.running:
                self._prepare(say)

    def kill(self) -> tuple[datetime, datetime]:
        """Cut its power; return the instants between which it went. Its disk stays."""
        before = self._clock.now()
        if not self._qemu.kill():
            raise NotReadyError(f"the machine {self.name} is not running")
        return before, self._clock.now()

    def save(self) -> None:
        """Save it as it runs, and end it: `up_again` resumes copies. Raises PradrillError."""
        with lock_file(self.folder / "lock", f"the machine {self.name}"):
            shutil.rmtree(self._saved, ignore_errors=True)
            self._saved.mkdir(mode=0o700)
            try:
                self._qemu.freeze(self._saved / "state")
                self._end()
                (self._run / "disk.qcow2").rename(self._saved / "disk.qcow2")
            except BaseException:
                shutil.rmtree(self._saved, ignore_errors=True)
                raise

    def up_again(
        self, *, links: Mapping[str, Path] | None = None, ports: Sequence[int] = ()
    ) -> None:
        """Resume a copy of it as it was saved, in the place of the one before. Raises as `up`."""
        with lock_file(self._place / "lock", f"the machine {self.name}"):
            if not self._saved.is_dir():
                raise PradrillError(f"the machine {self.name} was not saved")
            self._end()
            self._resume(links or {}, ports, self._saved)

    def end_copy(self) -> None:
        """End the copy that runs and drop what it changed; what was saved stays."""
        with lock_file(self._place / "lock", f"the machine {self.name}"):
            self._end()
            self._qemu.clean()

    def down(self) -> bool:
        """End it and drop what it changed, and what was saved; tell whether it was running."""
        if (self.folder / "beside").is_dir():
            self.beside().end_copy()
            shutil.rmtree(self.folder / "beside")

        with lock_file(self.folder / "lock", f"the machine {self.name}"):
            ended = self._end()
            self._qemu.clean()
            shutil.rmtree(self._saved, ignore_errors=True)
            return ended

    def _end(self) -> bool:
        ended = self._qemu.kill()
        shutil.rmtree(self.sockets(), ignore_errors=True)
        return ended

    @property
    def frozen(self) -> bool:
        """Tell whether it was frozen under the present QEMU, accelerator, processor and image."""
        try:
            card = json.loads((self._frozen / "card.json").read_text(encoding="utf-8"))
        except (OSError, *UNREADABLE):
            return False
        return bool(card == self._card())

    def _card(self) -> dict[str, str | None]:
        image = (self._image.folder / "image.json").stat().st_mtime_ns
        return {
            "qemu": qemu.version(),
            "accelerator": self._accelerator.chosen,
            "processor": qemu.processor(self._accelerator.chosen, brought=self._image.brought),
            "image": str(image),
        }

    def _prepare(self, say: Say) -> None:
        require([qemu.PROGRAM, "qemu-img", "ssh", "ssh-keygen"])
        if not self._image.built:
            raise NotReadyError(
                "the lab's image is not built yet", hint="Build it: pradrill lab build."
            )
        if self.frozen:
            return

        self._identify()
        for accelerator in self._accelerator.candidates():
            say(f"booting {self.name} once, under {accelerator}, to freeze it ready")
            try:
                self._freeze(accelerator)
            except PradrillError as error:
                if accelerator == "tcg":
                    raise

                first = error.message.splitlines()[0]
                say(f"{accelerator} does not work here: {first[:_LONGEST_REASON]}")
                continue
            finally:
                self._qemu.kill()
                self._qemu.clean()

            return

    def _identify(self) -> None:
        make_key(self._key, f"pradrill lab {self.name}")
        if self._image.brought:
            write_cloud_init(self.folder / "seed", self._key, self._user_key, self.name)
        else:
            make_machine_id(self.folder / "machine-id")
            write_tar(self.folder / "seed.tar", self._key, self._user_key, self.name)

    def _hardware(self, accelerator: str, disk: Path) -> qemu.Hardware:
        image = self._image
        processor = qemu.processor(accelerator, brought=image.brought)
        if image.brought:
            folder = str(self.folder / "seed").replace(",", ",,")
            source = f"file.driver=vvfat,file.dir={folder},file.label=CIDATA,file.rw=off"
            kernel: tuple[str, ...] = ()
        else:
            source = "file=" + str(self.folder / "seed.tar").replace(",", ",,")
            kernel = qemu.kernel_arguments(
                accelerator, image.kernel, image.initrd, self.name, self.machine_id
            )

        seed = ("-drive", f"if=virtio,format=raw,readonly=on,{source}")
        return qemu.Hardware(accelerator, processor, disk, seed, kernel)

    def _freeze(self, accelerator: str) -> None:
        new = self.folder / "frozen.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(mode=0o700)
        self._fresh_run()
        _overlay(new / "disk.qcow2", self._image.disk, self._image.format)
        self._qemu.start(self._hardware(accelerator, new / "disk.qcow2"), {})
        self._see_life(accelerator)
        limit = _BROUGHT_BOOT if self._image.brought else _BOOT
        self._wake(_BOOT_KVM if accelerator == "kvm" else limit)
        self._qemu.freeze(new / "state")
        self._qemu.kill()
        self._accelerator.choose(accelerator)
        write_private(new / "card.json", json.dumps(self._card()))
        shutil.rmtree(self._frozen, ignore_errors=True)
        new.rename(self._frozen)

    def _see_life(self, accelerator: str) -> None:
        """Wait until the kernel says a word, where it does so at once; raises PradrillError.

        Where KVM is only half there, a guest turns in a circle from its first instructions on.
        """
        if accelerator != "kvm" or self._image.brought:
            return

        start = self._clock.now()
        while b"Linux version" not in self._qemu.console.read_bytes():
            if (self._clock.now() - start).total_seconds() > _FIRST_WORD:
                raise PradrillError(
                    f"the kernel of {self.name} does not begin within {_FIRST_WORD:g} s"
                )
            self._raise_if_stopped()
            self._clock.sleep(_PAUSE)

    def _resume(
        self,
        links: Mapping[str, Path],
        ports: Sequence[int],
        saved: Path,
        *,
        capture: bool = False,
    ) -> None:
        self._fresh_run()
        disk = self._run / "disk.qcow2"
        _overlay(disk, saved / "disk.qcow2", "qcow2")
        write_links(self._run, links, self.folder.parent)

        try:
            hardware = self._hardware(self._accelerator.chosen or "tcg", disk)
            self._qemu.start(hardware, links, ports, saved / "state", capture=capture)
            self._qemu.thaw()
            self._wake(_RESUME)
        except BaseException:
            self._qemu.kill()
            raise

    def _fresh_run(self) -> None:
        self._qemu.clean()
        self._run.mkdir(mode=0o700)

    def _wake(self, deadline: float) -> None:
        """Wait for SSH and set the machine's clock. Raises PradrillError at the deadline."""
        start = self._clock.now()
        left = deadline
        while True:
            greeting = self._greet(left)
            if is_machine_id(greeting.strip()):
                write_private(self.folder / "machine-id", greeting)
                return

            self._raise_if_stopped()
            left = deadline - (self._clock.now() - start).total_seconds()
            if left < 0:
                last = last_line(_end_of(self._qemu.console))
                raise PradrillError(
                    f"the machine {self.name} did not answer over SSH within {deadline:g} s",
                    hint=f"Its console's last line: {last}",
                )

            self._clock.sleep(_PAUSE)

    def _raise_if_stopped(self) -> None:
        state = self._qemu.state()
        if state in {"internal-error", "shutdown", "guest-panicked", "io-error"}:
            raise PradrillError(f"the machine {self.name} stopped: {state}")

    def _greet(self, seconds: float) -> str:
        """Give the machine the time, at the moment when it is ready for it; return its id.

        Empty where it is not ready in time: one may let ssh in, and then say nothing or too much.
        """
        try:
            with (
                subprocess.Popen(
                    [*self.ssh_command(), _WAKE],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.DEVNULL,
                ) as talk,
                at_deadline(seconds, talk.kill),
            ):
                try:
                    return self._answer_to_time(talk)
                finally:
                    talk.kill()
        except OSError:
            return ""

    def _answer_to_time(self, talk: subprocess.Popen[bytes]) -> str:
        """Return what a machine says that was given the time; empty: it does not ask for it."""
        assert talk.stdin is not None and talk.stdout is not None  # noqa: S101, PT018 piped
        if talk.stdout.readline(_LONGEST_WORD) != b"ready\n":
            return ""

        now = self._clock.now().timestamp()
        talk.stdin.write(f"{now:.6f} {os.urandom(32).hex()}\n".encode())
        talk.stdin.close()

        return talk.stdout.read(_LONGEST_WORD).decode("ascii", "replace")


def _end_of(console: Path) -> str:
    """Return the end of what a machine has printed, however much that is."""
    with console.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - _LONGEST_WORD))
        return file.read(_LONGEST_WORD).decode("utf-8", "replace")


def _overlay(disk: Path, base: Path, base_format: str) -> None:
    run(["qemu-img", "create", "-q", "-f", "qcow2", "-F", base_format, "-b", base, disk])
