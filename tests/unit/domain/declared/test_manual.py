"""Steps that people take: asked, answered, given up, timed; and providers held to their SLA."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from pradrill.domain.declared.drill import Kind
from pradrill.domain.declared.plan import Plan
from pradrill.domain.run.outcome import CheckOutcome, Phase, StepKind, StepOutcome
from pradrill.domain.run.question import Answer, CallStage, Standing
from pradrill.domain.run.record import RunRecord, RunState
from pradrill.domain.run.run_plan import PlannedManual, RunPlan
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Mark, Provenance
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.crashed_runs import recover_crashed
from pradrill.engine.planning import plan_run
from pradrill.engine.run import run_drill
from pradrill.errors import RecordError
from pradrill.testing import (
    FakeClock,
    FakePeople,
    FakeProgress,
    FakeRunner,
    FakeStandby,
    FakeStore,
    FakeVerification,
    FakeVerifier,
    a_drill,
    a_host,
    a_service,
    a_start,
    after,
    an_answer,
    an_estate,
    estate_hosts,
    estate_verifications,
    fake_tools,
)
from pradrill.testing.estate import DEPENDS_ON, a_way, an_estate_drill
from pradrill.testing.reasons import texts

DNS = {"manual": "switch the DNS", "who": "operator", "instruction": "moodle → 198.51.100.20"}
GO = {**DNS, "manual": "go or no go", "who": "director", "confirm": "approve"}
CALL = {**DNS, "manual": "call the host", "call": "hexanet", "deadline": "2h"}
SAY = {**DNS, "manual": "note the ticket", "confirm": "text"}
ACCEPT = {**DNS, "manual": "accept Moodle", "who": "owner"}
RESTORE = {"playbook": "restore_moodle.yml"}


def resolved(**changes: Any) -> RunPlan:
    """Return a Moodle exercise with some steps, resolved against a plan with a provider."""
    drill = a_drill(kind=Kind.EXERCISE, unattended=False, **changes)
    provider = {
        "support": {"phone": "+33 3 26 00 00 00", "hours": "24/7", "contract": "HX-1234"},
        "sla": {"response": "30m", "restoration": "4h"},
    }
    plan = Plan.model_validate(
        {
            "plan": 3,
            "organisation": "Exemple SAS",
            "providers": {"hexanet": provider},
            "services": {"moodle": a_service()},
        }
    )
    return plan_run(
        drill,
        drill_file=Path("moodle.yml"),
        plan=plan,
        hosts=[a_host()],
        primaries={"moodle": a_service().primary},
        files=[],
    )


class Exercise:
    """A run with people in it, on fakes."""

    def __init__(self, says: dict[str, tuple[float, Answer]] | None = None, **steps: Any) -> None:
        self.clock = FakeClock()
        self.people = FakePeople(self.clock, says)
        self.runner = FakeRunner(self.clock)
        self.standby = FakeStandby()
        self.store = FakeStore()
        self.progress = FakeProgress()
        self.cancellation = Cancellation()
        self.plan = resolved(**steps)

    def run(self, **fakes: Any) -> RunRecord:
        """Run it; the standby was torn down whatever people said."""
        tools = fake_tools(
            self.clock,
            **{
                "people": self.people,
                "runner": self.runner,
                "standby": self.standby,
                "store": self.store,
                "progress": self.progress,
                **fakes,
            },
        )
        record = run_drill(a_start(plan=self.plan), tools, self.cancellation, disruption=None)
        assert self.standby.calls == ["start", "stop"]
        return record


def outcome(record: RunRecord, name: str) -> StepOutcome:
    """Return what a step came to."""
    return next(step.outcome for step in record.steps if step.name == name)


def test_a_person_is_asked_between_the_playbooks() -> None:
    """Manual steps keep the place that the drill gives them, and the drill passes with a yes."""
    exercise = Exercise(prepare=(GO, {"playbook": "prepare.yml"}), restore=(RESTORE, DNS))
    record = exercise.run()
    assert record.verdict is Verdict.PASSED
    names = [
        step.name for step in record.steps if step.kind in {StepKind.MANUAL, StepKind.PLAYBOOK}
    ]
    assert names == ["go or no go", "prepare", "restore_moodle", "switch the DNS", "teardown"]
    assert ("ask", "operator: moodle → 198.51.100.20") in exercise.progress.told
    assert exercise.people.questions[0].run_id == record.run_id


def test_the_answer_is_recorded_with_its_author() -> None:
    """Who answered what, when and through what is in the record."""
    said = an_answer(by="bdurand", text="ticket 4711", via="terminal")
    record = Exercise({"note the ticket": (90.0, said)}, prepare=(SAY,)).run()
    (wait,) = record.waits
    assert wait.answer == said
    assert wait.seconds is not None
    assert wait.seconds == pytest.approx(90, abs=0.2)
    assert wait.ended == wait.asked + timedelta(seconds=wait.seconds)
    assert "bdurand answered yes: ticket 4711" in [step.detail.text for step in record.steps]


def test_waiting_is_inside_the_rta_and_shown_apart() -> None:
    """An hour of waiting is an hour of RTA, and the record says that it was people's."""
    plain = Exercise({}).run()
    record = Exercise({"switch the DNS": (1_200.0, an_answer())}, restore=(RESTORE, DNS)).run()
    assert record.recovery.rta is not None
    assert plain.recovery.rta is not None
    assert record.recovery.rta.seconds - plain.recovery.rta.seconds == pytest.approx(1_200, abs=0.2)
    assert record.recovery.waited_for_people == pytest.approx(1_200, abs=0.2)
    assert plain.recovery.waited_for_people == 0


def test_waiting_for_the_acceptance_is_outside_the_rta() -> None:
    """What comes after T5 makes the run longer and the RTA not."""
    record = Exercise({"accept Moodle": (900.0, an_answer())}, accept=(ACCEPT,)).run()
    assert record.waits[0].seconds == pytest.approx(900, abs=0.2)
    assert record.recovery.waited_for_people == 0
    assert record.recovery.rta is not None
    assert record.recovery.rta.seconds < 900


def test_nobody_answers() -> None:
    """At its deadline a step has timed out, the drill has failed, and nothing after it began."""
    record = Exercise({}, restore=({**DNS, "deadline": "10m"}, RESTORE)).run()
    assert outcome(record, "switch the DNS") is StepOutcome.TIMED_OUT
    assert record.verdict is Verdict.FAILED
    assert any("operator did not answer within 10m" in reason for reason in texts(record.reasons))
    assert "restore_moodle" in [step.name for step in record.not_executed]
    assert record.waits[0].answer is None
    assert record.waits[0].seconds == 600


def test_what_could_not_be_done_fails_the_drill() -> None:
    """A no to "done?" is a step that showed that the recovery does not work."""
    no = an_answer(yes=False, text="the console is down")
    record = Exercise({"switch the DNS": (5, no)}, restore=(RESTORE, DNS)).run()
    assert outcome(record, "switch the DNS") is StepOutcome.FAILED
    assert record.verdict is Verdict.FAILED
    assert any("the console is down" in reason for reason in texts(record.reasons))


def test_a_decision_not_to_go_on_proves_nothing() -> None:
    """A no to an approval stops the drill, which then says nothing about the recovery."""
    exercise = Exercise({"go or no go": (5, an_answer(yes=False))}, prepare=(GO,))
    record = exercise.run()
    assert outcome(record, "go or no go") is StepOutcome.CANCELLED
    assert record.verdict is Verdict.INCONCLUSIVE
    assert "restore_moodle" not in exercise.runner.plays


def test_a_service_that_its_owner_refuses_has_failed() -> None:
    """A no to the acceptance is FAILED, also when it is asked as an approval; there is no T6."""
    accept = {**ACCEPT, "confirm": "approve"}
    record = Exercise({"accept Moodle": (5, an_answer(yes=False))}, accept=(accept,)).run()
    assert outcome(record, "accept Moodle") is StepOutcome.FAILED
    assert record.verdict is Verdict.FAILED
    assert Mark.ACCEPTED not in record.recovery.marks


def test_the_owners_yes_is_t6() -> None:
    """The last acceptance gives T6, entered by a person, after T5."""
    second = {**ACCEPT, "manual": "accept for the board"}
    says = {"accept Moodle": (10.0, an_answer()), "accept for the board": (20.0, an_answer())}
    record = Exercise(says, accept=(ACCEPT, second)).run()
    t5, t6 = (record.recovery.marks[mark] for mark in (Mark.SERVICE_VERIFIED, Mark.ACCEPTED))
    assert t6.provenance is Provenance.ENTERED
    assert t6.at == record.waits[1].ended
    assert t6.at > t5.at


def test_an_acceptance_that_nobody_gives_is_inconclusive() -> None:
    """The recovery was verified: silence does not say that it failed."""
    record = Exercise({}, accept=(ACCEPT,)).run()
    assert (record.verdict, record.exit_code) == (Verdict.INCONCLUSIVE, 12)


def test_nobody_is_asked_to_accept_what_was_not_verified() -> None:
    """When the checks stay red the owner is left alone, and the step was not executed."""
    clock = FakeClock()
    exercise = Exercise(accept=(ACCEPT,))
    exercise.clock = clock
    verifier = FakeVerifier(FakeVerification(clock, [CheckOutcome.FAILED]))
    exercise.runner = FakeRunner(clock)
    record = exercise.run(verifier=verifier)
    assert record.verdict is Verdict.FAILED
    assert exercise.people.questions == []
    assert [step.name for step in record.not_executed] == ["accept Moodle"]


def test_a_signal_while_a_person_is_waited_for() -> None:
    """Ctrl-C ends the waiting at once; teardown follows and the code is 130."""
    exercise = Exercise({}, restore=(RESTORE, DNS))

    class Impatient(FakeClock):
        def sleep(self, seconds: float) -> None:
            """Press Ctrl-C a minute into the waiting."""
            super().sleep(seconds)
            if exercise.people.questions and self.now() > exercise.people.questions[
                0
            ].asked + timedelta(minutes=1):
                exercise.cancellation.stop(signal.SIGINT)

    clock = Impatient()
    exercise.runner = FakeRunner(clock)
    exercise.clock = clock
    record = exercise.run(verifier=FakeVerifier(FakeVerification(clock)))
    assert outcome(record, "switch the DNS") is StepOutcome.CANCELLED
    assert (record.state, record.exit_code) == (RunState.INTERRUPTED, 130)
    assert exercise.runner.plays[-1] == "teardown"
    assert record.waits[0].seconds == pytest.approx(60.2, abs=0.2)


def test_a_run_killed_while_it_waits_says_so() -> None:
    """The record of the crash shows the question, and no end of the waiting."""

    class Killed(FakePeople):
        def ask(self, *_: Any) -> Any:
            """Die."""
            raise KeyboardInterrupt

    exercise = Exercise(restore=(RESTORE, DNS))
    exercise.people = Killed()
    with pytest.raises(KeyboardInterrupt):
        exercise.run()
    (record,) = recover_crashed(
        exercise.store, lambda _plan: fake_tools(store=exercise.store)
    ).records
    assert record.state is RunState.CRASHED
    assert (record.waits[0].step, record.waits[0].ended) == ("switch the DNS", None)


def test_a_full_disk_while_asking_ends_in_teardown() -> None:
    """A question that cannot be noted is not waited for: the run stops through its teardown."""
    whole = Exercise(restore=(RESTORE, DNS))
    whole.run()
    events = [event for event, _, _ in whole.store.journals[0].events()]
    exercise = Exercise(restore=(RESTORE, DNS))
    exercise.store = FakeStore(room=events.index("asked"))
    with pytest.raises(RecordError):
        exercise.run()
    assert exercise.people.questions == []
    assert exercise.runner.plays[-1] == "teardown"


def test_a_call_waits_twice_and_carries_the_contract() -> None:
    """The response and the restoration are two steps, each with phone, hours, contract and SLA."""
    steps = [step for step in resolved(prepare=(CALL,)).steps if isinstance(step, PlannedManual)]
    assert [step.name for step in steps] == [
        "call the host: response",
        "call the host: restoration",
    ]
    assert [step.call.promised for step in steps if step.call] == [
        timedelta(minutes=30),
        timedelta(hours=4),
    ]
    call = steps[0].call
    assert call is not None
    assert (call.support.phone, call.support.hours, call.support.contract) == (
        "+33 3 26 00 00 00",
        "24/7",
        "HX-1234",
    )


@pytest.mark.parametrize(
    ("response", "restoration", "standings"),
    [
        (1_799, 100, (Standing.MET, Standing.MET)),
        (1_801, 100, (Standing.NOT_MET, Standing.MET)),
        (7_000, 7_199, (Standing.NOT_MET, Standing.MET)),
        (10, None, (Standing.MET, Standing.UNKNOWN)),
        (8_000, None, (Standing.NOT_MET,)),
    ],
)
def test_a_provider_is_held_to_its_sla(
    response: float, restoration: float | None, standings: tuple[Standing, ...]
) -> None:
    """Both answers are counted from the call; silence beyond the promise is a promise not met."""
    says = {
        f"call the host: {stage}": (float(seconds), an_answer())
        for stage, seconds in (("response", response), ("restoration", restoration))
        if seconds is not None
    }
    record = Exercise(says, prepare=(CALL,)).run()
    assert tuple(measure.standing for measure in record.sla) == standings
    if restoration is not None:
        (first, last) = record.sla
        assert (first.stage, last.stage) == tuple(CallStage)
        assert first.seconds == pytest.approx(response, abs=0.2)
        assert last.seconds == pytest.approx(response + restoration, abs=0.4)


def test_a_promise_that_was_never_made_is_not_kept() -> None:
    """Without a figure in the SLA the measure stands there and its standing is unknown."""
    plan = resolved(prepare=(CALL,))
    steps = tuple(
        step.model_copy(update={"call": step.call.model_copy(update={"promised": None})})
        if isinstance(step, PlannedManual) and step.call
        else step
        for step in plan.steps
    )
    exercise = Exercise(prepare=(CALL,))
    exercise.plan = plan.model_copy(update={"steps": steps})
    record = exercise.run()
    assert {measure.standing for measure in record.sla} == {Standing.UNKNOWN}
    assert record.sla[0].seconds is not None


def test_data_restored_by_hand_is_restored_when_the_person_says_so() -> None:
    """T4 is the end of the last restore step, a person's too, and not before."""
    record = Exercise({"switch the DNS": (300.0, an_answer())}, restore=(RESTORE, DNS)).run()
    assert record.recovery.marks[Mark.DATA_RESTORED].at == record.waits[0].ended
    assert record.recovery.marks[Mark.DATA_RESTORED].at > after(300)


def test_a_record_with_people_in_it_survives_json() -> None:
    """Waits, answers, calls and SLA measures are read back as they were."""
    record = Exercise(prepare=(GO, CALL), restore=(RESTORE, SAY), accept=(ACCEPT,)).run()
    assert len(record.waits) == 5
    assert RunRecord.model_validate_json(record.model_dump_json()) == record


def test_two_steps_of_one_name_are_two_steps() -> None:
    """Each can be told apart in the record and by whoever answers."""
    steps = resolved(prepare=(DNS, DNS)).steps_of(Phase.PREPARE)
    assert [step.name for step in steps][:2] == ["switch the DNS #1", "switch the DNS #2"]


def an_exercise_of_an_estate() -> RunPlan:
    """Return an estate in which the directory and the database each have a DNS to switch."""
    recover = {name: a_way(name) for name in DEPENDS_ON}
    for name in ("directory", "database"):
        recover[name]["restore"] = [*recover[name]["restore"], DNS]
    return an_estate(drill=an_estate_drill(kind=Kind.EXERCISE, recover=recover, accept=(ACCEPT,)))


def test_services_side_by_side_ask_one_after_another() -> None:
    """Never two questions at once; each names its service, and each wait is its service's."""
    clock = FakeClock()
    plan = an_exercise_of_an_estate()
    at_once: list[int] = []

    class Busy(FakePeople):
        @contextmanager
        def ask(self, *question: Any) -> Iterator[Any]:
            """Take a moment, in which another service could ask too."""
            at_once.append(1)
            with super().ask(*question) as asked:
                time.sleep(0.1)
                assert sum(at_once) == 1
                yield asked
            at_once.append(-1)

    people = Busy()
    tools = fake_tools(
        clock,
        people=people,
        verifier=FakeVerifier(estate_verifications(clock)),
        standby=FakeStandby(*estate_hosts()),
    )
    record = run_drill(a_start(plan=plan), tools, Cancellation(), disruption=None)
    asked = [question.step for question in people.questions]
    assert sorted(asked[:2]) == ["database: switch the DNS", "directory: switch the DNS"]
    assert asked[2:] == ["accept Moodle"]
    assert {(wait.service, wait.step) for wait in record.waits} == {
        ("database", "switch the DNS"),
        ("directory", "switch the DNS"),
        (None, "accept Moodle"),
    }
    assert all(wait.answer for wait in record.waits)
