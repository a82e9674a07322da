"""What tells machines apart: read strictly where it is written, compared as what it means."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pradrill.config.loader import load_plan, read_document, validate
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Plan, PrimaryIdentity
from pradrill.domain.run.guard import GuardKind
from pradrill.domain.run.outcome import GuardOutcome, GuardResult
from pradrill.domain.values.identity import print_of
from pradrill.engine.guards import identity_guards
from pradrill.testing import STANDBY_KEY, a_host, host_facts

OTHER_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0rYPuAh3qaMxIhlgU4hzQWIgWsl3/fkUvCtqLL8lZC"
STANDBY_PRINT = "SHA256:HQP2HgDhP5criWjoVDwpueG8F3O9HWUGjuemQslYgFU"
RSA_OF_ANOTHER_TYPE = "ssh-rsa " + STANDBY_KEY.split()[1]
PLAN = """\
plan: 1
organisation: Exemple SAS
services:
  shop:
    objectives: {{rto: 15m, rpo: 1h}}
    primary:
      {kind}: ["{value}"]
"""
DRILL = """\
drill: shop
services: [shop]
scenario: {{name: loss}}
standby: {{vm: standby}}
restore: [{{playbook: restore.yml}}]
verify:
  checks: checks
  newest_data: {{command: "true"}}
  must_not_reach: ["{endpoint}"]
"""


def a_plan(folder: Path, kind: str, value: str) -> Plan:
    """Load a plan whose primary is named so."""
    path = folder / "plan.yml"
    path.write_text(PLAN.format(kind=kind, value=value), encoding="utf-8")
    return load_plan(path)


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        *(("addresses", each) for each in ("10.177.66.300", "db.prod", "10.0.0.0/24", "<-", "")),
        *(
            ("addresses", each)
            for each in ("10.0.0.010", "[2001:db8::1]", "2001:db8::g", " 10.0.0.1")
        ),
        *(("host_keys", each) for each in ("xyz", "<-", "", "ssh-ed25519", "ssh-ed25519 AAAA")),
        *(("host_keys", each) for each in (OTHER_KEY[:-4], RSA_OF_ANOTHER_TYPE, "SHA256:short")),
        *(("addresses", each) for each in ("0.0.0.0", "::", "255.255.255.255", "224.0.0.1")),  # noqa: S104
        *(("host_keys", f"SHA256:{each}") for each in ("A" * 43, "AB" * 21 + "B")),
        ("host_keys", OTHER_KEY.replace("ssh-ed25519", "ssh-ed25519-cert-v01@openssh.com", 1)),
        ("host_keys", f"web.prod {OTHER_KEY}"),
        ("host_keys", OTHER_KEY.split()[1]),
        *(("machine_ids", each) for each in ("xyz", "<-", "", "a0" * 15, "a0" * 17, "0" * 32)),
        ("machine_ids", "a0b1c2d3-a0b1-c2d3-a0b1-c2d3a0b1c2d3"),
    ],
)
def test_a_value_that_names_no_machine_is_refused_at_its_line(
    tmp_path: Path, kind: str, value: str
) -> None:
    """It would differ from every machine, and its guard would always be proven."""
    with pytest.raises(ConfigurationProblemsError) as refused:
        a_plan(tmp_path, kind, value)
    (problem,) = refused.value.problems
    assert (problem.line, problem.path) == (7, f"services.shop.primary.{kind}[0]")


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("addresses", "2001:DB8:0::1"),
        ("host_keys", f"{OTHER_KEY} root@web"),
        ("host_keys", STANDBY_PRINT),
        ("machine_ids", "A0B1" * 8),
    ],
)
def test_a_value_that_names_a_machine_is_taken(tmp_path: Path, kind: str, value: str) -> None:
    """Keys with a comment or as a fingerprint, any spelling of an address."""
    assert getattr(a_plan(tmp_path, kind, value).services["shop"].primary, kind)


def test_primary_none_says_that_there_is_nothing_to_compare_with(tmp_path: Path) -> None:
    """It is a word of its own, and no list beside it; an empty primary is not it."""
    path = tmp_path / "plan.yml"
    head = PLAN.partition("    primary:")[0].replace("{{", "{").replace("}}", "}")
    path.write_text(head + "    primary: none\n", encoding="utf-8")
    assert load_plan(path).services["shop"].primary.waived
    path.write_text(head, encoding="utf-8")
    assert not load_plan(path).services["shop"].primary.waived
    for wrong in ("nothing", "[none]", "{waived: true, addresses: [192.0.2.1]}"):
        path.write_text(f"{head}    primary: {wrong}\n", encoding="utf-8")
        with pytest.raises(ConfigurationProblemsError):
            load_plan(path)


@pytest.mark.parametrize(
    "endpoint",
    [
        *("db.prod", "db.prod:", ":3306", "db.prod:0", "db.prod:65536", "db.prod:03306"),
        *("db prod:3306", " db.prod:3306", "db.prod:3306 ", "db.prod: 3306", "db..prod:1"),
        *("tcp://db.prod:3306", "https://db.prod:443/", "db.prod:3306/x", "user@db.prod:22"),
        *("2001:db8::1:3306", "[2001:db8::g]:3306", "[192.0.2.1]:22", "192.0.2.300:22"),
        *(
            "192.0.2.010:22",
            "192.0.2:22",
            "<-:3306",
            "-db.prod:1",
            "db.prod-:1",
            "db.prod:\N{ARABIC-INDIC DIGIT ONE}",
        ),
        *("0.0.0.0:22", "[::]:22", "224.0.0.1:22", "255.255.255.255:22"),
        *("127.0.0.1:22", "127.3.2.1:22", "[::1]:22", "[::ffff:127.0.0.1]:22", "localhost:22"),
        *("LOCALHOST.:22", "db.localhost:22", "localhost.localdomain:22", "ip6-loopback:22"),
    ],
)
def test_an_endpoint_that_cannot_be_is_refused_at_its_line(tmp_path: Path, endpoint: str) -> None:
    """A slip in must_not_reach would be closed for ever, and prove nothing."""
    path = tmp_path / "drill.yml"
    path.write_text(DRILL.format(endpoint=endpoint), encoding="utf-8")
    with pytest.raises(ConfigurationProblemsError) as refused:
        validate(read_document(path), Drill)
    (problem,) = refused.value.problems
    assert (problem.line, problem.path) == (9, "verify.must_not_reach[0]")


@pytest.mark.parametrize(
    "endpoint", ["db.prod.:3306", "db_1:3306", "192.0.2.1:22", "[2001:db8::1]:22", "localhosts:1"]
)
def test_an_endpoint_that_can_be_is_taken(tmp_path: Path, endpoint: str) -> None:
    """Names, addresses, and IPv6 in brackets."""
    path = tmp_path / "drill.yml"
    path.write_text(DRILL.format(endpoint=endpoint), encoding="utf-8")
    assert validate(read_document(path), Drill).must_not_reach() == (endpoint,)


def test_records_of_before_are_read_for_ever() -> None:
    """What was recorded before these rules is read as it stands; only what is written is held."""
    old = PrimaryIdentity(addresses=("10.177.66.300",), host_keys=("xyz",), machine_ids=("xyz",))
    assert PrimaryIdentity.model_validate_json(old.model_dump_json()) == old


def not_primary(primary: PrimaryIdentity, **facts: Any) -> GuardResult:
    """Return what the comparison with a primary came to."""
    results = identity_guards(a_host(), host_facts(**facts), {"shop": primary})
    (result,) = [each for each in results if str(each.guard) == "not-primary-of-shop"]
    return result


@pytest.mark.parametrize(
    "primary",
    [
        PrimaryIdentity(),
        PrimaryIdentity(vm="primary"),  # a machine of the lab, which was never made
        PrimaryIdentity(addresses=("10.177.66.300",), host_keys=("xyz",), machine_ids=("xyz",)),
        PrimaryIdentity(host_keys=("ssh-rsa " + OTHER_KEY.split()[1],)),
        PrimaryIdentity(addresses=("127.0.0.1", "::1", "169.254.1.1", "fe80::1")),
    ],
)
def test_a_comparison_with_nothing_proves_nothing(primary: PrimaryIdentity) -> None:
    """Nothing named, nothing valid, or only a key of another type: unproven, with what to do."""
    result = not_primary(primary)
    assert result.outcome is GuardOutcome.UNPROVEN
    assert "primary: none" in result.detail.text


@pytest.mark.parametrize(
    ("primary", "facts"),
    [
        (PrimaryIdentity(addresses=("2001:0db8:0::0001",)), {"addresses": ("2001:db8::1",)}),
        (PrimaryIdentity(addresses=("192.0.2.7",)), {"addresses": ("::ffff:192.0.2.7",)}),
        (PrimaryIdentity(addresses=("::ffff:192.0.2.7",)), {"addresses": ("192.0.2.7",)}),
        (PrimaryIdentity(addresses=("fe80::1",)), {"addresses": ("fe80::1%eth0",)}),
        (PrimaryIdentity(addresses=("192.0.2.7",)), {"peer": "192.0.2.7"}),
        (PrimaryIdentity(addresses=("127.0.0.1",)), {"peer": "127.0.0.1"}),
        (PrimaryIdentity(host_keys=(print_of(OTHER_KEY),)), {"other_keys": (OTHER_KEY,)}),
        (PrimaryIdentity(host_keys=(STANDBY_PRINT,)), {}),
        (PrimaryIdentity(host_keys=(f"{STANDBY_KEY} root@web",)), {}),
        (PrimaryIdentity(machine_ids=("5F" * 16,)), {}),
    ],
)
def test_every_spelling_of_a_primary_is_the_primary(
    primary: PrimaryIdentity, facts: dict[str, Any]
) -> None:
    """Addresses are compared as addresses, keys by their fingerprint, ids in any case."""
    assert not_primary(primary, **facts).outcome is GuardOutcome.REFUSED


def test_what_was_not_compared_is_said() -> None:
    """A primary with addresses alone is told apart by them, and the record says so."""
    result = not_primary(PrimaryIdentity(addresses=("192.0.2.7",)))
    assert result.outcome is GuardOutcome.PROVEN
    assert result.detail.text == "differs; not compared: host key, machine-id"


def test_another_services_primary_is_production_too() -> None:
    """The plan's other services have primaries: none of them is a standby, drilled or not."""
    primaries = {"shop": PrimaryIdentity(waived=True), "wiki": PrimaryIdentity(vm=None)}
    wiki = {**primaries, "wiki": PrimaryIdentity(machine_ids=("5f" * 16,))}
    results = identity_guards(a_host(), host_facts(), wiki, services=["shop"])
    refused = [str(each.guard) for each in results if each.outcome is GuardOutcome.REFUSED]
    assert refused == ["not-primary-of-wiki"]
    silent = identity_guards(a_host(), host_facts(), primaries, services=["shop"])
    assert all(each.holds for each in silent)  # what the other one is, nobody has said


def test_a_key_that_cannot_be_read_proves_nothing() -> None:
    """A host key that is no key leaves the host unproven."""
    results = identity_guards(a_host(), host_facts(host_key="ssh-ed25519 not/base64!"), {})
    assert [each.outcome for each in results if each.guard.kind is GuardKind.HOST_KEY] == [
        GuardOutcome.UNPROVEN
    ]
