"""`pradrill abort`: stop a run from another terminal, through its teardown."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from datetime import timedelta

from pradrill.adapters.questions.files import FilePeople
from pradrill.app.author import user
from pradrill.app.composition import App
from pradrill.app.output import beside_deeds
from pradrill.app.running import running
from pradrill.cli.json_output import json_argument, print_json
from pradrill.domain.run.abort import Abort
from pradrill.domain.run.event import Event
from pradrill.domain.run.outcome import Phase
from pradrill.errors import ExitCode, UsageError
from pradrill.ports import Journal

EXAMPLE = "pradrill abort moodle"

_PATIENCE = timedelta(seconds=15)
_TICK = 0.1


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run", help="a run's id, or any part of it that is unique")
    json_argument(parser)


def run(args: Namespace) -> int:
    """Ask the run to stop, and wait until its journal says that it does."""
    beside_deeds()
    app = App(args)
    journal = running(
        app.store,
        args.run,
        in_vain="there is nothing to abort",
        hint="See what it came to: pradrill runs.",
    )
    if _is_torn_down(journal):
        raise UsageError(
            f"the run {journal.run_id} is being torn down already: there is nothing to abort",
            hint="See what it came to: pradrill runs.",
        )
    wish = Abort(by=user(), asked=app.clock.now())
    FilePeople().abort(journal.folder, wish)
    outcome = _outcome(app, journal, wish)
    if args.json:
        print_json(args, {"run_id": journal.run_id, "by": wish.by, "outcome": outcome})
    else:
        print(outcome)
    return ExitCode.PASSED


def _outcome(app: App, journal: Journal, wish: Abort) -> str:
    """Say what the run answers: that it stops, that it was too late, or nothing yet."""
    while app.clock.now() < wish.asked + _PATIENCE:
        if any(event == Event.ABORTED for event, _, _ in journal.events()):
            return f"{journal.run_id} stops, as {wish.by} wants: its standby is torn down first"
        if _is_torn_down(journal):
            return f"{journal.run_id} had come to its teardown by itself: it ends as it is"
        app.clock.sleep(_TICK)
    seconds = _PATIENCE.total_seconds()
    return f"{journal.run_id} has not answered within {seconds:g} s: see pradrill runs"


def _is_torn_down(journal: Journal) -> bool:
    """Tell whether the run's teardown has begun."""
    return any(
        event == Event.STEP_STARTED and facts.get("phase") == Phase.TEARDOWN
        for event, _, facts in journal.events()
    )
