"""Write a run as OSCAL assessment-results, for tools of governance, risk and compliance.

One run is one result. Whatever JUnit has as a test case is an observation; what a verdict or an
objective came to is a finding, and what the register holds open is a risk. Only what passed is
satisfied: a missed objective is not, nor is what could not be told. Of the clauses that the house
chose it says that the run concerns them, never that they are fulfilled.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Iterator, Sequence
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from pradrill.domain.register.finding import Finding
from pradrill.domain.report.case_file import CaseFile
from pradrill.domain.report.clauses import Clause, ClauseMap
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.language import formats as wording
from pradrill.reporting.run import case_sections as case_view
from pradrill.reporting.run import page as view
from pradrill.reporting.run.junit import Case, junit_cases

OSCAL_VERSION = "1.2.1"
NAMESPACE = "urn:pradrill:oscal"
_LINE, _TEXT = 400, 20_000
_CATALOGUED = "nist-800-53"
"""The one text of the shipped map whose controls have ids of their own in OSCAL."""
_NOT_IN_A_TOKEN = re.compile(r"[^A-Za-z0-9._-]+")
_RESULT = {"": "passed", "failure": "failed", "error": "errored", "skipped": "skipped"}
_WHY = {"": "pass", "failure": "fail", "error": "other", "skipped": "other"}


def render_oscal(case: CaseFile, record_sha256: str, clauses: ClauseMap | None = None) -> str:
    """Return the document; the same record has the same identifiers, however often it is made."""
    root = uuid5(NAMESPACE_URL, f"urn:sha256:{record_sha256}")
    content = {"assessment-results": _document(case, record_sha256, clauses, root)}
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _document(
    case: CaseFile, record_sha256: str, clauses: ClauseMap | None, root: UUID
) -> dict[str, Any]:
    record = case.record
    latest = max(record.ended, case.as_of or record.ended)
    organisation = _id(root, "party")
    return {
        "uuid": _id(root, "document"),
        "metadata": {
            "title": _line(f"Recovery drill {record.plan.drill.drill}, run {record.run_id}"),
            "last-modified": latest.isoformat(),
            "version": latest.isoformat(),
            "oscal-version": OSCAL_VERSION,
            "roles": [{"id": "assessed-organisation", "title": "Whose recovery was tried"}],
            "parties": [
                {
                    "uuid": organisation,
                    "type": "organization",
                    "name": _line(record.plan.organisation),
                }
            ],
            "responsible-parties": [
                {"role-id": "assessed-organisation", "party-uuids": [organisation]}
            ],
        },
        "import-ap": {
            "href": f"#{_id(root, 'record')}",
            "remarks": "The plan of this run, resolved, is the field `plan` of its sealed record.",
        },
        "results": [_result(case, clauses, root)],
        "back-matter": {"resources": list(_resources(record, record_sha256, root))},
    }


def _result(case: CaseFile, clauses: ClauseMap | None, root: UUID) -> dict[str, Any]:
    record = case.record
    cases = junit_cases(case)
    limits = "\n".join(f"- {wording.line(limit, _LINE)}" for limit in record.limits)
    result = {
        "uuid": _id(root, "result"),
        "title": _line(view.headline(record)),
        "description": _text("\n".join(map(str, record.reasons)) or view.meaning(record)),
        "start": record.started.isoformat(),
        "end": record.ended.isoformat(),
        "props": list(_props(case)),
        "local-definitions": _local_definitions(record, cases, root),
        "reviewed-controls": _reviewed(clauses),
        "observations": [_observation(each, record, root) for each in cases],
        "risks": [_risk(finding, root) for finding in _findings_of(case)],
        "findings": [_finding(case, each, cases, root) for each in cases if _is_objective(each)],
        "remarks": f"What this run does not prove:\n{limits}" if limits else "",
    }
    return {key: value for key, value in result.items() if value}


def _props(case: CaseFile) -> Iterator[dict[str, str]]:
    record = case.record
    yield _prop("verdict", record.verdict.value)
    yield _prop("state", record.state.value)
    if record.refusal is not None:
        yield _prop("refusal", record.refusal.value)
    yield _prop("exit-code", str(record.exit_code))
    yield _prop("kind", record.plan.drill.kind)
    if record.launch.rehearsal:
        yield _prop("rehearsal", "true")
    if case.integrity is not None and case.integrity.head is not None:
        yield _prop("register-head", case.integrity.head)


def _local_definitions(record: RunRecord, cases: Sequence[Case], root: UUID) -> dict[str, Any]:
    hosts = dict.fromkeys(
        (*(host.name for host in record.plan.hosts), *(each.host for each in cases if each.host))
    )
    definitions = {
        "components": [
            {
                "uuid": _id(root, "service", name),
                "type": "service",
                "title": _line(name),
                "description": _line(f"the service {name}, as recovered on the standby"),
                "status": {"state": "operational"},
            }
            for name in record.plan.services
        ],
        "inventory-items": [
            {
                "uuid": _id(root, "host", host),
                "description": _line(f"the host {host}"),
                "props": [_prop("host", host)],
            }
            for host in hosts
        ],
    }
    return {key: value for key, value in definitions.items() if value}


def _observation(each: Case, record: RunRecord, root: UUID) -> dict[str, Any]:
    subjects = [_subject(root, "service", name, "component") for name in _services(each, record)]
    if each.host:
        subjects.append(_subject(root, "host", each.host, "inventory-item"))
    observation = {
        "uuid": _id(root, "observation", each.suite, each.name),
        "title": _line(f"{each.suite}: {each.name}"),
        "description": _text(each.text or _RESULT[each.kind]),
        "props": [
            _prop("result", _RESULT[each.kind]),
            *([_prop("type", each.type)] if each.type else []),
        ],
        "methods": ["TEST"],
        "subjects": subjects,
        "relevant-evidence": [
            {"href": f"#{_id(root, 'record')}", "description": "the sealed record of the run"}
        ],
        "collected": (each.ended or record.ended).isoformat(),
    }
    return {key: value for key, value in observation.items() if value}


def _services(each: Case, record: RunRecord) -> list[str]:
    """Return whose recovery a case tells of: a service of an estate, or the only one."""
    suite_of = {f"service.{name}": [name] for name in record.plan.services}
    only = list(record.plan.services) if len(record.plan.services) == 1 else []
    return suite_of.get(each.suite, only)


def _subject(root: UUID, kind: str, name: str, oscal_type: str) -> dict[str, str]:
    return {"subject-uuid": _id(root, kind, name), "type": oscal_type, "title": _line(name)}


def _is_objective(each: Case) -> bool:
    """Tell whether a case is what the run, or a service, came to: its checks are evidence of it."""
    return not each.host and (each.suite == "run" or each.suite.startswith("service."))


def _finding(case: CaseFile, each: Case, cases: Sequence[Case], root: UUID) -> dict[str, Any]:
    doubt = "\n".join(case_view.doubt(case))
    satisfied = not each.kind and not doubt
    status = {
        "state": "satisfied" if satisfied else "not-satisfied",
        "reason": "other" if doubt else _WHY[each.kind],
        "remarks": _text("\n".join(filter(None, (doubt, each.text)))),
    }
    finding = {
        "uuid": _id(root, "finding", each.suite, each.name),
        "title": _line(f"{each.suite}: {each.name}"),
        "description": _text(each.text or _RESULT[each.kind]),
        "target": {
            "type": "objective-id",
            "target-id": _token(f"{case.record.plan.drill.drill}.{each.suite}.{each.name}"),
            "status": {key: value for key, value in status.items() if value.strip()},
        },
        "related-observations": [
            {"observation-uuid": _id(root, "observation", other.suite, other.name)}
            for other in _evidence_of(each, cases)
        ],
        "related-risks": [
            {"risk-uuid": _id(root, "risk", risk.finding)}
            for risk in _findings_of(case)
            if each.name == "verdict" and _concerns(risk, each.suite)
        ],
    }
    return {key: value for key, value in finding.items() if value}


def _evidence_of(each: Case, cases: Sequence[Case]) -> Iterator[Case]:
    """Yield the case itself; of a verdict all that it was judged by."""
    for other in cases:
        of_verdict = each.name == "verdict" and each.suite in ("run", other.suite)
        if other == each or of_verdict:
            yield other


def _concerns(finding: Finding, suite: str) -> bool:
    return suite == "run" or suite.removeprefix("service.") in finding.services


def _findings_of(case: CaseFile) -> tuple[Finding, ...]:
    return (*case_view.open_findings(case), *case_view.closed_findings(case))


def _risk(finding: Finding, root: UUID) -> dict[str, Any]:
    risk = {
        "uuid": _id(root, "risk", finding.finding),
        "title": _line(f"{finding.finding}: {finding.title}"),
        "description": _text(finding.title),
        "statement": _text(finding.detail or finding.title),
        "props": [
            _prop("severity", finding.severity.value),
            *([_prop("owner", finding.owner)] if finding.owner else []),
            _prop("opened", finding.opened.isoformat()),
            *([_prop("closed-by-run", finding.closure.run_id)] if finding.closure else []),
        ],
        "status": "open" if finding.open else "closed",
    }
    if finding.due is not None:
        end_of_day = dt.datetime.combine(finding.due, dt.time(23, 59, 59), dt.UTC)
        risk["deadline"] = end_of_day.isoformat()
    return risk


def _reviewed(clauses: ClauseMap | None) -> dict[str, Any]:
    """Return the clauses that the house chose, one selection for each text."""
    chosen = clauses.clauses if clauses is not None else ()
    by_text: dict[str, list[Clause]] = {}
    for clause in chosen:
        by_text.setdefault(clause.key or clause.text_in("en"), []).append(clause)

    selections: list[dict[str, Any]] = [
        {
            "description": _text("\n".join(map(_demand, of_text))),
            "include-controls": [
                {"control-id": control}
                for control in dict.fromkeys(
                    c for clause in of_text for c in _controls(key, clause)
                )
            ],
        }
        for key, of_text in by_text.items()
    ]
    nothing = {"description": "The plan chooses no text whose clauses this run would concern."}
    return {
        "description": "What this run can serve as evidence for. Whether a clause is fulfilled is "
        "for the reader to judge.",
        "control-selections": selections or [nothing],
    }


def _demand(clause: Clause) -> str:
    unread = " (?)" if clause.to_check else ""
    return f"- {wording.line(clause.title_in('en'), _LINE)}{unread}: " + wording.line(
        clause.asks_in("en"), _LINE
    )


def _controls(key: str, clause: Clause) -> Iterator[str]:
    """Yield ids: those of NIST's own catalogue, cp-4.3; else the text's key and the clause."""
    place = clause.place_in("en")
    if key == _CATALOGUED:
        numbers = re.findall(r"[A-Z]{2}-\d+(?:\(\d+\))?", place)
        yield from (_parts(number.lower()) for number in numbers)
    else:
        yield _token(f"{key}_{_parts(place)}")


def _parts(place: str) -> str:
    """Write art. 11(6)(a) as art.11.6.a."""
    return re.sub(r"\(([^()]*)\)", r".\1", place.replace(". ", "."))


def _resources(record: RunRecord, sha256: str, root: UUID) -> Iterator[dict[str, Any]]:
    yield {
        "uuid": _id(root, "record"),
        "title": "record.json",
        "description": "The sealed record of the run: its resolved plan, and all that it measured.",
        "rlinks": [_rlink("record.json", sha256)],
    }
    for file in record.evidence:
        yield {
            "uuid": _id(root, "evidence", str(file.path)),
            "title": _line(file.path),
            "rlinks": [_rlink(str(file.path), file.sha256)],
        }


def _rlink(path: str, sha256: str) -> dict[str, Any]:
    return {"href": _line(path), "hashes": [{"algorithm": "SHA-256", "value": _line(sha256)}]}


def _prop(name: str, value: str) -> dict[str, str]:
    return {"name": name, "ns": NAMESPACE, "value": _line(value)}


def _id(root: UUID, *path: str) -> str:
    return str(uuid5(root, json.dumps(path)))


def _token(text: str) -> str:
    token = _NOT_IN_A_TOKEN.sub("-", text)
    return token if re.match(r"[A-Za-z_]", token) else f"_{token}"


def _line(text: object) -> str:
    """Return one line that is not empty, as OSCAL demands of titles and values."""
    return wording.line(text, _LINE) or "-"


def _text(text: object) -> str:
    return wording.clean(text, _TEXT).strip() or "-"
