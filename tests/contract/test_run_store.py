"""What every run store promises; the engine's tests rest on the fake keeping it too."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

import pytest

from pradrill.domain.run.event import Event
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.crashed_runs import recover_crashed, replay
from pradrill.engine.run import run_drill
from pradrill.errors import BusyError, RecordError
from pradrill.ports import Journal
from pradrill.testing import (
    START,
    FakeProgress,
    FakeStore,
    a_record,
    a_run_plan,
    a_start,
    after,
    fake_tools,
)

FACTS: list[dict[str, Any]] = [
    {},
    {"text": "naïve ✓ \u2028 \u2029 \x85 \x0b \x1c \r\n \x00", "é": None},
    {"nested": {"list": [1, 2.5, True, None, {"deep": "x" * 10_000}]}},
    {"name": 'quote " backslash \\ brace }'},
]


def tell(journal: Journal, *facts: dict[str, Any]) -> list[tuple[str, Any, dict[str, Any]]]:
    """Append facts, a second apart; return what should be read back."""
    events = [(f"event_{n}", after(n + 0.123456), fact) for n, fact in enumerate(facts)]
    for event, at, fact in events:
        journal.append(event, at, fact)
    return events


def test_a_runs_id_says_when_and_what(keeping: Any) -> None:
    """Time first, so that names sort; two runs of one second are two runs."""
    first, second = (keeping.store.open("moodle", START) for _ in range(2))
    assert first.run_id.startswith("20260310T020000Z-moodle-")
    assert first.run_id != second.run_id
    assert first.folder.name == first.run_id


def test_facts_come_back_as_they_were(keeping: Any) -> None:
    """In order, to the microsecond, whatever a hostile host put into their text."""
    journal = keeping.store.open("moodle", START)
    facts = tell(journal, *FACTS)
    assert list(journal.events()) == facts


def test_text_that_is_no_text_does_not_stop_a_journal(keeping: Any) -> None:
    """A lone surrogate, as undecodable bytes give it, can be kept."""
    journal = keeping.store.open("moodle", START)
    facts = tell(journal, {"said": "caf\udce9"}, {"next": 1})
    assert list(journal.events()) == facts


def test_a_run_begins_empty(keeping: Any) -> None:
    """A journal without facts can be read."""
    assert list(keeping.store.open("moodle", START).events()) == []


def test_one_run_holds_a_standby(keeping: Any) -> None:
    """A second one is refused by name; another standby is free; the end frees it."""
    hold = keeping.store.hold
    with hold("vm:standby", "first"):
        with pytest.raises(BusyError, match="first"), hold("vm:standby", "second"):
            pytest.fail("two runs hold one standby")
        with hold("vm:other", "second"):
            pass
        with pytest.raises(BusyError, match="first"), hold("vm:standby", "third"):
            pytest.fail("the refused run freed the standby")
    with hold("vm:standby", "second"):
        pass


def test_an_error_frees_the_standby(keeping: Any) -> None:
    """However a run ends, the next one can begin."""
    with pytest.raises(KeyboardInterrupt), keeping.store.hold("vm:standby", "first"):
        raise KeyboardInterrupt
    with keeping.store.hold("vm:standby", "second"):
        pass


def test_a_living_run_has_not_crashed(keeping: Any) -> None:
    """While its process is there a run is running, facts or none."""
    living = [keeping.store.open(drill, START) for drill in ("moodle", "wiki")]
    tell(living[0], {})
    assert list(keeping.store.crashed()) == []


def test_a_dead_run_without_a_record_has_crashed(keeping: Any) -> None:
    """It is found with its facts, can be gone on with, sealed, and is then no longer found."""
    journal = keeping.store.open("moodle", START)
    living, facts = keeping.store.open("wiki", START), tell(journal, *FACTS)
    keeping.die(journal)
    (crashed_run,) = keeping.store.crashed()
    assert crashed_run.run_id == journal.run_id != living.run_id
    assert list(crashed_run.events()) == facts
    crashed_run.append(Event.LOST, after(99), {})
    assert list(crashed_run.events()) == [*facts, (Event.LOST, after(99), {})]
    crashed_run.seal(a_record(run_id=crashed_run.run_id))
    assert list(keeping.store.crashed()) == []


def test_a_sealed_record_is_the_one_that_was_given(keeping: Any) -> None:
    """What is read is what was sealed."""
    journal = keeping.store.open("moodle", START)
    record = a_record(run_id=journal.run_id, reasons=("a\u2028b ✓",))
    journal.seal(record)
    assert keeping.sealed(journal.run_id) == record


def test_a_full_disk_is_a_record_error_and_harms_no_fact(keeping: Any) -> None:
    """The fact that found no room is gone whole; those before and after it are whole too."""
    journal = keeping.store.open("moodle", START)
    facts = tell(journal, *FACTS)
    with keeping.full_disk(journal), pytest.raises(RecordError):
        journal.append("too_much", after(50), {"text": "x" * 100})
    journal.append("room_again", after(51), {})
    assert list(journal.events()) == [*facts, ("room_again", after(51), {})]


def test_a_whole_drill_can_be_replayed(keeping: Any) -> None:
    """The engine on this store: the sealed record is what its journal says."""
    record = run_drill(a_start(), fake_tools(store=keeping.store), Cancellation(), disruption=None)
    assert record.exit_code == 0
    sealed = keeping.sealed(record.run_id)
    assert sealed == record
    assert sealed is not None
    assert sealed.model_dump_json() == record.model_dump_json()


def test_a_busy_crashed_run_is_found_again(keeping: Any) -> None:
    """A crashed run that had to wait for its standby is still there at the next sweep."""
    journal = keeping.store.open("moodle", START)
    plan = a_run_plan()
    journal.append(Event.STARTED, START, json.loads(a_start(plan=plan).model_dump_json()))
    keeping.die(journal)
    with keeping.store.hold(plan.standby_key[0], "another"):
        recovered = recover_crashed(keeping.store, lambda _plan: fake_tools(store=keeping.store))
        assert isinstance(recovered.left[journal.run_id], BusyError)
    (record,) = recover_crashed(
        keeping.store, lambda _plan: fake_tools(store=keeping.store)
    ).records
    assert record.run_id == journal.run_id


def test_a_run_that_could_not_be_recorded_is_found_again(keeping: Any) -> None:
    """When its record did not fit on the disk, a run counts as crashed, in this process too."""

    class Full(FakeProgress):
        def phase(self, name: str) -> None:
            """Fill the disk up when the teardown begins."""
            if name == "teardown":
                disk.enter_context(keeping.full_disk(only_journal(keeping)))

    tools = fake_tools(store=keeping.store, progress=Full())
    with ExitStack() as disk, pytest.raises(RecordError):
        run_drill(a_start(), tools, Cancellation(), disruption=None)
    (record,) = recover_crashed(
        keeping.store, lambda _plan: fake_tools(store=keeping.store)
    ).records
    assert record.state == "CRASHED"


def only_journal(keeping: Any) -> Any:
    """Return the journal of the one run under way."""
    if isinstance(keeping.store, FakeStore):
        return keeping.store.journals[0]
    return keeping.store.running()[0]


def test_facts_told_to_a_store_make_facts_again(keeping: Any) -> None:
    """The first fact carries the whole plan through the store."""
    journal = keeping.store.open("moodle", START)
    journal.append(Event.STARTED, START, a_start().model_dump(mode="json"))
    facts = replay(journal)
    assert facts is not None
    assert facts.started == a_start()
