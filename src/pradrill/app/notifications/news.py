"""Tell people what is new, where the plan names somebody: what that takes is loaded only then."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from datetime import datetime
from types import FrameType

from pradrill.app.composition import App
from pradrill.app.reading import warn
from pradrill.config.plan_file import may_name_channels
from pradrill.errors import PradrillError
from pradrill.reporting.language.formats import line

_STOPPING = (signal.SIGINT, signal.SIGTERM)


def tell_news(app: App, since: datetime, *, silence: bool = False, last: bool = False) -> None:
    """Tell what a command has brought since its start; it stops nothing, and changes no code.

    `silence`: tell also what has no run, as a schedule does. `last`: nothing comes after it, so
    that a signal ends the telling alone.
    """
    with _interruptible() if last else nullcontext(), _stopping_nothing(app):
        sys.stdout.flush()  # the record's words come first: this may take its time
        if may_name_channels(app.drills):
            from pradrill.app.notifications.post import tell  # noqa: PLC0415 most plans name nobody

            tell(app, since, silence=silence)


@contextmanager
def _stopping_nothing(app: App) -> Iterator[None]:
    try:
        yield
    except PradrillError as error:
        warn(f"nobody was told: {app.secrets.masker.text(error.message)}")
    except Exception as error:  # noqa: BLE001 a drill's verdict does not hang on a bug here
        what = app.secrets.masker.text(f"{type(error).__name__}: {error}")
        warn(f"nobody was told: internal error: {line(what, 300)}")


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM end it, where a process hears none after its last run.

    What is started meanwhile inherits no signal that is ignored, either.
    """
    before = {number: signal.getsignal(number) for number in _STOPPING}
    try:
        for number in _STOPPING:
            signal.signal(number, _interrupt)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
    except KeyboardInterrupt:
        warn("interrupted: the next command tells the rest")


def _interrupt(_number: int, _frame: FrameType | None) -> None:
    """Raise it once: a second signal must not come upon what is put in order."""
    for number in _STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt
