"""Declare what a service talks to, and who may enter it: what a move to another host breaks."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field

from pradrill.domain.values.model import Model

_HIGHEST_PORT = 65_535
_PORT = re.compile(r"(?P<low>[0-9]{1,5})(-(?P<high>[0-9]{1,5}))?(/(?P<protocol>tcp|udp))?")
_NUMBERS = re.compile(r"[0-9a-fA-F]*[:.][0-9a-fA-F:.]*(/.*)?|[0-9.]+/.*")


def _end(value: str) -> str:
    """Read one end of a flow: a service, a host's name, an address, a network, or a few words."""
    text = " ".join(value.split())
    if not text:
        msg = "must not be empty"
        raise ValueError(msg)
    if "://" in text:
        msg = f'"{text}" is an address of the web: write the host alone, and its port under port'
        raise ValueError(msg)
    if _looks_like_numbers(text):
        try:
            ipaddress.ip_network(text, strict=False)
        except ValueError as error:
            msg = f'"{text}" is neither an address nor a network'
            raise ValueError(msg) from error
    elif re.search(r":\d+$", text):
        msg = f'"{text}" has a port: write it under port'
        raise ValueError(msg)
    return text


def _looks_like_numbers(text: str) -> bool:
    """Tell whether a text can only be meant as an address: digits, dots and colons."""
    return bool(_NUMBERS.fullmatch(text)) and any(char.isdigit() for char in text)


def _port(value: Any) -> str:
    """Read a port: 443, 53/udp, 8000-8010/tcp."""
    text = str(value).strip().lower() if isinstance(value, int | str) else ""
    match = None if isinstance(value, bool) else _PORT.fullmatch(text)
    if match is None:
        msg = f'"{value}" is no port: write 443, 53/udp or 8000-8010/tcp'
        raise ValueError(msg)
    low, high = int(match["low"]), int(match["high"] or match["low"])
    if not 1 <= low <= high <= _HIGHEST_PORT:
        msg = f"{text} is no port: ports go from 1 to {_HIGHEST_PORT}"
        raise ValueError(msg)
    return text.removesuffix("/tcp")


def _words(value: str) -> str:
    if not value.strip():
        msg = "must not be empty"
        raise ValueError(msg)
    return value.strip()


End = Annotated[str, AfterValidator(_end)]
Port = Annotated[str, BeforeValidator(_port, json_schema_input_type=int | str)]
Words = Annotated[str, AfterValidator(_words)]


class Flow(Model):
    """A flow that a service needs: who opens it, to whom, on which port, and why."""

    model_config = ConfigDict(populate_by_name=True, serialize_by_alias=True)

    source: End = Field(
        alias="from",
        description="who opens it: the service's own name, another one's, a host, a network, words",
        examples=["moodle"],
    )
    to: End = Field(
        description="whom it reaches: a service, a host's name, an address, a network, words",
        examples=["smtp.exemple.fr"],
    )
    port: Port = Field(description="443, 53/udp, 8000-8010/tcp", examples=[587])
    why: Words = Field(description="what it is for", examples=["mails to the learners"])

    @property
    def protocol(self) -> str:
        """Return what it speaks: tcp unless it says udp."""
        return "udp" if self.port.endswith("/udp") else "tcp"

    @property
    def ports(self) -> range:
        """Return the ports that it is about."""
        low, _, high = self.port.removesuffix("/udp").partition("-")
        return range(int(low), int(high or low) + 1)

    def leads_to(self, other: str) -> bool:
        """Tell whether a name or an address is where it leads; a network holds its addresses."""
        if self.to.casefold().rstrip(".") == other.casefold().rstrip("."):
            return True
        try:
            return ipaddress.ip_address(other) in ipaddress.ip_network(self.to, strict=False)
        except ValueError:  # one of them is a name
            return False

    def leads_into(self, ends: Iterable[str], places: Mapping[str, Collection[str]]) -> bool:
        """Tell whether names or addresses of one destination are where it leads.

        `places`: service → the addresses of its primary.
        """
        primary = places.get(self.to, ())
        return any(end in primary or self.leads_to(end) for end in ends)

    def is_of(self, protocol: str, port: int | None) -> bool:
        """Tell whether what was tried speaks its protocol, on one of its ports."""
        return self.protocol == protocol.casefold() and port in self.ports

    def is_opened_by(self, names: Iterable[str]) -> bool:
        """Tell whether one of these is who opens it."""
        return self.source.casefold() in {each.casefold() for each in names}

    def __str__(self) -> str:
        """Write it in a line."""
        return f"{self.source} → {self.to}:{self.port}"


class Access(Model):
    """A way in that somebody has: to what, by which means, and how it is taken away again."""

    who: Words = Field(description="a person, a role, a program", examples=["Hexanet, on-call"])
    to: Words = Field(description="what it opens", examples=["the hypervisor's console"])
    by: Words = Field(description="by which means", examples=["VPN and a personal account"])
    withdrawn: Words = Field(
        description="how it is taken away", examples=["the account is closed in the directory"]
    )
    drill: bool = Field(
        default=False,
        description="whether drills use it: the report shows what proves that it was withdrawn",
        examples=[True],
    )

    def __str__(self) -> str:
        """Write it in a line."""
        return f"{self.who} → {self.to}, {self.by}"
