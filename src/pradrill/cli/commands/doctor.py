"""`pradrill doctor`: every precondition of a drill, all at once."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace

from pradrill.app.composition import App
from pradrill.app.doctor import preconditions
from pradrill.cli.json_output import json_argument, print_json
from pradrill.domain.run.precondition import Precondition, answer
from pradrill.reporting.text.preconditions import conclusion, lines

EXAMPLE = "pradrill doctor files"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.description = (
        "Look at every precondition, all at once, and say with which command each that does not "
        "hold is mended. It records nothing, and changes nothing on any host."
    )
    parser.add_argument("drill", nargs="?", help="one drill, by name or file (default: all)")
    json_argument(parser)


def run(args: Namespace) -> int:
    """Print each precondition once it was looked at; exit with the code of the worst."""
    app = App(args)
    looks: list[Precondition] = []
    before: Precondition | None = None
    for each in preconditions(app, args.drill):
        looks.append(each)
        if not args.json:
            for line in lines(each, before):
                print(app.secrets.masker.text(line), flush=True)
        before = each

    code = answer(looks)
    if args.json:
        facts = [each.model_dump(mode="json") for each in looks]
        print_json(args, {"exit_code": code.value, "preconditions": facts})
    else:
        print(conclusion(looks))

    return code
