"""Keep the lab: an image, and the machines that start from it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pradrill.adapters.standbys.files import lock_file
from pradrill.adapters.standbys.lab import qemu
from pradrill.adapters.standbys.lab.accelerator import Accelerator
from pradrill.adapters.standbys.lab.image import Image
from pradrill.adapters.standbys.lab.links import address_of
from pradrill.adapters.standbys.lab.machine import Machine
from pradrill.adapters.standbys.seed import make_key
from pradrill.errors import UsageError
from pradrill.ports import Clock, Say

_NAME = re.compile(r"[a-z][a-z0-9-]{0,30}")


class Lab:
    """Virtual machines on this computer, under one folder."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder = folder
        self._clock = clock
        self._image = Image(folder / "image")
        self._machines = folder / "machines"
        self._accelerator = Accelerator(folder / "accelerator.json")

    @property
    def built(self) -> bool:
        """Tell whether the image is there."""
        return self._image.built

    def build(self, say: Say, *, image: Path | None = None) -> None:
        """Build the image from Debian's packages, or take the user's own QCOW2.

        Machines frozen from an older image are made anew at their next start. Raises
        NotReadyError, BusyError, ConfigurationError, PradrillError.
        """
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with lock_file(self._folder / "lock", "the lab"):
            self._image.build(say, image)

    def machine(self, name: str) -> Machine:
        """Return a machine by its name; it need not exist yet. Raises UsageError."""
        if not _NAME.fullmatch(name):
            raise UsageError(
                f'"{name}" is no machine name', hint="Use lower-case letters, digits and dashes."
            )

        folder = self._machines / name
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = self._folder / "user_key"
        with lock_file(self._folder / "key.lock", "the lab's key"):
            make_key(key, "pradrill lab")

        return Machine(folder, self._image, key, self._accelerator, self._clock)

    def links(self, machine: Machine, others: Sequence[str]) -> dict[str, Machine]:
        """Return guest address:port → the machine whose SSH is reached there.

        An address belongs to the other machine, and is the same on each. Raises UsageError,
        BusyError, NotReadyError.
        """
        if machine.name in others:
            raise UsageError(
                f"a link from {machine.name} to itself", hint="Name the machine that it reaches."
            )
        linked = [self.machine(name) for name in dict.fromkeys(others)]
        return {f"{address_of(other.folder)}:{qemu.SSH}": other for other in linked}

    def machines(self) -> list[Machine]:
        """Return the machines that have an identity, by name."""
        names = [path.parent.name for path in self._machines.glob("*/machine-id")]
        return [self.machine(name) for name in sorted(names)]

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other demos out. Raises BusyError."""
        with lock_file(self._folder / "demo.lock", "a demo"):
            yield

    def down(self) -> list[str]:
        """End every running machine; return their names."""
        names = sorted(path.name for path in self._machines.glob("*"))
        return [name for name in names if self.machine(name).down()]

    def destroy(self) -> None:
        """End every machine and remove all that the lab has on disk."""
        self.down()
        shutil.rmtree(self._folder, ignore_errors=True)
