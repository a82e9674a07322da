"""How much has come to the standby while a restore goes on: news, and nothing that counts."""

from __future__ import annotations

from pathlib import Path
from time import monotonic, sleep

from tests.support.bench import Bench

from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.host import Site
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context
from pradrill.engine.restore_growth import growth_told
from pradrill.ports import ToolProgress
from pradrill.testing import FakeJournal, FakeProbe, FakeStandby, a_start, after

GIGABYTE = 1_000_000_000


def lines(journal: FakeJournal) -> list[str]:
    """Return the news of a journal."""
    return [str(facts["line"]) for event, _, facts in journal.events() if event == Event.NEWS]


def a_restore(journal: FakeJournal, probe: FakeProbe) -> tuple[Context, Site]:
    """Return an execution, and the standby that it restores on."""
    tools = Bench().tools._replace(probe=probe)
    context = Context(journal, Facts(started=a_start(), began=after(0)), tools, Cancellation())
    return context, FakeStandby().start(Path("run"), "run", lambda _line: None)


def wait_for(journal: FakeJournal, line: str) -> None:
    """Wait until a line is told; it fails on none."""
    limit = monotonic() + 30
    while line not in lines(journal):
        assert monotonic() < limit, lines(journal)
        sleep(0.01)


def test_growth_is_told_after_the_task() -> None:
    """What has come since the step began, not what lay there."""
    journal = FakeJournal("run")
    context, there = a_restore(journal, FakeProbe(used=(5 * GIGABYTE, 6_200_000_000)))
    with growth_told(context, there, first=0.1, pause=0.05) as say:
        say("Unpack")
        wait_for(journal, "Unpack: +1.2 GB")
    count = len(lines(journal))
    sleep(0.2)
    assert len(lines(journal)) == count


def test_what_a_tool_says_itself_wins() -> None:
    """Beside a tool's own figures no estimate is told."""
    journal = FakeJournal("run")
    context, there = a_restore(journal, FakeProbe(used=(0, GIGABYTE)))
    with growth_told(context, there, first=0.0, pause=0.02) as say:
        say(ToolProgress("Unpack: 1.0 GB of 4.0 GB"))
        sleep(0.3)
    assert lines(journal)[0] == "Unpack: 1.0 GB of 4.0 GB"
    assert len(lines(journal)) == 1


def test_a_standby_that_does_not_answer_changes_nothing() -> None:
    """The step neither waits for it nor hears of it, and it is not asked again."""

    class Silent(FakeProbe):
        questions = 0

        def used(self, *_: object) -> dict[str, int]:
            self.questions += 1
            raise RuntimeError

    journal, probe = FakeJournal("run"), Silent()
    context, there = a_restore(journal, probe)
    with growth_told(context, there, first=0.0, pause=0.01):
        sleep(0.2)
    assert probe.questions == 1
    assert lines(journal) == []
