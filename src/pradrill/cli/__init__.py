"""The command line: one module a command; the only place that prints and exits."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence

from pradrill.cli.parser import parser
from pradrill.domain.masking import Masker
from pradrill.errors import ExitCode, PradrillError


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches a user but for our bugs."""
    args = parser().parse_args(argv)
    args.masker = masker = Masker()
    os.umask(0o077)
    try:
        command = importlib.import_module(f"pradrill.cli.{args.module}")
        code: int = command.run(args)
        sys.stdout.flush()
    except PradrillError as error:
        print(masker.text(str(error)), file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:  # the reader of our output went away, as head does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ExitCode.PASSED
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED
    return code
