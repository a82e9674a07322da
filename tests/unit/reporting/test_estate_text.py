"""What people read of an estate: the plan, progress side by side, the summary, the page."""

import io
import json

from rich.console import Console
from tests.unit.domain.run.test_estate_facts import record, whole

from pradrill.app.progress import LogProgress
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.outcome import Phase, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.values.reason import ReasonOrText
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.language.reasons import is_translated
from pradrill.reporting.run import page as view
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.reporting.run.timeline_layout import draw
from pradrill.reporting.text.plan import plan_lines
from pradrill.reporting.text.screens import show
from pradrill.reporting.text.summary import summary
from pradrill.testing import a_record, after, an_estate


def printed(*, terminal: bool = False, width: int = 100) -> tuple[Console, io.StringIO]:
    """Return a console and what it prints."""
    stream = io.StringIO()
    return Console(file=stream, width=width, force_terminal=terminal, highlight=False), stream


def held_record() -> RunRecord:
    """Return the record of an estate whose database did not come back."""
    facts = []
    for event, what in whole():
        service = what.get("service")
        if service == "application" or (service == "database" and what.get("phase") != "restore"):
            continue
        failed = {"outcome": StepOutcome.FAILED, "detail": "no space left"}
        facts.append(
            (event, {**what, **failed} if service == "database" and "outcome" in what else what)
        )
    return record(facts)


def test_the_plan_shows_order_and_branches() -> None:
    """Which services are recovered at the same time, which after which, and what is assumed."""
    depends_on = {"directory": ("dns",), "database": (), "application": ("directory", "database")}
    drilled = an_estate()
    services = {
        name: service.model_copy(update={"depends_on": depends_on[name]})
        for name, service in drilled.services.items()
    }
    plan = drilled.model_copy(update={"services": services})
    text = "\n".join(line.text for line in plan_lines(plan))
    first, second = text.index("1. at the same time"), text.index("2. alone")
    assert first < text.index("directory on directory-standby") < second
    assert first < text.index("database on database-standby") < second
    assert "application on application-standby, after directory, database: RTO 4h00m" in text
    assert "assumed available, not drilled: dns, on which directory depends" in text
    assert "restore: database" in text


def test_what_a_run_takes_at_most_counts_branches_side_by_side_once() -> None:
    """Three hours of restores, two of them at the same time, are two hours."""
    flat = sum(step.deadline.total_seconds() for step in an_estate().steps)
    assert flat - an_estate().longest.total_seconds() == 73 * 60  # one restore and its verification


def test_the_log_names_the_service() -> None:
    """Each line of a branch says whose it is; those of the whole run do not."""
    file = io.StringIO()
    log = LogProgress(file)
    log.phase("readiness")
    log.of("database").step("restore", 60.0)
    log.of("directory").say("working")
    facts = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [line.get("service") for line in facts] == [None, "database", "directory"]


def test_the_summary_tells_each_service() -> None:
    """A mail shows each service's verdict and figures, and what was not tried because of which."""
    text = summary(held_record())
    flat = " ".join(text.split())
    assert text.startswith("FAILED  estate")
    assert "PASSED directory RTA 9.0s (RTO 4h00m) RPA 1m00s (RPO 24h00m)" in flat
    assert "FAILED database RTA not measured (RTO 4h00m)" in flat
    assert "application was not recovered: it depends on what was not verified (database)" in flat
    assert "database: restore step restore_database failed: no space left" in flat
    assert len(text.splitlines()) <= 40
    assert max(map(len, text.splitlines())) <= 80


def test_show_tells_each_service() -> None:
    """`pradrill show` has a row a service, and steps carry their service."""
    console, stream = printed(width=140)
    show(held_record(), console)
    rows = [line.split() for line in stream.getvalue().splitlines()]
    assert any(row[:3] == ["directory", "PASSED", "9.0s"] for row in rows)
    assert any(row[:2] == ["application", "INCONCLUSIVE"] for row in rows)
    assert "database: restore_database" in stream.getvalue()


def test_the_whole_stands_as_its_worst_service() -> None:
    """An objective is met by the whole only if each service meets its own."""
    rta, rpa = view.comparisons(record(whole()))
    assert (rta.standing, rpa.standing) == (view.ObjectiveStanding.MET, view.ObjectiveStanding.MET)
    assert (rta.actual_text, rta.objective_text) == ("11.0s", "4h00m")
    rta, _ = view.comparisons(held_record())
    assert rta.standing is view.ObjectiveStanding.UNKNOWN
    strict = record(whole()).model_copy(update={"plan": an_estate(rto={"directory": "8s"})})
    rta, _ = view.comparisons(strict)
    assert rta.standing is view.ObjectiveStanding.NOT_MET
    assert rta.objective_text == "8.0s to 4h00m"
    assert rta.margin == "-1.0s"


def test_a_flat_drill_has_no_rows_of_services() -> None:
    """What is recovered as one is told as one."""
    assert view.services(a_record()) == ()
    assert "Services:" not in summary(a_record())


def test_the_page_of_an_estate_can_be_made_in_each_language() -> None:
    """Report and timeline are drawn with steps that overlap in time, and say whose they are."""
    for language in ("en", "fr"):
        for made_record in (record(whole()), held_record()):
            page = render_html(CaseFile(record=made_record), Letterhead(language=language))
            assert "database" in page
            assert "restore_database" in page


def test_steps_that_overlap_are_drawn_on_rows_of_their_own() -> None:
    """Two restores at the same time are two bars over the same stretch."""
    made_record = record(whole())
    overlapping = tuple(
        step.model_copy(update={"started": after(4), "ended": after(9)})
        if step.phase is Phase.RESTORE
        else step
        for step in made_record.steps
    )
    picture = draw(made_record.model_copy(update={"steps": overlapping}))
    assert picture is not None
    bars = [bar for bar in picture.bars if "restore_" in bar.label]
    assert len({bar.y for bar in bars}) == 3
    assert len({(bar.x, bar.width) for bar in bars}) == 1


def test_every_sentence_of_an_estate_has_french_words() -> None:
    """What the engine writes about services is translated like the rest."""
    made_record = held_record()
    facts: list[ReasonOrText] = [
        *made_record.reasons,
        *(r for result in made_record.services.values() for r in result.reasons),
    ]
    limit: ReasonOrText = (
        "dns, on which directory depends, is not in the drill: it was assumed available"
    )
    with speaking("fr"):
        assert [each for each in [*facts, limit] if not is_translated(each)] == []
        assert "pas été rétabli" in view.branches_not_tried(made_record)[0]
