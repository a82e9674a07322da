"""Run a plan under whoever watches, and say how it ended: for every command that runs drills."""

from __future__ import annotations

import sys
from datetime import datetime

from pradrill.app.composition import App
from pradrill.app.program import program
from pradrill.cli.json_output import print_line
from pradrill.domain.run.record import RunRecord
from pradrill.domain.run.run_plan import RunPlan
from pradrill.domain.values.timeline import Instant, Provenance
from pradrill.engine.context import Disruption
from pradrill.errors import ExitCode
from pradrill.reporting.run.run_end import run_end
from pradrill.reporting.text.summary import summary


def carry_out(  # noqa: PLR0913 what a run may be told
    app: App,
    plan: RunPlan,
    *,
    trigger: str,
    disruption: Disruption | None = None,
    due: datetime | None = None,
    last: bool = False,
    rehearsal: bool = False,
) -> RunRecord:
    """Sweep crashed runs, then run the plan under whoever watches.

    `due`: by the schedule; `last`: its process does nothing after it but tell.
    """
    from pradrill.app.launch import launch, sweep  # noqa: PLC0415 what only tells does without
    from pradrill.app.progress import watch  # noqa: PLC0415

    if disruption is None:
        disruption = _declared_disruption(plan)
    now = app.clock.now()
    since = (now - disruption.instant.at).total_seconds() if disruption else 0.0

    with watch(app, plan, since_disruption=since) as progress:
        sweep(app, progress)
        return launch(
            app,
            plan,
            progress,
            trigger=trigger,
            disruption=disruption,
            due=due,
            last=last,
            rehearsal=rehearsal,
        )


def _declared_disruption(plan: RunPlan) -> Disruption | None:
    """Return the T0 that a person wrote into the drill, if it is not the launch."""
    declared = plan.drill.scenario.disruption
    if not isinstance(declared, datetime):
        return None
    return Disruption(Instant.around(declared, Provenance.ENTERED))


def tell(app: App, record: RunRecord) -> None:
    """Print the summary; say nothing when nobody watches and the drill passed.

    With --json: a line for programs, whoever watches.
    """
    if app.for_programs:
        print_line(app.args, run_end(record, app.store.runs / record.run_id))
        return

    watched = sys.stdout.isatty() or sys.stderr.isatty() or app.verbose
    if watched or record.exit_code != ExitCode.PASSED:
        folder = app.store.runs / record.run_id
        findings = app.open_findings(record)
        print(summary(record, folder, app.head(), findings, program()), end="")
