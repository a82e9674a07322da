"""A status as plugins of Nagios write it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from pradrill.app.status.monitor import plugin_answer
from pradrill.domain.dossier.status import (
    Alarm,
    AlarmKind,
    ConclusiveRun,
    Level,
    ServiceStatus,
    Standing,
    Status,
)
from pradrill.domain.dossier.status_of import counts_of
from pradrill.domain.run.ending import Verdict
from pradrill.domain.values.duration import Cadence
from pradrill.reporting.text.monitor import PluginState, monitor_lines, plugin_state

NOW = datetime(2026, 11, 29, tzinfo=UTC)
PERFORMANCE = re.compile(r"'([^'=|]+)'=(-?\d+(?:\.\d+)?)(s|%)?(?:;(-?\d*\.?\d*)){0,4}(?: |$)")
"""Label, value, unit, then warning, critical, least and most, as the plugins' guidelines say."""


def a_status(*services: ServiceStatus, alarms: tuple[Alarm, ...] = ()) -> Status:
    """Return a status of these services."""
    return Status(
        made=NOW,
        organisation="Exemple SAS",
        services=services,
        counts=counts_of(services),
        alarms=alarms,
        findings_open={},
        findings_overdue=0,
        damage=None,
        head=None,
        entries=0,
    )


def a_standing(name: str, word: Standing, **changes: Any) -> ServiceStatus:
    """Return a service that was proven nine days ago, and stands so."""
    began = NOW - timedelta(days=9)
    run = ConclusiveRun(run_id="r", drill=name, at=began, verdict=Verdict.PASSED)
    fields: dict[str, Any] = {
        "service": name,
        "title": None,
        "tier": 1,
        "word": word,
        "proof": run,
        "proof_age": 9 * 86_400.0,
        "drill_every": Cadence(1, "month"),
        "rto": 14_400.0,
        "rpo": 86_400.0,
        "rta": 3_600.5,
        "rpa": 60.0,
    }
    return ServiceStatus.model_validate({**fields, **changes})


@pytest.mark.parametrize(
    ("word", "state"),
    [
        (Standing.PROVEN, PluginState.OK),
        (Standing.EXPIRED, PluginState.WARNING),
        (Standing.MISSED, PluginState.WARNING),
        (Standing.NEVER_TESTED, PluginState.WARNING),
        (Standing.FAILED, PluginState.CRITICAL),
    ],
)
def test_the_worst_word_is_the_state(word: Standing, state: PluginState) -> None:
    """Beside others that are proven."""
    assert plugin_state(a_status(a_standing("a", Standing.PROVEN), a_standing("b", word))) == state


def test_an_alarm_is_a_state_too_but_for_a_note() -> None:
    """A run that is running is none."""
    proven = a_standing("shop", Standing.PROVEN)
    for level in Level:
        alarm = Alarm(kind=AlarmKind.RUNNING, level=level, run_id="r")
        assert plugin_state(a_status(proven, alarms=(alarm,))) == level.value


def test_figures_have_units_and_limits() -> None:
    """Of a proof's age the cadence and its grace, of the actuals the objectives."""
    lines = "\n".join(monitor_lines(a_status(a_standing("shop", Standing.PROVEN))))
    first, _, rest = lines.partition("\n")
    assert first.startswith("PRADRILL OK: 1 of 1 proven | 'proven'=1;;;0;1 ")
    month = 30 * 86_400  # from 20 November
    assert f"'shop_proof_age'={9 * 86_400}s;{month};{month + 7 * 86_400};0" in rest
    assert "'shop_rta'=3600.5s;;14400;0" in rest
    assert "'shop_rpa'=60s;;86400;0" in rest


@pytest.mark.parametrize("count", [1, 20, 300])
def test_it_fits_into_what_nagios_takes_and_can_be_read(count: int) -> None:
    """8 KB whatever there is; nothing is cut in its middle, and what is left out is said."""
    services = [a_standing(f"service|'{n}'=é\n", Standing.EXPIRED) for n in range(count)]
    alarm = Alarm(kind=AlarmKind.FINDING, level=Level.WARNING, detail="x|y " * 60, at=NOW)
    lines = list(monitor_lines(a_status(*services, alarms=(alarm,) * count)))
    text = "\n".join(lines)
    assert len(text.encode()) < 8_192
    assert "\n\n" not in text
    first, _, figures = lines[0].partition(" | ")
    assert "|" not in first
    assert PERFORMANCE.sub("", figures) == ""
    _, _, more = "\n".join(lines[1:]).partition(" | ")
    assert "|" not in more
    assert PERFORMANCE.sub("", more.replace("\n", " ")) == ""
    assert ("left out" in text) == (count == 300)


def test_a_bug_of_ours_is_unknown() -> None:
    """Its own code would be a warning, and its traceback what people see."""

    def read() -> Status:
        raise ZeroDivisionError

    answer = plugin_answer(read)
    assert answer.state == 3
    assert answer.lines == ("PRADRILL UNKNOWN: internal error: ZeroDivisionError()",)
