"""OSCAL assessment-results: read by somebody else's models, and never more satisfied than true."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.support.every_ending import a_failed_record, a_missed_estate, every_ending
from trestle.core.duplicates_validator import DuplicatesValidator
from trestle.core.refs_validator import RefsValidator
from trestle.oscal.assessment_results import AssessmentResults

from pradrill.config.branding import read_clauses
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.verdict import Verdict
from pradrill.reporting.run.oscal import render_oscal
from pradrill.testing import a_case, a_launch, a_record

SHA256 = "5d" * 32
ENDINGS = every_ending()
NOT_SATISFIED = {
    name
    for name, case in ENDINGS.items()
    if case.record.verdict is not Verdict.PASSED or name in {"rehearsed", "doubtful"}
}


def results(case: CaseFile, *keys: str) -> dict[str, Any]:
    """Return the one result of a run, with the clauses of some texts."""
    document = json.loads(render_oscal(case, SHA256, read_clauses(None).only(keys)))
    result: dict[str, Any] = document["assessment-results"]["results"][0]
    return result


def states(case: CaseFile) -> dict[str, str]:
    """Return what became of each objective."""
    return {
        finding["target"]["target-id"]: finding["target"]["status"]["state"]
        for finding in results(case)["findings"]
    }


@pytest.mark.parametrize("name", ENDINGS)
def test_what_a_run_came_to_is_valid_oscal(name: str) -> None:
    """Whatever came of a run, trestle's models take it, and every reference leads somewhere."""
    text = render_oscal(ENDINGS[name], SHA256, read_clauses(None))
    document = json.loads(text)["assessment-results"]
    model = AssessmentResults.model_validate(document)
    assert DuplicatesValidator().model_is_valid(model, quiet=True)
    assert RefsValidator().model_is_valid(model, quiet=True)

    there = set(_values(document, "uuid"))
    references = set(_values(document, "observation-uuid", "risk-uuid", "subject-uuid"))
    links = {href[1:] for href in _values(document, "href") if href.startswith("#")}
    assert references | links <= there
    assert references
    assert links


def _values(node: Any, *keys: str) -> list[str]:
    """Return the values of some keys, wherever they stand."""
    if isinstance(node, list):
        return [value for each in node for value in _values(each, *keys)]
    if not isinstance(node, dict):
        return []
    values = [value for key, value in node.items() if key in keys]
    return values + [value for each in node.values() for value in _values(each, *keys)]


@pytest.mark.parametrize("name", ENDINGS)
def test_only_what_passed_is_satisfied(name: str) -> None:
    """A missed, failed or inconclusive run is not satisfied, nor is a rehearsal or one in doubt."""
    case = ENDINGS[name]
    verdict = states(case)[f"{case.record.plan.drill.drill}.run.verdict"]
    assert verdict == ("not-satisfied" if name in NOT_SATISFIED else "satisfied")


@pytest.mark.parametrize("name", ["rehearsed", "doubtful"])
def test_what_proves_nothing_satisfies_nothing(name: str) -> None:
    """No objective is satisfied by a rehearsal, or by a record that is not what was entered."""
    assert set(states(ENDINGS[name]).values()) == {"not-satisfied"}


def test_each_service_has_its_own_findings() -> None:
    """Of an estate one service is satisfied although another missed, and a third failed."""
    by_target = states(CaseFile(record=a_missed_estate()))
    verdicts = {name: state for name, state in by_target.items() if name.endswith(".verdict")}
    assert verdicts == {
        "estate.run.verdict": "not-satisfied",
        "estate.service.directory.verdict": "satisfied",
        "estate.service.application.verdict": "not-satisfied",
        "estate.service.archive.verdict": "not-satisfied",
    }
    assert by_target["estate.service.application.RTA-within-RTO"] == "not-satisfied"
    assert by_target["estate.service.application.RPA-within-RPO"] == "satisfied"


def test_observations_are_the_evidence_of_a_verdict() -> None:
    """The verdict names every check, guard and step; what is red says so, with host and time."""
    result = results(CaseFile(record=a_failed_record()))
    verdict = next(f for f in result["findings"] if f["title"] == "run: verdict")
    by_id = {each["uuid"]: each for each in result["observations"]}
    assert {each["observation-uuid"] for each in verdict["related-observations"]} == set(by_id)
    red = [
        each["title"].partition(":")[0]
        for each in by_id.values()
        if {"failed", "errored"} & {prop["value"] for prop in each["props"]}
    ]
    assert {"run", "checks", "guards", "steps"} == set(red)
    check = next(each for each in by_id.values() if each["title"].startswith("checks:"))
    assert check["collected"] == a_record().checks[0].ended.isoformat()
    assert "inventory-item" in {subject["type"] for subject in check["subjects"]}


def test_findings_of_the_register_are_risks() -> None:
    """An open finding is an open risk of the verdict, with its date; a closed one is closed."""
    result = results(a_case())
    assert [(risk["title"][:4], risk["status"]) for risk in result["risks"]] == [
        ("F-12", "open"),
        ("F-3:", "closed"),
    ]
    assert result["risks"][0]["deadline"].endswith("T23:59:59+00:00")
    verdict = next(f for f in result["findings"] if f["title"] == "run: verdict")
    assert len(verdict["related-risks"]) == 2


def test_clauses_are_those_that_the_house_chose() -> None:
    """NIST's controls have their own ids, others the text's key; none are named unless chosen."""
    selections = results(a_case(), "nist-800-53", "dora")["reviewed-controls"]["control-selections"]
    ids = [each["control-id"] for one in selections for each in one["include-controls"]]
    assert {"cp-4", "cp-4.3", "cp-9.2", "cp-10", "dora_art.12.2"} <= set(ids)
    assert len(ids) == len(set(ids))
    nothing = results(a_case())["reviewed-controls"]["control-selections"]
    assert [list(each) for each in nothing] == [["description"]]


def test_it_is_the_same_each_time() -> None:
    """Made again it is the same to the byte; another record has no identifier of it."""
    case = CaseFile(record=a_record(launch=a_launch()))
    text = render_oscal(case, SHA256)
    assert render_oscal(case, SHA256) == text
    ids, others = (
        set(_values(json.loads(each), "uuid")) for each in (text, render_oscal(case, "9b" * 32))
    )
    assert ids.isdisjoint(others)
