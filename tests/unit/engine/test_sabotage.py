"""A sabotage on fakes: what counts as a catch, what does not, and that nothing is left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from pradrill.domain.declared.fault import DeclaredFault
from pradrill.domain.register.sabotage import FaultOutcome
from pradrill.domain.run.guard import Reach
from pradrill.domain.run.outcome import CheckKey, CheckOutcome, StepOutcome
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.repeated_teardown import Unkept
from pradrill.engine.sabotage import (
    NoScoreError,
    Sabotaged,
    SabotageStoppedError,
    plan_sabotage,
    sabotage_drill,
)
from pradrill.errors import ExitCode, NotReadyError, PradrillError
from pradrill.testing import (
    FakeClock,
    FakeCopiedStandby,
    FakeDamager,
    FakeProbe,
    FakeRunner,
    FakeStore,
    FakeVerification,
    a_check,
    a_drill,
    a_run_plan,
    a_start,
    fake_tools,
)

FAILED, ERRORED, PASSED = CheckOutcome.FAILED, CheckOutcome.ERRORED, CheckOutcome.PASSED
SUITE = [a_check(check="test_site.py::test_page"), a_check(check="test_site.py::test_rows")]
PAGE, ROWS = (check.key for check in SUITE)


class Watching:
    """A verifier whose checks see damage: command → check → its answers, one a look."""

    def __init__(
        self,
        clock: FakeClock,
        standby: FakeCopiedStandby,
        sees: Mapping[str, Mapping[CheckKey, Sequence[CheckOutcome]]],
    ) -> None:
        self.opened = 0
        self._clock, self._standby, self._sees = clock, standby, sees

    def prepare(self, suite: Path, site: Any, *, marker: str) -> None:
        """Have nothing to make ready."""

    @contextmanager
    def open(
        self, suite: Path, site: Any, *, marker: str, evidence: Path, given: Any = None
    ) -> Any:
        """Answer according to what was done to the hosts by now, or to the looks at them."""
        del suite, marker, evidence, given
        self.opened += 1
        commands = [*self._standby.damage(site), f"look {self.opened}"]
        red: dict[CheckKey, list[CheckOutcome]] = {}
        for command in commands:
            red |= {key: list(each) for key, each in self._sees.get(command, {}).items()}
        looks = max((len(each) for each in red.values()), default=1)
        passes = [
            {key: each[min(n, len(each) - 1)] for key, each in red.items()} for n in range(looks)
        ]
        yield FakeVerification(self._clock, passes or [PASSED], suite=SUITE)


class Room:
    """A sabotage of the builders' drill, and the fakes that it works on."""

    def __init__(self, sees: Mapping[str, Any] | None = None, **fakes: Any) -> None:
        self.clock = FakeClock()
        self.standby = FakeCopiedStandby(places=fakes.pop("places", 1))
        self.store = FakeStore()
        self.verifier = Watching(self.clock, self.standby, sees or {})
        self.damager: FakeDamager = fakes.pop("damager", None) or FakeDamager(self.standby)
        self.damager._standby = self.standby
        self.cancellation = Cancellation()
        self.tools = fake_tools(
            self.clock,
            **{
                "standby": self.standby,
                "copies": self.standby,
                "store": self.store,
                "verifier": self.verifier,
                "damager": self.damager,
                **fakes,
            },
        )

    def sabotage(self, *faults: DeclaredFault, **drill: Any) -> Sabotaged:
        """Sabotage the drill; whatever comes of it, its hosts are stopped and let go of."""
        plan = plan_sabotage(a_run_plan(drill=a_drill(**drill)))
        journal = Unkept("20260310T020000Z-moodle-5ab07a", Path("/nowhere"))
        try:
            return sabotage_drill(
                a_start(plan=plan), journal, self.tools, self.cancellation, {None: faults}
            )
        finally:
            assert self.standby.calls[-1] == "stop"
            assert self.standby.saved is None
            assert not self.store.holders


def fault(name: str, **fields: Any) -> DeclaredFault:
    """Return a fault whose command is its name."""
    return DeclaredFault(fault=name, stands_for=f"what {name} is", command=name, **fields)


def outcomes(result: Sabotaged) -> dict[str, FaultOutcome]:
    """Return what became of each fault."""
    return {each.fault: each.outcome for each in result.faults}


def test_only_a_check_that_fails_and_goes_on_failing_catches_a_fault() -> None:
    """No answer is no catch, nor is a check that mends itself, nor a damage that was not done."""
    room = Room(
        {
            "seen": {PAGE: [FAILED]},
            "brief": {PAGE: [FAILED, PASSED]},
            "silent": {PAGE: [ERRORED], ROWS: [PASSED]},
            "undone": {PAGE: [FAILED]},
        },
    )
    room.damager._fails = {"undone": "no such file"}
    names = ["seen", "unseen", "brief", "silent", "undone"]
    result = room.sabotage(*map(fault, names))
    assert result.faults[0].seconds >= 28, "a damaged copy has as much time as an undamaged one"
    assert outcomes(result) == {
        "seen": FaultOutcome.CAUGHT,
        "unseen": FaultOutcome.MISSED,
        "brief": FaultOutcome.MISSED,
        "silent": FaultOutcome.UNCLEAR,
        "undone": FaultOutcome.NOT_TRIED,
    }
    assert result.checks == (PAGE, ROWS)
    assert result.faults[0].caught_by == (str(PAGE),)
    assert result.faults[4].detail == "it could not be done: no such file"


def test_each_fault_has_a_copy_of_its_own_that_is_dropped() -> None:
    """What was done to one copy is not on the next, and an undamaged one is first and last."""
    room = Room({"one": {PAGE: [FAILED]}, "two": {ROWS: [FAILED]}})
    result = room.sabotage(fault("one"), fault("two"))
    assert [each.caught_by for each in result.faults] == [(str(PAGE),), (str(ROWS),)]
    copy = ["start copy", "stop copy"]
    assert room.standby.calls == ["start", "save", *copy * 4, "stop"]
    assert room.verifier.opened == 1 + 4


def test_a_check_that_fails_undamaged_gives_no_score() -> None:
    """When the first, undamaged copy is not green, nothing is damaged."""
    room = Room({"look 2": {PAGE: [FAILED]}})
    with pytest.raises(NoScoreError, match=r"on an undamaged copy test_site\.py::test_page"):
        room.sabotage(fault("one"))
    assert room.damager.values == {}


def test_a_check_that_fails_undamaged_in_the_end_has_caught_nothing() -> None:
    """What a check caught that fails by itself by now is taken back."""
    room = Room(
        {
            "one": {PAGE: [FAILED]},
            "two": {PAGE: [FAILED], ROWS: [FAILED]},
            "look 5": {PAGE: [FAILED]},
        }
    )
    result = room.sabotage(fault("one"), fault("two"))
    assert outcomes(result) == {"one": FaultOutcome.UNCLEAR, "two": FaultOutcome.CAUGHT}
    assert result.faults[1].caught_by == (str(ROWS),)


def test_the_guards_hold_for_each_copy() -> None:
    """A copy that reaches production ends the sabotage before it is damaged."""
    probe = FakeProbe()
    room = Room(probe=probe)
    looks = iter(range(100))
    closed = probe.reaches

    def reaches(host: Any, site: Any, endpoints: Sequence[str]) -> Any:
        if next(looks) >= 3:  # before the restore, after it, and of the undamaged copy
            probe._reached = dict.fromkeys(endpoints, Reach.OPEN)
        return closed(host, site, endpoints)

    probe.reaches = reaches  # type: ignore[method-assign, assignment]
    with pytest.raises(NotReadyError, match="moodle-standby"):
        room.sabotage(fault("one"))
    assert room.damager.values == {}


@pytest.mark.parametrize(
    ("fakes", "error"),
    [
        ({"standby problems": True}, NotReadyError),
        ({"restore": StepOutcome.FAILED}, NoScoreError),
    ],
)
def test_a_drill_that_does_not_pass_gives_no_score(
    fakes: dict[str, Any], error: type[PradrillError]
) -> None:
    """Not ready, or not restored: nothing is saved, nothing is damaged."""
    room = Room()
    if "restore" in fakes:
        runner = FakeRunner(room.clock, {"restore_moodle": fakes["restore"]})
        room.tools = room.tools._replace(runner=runner)
    else:
        room.standby._problems = ("QEMU is not installed",)
    with pytest.raises(error):
        room.sabotage(fault("one"))
    assert "save" not in room.standby.calls


def test_a_signal_ends_it_without_a_score() -> None:
    """Ctrl-C between two faults: no score, and no copy is left."""
    room = Room()
    damage = room.damager.damage

    def interrupt(*words: Any) -> Any:
        room.cancellation.stop(2)
        return damage(*words)

    room.damager.damage = interrupt  # type: ignore[method-assign, assignment]
    with pytest.raises(SabotageStoppedError) as stopped:
        room.sabotage(fault("one"), fault("two"))
    assert stopped.value.exit_code == ExitCode.INTERRUPTED
    assert [*room.damager.values] == ["one"]
    assert room.standby.calls[-2:] == ["stop copy", "stop"]


def test_a_fault_gets_what_the_drill_gives_and_what_it_discovers() -> None:
    """Parameters reach the command as variables; what the drill gives is not discovered."""
    room = Room()
    room.damager._prints = {"list tables": "people"}
    one = fault("one", parameters=("database",), discover={"table": "list tables"})
    two = fault("two", discover={"table": "nothing"})
    result = room.sabotage(one, two, sabotage={"parameters": {"database": "shop"}})
    assert room.damager.values == {"one": {"database": "shop", "table": "people"}}
    assert outcomes(result)["two"] is FaultOutcome.NOT_TRIED
    assert result.faults[1].detail == "its table was not discovered: there is none"
    room.sabotage(two, sabotage={"parameters": {"table": "mine"}})
    assert room.damager.values["two"] == {"table": "mine"}


def test_while_a_copy_is_left_alone_the_next_fault_is_tried_beside_it() -> None:
    """Two copies run at one time, each with its own damage and all its time; no more than two."""
    sees = {f"fault-{n}": {PAGE: [FAILED, FAILED if n % 2 else PASSED]} for n in range(6)}
    faults = [fault(name) for name in sees]
    alone, beside = Room(sees), Room(sees, places=2)
    for room in (alone, beside):
        begin = room.clock.now()
        result = room.sabotage(*faults)
        assert [*outcomes(result)] == [*sees], "in the order in which they were given"
        assert [*outcomes(result).values()] == [FaultOutcome.MISSED, FaultOutcome.CAUGHT] * 3
        seconds = (room.clock.now() - begin).total_seconds()
        assert sum(each.seconds for each in result.faults) <= seconds
    assert (alone.standby.most, beside.standby.most) == (1, 2)


def test_a_copy_that_is_slow_to_wake_has_caught_nothing() -> None:
    """What a check says within the time that an undamaged copy is given is no catch."""
    room = Room(places=2)
    slow = FakeVerification(room.clock, [{PAGE: FAILED}], suite=SUITE)
    begin: list[Any] = []

    def run(only: Any, **options: Any) -> Any:
        begin.append(room.clock.now())
        if (room.clock.now() - begin[0]).total_seconds() > 25:
            return FakeVerification(room.clock, [PASSED], suite=SUITE).run(only, **options)
        return slow.run(only, **options)

    @contextmanager
    def open_(*_words: Any, **_options: Any) -> Any:
        begin.clear()
        verification = FakeVerification(room.clock, [PASSED], suite=SUITE)
        if room.damager.values:
            verification.run = run  # type: ignore[method-assign]
        yield verification

    room.verifier.open = open_  # type: ignore[method-assign]
    assert outcomes(room.sabotage(fault("one"))) == {"one": FaultOutcome.MISSED}
