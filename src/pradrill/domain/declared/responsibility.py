"""Describe what responsibilities are about: topics of a list, and lines of the company's own."""

from __future__ import annotations

from enum import StrEnum


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
        return next((topic for topic in cls if topic == line), None)


TOPICS = ", ".join(Topic)
