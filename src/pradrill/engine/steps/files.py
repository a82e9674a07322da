"""Watch which files the services open, from before anything is restored until the teardown.

It is evidence beside the drill: where it cannot be had, that is said, and the drill goes on.
"""

from __future__ import annotations

from pradrill.domain.run.event import Event
from pradrill.domain.run.file_map import FileMap
from pradrill.domain.run.host import Host
from pradrill.domain.run.outcome import StepOutcome
from pradrill.domain.run.proof import is_standby
from pradrill.domain.run.run_plan import PlannedStep
from pradrill.domain.values.reason import reason_of
from pradrill.engine.context import Context, StepEnd, planned
from pradrill.errors import PradrillError


def watch(context: Context, _step: PlannedStep) -> StepEnd:
    """Begin to write down, on every host, which files are opened."""
    files = planned(context.tools.files, "what watches files")
    for host in context.there().hosts:
        context.tenancy.confirm()
        _note(context, host, FileMap(watched=True))  # whoever finds the run killed ends it
        try:
            files.watch(host, context.there())
        except PradrillError as error:
            _note(context, host, FileMap(because=reason_of(error)))
            context.say(f"which files are opened is not watched: {error.message}")
    return StepEnd(StepOutcome.PASSED)


def read(context: Context, _step: PlannedStep) -> StepEnd:
    """End the watch, and note which files were opened and where they come from."""
    files = planned(context.tools.files, "what watches files")
    roots = context.facts.plan.drill.standby.absent_after_teardown
    for host in context.there().hosts:
        before = context.facts.files.get(host.name)
        if before is None or not before.watched or before.complete:
            continue
        if not is_standby(context.facts, host.name):
            continue  # not even looked at: it was not proven to this process
        try:
            file_map = files.read(host, context.there(), roots)
        except PradrillError as error:
            file_map = before.model_copy(update={"because": reason_of(error)})
        _note(context, host, file_map)
    return StepEnd(StepOutcome.PASSED)


def _note(context: Context, host: Host, file_map: FileMap) -> None:
    """Note what is known, without the run's secrets."""
    payload = context.tools.masked(file_map.model_dump(mode="json"))
    context.note(Event.FILES, host=host.name, files=FileMap.model_validate(payload))
