"""Somebody is told of what comes of drills, once; what cannot be told waits, and stops nothing."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any, NamedTuple

import pytest
from tests.support.status_house import TODAY, StatusHouse, answer

from pradrill.adapters import secrets
from pradrill.adapters.notifications import messengers
from pradrill.adapters.notifications.messengers import ProgramMessenger
from pradrill.app.composition import App
from pradrill.app.notifications import outbox_file, post
from pradrill.app.notifications.news import tell_news
from pradrill.domain.declared.notification import NotificationChannel
from pradrill.domain.dossier.outbox import AGAIN, PAUSES
from pradrill.domain.register.entry import EntryKind
from pradrill.ports import Messenger
from pradrill.testing import a_finding, a_launch

Capture = pytest.CaptureFixture[str]
STOPPING = (signal.SIGINT, signal.SIGTERM)


class Mail(NamedTuple):
    """What a channel was told."""

    subject: str
    text: str


class Office:
    """Services that were drilled lately, and what each channel of their plan is told."""

    def __init__(
        self, folder: Path, capsys: Capture, services: tuple[str, ...] = ("shop",)
    ) -> None:
        self.house = StatusHouse(folder, services)
        self.capsys = capsys
        for name in services:
            self.house.run(name, "P", 3)

    def name(self, channel: str, *more: str, command: str | None = None) -> None:
        """Declare a channel: a program that keeps each text, or another one."""
        box = self.house.folder / channel
        box.mkdir(exist_ok=True)
        plan = self.house.drills / "plan.yml"
        text = plan.read_text(encoding="utf-8")
        if "notifications:" not in text:
            text += "notifications:\n"
        script = command or f"cat > {box}/$$"
        text += f"  - name: {channel}\n    command: [sh, -c, {json.dumps(script)}]\n"
        plan.write_text(text + "".join(f"    {line}\n" for line in more), encoding="utf-8")

    def news(self, channel: str = "ops") -> list[Mail]:
        """Have the schedule look, and return what a channel was told by it."""
        self.due()
        return self.mails(channel)

    def due(self) -> int:
        """Carry out the line of cron."""
        ended = answer(self.house, self.capsys, "due", "--run")
        self.stderr = ended.err
        return ended.code

    def mails(self, channel: str = "ops") -> list[Mail]:
        """Take what came."""
        mails = []
        for path in sorted((self.house.folder / channel).iterdir()):
            subject, _, text = path.read_text(encoding="utf-8").partition("\n\n")
            mails.append(Mail(subject, text))
            path.unlink()
        return mails

    @property
    def outbox(self) -> Any:
        """Return what is kept."""
        return json.loads(self._file.read_text(encoding="utf-8"))

    @property
    def _file(self) -> Path:
        return self.house.state / "notifications.json"

    def age(self, by: timedelta) -> None:
        """Have all that is kept happen so long before."""

        def earlier(match: re.Match[str]) -> str:
            at = datetime.fromisoformat(match[0]) - by
            return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

        text = self._file.read_text(encoding="utf-8")
        text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z", earlier, text)
        self._file.write_text(text, encoding="utf-8")


@pytest.fixture
def office(tmp_path: Path, capsys: Capture) -> Office:
    """Return a proven service, and one channel that was told all that there was."""
    office = Office(tmp_path, capsys)
    office.name("ops")
    assert office.news() == []
    return office


def test_a_verdict_is_told_once_and_what_is_mended_too(office: Office) -> None:
    """FAILED with its reasons and what to type; then the first proof, as such; each one time."""
    failed = office.house.run("shop", "F", 0.2)
    (mail,) = office.news()
    assert mail.subject == "[Exemple SAS] shop: FAILED"
    assert "RTA 42m10s (RTO 4h00m)" in mail.text
    assert f"--state {office.house.state} show {failed.run_id}\n" in mail.text
    assert office.news() == []

    office.house.run("shop", "P", 0.1)
    (mail,) = office.news()
    assert mail.subject == "[Exemple SAS] shop: proven again, and one more"
    assert "shop: PASSED" in mail.text
    office.house.run("shop", "P", 0.05)
    assert [mail.subject for mail in office.news()] == ["[Exemple SAS] shop: PASSED"]


def test_a_refusal_is_told_again_for_another_reason_and_after_a_run(office: Office) -> None:
    """Once for one reason, whatever numbers stand in it; a run that began makes it news again."""

    def refuse(days_ago: float, *reasons: str) -> int:
        office.house.run("shop", "R", days_ago, reasons=reasons)
        tell_news(an_app(office.house), TODAY)
        return len(office.mails())

    assert refuse(0.9, "the disk has 120 MB left") == 1
    assert refuse(0.8, "the disk has 119 MB left") == 0
    assert refuse(0.7, "no host key is pinned") == 1
    office.house.run("shop", "P", 0.6)
    assert refuse(0.5, "the disk has 120 MB left") == 1
    assert refuse(0.4, "the disk has 118 MB left") == 0


def test_what_was_wrong_before_anybody_was_told_is_mended_too(
    tmp_path: Path, capsys: Capture
) -> None:
    """Where the plan names somebody only now, the register tells what the proof came after."""
    office = Office(tmp_path, capsys, ("shop", "mail"))
    office.house.run("shop", "F", 2)
    office.house.run("mail", "M", 2)
    office.house.run("mail", "P", 1.5)
    office.name("ops", "on: [mended]")
    start = datetime.now(UTC) - timedelta(hours=12)
    office.house.run("shop", "P", 0.2)
    office.house.run("mail", "P", 0.2)

    tell_news(an_app(office.house), start)
    (mail,) = office.mails()
    assert mail.subject == "[Exemple SAS] shop: proven again"
    assert "mail" not in mail.text


def test_what_was_overdue_is_mended_once_somebody_heard_of_it(office: Office) -> None:
    """A drill that is run on its day, as every quarter, mends nothing: nothing was ever wrong."""
    office.house.rewrite("drills/plan.yml", "drill_every: 3 months", "drill_every: 2 days")
    office.house.run("shop", "P", 1.2)
    tell_news(an_app(office.house), TODAY)
    assert [mail.subject for mail in office.mails()] == ["[Exemple SAS] shop: PASSED"]

    office.house.rewrite("drills/plan.yml", "drill_every: 2 days", "drill_every: 1 day")
    assert "shop: its drill is due since" in "".join(mail.text for mail in office.news())
    office.house.run("shop", "P", 0.1)
    (mail,) = office.news()
    assert mail.subject == "[Exemple SAS] shop: proven again, and one more"


def an_app(house: StatusHouse) -> App:
    """Return the tools of a command there."""
    return App(Namespace(drills=house.drills, state=house.state, log=None))


def test_a_channel_hears_what_it_is_declared_to(tmp_path: Path, capsys: Capture) -> None:
    """By service, by occasion, by severity: what is mended is as grave as what was wrong."""
    office = Office(tmp_path, capsys, ("shop", "mail"))
    office.name("all")
    office.name("grave", "severity: critical")
    office.name("of-mail", "services: [mail]")
    office.name("again", "on: [mended]")
    office.due()
    office.house.run("shop", "F", 0.3)
    office.house.run("mail", "M", 0.3)
    office.due()
    assert [mail.subject for mail in office.mails("all")] == [
        "[Exemple SAS] shop: FAILED, and one more"
    ]
    assert [mail.subject for mail in office.mails("grave")] == ["[Exemple SAS] shop: FAILED"]
    assert [mail.subject for mail in office.mails("of-mail")] == ["[Exemple SAS] mail: MISSED"]
    assert office.mails("again") == []

    office.house.run("shop", "P", 0.2)
    office.house.run("mail", "P", 0.2)
    office.due()
    assert [mail.subject for mail in office.mails("grave")] == ["[Exemple SAS] shop: proven again"]
    (mail,) = office.mails("again")
    assert mail.text.count("proven again") == 2
    (mail,) = office.mails("of-mail")
    assert "shop" not in mail.text


def test_a_rehearsal_is_told_to_nobody(office: Office) -> None:
    """It counts for nothing, whatever it shows."""
    office.house.run("shop", "F", 0.2, launch=a_launch(rehearsal=True))
    assert office.news() == []


def test_what_lasts_is_told_again_after_a_week_and_no_sooner(office: Office) -> None:
    """A drill that stays overdue for months, residue, a finding: once a week each."""
    office.house.rewrite("drills/plan.yml", "drill_every: 3 months", "drill_every: 1 day")
    office.house.run("shop", "P", 2.2, residue=("/srv/left",), exit_code=13)
    finding = a_finding(key=None, title="no call list", services=("shop",), due=TODAY.date())
    late = finding.model_copy(update={"due": (TODAY - timedelta(days=3)).date()})
    office.house.register.append(EntryKind.FINDING, late, TODAY)

    refused, silence = office.news()
    assert "refused" in refused.subject  # there is no lab
    assert "was missed\n    nobody attempted it\n" in silence.text
    text = refused.text + silence.text
    assert text.count("shop: something is left on the standby\n    /srv/left\n") == 1
    assert re.search(r"F-\d+ \(\w+\) is 3 days late\n    shop: no call list", text)

    for days in (1, 5):
        office.age(timedelta(days=days))
        assert office.news() == []
    office.age(AGAIN - timedelta(days=5))
    text = "".join(mail.text for mail in office.news())
    assert "was missed" in text
    assert "/srv/left" in text
    assert "is 3 days late" in text


def test_a_channel_that_fails_is_told_of_and_tried_again(office: Office) -> None:
    """Not at once but after a pause; until then status, its monitor and doctor say so."""
    gate = office.house.folder / "gate"
    office.name("pager", command=f"test -e {gate} && cat > {office.house.folder}/pager/$$")
    office.house.run("shop", "F", 0.2)
    assert office.due() == 0
    assert "the channel pager tells nobody: sh ended with 1" in office.stderr
    assert [mail.subject for mail in office.mails("ops")] == ["[Exemple SAS] shop: FAILED"]

    status = answer(office.house, office.capsys, "status")
    assert " ! the channel pager tells nobody since " in status.out
    monitor = answer(office.house, office.capsys, "status", "--monitor")
    assert "the channel pager tells nobody since" in monitor.out
    doctor = answer(office.house, office.capsys, "doctor")
    assert "!   notifications: pager tells nobody since" in doctor.out
    assert "pradrill notify test pager" in doctor.out

    gate.touch()
    assert office.news("pager") == []
    office.age(PAUSES[0])
    (mail,) = office.news("pager")
    assert mail.subject == "[Exemple SAS] shop: FAILED"
    assert office.outbox["waiting"] == []
    assert "channel" not in answer(office.house, office.capsys, "status").out

    gate.unlink()
    office.house.run("shop", "M", 0.1)
    office.due()
    gate.touch()
    tried = answer(office.house, office.capsys, "notify", "test", "pager")
    assert (tried.code, tried.out) == (0, "pager: delivered\n")
    assert len(office.mails("pager")) == 1
    assert [mail.subject for mail in office.news("pager")] == ["[Exemple SAS] shop: MISSED"]


def test_a_channel_that_hangs_holds_nothing_up(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended with what it started; the others are told, and it is left alone meanwhile."""

    def messenger(channel: NotificationChannel, _resolve: object) -> Messenger:
        deadline = 1.0 if channel.name == "slow" else 60.0
        return ProgramMessenger(channel.command or (), deadline)

    monkeypatch.setattr(post, "messenger_of", messenger)
    mark = office.house.folder / "child"
    office.name("slow", command=f"sleep 600 & echo $! > {mark}; sleep 600")
    office.name("last")
    office.house.run("shop", "F", 0.2)
    start = datetime.now(UTC)
    assert office.due() == 0
    assert datetime.now(UTC) - start < timedelta(seconds=60)
    assert "the channel slow tells nobody: sh did not end within 1 s" in office.stderr
    assert len(office.mails("last")) == 1
    for pid in mark.read_text(encoding="utf-8").split() if mark.exists() else []:
        wait_for_the_end(pid)


def is_alive(pid: str) -> bool:
    """Tell whether a process still does anything."""
    try:
        state = Path("/proc", pid, "stat").read_text(encoding="utf-8").rpartition(") ")[2][0]
    except OSError:
        return False
    return state != "Z"


def wait_for_the_end(pid: str) -> None:
    """Wait for a process that was ended: soon on an idle machine."""
    deadline = time.monotonic() + 60
    while is_alive(pid):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_that_is_missing_stops_no_drill(office: Office) -> None:
    """As cron looks in few folders: the plan is right all the same, and doctor has a remark."""
    office.house.rewrite("drills/plan.yml", "command: [sh,", "command: [no-such-program,")
    office.house.rewrite("drills/plan.yml", "notifications:", "notify: [no-mailer]\nnotifications:")
    office.house.run("shop", "F", 0.2)
    assert office.due() == 0
    assert "the channel ops tells nobody: no-such-program cannot be run: No such" in office.stderr
    doctor = answer(office.house, office.capsys, "doctor")
    assert '!   notifications: ops: there is no program "no-such-program"' in doctor.out
    assert 'nobody that a step waits: there is no program "no-mailer"' in doctor.out
    validation = answer(office.house, office.capsys, "validate")
    assert validation.code == 0
    assert 'channel ops would tell nobody from here: there is no program "no-such' in validation.out
    assert 'that a step waits: there is no program "no-mailer"' in validation.out


def test_a_channel_that_is_named_no_more_is_no_alarm(office: Office) -> None:
    """Nobody could ever make it work again."""
    office.name("pager", command="exit 1")
    office.house.run("shop", "F", 0.2)
    office.due()
    assert "the channel pager" in answer(office.house, office.capsys, "status").out
    plan = office.house.drills / "plan.yml"
    plan.write_text(plan.read_text("utf-8").partition("notifications:")[0], encoding="utf-8")
    assert "channel" not in answer(office.house, office.capsys, "status").out


def test_the_address_of_a_channel_masks_nothing_in_runs(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A password in it may be what the next drill is called; Apprise's own words are cleaned."""
    monkeypatch.setattr(messengers, "_run", lambda *_given, **_more: "away")
    monkeypatch.setenv("HOOK", "json://ops:moodle@mx.example.com/")
    plan = office.house.drills / "plan.yml"
    with plan.open("a", encoding="utf-8") as file:
        file.write("  - name: hook\n    apprise: env:HOOK\n")
    office.house.run("shop", "F", 0.2)
    app = an_app(office.house)
    tell_news(app, TODAY)
    assert "the channel hook tells nobody: away" in office.capsys.readouterr().err
    assert app.secrets.masker.text("moodle") == "moodle"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_telling_alone(
    office: Office, number: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After its last run a process hears none; what it tells people by inherits none of that.

    Whoever watches sees what takes its time.
    """
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    box = office.house.folder / "signals"
    script = f"grep SigIgn /proc/$$/status > {box}; kill -{int(number)} $PPID; sleep 600"
    office.name("slow", command=script)
    office.name("later")
    office.house.run("shop", "F", 0.2)
    handlers = {each: signal.signal(each, signal.SIG_IGN) for each in STOPPING}
    try:
        tell_news(an_app(office.house), TODAY, last=True)
        assert {signal.getsignal(each) for each in STOPPING} == {signal.SIG_IGN}
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)
    lines = office.capsys.readouterr().err.splitlines()
    assert lines == ["telling ops, slow, later", "interrupted: the next command tells the rest"]
    ignored = int(box.read_text("utf-8").split()[1], 16)
    assert not any(ignored >> (each - 1) & 1 for each in STOPPING)
    assert office.mails("later") == []
    tell_news(an_app(office.house), TODAY)
    assert len(office.mails("later")) == 1


def test_a_folder_of_drills_that_is_gone_changes_no_exit_code(office: Office) -> None:
    """As after `resume`, when it was moved meanwhile."""
    office.house.drills.rename(office.house.folder / "elsewhere")
    tell_news(an_app(office.house), TODAY)
    assert "nobody was told: " in office.capsys.readouterr().err


def test_whoever_waits_waits_longer_than_anybody_tells() -> None:
    """For all channels, for the secret of the last one, and for its message."""
    longest = post.BUDGET.total_seconds() + secrets.COMMAND_SECONDS + messengers.DEADLINE
    assert longest < outbox_file.PATIENCE


def test_a_kill_between_sending_and_noting_tells_twice_not_never(office: Office) -> None:
    """What was being sent is tried again after its pause, like what failed."""
    box = office.house.folder / "loud"
    command = f"cat > {box}/$$; test -e {box}/../once || {{ touch {box}/../once; kill -9 $PPID; }}"
    office.name("loud", command=command)
    office.house.run("shop", "F", 0.2)
    words = office.house.command("due", "--run")
    ended = subprocess.run(
        [sys.executable, "-m", "pradrill", *words], capture_output=True, check=False
    )
    assert ended.returncode == -9
    assert len(office.mails("loud")) == 1

    assert office.news("loud") == []
    office.age(PAUSES[0])
    assert len(office.news("loud")) == 1
    office.age(PAUSES[1])
    assert office.news("loud") == []


def test_two_commands_at_one_time_tell_once(office: Office) -> None:
    """The second waits for the first, and finds nothing new."""
    office.house.run("shop", "F", 0.2)
    start = datetime.now(UTC)
    commands = [
        Thread(target=tell_news, args=(an_app(office.house), start)) for _number in range(2)
    ]
    for each in commands:
        each.start()
    for each in commands:
        each.join()
    assert len(office.mails()) == 1


def test_a_drill_that_cannot_begin_is_told(office: Office) -> None:
    """The plan's channels are read however wrong a drill is; who starts one by hand sees it."""
    office.house.rewrite("drills/shop.yml", "standby:", "standbye:")
    assert answer(office.house, office.capsys, "run", "shop").code == 3
    assert office.mails() == []
    assert office.due() == 3
    (mail,) = office.mails()
    assert mail.subject == "[Exemple SAS] drills that were due could not begin"
    assert " validate\n" in mail.text


def test_a_failure_is_told_whatever_line_of_the_register_is_damaged(office: Office) -> None:
    """By what can be read, which the mail says; not what may be gone, which stderr says."""
    office.house.run("shop", "F", 0.2, residue=("/srv/left",))
    register = office.house.register.path
    first, _, rest = register.read_bytes().partition(b"\n")
    register.write_bytes(first[:-9] + b"\n" + rest)
    (mail,) = office.news()
    assert mail.subject == "[Exemple SAS] shop: FAILED"
    assert "The register is damaged: a run that was entered there may be missing" in mail.text
    assert f"{register}:1: this line is no entry of a register" in mail.text
    assert " register verify\n" in mail.text
    assert "what is mended or left is not told: " in office.stderr
    assert office.news() == []


def test_what_is_overdue_is_told_whatever_line_of_the_register_is_damaged(
    office: Office,
) -> None:
    """Once, and that the register is damaged, too: it was told on stderr alone, which is nobody."""
    office.house.rewrite("drills/plan.yml", "drill_every: 3 months", "drill_every: 1 day")
    office.name("late", "on: [overdue]")
    register = office.house.register.path
    first, _, rest = register.read_bytes().partition(b"\n")
    register.write_bytes(b"rubbish\n" + first + b"\n" + rest)
    (mail,) = office.news("late")
    assert mail.subject.startswith("[Exemple SAS] shop: the drill due on ")
    assert "was missed\n    nobody attempted it\n" in mail.text
    assert "The register is damaged: " in mail.text
    assert office.news("late") == []


def test_hostile_words_and_french_are_told_clean(tmp_path: Path, capsys: Capture) -> None:
    """What a standby said is one line without colours, in a text of the plan's language."""
    office = Office(tmp_path, capsys)
    office.name("ops")
    plan = office.house.drills / "plan.yml"
    plan.write_text(plan.read_text(encoding="utf-8") + "language: fr\n", encoding="utf-8")
    office.due()
    evil = "\x1b[31mred\x1b[0m\nSubject: yours\r\n" + "x" * 5_000
    residue = (evil, "/srv/left")
    office.house.run("shop", "P", 0.2, residue=residue, exit_code=13, reasons=(evil,))
    (mail,) = office.news()
    assert (
        mail.subject
        == "[Exemple SAS] shop : il reste quelque chose sur le site de secours, "
        "et une autre nouvelle".replace(" :", "\u00a0:")
    )
    assert "\x1b" not in mail.text
    assert "\nSubject: yours" not in mail.text
    assert max(map(len, mail.text.splitlines())) < 400
    assert "Écrit par pradrill sur " in mail.text


def test_a_damaged_outbox_begins_anew_and_says_so(office: Office) -> None:
    """What is older than the command is no news then; nothing else stops."""
    file = office.house.state / "notifications.json"
    file.write_text("{", encoding="utf-8")
    office.house.run("shop", "F", 1.9)
    assert office.due() == 0
    assert "notifications.json cannot be read" in office.stderr
    assert office.mails() == []
    assert json.loads(file.read_text(encoding="utf-8"))["entry"] == 2


def test_notify_test_is_honest(office: Office) -> None:
    """For each channel what came of it; exit code 4, 2 and 3 where it could not be."""
    office.name("broken", command="exit 7")
    both = answer(office.house, office.capsys, "notify", "test")
    assert (both.code, both.out) == (4, "ops: delivered\nbroken: not delivered: sh ended with 7\n")
    (mail,) = office.mails()
    assert mail.subject == "[Exemple SAS] a test of the channel ops"
    one = answer(office.house, office.capsys, "notify", "test", "ops", "--json")
    assert one.code == 0
    assert one.data["channels"] == [{"channel": "ops", "delivered": True, "because": None}]
    wrong = answer(office.house, office.capsys, "notify", "test", "opps")
    assert (wrong.code, wrong.err.splitlines()[-1]) == (2, 'HINT: Did you mean "ops"?')
    other = StatusHouse(office.house.folder / "other", ("shop",))
    assert answer(other, office.capsys, "notify", "test").code == 3
