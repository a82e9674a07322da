"""Take leases on standbys over SSH: a script of ours takes, renews and releases them there."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from typing import Any

from pradrill.adapters.ssh.interpreter import SshReply
from pradrill.adapters.ssh.sessions import Sessions
from pradrill.domain.run import host_answers as host_words
from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.lease import (
    LEASE_TERM,
    FoundLease,
    Holder,
    LeaseAnswer,
    LeaseEnd,
    LeaseState,
)
from pradrill.errors import UNREADABLE, PradrillError

_LOOK = 30.0


class SshLeases:
    """Asks hosts for their lease; each thread that asks has connections of its own."""

    def __init__(self, sessions: Sessions | None = None) -> None:
        self._sessions = sessions or Sessions()

    def take(
        self, host: Host, site: Site, holder: Holder, *, machine_id: str, over: Collection[str]
    ) -> LeaseAnswer:
        """Take a lease; of the runs in `over` it is known that they hold none any more."""
        return self._ask(host, site, "take", holder, machine_id=machine_id, over=sorted(over))

    def renew(
        self, host: Host, site: Site, holder: Holder, *, machine_id: str, lapsed: bool
    ) -> LeaseAnswer:
        """Hold it on. `lapsed`: it may have run out, and another run come and gone."""
        return self._ask(host, site, "renew", holder, machine_id=machine_id, lapsed=lapsed)

    def release(self, host: Host, site: Site, holder: Holder, *, machine_id: str) -> None:
        """Give it back; another's stays."""
        self._ask(host, site, "release", holder, machine_id=machine_id)

    def look(
        self, host: Host, site: Site, holder: Holder, *, machine_id: str
    ) -> Sequence[FoundLease]:
        """Return every lease that lies there, whoever's."""
        reply = self._run(host, site, "look", holder, machine_id=machine_id)
        try:
            return [
                FoundLease(holder=_holder(words), holds=not words["over"])
                for words in json.loads(reply.out)["leases"]
            ]
        except UNREADABLE as error:
            raise _unread(host, reply) from error

    def close(self) -> None:
        """Close every connection."""
        self._sessions.close()

    def _ask(self, host: Host, site: Site, do: str, holder: Holder, **words: Any) -> LeaseAnswer:
        reply = self._run(host, site, do, holder, **words)
        try:
            return _answer(json.loads(reply.out))
        except UNREADABLE as error:
            raise _unread(host, reply) from error

    def _run(self, host: Host, site: Site, do: str, holder: Holder, **words: Any) -> SshReply:
        request = {
            "do": do,
            **holder.model_dump(),
            "term": LEASE_TERM.total_seconds(),
            "over": [],
            "lapsed": False,
            **words,
        }

        return self._sessions.script(host, site, "remote_lease.py", [json.dumps(request)], _LOOK)


def _unread(host: Host, reply: SshReply) -> PradrillError:
    reason = host_words.last_line(reply.err) or "its answer cannot be read"
    return PradrillError(f"the lease on {host.name} cannot be asked for: {reason}")


def _answer(payload: dict[str, Any]) -> LeaseAnswer:
    """Read what a standby says: of the other's words no more than one line each."""
    other = payload.get("other")
    because = host_words.last_line(str(payload.get("because") or ""))
    ended = because in set(LeaseEnd)
    return LeaseAnswer(
        state=LeaseState(payload["came"]),
        other=other and _holder(other),
        left=payload.get("left", 0.0),
        end=because if ended else None,
        because="" if ended else because,
    )


def _holder(words: dict[str, Any]) -> Holder:
    return Holder(**{key: _word(words, key) for key in Holder.model_fields})


def _word(payload: dict[str, Any], key: str) -> str:
    return host_words.last_line(str(payload.get(key, "unknown")))[:200] or "unknown"
