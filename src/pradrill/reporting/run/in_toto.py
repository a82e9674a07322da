"""Write a run as an in-toto statement whose predicate is test-result/v0.1, for policy engines.

There only PASSED passes: a run that missed an objective, or proved nothing, is FAILED. What is
red and does not decide makes a passed run WARNED.
"""

from __future__ import annotations

import json
from typing import Any

from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.run.verdict import Verdict
from pradrill.reporting.language import formats as wording
from pradrill.reporting.run.junit import Case, junit_cases

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://in-toto.io/attestation/test-result/v0.1"


def render_test_result(case: CaseFile, record_sha256: str) -> str:
    """Return the statement about the record, which is named by its hash; it is not signed."""
    record = case.record
    statement: dict[str, Any] = {
        "_type": STATEMENT,
        "subject": [{"name": f"{record.run_id}/record.json", "digest": {"sha256": record_sha256}}],
        "predicateType": PREDICATE,
        "predicate": _predicate(case),
    }
    return json.dumps(statement, indent=1, ensure_ascii=False) + "\n"


def _predicate(case: CaseFile) -> dict[str, Any]:
    cases = junit_cases(case)
    optional = {
        name
        for each, name in _with_names(cases)
        if each.kind == "skipped" or _is_optional(case, each)
    }
    failed = [name for each, name in _with_names(cases) if each.kind and name not in optional]
    warned = [name for each, name in _with_names(cases) if each.kind and name in optional]
    passed = case.record.verdict is Verdict.PASSED and case.record.refusal is None
    passed = passed and not case.record.launch.rehearsal
    result = "FAILED" if failed or not passed else "WARNED" if warned else "PASSED"
    return {
        "result": result,
        "configuration": [
            {"name": wording.line(file.path, 400), "digest": {"sha256": file.sha256}}
            for file in case.record.plan.files
        ],
        "passedTests": [name for each, name in _with_names(cases) if not each.kind],
        "warnedTests": warned,
        "failedTests": failed,
    }


def _with_names(cases: list[Case]) -> list[tuple[Case, str]]:
    return [(each, f"{each.suite}/{each.name}") for each in cases]


def _is_optional(case: CaseFile, each: Case) -> bool:
    """Tell whether a case is a check that need not pass."""
    names = {
        wording.line(f"{check.check} [{check.host}]", 400)
        for check in case.record.checks
        if not check.mandatory
    }
    return each.type.startswith("check-") and each.name in names
