"""Build a small estate for tests: a directory and a database side by side, then an application."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pradrill.domain.declared.drill import Drill
from pradrill.domain.declared.plan import Plan, PrimaryIdentity
from pradrill.domain.run.host import Host
from pradrill.domain.run.outcome import CheckResult
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.planning import plan_run
from pradrill.testing.builders import a_check
from pradrill.testing.fake_standby import FakeVerification, a_host
from pradrill.testing.fakes import FakeClock

_HOME = Path("/etc/pradrill")
DEPENDS_ON = {"directory": (), "database": (), "application": ("directory", "database")}


def place(service: str) -> str:
    """Return the host that a service of the estate is recovered on."""
    return f"{service}-standby"


def an_estate_drill(services: Mapping[str, Any] = DEPENDS_ON, **changes: Any) -> Drill:
    """Return the declaration of a drill that recovers each service on its own host."""
    fields: dict[str, Any] = {
        "drill": "estate",
        "scenario": {"name": "loss of the hosting site"},
        "standby": {"inventory": _HOME / "inventories/estate.yml", "hosts": "standby"},
        "recover": {name: a_way(name) for name in services},
    }
    return Drill.model_validate({**fields, **changes})


def a_way(service: str, **changes: Any) -> dict[str, Any]:
    """Return how a service of the estate is recovered."""
    playbooks = _HOME / "playbooks"
    fields: dict[str, Any] = {
        "hosts": place(service),
        "restore": [{"playbook": playbooks / f"restore_{service}.yml", "deadline": "1h"}],
        "verify": {
            "checks": _HOME / "drills/checks" / service,
            "newest_data": {"command": f"newest-of-{service}"},
            "must_not_reach": [f"{service}.prod.exemple.fr:443"],
        },
        "teardown": [{"playbook": playbooks / f"teardown_{service}.yml", "deadline": "5m"}],
    }
    return {**fields, **changes}


def an_estate(
    depends_on: Mapping[str, tuple[str, ...]] = DEPENDS_ON,
    *,
    drill: Drill | None = None,
    hosts: tuple[Host, ...] | None = None,
    rto: Mapping[str, str] | None = None,
) -> RunPlan:
    """Return the estate's drill, resolved; every objective is 4 h and 24 h unless `rto` says so."""
    drill = drill or an_estate_drill(depends_on)
    services = {
        name: {
            "objectives": {"rto": (rto or {}).get(name, "4h"), "rpo": "24h"},
            "depends_on": needed,
        }
        for name, needed in depends_on.items()
    }
    plan = Plan.model_validate({"plan": 3, "organisation": "Exemple SAS", "services": services})
    return plan_run(
        drill,
        drill_file=_HOME / "drills/estate.yml",
        plan=plan,
        hosts=estate_hosts(drill.services) if hosts is None else hosts,
        primaries={name: PrimaryIdentity(waived=True) for name in drill.services},
        files=(),
        places={name: (place(name),) for name in drill.services},
    )


def estate_hosts(services: Any = DEPENDS_ON) -> tuple[Host, ...]:
    """Return the standby's hosts, one per service."""
    return tuple(
        a_host(name=place(name), address=f"198.51.100.{number}")
        for number, name in enumerate(services, 20)
    )


def estate_checks(service: str) -> list[CheckResult]:
    """Return the one check of a service. All services' checks are called the same."""
    return [a_check(host=place(service), title=f"{service} answers")]


def estate_verifications(
    clock: FakeClock, services: Any = DEPENDS_ON, **scripted: Any
) -> dict[str, Any]:
    """Return each service's verification, green at once unless `scripted` otherwise."""
    return {
        name: scripted.get(name) or FakeVerification(clock, suite=estate_checks(name))
        for name in services
    }
