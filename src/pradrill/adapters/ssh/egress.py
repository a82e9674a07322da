"""Deny a host's way out by a table of nftables of the run's own, and read what tried it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import TypeAdapter

from pradrill.adapters.ssh.interpreter import source
from pradrill.adapters.ssh.sessions import Sessions
from pradrill.domain.declared.standby_kind import Egress
from pradrill.domain.run.egress import (
    AskedName,
    EgressAttempt,
    EgressLook,
    HostEgress,
    table_of,
)
from pradrill.domain.run.egress_table import Controller, Exempt, egress_table
from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.run.mail_sink import MailDomain, MailServerUse, MailSink
from pradrill.domain.run.scope import MARK
from pradrill.domain.values.endpoint import host_of
from pradrill.domain.values.identity import plain_address
from pradrill.errors import UNREADABLE, NotReadyError, PradrillError

_SCRIPT = "remote_egress.py"
_DEADLINE = 90.0  # seconds; the script has shorter limits of its own
_ATTEMPTS, _NAMES, _LINES, _SERVERS = 2_000, 600, 200, 100
_LONGEST_NAME = 253
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LONGEST_LISTING = 20_000  # characters
_HINTS = {
    "another": "No run holds the standby: remove what one has left, by pradrill gc, or by "
    "nft delete table inet NAME there.",
    "missing": "Install it there: apt-get install nftables, or dnf install nftables.",
    "root": "The login must be root, or may sudo: without a password, or with the one that "
    "standby.become_password names.",
    "unresolved": "Write the address into standby.egress.allow, or mend the standby's resolver.",
}
_HINT = "Try it there: nft list ruleset. Without standby.egress nothing is denied, nor seen."
_texts = TypeAdapter(tuple[str, ...])


class SshEgress:
    """Has remote_egress.py do it, as root."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def check(self, host: Host, site: Site, denied: Egress) -> None:
        """See that its way out could be denied. Raises NotReadyError."""
        controller = Controller(plain_address("192.0.2.1"), 22)
        name = table_of(site.run_id)
        mail = 25 if denied.mail_sink else None
        rules = egress_table(name, (), controller, names=53, asks_itself=False, mail=mail)
        self._demand(host, site, "check", rules=rules)

    def deny(
        self,
        host: Host,
        site: Site,
        denied: Egress,
        names: Sequence[str],
        others: Sequence[str] = (),
    ) -> HostEgress:
        """Load the run's table. Raises NotReadyError when that cannot be done."""
        every = dict.fromkeys((*map(host_of, denied.allow), *names))
        before = self._demand(
            host,
            site,
            "prepare",
            prefix=table_of(""),
            names=[each for each in every if not _is_address(each)],
            resolver=source("remote_resolver.py"),
            mail_sink=source("remote_mail_sink.py") if denied.mail_sink else "",
        )
        with _understanding(host):
            leads_to = {
                host_of(f"{name}:0"): _lines(addresses)
                for name, addresses in dict(before["known"]).items()
            }
            resolvers = _lines(before["resolvers"])
            controller = Controller(plain_address(before["peer"]), int(before["server"]))
            port = int(before["port"])
            mail = int(before["mail_port"]) if denied.mail_sink else None

        allowed = list(_exempt(host, denied.allow, leads_to))
        allowed += [Exempt(plain_address(each)) for each in others if _is_address(each)]
        rules = egress_table(
            table_of(site.run_id),
            allowed,
            controller,
            names=port,
            asks_itself=not resolvers,
            mail=mail,
        )
        after = self._demand(host, site, "load", rules=rules)
        with _understanding(host):
            return HostEgress(
                table=table_of(site.run_id),
                loaded=True,
                listing=_listed(str(after["listing"])),
                routes=_lines(before["routes"]),
                resolvers=resolvers,
                link=None if after["link"] is None else last_line(str(after["link"])),
                known=leads_to,
                mail=MailSink() if denied.mail_sink else None,
            )

    def look(self, host: Host, site: Site) -> EgressLook:
        """Return the table as it is, and what it has counted. Raises PradrillError."""
        answer = self._ask(host, site, "look")
        if "fault" in answer:
            raise PradrillError(
                f"the way out of {host.name} cannot be looked at: {_because(answer)}"
            )
        with _understanding(host):
            return EgressLook(
                listing=_listed(str(answer["listing"])),
                attempts=tuple(
                    EgressAttempt(
                        standby=host.name,
                        **_plain({**each, "address": str(plain_address(each["address"]))}),
                    )
                    for each in answer["attempts"][:_ATTEMPTS]
                ),
                unkept=int(answer["unkept"]),
                names=tuple(AskedName(**_plain(each)) for each in answer["names"][:_NAMES]),
                names_unkept=int(answer["names_unkept"]),
                resolver=answer["resolver"] is True,
                mail=_mail(answer["mail"]),
            )

    def remove(self, host: Host, site: Site) -> Sequence[str]:
        """Remove all of it; return what is left. Raises PradrillError when that is not known."""
        answer = self._ask(host, site, "remove")
        if answer.get("fault") == "root":
            raise _refused(host, answer)
        if "fault" in answer:
            raise PradrillError(f"{host.name}: {_because(answer)}")
        with _understanding(host):
            return _lines(answer["left"])

    def tables(self, host: Host, site: Site) -> Sequence[str]:
        """Return the tables that runs have there; none where that cannot be seen."""
        answer = self._ask(host, site, "tables")
        with _understanding(host):
            return () if "fault" in answer else _lines(answer["tables"])

    def _demand(self, host: Host, site: Site, what: str, **more: Any) -> dict[str, Any]:
        """Have something done that the denial needs. Raises NotReadyError when it is not."""
        answer = self._ask(host, site, what, **more)
        if "fault" in answer:
            raise _refused(host, answer)
        return answer

    def _ask(self, host: Host, site: Site, what: str, **more: Any) -> dict[str, Any]:
        table = table_of("" if what == "tables" else site.run_id)
        request = {"do": what, "table": table, "run": site.run_id, "mark": MARK, **more}
        words = [source(_SCRIPT), json.dumps(request)]
        reply = self._sessions.script(host, site, _SCRIPT, words, _DEADLINE, sudo=True)
        if reply.code != 0 or not reply.whole:
            because = last_line(reply.err) if reply.whole else "the answer is too long"
            return {"fault": "refused", "because": because}
        with _understanding(host):
            return dict(json.loads(reply.out))


def _mail(payload: Any) -> MailSink | None:
    """Read what a sink says; None: nothing."""
    if payload is None:
        return None
    return MailSink(
        servers=tuple(_server(*each) for each in payload["servers"][:_SERVERS]),
        unkept=int(payload["unkept"]),
        turned_away=int(payload["turned_away"]),
    )


def _server(  # noqa: PLR0913, PLR0917 as the script says it
    name: str | None,
    address: str,
    port: int,
    counts: Mapping[str, int],
    domains: Mapping[str, int],
    first: int,
    last: int,
) -> MailServerUse:
    return MailServerUse(
        address=str(plain_address(address)),
        port=port,
        name=None if name is None else last_line(name)[:_LONGEST_NAME],
        **counts,
        domains=tuple(
            MailDomain(domain=last_line(domain)[:_LONGEST_NAME], recipients=recipients)
            for domain, recipients in list(domains.items())[:_SERVERS]
        ),
        first=_EPOCH + timedelta(seconds=first),
        last=_EPOCH + timedelta(seconds=last),
    )


def _exempt(
    host: Host, allow: Sequence[str], leads_to: Mapping[str, Sequence[str]]
) -> Iterator[Exempt]:
    """Yield what is allowed by its addresses there. Raises NotReadyError without one."""
    for endpoint in allow:
        name, port = host_of(endpoint), int(endpoint.rpartition(":")[2])
        addresses = [name] if _is_address(name) else leads_to.get(name, ())
        if not addresses:
            raise _refused(host, {"fault": "unresolved", "because": name})
        yield from (Exempt(plain_address(each), port) for each in addresses)


def _is_address(name: str) -> bool:
    try:
        plain_address(name)
    except ValueError:
        return False
    return True


def _refused(host: Host, answer: Mapping[str, Any]) -> NotReadyError:
    return NotReadyError(
        f"the way out of {host.name} cannot be denied: {_because(answer)}",
        hint=_HINTS.get(str(answer["fault"]), _HINT),
    )


def _because(answer: Mapping[str, Any]) -> str:
    what = last_line(str(answer.get("because", "")))
    return {
        "another": f"another run has left a table there that denies it: {what}",
        "missing": "nft is not installed there",
        "root": "it takes root, or sudo",
        "unresolved": f"no address is known there of {what}",
    }.get(str(answer["fault"]), what)


def _lines(texts: Any) -> tuple[str, ...]:
    return tuple(last_line(each) for each in _texts.validate_python(texts)[:_LINES])


def _listed(text: str) -> str:
    """Return a table's listing, cut where it is long; what was cut off is compared by its hash."""
    if len(text) <= _LONGEST_LISTING:
        return text
    return f"{text[:_LONGEST_LISTING]}\nsha256 {hashlib.sha256(text.encode()).hexdigest()}"


def _plain(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return an entry whose texts can be written anywhere."""
    return {key: _plain_texts(each) for key, each in payload.items()}


def _plain_texts(value: Any) -> Any:
    """Return a text, or several, as they can be written anywhere; anything else as it is."""
    if isinstance(value, list):
        return [_plain_texts(each) for each in value[:_LINES]]
    return last_line(value) if isinstance(value, str) else value


@contextmanager
def _understanding(host: Host) -> Iterator[None]:
    """Take whatever a host says that is not what its script would say for an answer not given."""
    try:
        yield
    except UNREADABLE as error:
        raise PradrillError(f"what {host.name} says of its way out cannot be read") from error
