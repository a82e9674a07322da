"""Describe what a sink on a standby took of the mail that wanted to leave it: numbers, no mail."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import Field

from pradrill.domain.values.model import Model, Utc

MAIL_PORTS = (25, 587)
"""What is led to the sink. On 465 a client speaks TLS at once, which no sink of ours does."""


class MailDomain(Model):
    """Where recipients of mail are."""

    domain: str = Field(description="empty: none, or none that can be read")
    recipients: int = Field(ge=0)


class MailServerUse(Model):
    """What came for one mail server, and was taken in its place."""

    address: str
    port: int
    name: str | None = Field(
        default=None, description="that the host had asked for; none: not known"
    )
    connections: int = Field(default=0, ge=0)
    mails: int = Field(default=0, ge=0, description="that came whole")
    recipients: int = Field(default=0, ge=0, description="of these mails")
    domains: tuple[MailDomain, ...] = Field(default=(), description="of these recipients")
    mailless: int = Field(default=0, ge=0, description="connections that ended without a mail")
    broken: int = Field(default=0, ge=0, description="mails that were cut off, or too large")
    tls: int = Field(default=0, ge=0, description="times that TLS was asked for: there is none")
    logins: int = Field(default=0, ge=0, description="times that a login was tried: there is none")
    first: Utc = Field(description="of its connections, by the standby's clock")
    last: Utc

    @property
    def key(self) -> tuple[str, int]:
        """Return what tells it from every other one of its host."""
        return self.address, self.port

    @property
    def where(self) -> str:
        """Return the server as people write it: by its name where that is known."""
        host = self.name or (f"[{self.address}]" if ":" in self.address else self.address)
        return f"{host}:{self.port}"

    @property
    def untold(self) -> int:
        """Return how many recipients are of domains for which there was no room."""
        return max(0, self.recipients - sum(each.recipients for each in self.domains))


class MailSink(Model):
    """All that a host's sink has taken so far."""

    servers: tuple[MailServerUse, ...] = ()
    unkept: int = Field(
        default=0, ge=0, description="connections to servers for which there was no room"
    )
    turned_away: int = Field(
        default=0, ge=0, description="connections that were too many at one time"
    )
    gap: bool = Field(
        default=False,
        description="it was found ended before its time, or its table changed, or it could not be "
        "asked: what passed it by then is not known",
    )

    @property
    def connections(self) -> int:
        """Return how many connections came to it."""
        return self.unkept + sum(each.connections for each in self.servers)

    @property
    def mails(self) -> int:
        """Return how many mails it took, of the servers that are told."""
        return sum(each.mails for each in self.servers)

    def after(self, look: MailSink | None, *, gap: bool) -> MailSink:
        """Return what is known after one more look, None where it did not answer."""
        if look is None:
            return self.model_copy(update={"gap": True})
        return look.model_copy(
            update={
                "servers": _latest(self.servers, look.servers),
                "unkept": max(self.unkept, look.unkept),
                "turned_away": max(self.turned_away, look.turned_away),
                "gap": self.gap or gap,
            }
        )


def _latest(
    before: Iterable[MailServerUse], now: Iterable[MailServerUse]
) -> tuple[MailServerUse, ...]:
    """Return each server as it was seen last; a look that sees less takes nothing back."""
    by_key = {each.key: each for each in before}
    for each in now:
        earlier = by_key.get(each.key, each)
        if each.connections >= earlier.connections and each.mails >= earlier.mails:
            name = each.name or earlier.name
            by_key[each.key] = each.model_copy(update={"name": name})
    return tuple(by_key.values())
