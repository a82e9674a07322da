"""Tell what of a provider's promises nobody ever measured: neither a drill nor an incident."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from pradrill.domain.declared.provider import Provider
from pradrill.domain.register.incident import Incident, IncidentStage
from pradrill.domain.run.question import CallStage


def unmeasured(
    name: str,
    provider: Provider,
    incidents: Sequence[Incident],
    measured: Collection[tuple[str, CallStage]],
) -> Iterator[CallStage]:
    """Yield what is promised and was never measured.

    `incidents`: those at its place. `measured`: providers, and which of their promises a drill has
    measured.
    """
    calls = [each for each in incidents if each.first(IncidentStage.CALLED) is not None]
    ends = {
        CallStage.RESPONSE: any(each.answered for each in calls),
        CallStage.RESTORATION: any(each.restored and not each.run_id for each in calls),
    }
    for stage, by_an_incident in ends.items():
        is_measured = by_an_incident or (name, stage) in measured
        if provider.sla.promises(stage.value) and not is_measured:
            yield stage
