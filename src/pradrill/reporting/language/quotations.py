"""Translate words of others that stand in reports again and again: a system's errors, a holder's.

They have no code, for whoever wrote them knows none. What is not listed is quoted as it is.
"""

from __future__ import annotations

import re

from pradrill.reporting.language.i18n import N_, _

SAYINGS = (
    # what a kernel says, with small letters as they are recorded
    N_("network is unreachable"),
    N_("no route to host"),
    N_("host is down"),
    N_("connection refused"),
    N_("connection reset by peer"),
    N_("connection timed out"),
    N_("operation not permitted"),
    N_("permission denied"),
    N_("no space left on device"),
    N_("name or service not known"),
    N_("temporary failure in name resolution"),
    # what records of format 1 have as a text
    N_("a provider's times run from when the call was asked for, dialling included"),
    # what a folder of dumps has beside a dump
    N_("a SHA-256 beside it"),
    N_("a checksum beside it"),
    N_("none beside it"),
)

_HELD = re.compile(
    r"the standby (?P<standby>\S+) is held by (?P<holder>.+?)"
    r"(?:, until (?P<until>[0-9:]+ UTC) unless it holds on)?",
    re.DOTALL,
)
_RUN = re.compile(r"run (?P<run>\S+) \(pid (?P<pid>\d+)\)")
_SAID = re.compile(r"(?P<who>[^:]{1,80}): (?P<words>.+)", re.DOTALL)


def spoken(text: str) -> str | None:
    """Say a text in the report's language; None when it is none of these."""
    plain = text.strip().rstrip(".").casefold()
    for saying in SAYINGS:
        if plain == saying.casefold():
            return _(saying)

    running = _RUN.fullmatch(text)
    if running is not None:
        return _("run %(run)s (pid %(pid)s)", **running.groupdict())
    busy = _HELD.fullmatch(text)
    if busy is not None:
        return _busy(**busy.groupdict())
    quotation = _SAID.fullmatch(text)
    words = None if quotation is None else spoken(quotation["words"])
    if quotation is None or words is None:
        return None
    if quotation["who"] == "closed":  # as records of format 1 have it
        return _("closed: %(because)s", because=words)
    return f"{quotation['who']}\u00a0: {words}"


def _busy(standby: str, holder: str, until: str | None) -> str:
    holder = spoken(holder) or holder
    if until is None:
        return _("the standby %(standby)s is held by %(holder)s", standby=standby, holder=holder)
    return _(
        "the standby %(standby)s is held by %(holder)s, until %(until)s unless it holds on",
        standby=standby,
        holder=holder,
        until=until,
    )
