"""What wants attention is said in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pradrill.domain.dossier.status import Alarm, AlarmKind
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.text.alarms import alarm_line

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)


@pytest.mark.parametrize("kind", AlarmKind)
def test_an_alarm_speaks_french(kind: AlarmKind) -> None:
    """Each kind has a sentence of its own in French, with a French date and the same command."""
    alarm = Alarm(
        kind=kind,
        level=kind.level,
        service="moodle",
        provider="Hébergeur",
        run_id="20261101T020000Z-moodle-0a1b2c",
        at=datetime(2026, 11, 1, 2, tzinfo=UTC),
        detail="3600" if kind is AlarmKind.LONGER else "INCONCLUSIVE",
        seconds=4_000.0,
    )
    english = alarm_line(alarm, NOW)
    with speaking("fr"):
        french = alarm_line(alarm, NOW)
    assert french != english
    assert "2026-11-01" not in french
    assert "01/11/2026" in french or "2026-11-01" not in english
    for command in ("pradrill teardown", "pradrill due --run", "pradrill validate"):
        assert (command in french) == (command in english)


def test_a_verdict_in_an_alarm_is_a_word() -> None:
    """What an attempt came to is said as reports say it."""
    alarm = Alarm(
        kind=AlarmKind.INCONCLUSIVE,
        level=AlarmKind.INCONCLUSIVE.level,
        service="mail",
        detail="INCONCLUSIVE",
    )
    with speaking("fr"):
        assert "NON CONCLUANT" in alarm_line(alarm, NOW)
    assert "INCONCLUSIVE" in alarm_line(alarm, NOW)
