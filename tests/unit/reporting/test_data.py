"""JUnit, CSV and JSON: for programs, true to the record, and safe to open."""

import csv
import io
import json
import re
import string
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.every_ending import every_ending

from pradrill.config.schema import json_schema
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, StepOutcome
from pradrill.domain.run.record import Recovery, Refusal, ServiceResult
from pradrill.domain.run.verdict import Verdict
from pradrill.domain.values.timeline import Elapsed, Provenance
from pradrill.reporting.language.i18n import speaking
from pradrill.reporting.run.csv import COLUMNS, render_csv
from pradrill.reporting.run.in_toto import render_test_result
from pradrill.reporting.run.junit import render_junit
from pradrill.testing import (
    a_case,
    a_check,
    a_finding,
    a_guard,
    a_record,
    a_recovery,
    a_run_plan,
    a_service,
    a_step,
    an_estate,
)

ODD = "=+-@<>&\"',;\t\r\n\x00\x1b\u2028\u202e\ufffe\ud800é漢]]>"
ENDINGS = every_ending()
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
    assert {name: len(cases) for name, cases in by_suite.items()} == {
        "moodle.run": 4,
        "moodle.checks": 2,
        "moodle.steps": 13,
        "moodle.guards": 5,
    }
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


def an_estates_case(**changes: Any) -> CaseFile:
    """Return an estate of which one service missed its objective; checks are called alike."""
    plan = an_estate({"directory": (), "application": ("directory",)})
    slow = Elapsed(seconds=20_000, low=20_000, high=20_000, provenance=Provenance.MEASURED)
    services = {
        "directory": ServiceResult(
            verdict=Verdict.PASSED, reasons=("x",), recovery=a_recovery(), hosts=("d",)
        ),
        "application": ServiceResult(
            verdict=Verdict.MISSED, reasons=("y",), recovery=a_recovery(rta=slow), hosts=("a",)
        ),
    }
    fields = {
        "plan": plan,
        "services": services,
        "verdict": Verdict.MISSED,
        "steps": (a_step(service="directory"), a_step(service="application")),
        "checks": (a_check(service="directory"), a_check(service="application"), a_check()),
    }
    return CaseFile(record=a_record(**{**fields, **changes}))


def test_each_service_is_a_suite_with_its_verdict_figures_and_checks() -> None:
    """Of an estate each service has its own verdict, objectives and checks; no name comes twice."""
    by_suite = suites(an_estates_case())
    assert by_suite["estate.service.directory"]["verdict"] == []
    assert by_suite["estate.service.application"]["verdict"] == ["failure"]
    assert by_suite["estate.service.application"]["RTA within RTO"] == ["failure"]
    assert by_suite["estate.service.application"]["RPA within RPO"] == []
    root = ET.fromstring(render_junit(an_estates_case()))  # noqa: S314 our own
    names = [(suite.get("name"), case.get("name")) for suite in root for case in suite]
    assert len(names) == len(set(names))


def test_names_are_the_same_whatever_comes_of_a_run() -> None:
    """No figure, objective or title is in a name: the history of a case goes on."""
    other = a_run_plan(services={"moodle": a_service(objectives={"rto": "9h", "rpo": "2h"})})
    renamed = tuple(check.model_copy(update={"title": "x"}) for check in a_case().record.checks)
    runs = (
        CaseFile(record=a_record()),
        CaseFile(record=a_record(plan=other, checks=renamed, verdict=Verdict.FAILED, exit_code=10)),
    )
    one, two = ({name: set(cases) for name, cases in suites(run).items()} for run in runs)
    assert one == two


def test_what_is_wrong_has_a_type() -> None:
    """Failures, errors and skips name their kind, by which CI can sort them."""
    root = ET.fromstring(render_junit(hostile("x")))  # noqa: S314 our own
    wrong = [child for case in root.iter("testcase") for child in case]
    assert {child.get("type") for child in wrong} == {
        "residue", "check-failed", "step-failed", "guard-refused", "step-unended",
    }  # fmt: skip
    missed = ET.fromstring(render_junit(an_estates_case()))  # noqa: S314 our own
    assert {child.get("type") for case in missed.iter("testcase") for child in case} >= {
        "missed",
        "objective-not-met",
    }


class Rule(NamedTuple):
    """What Jenkins' schema (xunit-plugin, junit-10.xsd) has of an element, for what we write."""

    children: frozenset[str]
    demanded: frozenset[str]
    allowed: frozenset[str]


def rule(children: str, demanded: str, others: str) -> Rule:
    """Return a rule that is written as words."""
    names = frozenset(demanded.split())
    return Rule(frozenset(children.split()), names, names | frozenset(others.split()))


JENKINS = {
    "testsuites": rule("testsuite", "", "name time tests failures errors"),
    "testsuite": rule(
        "testsuite properties testcase system-out system-err",
        "name tests failures errors",
        "group time skipped timestamp hostname id package file log url",
    ),
    "testcase": rule(
        "skipped error failure rerunFailure rerunError flakyFailure flakyError system-out "
        "system-err",
        "name",
        "time classname group",
    ),
    **dict.fromkeys(("failure", "error", "skipped"), rule("", "", "type message")),
}
SECONDS = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")
"""How the schema writes the time of suites."""


@pytest.mark.parametrize("name", ENDINGS)
def test_junit_is_what_jenkins_takes(name: str) -> None:
    """Whatever came of a run, elements, attributes and times are as its schema says."""
    for element in ET.fromstring(render_junit(ENDINGS[name])).iter():  # noqa: S314 our own
        of = JENKINS[element.tag]
        assert {child.tag for child in element} <= of.children
        assert of.demanded <= set(element.keys()) <= of.allowed
        if element.tag in {"testsuites", "testsuite"}:
            assert SECONDS.fullmatch(element.get("time", ""))
            assert not (element.text or "").strip()


# ------------------------------------------------------------------ in-toto


def statement(case: CaseFile) -> dict[str, Any]:
    """Return the statement's predicate."""
    whole: dict[str, Any] = json.loads(render_test_result(case, "5d" * 32))
    assert whole["_type"] == "https://in-toto.io/Statement/v1"
    assert whole["subject"][0]["digest"] == {"sha256": "5d" * 32}
    assert whole["predicateType"] == "https://in-toto.io/attestation/test-result/v0.1"
    predicate: dict[str, Any] = whole["predicate"]
    return predicate


def test_a_passed_run_is_a_passed_test_result() -> None:
    """Its statement is PASSED, with the files that it depended on as the configuration."""
    predicate = statement(CaseFile(record=a_record()))
    assert predicate["result"] == "PASSED"
    assert predicate["failedTests"] == predicate["warnedTests"] == []
    assert "run/verdict" in predicate["passedTests"]
    assert predicate["configuration"][0] == {
        "name": "/etc/pradrill/drills/plan.yml",
        "digest": {"sha256": "3f" * 32},
    }


@pytest.mark.parametrize("verdict", [Verdict.MISSED, Verdict.FAILED, Verdict.INCONCLUSIVE])
def test_no_other_verdict_is_a_passed_test_result(verdict: Verdict) -> None:
    """What missed an objective or proved nothing is FAILED there."""
    predicate = statement(CaseFile(record=a_record(verdict=verdict, exit_code=12)))
    assert predicate["result"] == "FAILED"
    assert "run/verdict" in predicate["failedTests"]


def test_a_red_option_is_a_warning() -> None:
    """A check that need not pass and did not makes a passed run WARNED."""
    red = a_check(check="c", mandatory=False, outcome=CheckOutcome.FAILED)
    predicate = statement(CaseFile(record=a_record(checks=(a_check(), red))))
    assert predicate["result"] == "WARNED"
    assert [name.split(" ")[0] for name in predicate["warnedTests"]] == ["checks/c"]


# ------------------------------------------------------------------ the record's schema


@pytest.mark.parametrize("case", [a_case(), an_estates_case(), hostile("x")])
def test_a_record_is_as_its_schema_says(case: CaseFile) -> None:
    """The published JSON Schema of the record holds for records, and names their format."""
    schema = json_schema("record")
    assert schema["$id"] == f"urn:pradrill:record:{case.record.format}"
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(json.loads(case.record.model_dump_json()))


# ------------------------------------------------------------------ CSV


def test_each_service_has_rows() -> None:
    """Each service of an estate has verdict and figures; steps and checks say whose they are."""
    table = rows(an_estates_case())
    rows_of_one = [row for row in table if row["service"] == "application"]
    assert [(row["row"], row["name"], row["outcome"]) for row in rows_of_one[:3]] == [
        ("service", "verdict", "MISSED"),
        ("figure", "RTA", "not met"),
        ("figure", "RPA", "met"),
    ]
    assert {row["row"] for row in rows_of_one} == {"service", "figure", "step", "check"}


def test_every_fact_is_a_row() -> None:
    """Verdict, figures, marks, steps, checks, guards and findings have one row each."""
    kinds = [row["row"] for row in rows(a_case())]
    counts = {kind: kinds.count(kind) for kind in kinds}
    assert counts == {
        "verdict": 1,
        "figure": 3,
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
