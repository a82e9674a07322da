"""What a run did not prove, said beside what it did."""

from __future__ import annotations

from pradrill.domain.run.facts import Facts
from pradrill.domain.values.timeline import Mark


def limits(facts: Facts) -> tuple[str, ...]:
    """Return it as sentences."""
    drill = facts.plan.drill
    told = [
        "the checks prove what they check and nothing else; read their titles",
        "production was not switched over: name resolution, routing and users were not moved",
    ]
    if drill.scenario.disruption == "launch":
        what = (
            "the drill followed the disruption at once"
            if _disrupted_before_launch(facts)
            else "T0 is the launch of the drill"
        )
        told.append(f"{what}: detection and decision took no time")
    told += [
        f"nothing told the standby apart from the primary of {service}: the plan says primary: none"
        for service, primary in facts.plan.primaries.items()
        if service in facts.plan.services and primary.waived
    ]
    told += drill.standby.limits
    if any(wait.call is not None for wait in facts.waits):
        told.append("a provider's times run from when the call was asked for, dialling included")
    told += [
        f"{other}, on which {', '.join(needing)} depends, is not in the drill: it was assumed "
        "available"
        for other, needing in facts.plan.assumed.items()
    ]
    if not any(host == "primary" or host.startswith("primary of ") for host in facts.skew):
        told.append("the primary's clock was not compared with the controller's")
    for reading in (own.reading for own in facts.branches() if own.reading is not None):
        told += reading.remarks
        told += [
            f"readings of the recovery point contradict each other: {each.text}"
            for each in reading.contradictions
        ]
    return tuple(told)


def _disrupted_before_launch(facts: Facts) -> bool:
    disrupted, declared = facts.marks.get(Mark.DISRUPTION), facts.marks.get(Mark.DECLARED)
    return disrupted is not None and declared is not None and disrupted.at < declared.at
