"""`pradrill teardown`: tear down what a killed run, or one with residue, has left."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.composition import App
from pradrill.app.damage import wrongs
from pradrill.app.launch import sweep, tear_down_again
from pradrill.app.output import beside_deeds
from pradrill.app.progress import watch
from pradrill.cli.arguments import verbose_argument
from pradrill.cli.json_output import json_argument, print_json
from pradrill.errors import ExitCode, RecordError, UsageError
from pradrill.reporting.text.teardowns import teardown_lines

EXAMPLE = "pradrill teardown 20260610T0200"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument("run", help="a run's id, or any part of it that is unique")
    verbose_argument(parser)
    json_argument(parser)


def run(args: Namespace) -> int:
    """Tear down, enter what it came to, and tell; the run's own record stays as it is."""
    beside_deeds()
    app = App(args)
    with watch(app) as progress:
        swept = {record.run_id for record in sweep(app, progress)}
        record = app.store.read(app.store.find(args.run))
        if record.run_id in swept:  # it was killed: this was its first teardown
            if args.json:
                print_json(
                    args, {"run_id": record.run_id, "left": [str(each) for each in record.residue]}
                )
            return ExitCode.RESIDUE if record.residue else ExitCode.PASSED
        before = app.teardowns(record.run_id)
        left = before[-1].left if before else record.residue
        if not left:
            raise UsageError(
                f"the run {record.run_id} has left nothing on its standby",
                hint="See what others have left: pradrill runs.",
            )

        if wrongs(app, record.run_id):
            raise RecordError(
                f"the run {record.run_id} is not what was recorded: nothing is torn down by it",
                hint="See what was changed: pradrill register verify.",
            )

        teardown = tear_down_again(app, record, progress)

    if args.json:
        print_json(args, teardown.model_dump(mode="json"))
    else:
        print(*teardown_lines([teardown]), sep="\n")
    return ExitCode.RESIDUE if teardown.left else ExitCode.PASSED
