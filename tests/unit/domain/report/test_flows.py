"""Flows against what a restored service tried, accesses against what proves them gone."""

from __future__ import annotations

from typing import Any

import pytest

from pradrill.domain.declared.plan import PrimaryIdentity, Service
from pradrill.domain.report.accesses import accesses
from pradrill.domain.report.flows import FlowUse, ReachAttempt, compare_flows, flows_of
from pradrill.domain.report.line_evidence import Proof
from pradrill.domain.run.egress import HostEgress
from pradrill.domain.run.hidden_dependencies import hidden_dependencies
from pradrill.domain.run.outcome import Phase, StepKind
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.standby_inventory import InventoryKind
from pradrill.domain.values.reason import Reason, reason
from pradrill.domain.values.reason_code import Code
from pradrill.testing import HOST, a_record, a_run_plan, a_service, a_step

FLOWS = (
    {"from": "Moodle", "to": "smtp.exemple.fr", "port": 587, "why": "mails"},
    {"from": "moodle", "to": "192.0.2.0/24", "port": "8000-8010", "why": "workers"},
    {"from": "moodle", "to": "ldap", "port": 636, "why": "logins"},
    {"from": "users", "to": "moodle", "port": 443, "why": "pages"},
)


def moodle(**changes: Any) -> dict[str, Service]:
    """Return the service with its flows."""
    return {"moodle": a_service(flows=FLOWS, **changes)}


def tried(address: str, port: int | None, protocol: str = "tcp", **facts: Any) -> ReachAttempt:
    """Return an attempt to reach something."""
    return ReachAttempt(protocol, address, port, **facts)


def test_both_sides_differ() -> None:
    """What was tried and not declared, and what was declared and never tried."""
    compared = compare_flows(
        moodle(),
        [
            tried("198.51.100.7", 587, name="SMTP.exemple.fr.", user="www-data", times=3),
            tried("192.0.2.9", 8_005),
            tried("192.0.2.9", 8_011),
            tried("203.0.113.1", 53, "udp", user="systemd-resolve"),
            tried("203.0.113.1", 53, "UDP", user="root", times=4),
            tried("203.0.113.9", None, "icmp"),
        ],
        addresses={"ldap": ("192.0.2.77",)},
    )
    assert [(each.use, each.count) for each in compared.declared] == [
        (FlowUse.USED, 3),
        (FlowUse.USED, 1),
        (FlowUse.UNUSED, 0),
        (FlowUse.UNSEEN, 0),
    ]
    assert [(each.address, each.port, each.users, each.count) for each in compared.undeclared] == [
        ("203.0.113.1", 53, ("root", "systemd-resolve"), 5),
        ("192.0.2.9", 8_011, (), 1),
        ("203.0.113.9", None, (), 1),
    ]


def test_a_flow_to_a_service_leads_to_its_primary() -> None:
    """By the addresses that the plan has of it."""
    attempts = [tried("192.0.2.77", 636)]
    compared = compare_flows(moodle(), attempts, addresses={"ldap": ("192.0.2.77",)})
    assert (compared.declared[2].use, compared.undeclared) == (FlowUse.USED, ())


def test_what_nobody_watched_is_not_called_unused() -> None:
    """No evidence is no evidence."""
    compared = compare_flows(moodle(), None)
    uses = [each.use for each in compared.declared]
    assert uses == [*[FlowUse.UNWATCHED] * 3, FlowUse.UNSEEN]
    assert not compared.watched


def test_without_flows_all_that_was_tried_is_undeclared() -> None:
    """A service that declares none is not thereby right."""
    compared = compare_flows({"moodle": a_service()}, [tried("192.0.2.1", 25)])
    assert (len(compared.declared), len(compared.undeclared)) == (0, 1)


ACCESS = {"who": "pradrill", "to": HOST, "by": "an SSH key", "withdrawn": "with the machine"}
CLEAN = reason(Code.ACCOUNTS_AS_BEFORE, host=HOST)


def evidence(access: dict[str, Any] | None = None, **changes: Any) -> list[tuple[Proof, str]]:
    """Return what a run showed of an access."""
    service = a_service(accesses=({**ACCESS, **(access or {})},))
    record = a_record(plan=a_run_plan(services={"moodle": service}), **changes)
    (line,) = accesses(record)
    return [(each.proof, each.text.code) for each in line.evidence]


def left(kind: InventoryKind) -> Reason:
    """Return what stayed of a kind."""
    new = reason(Code.INVENTORY_NEW, kind=kind, name="mallory")
    return reason(Code.ON_HOST, host=HOST, left=new)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"erased": (CLEAN,)}, [(Proof.SHOWN, Code.ACCOUNTS_AS_BEFORE)]),
        ({"erased": ()}, [(Proof.UNKNOWN, Code.ACCESS_END_UNKNOWN)]),
        (
            {"erased": (CLEAN,), "residue": (left(InventoryKind.ACCOUNT),)},
            [(Proof.FAILED, Code.ON_HOST)],
        ),
        (
            {"erased": (), "residue": (left(InventoryKind.MOUNT),)},
            [(Proof.UNKNOWN, Code.ACCESS_END_UNKNOWN)],
        ),
        ({"steps": ()}, [(Proof.NOT_EXERCISED, Code.ACCESS_UNUSED)]),
    ],
    ids=["as before", "not seen", "an account stayed", "a mount stayed", "nothing begun"],
)
def test_an_access_that_a_drill_used_is_proven_withdrawn_or_not(
    changes: dict[str, Any], expected: list[tuple[Proof, str]]
) -> None:
    """By what the teardown saw, and by nothing else."""
    assert evidence(**changes) == expected


def test_of_an_access_elsewhere_the_standby_proves_nothing() -> None:
    """Nobody looked at the hypervisor's console: only who withdrew it there can tell."""
    console = {"to": "the hypervisor's console", "drill": True}
    assert evidence(console, erased=(CLEAN,)) == [(Proof.UNKNOWN, Code.ACCESS_END_UNKNOWN)]


def test_an_access_that_no_drill_uses_is_not_exercised() -> None:
    """Unless the plan says that drills use it; then a playbook's own word is quoted."""
    elsewhere = {"to": "the console"}
    assert evidence(elsewhere)[0][0] is Proof.NOT_EXERCISED
    steps = (
        a_step(phase=Phase.READINESS, kind=StepKind.START),
        a_step(phase=Phase.TEARDOWN, name="teardown", values={"pradrill_revoked": ["key 7"]}),
    )
    assert evidence({**elsewhere, "drill": True}, steps=steps) == [
        (Proof.SHOWN, Code.ACCESS_REVOKED)
    ]


def test_a_record_says_which_of_its_flows_it_watched() -> None:
    """A run that did not look at the standby's way out says so."""
    record: RunRecord = a_record(plan=a_run_plan(services=moodle()))
    assert not flows_of(record).watched


def egress_of(*attempts: dict[str, Any]) -> dict[str, HostEgress]:
    """Return what the standby's way out has shown."""
    return {
        HOST: HostEgress.model_validate(
            {"table": "pradrill_x", "loaded": True, "attempts": attempts}
        )
    }


def attempt(address: str, port: int, *, let_through: bool = False) -> dict[str, Any]:
    """Return what a record holds of an attempt."""
    where = {"standby": HOST, "protocol": "tcp", "address": address, "port": port}
    return {**where, "count": 2, "let_through": let_through}


def test_the_table_of_flows_and_the_finding_tell_the_same_of_each_attempt() -> None:
    """A flow to a service leads to its primary; one that others open excuses nothing."""
    plan = a_run_plan(
        services=moodle(),
        primaries={
            "ldap": PrimaryIdentity(addresses=("198.51.100.36",)),
            "moodle": PrimaryIdentity(addresses=("198.51.100.80",)),
        },
    )
    attempts = (attempt("198.51.100.36", 636), attempt("198.51.100.80", 443))
    record = a_record(plan=plan, egress=egress_of(*attempts))
    (branch,) = plan.branches
    assert [each.address for each in flows_of(record).undeclared] == ["198.51.100.80"]
    hidden = hidden_dependencies(record, branch)
    assert [each.where for each in hidden] == ["198.51.100.80:443"]


def test_what_a_run_watched_is_compared_with_flows_and_needs() -> None:
    """A flow's network and what a service needs are expected; what a drill allows is no gap."""
    needs = ({"to": "[2001:db8::7]:443", "why": "updates"},)
    attempts = (
        attempt("192.0.2.9", 8_005),
        attempt("2001:db8::7", 443),
        attempt("198.51.100.1", 22, let_through=True),
        attempt("203.0.113.5", 25),
    )
    record = a_record(plan=a_run_plan(services=moodle(needs=needs)), egress=egress_of(*attempts))
    compared = flows_of(record)
    assert compared.watched
    assert [(each.flow.to, each.count) for each in compared.declared if each.count] == [
        ("192.0.2.0/24", 2),
        ("2001:db8::7", 2),
    ]
    assert [each.address for each in compared.undeclared] == ["203.0.113.5"]
    (branch,) = record.plan.branches
    assert [each.where for each in hidden_dependencies(record, branch)] == ["203.0.113.5:25"]
