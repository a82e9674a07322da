"""What wants attention is said in the reader's language."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from pradrill.domain.declared.notification import Occasion
from pradrill.domain.dossier.notification import Notification
from pradrill.domain.dossier.status import Alarm, AlarmKind
from pradrill.domain.values.severity import Severity
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.text.alarms import alarm_line
from pradrill.reporting.text.notifications import Sender, letter

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


@pytest.mark.parametrize(
    ("because", "english", "french"),
    [
        ("not_ready", "not ready", "pas prêt"),
        ("interrupted", "interrupted", "interrompue"),
        ("the plan_b is away", "the plan_b is away", "the plan_b is away"),
    ],
)
def test_what_kept_a_drill_from_its_date_is_a_word(because: str, english: str, french: str) -> None:
    """The register has names for how runs end; what an attempt said stays as it is."""
    kind = AlarmKind.MISSED_DATE
    alarm = Alarm(kind=kind, level=kind.level, service="mail", at=NOW, detail="1", because=because)
    news = [Notification(Occasion.OVERDUE, Severity.CRITICAL, ("mail",), alarm)]
    sender = Sender("Exemple SAS", "dr", "pradrill")
    for language, word in (("en", english), ("fr", french)):
        with speaking(language):
            line = alarm_line(alarm, NOW)
            text = letter(news, sender, lambda _run: None, NOW).text
        assert word in line
        assert f"\n    {word}\n" in text
