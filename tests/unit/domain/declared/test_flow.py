"""Flows and accesses of the plan: what may be written, and what is refused with its line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from pradrill.config.loader import load_plan
from pradrill.config.problems import ConfigurationProblemsError
from pradrill.domain.declared.flow import Flow

FLOW = "{from: moodle, to: smtp.exemple.fr, port: 587, why: mails}"
ACCESS = "{who: on-call, to: the console, by: VPN, withdrawn: with the account}"


def problems(tmp_path: Path, flows: str = "", accesses: str = "") -> list[str]:
    """Return what is wrong with a plan that has these."""
    path = tmp_path / "plan.yml"
    path.write_text(
        "plan: 1\norganisation: Exemple\nservices:\n  moodle:\n"
        "    objectives: {rto: 4h, rpo: 24h}\n"
        f"    flows: [{flows}]\n    accesses: [{accesses}]\n"
    )
    try:
        load_plan(path)
    except ConfigurationProblemsError as error:
        return [f"{each.line}: {each.path}: {each.message}" for each in error.problems]
    return []


def test_a_port_is_a_number_a_range_or_one_of_udp(tmp_path: Path) -> None:
    """Each is understood."""
    for port, (protocol, ports) in {
        "443": ("tcp", range(443, 444)),
        "443/tcp": ("tcp", range(443, 444)),
        "53/udp": ("udp", range(53, 54)),
        "8000-8010": ("tcp", range(8000, 8011)),
    }.items():
        assert problems(tmp_path, FLOW.replace("587", port)) == []
        flow = Flow.model_validate({"from": "a", "to": "b", "port": port, "why": "c"})
        assert (flow.protocol, flow.ports) == (protocol, ports)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("587", "0", "ports go from 1 to 65535"),
        ("587", "65536", "ports go from 1 to 65535"),
        ("587", "8010-8000", "ports go from 1 to 65535"),
        ("587", "https", "is no port: write 443"),
        ("587", "true", "is no port"),
        ("587", "[80, 443]", "is no port"),
        ("smtp.exemple.fr", '"smtp.exemple.fr:587"', "has a port: write it under port"),
        ("smtp.exemple.fr", '"https://smtp.exemple.fr"', "write the host alone"),
        ("smtp.exemple.fr", '"192.0.2.300"', "neither an address nor a network"),
        ("smtp.exemple.fr", '"192.0.2.0/40"', "neither an address nor a network"),
        ("moodle", '" "', "must not be empty"),
        (", why: mails", "", "why is missing"),
        ("why: mails", 'why: ""', "must not be empty"),
        ("why", "because", '"because" is not a known key'),
    ],
)
def test_a_wrong_flow_is_refused_with_its_line(
    tmp_path: Path, old: str, new: str, words: str
) -> None:
    """Ports, names, and what is missing."""
    lines = problems(tmp_path, FLOW.replace(old, new))
    where = "6: services.moodle.flows[0]"
    assert any(each.startswith(where) and words in each for each in lines)


def test_an_access_without_an_end_is_refused(tmp_path: Path) -> None:
    """How it is withdrawn is not left out, and not empty."""
    assert problems(tmp_path, accesses=ACCESS) == []
    for wrong in (
        ACCESS.replace(", withdrawn: with the account", ""),
        ACCESS.replace("with the account", '""'),
        ACCESS.replace("with the account", '"  "'),
    ):
        (problem,) = problems(tmp_path, accesses=wrong)
        assert problem.startswith("7: services.moodle.accesses[0]")


def test_the_same_twice_is_refused(tmp_path: Path) -> None:
    """In capitals or not; another port is another flow."""
    twice = f"{FLOW}, {FLOW.replace('smtp', 'SMTP').replace('mails', 'others')}"
    assert any("is there already" in each for each in problems(tmp_path, twice))
    assert any("is there already" in each for each in problems(tmp_path, "", f"{ACCESS}, {ACCESS}"))
    assert problems(tmp_path, f"{FLOW}, {FLOW.replace('587', '25')}") == []


def test_a_flow_is_written_as_it_was_read() -> None:
    """A record of it is read again."""
    payload: dict[str, Any] = {"from": "a", "to": "2001:db8::/32", "port": 53, "why": "b"}
    flow = Flow.model_validate(payload)
    assert Flow.model_validate_json(flow.model_dump_json()) == flow
    assert flow.model_dump()["from"] == "a"
    assert flow.leads_to("2001:db8::1")
    assert not flow.leads_to("2001:db9::1")
