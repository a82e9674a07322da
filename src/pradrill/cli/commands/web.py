"""`pradrill web`: what the commands tell, as pages for a browser; read-only."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

from pradrill.cli.json_output import json_argument, print_line
from pradrill.errors import ConfigurationError, ExitCode

EXAMPLE = "pradrill web --port 8300 --lang fr"


def arguments(parser: ArgumentParser) -> None:
    """Declare what the command takes."""
    parser.add_argument(
        "--bind",
        default="127.0.0.1",
        metavar="ADDRESS",
        help="where it listens (default: 127.0.0.1)",
    )
    parser.add_argument(
        "--port", type=int, default=8300, help="0 takes any that is free (default: 8300)"
    )
    parser.add_argument(
        "--unencrypted",
        action="store_true",
        help="let --bind be reached from elsewhere: there is no TLS, so the token and every page "
        "can be read on the way; a proxy with TLS in front of loopback is better",
    )
    parser.add_argument(
        "--name",
        action="append",
        default=[],
        metavar="HOST",
        help="a name by which browsers call it, as that of a proxy, beside those of loopback; "
        "others are refused (default: one that is made at each start, below .localhost; where a "
        "browser does not find that: --name localhost)",
    )
    parser.add_argument(
        "--token-file",
        type=Path,
        metavar="FILE",
        help="the token that opens it, mode 0600, as for a service, whose output is logged "
        "(default: one is made at each start, and printed)",
    )
    parser.add_argument(
        "--lang", choices=("fr", "en"), help="default: the plan's language, else that of $LANG"
    )
    json_argument(parser, "say for programs where it is")


def run(args: Namespace) -> int:
    """Serve until Ctrl-C."""
    try:
        from pradrill.web.serving import serve  # noqa: PLC0415 an extra
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] == "pradrill":
            raise
        raise ConfigurationError(
            "the page needs the packages starlette and uvicorn",
            hint="Install them: pip install 'pradrill[web]'.",
        ) from error

    serve(args, lambda address: _tell(args, address))
    return ExitCode.PASSED


def _tell(args: Namespace, address: str) -> None:
    """Say where it is, before it is asked for anything."""
    if args.json:
        print_line(args, {"address": address})
    elif args.token_file is not None:
        print(f"{address} (its token is that of {args.token_file})")
    else:
        print(address)
    sys.stdout.flush()
