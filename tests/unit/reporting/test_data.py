"""JUnit, CSV and JSON: for programs, true to the record, and safe to open."""

import csv
import io
import re
import string
from xml.etree import ElementTree as ET

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, StepOutcome
from pradrill.domain.run.record import Recovery, Refusal
from pradrill.domain.run.verdict import Verdict
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.run.csv import COLUMNS, render_csv
from pradrill.reporting.run.junit import render_junit
from pradrill.testing import a_case, a_check, a_finding, a_guard, a_record, a_run_plan, a_step

ODD = "=+-@<>&\"',;\t\r\n\x00\x1b\u2028\u202e\ufffe\ud800é漢]]>"
texts = st.text(ODD + string.ascii_letters, max_size=30)


def hostile(text: str) -> CaseFile:
    """Return a case in which everything that others write is that text."""
    record = a_record(
        run_id=text or "x",
        reasons=(text,),
        steps=(a_step(name=text, detail=text, hosts=(text,), outcome=StepOutcome.FAILED),),
        checks=(
            a_check(check=text, title=text, detail=text, host=text, outcome=CheckOutcome.FAILED),
        ),
        guards=(a_guard(guard=text, detail=text, host=text, outcome=GuardOutcome.REFUSED),),
        residue=(text,),
    )
    whole = text.replace("\ud800", "?")  # the model refuses half a character here
    return CaseFile(record=record, findings=(a_finding(title=whole or "x", detail=whole),))


def suites(case: CaseFile) -> dict[str, dict[str, list[str]]]:
    """Return suite → test case → what is wrong with it (tags)."""
    root = ET.fromstring(render_junit(case))  # noqa: S314 our own
    return {
        str(suite.get("name")): {
            str(each.get("name")): [child.tag for child in each] for each in suite.iter("testcase")
        }
        for suite in root.iter("testsuite")
    }


def rows(case: CaseFile) -> list[dict[str, str]]:
    """Return the table's rows."""
    return list(csv.DictReader(io.StringIO(render_csv(case), newline="")))


# ------------------------------------------------------------------ JUnit


def test_a_passed_run_is_all_green() -> None:
    """Of a run that passed, verdict, objectives, steps, guards and checks are all green cases."""
    by_suite = suites(a_case())
    assert set(by_suite) == {f"moodle.{part}" for part in ("run", "steps", "guards", "checks")}
    assert [len(cases) for cases in by_suite.values()] == [4, 13, 5, 2]
    assert not [kinds for cases in by_suite.values() for kinds in cases.values() if kinds]


@pytest.mark.parametrize("verdict", [Verdict.MISSED, Verdict.FAILED, Verdict.INCONCLUSIVE])
def test_no_other_verdict_is_green(verdict: Verdict) -> None:
    """Whatever a run's checks say, CI sees red unless the verdict is PASSED."""
    cases_by_suite = suites(CaseFile(record=a_record(verdict=verdict, exit_code=12)))
    kinds = "error" if verdict is Verdict.INCONCLUSIVE else "failure"
    assert cases_by_suite["moodle.run"]["verdict"] == [kinds]


def test_a_refused_run_is_an_error() -> None:
    """A run that never began has no green case: verdict and figures are errors."""
    record = a_record(
        refusal=Refusal.NOT_READY,
        verdict=Verdict.INCONCLUSIVE,
        steps=(),
        checks=(),
        guards=(),
        recovery=Recovery(),
        not_executed=a_run_plan().steps,
    )
    cases_by_suite = suites(CaseFile(record=record))
    assert cases_by_suite["moodle.run"]["verdict"] == ["error"]
    figures = [kinds for name, kinds in cases_by_suite["moodle.run"].items() if "within" in name]
    assert figures == [["error"], ["error"]]
    assert set(map(tuple, cases_by_suite["moodle.steps"].values())) == {("skipped",)}


def test_a_mandatory_check_that_was_skipped_is_an_error() -> None:
    """Skipping proves nothing: only an optional check may be skipped in CI's eyes."""
    skipped = [
        a_check(check=name, outcome=CheckOutcome.SKIPPED, mandatory=mandatory)
        for name, mandatory in (("must", True), ("may", False))
    ]
    cases_by_suite = suites(CaseFile(record=a_record(checks=tuple(skipped))))["moodle.checks"]
    assert [kinds for _, kinds in sorted(cases_by_suite.items())] == [["skipped"], ["error"]]


def test_counts_are_those_of_the_cases() -> None:
    """The numbers that CI shows are those of the test cases below them."""
    root = ET.fromstring(render_junit(hostile("x")))  # noqa: S314 our own
    assert root.get("tests") == str(len(list(root.iter("testcase"))))
    assert root.get("failures") == str(len(list(root.iter("failure"))))
    assert root.get("errors") == str(len(list(root.iter("error"))))


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_junit_is_well_formed(text: str) -> None:
    """Whatever others wrote, the file is XML 1.0 and holds no character that moves a cursor."""
    document = render_junit(hostile(text))
    assert ET.fromstring(document).tag == "testsuites"  # noqa: S314 our own
    assert not re.search("[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff\u202a-\u202e]", document)
    document.encode()


# ------------------------------------------------------------------ CSV


def test_every_fact_is_a_row() -> None:
    """Verdict, figures, marks, steps, checks, guards and findings have one row each."""
    kinds = [row["row"] for row in rows(a_case())]
    counts = {kind: kinds.count(kind) for kind in kinds}
    assert counts == {
        "verdict": 1,
        "figure": 2,
        "mark": 4,
        "step": 13,
        "check": 2,
        "guard": 5,
        "finding": 2,
    }


def test_figures_can_be_calculated_with() -> None:
    """Durations are plain seconds, instants ISO 8601 with their zone, also for a French reader."""
    with speaking("fr"):
        cases_by_suite = {row["name"]: row for row in rows(a_case()) if row["row"] == "figure"}
    assert cases_by_suite["RTA"]["seconds"] == "2530"
    assert cases_by_suite["RTA"]["high"] == "2530.4"
    assert cases_by_suite["RTA"]["objective"] == "14400"
    assert cases_by_suite["RPA"]["outcome"] == "met"
    assert rows(a_case())[0]["began"] == "2026-03-10T02:00:00+00:00"


@pytest.mark.parametrize("start", ["=", "+", "-", "@", " =", "\t=", "\n+"])
def test_no_text_begins_a_formula(start: str) -> None:
    """A text that a spreadsheet would calculate is written as text."""
    text = f"{start}cmd|'/c calc'!A1"
    for row in rows(hostile(text)):
        for value in row.values():
            assert not value.lstrip().startswith(("=", "+", "@"))
            assert not re.match(r"\s*-[^0-9]", value)


def test_a_negative_number_stays_a_number() -> None:
    """Only texts are guarded: a negative figure can be calculated with."""
    recovery = a_record().recovery
    assert recovery.rta is not None
    early = recovery.rta.model_copy(update={"low": -1.5})
    record = a_record(recovery=recovery.model_copy(update={"rta": early}))
    assert (
        next(row["low"] for row in rows(CaseFile(record=record)) if row["name"] == "RTA") == "-1.5"
    )


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(texts)
def test_csv_can_be_read_back(text: str) -> None:
    """Whatever others wrote, each row has every column, and no cell a control character."""
    cases_by_suite = rows(hostile(text))
    assert len(cases_by_suite) > 10
    for row in cases_by_suite:
        assert tuple(row) == COLUMNS
        assert None not in row.values()
        assert not re.search("[\x00-\x09\x0b-\x1f\u202e]", "".join(row.values()))
    render_csv(hostile(text)).encode()


# ------------------------------------------------------------------ JSON


def test_json_is_the_whole_case() -> None:
    """The JSON of a case read back is the same case."""
    case = a_case()
    assert CaseFile.model_validate_json(case.model_dump_json(indent=1)) == case


def test_huge_lines_stay_small() -> None:
    """Ten megabytes in one line make neither file large."""
    case = hostile("x" * 10_000_000)
    assert len(render_csv(case)) < 200_000
    assert len(render_junit(case)) < 200_000
