"""`pradrill run` of an exercise, as a process of its own: all is real but what touches a standby.

Usage: watched_exercise.py STATE DEADLINE [NOTIFY…]; the exercise asks to switch the DNS, then to
accept.
"""

from __future__ import annotations

import sys
import time
from argparse import Namespace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pradrill.adapters.clock import SteadyClock
from pradrill.app import launch, tools
from pradrill.app.composition import App
from pradrill.cli import watched_run
from pradrill.domain.declared.drill import Kind
from pradrill.domain.declared.plan import Plan
from pradrill.engine.planning import plan_run
from pradrill.testing import (
    FakeProbe,
    FakeRunner,
    FakeStandby,
    FakeVerification,
    FakeVerifier,
    a_drill,
    a_host,
    a_service,
)


class Quick(SteadyClock):
    """The real time; playbooks take a hundredth of theirs."""

    def wall(self) -> datetime:
        """Return the system's time."""
        return datetime.now(UTC)

    def sleep(self, seconds: float) -> None:
        """Wait a little."""
        time.sleep(seconds / 100)


def main(state: str, deadline: str, *notify: str) -> int:
    """Run the exercise and tell of it."""
    dns = {
        "manual": "switch the DNS",
        "who": "operator",
        "instruction": "point moodle at 198.51.100.20",
        "deadline": deadline,
        "responsibility": "dns",
    }
    accept = {"manual": "accept Moodle", "who": "owner", "instruction": "look", "deadline": "20s"}
    verify = a_drill().ways[None].verify.model_dump(mode="json") | {"stable_for": "0s"}
    drill = a_drill(
        kind=Kind.EXERCISE,
        unattended=False,
        restore=({"playbook": "restore.yml"}, dns),
        verify=verify,
        accept=(accept,),
    )
    plan = plan_run(
        drill,
        drill_file=Path("moodle.yml"),
        plan=Plan(
            plan=3,
            organisation="Exemple",
            notify=notify,
            services={"moodle": a_service(provider=None)},
        ),
        hosts=[a_host()],
        primaries={"moodle": a_service().primary},
        files=[],
    )
    app = App(Namespace(state=Path(state), log=None, drills=None))
    quick: Any = Quick()
    real = tools.tools_for

    def replaced(*arguments: Any) -> Any:
        return real(*arguments)._replace(
            probe=FakeProbe(newest=quick.wall() - timedelta(hours=1)),
            runner=FakeRunner(quick),
            verifier=FakeVerifier(FakeVerification(quick)),
            leases=None,
        )

    vars(tools).update(_standby=lambda _app, _plan: FakeStandby())
    vars(launch).update(tools_for=replaced)
    record = watched_run.carry_out(app, plan, trigger="cli")
    watched_run.tell(app, record)
    return record.exit_code


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
