"""Write a run as JUnit XML, for CI: what did not pass, or could not be told, is never green.

Names do not change from run to run: no figure and no objective is in them, so that a history of
runs lines up. A suite is the run, a service, its steps or its guards; what is wrong has a type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import NamedTuple
from xml.etree import ElementTree as ET

from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.outcome import CheckOutcome, CheckResult, GuardOutcome, StepOutcome
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.verdict import Verdict
from pradrill.reporting.language import formats as wording
from pradrill.reporting.run import case_sections as case_view
from pradrill.reporting.run import page as view

_MESSAGE, _DETAIL = 300, 20_000
_OF_STANDING = {
    view.ObjectiveStanding.MET: ("", ""),
    view.ObjectiveStanding.NOT_MET: ("failure", "objective-not-met"),
    view.ObjectiveStanding.UNKNOWN: ("error", "not-measured"),
}
_OF_VERDICT = {
    Verdict.PASSED: ("", ""),
    Verdict.MISSED: ("failure", "missed"),
    Verdict.FAILED: ("failure", "failed"),
    Verdict.INCONCLUSIVE: ("error", "inconclusive"),
}
_OF_CHECK = {
    CheckOutcome.PASSED: ("", ""),
    CheckOutcome.FAILED: ("failure", "check-failed"),
    CheckOutcome.ERRORED: ("error", "check-errored"),
    CheckOutcome.SKIPPED: ("skipped", "check-skipped"),
}


class Case(NamedTuple):
    """One test case: `kind` is failure, error, skipped, or empty when it passed."""

    suite: str
    name: str
    seconds: float
    kind: str = ""
    type: str = ""
    text: str = ""
    host: str = ""
    ended: datetime | None = None


def render_junit(case: CaseFile) -> str:
    """Return well-formed XML 1.0 in the language-neutral words of the record."""
    record = case.record
    cases = junit_cases(case)
    root = ET.Element("testsuites", {"name": "pradrill", **_counts(cases)})
    root.attrib.pop("skipped")  # which Jenkins' schema has for suites alone
    for suite in dict.fromkeys(each.suite for each in cases):
        suite_cases = [each for each in cases if each.suite == suite]
        element = ET.SubElement(
            root,
            "testsuite",
            {
                "name": wording.line(f"{record.plan.drill.drill}.{suite}", 400),
                "timestamp": record.started.isoformat(),
                "hostname": wording.line(record.launch.controller, 200),
                **_counts(suite_cases),
            },
        )
        for each in suite_cases:
            _add(element, each)

    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def junit_cases(case: CaseFile) -> list[Case]:
    """Return a run as test cases: no two of a suite have the same name."""
    record = case.record
    results = [*_verdict(record), *_services(record)]
    if record.launch.rehearsal:  # what counts for nothing is never green
        results = [
            each if each.kind else each._replace(kind="skipped", type="rehearsal")
            for each in results
        ]
    cases = [*_doubt(case), *results, *_steps(record), *_guards(record)]
    counts: Counter[tuple[str, str]] = Counter()
    unique = []
    for each in cases:
        name = wording.line(each.name, 400)
        counts[each.suite, name] += 1
        number = counts[each.suite, name]
        unique.append(each._replace(name=name if number == 1 else f"{name} #{number}"))

    return unique


def _add(suite: ET.Element, case: Case) -> None:
    element = ET.SubElement(
        suite,
        "testcase",
        classname=suite.get("name", ""),
        name=case.name,
        time=_seconds(case.seconds),
    )
    if case.kind:
        message = wording.line(case.text, _MESSAGE)
        failure = ET.SubElement(element, case.kind, type=case.type, message=message)
        failure.text = wording.clean(case.text, _DETAIL)


def _counts(cases: list[Case]) -> dict[str, str]:
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


def _verdict(record: RunRecord) -> Iterator[Case]:
    text = "\n".join((view.headline(record), *map(str, record.reasons)))
    length = (record.ended - record.started).total_seconds()
    kind, what = _OF_VERDICT[record.verdict]
    if record.refusal is not None:
        what = f"refused-{record.refusal.value}".replace("_", "-")
    yield Case("run", "verdict", length, kind, what, text)
    if not view.services(record):  # else the objectives are those of each service
        yield from _figures("run", view.comparisons(record))

    left = "\n".join(map(str, record.residue))
    kind = "failure" if left else ""
    yield Case("run", "standby left as declared", 0.0, kind, "residue" if left else "", left)


def _figures(suite: str, comparisons: tuple[view.Comparison, ...]) -> Iterator[Case]:
    for c in comparisons:
        kind, what = _OF_STANDING[c.standing]
        text = f"{c.actual_text} ({c.interval}); {c.objective_name} {c.objective_text}"
        yield Case(suite, f"{c.actual_name} within {c.objective_name}", 0.0, kind, what, text)


def _doubt(case: CaseFile) -> Iterator[Case]:
    if doubts := case_view.doubt(case):
        text = "\n".join(doubts)
        yield Case("run", "is what was recorded", 0.0, "error", "not-as-recorded", text)


def _services(record: RunRecord) -> Iterator[Case]:
    """Yield each service with its checks: its verdict is that of the run, where it is the only."""
    rows = {row.name: row for row in view.services(record)}
    names = tuple(rows) or (None,)
    for row in rows.values():
        suite = f"service.{row.name}"
        kind, what = _OF_VERDICT[row.verdict]
        yield Case(suite, "verdict", 0.0, kind, what, "\n".join(map(str, row.reasons)))
        yield from _figures(suite, row.comparisons)

    for check in record.checks:
        of_one = check.service in names and check.service is not None
        yield _check(f"service.{check.service}" if of_one else "checks", check)


def _check(suite: str, check: CheckResult) -> Case:
    kind, what = _OF_CHECK[check.outcome]
    if kind == "skipped" and check.mandatory:
        kind = "error"  # a mandatory check that was not carried out proves nothing
    length = (check.ended - check.started).total_seconds()
    text = "\n".join(filter(None, (check.title, str(check.detail))))
    name = f"{check.check} [{check.host}]"
    return Case(suite, name, length, kind, what, text, check.host, check.ended)


def _steps(record: RunRecord) -> Iterator[Case]:
    for step in record.steps:
        details = [
            step.detail.text,
            *(f"{f.host}, {f.task}: {f.message}" for f in step.failures[:50]),
        ]

        red = "failure" if step.outcome is StepOutcome.FAILED else "error"
        kind = "" if step.outcome is StepOutcome.PASSED else red
        what = "" if not kind else f"step-{step.outcome.value}".replace("_", "-")
        name = f"{step.phase}: {view.step_title(step)}"
        text = "\n".join((step.outcome, *details))
        yield Case("steps", name, step.seconds, kind, what, text, ended=step.ended)

    for planned in view.unended(record):
        name = f"{planned.phase}: {view.step_title(planned)}"
        yield Case("steps", name, 0.0, "error", "step-unended", "began, its end is not on record")

    for planned in record.not_executed:
        why = view.not_run(planned) or "not executed"
        name = f"{planned.phase}: {view.step_title(planned)}"
        yield Case("steps", name, 0.0, "skipped", "step-not-executed", why)


def _guards(record: RunRecord) -> Iterator[Case]:
    for guard in record.guards:
        red = "failure" if guard.outcome is GuardOutcome.REFUSED else "error"
        kind = "" if guard.holds else red
        what = "" if not kind else f"guard-{guard.outcome.value}".replace("_", "-")
        name = f"{view.guard_name(guard)} [{guard.host}]"
        yield Case("guards", name, 0.0, kind, what, guard.detail.text, guard.host)
