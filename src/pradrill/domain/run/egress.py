"""Describe how a standby's way out is denied, and what tried to go out all the same."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from pydantic import Field

from pradrill.domain.declared.plan import Need
from pradrill.domain.run.mail_sink import MAIL_PORTS, MailServerUse, MailSink
from pradrill.domain.values.endpoint import host_of
from pradrill.domain.values.model import Model

_PREFIX = "pradrill_"
_NOWHERE = ip_network("198.18.0.0/15")
_NOT_IN_A_NAME = re.compile("[^A-Za-z0-9_]")


def table_of(run_id: str) -> str:
    """Return the name of the run's own table of nftables, family inet."""
    return _PREFIX + _NOT_IN_A_NAME.sub("_", run_id)


class EgressAttempt(Model):
    """What went, or tried to go, from a standby to one destination, in the name of one user."""

    standby: str = Field(description="the host's name")
    protocol: str = Field(description="tcp, udp, icmp, … or its number")
    address: str
    port: int | None = Field(default=None, description="none: the protocol has none")
    name: str | None = Field(
        default=None, description="that the host had asked for; none: not known"
    )
    user: str | None = Field(
        default=None, description="who owns the socket; none: the kernel, or a container"
    )
    uid: int | None = None
    process: str | None = Field(default=None, description="that asked for the name; none: unknown")
    programs: tuple[str, ...] = Field(
        default=(),
        description="what ran as that user when it was looked at, where that are few: which of "
        "them it was, or whether it had ended, is not known",
    )
    count: int = Field(ge=0, description="connections begun; of others than TCP, packets")
    let_through: bool = Field(description="the drill allows it; otherwise it was refused")

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells it from every other one of its host."""
        return self.protocol, self.address, self.port, self.uid, self.let_through

    @property
    def is_mail(self) -> bool:
        """Tell whether it is what a sink would take, where there is one."""
        return self.protocol == "tcp" and self.port in MAIL_PORTS and not self.let_through

    @property
    def where(self) -> str:
        """Return the destination as people write it: by its name where that is known."""
        host = self.name or (f"[{self.address}]" if ":" in self.address else self.address)
        return host if self.port is None else f"{host}:{self.port}"


class AskedName(Model):
    """A name that something on a standby asked for."""

    name: str
    count: int = Field(ge=0)
    process: str | None = Field(default=None, description="the first that asked; none: unknown")
    addresses: tuple[str, ...] = Field(
        default=(), description="what it was answered: one that leads nowhere, unless allowed"
    )


class EgressLook(Model):
    """One look at what a host's table and resolver have written down."""

    listing: str = Field(default="", description="the table as it is; empty: there is none")
    attempts: tuple[EgressAttempt, ...] = ()
    unkept: int = Field(default=0, description="attempts for which there was no room")
    names: tuple[AskedName, ...] = ()
    names_unkept: int = Field(default=0, description="questions for which there was no room")
    resolver: bool = Field(default=False, description="whether names are written down")
    gap: bool = Field(default=False, description="not all that the host sent was written down")
    mail: MailSink | None = Field(default=None, description="what mail was taken; none: no answer")


class HostEgress(Model):
    """How one host's way out was denied, and all that is known of who tried it."""

    table: str = Field(description="of nftables, the run's own; empty: there is none, see captured")
    captured: bool = Field(
        default=False,
        description="its network leads nowhere, and what its card sent was written down outside",
    )
    loaded: bool = Field(default=False, description="false: it was about to be, and nothing more")
    listing: str = Field(default="", description="the table, as the host listed it once loaded")
    routes: tuple[str, ...] = Field(default=(), description="of the host, before")
    resolvers: tuple[str, ...] = Field(default=(), description="nameservers of the host, before")
    link: str | None = Field(
        default=None,
        description="where the run led what has no route, so that it is seen; none: there was one",
    )
    known: dict[str, tuple[str, ...]] = Field(
        default={}, description="declared names → where they led before; they still do"
    )
    attempts: tuple[EgressAttempt, ...] = ()
    unkept: int = 0
    names: tuple[AskedName, ...] = ()
    names_unkept: int = 0
    nameless: bool = Field(
        default=False, description="what writes names down was found ended before its time"
    )
    gap: bool = Field(
        default=False, description="what writes down what its card sends did so no more"
    )
    mail: MailSink | None = Field(
        default=None, description="what the mail sink took; none: the drill has none"
    )
    removed: bool = Field(default=False, description="proven: looked for afterwards")

    @property
    def unanswered(self) -> int:
        """Return how many connections to mail servers the table saw, and the sink did not."""
        if self.mail is None:
            return 0
        tries = sum(each.count for each in self.attempts if each.is_mail)
        return max(0, tries - self.mail.connections)

    def after(self, look: EgressLook) -> HostEgress:
        """Return what is known after one more look: a count never falls."""
        return self.model_copy(
            update={
                "attempts": _most(self.attempts, look.attempts),
                "unkept": max(self.unkept, look.unkept),
                "names": _most_asked(self.names, look.names),
                "names_unkept": max(self.names_unkept, look.names_unkept),
                "nameless": self.nameless or not look.resolver,
                "gap": self.gap or look.gap,
                "mail": self.mail_after(look),
            }
        )

    def mail_after(self, look: EgressLook) -> MailSink | None:
        """Return what is known of mail after one more look: that of another table proves less."""
        if self.mail is None:
            return None
        return self.mail.after(look.mail, gap=not self.is_as_loaded(look))

    def is_as_loaded(self, look: EgressLook) -> bool:
        """Tell whether the table has the rules that were loaded, and no other."""
        return bool(self.listing) and self.listing == look.listing


def _most(
    before: Sequence[EgressAttempt], now: Sequence[EgressAttempt]
) -> tuple[EgressAttempt, ...]:
    by_key = {each.key: each for each in before}
    for each in now:
        earlier = by_key.get(each.key, each)
        by_key[each.key] = each.model_copy(
            update={
                "count": max(each.count, earlier.count),
                "name": each.name or earlier.name,
                "process": each.process or earlier.process,
                "programs": each.programs or earlier.programs,
            }
        )
    return tuple(by_key.values())


def _most_asked(before: Sequence[AskedName], now: Sequence[AskedName]) -> tuple[AskedName, ...]:
    by_name = {each.name: each for each in before}
    by_name.update({each.name: each for each in now})
    return tuple(by_name.values())


class Destination(NamedTuple):
    """What one host tried to reach, whoever there did, and whether the plan knows of it."""

    standby: str
    protocol: str
    """Empty of a name that was asked for, and then not connected to."""
    where: str
    addresses: tuple[str, ...]
    users: tuple[str, ...]
    processes: tuple[str, ...]
    programs: tuple[str, ...]
    """What ran as those users: perhaps it was that."""
    times: int
    let_through: bool
    need: Need | None
    mail: tuple[MailServerUse, ...] = ()
    """What a sink took in its place."""

    @property
    def whose(self) -> tuple[str, ...]:
        """Return who tried it: users, and the processes, or else what runs as these users."""
        return *self.users, *(self.processes or (f"{name}?" for name in self.programs))

    @property
    def is_expected(self) -> bool:
        """Tell whether the plan or the drill says that it is needed."""
        return self.let_through or self.need is not None


def destinations(egress: HostEgress, needs: Iterable[Need], host: str) -> list[Destination]:
    """Return each destination of a host once, the unexpected first, then the most tried."""
    needs = tuple(needs)
    groups: dict[tuple[str, str, bool], list[EgressAttempt]] = {}
    for each in egress.attempts:
        groups.setdefault((each.protocol, each.where, each.let_through), []).append(each)

    every = [
        Destination(
            standby=host,
            protocol=protocol,
            where=where,
            addresses=_each_once(each.address for each in group if not _is_nowhere(each.address)),
            users=_each_once(each.user for each in group),
            processes=_each_once(each.process for each in group),
            programs=_each_once(name for each in group for name in each.programs),
            times=sum(each.count for each in group),
            let_through=let_through,
            need=_need(group[0], needs),
            mail=_mail_of(group, egress.mail),
        )
        for (protocol, where, let_through), group in groups.items()
    ]
    tried = {each.name for each in egress.attempts}
    every += [
        Destination(
            standby=host,
            protocol="",
            where=each.name,
            addresses=(),
            users=(),
            processes=_each_once([each.process]),
            programs=(),
            times=each.count,
            let_through=False,
            need=next((need for need in needs if host_of(need.to) == each.name), None),
        )
        for each in egress.names
        if each.name not in tried
    ]
    return sorted(every, key=lambda each: (each.is_expected, -each.times, each.where))


def _mail_of(attempts: Iterable[EgressAttempt], sink: MailSink | None) -> tuple[MailServerUse, ...]:
    """Return what a sink took of connections to the servers of these attempts."""
    ends = {(each.address, each.port) for each in attempts if each.is_mail}
    return tuple(each for each in (sink.servers if sink else ()) if each.key in ends)


def _need(attempt: EgressAttempt, needs: Iterable[Need]) -> Need | None:
    """Return what the plan says of a destination, by its name or by its address."""
    hosts = {attempt.name, host_of(f"[{attempt.address}]:1")}
    return next(
        (
            need
            for need in needs
            if host_of(need.to) in hosts and need.to.rpartition(":")[2] == str(attempt.port)
        ),
        None,
    )


def _is_nowhere(address: str) -> bool:
    """Tell whether it is an address that a name was answered with to be counted by it."""
    try:
        return ip_address(address) in _NOWHERE
    except ValueError:  # a secret stood in it
        return False


def _each_once(texts: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text))
