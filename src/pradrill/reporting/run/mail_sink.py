"""Say what a run's services wanted to mail, where a sink took it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from pradrill.domain.run.guard import GuardKind
from pradrill.domain.run.mail_sink import MailServerUse, MailSink
from pradrill.domain.run.record import RunRecord
from pradrill.reporting.language import formats as wording
from pradrill.reporting.language.i18n import _, ngettext, whole

_ROWS = 100


class MailRow(NamedTuple):
    """What came for one mail server, ready to be shown."""

    where: str
    address: str
    host: str
    mails: str
    domains: str
    times: str
    remarks: str


def summary(record: RunRecord) -> str:
    """Say how much mail was taken, and what is not known of it; nothing where there is no sink."""
    sinks = [each.mail for each in record.egress.values() if each.mail is not None]
    if not sinks:
        return ""
    return " ".join((_total(record, sinks), *_unknown(record)))


def _total(record: RunRecord, sinks: list[MailSink]) -> str:
    mails = sum(each.mails for each in sinks)
    if mails:
        return ngettext(
            "The mail sink took %(n)s mail and threw it away.",
            "The mail sink took %(n)s mails and threw them away.",
            mails,
        )
    if _is_proven(record, sinks):
        return _("The mail sink was handed no mail.")
    return _("No mail is known to have come to the mail sink.")


def _is_proven(record: RunRecord, sinks: list[MailSink]) -> bool:
    """Tell whether all that there was of mail is told."""
    guards = [each for each in record.guards if each.guard.kind is GuardKind.EGRESS]
    if not guards or any(not each.holds for each in guards):
        return False
    hosts = record.egress.values()
    more = any(each.unkept or each.turned_away or each.gap for each in sinks)
    return not more and not any(each.unkept or each.unanswered for each in hosts)


def _unknown(record: RunRecord) -> Iterator[str]:
    """Yield what passed the sink by, or may have."""
    sinks = [each for each in record.egress.values() if each.mail is not None]
    if any(each.mail.gap for each in sinks if each.mail is not None):
        yield _("It is not proven that it stood all the time: there may have been more.")
    if count := sum(each.unanswered for each in sinks):
        yield ngettext(
            "%(n)s connection to a mail server was refused before it came to the sink.",
            "%(n)s connections to mail servers were refused before they came to the sink.",
            count,
        )


def rows(record: RunRecord) -> list[MailRow]:
    """Return the servers that mail was meant for, those of the most mail first."""
    every = [
        (host, server)
        for host, egress in record.egress.items()
        for server in (egress.mail.servers if egress.mail is not None else ())
    ]
    every.sort(key=lambda each: (-each[1].mails, each[1].where))
    return [_row(host, server) for host, server in every[:_ROWS]]


def legend() -> str:
    """Say what the sink does, and what it does not."""
    return _(
        "Mail to ports 25 and 587 was taken on the standby in the place of these servers; nothing "
        "of it was kept but what stands here. The sink has no TLS and no login, so that whoever "
        "insists on either sent nothing; port 465 was refused. Times are by the standby's clock."
    )


def _row(host: str, server: MailServerUse) -> MailRow:
    first, last = wording.at(server.first), wording.at(server.last)
    return MailRow(
        where=server.where,
        address="" if server.address in server.where else server.address,
        host=host,
        mails=whole(server.mails),
        domains=", ".join(_domains(server)),
        times=first if first == last else _("%(first)s to %(last)s", first=first, last=last),
        remarks=", ".join(_remarks(server)),
    )


def _domains(server: MailServerUse) -> Iterator[str]:
    """Yield where the recipients are, and how many of them."""
    for each in server.domains:
        domain = each.domain or _("no domain")
        yield f"{domain} ({whole(each.recipients)})"
    if server.untold:
        yield _("others (%(count)s)", count=whole(server.untold))


def _remarks(server: MailServerUse) -> Iterator[str]:
    yield ngettext("%(n)s connection", "%(n)s connections", server.connections)
    if server.mailless:
        yield ngettext("%(n)s without a mail", "%(n)s without a mail", server.mailless)
    if server.broken:
        yield ngettext(
            "%(n)s mail cut off, or too large", "%(n)s mails cut off, or too large", server.broken
        )
    if server.tls:
        yield ngettext("TLS asked for once", "TLS asked for %(n)s times", server.tls)
    if server.logins:
        yield ngettext("login tried once", "login tried %(n)s times", server.logins)
