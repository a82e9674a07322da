"""However often the checks are asked, what a run keeps of their answers is bounded."""

import json
from pathlib import Path

import pytest
from tests.support.bench import Bench, checks

from pradrill.adapters.testinfra.verifier import CheckEvidence
from pradrill.domain.run.conclude import record_of
from pradrill.domain.run.event import Event
from pradrill.domain.run.outcome import CheckOutcome
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.reason_code import Code
from pradrill.engine.crashed_runs import replay
from pradrill.testing import FakeClock

RED, GREEN = CheckOutcome.FAILED, CheckOutcome.PASSED


def test_passes_without_end_are_judged_and_counted_and_the_record_says_what_is_not_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of those beyond the limit the last answers decide, and the journal alone says the same."""
    monkeypatch.setattr("pradrill.engine.context.CHECKS_KEPT", 2_000)
    clock = FakeClock()
    bench = Bench(clock=clock, verifier=checks(*[RED] * 30, GREEN, clock=clock))
    record = bench.run()
    assert (record.verdict, [each.outcome for each in record.checks]) == (Verdict.PASSED, [GREEN])
    assert record.passes > 30

    passes = [facts for event, _, facts in bench.journal.events() if event == Event.CHECK_PASS]
    assert len(json.dumps(passes)) < 5_000
    (limit,) = [each for each in record.limits if each.code == Code.PASSES_UNKEPT]
    assert limit.values["count"] == passes[-1]["surplus"] == record.passes - len(passes) + 1

    facts = replay(bench.journal)
    assert facts is not None
    again = record_of(facts, record.run_id, record.ended, record.evidence)
    assert again == record


def test_the_evidence_of_all_suites_together_is_bounded_and_says_where_it_is_cut(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each suite's lines end with one word of it, however many passes follow."""
    monkeypatch.setattr("pradrill.adapters.testinfra.verifier.CHECKS_KEPT", 1_000)
    evidence = CheckEvidence()
    keeps = [evidence.of(tmp_path / name) for name in ("one", "two")]
    for _ in range(100):
        for keep in keeps:
            keep(["x" * 99 + "\n"])

    for name in ("one", "two"):
        lines = (tmp_path / name).read_text("utf-8").splitlines()
        assert len(lines) == 6
        assert [*json.loads(lines[-1])] == ["cut"]
