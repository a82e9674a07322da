"""Take stock of a standby, and tell what differs: what stands there beside what listens and runs.

Two stocks are compared by kind and name. Of what comes and goes by itself only what is new counts.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.values.model import Model
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code

_KEYED = re.compile("(?:.*:)?([0-9a-f]{8})~[0-9a-f]{16}")
_OTHER_KEY = (
    "contents were noted with another key: the host has another SSH key or machine-id, or a login "
    "without root looked at one that has none, and it was started anew"
)
_OLDER = "another version of pradrill did not look everywhere"
_AT_JOB = re.compile("/var/spool/(?:cron/at(?:jobs|spool)|at(?:/spool)?)/[A-Za-z=]([0-9a-f]{13})")
_AUTOFS = "autofs)"  # what the name of its mount point ends with
_LASTING, _SNAPS = "/etc/", "/snap."
"""Files of units that lie there do not come and go by themselves, but for those of snaps."""
_TOLD = 20
"""Of each kind so many differences are named; the others are counted."""


class InventoryKind(StrEnum):
    """What a drill can leave on a machine."""

    USER = "user"
    GROUP = "group"
    KEY = "key"  # a file of keys that open a login, or of what sudo grants
    PACKAGE = "package"
    CRON = "cron"  # a file of jobs
    TIMER = "timer"
    UNIT = "unit"
    USER_UNIT = "user_unit"
    SETTING = "setting"  # of the network, of the boot, of the kernel
    ROUTE = "route"  # of IPv4
    SYSCTL = "sysctl"  # of the kernel, for each interface and IPv6
    ADDRESS = "address"
    ROUTING = "routing"  # a route of IPv6 or of another table, and a rule
    MOUNT = "mount"
    SOCKET = "socket"
    DATABASE = "database"
    ACCOUNT = "account"  # of a database server
    FIREWALL = "firewall"  # a table or chain
    FILE = "file"  # below a declared folder
    SYSTEM = "system"  # a file: who may enter, what starts, what is trusted
    DEVICE = "device"  # a file that is one, an open volume, swap
    CONTAINER = "container"  # or a volume of its engine, or a virtual machine
    MAIL = "mail"  # that waits
    OPEN_FILE = "open_file"  # below what must be gone


COME_AND_GO = frozenset(
    {
        *(InventoryKind.TIMER, InventoryKind.UNIT, InventoryKind.USER_UNIT),
        *(InventoryKind.ROUTE, InventoryKind.ADDRESS, InventoryKind.ROUTING),
        *(InventoryKind.MOUNT, InventoryKind.SOCKET, InventoryKind.DEVICE),
        *(InventoryKind.CONTAINER, InventoryKind.MAIL, InventoryKind.OPEN_FILE),
    }
)
"""They end by themselves when nobody uses them: that one is gone, or another, is nobody's doing."""


_FILES = frozenset({InventoryKind.TIMER, InventoryKind.UNIT})
"""Of these the names of files are told beside those of units."""


_LATER = frozenset(
    {
        *(InventoryKind.USER_UNIT, InventoryKind.SETTING, InventoryKind.ROUTE),
        *(InventoryKind.SYSCTL, InventoryKind.ADDRESS, InventoryKind.ROUTING),
        *(InventoryKind.SYSTEM, InventoryKind.DEVICE, InventoryKind.CONTAINER),
        *(InventoryKind.MAIL, InventoryKind.OPEN_FILE),
    }
)
"""Kinds that older versions have not looked at, and of which every machine has something."""


WAYS_IN = frozenset(
    {InventoryKind.USER, InventoryKind.GROUP, InventoryKind.KEY, InventoryKind.ACCOUNT}
)
"""Who may enter a machine, and as whom."""


class InventoryChange(StrEnum):
    """How something differs from before."""

    NEW = "new"
    CHANGED = "changed"
    GONE = "gone"


_CODES = {
    InventoryChange.NEW: Code.INVENTORY_NEW,
    InventoryChange.CHANGED: Code.INVENTORY_CHANGED,
    InventoryChange.GONE: Code.INVENTORY_GONE,
}


class Difference(NamedTuple):
    """One thing that is not as before."""

    kind: InventoryKind
    name: str
    change: InventoryChange


class StandbyInventory(Model):
    """What stands on a machine at one moment, and what of it could not be seen.

    Kinds are texts here: what another version has noted is read, and left aside.
    """

    seen: dict[str, dict[str, str]] = Field(
        default={}, description="kind → name → what is noted of it, in short"
    )
    unseen: dict[str, str] = Field(default={}, description="kind → why it could not be seen")
    stopped: tuple[str, ...] = Field(
        default=(), description="folders of database servers that did not run: nobody was asked"
    )
    asked: tuple[str, ...] = Field(
        default=(), description="services that the message bus begins when somebody asks for them"
    )
    tops: dict[str, tuple[str, ...]] = Field(
        default={}, description="kind → where it was looked for; nothing in older runs"
    )

    def limit(self, host: str, before: StandbyInventory | None = None) -> Reason | None:
        """Say what of a host nothing is known about, so that it cannot be compared.

        `before`: of that it was said already, and what was seen then and is not now is residue.
        """
        gaps = self.unseen if before is None else {}
        stopped = [each for each in self.stopped if before is None or each not in before.stopped]
        parts = [_unseen(kind, gaps[kind]) for kind in InventoryKind if kind in gaps]
        parts += [reason(Code.SERVER_STOPPED, folder=folder) for folder in stopped]
        others = () if before is None else self._only_now(before)
        parts += [_unseen(kind, _OLDER) for kind in InventoryKind if kind in others]
        return reason(Code.INVENTORY_UNSEEN, host=host, parts=parts) if parts else None

    def only(self, kind: str, other: StandbyInventory) -> tuple[str, ...]:
        """Return where a kind was looked for here, and not in another inventory.

        Older versions did not say where: there, where something of it was found.
        """
        source = InventoryKind.UNIT if kind == InventoryKind.TIMER else kind  # in one look
        names, paths = other.seen.get(kind, {}), other.tops.get(source)
        return tuple(
            top
            for top in self.tops.get(source, ())
            if (top not in paths if paths else not any(_is_below(each, top) for each in names))
        )

    def _only_now(self, before: StandbyInventory) -> list[str]:
        """Return the kinds that were seen then, and are looked for now where they were not."""
        return [each for each in self.tops if each not in before.unseen and self.only(each, before)]

    def starts_for_others(self, service: str) -> bool:
        """Tell whether a service begins without a drill: at a time, for whoever asks for it."""
        name = service.removesuffix(".service")
        units = {name, name.partition("@")[0]}
        waiting = {*self.seen.get(InventoryKind.TIMER, {}), *self.seen.get(InventoryKind.UNIT, {})}
        callers = {f"{unit}.{kind}" for unit in units for kind in ("timer", "socket", "path")}
        return service in self.asked or not callers.isdisjoint(waiting)

    def holds(self, path: str) -> bool:
        """Tell whether a process holds what lay there, or may: nothing is found there any more."""
        if InventoryKind.OPEN_FILE in self.unseen:
            return True
        files, top = self.seen.get(InventoryKind.OPEN_FILE, {}), path.rstrip("/")
        return any(each.startswith((f"{top}/", f"{top}, ")) for each in files)

    def has_databases_of(self, before: StandbyInventory) -> bool:
        """Tell whether there are databases, those of before, and no other."""
        kind = InventoryKind.DATABASE
        if kind not in self.seen or kind in {*self.unseen, *before.unseen}:
            return False
        return all(each.kind is not kind for each in difference(before, self))

    def has_accounts_of(self, before: StandbyInventory) -> bool:
        """Tell whether all ways in were seen, and are those of before."""
        if InventoryKind.USER not in self.seen or self.stopped or before.stopped:
            return False
        if not WAYS_IN.isdisjoint({*self.unseen, *before.unseen}):
            return False
        if any(_keys(kind, self) != _keys(kind, before) for kind in WAYS_IN):
            return False
        return all(each.kind not in WAYS_IN for each in difference(before, self))

    def left_by(
        self, before: StandbyInventory, *, mounts: Collection[str] = ()
    ) -> tuple[Reason, ...]:
        """Say what is not as before, and what could be seen then and cannot now.

        `mounts`: mount points of which that was said already.
        """
        unknown = [
            reason(Code.NOT_VERIFIED, because=_unseen(kind, self.unseen[kind]))
            for kind in InventoryKind
            if kind in self.unseen and kind not in before.unseen
            if kind not in _LATER or kind in before.seen
        ]
        unknown += [
            reason(Code.NOT_VERIFIED, because=_unseen(kind, _OTHER_KEY))
            for kind in InventoryKind
            if (now := _keys(kind, self)) and (then := _keys(kind, before)) and now != then
        ]
        differences = [
            each
            for each in difference(before, self)
            if each.kind is not InventoryKind.MOUNT or each.name.rpartition(" (")[0] not in mounts
        ]
        return (*_reasons(differences), *unknown)


def difference(before: StandbyInventory, after: StandbyInventory) -> tuple[Difference, ...]:
    """Return what is not as before, by kind and name; what one of them did not see is left out."""
    jobs = {*map(_at_job, before.seen.get(InventoryKind.CRON, {}))} - {""}
    automounts = _automounts(before, after)
    return tuple(
        each
        for kind in InventoryKind
        if _is_comparable(kind, before, after)
        for each in _of_kind(
            kind, _comparable(kind, before, after), _comparable(kind, after, before)
        )
        if each.change is InventoryChange.CHANGED or _at_job(each.name) not in jobs
        if each.kind is not InventoryKind.MOUNT or each.name not in automounts
    )


def _at_job(name: str) -> str:
    """Return what tells a job of at's from others; nothing of any other file.

    Its file goes when it was carried out, and has another name meanwhile.
    """
    match = _AT_JOB.fullmatch(name)
    return match[1] if match else ""


def _automounts(before: StandbyInventory, after: StandbyInventory) -> set[str]:
    """Return what autofs mounts where it waited before: it comes as soon as somebody looks there.

    That is the first over it; one more was mounted by somebody.
    """
    kind = InventoryKind.MOUNT
    mounts = [each.rpartition(" (") for each in after.seen.get(kind, {})]
    points = [each.rpartition(" (") for each in before.seen.get(kind, {})]
    waiting = {point for point, _, what in points if what == _AUTOFS}
    first: dict[str, str] = {}
    for point, blank, what in mounts:
        if point in waiting and what != _AUTOFS:
            first.setdefault(point, f"{point}{blank}{what}")
    return {*first.values()}


def _is_below(name: str, top: str) -> bool:
    return name == top or name.startswith(f"{top}/")


def _is_comparable(kind: InventoryKind, one: StandbyInventory, other: StandbyInventory) -> bool:
    """Tell whether both have looked at a kind, with the same success."""
    looks = [kind in each.seen for each in (one, other)]
    return (kind in one.unseen) == (kind in other.unseen) and (kind not in _LATER or all(looks))


def _comparable(
    kind: InventoryKind, one: StandbyInventory, other: StandbyInventory
) -> Mapping[str, str]:
    """Return what of one inventory can be compared with another.

    A database server that did not run told nothing of accounts, and of a database its number.
    Settings come and go with their interface: those count that both have. What lies where one of
    two versions did not look is nobody's doing.
    """
    names = one.seen.get(kind, {})
    if tops := one.only(kind, other):
        return {
            name: value
            for name, value in names.items()
            if not any(_is_below(name, top) for top in tops)
        }
    if kind is InventoryKind.SYSCTL:
        return {name: value for name, value in names.items() if name in other.seen[kind]}
    if kind is InventoryKind.ACCOUNT:
        silent = {*one.stopped, *other.stopped}
        return {name: value for name, value in names.items() if _folder(name) not in silent}
    if kind is InventoryKind.DATABASE and one.stopped:
        others = other.seen.get(kind, {})
        by_number = {(_folder(name), value): name for name, value in others.items() if value}
        return {by_number.get((_folder(name), value), name): value for name, value in names.items()}
    return names


def _folder(name: str) -> str:
    """Return the data folder that a database's or an account's name ends with."""
    return name.rpartition(" (")[2].removesuffix(")")


def _unseen(kind: InventoryKind, why: str) -> Reason:
    return reason(Code.INVENTORY_KIND, kind=kind, because=why)


def _of_kind(
    kind: InventoryKind, before: Mapping[str, str], after: Mapping[str, str]
) -> Iterator[Difference]:
    for name in sorted({*before, *after}):
        if name not in before:
            yield Difference(kind, name, InventoryChange.NEW)
        elif kind in COME_AND_GO and not _is_lasting(kind, name):
            continue
        elif name not in after:
            yield Difference(kind, name, InventoryChange.GONE)
        elif kind in _FILES and "" in {before[name], after[name]}:
            continue  # an older version noted the name alone
        elif not _is_same(before[name], after[name]):
            yield Difference(kind, name, InventoryChange.CHANGED)


def _is_lasting(kind: InventoryKind, name: str) -> bool:
    """Tell whether it is a unit's file that stays as it is until somebody touches it."""
    return kind in _FILES and name.startswith(_LASTING) and _SNAPS not in name


def _is_same(one: str, other: str) -> bool:
    """Tell whether what is noted of a thing is the same, as far as both have noted it.

    Older versions noted less: of a file its size alone, of a user no password; and of a content a
    checksum. Digests of two keys cannot be compared, and what stands before them can.
    """
    (head, _, tail), (other_head, _, other_tail) = (each.rpartition(":") for each in (one, other))
    if _key(one) != _key(other) and tail and other_tail and head == other_head:
        return True
    return one == other or one.startswith(f"{other}:") or other.startswith(f"{one}:")


def _key(value: str) -> str:
    """Return what names the key of the digest that a value ends with; nothing of any other."""
    match = _KEYED.fullmatch(value)
    return match[1] if match else ""


def _keys(kind: InventoryKind, inventory: StandbyInventory) -> set[str]:
    return {key for value in inventory.seen.get(kind, {}).values() if (key := _key(value))}


def _reasons(differences: Sequence[Difference]) -> Iterator[Reason]:
    for kind in InventoryKind:
        of_kind = [each for each in differences if each.kind is kind]
        for each in of_kind[:_TOLD]:
            yield reason(_CODES[each.change], kind=kind, name=each.name)
        if len(of_kind) > _TOLD:
            yield reason(Code.INVENTORY_MORE, kind=kind, count=len(of_kind) - _TOLD)
