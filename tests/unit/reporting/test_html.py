"""The HTML page: true to its record, self-contained, and unmoved by hostile text."""

import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from pradrill.domain.declared.drill import Kind
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.outcome import (
    CheckOutcome,
    GuardOutcome,
    Phase,
    StepKind,
    StepOutcome,
    TaskFailure,
)
from pradrill.domain.run.record import Recovery, Refusal, RunRecord, RunState
from pradrill.domain.run.run_plan import Around, FileHash
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Mark
from pradrill.reporting.language.formats import TEARDOWN
from pradrill.reporting.run import page as view
from pradrill.reporting.run.html import render_html
from pradrill.testing import (
    HOST,
    START,
    a_check,
    a_drill,
    a_guard,
    a_record,
    a_recovery,
    a_run_plan,
    a_step,
    after,
    measured,
)

VOID = {"meta", "br", "link", "img", "hr"}
HOSTILE = (
    "<script>alert(1)</script>\x1b[31m\u202egnp.exe\u2066\x00\" onload='x' {{ 7*7 }} http://x.test"
)


class Page(HTMLParser):
    """What a browser would see of a page, tags checked for balance."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.ids: list[str] = []
        self.refs: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.text = ""
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag."""
        self.tags.append(tag)
        if tag not in VOID:
            self._open.append(tag)
        for name, value in attrs:
            self.attributes.append((name, value or ""))
            if name == "id":
                self.ids.append(value or "")
            if name == "aria-labelledby":
                self.refs += (value or "").split()

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag that closes itself."""
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        """See that tags are closed in order."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Keep what a reader sees."""
        if self._open[-1:] != ["style"]:
            self.text += data


def html_of(record: RunRecord) -> str:
    """Render a record about which nothing more is known."""
    return render_html(CaseFile(record=record))


def page(record: RunRecord) -> Page:
    """Render and read back."""
    return Page(html_of(record))


def text_of_page(record: RunRecord) -> str:
    """Return the page's text with single spaces."""
    return " ".join(page(record).text.split())


def refused(why: Refusal = Refusal.NOT_READY) -> RunRecord:
    """Return the record of a run that never started."""
    plan = a_run_plan()
    return a_record(
        refusal=why,
        verdict=Verdict.INCONCLUSIVE,
        reasons=("the standby does not answer",),
        exit_code=4 if why is Refusal.NOT_READY else 5,
        steps=(),
        not_executed=plan.steps,
        checks=(),
        guards=(),
        passes=0,
        recovery=Recovery(),
        evidence=(),
    )


def crashed() -> RunRecord:
    """Return the record of a run that died while it restored."""
    passed = a_record()
    return a_record(
        state=RunState.CRASHED,
        verdict=Verdict.INCONCLUSIVE,
        reasons=("the run's process ended without a word",),
        exit_code=12,
        steps=passed.steps[:5],
        not_executed=passed.plan.steps[6:],
        checks=(),
        recovery=a_recovery(marks={Mark.DISRUPTION: measured(0)}, recovery_point=None),
    )


ODD = {
    "passed": a_record(),
    "refused": refused(),
    "busy": refused(Refusal.BUSY),
    "crash": crashed(),
}


@pytest.mark.parametrize("name", ODD)
def test_page_stands_alone(name: str) -> None:
    """A page has no script, no link, no address to load from, and every id that it refers to."""
    html = html_of(ODD[name])
    seen_page = Page(html)
    assert html.startswith("<!DOCTYPE html>")
    assert not {"script", "link", "img", "iframe", "object"} & set(seen_page.tags)
    links = [a for a in seen_page.attributes if a[0] in {"src", "href", "srcset", "action"}]
    assert all(name == "href" and value.startswith("#") for name, value in links)
    assert {value[1:] for _name, value in links} <= set(seen_page.ids)
    assert not [a for a in seen_page.attributes if a[0].startswith("on")]
    assert not re.search(r"@import|url\((?!#)", html)
    assert set(seen_page.refs) <= set(seen_page.ids)
    assert set(re.findall(r"url\(#([\w-]+)\)", html)) <= {*seen_page.ids, "hatch"}
    assert len(seen_page.ids) == len(set(seen_page.ids))


@pytest.mark.parametrize("name", ODD)
def test_page_speaks_the_vocabulary(name: str) -> None:
    """No page calls a verdict a success, nor shows a Python value."""
    text = text_of_page(ODD[name])
    assert not re.search(r"\b(success\w*|OK|downtime|None|True|False|nan|inf)\b", text)


def test_same_record_same_page() -> None:
    """A page depends on its record only: the record read back from JSON gives the same bytes."""
    record = a_record()
    again = RunRecord.model_validate_json(record.model_dump_json())
    assert html_of(again) == html_of(record)


def test_figures_are_the_records() -> None:
    """Verdict, actuals, objectives, intervals, margins and provenance are those of the record."""
    text = text_of_page(a_record())
    for words in (
        "PASSED",
        (
            "RTAfrom the disruption to the verified service42m10s42m09s to 42m11s, measured"
            "RTO 4h00m: met (margin at worst: 3h17m)"
        ),
        (
            "RPAhow much data was lost, as a time3h05m3h04m to 3h06m, measured"
            "RPO 24h00m: met (margin at worst: 20h54m)"
        ),
        "measured",
        "2026-03-09 22:55:00.0 UTC",
        "2026-03-09 23:00:00.0 UTC",
        "4f2c9a1be07d",
        "c7" * 32,
        "on schedule (pradrill due) by root",
        "0.012 s ahead, to within 0.004 s",
        "no residue was found",
        "20260310T020000Z-moodle-7f3a",
    ):
        assert words in text


def test_exercise_is_not_called_a_test() -> None:
    """An exercise with people and a technical test are never labelled as the other."""
    exercise = text_of_page(a_record(plan=a_run_plan(drill=a_drill(kind=Kind.EXERCISE))))
    assert "exercise with people" in exercise
    assert "technical test" not in exercise
    assert "technical test" in text_of_page(a_record())


def test_failures_are_all_there() -> None:
    """Failed steps, tasks, checks, guards, residue and steps left out are on the page."""
    failed = text_of_page(
        a_record(
            verdict=Verdict.FAILED,
            reasons=("restore step restore_moodle failed",),
            steps=(
                a_step(
                    outcome=StepOutcome.TIMED_OUT,
                    detail="the archive is corrupt",
                    failures=(TaskFailure(host=HOST, task="unpack", message="bad magic"),),
                ),
            ),
            not_executed=(a_run_plan().steps[7],),
            checks=(
                a_check(),
                a_check(title="rows", outcome=CheckOutcome.FAILED, detail="got 3", mandatory=False),
            ),
            guards=(a_guard(outcome=GuardOutcome.REFUSED, detail="it is a primary"),),
            residue=("mariadb is active",),
        )
    )
    for words in (
        "timed out",
        "the archive is corrupt",
        "unpack: bad magic",
        "verify: read the recovery point",
        "2 checks: 1 passed, 1 failed",
        "got 3",
        "refused",
        "it is a primary",
        "not left as declared",
        "mariadb is active",
    ):
        assert words in failed
    assert "no residue" not in failed


@pytest.mark.parametrize("why", Refusal)
def test_refused_run_invents_nothing(why: Refusal) -> None:
    """A refused run is headed so, says once that nothing was touched, and shows no figure."""
    text = text_of_page(refused(why))
    assert "Refused before it began" in text
    assert text.count("Nothing was touched") == 1
    assert "NOT CARRIED OUT: " in text
    assert "not measured" not in text
    assert "T5" not in text
    assert "no residue was found" not in text
    assert "teardown was carried out" not in text


def test_crashed_run_claims_no_teardown() -> None:
    """What a crashed run left on the standby is not known, and the page says that."""
    text = text_of_page(crashed())
    assert "process died before its end" in text
    assert "what is left on the standby is not known" in text


def test_step_without_an_end_is_named() -> None:
    """The step during which a run died is neither passed nor left out: the page names it."""
    text = text_of_page(crashed())
    assert "whose end is not on record restore: restore_moodle" in text
    assert "whose end is not on record" not in text_of_page(a_record())


def test_teardown_is_complete_or_unknown() -> None:
    """A teardown of which a step was left out, failed or never ended is not called clean."""
    passed, failed = a_record(), {"outcome": StepOutcome.FAILED}
    assert view.teardown(passed) == TEARDOWN["clean"]
    for steps, left_out in (
        (passed.steps[:-1], passed.plan.steps[-1:]),
        (passed.steps[:-1], ()),
        (passed.steps[:6], passed.plan.steps[6:]),
        ((*passed.steps[:-1], passed.steps[-1].model_copy(update=failed)), ()),
    ):
        assert view.teardown(a_record(steps=steps, not_executed=left_out)) == TEARDOWN["unknown"]
    plan = a_run_plan(steps=passed.plan.steps[:7])
    assert view.teardown(a_record(plan=plan, steps=passed.steps[:7])) == TEARDOWN["unknown"]
    crashed_run = a_record(steps=passed.steps[:1], state=RunState.CRASHED)
    assert view.teardown(crashed_run) == TEARDOWN["unknown"]


def test_interrupted_before_anything_changed() -> None:
    """A run that was stopped in readiness had nothing to put back."""
    record = a_record(
        state=RunState.INTERRUPTED,
        signal=15,
        verdict=Verdict.INCONCLUSIVE,
        steps=(a_step(phase=Phase.READINESS, kind=StepKind.START, outcome=StepOutcome.CANCELLED),),
        not_executed=a_run_plan().steps[2:],
    )
    assert "SIGTERM (15)" in text_of_page(record)
    assert "nothing to put back" in text_of_page(record)


def test_hostile_text_is_shown_not_obeyed() -> None:
    """Markup, templates, control and bidi characters from hosts are visible text, nothing more."""
    record = a_record(
        reasons=(HOSTILE,),
        steps=(
            a_step(
                name=HOSTILE,
                detail=HOSTILE,
                outcome=StepOutcome.FAILED,
                failures=(TaskFailure(host=HOSTILE, task=HOSTILE, message=HOSTILE),),
                values={HOSTILE: [HOSTILE]},
            ),
        ),
        checks=(a_check(check=HOSTILE, host=HOSTILE, title=HOSTILE, detail=HOSTILE),),
        guards=(a_guard(guard=HOSTILE, host=HOSTILE, detail=HOSTILE),),
        residue=(HOSTILE,),
        limits=(HOSTILE,),
        versions={HOSTILE: HOSTILE},
        environment={HOSTILE: {"nested": HOSTILE}},
        evidence=(FileHash(path=Path(HOSTILE.replace("\x00", "")), sha256=HOSTILE),),
    )
    html = html_of(record)
    hostile = Page(html)
    assert "script" not in hostile.tags
    assert not [a for a in hostile.attributes if a[0].startswith("on")]
    assert not re.search("[\x00-\x09\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]", html)
    assert "U+202E" in hostile.text
    assert "U+001B" in hostile.text
    assert "{{ 7*7 }}" in hostile.text


def test_huge_text_is_cut_and_counted() -> None:
    """A line of ten million characters is cut, and the page says how long it was."""
    html = html_of(a_record(checks=(a_check(detail="x" * 10_000_000),)))
    assert len(html) < 100_000
    assert "10,000,000 characters" in html


def test_many_failures_are_counted() -> None:
    """Of five thousand failed tasks in a step the page shows the first and counts the rest."""
    failures = tuple(
        TaskFailure(host=HOST, task=f"task {number}", message="no") for number in range(5_000)
    )
    text = text_of_page(a_record(steps=(a_step(outcome=StepOutcome.FAILED, failures=failures),)))
    assert "task 49" in text
    assert "and 4,950 more in the record" in text


def test_run_without_evidence_has_no_picture() -> None:
    """Without a step or an instant there is a sentence in place of the timeline."""
    record = refused().model_copy(update={"refusal": None})
    assert "svg" not in page(record).tags
    assert "No step was begun" in text_of_page(record)
    assert "svg" in page(a_record(started=START, ended=after(1))).tags


def luminance(colour: str) -> float:
    """Return a colour's relative luminance (WCAG 2.2)."""
    digits = colour.removeprefix("#")
    whole = "".join(digit * 2 for digit in digits) if len(digits) == 3 else digits
    parts = [int(whole[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_can_be_read() -> None:
    """Each colour of text stands out by 4.5 to 1, on white paper, bars, and the dark screen."""
    dark = re.compile(r"@media screen and \(prefers-color-scheme: dark\) \{(.*?)\n\}", re.DOTALL)
    html = html_of(a_record())
    by_night = re.findall(r"(?:--ink|--muted|[^-]color): (#[0-9a-f]{3,6})", dark.findall(html)[0])
    assert len(by_night) >= 6
    for colour in set(by_night) - {"#1b1b1b"}:  # which stands on a light cell
        assert (luminance(colour) + 0.05) / (luminance("#161616") + 0.05) >= 4.5, colour
    html = dark.sub("", html)
    colours = set(re.findall(r"(?:--ink|--muted|[^-]color): (#[0-9a-f]{3,6})", html))
    colours |= set(re.findall(r"text \{ fill: (#[0-9a-f]{3,6})", html))
    bars = set(re.findall(r"\.bar \{ fill: (#[0-9a-f]{3,6})", html))
    assert len(colours) >= 6
    assert bars
    for colour in colours | bars:
        assert 1.05 / (luminance(colour) + 0.05) >= 4.5, colour


def test_what_the_playbooks_took_in_is_listed_with_what_was_left_out() -> None:
    """Each file with its hash, and what was not hashed; an older record lists none."""
    around = Around(
        files=(FileHash(path=Path("/etc/pradrill/playbooks/roles/r.yml"), sha256="5e" * 32),),
        left_out=("/etc/pradrill/group_vars is a link <b>",),
    )
    page = render_html(CaseFile(record=a_record(plan=a_run_plan(around=around))))
    for words in ("playbooks/roles/r.yml", "5e" * 32, "Not hashed:", "is a link &lt;b&gt;"):
        assert words in page
    assert "What the playbooks take in" not in render_html(CaseFile(record=a_record()))
