"""Say what a run's services tried to reach elsewhere."""

from __future__ import annotations

from typing import NamedTuple

from pradrill.domain.run.egress import Destination
from pradrill.domain.run.guard import GuardKind
from pradrill.domain.run.hidden_dependencies import tried
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.language.i18n import _, ngettext, whole

_ROWS = 100


class DestinationRow(NamedTuple):
    """A destination, ready to be shown."""

    where: str
    protocol: str
    address_line: str
    host: str
    whose: str
    times: str
    is_expected: bool
    expectation: str


def summary(record: RunRecord) -> str:
    """Say in a sentence whether anything tried to go out, or that nobody looked."""
    if not record.egress and record.plan.drill.standby.captured:
        return _("Not known: what the network has seen could not be read.")
    if not record.egress:
        if record.plan.drill.standby.leads_to is not None:
            return _(
                "Not looked at: the lab's network leads nowhere but to its links, and what is "
                "tried in it is not written down (standby.capture)."
            )
        return _("Not looked at: the drill does not deny its standby's way out (standby.egress).")
    broken = any(
        guard.guard.kind is GuardKind.EGRESS and not guard.holds for guard in record.guards
    )
    if broken:
        return " ".join(
            (
                _count(record),
                _("That is not all: it is not proven that the way out was denied throughout."),
            )
        )
    if any(egress.gap for egress in record.egress.values()):
        return " ".join((_count(record), _("That is perhaps not all: see the limits.")))
    return _count(record)


def _count(record: RunRecord) -> str:
    """Say how much was tried, and how much of it nobody expected."""
    destinations = tried(record)
    if not destinations:
        return _("Nothing was seen that went out from the standby, or wanted to.")
    unexpected = sum(not each.is_expected for each in destinations)
    every = ngettext(
        "%(n)s destination was tried", "%(n)s destinations were tried", len(destinations)
    )
    if not unexpected:
        return _("%(every)s, all of them expected.", every=every)
    return _(
        "%(every)s; of these %(unexpected)s are in neither plan nor drill: hidden dependencies.",
        every=every,
        unexpected=whole(unexpected),
    )


def rows(record: RunRecord) -> list[DestinationRow]:
    """Return the destinations, the unexpected ones first."""
    return [_row(each) for each in tried(record)[:_ROWS]]


def more(record: RunRecord) -> str:
    """Say how many destinations are not shown, and of how many attempts nothing more is known."""
    sentences = []
    left_out = len(tried(record)) - _ROWS
    if left_out > 0:
        sentences.append(
            ngettext(
                "%(n)s more destination is in the record.",
                "%(n)s more destinations are in the record.",
                left_out,
            )
        )
    unkept = sum(each.unkept + each.names_unkept for each in record.egress.values())
    if unkept:
        sentences.append(
            ngettext(
                "There was no room to write down the destination of %(n)s more attempt.",
                "There was no room to write down the destinations of %(n)s more attempts.",
                unkept,
            )
        )
    return " ".join(sentences)


def legend(record: RunRecord) -> str:
    """Say what is counted."""
    if any(egress.captured for egress in record.egress.values()):
        return _(
            "Written down outside of the machine, by its network card: connections that were "
            "begun; of others than TCP, packets; and names that were asked for. Who it was is not "
            "seen from there. Nothing of it left the lab but over its links."
        )
    return _(
        "Counted are connections that were begun, to mail servers too; of others than TCP, "
        "packets. A name is known where it was asked for during the drill. A user owns the "
        "socket; a process asked for the name, or else, with a question mark, runs as that user."
    )


def _row(each: Destination) -> DestinationRow:
    return DestinationRow(
        where=each.where,
        protocol=each.protocol,
        address_line=", ".join(a for a in each.addresses if a not in each.where),
        host=each.standby,
        whose=", ".join(each.whose),
        times=whole(each.times),
        is_expected=each.is_expected,
        expectation=_expectation(each),
    )


def _expectation(each: Destination) -> str:
    if each.need is not None:
        return _("yes, the plan says why: %(why)s", why=each.need.why)
    if each.let_through:
        return _("yes: the drill lets it through")
    if not each.protocol:
        return _("no: asked for by name, and then not connected to")
    if each.mail:
        return _("no: taken by the mail sink, and a finding")
    return _("no: refused, and a finding")
