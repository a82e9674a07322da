"""Give each machine of the lab an address of its own, under which the others reach its SSH."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from pradrill.adapters.standbys.files import lock_file, write_private
from pradrill.errors import UNREADABLE, NotReadyError

_HOSTS = range(100, 200)
"""Last numbers of the addresses: QEMU's network has its own gateway, DNS and guest below."""
_FILE = "links.json"


def address_of(folder: Path) -> str:
    """Return the address of the machine in a folder: once given, it stays until the lab goes.

    Raises BusyError, NotReadyError.
    """
    note = folder / "address"
    machines = folder.parent
    with lock_file(machines.parent / "addresses.lock", "the lab's addresses"):
        if note.exists():
            return note.read_text(encoding="ascii").strip()

        in_use = {each.read_text(encoding="ascii").strip() for each in machines.glob("*/address")}
        free = [address for n in _HOSTS if (address := f"10.0.2.{n}") not in in_use]
        if not free:
            raise NotReadyError(
                f"the lab has no address left for {folder.name}: {len(in_use)} machines have one",
                hint="Begin anew: pradrill lab destroy.",
            )

        write_private(note, f"{free[0]}\n")
        return free[0]


def write_links(run: Path, links: Mapping[str, Path], machines: Path) -> None:
    """Note beside a running machine where its links lead."""
    names = {near: far.relative_to(machines).parts[0] for near, far in links.items()}
    write_private(run / _FILE, json.dumps(names))


def read_links(run: Path) -> dict[str, str]:
    """Return guest address:port → the name of the machine there; nothing where none is noted."""
    try:
        names = json.loads((run / _FILE).read_text(encoding="utf-8"))
        return {str(near): str(name) for near, name in names.items()}
    except (OSError, *UNREADABLE):
        return {}
