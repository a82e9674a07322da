"""Describe what responsibilities are about: topics of a list, and lines of the company's own."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any

from pydantic import BeforeValidator


class Topic(StrEnum):
    """A subject that host and customer share out. Some of them a drill shows by itself."""

    POWER_AND_NETWORK = "power and network"
    MACHINES = "machines"
    SYSTEMS = "systems"
    APPLICATIONS = "applications"
    BACKUPS = "backups"
    RESTORE = "restore"
    DNS = "dns"
    ACCESSES = "accesses"
    SUPERVISION = "supervision"
    SUPPORT = "support"
    COMMUNICATION = "communication"

    @classmethod
    def of(cls, line: str) -> Topic | None:
        """Return the topic that a line of the plan names; None for a line of the company's own."""
        return next((topic for topic in cls if is_same_line(topic, line)), None)


TOPICS = ", ".join(Topic)

REQUIRED = tuple(topic for topic in Topic if topic is not Topic.SUPPORT)
"""Each of these has somebody who answers for it; support is the host's, by its SLA."""


def is_same_line(one: str, other: str) -> bool:
    """Tell whether two lines are one, in capitals or not."""
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _as_owners(value: Any) -> Any:
    """Read one name or several; what is empty names nobody."""
    if isinstance(value, list | tuple):
        names = [name.strip() if isinstance(name, str) else name for name in value]
        several = tuple(name for name in names if name not in {None, ""})
        return several if len(several) > 1 else (several or ("",))[0]
    return value.strip() if isinstance(value, str) else "" if value is None else value


Owners = Annotated[str | tuple[str, ...], BeforeValidator(_as_owners)]
"""Who answers for a line: one name, as it should be, or several; empty: nobody."""


def names(owners: str | tuple[str, ...]) -> tuple[str, ...]:
    """Return everybody who answers for a line."""
    return owners if isinstance(owners, tuple) else (owners,) if owners else ()


Table = Mapping[str, str | tuple[str, ...]]
"""Line → who answers for it."""


def owned(table: Table) -> set[Topic]:
    """Return the topics for which a table names somebody."""
    return {topic for line, owners in table.items() if owners and (topic := Topic.of(line))}


def owners_of(table: Table, topic: str) -> tuple[str, ...]:
    """Return everybody whom a table names for a topic, once each."""
    of_topic = (owners for line, owners in table.items() if is_same_line(line, topic))
    everybody = [name for owners in of_topic for name in names(owners)]
    return tuple({name.casefold(): name for name in everybody}.values())
