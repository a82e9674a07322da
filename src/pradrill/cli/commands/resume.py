"""`pradrill resume`: go on with a run whose process died."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.composition import App
from pradrill.app.output import beside_a_run
from pradrill.app.progress import watch
from pradrill.app.resuming import Resuming
from pradrill.cli.commands.run import tell
from pradrill.domain.values.timeline import Mark

EXAMPLE = "pradrill resume 20260610T0200"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run", help="a run's id, or any part of it that is unique")


def run(args: Namespace) -> int:
    """Go on after the last step that ended; return the run's exit code.

    A run that cannot go on is told why, and nothing of it is touched.
    """
    app = App(args)
    resuming = Resuming(app, args.run)
    plan, disruption = resuming.facts.plan, resuming.facts.marks.get(Mark.DISRUPTION)
    since = (app.clock.now() - disruption.at).total_seconds() if disruption else 0.0
    rtos = {
        str(branch.service): plan.services[str(branch.service)].objectives.rto.total_seconds()
        for branch in plan.apart
    }
    rto = plan.objectives.rto.total_seconds()
    with beside_a_run(), watch(app.log, rto, since_disruption=since, rtos=rtos) as progress:
        record = resuming.go_on(progress)
    app.settle()
    tell(app, record)
    return record.exit_code
