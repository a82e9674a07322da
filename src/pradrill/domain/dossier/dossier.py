"""Describe the dossier of a period, as data."""

from __future__ import annotations

from pydantic import Field

from pradrill.domain.declared.plan import Objectives
from pradrill.domain.dossier.attempt import Attempt, Ending
from pradrill.domain.dossier.coverage import Cover, Overdue
from pradrill.domain.dossier.detection import Detection
from pradrill.domain.dossier.forecast import Forecast
from pradrill.domain.dossier.period import Column, Period
from pradrill.domain.dossier.provider_section import ProviderSection
from pradrill.domain.dossier.shared_lines import SharedLine
from pradrill.domain.dossier.spread import Spread
from pradrill.domain.register.entry import Acknowledged
from pradrill.domain.register.finding import Finding
from pradrill.domain.values.model import Model, Utc


class OpenFinding(Model):
    """A finding that no run had closed."""

    finding: Finding
    days: int = Field(description="its age")
    late: bool = Field(description="its due date is past")


class CalendarRow(Model):
    """What became of a service's attempts, column by column of the calendar."""

    service: str
    in_plan: bool
    cells: tuple[dict[Ending, int], ...]


class Trend(Model):
    """How the actuals of one service in one setting move. The attempts are in the dossier."""

    service: str
    scenario: str
    standby: str
    lab: bool
    objectives: Objectives | None = Field(description="of today's plan")
    rta: Spread
    rpa: Spread
    rta_forecast: Forecast | None = Field(description="none when the plan lacks the service")
    rpa_forecast: Forecast | None


class Dossier(Model):
    """All of it. Everything but `made`, `plan` and `coverage` can be made again years later."""

    period: Period
    made: Utc
    as_of: Utc = Field(description="the end of the period, or now when it is not over")
    only: tuple[str, ...] = Field(default=(), description="services, when not all")
    organisation: str
    plan_version: int
    plan_approved: str | None
    services: int = Field(description="that the plan holds, or that were asked for")
    counts: dict[Ending, int]
    residue: int = Field(description="attempts that left something on the standby")
    coverage: tuple[Cover, ...]
    overdue: tuple[Overdue, ...]
    open_findings: tuple[OpenFinding, ...] = Field(description="the gravest first, then the oldest")
    opened: int = Field(description="findings opened in the period")
    closed: int = Field(description="findings closed in the period")
    columns: tuple[Column, ...]
    calendar: tuple[CalendarRow, ...]
    trends: tuple[Trend, ...]
    detections: tuple[Detection, ...] = Field(
        default=(), description="each drill's last sabotage: no drill, and no proof of a recovery"
    )
    providers: tuple[ProviderSection, ...] = Field(
        default=(), description="what binds each provider, its incidents, what was measured"
    )
    responsibilities: tuple[SharedLine, ...] = Field(
        default=(), description="who answers for what, never exercised first"
    )
    attempts: tuple[Attempt, ...] = Field(description="of the period, the oldest first")
    damaged: tuple[str, ...] = Field(default=(), description="records that could not be read")
    head: str | None = Field(default=None, description="the register's: number and hash")
    acknowledged: tuple[Acknowledged, ...] = Field(
        default=(), description="damage to the register that somebody answers for"
    )

    @property
    def tried(self) -> int:
        """Count the attempts that somebody or something made: a date that passed is none."""
        return sum(n for ending, n in self.counts.items() if ending is not Ending.NOT_ATTEMPTED)

    @property
    def complete(self) -> bool:
        """Tell whether nothing that the register or the folders name is missing."""
        return not self.damaged and not any(attempt.record_missing for attempt in self.attempts)
