"""Read what remote_inventory.py tells of a standby, strictly: its words are hostile input."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping

from pradrill.domain.run.host_answers import (
    UNSTABLE_UNIT,
    endpoint,
    is_unstable,
    last_line,
    unescaped,
)
from pradrill.domain.run.standby_inventory import InventoryKind, StandbyInventory

_MOST = 5_000  # names of a kind
_MOST_TOPS = 500  # where one was looked for
_LONGEST = 300  # characters of a name; what is noted of it is shorter
_ADDRESS_CLIENTS = {68, 546}  # open for a moment when a lease of an address is renewed
_KERNEL = re.compile(
    r"linux-(.*-)?(image|headers|modules|kbuild|tools|base)\b.*"  # linux-aws-headers-6.8.0-1021
    r"|kernel\b.*|(pve|proxmox)-(kernel|headers)\b.*"
)
_STOPPED, _ASKED, _TOP = "stopped", "asked", "top"
_KINDS = {kind.value: kind for kind in InventoryKind}

_Entry = tuple[InventoryKind, str, str] | None
"""InventoryKind, name, and what is noted of it; None of what counts for nothing."""


def inventory(answer: str, units: Iterable[str] = ()) -> StandbyInventory:
    """Return what the lines KIND, VALUE, NAME (with tabs) say; others are passed over.

    Without a name: the kind was looked at, whether anything of it is there or not.
    "!KIND" and a reason say that a kind could not be seen, or not all of it; "stopped" and a
    folder, that a database server did not run; "asked" and a unit, that it begins when somebody
    asks for it; "top", a kind and a path, that it was looked for there.
    `units` are there, too.
    """
    answer += "".join(f"\n{InventoryKind.UNIT}\t\t{name}" for name in units)
    stock: dict[str, dict[str, str]] = {}
    gaps: dict[str, str] = {}
    notes: dict[str, list[str]] = {_STOPPED: [], _ASKED: []}
    tops: dict[str, list[str]] = {}
    counts: Counter[tuple[str, str]] = Counter()
    for line in answer.split("\n"):
        word, _, rest = line.partition("\t")
        value, _, name = rest.partition("\t")
        if word in notes and len(notes[word]) < _MOST:
            notes[word].append(_plain(name))
        if word == _TOP and value in _KINDS and len(tops.setdefault(value, [])) < _MOST_TOPS:
            tops[value].append(_plain(name))
        if word.removeprefix("!") not in _KINDS:
            continue

        if word.startswith("!"):
            gaps[word[1:]] = last_line(rest)
            continue

        if rest == "\t":
            stock.setdefault(word, {})
        entry = _entry(_KINDS[word], name, value)
        if entry is not None:
            names = stock.setdefault(entry[0].value, {})
            names[_once(entry[0], _plain(entry[1]), names, counts)] = _plain(entry[2])

    for kind, names in stock.items():
        if len(names) > _MOST:
            gaps[kind] = f"there are more than {_MOST}"

    few = {kind: names for kind, names in stock.items() if len(names) <= _MOST}
    return StandbyInventory(
        seen=few,
        unseen=gaps,
        stopped=tuple(notes[_STOPPED]),
        asked=tuple(notes[_ASKED]),
        tops={kind: tuple(paths) for kind, paths in tops.items()},
    )


def nothing_seen(because: str) -> StandbyInventory:
    """Return what is known of a machine that could not be asked."""
    return StandbyInventory(unseen=dict.fromkeys(_KINDS, last_line(because)))


def _entry(kind: InventoryKind, name: str, value: str) -> _Entry:
    if not name:
        return None
    return _READERS[kind](name, value) if kind in _READERS else (kind, name, value)


def _package(name: str, status: str) -> _Entry:
    """Read a package that is installed, whatever its version: those are mended by themselves."""
    is_there = status[1:2] == "i"
    return None if not is_there or _KERNEL.fullmatch(name) else (InventoryKind.PACKAGE, name, "")


def _unit(name: str, value: str) -> _Entry:
    if UNSTABLE_UNIT.search(name):
        return None
    return InventoryKind.TIMER if name.endswith(".timer") else InventoryKind.UNIT, name, value


def _mount(name: str, kind: str) -> _Entry:
    point = unescaped(name)
    return None if is_unstable(point) else (InventoryKind.MOUNT, f"{point} ({kind})", "")


def _socket(name: str, ephemeral: str) -> _Entry:
    """Read a UDP socket that waits for anybody; `ephemeral` is the first port of clients."""
    try:
        host, port = endpoint(name)
        is_client = port in _ADDRESS_CLIENTS or port >= int(ephemeral)
    except ValueError:
        return None
    return None if is_client else (InventoryKind.SOCKET, f"udp {host}:{port}", "")


_READERS: Mapping[InventoryKind, Callable[[str, str], _Entry]] = {
    InventoryKind.PACKAGE: _package,
    InventoryKind.UNIT: _unit,
    InventoryKind.MOUNT: _mount,
    InventoryKind.SOCKET: _socket,
}


def _once(
    kind: InventoryKind, name: str, names: Mapping[str, str], counts: Counter[tuple[str, str]]
) -> str:
    """Return a name that is not among those of its kind: file systems lie one over another."""
    other = name
    while other in names and len(names) <= _MOST:
        counts[kind, name] += 1
        other = f"{name} {counts[kind, name] + 1}"
    return other


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "?" for c in text[:_LONGEST])
