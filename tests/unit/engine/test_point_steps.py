"""The steps that read what came back: several sources of newest data, and the canary."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from pradrill.domain.declared.drill import Role
from pradrill.domain.declared.plan import Plan
from pradrill.domain.run.host import Host
from pradrill.domain.run.outcome import Phase, StepKind, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Skew
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.planning import plan_run
from pradrill.engine.run import run_drill
from pradrill.engine.steps.newest_data import CATALOGUE_END, CATALOGUE_TIME, REPLAY_POINT
from pradrill.errors import PradrillError, UnreachableError
from pradrill.ports import Play
from pradrill.testing import (
    FakeClock,
    FakeProbe,
    FakeRunner,
    FakeStandby,
    a_drill,
    a_host,
    a_service,
    a_start,
    after,
    fake_tools,
    played,
)
from pradrill.testing.reasons import texts

BEATS = {"role": "heartbeat", "command": "newest-beat", "interval": "1s"}
ROWS = {"command": "newest-row"}
SEVERAL = {"heartbeat": BEATS, "rows": ROWS}
CANARY = {"command": "cat /srv/canary", "expect": "env:CANARY"}
TWO = (a_host(name="web"), a_host(name="db", address="198.51.100.21"))
READ, COMPARE = "read the recovery point", "compare the canary"


def a_plan(
    newest_data: Any = BEATS, canary: Any = None, hosts: tuple[Host, ...] = (a_host(),)
) -> RunPlan:
    """Resolve the builders' drill with another way to read what came back."""
    verify = a_drill().ways[None].verify.model_dump(mode="json")
    drill = a_drill(verify={**verify, "newest_data": newest_data, "canary": canary})
    services = {"moodle": a_service(provider=None)}
    return plan_run(
        drill,
        drill_file=a_start().plan.drill_file,
        plan=Plan(plan=3, organisation="Exemple SAS", services=services),
        hosts=hosts,
        primaries={"moodle": a_service().primary},
        files=[],
    )


def run(plan: RunPlan, probe: FakeProbe, handed: dict[str, Any] | None = None) -> RunRecord:
    """Run it; the restore hands these values back."""
    clock = FakeClock()

    def restore(_play: Play) -> Any:
        result = played(clock, StepOutcome.PASSED)
        return result.model_copy(update={"values": handed or {}})

    runner = FakeRunner(clock, {"restore_moodle": restore})
    standby = FakeStandby(*(a_host(name=each.name) for each in plan.hosts))
    tools = fake_tools(clock, probe=probe, runner=runner, standby=standby)
    return run_drill(a_start(plan=plan), tools, Cancellation(), disruption=None)


def step(record: RunRecord, name: str) -> StepOutcome:
    """Return how a step of the record ended."""
    (outcome,) = [step.outcome for step in record.steps if step.name == name]
    return outcome


# ---------------------------------------------------------------- newest data


def test_every_reading_is_in_the_record() -> None:
    """A drill with a heartbeat and rows records both; the heartbeat is the recovery point."""
    newest = {"newest-beat": after(-30), "newest-row": after(-9_000)}
    record = run(a_plan(SEVERAL), FakeProbe(newest=newest))
    recovery = record.recovery
    assert record.verdict is Verdict.PASSED
    assert [(r.name, r.role, r.newest.at, r.interval) for r in recovery.readings] == [
        ("heartbeat", Role.HEARTBEAT, after(-30), timedelta(seconds=1)),
        ("rows", Role.BUSINESS, after(-9_000), timedelta(0)),
    ]
    assert recovery.recovery_point_from == "newest-beat"
    assert recovery.rpa is not None
    assert recovery.rpa.seconds == 30
    assert any("the service was quiet" in limit for limit in texts(record.limits))


def test_a_source_without_an_answer_is_inconclusive() -> None:
    """One heartbeat of two that cannot be read: no verdict, and the other is on record."""
    newest: dict[str, datetime | Exception] = {
        "newest-beat": after(-30),
        "newest-row": PradrillError("the table is empty"),
    }
    record = run(a_plan(SEVERAL), FakeProbe(newest=newest))
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "rows: the table is empty" in " ".join(texts(record.reasons))
    assert [r.name for r in record.recovery.readings] == ["heartbeat"]


def test_no_answer_at_all_is_inconclusive() -> None:
    """With no source readable there is no RPA, and the run says why."""
    wrong = PradrillError("the table is empty")
    record = run(a_plan(SEVERAL), FakeProbe(newest=wrong))
    assert record.verdict is Verdict.INCONCLUSIVE
    assert record.recovery.rpa is None
    assert "the RPA could not be measured" in texts(record.reasons)


def test_a_log_replay_point_needs_no_declaration() -> None:
    """What a restore playbook hands back as replay point is read and weighed by itself."""
    probe = FakeProbe(newest=after(-30))
    record = run(a_plan(), probe, {REPLAY_POINT: after(-29.8).isoformat()})
    assert [(r.name, r.role) for r in record.recovery.readings] == [
        ("newest data", Role.HEARTBEAT),
        ("log replay", Role.REPLAY),
    ]
    assert record.verdict is Verdict.PASSED
    short = run(a_plan(), probe, {REPLAY_POINT: after(-90).isoformat()})
    assert short.verdict is Verdict.INCONCLUSIVE
    assert [c.contradiction for c in short.recovery.contradictions] == ["replay-before-data"]


def test_data_newer_than_its_backup_is_inconclusive() -> None:
    """Rows that the backup's own end excludes: the figure is not believed."""
    times = {CATALOGUE_TIME: after(-120).isoformat(), CATALOGUE_END: after(-60).isoformat()}
    record = run(a_plan(), FakeProbe(newest=after(-30)), times)
    assert record.verdict is Verdict.INCONCLUSIVE
    assert [c.contradiction for c in record.recovery.contradictions] == ["data-after-backup"]
    times[CATALOGUE_END] = after(-30).isoformat()
    assert run(a_plan(), FakeProbe(newest=after(-30)), times).recovery.contradictions == ()


def test_data_written_after_the_disruption_is_inconclusive() -> None:
    """A heartbeat that runs on the standby proves nothing of the primary."""
    record = run(a_plan(), FakeProbe(newest=after(90)))
    assert record.verdict is Verdict.INCONCLUSIVE
    assert [c.contradiction for c in record.recovery.contradictions] == ["data-after-disruption"]


def test_a_catalogue_time_that_cannot_be_read_is_inconclusive() -> None:
    """A handed-back time without its zone is told by its name, and the reading is kept."""
    record = run(a_plan(), FakeProbe(newest=after(-30)), {CATALOGUE_TIME: "2026-03-10 01:00:00"})
    assert record.verdict is Verdict.INCONCLUSIVE
    assert f"{CATALOGUE_TIME}: " in " ".join(texts(record.reasons))
    assert len(record.recovery.readings) == 1


def test_a_primarys_clock_widens_the_interval() -> None:
    """What its clock is off by is carried into the RPA; the limits then do not miss it."""
    clock = FakeClock()
    tools = fake_tools(clock, probe=FakeProbe(newest=after(-30)))
    ahead = Skew(seconds=0.4, within=0.1)
    started = a_start(plan=a_plan(), primaries={"moodle": ahead})
    record = run_drill(started, tools, Cancellation(), disruption=None)
    assert record.recovery.skew["primary of moodle"] == ahead
    assert record.recovery.rpa is not None
    assert record.recovery.rpa.low == pytest.approx(28.5)
    assert record.recovery.rpa.high == pytest.approx(30.5)
    assert not any("primary's clock" in limit for limit in texts(record.limits))


def test_a_reading_is_made_on_the_host_that_it_names() -> None:
    """Of two hosts the second one's data counts when it is named, the first one's when none is."""
    newest = {"web: newest-beat": after(-900), "db: newest-beat": after(-30)}
    result = run(a_plan({**BEATS, "host": "db"}, hosts=TWO), FakeProbe(newest=newest))
    assert result.recovery.rpa is not None
    assert result.recovery.rpa.seconds == 30
    assert result.recovery.recovery_point_from == "newest-beat on db"
    first = run(a_plan(hosts=TWO), FakeProbe(newest=newest))
    assert first.recovery.rpa is not None
    assert first.recovery.rpa.seconds == 900
    assert first.recovery.recovery_point_from == "newest-beat on web"


# ---------------------------------------------------------------- the canary


def test_a_drill_without_a_canary_plans_no_comparison() -> None:
    """The step is there when the drill declares it, after the recovery point, and only then."""
    assert COMPARE not in [planned.name for planned in a_plan().steps]
    planned = a_plan(canary=CANARY).steps_of(Phase.VERIFY)
    assert [each.kind for each in planned] == [
        StepKind.CHECKS,
        StepKind.ISOLATION_AGAIN,
        StepKind.NEWEST_DATA,
        StepKind.CANARY,
    ]


@pytest.mark.parametrize(
    ("canary", "outcome", "verdict"),
    [
        (True, StepOutcome.PASSED, Verdict.PASSED),
        (False, StepOutcome.FAILED, Verdict.FAILED),
        (PradrillError("no such file"), StepOutcome.UNKNOWN, Verdict.INCONCLUSIVE),
        (UnreachableError("it is gone"), StepOutcome.UNREACHABLE, Verdict.INCONCLUSIVE),
    ],
)
def test_a_canary_decides(canary: Any, outcome: StepOutcome, verdict: Verdict) -> None:
    """Another value is a failed recovery; a value that cannot be read proves nothing."""
    record = run(a_plan(canary=CANARY), FakeProbe(newest=after(-30), canary=canary))
    assert (step(record, COMPARE), record.verdict) == (outcome, verdict)


@pytest.mark.parametrize(
    ("host", "outcome"), [("db", StepOutcome.PASSED), (None, StepOutcome.FAILED)]
)
def test_a_canary_is_looked_for_on_the_host_that_it_names(host: Any, outcome: StepOutcome) -> None:
    """A value that is on the second host alone is found when the drill says so, and only then."""
    plan = a_plan(canary={**CANARY, "host": host}, hosts=TWO)
    record = run(plan, FakeProbe(newest=after(-30), canary="db"))
    assert step(record, COMPARE) is outcome


def test_a_canary_is_compared_even_when_the_recovery_point_is_not_known() -> None:
    """What is seen in one step of the verification does not rest on another one."""
    probe = FakeProbe(newest=PradrillError("the table is empty"), canary=False)
    record = run(a_plan(canary=CANARY), probe)
    assert step(record, READ) is StepOutcome.UNKNOWN
    assert step(record, COMPARE) is StepOutcome.FAILED
    assert record.verdict is Verdict.FAILED
