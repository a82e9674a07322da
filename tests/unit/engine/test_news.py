"""What goes on inside a step, in the journal: for who watches elsewhere, and no more than that."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.support.bench import Bench

from pradrill.domain.run.event import Event
from pradrill.domain.run.facts import Facts
from pradrill.domain.run.host import Site
from pradrill.domain.values.quotas import NEWS_KEPT, NEWS_LINE
from pradrill.domain.values.reason import as_reason
from pradrill.engine.cancellation import Cancellation
from pradrill.engine.context import Context
from pradrill.errors import RecordError
from pradrill.ports import Say
from pradrill.testing import FakeJournal, FakeStandby, a_start, after


def news(journal: FakeJournal) -> list[dict[str, Any]]:
    """Return the news of a journal."""
    return [facts for event, _, facts in journal.events() if event == Event.NEWS]


def a_context(journal: FakeJournal, **fakes: Any) -> Context:
    """Return an execution that has just begun."""
    facts = Facts(started=a_start(), began=after(0))
    return Context(journal, facts, Bench().tools._replace(**fakes), Cancellation())


def test_a_run_tells_its_journal_what_it_shows() -> None:
    """Each line that its own terminal shows is there, after the step that it is of has begun."""
    bench = Bench()
    bench.run()
    lines = [text for what, text in bench.progress.lines if what == "say"]
    assert lines
    assert [fact["line"] for fact in news(bench.journal)] == lines
    *_, last = bench.journal.events()
    assert last[0] == Event.ENDED


def test_news_are_masked_cut_and_counted() -> None:
    """A secret that the cut would split is masked before; beyond the room nothing is written."""
    journal = FakeJournal("run")
    secret = "s3cret" * 10
    context = a_context(journal, masked=lambda facts: str(facts).replace(secret, "***"))
    context.of("shop").say("x" * (NEWS_LINE - 5) + secret)
    assert news(journal) == [{"line": "x" * (NEWS_LINE - 5) + "***", "service": "shop"}]
    for _ in range(NEWS_KEPT + 5):
        context.say("more")
    assert len(news(journal)) == NEWS_KEPT


def test_news_that_cannot_be_written_stop_nothing() -> None:
    """A full disk is told by the next fact, not by a courtesy; who watches here sees it."""
    context = a_context(FakeJournal("run", room=0))
    context.say("unpack")
    assert context.unwritten is None
    context.note(Event.RESIDUE, left=[as_reason("x").model_dump(mode="json")])
    assert isinstance(context.unwritten, RecordError)


class TalkativeStandby(FakeStandby):
    """Keeps what it was to tell its news to."""

    def start(self, folder: Path, run_id: str, say: Say) -> Site:
        """Begin, and remember whom to tell."""
        self.say = say
        return super().start(folder, run_id, say)


def test_a_slow_listener_adds_nothing_to_a_run_that_has_ended() -> None:
    """What is said after the last fact was written would change a journal that is sealed."""
    standby = TalkativeStandby()
    bench = Bench(standby=standby)
    bench.run()
    before = [*bench.journal.events()]
    standby.say("late")
    assert [*bench.journal.events()] == before
    assert before[-1][0] == Event.ENDED
