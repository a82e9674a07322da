"""Watch which files services open on a host, and read where they come from."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pradrill.adapters.ssh.interpreter import source
from pradrill.adapters.ssh.sessions import Sessions
from pradrill.domain.run.egress import table_of
from pradrill.domain.run.file_map import FileMap, FileOrigin, FileUse
from pradrill.domain.run.host import Host, Site
from pradrill.domain.run.host_answers import last_line
from pradrill.domain.run.scope import MARK
from pradrill.errors import UNREADABLE, PradrillError

_SCRIPT = "remote_files.py"
_DEADLINE = 120.0  # seconds; the script has shorter limits of its own
_FILES, _PROGRAMS, _LONGEST = 1_000, 3, 1_200


class SshFileWatch:
    """Has remote_files.py do it, as root."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions

    def watch(self, host: Host, site: Site) -> None:
        """Begin to write down which files are opened. Raises PradrillError where that fails."""
        self._ask(host, site, "watch", mark=MARK, watcher=source("remote_file_watch.py"))

    def read(self, host: Host, site: Site, roots: Sequence[str]) -> FileMap:
        """End the watch; return what was opened. Raises PradrillError when that is not known."""
        answer = self._ask(host, site, "read", roots=list(roots))
        try:
            return FileMap(
                watched=True,
                complete=True,
                counts={FileOrigin(key): int(each) for key, each in answer["counts"].items()},
                files=tuple(_use(each) for each in answer["files"][:_FILES]),
                unkept=int(answer["unkept"]),
                gone=int(answer["gone"]),
                overflow=answer["overflow"] is True,
                unmarked=tuple(_plain(each) for each in answer["unmarked"][:_FILES]),
            )
        except UNREADABLE as error:
            raise _unreadable(host) from error

    def _ask(self, host: Host, site: Site, what: str, **more: Any) -> dict[str, Any]:
        request = {"do": what, "socket": f"{table_of(site.run_id)}_files", "run": site.run_id}
        words = [source(_SCRIPT), json.dumps({**request, **more})]
        reply = self._sessions.script(host, site, _SCRIPT, words, _DEADLINE, sudo=True)
        if reply.code != 0 or not reply.whole:
            raise PradrillError(f"{host.name}: {last_line(reply.err)}")
        try:
            answer = dict(json.loads(reply.out))
        except UNREADABLE as error:
            raise _unreadable(host) from error
        if "fault" in answer:
            raise PradrillError(f"{host.name}: {_because(answer)}")
        return answer


def _use(payload: Any) -> FileUse:
    path, origin, programs, altered = payload
    return FileUse(
        path=_plain(path),
        origin=FileOrigin(origin),
        programs=tuple(_plain(each) for each in programs[:_PROGRAMS]),
        altered=altered is True,
    )


def _plain(text: Any) -> str:
    """Return a path as it can be written anywhere."""
    return "".join(c if c.isprintable() else "?" for c in str(text)[:_LONGEST])


def _because(answer: dict[str, Any]) -> str:
    what = last_line(str(answer.get("because", "")))
    return {
        "ended": "what watched had ended before it was read",
        "fanotify": f"the kernel does not let files be watched: {what}",
        "root": "it takes root, or sudo",
    }.get(str(answer["fault"]), what)


def _unreadable(host: Host) -> PradrillError:
    return PradrillError(f"what {host.name} says of the files that were opened cannot be read")
