"""Begin the program: one command is run, and its exit code is the answer."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from pradrill.app import output
from pradrill.cli.parser import parser
from pradrill.errors import ExitCode, PradrillError, explaining_disk_errors


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; no traceback reaches a user but for our bugs."""
    with output.owned():
        return output.exit_code(_carried_out(argv))


def _carried_out(argv: Sequence[str] | None) -> int:
    try:
        with _no_collection():
            args = parser().parse_args(argv)
    except SystemExit as end:  # help, version, or a wrong command line
        return end.code if isinstance(end.code, int) else ExitCode.PASSED
    from pradrill.domain.values.masking import Masker  # noqa: PLC0415 help does without

    args.masker = masker = Masker()
    os.umask(0o077)

    try:
        with explaining_disk_errors():
            code: int = args.handler(args)
    except PradrillError as error:
        print(masker.text(output.words(error)), file=sys.stderr)
        return error.exit_code
    except KeyboardInterrupt:
        return ExitCode.INTERRUPTED

    return code


@contextmanager
def _no_collection() -> Iterator[None]:
    """Look for no garbage in what is made here, now or later: modules and models, which stay.

    That is a tenth of a short command's time.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.enable()
