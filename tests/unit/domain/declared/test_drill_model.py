"""The drill and the plan as declared: what their models refuse."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from pradrill.domain.declared.drill import (
    Drill,
    NewestData,
    Scenario,
    Verify,
)
from pradrill.domain.declared.plan import Objectives, Plan, Service
from pradrill.domain.declared.playbook_step import PlaybookStep
from pradrill.domain.declared.standby import AnyStandby
from pradrill.domain.run.run_plan import governing
from pradrill.domain.values.model import Model, RelativePath
from pradrill.testing import a_drill, a_service

OBJECTIVES = {"rto": "4h", "rpo": "24h"}
VERIFY: dict[str, Any] = {
    "checks": "checks",
    "newest_data": {"command": "newest"},
    "must_not_reach": ["db.prod:3306"],
}


def refused(model: type[Model], because: str, value: dict[str, Any]) -> None:
    """See that the model refuses the value, and says why."""
    with pytest.raises(ValidationError, match=because):
        model.model_validate(value)


def refused_standby(because: str, value: dict[str, Any]) -> None:
    """See that no kind of standby takes the value, and why."""
    with pytest.raises(ValidationError, match=because):
        TypeAdapter(AnyStandby).validate_python(value)


def test_an_unknown_key_is_refused() -> None:
    """A misspelt key is a problem, not a default."""
    refused(Objectives, "rt0", {**OBJECTIVES, "rt0": "4h"})


def test_a_model_never_changes() -> None:
    """What was validated is what is recorded."""
    with pytest.raises(ValidationError, match="frozen"):
        a_drill().unattended = False  # type: ignore[misc]


@pytest.mark.parametrize("missing", ["rto", "rpo"])
def test_an_objective_has_no_default(missing: str) -> None:
    """A service without an objective cannot be said to meet it."""
    refused(Objectives, missing, {k: v for k, v in OBJECTIVES.items() if k != missing})


def test_mtpd_is_no_shorter_than_the_rto() -> None:
    """An objective met after the company is lost is no objective."""
    refused(Objectives, "mtpd", {**OBJECTIVES, "mtpd": "3h59m"})
    assert Objectives.model_validate({**OBJECTIVES, "mtpd": "4h"}).mtpd == timedelta(hours=4)


def test_every_dangling_reference_of_a_plan_is_told_at_once() -> None:
    """Dependencies and providers that do not exist are named together."""
    services = {
        "moodle": {"objectives": OBJECTIVES, "depends_on": ["ldap"], "provider": "hexanet"},
        "wiki": {"objectives": OBJECTIVES, "depends_on": ["moodle", "sso"]},
    }
    with pytest.raises(ValidationError) as refusal:
        Plan.model_validate({"plan": 1, "organisation": "Exemple", "services": services})
    message = str(refusal.value)
    assert all(name in message for name in ('"ldap"', '"sso"', '"hexanet"'))


def test_a_plan_without_a_service_is_refused() -> None:
    """An empty plan drills nothing and would never be overdue."""
    refused(Plan, "services", {"plan": 1, "organisation": "Exemple", "services": {}})


def test_the_strictest_objective_governs() -> None:
    """With several services the shortest RTO and RPO count, each with its owner named."""
    services = {
        "a": a_service(objectives=Objectives.model_validate({"rto": "1h", "rpo": "9h"})),
        "b": a_service(objectives=Objectives.model_validate({"rto": "2h", "rpo": "3h"})),
    }
    governor = governing(services)
    assert (governor.rto, governor.rto_of) == (timedelta(hours=1), "a")
    assert (governor.rpo, governor.rpo_of) == (timedelta(hours=3), "b")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"vm": "lab", "inventory": "hosts.yml", "hosts": "standby"},
        {"inventory": "hosts.yml"},
        {"inventory": "hosts.yml", "hosts": ""},
    ],
)
def test_a_standby_is_one_thing_and_named(value: dict[str, Any]) -> None:
    """Either a lab machine, or hosts of an inventory, never both and never every host."""
    refused_standby("inventory|hosts", value)


@pytest.mark.parametrize("name", ["../lab", "Lab", "-x", "a" * 40, ""])
def test_a_machines_name_is_no_path_and_no_option(name: str) -> None:
    """A name can be put into a path and on a command line."""
    refused_standby("vm", {"vm": name})


@pytest.mark.parametrize("secret", ["hunter2", "env:", "vault:x", "", "plain:x"])
def test_a_secret_is_named_never_written(secret: str) -> None:
    """A value that is not the name of a place is refused."""
    value = {"playbook": "p.yml", "secrets": {"restic_password": secret}}
    refused(PlaybookStep, "never written here", value)


@pytest.mark.parametrize("deadline", ["0s", "0.5s", "999ms"])
def test_a_deadline_under_a_second_is_refused(deadline: str) -> None:
    """ansible-runner would make no deadline at all of it."""
    refused(PlaybookStep, r"at least 1s|longer than zero", {"playbook": "p", "deadline": deadline})


@pytest.mark.parametrize("endpoint", ["db.prod", "db.prod:", ":3306", "db:0", "db:65536", "db:x"])
def test_an_endpoint_is_a_host_and_a_port(endpoint: str) -> None:
    """What cannot be connected to cannot prove isolation."""
    refused(Verify, "HOST:PORT", {**VERIFY, "must_not_reach": [endpoint]})


def test_isolation_has_something_to_prove() -> None:
    """Without one production endpoint the drill is refused."""
    refused(Verify, "must_not_reach", {**VERIFY, "must_not_reach": []})


@pytest.mark.parametrize("value", [{}, {"command": "a", "value": "b"}])
def test_newest_data_has_one_source(value: dict[str, Any]) -> None:
    """The recovery point is read from one place."""
    refused(NewestData, "either command or value", value)


@pytest.mark.parametrize(
    ("because", "value"),
    [
        ("needs its interval", {"role": "heartbeat", "command": "a"}),
        ("either command or value", {"beat": {"role": "heartbeat"}}),
        ("either command or value", {}),
        ("pattern", {"../x": {"command": "a"}}),
        ("extra_forbidden", {"comand": "a"}),
        ("role", {"command": "a", "role": "proof"}),
    ],
)
def test_every_source_of_newest_data_is_whole(because: str, value: dict[str, Any]) -> None:
    """A heartbeat says its interval; several sources have names that can be shown."""
    refused(Verify, because, {**VERIFY, "newest_data": value})


def test_newest_data_is_one_source_or_several() -> None:
    """One source needs no name; several are a mapping, and both survive the record's JSON."""
    one = Verify.model_validate(VERIFY)
    assert list(one.readings) == ["newest data"]
    beats = {"role": "heartbeat", "command": "beat", "interval": "1s"}
    sources = {"heartbeat": beats, "rows": {"command": "newest"}}
    several = Verify.model_validate({**VERIFY, "newest_data": sources})
    assert list(several.readings) == ["heartbeat", "rows"]
    for each in (one, several):
        assert Verify.model_validate_json(each.model_dump_json()) == each


@pytest.mark.parametrize("canary", [{"command": "a"}, {"command": "a", "expect": "hunter2"}])
def test_a_canary_is_named_never_written(canary: dict[str, Any]) -> None:
    """The planted value itself cannot stand in a drill."""
    refused(Verify, "canary", {**VERIFY, "canary": canary})


@pytest.mark.parametrize("zone", ["Paris", "CEST+2", "../etc/passwd", ""])
def test_a_time_zone_exists(zone: str) -> None:
    """A zone that nobody knows is a problem before the drill, not at its end."""
    refused(NewestData, "not a time zone", {"command": "a", "timezone": zone})


@pytest.mark.parametrize("at", ["yesterday", "2026-03-10T02:00:00"])
def test_a_declared_disruption_has_its_zone(at: str) -> None:
    """A T0 an hour off is a wrong RTA."""
    refused(Scenario, "disruption", {"name": "fire", "disruption": at})


def test_a_declared_disruption_is_kept_in_utc() -> None:
    """Whatever zone a person writes, one is kept."""
    scenario = Scenario.model_validate({"name": "fire", "disruption": "2026-03-10T04:00:00+02:00"})
    assert scenario.disruption == datetime(2026, 3, 10, 2, tzinfo=UTC)
    assert isinstance(scenario.disruption, datetime)
    assert scenario.disruption.tzinfo is UTC


def test_a_standby_that_is_kept_is_torn_down() -> None:
    """A drill on inventory hosts declares its teardown; a lab machine is thrown away."""
    with pytest.raises(ValidationError, match="teardown is missing"):
        a_drill(teardown=())
    assert a_drill(teardown=(), standby={"vm": "standby"}).teardown == ()


@pytest.mark.parametrize("field", ["services", "restore"])
def test_a_drill_restores_something(field: str) -> None:
    """A drill without a service or a restore proves nothing."""
    with pytest.raises(ValidationError, match=field):
        a_drill(**{field: ()})


@pytest.mark.parametrize("name", ["../x", "Moodle", "a b", "", "-x"])
def test_a_drills_name_can_name_a_folder(name: str) -> None:
    """Run ids are made of it."""
    with pytest.raises(ValidationError, match="drill"):
        a_drill(drill=name)


def test_paths_are_relative_to_the_file_that_names_them(tmp_path: Path) -> None:
    """A drill can be launched from anywhere."""

    class Named(Model):
        path: RelativePath

    model = Named.model_validate({"path": "../x.yml"}, context={"folder": tmp_path / "drills"})
    assert model.path == tmp_path.resolve() / "x.yml"


def test_a_drill_in_json_can_be_read_again() -> None:
    """The drill embedded in a record is the drill that ran."""
    drill = a_drill()
    assert Drill.model_validate_json(drill.model_dump_json()) == drill
    service = a_service()
    assert Service.model_validate_json(service.model_dump_json()) == service
