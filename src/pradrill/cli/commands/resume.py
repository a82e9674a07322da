"""`pradrill resume`: go on with a run whose process died."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.composition import App
from pradrill.app.notifications.news import tell_news
from pradrill.app.output import beside_deeds
from pradrill.app.progress import watch
from pradrill.app.resuming import Resuming
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.json_output import json_argument
from pradrill.cli.watched_run import tell
from pradrill.domain.values.timeline import Mark

EXAMPLE = "pradrill resume 20260610T0200"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run", help="a run's id, or any part of it that is unique")
    verbose_argument(parser)
    json_argument(parser, "print how it ended as a line of JSON")


def run(args: Namespace) -> int:
    """Go on after the last step that ended; return the run's exit code.

    A run that cannot go on is told why, and nothing of it is touched.
    """
    beside_deeds()
    app = App(args)
    start = app.clock.now()
    resuming = Resuming(app, args.run)
    plan, disruption = resuming.facts.plan, resuming.facts.marks.get(Mark.DISRUPTION)
    since = (app.clock.now() - disruption.at).total_seconds() if disruption else 0.0
    with watch(app, plan, since_disruption=since) as progress:
        record = resuming.go_on(progress)
    app.settle()
    tell(app, record)
    tell_news(app, start, last=True)
    return record.exit_code
