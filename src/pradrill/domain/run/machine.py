"""Name the machines that a run makes, and read what its playbooks hand back of them.

What is made is found again by its tag alone, which follows from the run's id.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, TypeAdapter, ValidationError

from pradrill.domain.run.host import ADDRESS
from pradrill.domain.run.outcome import StepKind, StepResult
from pradrill.domain.values import identity
from pradrill.domain.values.model import Model, Utc
from pradrill.domain.values.reason import ReasonError, reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.run_names import short
from pradrill.domain.values.timeline import Instant, Mark

ADDRESSES = "pradrill_addresses"
LISTING = "pradrill_listing"
"""What the playbooks hand back, by set_stats."""

_ROOM = timedelta(hours=1)
"""For what no deadline of a run counts, before its machines are over."""

_MOST = 1_000
_MOST_LISTED = 100_000  # what a play may hand back at all holds fewer
_WORD = 60  # characters of an answer that are told
_NAME = 120
_STRANGE = re.compile(r"[^A-Za-z0-9_.:@+-]")


def tag_of(run_id: str) -> str:
    """Return the tag that all carries which the run makes."""
    return f"pradrill-{short(run_id)}"


def machine_name(run_id: str, name: str) -> str:
    """Return what a machine of the standby is called where it is made: a host's name, too."""
    return f"{tag_of(run_id)}-{name}"


def marker_line(run_id: str, name: str) -> str:
    """Return the second line of the marker of a machine that a run makes."""
    return f"{run_id} {name}"


def _address(value: str) -> str:
    ip = ipaddress.ip_address(value.strip())
    if identity.is_nobodys(ip):
        msg = f"{ip} is no machine's own address"
        raise ValueError(msg)
    return str(ip)


def _place(where: MachineAddress) -> tuple[object, ...]:
    """Return what two spellings of one address have in common; a zone tells it from another."""
    zone = where.address.partition("%")[2]
    return identity.plain_address(where.address), zone, where.port


class MachineAddress(Model):
    """Where a machine's SSH server is: an address, for a name may lead elsewhere later."""

    address: Annotated[
        str, Field(max_length=64), AfterValidator(_address), Field(pattern=ADDRESS)
    ]  # a zone may hold anything
    port: int = Field(default=22, ge=1, le=65_535)


def _one_word(name: Any) -> Any:
    return _STRANGE.sub("_", name)[:_NAME] if isinstance(name, str) else name


class TaggedMachine(Model):
    """A machine that a listing found by its tag."""

    machine: Annotated[str, BeforeValidator(_one_word)] = Field(
        min_length=1, description="its name as it is shown: nothing is ever done by it"
    )
    tag: str = Field(pattern=r"^pradrill-[0-9a-f]{12}$")
    expires: Utc | None = None


class MachineSeed(Model):
    """What a machine is given when it is made: its names, and who it is from its first boot on."""

    name: str = Field(description="how the drill calls it")
    machine: str = Field(description="how it is called where it is made")
    user_data: Path = Field(description="cloud-init: its host key, its login, its marker")
    meta_data: Path = Field(description="cloud-init: its instance")


_ADDRESSES: TypeAdapter[dict[str, MachineAddress]] = TypeAdapter(
    Annotated[dict[str, MachineAddress], Field(max_length=_MOST)]
)
_LISTING: TypeAdapter[tuple[TaggedMachine, ...]] = TypeAdapter(
    Annotated[tuple[TaggedMachine, ...], Field(max_length=_MOST_LISTED)]
)


def addresses_in(values: Mapping[str, Any], names: Collection[str]) -> dict[str, MachineAddress]:
    """Return the machines' addresses as a playbook hands them back: NAME: ADDRESS, or with a port.

    Raises ReasonError unless there is one for each name, and no other's.
    """
    answer = values.get(ADDRESSES)
    plain = isinstance(answer, Mapping)
    each = {
        name: {"address": value} if isinstance(value, str) else value
        for name, value in (answer.items() if isinstance(answer, Mapping) else ())
        if name in names
    }
    if plain and (missing := [name for name in names if name not in each]):
        raise ReasonError(reason(Code.ADDRESSES_MISSING, host=missing))
    try:
        addresses = _ADDRESSES.validate_python(each if plain else answer)
    except (ValidationError, ValueError) as error:
        raise ReasonError(
            reason(Code.ADDRESSES_UNREADABLE, because=repr(answer)[:_WORD])
        ) from error
    of: dict[tuple[object, ...], list[str]] = {}
    for name, where in addresses.items():
        of.setdefault(_place(where), []).append(name)
    if twins := [name for same in of.values() if len(same) > 1 for name in same]:
        raise ReasonError(reason(Code.ADDRESS_SHARED, host=twins))
    return addresses


def listing_in(values: Mapping[str, Any], playbook: Path) -> tuple[TaggedMachine, ...]:
    """Return the machines that a listing hands back. Raises ReasonError: no list is no answer."""
    listing = values.get(LISTING)
    if not isinstance(listing, list):
        raise ReasonError(reason(Code.LISTING_MISSING, file=playbook.name))
    try:
        return _LISTING.validate_python(listing)
    except (ValidationError, ValueError) as error:
        raise ReasonError(reason(Code.LISTING_UNREADABLE, file=playbook.name)) from error


def expiry(began: datetime, deadlines: Iterable[timedelta]) -> datetime:
    """Return when a run cannot go on any more, whatever its steps take: its machines are over."""
    return began + sum(deadlines, _ROOM)


def provisioning_inside_rta(steps: Iterable[StepResult], marks: Mapping[Mark, Instant]) -> float:
    """Return the seconds between T0 and T5 in which the standby's machines were made."""
    begin, end = marks.get(Mark.DISRUPTION), marks.get(Mark.SERVICE_VERIFIED)
    if begin is None or end is None:
        return 0.0
    return sum(
        max(0.0, (min(step.ended, end.at) - max(step.started, begin.at)).total_seconds())
        for step in steps
        if step.kind is StepKind.PROVISION
    )


def may_be_ended(
    machine: TaggedMachine, now: datetime, ended: Collection[str], alive: Collection[str]
) -> bool:
    """Tell whether nobody needs a machine any more: its run has ended here, or its time is over.

    `ended`, `alive`: tags of this state's runs.
    """
    if machine.tag in alive:
        return False
    return machine.tag in ended or (machine.expires is not None and machine.expires < now)
