"""Where the program begins: one command is run, and its exit code is the answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from pradrill.app import output
from pradrill.cli.parser import parser
from pradrill.domain.values.masking import Masker
from pradrill.errors import ExitCode, PradrillError, told_of_disk


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches a user but for our bugs."""
    with output.owned():
        return output.exit_code(_carried_out(argv))


def _carried_out(argv: Sequence[str] | None) -> int:
    try:
        args = parser().parse_args(argv)
    except SystemExit as end:  # help, version, or a wrong command line
        return end.code if isinstance(end.code, int) else ExitCode.PASSED
    args.masker = masker = Masker()
    os.umask(0o077)
    try:
        with told_of_disk():
            code: int = args.handler(args)
    except PradrillError as error:
        print(masker.text(str(error)), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return code
