"""Fake what denies a standby's way out: in memory, scripted by its arguments."""

from __future__ import annotations

from collections.abc import Sequence

from pradrill.domain.declared.standby_kind import Egress
from pradrill.domain.run.egress import EgressLook, HostEgress, table_of
from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.mail_sink import MailSink
from pradrill.errors import PradrillError

LISTING = "table inet denies"
"""What the table is, as it was loaded."""


class FakeEgress:
    """Denies, and tells what it is told: `looks` one after another, the last again and again.

    `fails` is raised by `deny`; `left` is what a removal leaves, or raises.
    """

    def __init__(
        self,
        *looks: EgressLook | PradrillError,
        fails: PradrillError | None = None,
        left: Sequence[str] | PradrillError = (),
    ) -> None:
        self.calls: list[str] = []
        self.others: dict[str, tuple[str, ...]] = {}
        """Host → the addresses of the standby's others, when its way out was denied."""
        self._looks = list(looks) or [EgressLook(listing=LISTING, resolver=True)]
        self._fails = fails
        self._left = left
        self._tables: list[str] = []

    def check(self, host: Host, site: Site, denied: Egress) -> None:
        """Raise what `deny` would."""
        del host, site, denied
        if self._fails is not None:
            raise self._fails

    def deny(
        self,
        host: Host,
        site: Site,
        denied: Egress,
        names: Sequence[str],
        others: Sequence[str] = (),
    ) -> HostEgress:
        """Load nothing, or fail."""
        self.calls.append("deny")
        if self._fails is not None:
            raise self._fails
        self.others[host.name] = tuple(others)
        table = table_of(site.run_id)
        self._tables = [table]
        leads_to: dict[str, tuple[str, ...]] = dict.fromkeys(names, ("192.0.2.99",))
        mail = MailSink() if denied.mail_sink else None
        return HostEgress(table=table, loaded=True, listing=LISTING, known=leads_to, mail=mail)

    def look(self, host: Host, site: Site) -> EgressLook:
        """Return the next look, or raise it."""
        del host, site
        self.calls.append("look")
        look = self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]
        if isinstance(look, PradrillError):
            raise look
        return look

    def remove(self, host: Host, site: Site) -> Sequence[str]:
        """Say what is left."""
        del host, site
        self.calls.append("remove")
        if isinstance(self._left, PradrillError):
            raise self._left
        self._tables = []
        return self._left

    def tables(self, host: Host, site: Site) -> Sequence[str]:
        """Return the tables that were not removed."""
        del host, site
        return tuple(self._tables)
