"""Launch a drill, and first tear down what a killed run left."""

from __future__ import annotations

import os
import platform
import signal
from collections.abc import Collection
from contextlib import ExitStack
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version

from pradrill.app.author import user
from pradrill.app.composition import App
from pradrill.app.discreet_progress import DiscreetProgress
from pradrill.app.killed_sabotages import sweep_sabotages
from pradrill.app.output import nothing_held_up, words
from pradrill.app.primary_clocks import clocks
from pradrill.app.reading import warn
from pradrill.app.tools import closing, tools_for
from pradrill.domain.register.entry import EntryKind, TeardownEntry, TeardownOutcome
from pradrill.domain.run.event import Started
from pradrill.domain.run.record import Launch, RunRecord, RunState
from pradrill.domain.run.run_plan import RunPlan
from pradrill.engine.cancellation import Cancellation, signals_to
from pradrill.engine.context import Disruption
from pradrill.engine.crashed_runs import Recovered, recover_crashed
from pradrill.engine.repeated_teardown import repeat_teardown
from pradrill.engine.run import run_drill
from pradrill.errors import PradrillError
from pradrill.ports import Progress

_VERSIONS_OF = (
    *("pradrill", "ansible-core", "ansible-runner"),
    *("paramiko", "pytest", "pytest-testinfra"),
)


def launch(  # noqa: PLR0913 what a run may be told
    app: App,
    plan: RunPlan,
    progress: Progress,
    *,
    trigger: str,
    disruption: Disruption | None = None,
    due: datetime | None = None,
    last: bool = False,
    rehearsal: bool = False,
) -> RunRecord:
    """Run a drill; SIGINT, SIGTERM and SIGHUP stop it through its teardown.

    `last`: after it its process hears none of them.
    """
    progress = DiscreetProgress(progress, app.secrets.masker)
    cancellation = Cancellation(progress.say)
    tools = tools_for(app, plan, progress)
    with signals_to(cancellation, last=last), closing(tools):  # a signal does not end the closing
        addresses = {name: plan.primaries[name] for name in plan.services}
        primaries = clocks(addresses, app.clock, progress.say)
        first = started(plan, trigger, due, rehearsal=rehearsal).model_copy(
            update={"primaries": primaries, "clock": app.clock.base()}
        )

        return run_drill(first, tools, cancellation, disruption=disruption)


@nothing_held_up()
def sweep(app: App, progress: Progress, spare: Collection[str] = ()) -> list[RunRecord]:
    """Tear down and record the runs whose process was killed, but for those to `spare`.

    A crashed run that cannot be torn down now is told on stderr and found again next time. A signal
    ends the command once that is done.
    """
    sweep_sabotages(app)
    progress = DiscreetProgress(progress, app.secrets.masker)
    cancellation = Cancellation(progress.say)
    recovered = Recovered([], {})
    try:
        with signals_to(cancellation), ExitStack() as runs:
            recovered = recover_crashed(
                app.store,
                lambda plan: runs.enter_context(closing(tools_for(app, plan, progress))),
                spare,
            )
    except PradrillError as trouble:
        warn(f"the runs that were killed are not torn down yet: {trouble.message}")

    for run_id, error in recovered.left.items():
        why = app.secrets.masker.text(words(error))
        warn(f"crashed run {run_id} is not torn down yet: {why}")

    for record in recovered.records:
        how = (
            f"{_put_back(record)} and it is recorded as CRASHED"
            if record.state is RunState.CRASHED
            else "it had come to its end, and is recorded as it ended"
        )

        warn(f"run {record.run_id} was killed; {how}")

    app.settle()
    if cancellation.signal is not None:
        signal.raise_signal(cancellation.signal)
    return recovered.records


def tear_down_again(app: App, record: RunRecord, progress: Progress) -> TeardownEntry:
    """Repeat the teardown of a sealed run, and enter what it came to. Raises BusyError.

    No signal ends it before that: half a teardown would go on where nobody waits for it.
    """
    progress = DiscreetProgress(progress, app.secrets.masker)
    start = app.clock.now()
    with signals_to(Cancellation(progress.say)):
        with closing(tools_for(app, record.plan, progress)) as tools:
            left = repeat_teardown(app.store.journal(record.run_id), tools)
        outcome = TeardownOutcome.LEFT if left else TeardownOutcome.CLEAN
        entry = TeardownEntry(
            run_id=record.run_id, by=user(), began=start, outcome=outcome, left=left
        )
        app.register.append(EntryKind.TEARDOWN, entry, app.clock.now())

    return entry


def _put_back(record: RunRecord) -> str:
    if record.residue:
        return f"its standby was not left as declared ({record.residue[0]})"
    return "its standby was torn down"


def started(
    plan: RunPlan, trigger: str, due: datetime | None = None, *, rehearsal: bool = False
) -> Started:
    """Return a run's first fact: its plan, who launched it where, and with which versions."""
    return Started(
        plan=plan,
        launch=Launch(
            trigger=trigger,
            user=user(),
            controller=platform.node() or "unknown",
            due=due,
            rehearsal=rehearsal,
        ),
        versions=versions(),
        environment=_environment(),
    )


def versions() -> dict[str, str]:
    """Return the versions of Python and of what a run works with."""
    installed = {"python": platform.python_version()}
    for name in _VERSIONS_OF:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = "not installed as a package"
    return installed


def _environment() -> dict[str, str]:
    """Return what the controller is: system, kernel, processors."""
    try:
        system = platform.freedesktop_os_release().get("PRETTY_NAME", "unknown")
    except OSError:  # no os-release file
        system = platform.system()
    return {"system": system, "kernel": platform.release(), "processors": str(os.cpu_count())}
