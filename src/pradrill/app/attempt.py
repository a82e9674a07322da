"""Enter every attempt, also one that ends before its run has begun."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from pradrill.app.author import user
from pradrill.app.composition import App
from pradrill.app.reading import warn
from pradrill.domain.register.entry import AttemptEntry, EntryKind
from pradrill.domain.run.run_plan import RunPlan
from pradrill.errors import ExitCode, PradrillError, explaining_disk_errors
from pradrill.register.runs.draft import Draft, has_begun, killed


class Attempting:
    """An attempt under way. What a kill would leave of it is on the disk."""

    def __init__(self, app: App, attempt: AttemptEntry) -> None:
        self._app = app
        self._attempt = attempt
        self._draft: Draft | None = None
        with suppress(PradrillError):  # the run itself tells that the disk cannot be written
            self._draft = app.store.prepare(attempt, app.clock.now())

    def know(self, plan: RunPlan) -> None:
        """Keep what the attempt is about, now that its plan is resolved."""
        self._keep(drill=plan.drill.drill, services=plan.drill.services)

    def end(self, error: BaseException) -> None:
        """Enter the attempt, unless its run has begun: a run is entered by itself."""
        if self._draft is not None and has_begun(self._draft.folder):
            return

        code, because = _why(error)
        because = self._app.secrets.masker.text(because)
        self._keep(exit_code=code, because=because)

        now = self._app.clock.now()
        try:
            if self._draft is not None:
                self._draft.enter(self._app.register, now)
            else:
                self._app.register.append(EntryKind.ATTEMPT, self._attempt, now)
        except PradrillError as unwritten:
            warn(f"the attempt is not in the register yet: {unwritten.message}")

    def _keep(self, **fields: object) -> None:
        self._attempt = self._attempt.model_copy(update=fields)
        if self._draft is not None:
            with suppress(PradrillError):
                self._draft.keep(self._attempt)


@contextmanager
def attempting(
    app: App,
    drill: str,
    services: tuple[str, ...] = (),
    *,
    trigger: str,
    rehearsal: bool = False,
) -> Iterator[Attempting]:
    """Keep an attempt from its first instant; a run must come of it, or an error."""
    start = app.clock.now()
    entry = killed(drill, start, services=services, trigger=trigger, user=user())
    attempt = Attempting(app, entry.model_copy(update={"rehearsal": rehearsal}))
    try:
        with explaining_disk_errors():
            yield attempt
    except BaseException as error:
        attempt.end(error)
        raise


def _why(error: BaseException) -> tuple[int, str]:
    if isinstance(error, PradrillError):
        return error.exit_code, error.message
    if isinstance(error, KeyboardInterrupt):
        return ExitCode.INTERRUPTED, "it was interrupted before the run had begun"
    return ExitCode.INTERNAL, f"{type(error).__name__}: {error}"
