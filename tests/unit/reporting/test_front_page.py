"""Page one is a summary: what was tried, bars with earlier runs, what changed, who signed."""

import html
import re
from datetime import timedelta

import pytest

from pradrill.domain.register.finding import Finding
from pradrill.domain.report.case_file import Actuals, CaseFile, EarlierRun
from pradrill.domain.report.problems import problems
from pradrill.domain.run.outcome import CheckOutcome, StepKind
from pradrill.domain.run.question import Answer
from pradrill.domain.run.record import Recovery, Refusal, RunRecord
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.reason import reason
from pradrill.domain.values.reason_code import Code
from pradrill.domain.values.severity import Severity
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import LANGUAGES, speaking
from pradrill.reporting.language.reasons import spoken
from pradrill.reporting.run import edges, front
from pradrill.reporting.run.html import Letterhead, render_html
from pradrill.testing import (
    START,
    a_case,
    a_check,
    a_drill,
    a_finding,
    a_record,
    a_recovery,
    a_run_plan,
    a_step,
    after,
)
from pradrill.testing.cases import some_waits

HOUR = 3_600.0


def text_of_page(case: CaseFile, language: str = "en") -> str:
    """Return what a reader sees of the page, on one line."""
    page = render_html(case, Letterhead(language=language))
    bare = re.sub(r"<style>.*?</style>", "", page, flags=re.DOTALL)
    words = re.sub(r"</?(?:span|b|a)\b[^>]*>", "", bare)
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", words)).split())


def elapsed(seconds: float) -> Elapsed:
    """Return a measured length of time."""
    return Elapsed(
        seconds=seconds, low=seconds - 2, high=seconds + 2, provenance=Provenance.MEASURED
    )


def earlier(*seconds: float) -> tuple[EarlierRun, ...]:
    """Return runs before the builders', one for each RTA."""
    return tuple(
        EarlierRun(
            run_id=f"run-{number}",
            started=START - timedelta(days=90 * number),
            verdict=Verdict.PASSED,
            whole=Actuals(rta=elapsed(value)),
        )
        for number, value in enumerate(seconds, 1)
    )


def refused(why: Refusal) -> RunRecord:
    """Return a record of a run that never began."""
    return a_record(
        refusal=why,
        verdict=Verdict.INCONCLUSIVE,
        steps=(),
        checks=(),
        guards=(),
        reasons=("the standby moodle_standby is held by run 2026-x (pid 9)",),
        recovery=Recovery(),
    )


def test_a_bar_shows_actual_objective_interval_and_earlier_runs() -> None:
    """An actual stands left of an objective that it meets; earlier runs where they were."""
    bar = front.bullet(elapsed(HOUR), timedelta(hours=4), [elapsed(2 * HOUR)], "RTA")
    assert bar is not None
    assert bar.low < bar.actual < bar.high < bar.earlier[0] < bar.objective <= 1_000
    assert "1h00m" in bar.text
    assert "earlier runs: 2h00m" in bar.text


def test_a_bar_never_leaves_its_box() -> None:
    """What is far beyond its objective ends at the edge, with an arrow; nothing has no bar."""
    bar = front.bullet(elapsed(100 * HOUR), timedelta(hours=1), [], "RTA")
    assert bar is not None
    assert bar.beyond
    assert 0 <= bar.objective < bar.actual <= 1_000
    assert front.bullet(None, timedelta(hours=1), [], "RTA") is None


def test_earlier_runs_are_ticks_of_the_page() -> None:
    """Each earlier run is a tick below the bar, and the page says how many there are."""
    page = render_html(a_case(earlier=earlier(HOUR, 2 * HOUR, 3 * HOUR)))
    assert page.count('v6" stroke="#1b1b1b" stroke-width="1"/>') == 3
    assert "the 3 runs before" in page


def test_what_changed_since_the_previous_run_is_told_in_seconds() -> None:
    """Page one says by how much the figures and which steps differ from the run before."""
    slow = a_record(steps=(a_step(seconds=2_466.0),), recovery=a_recovery(rta=elapsed(2_600.0)))
    quick = a_record(steps=(a_step(seconds=2_454.0),), recovery=a_recovery(rta=elapsed(2_500.0)))
    lines = front.since_previous(CaseFile(record=slow, previous=quick))
    assert any("RTA +1m40s" in line for line in lines)
    assert any("+12.0s in restore_moodle" in line for line in lines)
    assert front.since_previous(CaseFile(record=slow)) == ()


def test_page_one_says_who_signed_or_that_nobody_did() -> None:
    """Who signed stands on the first page; where nobody has, that does."""
    assert "Signed off by A. Martin (directrice des systèmes" in text_of_page(a_case())
    assert "Signed off by nobody" in text_of_page(CaseFile(record=a_record()))


def test_a_worst_case_says_over_how_much_history() -> None:
    """The worst case stands with the length of the history that it is the worst of."""
    assert "over 3d03h of backups, since 2026-03-06: too short to prove it" in text_of_page(
        a_case()
    )


def test_a_passed_run_says_that_an_optional_check_is_red() -> None:
    """Beside PASSED stands each check that did not pass, although it need not."""
    checks = (a_check(), a_check(outcome=CheckOutcome.FAILED, mandatory=False, title="the feed"))
    case = CaseFile(record=a_record(checks=checks))
    assert "1 check that is not mandatory did not pass: the feed" in text_of_page(case)
    assert "1 contrôle facultatif n\u2019a pas réussi\N{NO-BREAK SPACE}: the feed" in (
        render_html(case, Letterhead(language="fr"))
    )


@pytest.mark.parametrize("why", Refusal)
def test_a_refused_run_is_one_short_page_headed_so(why: Refusal) -> None:
    """What never began has no timeline, steps or checks, and is not called inconclusive."""
    page = render_html(CaseFile(record=refused(why)), Letterhead(language="fr"))
    word = {"busy": "secours occupé", "not_ready": "pas prêt"}[why.value]
    assert f'<p class="word">NON EXÉCUTÉ\N{NO-BREAK SPACE}: {word}</p>' in page
    assert "NON CONCLUANT</p>" not in page
    assert re.findall(r'<section id="(\w+)"', page) == [
        "verdict", "open", "tried", "sign_off", "integrity",
    ]  # fmt: skip
    assert "est tenue par l\u2019exécution 2026-x (pid 9)" in page


def test_findings_are_those_of_a_day_that_is_named() -> None:
    """A report says as of when its findings are, and which were opened after its run."""
    late = a_finding(finding="F-9", title="later", opened=after(9_000_000))
    text = text_of_page(a_case(findings=(late,), as_of=after(9_100_000)))
    assert "As the register had them on 2026-06-23 09:46:40 UTC." in text
    assert ", after this run" in text


def test_one_problem_that_two_drills_show_is_one_line() -> None:
    """A check that fails in two drills is one problem under both names, with the worse severity."""

    def of(drill: str, number: int, severity: Severity) -> Finding:
        return a_finding(
            finding=f"F-{number}", key=f"check/{drill}/test_web.py::test_page", severity=severity
        )

    one, two = of("moodle", 1, Severity.MINOR), of("estate", 2, Severity.CRITICAL)
    other = a_finding(finding="F-3", key="check/moodle/test_web.py::test_other", title="other")
    merged = problems((one, other, two))
    assert [finding.finding for finding in merged] == ["F-1, F-2", "F-3"]
    assert merged[0].severity is Severity.CRITICAL
    assert "F-1, F-2: check failed" in text_of_page(a_case(findings=(one, other, two)))


def test_shown_is_said_once() -> None:
    """A responsibility that two things show has one outcome word."""
    lines = {"machines": "client"}
    wait = some_waits()[0].model_copy(update={"responsibility": "machines", "service": None})
    services = {
        "moodle": a_run_plan().services["moodle"].model_copy(update={"responsibilities": lines})
    }
    record = a_record(waits=(wait,), plan=a_run_plan(services=services))
    text = text_of_page(CaseFile(record=record))
    assert "shown, shown" not in text
    assert "machines moodle client shown " in text


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("yes", [True, False])
def test_what_people_answered_is_in_both_languages(language: str, *, yes: bool) -> None:
    """A manual step that was answered with words of the person's own breaks no report."""
    code = Code.ANSWERED_YES_SAYING if yes else Code.ANSWERED_NO_SAYING
    answer = Answer(yes=yes, text="fait à 100 %, %(x)s {y}", by="c.durand", via="command")
    wait = some_waits()[0].model_copy(update={"answer": answer})
    step = a_step(detail=reason(code, who=answer.by, text=answer.text))
    text = text_of_page(CaseFile(record=a_record(waits=(wait,), steps=(step,))), language)
    assert text.count("fait à 100 %, %(x)s {y}") == 2


@pytest.mark.parametrize("size", [27, 28, 60])
def test_only_a_word_that_no_column_holds_is_broken(size: int) -> None:
    """A name as long as a column stays whole; one that is longer may be broken, alone."""
    case = CaseFile(record=a_record(plan=a_run_plan(drill=a_drill(), organisation="x" * size)))
    marked = f'<span class="long">{"x" * size}</span>' in render_html(case)
    assert marked is (size >= 28)


def test_the_edge_of_a_page_holds_whole_words() -> None:
    """The running header is short, whatever things are called, and breaks off in no bracket."""
    record = refused(Refusal.BUSY)
    plan = record.plan.model_copy(update={"organisation": "Compagnie " * 30})
    line = edges.run_line(record.model_copy(update={"plan": plan}))
    assert len(line) < 130
    assert "cut:" not in line
    assert line.count("(") == line.count(")")


def test_a_bound_is_as_fine_as_it_matters() -> None:
    """Seconds to the tenth, minutes to the second, hours to the minute, each rounded outwards."""
    assert wording.bound(42.31, up=True) == "42.4s"
    assert wording.bound(2_530.4, up=True) == "42m11s"
    assert wording.bound(2_530.4, up=False) == "42m10s"
    assert wording.bound(11_869.6, up=False) == "3h17m"
    assert wording.bound(-0.01, up=False) == "-0.1s"
    assert wording.bound(3_599.9, up=True) == "1h00m"


def test_french_instants_are_those_of_paris_with_utc_in_the_annex() -> None:
    """In summer and winter a French page has Paris time; its annex has UTC to the tenth."""
    with speaking("fr"):
        assert wording.at(START) == "10/03/2026 03:00 (Paris)"
        assert wording.at(START.replace(month=7)) == "10/07/2026 04:00 (Paris)"
        assert wording.at_tenth(START) == "10/03/2026 02:00:00,0 UTC"
        assert wording.size(2_048) == "2,0\N{NO-BREAK SPACE}Kio"
        assert wording.every(86_400) == "toutes les 24\N{NO-BREAK SPACE}h"
        assert wording.every(60) == "toutes les minutes"
    assert wording.at(START) == "2026-03-10 02:00:00 UTC"


def test_french_marks_have_their_spaces() -> None:
    """No line breaks before a colon, a semicolon or a percent sign of a translation."""
    text = render_html(a_case(), Letterhead(language="fr"))
    bare = re.sub(r"<style>.*?</style>|<[^>]+>", "", text, flags=re.DOTALL)
    for mark in (" ;", " %", " »", "« "):
        assert mark not in bare
    assert "\N{NARROW NO-BREAK SPACE};" in bare


@pytest.mark.parametrize(
    ("words", "french"),
    [
        ("network is unreachable", "réseau injoignable"),
        ("closed: network is unreachable", "fermé\N{NO-BREAK SPACE}: réseau injoignable"),
        ("ssh: No route to host", "ssh\N{NO-BREAK SPACE}: aucune route vers la machine"),
        ("a SHA-256 beside it", "un SHA-256 à côté"),
        ("the standby web is held by run x (pid 4)", "la machine de secours web est tenue par"),
        (
            "the standby web is held by run x of b (/s), until 02:10:00 UTC unless it holds on",
            "la machine de secours web est tenue par run x of b (/s), jusqu\u2019à 02:10:00 UTC",
        ),
    ],
)
def test_what_systems_say_again_and_again_is_translated(words: str, french: str) -> None:
    """What kernels and holders say is in French in a French report, alone or in a reason."""
    with speaking("fr"):
        assert spoken(words).startswith(french)
        assert french in spoken(reason(Code.CLOSED_BECAUSE, because=words))
    assert spoken(words) == words


def test_how_long_people_were_waited_for_can_be_read_in_the_picture() -> None:
    """The bar of a wait is empty, so its length stands in dark letters; a full bar's in white."""
    manual = a_step(kind=StepKind.MANUAL, name="call", seconds=2_000.0)
    picture = render_html(CaseFile(record=a_record(steps=(manual,))))
    assert 'class="bar wait"' in picture
    assert 'class="small inside"' not in picture
    assert 'class="small inside"' in render_html(CaseFile(record=a_record()))


def test_an_exercise_is_no_test() -> None:
    """What is an exercise with people is headed so, in both languages; a test is not."""
    exercise = CaseFile(record=a_record(plan=a_run_plan(drill=a_drill(kind="exercise"))))
    for language, heading in (
        ("en", "recovery exercise report"),
        ("fr", "rapport d\u2019exercice"),
    ):
        assert heading in text_of_page(exercise, language)
        assert heading not in text_of_page(a_case(), language)


def test_a_runs_finding_is_named_in_french() -> None:
    """The title of what a run found is said in French; a person's stays as it was written."""
    by_a_run = a_finding(finding="F-1")
    by_a_person = a_finding(finding="F-2", key=None, title="check failed: x", by="c", run_id=None)
    text = text_of_page(a_case(findings=(by_a_run, by_a_person)), "fr")
    assert "contrôle non réussi : the login page is served" in text.replace("\u00a0", " ")
    assert "F-2 : check failed: x" in text.replace("\u00a0", " ")
    other = a_finding(finding="F-3", title="whatever it was called")
    assert "whatever it was called" in text_of_page(a_case(findings=(other,)), "fr")
