"""Declare what a provider promises, what binds it, and how it is reached."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from datetime import timedelta
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.maintenance import AvailabilityPeriod, MaintenanceWindow, Zone
from pradrill.domain.declared.notice import SOON as SOON  # noqa: PLC0414 they are read together
from pradrill.domain.values.duration import PositiveDuration
from pradrill.domain.values.model import Model
from pradrill.domain.values.severity import Severity


class Support(Model):
    """How to reach a provider's support, and under which contract."""

    phone: str | None = Field(default=None, description="number", examples=["+33 3 26 00 00 00"])
    email: str | None = Field(
        default=None, description="address", examples=["support@host.example"]
    )
    hours: str | None = Field(default=None, description="when they answer", examples=["24/7"])
    contract: str | None = Field(default=None, description="its number", examples=["HX-1234"])


class Times(Model):
    """How soon a provider promises to act."""

    response: PositiveDuration | None = Field(
        default=None, description="how soon they answer a call", examples=["30m"]
    )
    restoration: PositiveDuration | None = Field(
        default=None, description="how soon their part works again", examples=["4h"]
    )


class Sla(Model):
    """What a provider promises."""

    availability: str | None = Field(default=None, description="in words", examples=["99.9 %"])
    availability_percent: float | None = Field(
        default=None,
        gt=0,
        le=100,
        description="of the period, as a number: declared incidents are compared with it",
        examples=[99.9],
    )
    availability_period: AvailabilityPeriod = Field(
        default=AvailabilityPeriod.MONTH,
        description="over which time it is promised: month, quarter, year",
        examples=["year"],
    )
    timezone: Zone = Field(
        default="UTC", description="in which its months begin", examples=["Europe/Paris"]
    )
    maintenance_counts: bool = Field(
        default=False,
        description="whether the contract counts maintenance as an outage: in its windows, and "
        "what was announced",
        examples=[True],
    )
    maintenance_notice: PositiveDuration | None = Field(
        default=None,
        description="how long before maintenance must be announced: what was announced later "
        "counts as an outage",
        examples=["72h"],
    )
    response: PositiveDuration | None = Field(
        default=None, description="how soon they answer a call", examples=["30m"]
    )
    restoration: PositiveDuration | None = Field(
        default=None, description="how soon their part works again", examples=["4h"]
    )
    by_severity: dict[Severity, Times] = Field(
        default={},
        description="what is promised for incidents of a severity (minor, major, critical), where "
        "that is something else",
        examples=[{"critical": {"response": "15m", "restoration": "2h"}}],
    )

    def promised(self, what: str, severity: Severity | None) -> timedelta | None:
        """Return how soon `response` or `restoration` is promised for a severity."""
        times = self.by_severity.get(severity) if severity is not None else None
        of_severity = None if times is None else getattr(times, what)
        promise: timedelta | None = of_severity or getattr(self, what)
        return promise

    def promises(self, what: str) -> bool:
        """Tell whether `response` or `restoration` is promised for anything."""
        return any(self.promised(what, severity) for severity in (None, *self.by_severity))

    @property
    def promises_availability(self) -> bool:
        """Tell whether anything is said of it, as a number or in words."""
        return bool(self.availability or self.availability_percent)


class Contract(Model):
    """What binds a provider, and until when."""

    number: str | None = Field(default=None, description="its number", examples=["HX-1234"])
    ends: dt.date | None = Field(
        default=None,
        description="its last day; 60 days before, it is told",
        examples=["2027-12-31"],
    )
    notice: str | None = Field(
        default=None, description="how it is ended, in words", examples=["3 months, by letter"]
    )


class Certification(Model):
    """What an auditor has certified a provider for."""

    name: str = Field(min_length=1, description="of the norm", examples=["ISO/IEC 27001"])
    scope: str | None = Field(
        default=None, description="what it covers", examples=["the data centre of Reims"]
    )
    ends: dt.date | None = Field(
        default=None,
        description="its last day; 60 days before, it is told",
        examples=["2027-06-30"],
    )
    document: str | None = Field(
        default=None, description="where the certificate is", examples=["contracts/iso27001.pdf"]
    )


class Contact(Model):
    """Whom to call at a provider for what, and whom when nobody answers."""

    purpose: str = Field(
        min_length=1, description="what for", examples=["incidents, day and night"]
    )
    name: str | None = Field(default=None, description="who", examples=["on-call team"])
    phone: str | None = Field(default=None, description="number", examples=["+33 3 26 00 00 01"])
    email: str | None = Field(default=None, description="address", examples=["noc@host.example"])
    hours: str | None = Field(default=None, description="when they answer", examples=["24/7"])
    escalation: str | None = Field(
        default=None,
        description="whom then, and after how long",
        examples=["after 30 min: the duty manager, +33 3 26 00 00 02"],
    )


class Provider(Model):
    """A company that hosts services: machines, network and an SLA, not the recovery."""

    support: Support = Field(default=Support(), description="how to reach its support")
    sla: Sla = Field(default=Sla(), description="what it promises")
    contract: Contract = Field(default=Contract(), description="what binds it")
    certifications: tuple[Certification, ...] = Field(
        default=(),
        description="what it is certified for",
        examples=[[{"name": "ISO/IEC 27001", "ends": "2027-06-30"}]],
    )
    contacts: tuple[Contact, ...] = Field(
        default=(),
        description="whom to call for what",
        examples=[[{"purpose": "incidents", "phone": "+33 3 26 00 00 01"}]],
    )
    maintenance: tuple[MaintenanceWindow | str, ...] = Field(
        default=(),
        description="its maintenance windows, in words, or such that they can be reckoned with",
        examples=[[{"days": ["tuesday"], "begins": "02:00", "ends": "04:00"}]],
    )

    @property
    def windows(self) -> tuple[MaintenanceWindow, ...]:
        """Return the windows that can be reckoned with."""
        return tuple(each for each in self.maintenance if isinstance(each, MaintenanceWindow))

    @property
    def contract_number(self) -> str | None:
        """Return the contract's number, wherever the plan has it."""
        return self.contract.number or self.support.contract


class CommitmentEnd(NamedTuple):
    """A commitment that ends soon, or has ended."""

    provider: str
    what: str
    """The certification's name; empty for the contract."""
    day: dt.date


def endings(providers: Mapping[str, Provider], today: dt.date) -> list[CommitmentEnd]:
    """Return the commitments that end within `SOON`, and those that have ended, in that order."""
    dated = [
        CommitmentEnd(name, what, day)
        for name, provider in providers.items()
        for what, day in (
            ("", provider.contract.ends),
            *((each.name, each.ends) for each in provider.certifications),
        )
        if day is not None and day - today <= SOON
    ]
    return sorted(dated, key=lambda each: each.day)
