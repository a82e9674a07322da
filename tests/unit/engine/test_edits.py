"""What a run reads is what was hashed, in every phase; and only what was identified is reached."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.support.bench import PLAYBOOKS, Bench, checks

from pradrill.domain.run.host import HostFacts, Site
from pradrill.domain.run.outcome import CheckOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.testing import FakeClock, FakeStandby
from pradrill.testing.reasons import texts

EDITED = Path("/drills/playbooks/tasks.yml")


def edited_at(look: int) -> Callable[[RunPlan], Sequence[Path]]:
    """Return what sees an edit from the n-th look on."""
    looks = iter(range(1_000))
    return lambda _plan: (EDITED,) if next(looks) >= look else ()


def detail(record: RunRecord, name: str) -> str:
    """Return what a step said."""
    return next(step.detail.text for step in record.steps if step.name == name)


def test_files_are_compared_at_each_use() -> None:
    """Before and after each of three playbooks and the checks, and at each pass of these."""
    looks: list[RunPlan] = []

    def look(plan: RunPlan) -> Sequence[Path]:
        looks.append(plan)
        return ()

    clock = FakeClock()
    bench = Bench(edits=look, clock=clock)
    assert bench.run().verdict is Verdict.PASSED
    passes = len([name for name, *_ in bench.journal.events() if name == "check_pass"])
    assert len(looks) == 2 * (len(PLAYBOOKS) + 1) + passes


@pytest.mark.parametrize(
    ("look", "step", "text"),
    [
        (0, "prepare", "not run: {} changed after the run began"),
        (1, "prepare", "{} changed while the playbook ran"),
        (2, "restore_moodle", "not run: {} changed after the run began"),
        (3, "restore_moodle", "{} changed while the playbook ran"),
        (4, "check the service", "not run: {} changed after the run began"),
        (5, "check the service", "{} changed while the checks ran"),
    ],
)
def test_an_edit_ends_the_run_without_a_conclusion(look: int, step: str, text: str) -> None:
    """Whenever it is made, it is named; a teardown that may be another one is not run."""
    bench = Bench(edits=edited_at(look))
    record = bench.run()
    assert record.verdict is Verdict.INCONCLUSIVE
    assert detail(record, step) == text.format(EDITED)
    assert "teardown" not in bench.runner.plays
    assert any(str(EDITED) in each for each in texts(record.residue))


@pytest.mark.parametrize("from_the_last", [2, 1])
def test_an_edit_before_or_in_the_teardown_is_residue(from_the_last: int) -> None:
    """The recovery was proved; whether the standby was put back was not."""
    looks: list[RunPlan] = []
    Bench(edits=lambda plan: tuple(looks.append(plan) or ())).run()  # type: ignore[func-returns-value]
    record = Bench(edits=edited_at(len(looks) - from_the_last)).run()
    assert record.verdict is Verdict.PASSED
    assert any(str(EDITED) in each for each in texts(record.residue))


def test_red_checks_that_were_edited_prove_no_failure() -> None:
    """Checks that are not those of the plan say nothing, also when they fail."""
    clock = FakeClock()
    verifier = checks(CheckOutcome.FAILED, clock=clock)
    record = Bench(edits=edited_at(5), clock=clock, verifier=verifier).run()
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "changed while the checks ran" in detail(record, "check the service")


class _Watched(FakeStandby):
    """Notes which hosts were bound."""

    bound: tuple[str, ...] = ()

    def bind(self, site: Site, identified: Sequence[HostFacts]) -> Site:
        """Take note of who they are."""
        self.bound = tuple(facts.host for facts in identified)
        return super().bind(site, identified)


def test_what_was_identified_is_what_is_reached() -> None:
    """Once identity is proven the hosts are reached as what was seen of them."""
    standby = _Watched()
    assert Bench(standby=standby).run().verdict is Verdict.PASSED
    assert standby.bound == tuple(host.name for host in standby.hosts)
