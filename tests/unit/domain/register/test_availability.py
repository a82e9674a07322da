"""Availability: months, overlaps, incidents that go on, and those whose end nobody has entered."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from pradrill.domain.declared.maintenance import MaintenanceWindow
from pradrill.domain.register.availability import Terms, availability, by_months, outages
from pradrill.domain.register.incident import (
    Incident,
    IncidentKind,
    IncidentStage,
    IncidentStep,
)
from pradrill.domain.values.timeline import Provenance

FIRST, END = datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
HOUR = 3_600.0


def at(month: int, day: int, hour: int = 0) -> datetime:
    """Return an instant of 2026."""
    return datetime(2026, month, day, hour, tzinfo=UTC)


def an_incident(
    began: datetime,
    restored: datetime | None,
    *,
    closed: datetime | None = None,
) -> Incident:
    """Return one of moodle."""
    facts = {"provenance": Provenance.ENTERED, "entered": END, "by": "root"}
    steps = [
        IncidentStep(
            stage=IncidentStage.DETECTED,
            at=began,
            services=("moodle",),
            restored=restored,
            **facts,
        )
    ]
    if closed is not None:
        steps.append(IncidentStep(stage=IncidentStage.CLOSED, at=closed, **facts))
    return Incident(incident="I-1", steps=tuple(steps))


def test_a_month_loses_what_its_incidents_took() -> None:
    """Two that overlap count once; a month without one is not told; other services neither."""
    incidents = [
        an_incident(at(1, 10, 0), at(1, 10, 4)),
        an_incident(at(1, 10, 2), at(1, 10, 6)),
        an_incident(at(1, 10, 3), at(1, 10, 4)),
    ]
    (january,) = availability("moodle", incidents, FIRST, END)
    assert (january.year, january.month, january.incidents) == (2026, 1, 3)
    assert january.down == 6 * HOUR
    assert round(january.percent, 3) == round(100 * (1 - 6 / (31 * 24)), 3)
    assert availability("ldap", incidents, FIRST, END) == []


def test_one_over_the_end_of_a_month_counts_in_both() -> None:
    """Each month loses its own part."""
    months = availability("moodle", [an_incident(at(1, 31, 23), at(2, 1, 2))], FIRST, END)
    assert [(each.month, each.down) for each in months] == [(1, HOUR), (2, 2 * HOUR)]


def test_one_that_goes_on_counts_until_now() -> None:
    """The month that is not over is as long as it has come."""
    (march,) = availability("moodle", [an_incident(at(3, 1, 12), None)], FIRST, at(3, 2))
    assert (march.seconds, march.down, march.percent) == (24 * HOUR, 12 * HOUR, 50.0)


def test_of_one_without_its_end_nothing_is_counted_and_it_is_told() -> None:
    """Closed without an end: nobody knows how long it was down."""
    (month,) = availability("moodle", [an_incident(at(1, 5), None, closed=at(1, 6))], FIRST, END)
    assert (month.down, month.incidents, month.endless) == (0.0, 1, 1)


def maintenance(restored: datetime | None = None, **more: Any) -> Incident:
    """Return what was announced a week before, for the four hours from 10 January on."""
    announced = {"kind": IncidentKind.MAINTENANCE, "began": at(1, 10), "until": at(1, 10, 4)}
    incident = an_incident(at(1, 3), restored)
    (step,) = incident.steps
    step = step.model_copy(update={**announced, **more})
    return incident.model_copy(update={"steps": (step,)})


def january(*incidents: Incident, terms: Terms | None = None) -> tuple[float, float]:
    """Return for how long it was down in January, and how much of it does not count."""
    (month,) = availability("moodle", incidents, FIRST, END, terms)
    return month.down / HOUR, month.excluded / HOUR


def test_announced_maintenance_is_told_and_not_counted() -> None:
    """As the contract defines it; what took longer counts, what was over before does not."""
    assert january(maintenance()) == (0, 4)
    assert january(maintenance(at(1, 10, 6))) == (2, 4)
    assert january(maintenance(at(1, 10, 3))) == (0, 3)
    assert january(maintenance(), terms=Terms(maintenance_counts=True)) == (4, 0)


def test_maintenance_that_was_announced_too_late_counts() -> None:
    """To the minute."""
    for notice, figures in ((timedelta(days=7), (0, 4)), (timedelta(days=7, minutes=1), (4, 0))):
        assert january(maintenance(), terms=Terms(notice=notice)) == figures
    assert january(maintenance(at=at(1, 10, 1))) == (4, 0)  # entered once it had begun


def test_an_incident_while_maintenance_goes_on_is_maintenance() -> None:
    """What lies outside of it counts; nothing twice. Another service's maintenance is its own."""
    incident = an_incident(at(1, 10, 2), at(1, 10, 5))
    assert january(maintenance(), incident) == (1, 4)
    hurting = outages([maintenance(services=("ldap",)), incident], END)
    (month,) = by_months("", hurting, (FIRST, END), zone="UTC")
    assert (month.down / HOUR, month.excluded / HOUR) == (3, 2)
    (month,) = availability("moodle", [maintenance(), incident], FIRST, END)
    assert (month.incidents, month.maintenance) == (1, 1)


def test_maintenance_that_is_yet_to_come_takes_nothing_away() -> None:
    """Nor does what its future holds of a month that has not come to it."""
    assert availability("moodle", [maintenance()], FIRST, at(1, 9)) == []
    (month,) = availability("moodle", [maintenance()], FIRST, at(1, 10, 1))
    assert (month.down, month.excluded) == (0, HOUR)


WINDOW = MaintenanceWindow.model_validate(
    {"days": ["sunday"], "begins": "01:30", "ends": "03:30", "timezone": "Europe/Paris"}
)


def test_a_window_follows_its_own_clock_through_summer_time() -> None:
    """On 29 March 2026 the clocks of Paris go from 02:00 to 03:00: the window is an hour long."""
    incident = an_incident(at(3, 29), at(3, 29, 6))
    (month,) = availability("moodle", [incident], FIRST, END, Terms(windows=(WINDOW,)))
    assert (month.down / HOUR, month.excluded / HOUR) == (5, 1)
    counted = Terms(windows=(WINDOW,), maintenance_counts=True)
    (month,) = availability("moodle", [incident], FIRST, END, counted)
    assert (month.down / HOUR, month.excluded) == (6, 0)


def test_a_window_over_midnight_ends_on_the_next_day() -> None:
    """The last evening of a month, and the first morning of the next."""
    window = MaintenanceWindow.model_validate({"begins": "23:00", "ends": "01:00"})
    incident = an_incident(at(1, 31, 22), at(2, 1, 2))
    months = availability("moodle", [incident], FIRST, END, Terms(windows=(window,)))
    assert [(each.down / HOUR, each.excluded / HOUR) for each in months] == [(1, 1), (1, 1)]


def test_months_begin_where_the_contract_says() -> None:
    """In Paris March 2026 has an hour less; its first hour is February's in UTC."""
    paris = Terms(zone="Europe/Paris")
    incident = an_incident(datetime(2026, 2, 28, 23, 30, tzinfo=UTC), at(3, 1))
    (march,) = availability("moodle", [incident], FIRST, END, paris)
    assert (march.month, march.down / HOUR, march.seconds / HOUR) == (3, 0.5, 31 * 24 - 1)


def test_a_leap_day_makes_february_longer() -> None:
    """29 days in 2028."""
    first, end = datetime(2028, 2, 1, tzinfo=UTC), datetime(2028, 3, 1, tzinfo=UTC)
    day = datetime(2028, 2, 29, tzinfo=UTC)
    (month,) = availability("moodle", [an_incident(day, end)], first, end)
    assert (month.seconds / HOUR, month.down / HOUR) == (29 * 24, 24)


def test_quarters_and_years_are_reckoned_whole() -> None:
    """Months without an incident are in them."""
    day = outages([an_incident(at(2, 1), at(2, 2))], END)
    (quarter,) = by_months("moodle", day, (FIRST, END), zone="UTC", months=3)
    assert (quarter.month, quarter.months, quarter.seconds / HOUR) == (1, 3, 90 * 24)
    (year,) = by_months("moodle", day, (at(2, 1), END), zone="UTC", months=12)
    assert (year.month, year.seconds / HOUR, year.down / HOUR) == (2, 59 * 24, 24)
