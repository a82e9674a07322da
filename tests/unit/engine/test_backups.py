"""A run that chooses its backup: before anything is touched, and the playbooks get that one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.bench import Bench

from pradrill.domain.declared.plan import Plan
from pradrill.domain.run.backup_integrity import Checked, IntegrityPart, IntegrityResult, Soundness
from pradrill.domain.run.conclude import recovery
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.outcome import PlaybookResult, StepOutcome
from pradrill.domain.run.record import Refusal
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.engine.crashed_runs import replay
from pradrill.engine.planning import plan_run
from pradrill.errors import NotReadyError
from pradrill.ports import Play
from pradrill.reporting.text.screens import open_console, show
from pradrill.testing import (
    FakeProbe,
    FakeSource,
    a_drill,
    a_host,
    a_point,
    a_service,
    after,
    played,
)
from pradrill.testing.reasons import texts

RESTIC = {"repository": "sftp:backup:/srv/restic", "password": "env:RESTIC_PASSWORD"}
DAMAGED = Checked(Soundness.DAMAGED, "reading it", "pack 5d84 is another one")
UNPROVEN = Checked(Soundness.UNPROVEN, "reading it", "not done in 60 s")
NEWEST = after(-10_800)


def planned(**declared: Any) -> RunPlan:
    """Return the Moodle drill with a recovery point, resolved."""
    plan = Plan.model_validate(
        {"plan": 1, "organisation": "Exemple SAS", "services": {"moodle": a_service()}}
        | {"providers": {"hexanet": {}}}
    )
    return plan_run(
        a_drill(recovery_point={"restic": RESTIC, **declared}),
        drill_file=Path("/etc/pradrill/drills/moodle.yml"),
        plan=plan,
        hosts=[a_host()],
        primaries={"moodle": a_service().primary},
        files=[],
    )


class BackupBench(Bench):
    """A run of that drill; `variables` is what the restore playbook was given."""

    def __init__(
        self,
        source: FakeSource,
        *,
        restored: str = "",
        checked: Sequence[IntegrityResult] = (),
        **declared: Any,
    ) -> None:
        super().__init__(
            {"restore_moodle": self._restore},
            plan=planned(**declared),
            probe=FakeProbe(newest=NEWEST),
            sources={None: source},
            checked={None: checked},
        )
        self.variables: dict[str, Any] = {}
        self.restored = restored

    def _restore(self, play: Play) -> PlaybookResult:
        self.variables = dict(play.vars)
        values = {"pradrill_backup_id": self.restored} if self.restored else {}
        return played(self.clock, StepOutcome.PASSED).model_copy(update={"values": values})


def test_what_was_chosen_is_what_is_restored_and_recorded() -> None:
    """The playbook gets the id; the record says which, when made, where, by which rule and why."""
    bench = BackupBench(FakeSource(), restored=a_point().id)
    record = bench.run()
    assert record.verdict is Verdict.PASSED, record.reasons
    assert bench.variables["pradrill_recovery_point"] == a_point().id
    reading = record.recovery.catalogue
    assert reading is not None
    assert reading.selected == a_point()
    assert (reading.rule.text, reading.points, reading.location) == (
        "latest",
        3,
        "sftp:backup:/srv/restic",
    )
    assert record.recovery.backup_id == a_point().id
    assert record.recovery.catalogue_time is not None
    assert record.recovery.catalogue_time.at == a_point().data_time
    assert reading.worst_case.seconds == timedelta(days=1, minutes=10).total_seconds()


@pytest.mark.parametrize(
    ("minutes", "keys", "verdict"),
    [
        (None, [], Verdict.PASSED),
        (6, [], Verdict.PASSED),
        (1, ["data-after-backup"], Verdict.INCONCLUSIVE),
    ],
)
def test_data_is_held_against_the_backups_end_if_that_is_known(
    minutes: int | None, keys: list[str], verdict: Verdict
) -> None:
    """Data five minutes newer than a backup's begin contradicts its end, not an end unknown."""
    start = NEWEST - timedelta(minutes=5)
    ended = None if minutes is None else start + timedelta(minutes=minutes)
    record = BackupBench(FakeSource([a_point(data_time=start, end_time=ended)])).run()
    assert [each.contradiction for each in record.recovery.contradictions] == keys
    assert record.verdict is verdict


def test_a_rule_restores_an_older_one() -> None:
    """Before an instant, the backup that was complete by then."""
    bench = BackupBench(FakeSource(), select={"before": after(-86_400).isoformat()})
    bench.run()
    assert bench.variables["pradrill_recovery_point"] == a_point(1).id


@pytest.mark.parametrize(
    ("source", "because"),
    [
        (FakeSource([]), "is empty"),
        (FakeSource([a_point(problem="it failed")]), "no usable backup"),
        (FakeSource(fails=NotReadyError("the repository is locked")), "the repository is locked"),
    ],
)
def test_without_a_backup_nothing_is_touched(source: FakeSource, because: str) -> None:
    """The run is refused as not ready, with the reason, before the standby is even started."""
    bench = BackupBench(source)
    record = bench.run()
    assert (record.refusal, record.exit_code) == (Refusal.NOT_READY, 4)
    assert because in " ".join(texts(record.reasons))
    assert bench.runner.plays == []
    assert "start" not in bench.standby.calls


def test_a_playbook_that_restored_another_backup_proves_nothing() -> None:
    """What it says it restored is compared with what was chosen; a short id is enough."""
    record = BackupBench(FakeSource(), restored="20200101000000").run()
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "had chosen" in " ".join(texts(record.reasons))
    assert BackupBench(FakeSource(), restored=a_point().id[:8]).run().verdict is Verdict.PASSED


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (Checked(Soundness.SOUND, "reading it"), Verdict.PASSED),
        (DAMAGED, Verdict.FAILED),
        (UNPROVEN, Verdict.INCONCLUSIVE),
    ],
)
def test_damaged_backups_fail_a_drill_that_recovered(answer: Checked, verdict: Verdict) -> None:
    """A restore that worked does not excuse a backup that is damaged; its reason is named."""
    record = BackupBench(FakeSource(checks=[answer]), integrity={"parts": 3}).run()
    assert record.verdict is verdict, record.reasons
    assert answer.detail in " ".join(texts(record.reasons))
    integrity = record.recovery.integrity
    assert integrity is not None
    assert (integrity.soundness, integrity.part, integrity.parts) == (answer.soundness, 1, 3)


def test_each_run_reads_the_next_part_until_all_are_read() -> None:
    """From what earlier records hold; the fraction grows, and the full coverage is dated."""
    checked: list[IntegrityResult] = []
    source = FakeSource()
    for expected in (1 / 3, 2 / 3, 1.0):
        bench = BackupBench(source, checked=checked, integrity={"parts": 3})
        integrity = bench.run().recovery.integrity
        assert integrity is not None
        assert integrity.covered == pytest.approx(expected)
        later = integrity.at + timedelta(days=len(checked))
        checked.append(integrity.model_copy(update={"at": later}))
    assert source.requests == [IntegrityPart(1, 3), IntegrityPart(2, 3), IntegrityPart(3, 3)]
    assert checked[-1].full_on is not None


def test_a_check_that_raises_is_no_proof() -> None:
    """A repository that went away between restore and check leaves the drill inconclusive."""

    class Gone(FakeSource):
        def check(self, *_args: Any) -> Checked:
            """Raise."""
            raise NotReadyError("the repository is gone")

    record = BackupBench(Gone(), integrity={}).run()
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "is gone" in " ".join(texts(record.reasons))


def test_the_journal_alone_tells_it_again() -> None:
    """Choice and check survive the process that made them."""
    bench = BackupBench(FakeSource(), integrity={})
    record = bench.run()
    facts = replay(bench.store.journals[0])
    assert isinstance(facts, Facts)
    assert recovery(facts) == record.recovery


def test_the_catalogues_time_bounds_the_loss_unless_logs_go_on() -> None:
    """Data newer than a snapshot is doubted by its age; a log archive explains it."""
    earliest = []
    for continuous in (False, True):
        recovery = BackupBench(FakeSource([a_point(1)], continuous=continuous)).run().recovery
        assert recovery.recovery_point is not None
        assert recovery.catalogue_time is not None
        assert recovery.catalogue_time.at == a_point(1).data_time
        earliest.append(recovery.recovery_point.earliest)
    assert earliest[0] <= a_point(1).data_time
    assert earliest[1] > NEWEST - timedelta(seconds=1)


def test_show_tells_the_backup_and_the_worst_case(capsys: pytest.CaptureFixture[str]) -> None:
    """What an auditor asks of the inputs is on the terminal."""
    show(
        BackupBench(
            FakeSource([a_point(3), a_point(0), a_point(id="bad one")]),
            integrity={"parts": 4},
            promised={"every": "24h"},
        ).run(),
        open_console(),
    )
    output = " ".join(capsys.readouterr().out.split())
    for part in (
        a_point().id,
        "sftp:backup:/srv/restic",
        "worst-case RPA",
        "3d00h",
        "missing, of every 1d",
        "2: 2026-03-07 23:00:00 UTC",
        "unusable: bad one",
        "sound, by reading it",
        "25% since the last full coverage",
    ):
        assert part in output, (part, output)
