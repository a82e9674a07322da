"""Write a run as JUnit XML, for CI: what did not pass, or could not be told, is never green."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from xml.etree import ElementTree as ET

from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.outcome import CheckOutcome, GuardOutcome, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.verdict import Verdict
from pradrill.reporting.language import formats as wording
from pradrill.reporting.run import case_sections as case_view
from pradrill.reporting.run import page as view

_MESSAGE, _DETAIL = 300, 20_000
_OF_STANDING = {
    view.ObjectiveStanding.MET: "",
    view.ObjectiveStanding.NOT_MET: "failure",
    view.ObjectiveStanding.UNKNOWN: "error",
}


class _Case(NamedTuple):
    """One test case: `kind` is failure, error, skipped, or empty when it passed."""

    suite: str
    name: str
    seconds: float
    kind: str = ""
    text: str = ""


def render_junit(case: CaseFile) -> str:
    """Return well-formed XML 1.0 in the language-neutral words of the record."""
    record = case.record
    cases = [*_doubt(case), *_verdict(record), *_steps(record), *_guards(record), *_checks(record)]
    root = ET.Element("testsuites", {"name": "pradrill", **_counts(cases)})
    for suite in dict.fromkeys(each.suite for each in cases):
        suite_cases = [each for each in cases if each.suite == suite]
        element = ET.SubElement(
            root,
            "testsuite",
            {
                "name": f"{record.plan.drill.drill}.{suite}",
                "timestamp": record.started.isoformat(),
                "hostname": wording.line(record.launch.controller, 200),
                **_counts(suite_cases),
            },
        )
        for each in suite_cases:
            _add(element, each)

    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _add(suite: ET.Element, case: _Case) -> None:
    element = ET.SubElement(
        suite,
        "testcase",
        classname=suite.get("name", ""),
        name=wording.line(case.name, 400),
        time=_seconds(case.seconds),
    )
    if case.kind:
        failure = ET.SubElement(element, case.kind, message=wording.line(case.text, _MESSAGE))
        failure.text = wording.clean(case.text, _DETAIL)


def _counts(cases: list[_Case]) -> dict[str, str]:
    kinds = [case.kind for case in cases]
    return {
        "tests": str(len(cases)),
        "failures": str(kinds.count("failure")),
        "errors": str(kinds.count("error")),
        "skipped": str(kinds.count("skipped")),
        "time": _seconds(sum(case.seconds for case in cases)),
    }


def _seconds(value: float) -> str:
    return f"{min(max(value, 0.0), 1e12):.3f}"


def _verdict(record: RunRecord) -> Iterator[_Case]:
    kinds = {
        Verdict.PASSED: "",
        Verdict.MISSED: "failure",
        Verdict.FAILED: "failure",
        Verdict.INCONCLUSIVE: "error",
    }

    text = "\n".join((view.headline(record), *map(str, record.reasons)))
    length = (record.ended - record.started).total_seconds()
    green = "skipped" if record.launch.rehearsal else ""  # what counts for nothing is never green
    yield _Case("run", "verdict", length, kinds[record.verdict] or green, text)

    for c in view.comparisons(record):
        kind = _OF_STANDING[c.standing] or green
        name = f"{c.actual_name} within {c.objective_name} {c.objective_text}"
        yield _Case("run", name, 0.0, kind, f"{c.actual_text} ({c.interval})")

    left = "\n".join(map(str, record.residue))
    yield _Case("run", "standby left as declared", 0.0, "failure" if left else "", left)


def _doubt(case: CaseFile) -> Iterator[_Case]:
    if doubts := case_view.doubt(case):
        yield _Case("run", "is what was recorded", 0.0, "error", "\n".join(doubts))


def _steps(record: RunRecord) -> Iterator[_Case]:
    for step in record.steps:
        details = [
            step.detail.text,
            *(f"{f.host}, {f.task}: {f.message}" for f in step.failures[:50]),
        ]

        red = "failure" if step.outcome is StepOutcome.FAILED else "error"
        kind = "" if step.outcome is StepOutcome.PASSED else red
        name = f"{step.phase}: {step.name}"
        yield _Case("steps", name, step.seconds, kind, "\n".join((step.outcome, *details)))

    for planned in view.unended(record):
        name = f"{planned.phase}: {planned.name}"
        yield _Case("steps", name, 0.0, "error", "began, its end is not on record")

    for planned in record.not_executed:
        why = view.not_run(planned) or "not executed"
        yield _Case("steps", f"{planned.phase}: {planned.name}", 0.0, "skipped", why)


def _guards(record: RunRecord) -> Iterator[_Case]:
    for guard in record.guards:
        red = "failure" if guard.outcome is GuardOutcome.REFUSED else "error"
        kind = "" if guard.holds else red
        yield _Case(
            "guards", f"{view.guard_name(guard)} [{guard.host}]", 0.0, kind, guard.detail.text
        )


def _checks(record: RunRecord) -> Iterator[_Case]:
    kinds = {
        CheckOutcome.PASSED: "",
        CheckOutcome.FAILED: "failure",
        CheckOutcome.ERRORED: "error",
        CheckOutcome.SKIPPED: "skipped",
    }
    for check in record.checks:
        kind = kinds[check.outcome]
        if kind == "skipped" and check.mandatory:
            kind = "error"  # a mandatory check that was not carried out proves nothing
        name = f"{check.check} [{check.host}]: {check.title}"
        length = (check.ended - check.started).total_seconds()
        yield _Case("checks", name, length, kind, check.detail)
