"""How questions, waits, promises and findings are told on a terminal and in a mail."""

from __future__ import annotations

import datetime as dt
import re
import shlex
from io import StringIO
from pathlib import Path
from typing import Any

from rich.console import Console
from tests.support.waits import a_wait

from pradrill.domain.declared.manual_step import Confirm, ManualStep
from pradrill.domain.declared.provider import Support
from pradrill.domain.register.finding import Closure, Sighting
from pradrill.domain.run.outcome import StepKind
from pradrill.domain.run.question import Call, CallStage, SlaMeasure, SlaStanding
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.text.findings import finding_line, finding_lines, open_line
from pradrill.reporting.text.live import LiveProgress
from pradrill.reporting.text.plan import plan_lines
from pradrill.reporting.text.questions import announcement, question_lines, sla_line, wait_lines
from pradrill.reporting.text.screens import show
from pradrill.reporting.text.summary import summary
from pradrill.testing import (
    FakeClock,
    a_finding,
    a_planned_step,
    a_question,
    a_record,
    a_recovery,
    a_run_plan,
    after,
    an_answer,
)

DAY = 86_400.0
CALL = Call(
    provider="hexanet",
    stage=CallStage.RESPONSE,
    step="call",
    support=Support(phone="+33 3 26 00 00 00", hours="24/7", contract="HX-1234"),
    promised=dt.timedelta(minutes=30),
)


def test_a_question_says_all_that_an_answer_takes() -> None:
    """Who, what, until when, and the very command that answers it."""
    text = "\n".join(question_lines(a_question()))
    assert "waits for operator: switch the DNS" in text
    assert "moodle → 198.51.100.20" in text
    assert "Until 2026-03-10 02:30:00 UTC." in text
    assert "pradrill answer 7f3a --yes or --no" in text
    assert text.count("--text") == 0
    assert "--text" in "\n".join(question_lines(a_question(confirm=Confirm.TEXT)))


def test_a_call_says_how_and_under_which_contract() -> None:
    """Phone, hours, contract and the promise stand with the question and in the plan."""
    expected = (
        "hexanet: phone +33 3 26 00 00 00, hours 24/7, contract HX-1234; "
        "its SLA promises an answer within 30m00s"
    )
    text = "\n".join(question_lines(a_question(call=CALL)))
    assert expected in text
    assert "has the provider answered?" in text
    step = a_planned_step(
        kind=StepKind.MANUAL,
        manual=ManualStep(manual="call", who="operator", instruction="ask for the console"),
        call=CALL,
        hosts=(),
        playbook=None,
    )
    lines = [line.text for line in plan_lines(a_run_plan(steps=(step,)))]
    assert "1. restore_moodle (manual), at most 1h00m" in lines
    assert "operator: ask for the console" in lines
    assert expected in lines


def test_hostile_text_of_a_plan_moves_no_cursor() -> None:
    """An instruction with control characters is shown with them made visible."""
    text = "\n".join(question_lines(a_question(instruction="\x1b[2J gone", who="\u202eoperator")))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "⟨U+001B⟩" in text


def test_waits_are_told_one_by_one_and_together() -> None:
    """Answered, refused, unanswered, cut off; then the sum, and what of it is in the RTA."""
    record = a_record(
        waits=(
            a_wait(answer=an_answer(text="TTL 60")),
            a_wait(answer=an_answer(yes=False)),
            a_wait(answer=None),
            a_wait(ended=None, seconds=None, answer=None),
        ),
        recovery=a_recovery(waited_for_people=1_200.0),
    )
    expected = wait_lines(record)
    begins = "2026-03-10 02:00:00 UTC, switch the DNS: operator"
    assert expected == [
        f"{begins}, yes after 10m00s by amartin: TTL 60",
        f"{begins}, no after 10m00s by amartin",
        f"{begins} gave no answer within 10m00s",
        f"{begins} was asked; the run ended before an answer",
        "30m00s in all, 20m00s of them inside the RTA",
    ]
    unmeasured = record.model_copy(update={"recovery": a_recovery(rta=None)})
    assert wait_lines(unmeasured)[-1] == "30m00s in all, the RTA was not measured"
    screen = Console(file=StringIO(), width=100)
    show(record, screen)
    assert "Waiting for people" in screen.file.getvalue()  # type: ignore[attr-defined]


def test_a_promise_is_told_with_its_figures() -> None:
    """Measured, not answered, not promised: each says so."""
    fields: dict[str, Any] = {"provider": "hexanet", "stage": "response", "step": "call"}
    for changes, expected in (
        (("30m", 120.0, 120.0, SlaStanding.MET), "2m00s, SLA 30m00s: met"),
        (("30m", None, 2_400.0, SlaStanding.NOT_MET), "none within 40m00s, SLA 30m00s: not met"),
        ((None, 120.0, 120.0, SlaStanding.UNKNOWN), "2m00s, SLA no promise: unknown"),
    ):
        values = dict(zip(("promised", "seconds", "waited", "standing"), changes, strict=True))
        measure = SlaMeasure.model_validate({**fields, **values})
        assert sla_line(measure) == f"hexanet, response: {expected}"


def test_a_watched_run_shows_the_question() -> None:
    """The live view leaves the question on the screen, whole, also when it is long."""
    screen = StringIO()
    with LiveProgress(Console(file=screen, width=60), FakeClock().now) as live:
        live.ask(a_question(instruction="word " * 40))
    assert screen.getvalue().count("word") == 40
    assert "\n    Type yes or no where the run is watched" in screen.getvalue()


def test_a_finding_in_a_line() -> None:
    """Id, severity, service, what, how long open, whose, until when, and how late."""
    line = finding_line(a_finding(finding="F-3"), after(10 * DAY))
    assert line == (
        "F-3  critical  moodle  check failed: the login page is served  open for 9 days  "
        "owner formation@exemple.fr  due 2026-03-17, 3 days late"
    )


def test_a_finding_with_its_history() -> None:
    """Detail, opening, sightings and the run that closed it."""
    finding = a_finding(
        finding="F-3",
        seen=(Sighting(run_id="run2", at=after(DAY)),),
        closure=Closure(finding="F-3", run_id="run3", at=after(2 * DAY), by="amartin", text="new"),
    )
    text = list(finding_lines(finding, after(3 * DAY)))
    assert "due" not in text[0]
    assert text[1:] == [
        "    moodle-standby: expected 200, was 500",
        "    opened 2026-03-10 02:42:41 UTC by the run, run 20260310T020000Z-moodle-7f3a",
        "    seen again 2026-03-11 02:00:00 UTC, run run2",
        "    closed 2026-03-12 02:00:00 UTC by amartin, proved by the run run3: new",
    ]


def test_the_mail_says_how_many_are_open() -> None:
    """One line, with how many are overdue and how old the oldest is; none when none is open."""
    findings = [
        a_finding(opened=after(-40 * DAY)),
        a_finding(key="b", opened=after(-2 * DAY), due=dt.date(2026, 3, 30)),
        a_finding(key="c", closure=Closure(finding="F-3", run_id="x", at=after(0), by="amartin")),
    ]
    expected = open_line(findings, after(0))
    assert expected == "Open findings: 2, 1 overdue, the oldest open for 40 days"
    mail = summary(a_record(), findings=findings)
    assert f"{expected}: pradrill findings\n" in mail
    assert "Open findings" not in summary(a_record(), findings=findings[2:])


def test_an_announcement_can_be_answered_as_it_stands() -> None:
    """It says who, what, until when and where, with a line for a shell for each answer."""
    expected = announcement(
        a_question(call=CALL, step="call: it's late"), Path("/var/lib/x y"), "ctl01"
    )
    first, *rest = expected.splitlines()
    assert first == "The drill waits for operator: call: it's late"
    assert any("hexanet: phone +33 3 26 00 00 00" in line for line in rest)
    assert any(line.endswith("Until 2026-03-10 02:30:00 UTC.") for line in rest)
    assert "Answer on ctl01:" in rest
    assert not any("where the run is watched" in line for line in rest)
    yes, no = (line for line in rest if "pradrill" in line)
    words = ["pradrill", "--state", "/var/lib/x y", "answer", "7f3a"]
    assert shlex.split(yes) == [*words, "call: it's late", "--yes"]
    assert shlex.split(no) == [*words, "call: it's late", "--no"]
    asks = announcement(a_question(confirm=Confirm.TEXT), Path("/s"), "ctl01").splitlines()
    assert [shlex.split(line)[-2:] for line in asks if "pradrill" in line] == [
        ["--text", "..."],
        ["switch the DNS", "--no"],
    ]


def test_a_question_is_asked_in_the_language_of_the_plan() -> None:
    """In French every word of ours is French; names, steps and commands are as written."""
    with speaking("fr"):
        prompt = "\n".join(question_lines(a_question(call=CALL)))
        mail = announcement(a_question(call=CALL), Path("/s"), "ctl01")
    assert "attend operator\u00a0: switch the DNS" in prompt
    assert "le prestataire a-t-il répondu\u202f?" in prompt
    assert "téléphone +33 3 26 00 00 00" in prompt
    assert "pradrill answer 7f3a --yes" in prompt
    assert mail.startswith("Le test attend operator\u00a0: switch the DNS\n")
    assert "Répondre sur ctl01\u00a0:" in mail
    english = r"\b(waits|until|type|where|phone|hours|contract|answer (?!7f3a)|promises)\b"
    assert not re.search(english, prompt + mail, re.IGNORECASE)


def test_hostile_words_of_a_step_move_no_cursor() -> None:
    """Control and direction characters in a step are written out in what is announced."""
    hostile = "\x1b[2J\u202egnp\r\n"
    question = a_question(step=hostile, who=hostile, instruction=hostile * 3)
    expected = announcement(question, Path("/s"), "ctl01")
    assert not re.search("[\x00-\x09\x0b-\x1f\u202a-\u202e]", expected)
    assert "U+202E" in expected
