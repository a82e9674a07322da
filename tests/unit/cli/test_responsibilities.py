"""Who answers for what: `validate` refuses what nobody owns, and tells what two do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from pradrill.cli import main
from pradrill.domain.declared.responsibility import REQUIRED

ALL = "{" + ", ".join(f"{topic}: Exemple SAS" for topic in REQUIRED) + "}"
Validate = Callable[[str], tuple[int, str, str]]


@pytest.fixture
def validate(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Validate:
    """Return what validates a plan: its code and what it prints on both streams."""

    def run(text: str) -> tuple[int, str, str]:
        lines = ("plan: 1", "organisation: Exemple SAS", "providers: {hexanet: {}}")
        (tmp_path / "plan.yml").write_text("\n".join((*lines, text)))
        where = ("--state", str(tmp_path / "state"), "--drills", str(tmp_path))
        return main([*where, "validate"]), *capsys.readouterr()

    return run


def service(table: str | None, name: str = "moodle") -> str:
    """Return a service's lines in a plan."""
    more = "" if table is None else f", responsibilities: {table}"
    objectives = "objectives: {rto: 4h, rpo: 24h}"
    return f"  {name}: {{{objectives}, provider: hexanet, primary: none{more}}}"


def test_a_topic_without_an_owner_is_an_error(validate: Validate) -> None:
    """With its file and line; the table is whole or is not begun."""
    code, _, err = validate("services:\n" + service("{machines: Hexanet}"))
    assert code == 3
    assert "plan.yml:5: services.moodle.responsibilities: nobody answers for power and" in err
    assert "communication" in err
    assert "support" not in err  # the host's own, by its SLA


@pytest.mark.parametrize("owner", ['""', "", "[]", '"  "', "[null]"])
def test_an_empty_owner_is_none(validate: Validate, owner: str) -> None:
    """Whatever way it is left out, the line is named."""
    table = f"responsibilities:\n  systems: {owner}\n" + "".join(
        f"  {topic}: Exemple SAS\n" for topic in map(str, REQUIRED) if topic != "systems"
    )
    code, _, err = validate(table + "services:\n" + service(None))
    assert (code, "plan.yml:5: responsibilities.systems: nobody answers for it" in err) == (3, True)
    assert err.count("nobody answers") == 1


def test_a_service_answers_otherwise_than_the_plan(validate: Validate) -> None:
    """Its own lines count, in capitals or not; all others are the plan's."""
    whole = validate(f"responsibilities: {ALL}\nservices:\n" + service("{DNS: Hexanet}"))
    assert (whole[0], "answer for" in whole[1]) == (0, False)
    table = ALL.replace("dns: Exemple SAS", "DNS: Hexanet")
    assert validate("services:\n" + service(table))[0] == 0


@pytest.mark.parametrize(
    "owners",
    [
        "[Hexanet, Exemple SAS]",
        "Hexanet and Exemple SAS",
        "HEXANET / Exemple sas",
    ],
)
def test_two_owners_are_a_warning(validate: Validate, owners: str) -> None:
    """In a list, or in words that name two whom the plan knows; once for all services."""
    table = ALL.replace("dns: Exemple SAS", f"dns: {owners}")
    services = "\n".join((service(None), service(None, "ldap")))
    code, out, _ = validate(f"responsibilities: {table}\nservices:\n{services}")
    assert code == 0
    assert out.count("answer for dns: when two do, nobody does.") == 1
    assert "moodle, ldap: " in out


def test_a_topic_named_twice_has_two_owners(validate: Validate) -> None:
    """However it is spelt."""
    table = ALL.replace("dns: Exemple SAS", "dns: Exemple SAS, DNS: Hexanet")
    assert "answer for dns" in validate("services:\n" + service(table))[1]


def test_a_hosted_service_without_a_table_is_told(validate: Validate) -> None:
    """An old plan stays valid; the usual mistake is named."""
    code, out, _ = validate("services:\n" + service(None))
    assert (code, "moodle: hosted, and the plan does not say who answers" in out) == (0, True)
