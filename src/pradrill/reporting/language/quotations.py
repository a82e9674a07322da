"""Translate words of others that stand in reports again and again: a system's errors, a holder's.

They have no code, for whoever wrote them knows none. What is not listed is quoted as it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache

from pradrill.reporting.language import formats
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

FORMS = (
    # why a backup cannot be restored from, the particular before the general
    N_("Barman calls it %(status)s: not every log that makes it consistent has been archived"),
    N_("Barman calls it %(status)s: it is under way"),
    N_("Barman calls it %(status)s: it is still being copied"),
    N_("Barman calls it %(status)s"),
    N_("page checksums failed while it was made"),
    N_("it rests on %(backup)s, which is not in the repository"),
    N_("not every log that makes it consistent is in the archive: %(log)s"),
    N_("it is empty"),
    N_("it was written to less than %(length)s ago: it may be unfinished"),
    N_("%(name)s says that it is being written"),
    N_("%(name)s is missing"),
    N_("%(maker)s did not come to its end: no %(name)s is there"),
    N_("its name holds characters that a playbook could take for something else"),
    N_("it is dated %(instant)s, in the future"),
    N_('"%(date)s" does not exist in %(zone)s: the clocks were put forward over it'),
    N_('"%(date)s" is not between the years %(first)s and %(last)s'),
    # how backups were checked
    N_("reading the whole dump, %(title)s of each of its files"),
    N_("reading the whole dump, %(packing)s's checksum"),
    N_("reading the whole dump, %(title)s"),
    N_("reading the whole dump"),
    N_("reading the dump"),
    # what the check came to
    N_("the tar archive is cut off"),
    N_("the SQLite database is cut off"),
    N_("the SQL dump has no end: it is cut off"),
    N_("the SQL dump says that it was not finished"),
    N_("it is cut off"),
    N_("zeros stand behind its end, which its tool does not take"),
    N_("zeros stand in it, which no SQL has"),
    N_("nothing but zeros is in it"),
    N_("what made it ended with an error: %(words)s"),
    N_("%(maker)s did not come to its end: its metadata file does not say so"),
    N_("its %(title)s is not the one beside it"),
    N_("its archive of logs is incomplete or damaged"),
    N_("more stands behind its end than its maker writes"),
    N_("its first line is a word of the tool's that made it, and no SQL: write 2> apart"),
    N_("dumps that begin in it do not come to their end: %(count)s"),
    N_("it is complete, but nothing would tell a changed byte; write its SHA-256 beside it"),
    N_("nothing in it marks its end, and it has no checksum; write its SHA-256 beside it"),
    N_(
        "it is %(closed)s, which is not read here, and it has no checksum; "
        "write its SHA-256 beside it"
    ),
    N_("packed with %(packing)s"),
    N_("packed more than once"),
    N_("encrypted with %(packing)s"),
    N_("text of two bytes a letter (UTF-16)"),
    N_("what is beside it is no checksum that is read here"),
    N_("%(count)s files have no checksum; write SHA256SUMS into the folder"),
    N_("%(name)s is gone"),
    N_("%(name)s is not there any more"),
    N_("not done in %(count)s s"),
    N_("the repository was changed meanwhile"),
    N_("this user may not see whether the logs that make it consistent are there"),
    N_("whether the logs that make it consistent are there was not told"),
    N_("it has no backup_manifest; run barman generate-manifest after a backup"),
    N_("this pgbackrest does not tell; verify needs 2.45 or newer"),
    # who holds a standby
    N_("run %(run)s (pid %(pid)s)"),
)

_HELD = re.compile(
    r"the standby (?P<standby>\S+) is held by (?P<holder>.+?)"
    r"(?:, until (?P<until>[0-9:]+ UTC) unless it holds on)?",
    re.DOTALL,
)
_ONE_OF = {
    "status": r"\w+", "name": r"\S+", "log": r"\S+", "length": r"[0-9][0-9a-z]*",
    "run": r"\S+", "maker": r"[\w ]+", "backup": r"\S+", "instant": r"[0-9: -]+ UTC",
    "date": r"[0-9: +-]+", "zone": r"[\w/+-]+", "first": r"\d{4}", "last": r"\d{4}",
    "pid": r"\d+", "count": r"[0-9.e+]+", "title": r"[\w/-]+", "packing": r"[\w-]+",
}  # fmt: skip
_SAID = re.compile(r"(?P<who>[^:]{1,80}): (?P<words>.+)", re.DOTALL)


def spoken(text: str) -> str | None:
    """Say a text in the report's language; None when it is none of these."""
    plain = text.strip().rstrip(".").casefold()
    for saying in SAYINGS:
        if plain == saying.casefold():
            return _(saying)

    for form, pattern in _patterns():
        match = pattern.fullmatch(text)
        if match is not None:
            return _(form, **{name: _value(name, each) for name, each in match.groupdict().items()})

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


def _value(name: str, text: str) -> str:
    """Say a value as the report's language does."""
    if name == "closed":
        return spoken(text) or text
    if name == "length":
        return formats.respelt(text)
    if name == "instant":
        with suppress(ValueError):  # somebody else may have written it
            return formats.at(datetime.strptime(text, "%Y-%m-%d %H:%M:%S UTC").replace(tzinfo=UTC))
    return text


@cache
def _patterns() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((form, re.compile("".join(_regex(form)))) for form in FORMS)


def _regex(form: str) -> Iterator[str]:
    """Yield the pieces of a pattern that recognises what was composed after the form."""
    for number, piece in enumerate(re.split(r"%\((\w+)\)s", form)):
        yield f"(?P<{piece}>{_ONE_OF.get(piece, '.+?')})" if number % 2 else re.escape(piece)


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
