"""Damage a throw-away copy of a standby over SSH."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from pradrill.adapters.ssh.interpreter import SshReply
from pradrill.adapters.ssh.sessions import Sessions
from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.run.scope import marked
from pradrill.errors import PradrillError
from pradrill.ports import DamageEnd

_GRACE = 5.0  # seconds beside those that the host counts itself


class SshDamager:
    """Runs commands of faults; over the connections of whoever has proven the host."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def ask(
        self, host: Host, site: Site, command: str, values: Mapping[str, str], deadline: float
    ) -> str:
        """Return the first line that a command prints; raises PradrillError when it has none."""
        reply = self._run(host, site, command, values, deadline)
        line = reply.out.partition("\n")[0].strip()
        if reply.code != 0:
            raise PradrillError(_reason(reply))
        if not line:  # the exit code is that of a pipe's last command
            raise PradrillError(last_line(reply.err) if reply.err.strip() else "there is none")
        return line

    def damage(
        self, host: Host, site: Site, command: str, values: Mapping[str, str], deadline: float
    ) -> DamageEnd:
        """Run a command; at the deadline the host ends it, too."""
        reply = self._run(host, site, command, values, deadline)
        return DamageEnd(reply.code, _reason(reply))

    def _run(
        self, host: Host, site: Site, command: str, values: Mapping[str, str], deadline: float
    ) -> SshReply:
        variables = [f"{name}={value}" for name, value in values.items()]
        bounded = shlex.join(
            ["timeout", "-k", "1", f"{deadline:f}", "env", *variables, "sh", "-euc", command]
        )
        words = [marked(site.run_id, bounded)]
        return self._sessions.script(host, site, "remote_reason.py", words, deadline + _GRACE)


def _reason(reply: SshReply) -> str:
    if reply.code == 0:
        return ""
    return last_line(reply.err) if reply.err.strip() else f"exit code {reply.code}"
